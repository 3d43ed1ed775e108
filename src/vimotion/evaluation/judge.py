"""The judge: which interaction two people do, by the geometry of their joints alone.

It never sees a label, a caption or a token. Each rule says in numbers what must physically happen, so that a bad motion
fails; rules are written to exclude one another. Their limits were set on scripted scenes of the *training* seeds, with
room for the few centimetres that a motion codec loses, and are fixed for every contestant.
"""

from __future__ import annotations

from collections.abc import Callable

from vimotion.evaluation.findings import Finding
from vimotion.evaluation.plausibility import implausible
from vimotion.evaluation.rules_apart import bow, punch_dodge, rock_paper_scissors, wave
from vimotion.evaluation.rules_on_foot import chase, pass_by, walk_together
from vimotion.evaluation.rules_touch import handshake, high_five, hug, pat_back, push
from vimotion.evaluation.signals import Signals
from vimotion.motion import Interaction

RULES: dict[str, Callable[[Signals], Finding | None]] = {
    "handshake": handshake,
    "hug": hug,
    "high_five": high_five,
    "bow": bow,
    "wave": wave,
    "push": push,
    "punch_dodge": punch_dodge,
    "pat_back": pat_back,
    "walk_together": walk_together,
    "pass_by": pass_by,
    "chase": chase,
    "rock_paper_scissors": rock_paper_scissors,
}


def find(interaction: Interaction, kind: str) -> Finding | None:
    """What of this kind happens between two people: who acts, with which hand, how often, when; None where it does not."""
    if kind not in RULES:
        raise ValueError(f"The judge has no rule for {kind!r}; it knows {', '.join(RULES)}.")
    return RULES[kind](Signals(interaction))


def is_kind(interaction: Interaction, kind: str) -> bool:
    """Whether the two people do this, in a motion that bodies could make."""
    return implausible(interaction) is None and find(interaction, kind) is not None


def recognise(interaction: Interaction) -> dict[str, Finding | None]:
    """Every rule's finding."""
    signals = Signals(interaction)
    return {kind: rule(signals) for kind, rule in RULES.items()}
