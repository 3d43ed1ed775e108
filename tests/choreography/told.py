"""Kinds as far as captions know them, with the words of the files in `words/`, and scenes drawn from them."""

from pathlib import Path

import numpy as np

from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.manner import MANNERS
from vimotion.choreography.parameters import Act, SceneParameters

WORDS = Path(__file__).parents[2] / "words"
COUNTED = {
    "handshake", "high_five", "bow", "wave", "push", "punch_dodge", "pat_back", "rock_paper_scissors", "hit", "pat_cheek",
    "clap_hands", "tap_shoulder",
}  # fmt: skip
# Kinds that walk in a way of their own: nobody walks up before them.
WALKING = {"pass_by", "chase", "walk_towards", "look_back", "collide_arms", "follow_leader", "walk_together"}
SITTING = {"arm_wrestle": ("chair", "chair"), "sit_on_leg": ("stand", "chair"), "massage_leg": ("stand", "chair"),
           "help_up": ("stand", "ground")}  # fmt: skip


def _kind(name: str, words: str) -> Kind:
    counts = (1, 2, 3, 4) if name in COUNTED else (1,)
    mutual, sided = "@both" in words, "{side}" in words or "@opposite" in words
    start = Arrangement(1.0)
    begins = (lambda random, far: start) if name in WALKING else start
    postures = (SITTING.get(name, ("stand", "stand")),)
    return Kind(name, lambda stage, begin: begin, begins, words, mutual, sided, counts, postures=postures)


KINDS = {path.stem: _kind(path.stem, path.read_text(encoding="utf-8")) for path in sorted(WORDS.glob("*.txt"))}


def draw(random: np.random.Generator, kind: str, acts: int = 1) -> SceneParameters:
    """Parameters of a scene that begins with an act of this kind."""
    names = [kind, *random.choice([name for name in KINDS if name not in SITTING], acts - 1)]
    first = KINDS[kind]
    actor = "ab"[int(random.integers(2))]
    postures = first.postures[0] if actor == "a" else first.postures[0][::-1]

    def act(name: str, actor: str) -> Act:
        side = str(random.choice(["left", "right"])) if KINDS[name].sided else "right"
        return Act(name, actor, side, int(random.choice(KINDS[name].counts)))  # type: ignore[arg-type]

    return SceneParameters(
        (act(kind, actor), *(act(str(name), "ab"[int(random.integers(2))]) for name in names[1:])),
        tuple(str(random.choice(["neutral", *MANNERS])) for _ in "ab") if random.random() < 0.7 else ("shy", "shy"),
        str(random.choice(["slow", "normal", "fast"])),  # type: ignore[arg-type]
        str(random.choice(["near", "far"])),  # type: ignore[arg-type]
        postures,
        str(random.choice(["stay", "part"])),  # type: ignore[arg-type]
    )
