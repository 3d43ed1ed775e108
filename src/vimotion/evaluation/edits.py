"""Whether an edit changed what was asked, in the right direction, and kept the interactions: by geometry alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from vimotion.evaluation.findings import Finding
from vimotion.evaluation.judge import find_acts
from vimotion.evaluation.manners import SHOWN, takes_on
from vimotion.evaluation.signals import Signals
from vimotion.motion import Interaction

# What counts as a change: less than the smallest of scripted edits, more than nothing.
_SPEED_RATIO, _DISTANCE_RATIO = 1.05, 1.2
# Weaker and stronger forms of one way of doing things, in order.
_FORCE = ("gentle", "neutral", "forceful")


def edit_failure(
    before: Interaction,
    after: Interaction,
    kinds: Sequence[str],
    edit: str,
    manners: tuple[str, str] = ("neutral", "neutral"),
) -> str | None:
    """Why `after` is not `before` with this edit done (a few words), or None where it is.

    Args:
        kinds: the interactions of the scene, in order; of several the first is meant.
        edit: a name of `choreography.possible_edits`: "faster", "slower", "more_forceful", "gentler", "more_often",
            "less_often", "other_hand", "other_person", "start_near", "start_far"; or a manner and who takes it on, "tired b".
        manners: of the two people before.

    Raises:
        ValueError: there is no such edit.
    """
    asked = _asked_manners(edit, manners)
    if not asked and edit not in _CHANGES:
        names = ", ".join([*_CHANGES, "more_forceful", "gentler"])
        raise ValueError(f"The judge knows no edit {edit!r}; it knows {names}, and manners with who takes them on.")
    old, new = find_acts(before, kinds), find_acts(after, kinds)
    if old is None:
        return "the interaction is not in the motion before"
    if new is None:
        return "the interaction is gone"
    if asked:
        done = all(takes_on(before, after, person, manners[person], manner) for person, manner in asked)
    else:
        done = _CHANGES[edit](_Seen(before, old[0]), _Seen(after, new[0]))
    return None if done else f"not {edit.replace('_', ' ')}"


def speed_measure(interaction: Interaction) -> float:
    """How fast the two move: speed of the fastest of the four hands in the world, 95th percentile over time, m/s."""
    return float(np.percentile(np.linalg.norm(Signals(interaction).palm_velocity, axis=-1).max(axis=(1, 2)), 95))


def start_distance(interaction: Interaction) -> float:
    """Horizontal metres between the two pelvises in the first frame."""
    return float(Signals(interaction).pelvis_distance[0])


def _asked_manners(edit: str, manners: tuple[str, str]) -> list[tuple[int, str]]:
    """Which person (0 or 1) has to take on which manner for an edit; nobody where it is about something else."""
    name, _, who = edit.partition(" ")
    if name in SHOWN and who in ("a", "b", "ab"):
        return [(person, name) for person in ("ab".index(letter) for letter in who) if manners[person] != name]
    step = {"more_forceful": 1, "gentler": -1}.get(edit, 0)
    return [(person, _FORCE[_FORCE.index(manners[person]) + step]) for person in (0, 1)] if step else []


class _Seen:
    """A motion and what was found in it."""

    def __init__(self, interaction: Interaction, finding: Finding) -> None:
        self.interaction, self.finding = interaction, finding

    @property
    def speed(self) -> float:
        return speed_measure(self.interaction)

    @property
    def distance(self) -> float:
        return start_distance(self.interaction)


_CHANGES: dict[str, Callable[[_Seen, _Seen], bool]] = {
    "faster": lambda old, new: new.speed > old.speed * _SPEED_RATIO,
    "slower": lambda old, new: new.speed < old.speed / _SPEED_RATIO,
    "more_often": lambda old, new: new.finding.count > old.finding.count,
    "less_often": lambda old, new: new.finding.count < old.finding.count,
    "other_hand": lambda old, new: new.finding.side != old.finding.side,
    "other_person": lambda old, new: new.finding.actor != old.finding.actor,
    "start_near": lambda old, new: new.distance < old.distance / _DISTANCE_RATIO,
    "start_far": lambda old, new: new.distance > old.distance * _DISTANCE_RATIO,
}
