"""A conversation of three turns with the shipped model: make a motion, change it, ask about it. Writes demo/.

python tools/demo.py [--model FOLDER]
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import vimotion
from vimotion.chat.motions import Motion
from vimotion.errors import UserError

OUTPUT = Path("demo")
TURNS = (
    (
        "The first person throws a punch and the second person ducks. Make it 4 seconds long.",
        {"motion": "must", "duration": 4.0},
    ),
    ("Make it slower.", {"motion": "must"}),
    ("What are the two people doing?", {"motion": "no"}),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", help="a model folder or a training run; default: the shipped model")
    began = time.monotonic()
    session = vimotion.load(parser.parse_args().model).chat()
    OUTPUT.mkdir(exist_ok=True)
    written: list[Path] = []
    for text, wish in TURNS:
        print(f"\nyou      {text}")
        answer = session.say(text, seed=1, **wish)
        for part in answer.parts:
            if isinstance(part, Motion):
                print(f"vimotion {part.reference} ({part.duration:.1f} seconds, {answer.tokens} tokens)")
                written += save_all(part, text)
            else:
                print(f"vimotion {part}")
    print("\nwritten:")
    for path in written:
        print(f"  {path}  {path.stat().st_size / 1000:.0f} kB")
    print(f"\n{time.monotonic() - began:.0f} seconds")


def save_all(motion: Motion, title: str) -> list[Path]:
    """Every kind of file that a user may want of a motion."""
    from vimotion.formats.sheet import save_sheet

    files = [path for ending in ("glb", "bvh", "npz", "webp") for path in motion.save(OUTPUT / f"{motion.name}.{ending}")]
    sheet = OUTPUT / f"{motion.name}.png"
    save_sheet(motion.interaction, sheet, title=title)
    return [*files, sheet]


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
