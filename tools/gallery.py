"""Contact sheets for docs/gallery/ and their page: every interaction as scripted, the sentences of the project page acted out
by the script, and what the shipped model and InterGEN make of plain sentences.

python tools/gallery.py                      all that is scripted (minutes)
python tools/gallery.py --kinds hug bow      only these kinds
python tools/gallery.py --generated          as well as what the model makes
python tools/gallery.py --diffused           as well as what InterGEN makes
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from vimotion.choreography import KINDS, SceneParameters, make_scene, plain_scene
from vimotion.choreography.captions import caption
from vimotion.choreography.parameters import Act
from vimotion.formats.sheet import save_sheet
from vimotion.motion import Interaction

GALLERY = Path(__file__).parents[1] / "docs" / "gallery"
# Bytes: the pictures go into git. A sheet that is too large is drawn with fewer frames.
LARGEST, ALL = 60_000, 4_000_000
FRAMES = (6, 5, 4)

# The sentences of VIM's project page, each with the scene that acts it out; the first becomes sentence_1.png.
PAGE_SENTENCES: list[tuple[str, SceneParameters]] = [
    (
        "One person pats the other on the back, and the other person turns to look.",
        SceneParameters((Act("pat_back", count=3),), distance="far", seed=1),
    ),
    (
        "The first person holds onto the second's right forearm, then stumbles and drags them down.",
        SceneParameters((Act("drag_down", side="left"),), seed=1),
    ),
    (
        "One person approaches and massages the other's shoulders using both hands.",
        SceneParameters((Act("massage_shoulders"),), distance="far", seed=1),
    ),
    (
        "One person steps forward and steps on the left foot of the other person.",
        SceneParameters((Act("step_on_foot"),), seed=1),
    ),
    (
        "Two people sit facing each other, taking turns to play rock-paper-scissors by waving their right arms to the"
        " right three times each.",
        SceneParameters((Act("rock_paper_scissors", count=3),), postures=("chair", "chair"), seed=1),
    ),
    (
        "Two people face each other and raise both hands in front of their heads. Then, they move forward and clap.",
        SceneParameters((Act("clap_hands"),), seed=1),
    ),
    (
        "The initial individual is seated on the chair. The subsequent individual approaches from the left of the first person,"
        " grasps his/her left arm with both hands, and assists him/her in rising.",
        SceneParameters((Act("help_up", "b"),), distance="far", postures=("chair", "stand"), seed=1),
    ),
    (
        "Two people walk towards each other, and when they meet, their arms collide.",
        SceneParameters((Act("collide_arms"),), distance="far", seed=1),
    ),
]

# What the model is asked for, one plain sentence a kind; it has seen such sentences, not necessarily these.
ASKED = {
    "handshake": "Two people walk up to each other and shake hands.",
    "hug": "Two friends hug each other.",
    "high_five": "One person raises a hand and the other gives them a high five.",
    "bow": "Two people bow to each other.",
    "wave": "The first person waves at the second person with the right hand.",
    "push": "The first person pushes the second person away with both hands.",
    "punch_dodge": "The first person throws a punch and the second person ducks.",
    "pat_back": "The first person pats the second person on the back.",
    "walk_together": "Two people walk side by side.",
    "pass_by": "Two people walk past each other.",
    "chase": "The first person chases the second person, who runs away.",
    "rock_paper_scissors": "Two people play rock paper scissors.",
}

# What InterGEN is asked for: the same, and what the shipped model was not taught.
DIFFUSED = (
    *ASKED.values(),
    "The first person kicks the second person with the right leg.",
    "The first person sits on a chair and the second person massages the first person's shoulders.",
    "One person whispers something into the other person's ear.",
    "The first person carries the second person on the back.",
    "Two people dance with each other.",
    "The first person points at the second person.",
    "The first person helps the second person up from the ground.",
    "The first person slaps the second person in the face with the left hand.",
)


def draw(motion: Interaction, path: Path, title: str) -> None:
    for frames in FRAMES:
        save_sheet(motion, path, frames=frames, columns=frames, title=title)
        if path.stat().st_size <= LARGEST:
            return
    raise SystemExit(f"{path} has {path.stat().st_size:,} bytes even with {FRAMES[-1]} frames; {LARGEST:,} are allowed.")


def scripted(kinds: list[str], output: Path) -> None:
    for kind in kinds:
        parameters = plain_scene(kind, seed=4)
        text = caption(parameters, KINDS, np.random.default_rng(list(KINDS).index(kind)), "sentence")
        draw(make_scene(parameters).interaction, output / f"{kind}.scripted.png", f"{kind}, scripted: {text}")


def page_sentences(output: Path) -> None:
    for number, (sentence, parameters) in enumerate(PAGE_SENTENCES, 1):
        draw(make_scene(parameters).interaction, output / f"sentence_{number}.png", sentence)


def generated(output: Path) -> None:
    import vimotion

    model = vimotion.load()
    for kind, sentence in ASKED.items():
        motion = model.generate(sentence, duration=4.0, seed=1)
        draw(motion.interaction, output / f"{kind}.generated.png", sentence)


def diffused(output: Path) -> None:
    from vimotion.intergen import SHIPPED, MotionGenerator

    motions = MotionGenerator.load(SHIPPED).sample(list(DIFFUSED), 120, seed=1)
    for number, (sentence, motion) in enumerate(zip(DIFFUSED, motions, strict=True), 1):
        draw(motion, output / f"intergen_{number}.png", sentence)


def index(output: Path) -> str:
    """The page of the sheets that lie in `output`."""
    sections = {
        "The sentences of the project page, scripted": [
            (sentence, f"sentence_{number}.png") for number, (sentence, _) in enumerate(PAGE_SENTENCES, 1)
        ],
        "Made by InterGEN": [(sentence, f"intergen_{number}.png") for number, sentence in enumerate(DIFFUSED, 1)],
        "Made by the shipped model": [(sentence, f"{kind}.generated.png") for kind, sentence in ASKED.items()],
        "The interactions of the scripted corpus": [(kind.replace("_", " "), f"{kind}.scripted.png") for kind in KINDS],
    }
    lines = [
        "# Gallery",
        "",
        "Moments of each motion, evenly spaced; person a is orange, person b blue. `python tools/gallery.py` draws them.",
    ]
    for title, sheets in sections.items():
        there = [(text, name) for text, name in sheets if (output / name).is_file()]
        lines += ["", f"## {title}"] if there else []
        for text, name in there:
            lines += ["", f"**{text}**", "", f"![{text}]({name})"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS), metavar="KIND")
    parser.add_argument("--generated", action="store_true", help="also what the shipped model makes")
    parser.add_argument("--diffused", action="store_true", help="also what InterGEN makes")
    parser.add_argument("--output", type=Path, default=GALLERY)
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    scripted(arguments.kinds, arguments.output)
    page_sentences(arguments.output)
    if arguments.generated:
        generated(arguments.output)
    if arguments.diffused:
        diffused(arguments.output)
    (arguments.output / "README.md").write_text(index(arguments.output), encoding="utf-8")
    size = sum(path.stat().st_size for path in arguments.output.glob("*.png"))
    if size > ALL:
        raise SystemExit(f"The pictures have {size:,} bytes together; {ALL:,} are allowed.")
