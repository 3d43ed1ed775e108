"""Contact sheets of every interaction for docs/gallery/: as scripted, and as the shipped model makes it from a sentence.

python tools/gallery.py                 both
python tools/gallery.py --scripted      only the scripted ones (no model needed)
"""

from __future__ import annotations

import argparse
from pathlib import Path

from vimotion.choreography import KINDS, SceneParameters, make_scene
from vimotion.formats.sheet import save_sheet

OUTPUT = Path(__file__).parents[1] / "docs" / "gallery"

# One plain sentence a kind; the model has seen such sentences, not necessarily these.
SENTENCES = {
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


def scripted() -> None:
    for kind, allowed in KINDS.items():
        parameters = SceneParameters(kind, count=allowed.counts[0], distance=allowed.distances[0], seed=4)
        save_sheet(
            make_scene(parameters).interaction, OUTPUT / f"{kind}.scripted.png", frames=6, columns=6, title=f"{kind}, scripted"
        )


def generated() -> None:
    import vimotion

    model = vimotion.load()
    for kind, sentence in SENTENCES.items():
        motion = model.generate(sentence, duration=4.0, seed=1)
        save_sheet(motion.interaction, OUTPUT / f"{kind}.generated.png", frames=6, columns=6, title=sentence)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scripted", action="store_true", help="only the scripted sheets")
    arguments = parser.parse_args()
    OUTPUT.mkdir(parents=True, exist_ok=True)
    scripted()
    if not arguments.scripted:
        generated()
