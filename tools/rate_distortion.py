"""How good a codec is for its tokens: trains short runs and prints a table for LOG.md.

    python tools/rate_distortion.py --corpus corpora/scripted --minutes 8

One run for each step length and codebook size; quantizer dropout makes every number of levels a codec of its own, so one
run fills the rows of all levels. A run that is already there is resumed or, when finished, only measured again.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from vimotion.artifacts import run_folder, vimotion_home
from vimotion.config import load_config
from vimotion.corpora.store import open_store
from vimotion.tokenizer import MotionTokenizer
from vimotion.tokenizer.quality import reconstruction_errors
from vimotion.training.tokenizer import TokenizerRecipe, train_tokenizer

_COLUMNS = ("world_mm", "root_mm", "local_mm", "between_mm", "contact_mm", "contact_difference_mm")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", default="corpora/scripted", help="prepared store, under the VIMotion home or absolute")
    parser.add_argument("--minutes", type=float, default=8, help="training time of each run")
    parser.add_argument("--steps", type=int, nargs="+", default=[4, 8], help="frames a step")
    parser.add_argument("--codebooks", type=int, nargs="+", default=[256, 512], help="codebook sizes")
    parser.add_argument("--levels", type=int, default=8, help="levels of every run")
    parser.add_argument("--clips", type=int, default=100, help="validation clips measured")
    parser.add_argument("--set", nargs="*", default=[], metavar="a.b=value", help="changes of the recipe")
    arguments = parser.parse_args()
    print("| step | codebook | levels | tokens/s of two | " + " | ".join(name[:-3] for name in _COLUMNS) + " |")
    print("|" + "---|" * (4 + len(_COLUMNS)), flush=True)
    for step_frames in arguments.steps:
        for size in arguments.codebooks:
            for row in rows(arguments, step_frames, size):
                print("| " + " | ".join(row) + " |", flush=True)


def rows(arguments: argparse.Namespace, step_frames: int, size: int) -> list[list[str]]:
    """Train one codec and measure it with each number of levels that stays within 60 tokens a second."""
    name = f"rate-distortion-{step_frames}x{size}"
    spec = f"codec.spec={{step_frames: {step_frames}, levels: {arguments.levels}, codebook_size: {size}}}"
    changes = [spec, f"name={name}", f"corpus={arguments.corpus}", f"loop.max_minutes={arguments.minutes}"]
    recipe = load_config(TokenizerRecipe, None, ["loop.steps=1000000", "loop.precision=fp32", *changes, *arguments.set])
    folder = train_tokenizer(recipe, resume=run_folder(name).exists())
    tokenizer = MotionTokenizer.load(folder)
    store = open_store(vimotion_home() / arguments.corpus)
    chosen = store.split("val")[: arguments.clips]
    found = []
    for levels in range(1, arguments.levels + 1):
        coarse = tokenizer.with_levels(levels)
        tokens = 2 * levels * coarse.spec.steps_per_second
        if tokens > 60:
            break
        errors = reconstruction_errors(coarse, ((store[i].features, store[i].facts) for i in chosen))
        figures = [f"{errors[name]:.0f}" if name in errors else "–" for name in _COLUMNS]
        found.append([str(step_frames), str(size), str(levels), f"{tokens:g}", *figures])
        print(f"{Path(folder).name}: {levels} levels measured", file=sys.stderr)
    return found


if __name__ == "__main__":
    main()
