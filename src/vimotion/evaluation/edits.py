"""Whether an edit changed what was asked, in the right direction, and kept the interaction: by geometry alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vimotion.evaluation.findings import Finding
from vimotion.evaluation.judge import find
from vimotion.evaluation.signals import Signals, smooth, velocity
from vimotion.motion import FPS, Interaction

# What counts as a change. Scripted edits move speed by 1.12 and effort by 1.2 at least; a copy with codec noise does not.
_SPEED_RATIO, _EFFORT_RATIO, _DISTANCE_RATIO = 1.06, 1.1, 1.2


def edit_failure(before: Interaction, after: Interaction, kind: str, edit: str) -> str | None:
    """Why `after` is not `before` with this edit done (a few words), or None where it is.

    `edit` is a name of `choreography.possible_edits`: "faster", "slower", "more_forceful", "gentler", "more_often",
    "less_often", "other_hand", "other_person", "start_near", "start_far".
    """
    if edit not in _CHANGES:
        raise ValueError(f"The judge knows no edit {edit!r}; it knows {', '.join(_CHANGES)}.")
    old, new = find(before, kind), find(after, kind)
    if old is None:
        return "the interaction is not in the motion before"
    if new is None:
        return "the interaction is gone"
    if not _CHANGES[edit](_Seen(before, old), _Seen(after, new)):
        return f"not {edit.replace('_', ' ')}"
    return None


def speed_measure(interaction: Interaction) -> float:
    """How fast the two move, m/s: geometric mean of the mean speed of all joints and of how fast the fastest hand gets
    (95th percentile over time)."""
    speed = np.linalg.norm(velocity(Signals(interaction).interaction.joint_positions), axis=-1)
    hands = np.percentile(_fastest_hand(np.linalg.norm(Signals(interaction).palm_velocity, axis=-1)), 95)
    return float(np.sqrt(speed.mean() * hands))


def effort_measure(interaction: Interaction, actor: str) -> float:
    """How hard the actor ("a" or "b") moves the hands: 95th percentile over time of the harder one's acceleration, m/s²."""
    palms = Signals(interaction).palms[:, "ab".index(actor)]
    acceleration = np.gradient(velocity(smooth(palms, 3)), axis=0) * FPS
    return float(np.percentile(_fastest_hand(np.linalg.norm(acceleration, axis=-1)), 95))


def start_distance(interaction: Interaction) -> float:
    """Horizontal metres between the two pelvises in the first frame."""
    return float(Signals(interaction).pelvis_distance[0])


def _fastest_hand(values: np.ndarray) -> np.ndarray:
    """(T, ...) → (T,): the largest of each frame."""
    largest: np.ndarray = values.reshape(len(values), -1).max(axis=1)
    return largest


class _Seen:
    """A motion and what was found in it."""

    def __init__(self, interaction: Interaction, finding: Finding) -> None:
        self.interaction, self.finding = interaction, finding

    @property
    def speed(self) -> float:
        return speed_measure(self.interaction)

    @property
    def effort(self) -> float:
        return effort_measure(self.interaction, self.finding.actor)

    @property
    def distance(self) -> float:
        return start_distance(self.interaction)


_CHANGES: dict[str, Callable[[_Seen, _Seen], bool]] = {
    "faster": lambda old, new: new.speed > old.speed * _SPEED_RATIO,
    "slower": lambda old, new: new.speed < old.speed / _SPEED_RATIO,
    "more_forceful": lambda old, new: new.effort > old.effort * _EFFORT_RATIO,
    "gentler": lambda old, new: new.effort < old.effort / _EFFORT_RATIO,
    "more_often": lambda old, new: new.finding.count > old.finding.count,
    "less_often": lambda old, new: new.finding.count < old.finding.count,
    "other_hand": lambda old, new: new.finding.side != old.finding.side,
    "other_person": lambda old, new: new.finding.actor != old.finding.actor,
    "start_near": lambda old, new: new.distance < old.distance / _DISTANCE_RATIO,
    "start_far": lambda old, new: new.distance > old.distance * _DISTANCE_RATIO,
}
