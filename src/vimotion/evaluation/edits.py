"""Whether an edit changed what was asked, in the right direction, and kept the interaction: by geometry alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vimotion.evaluation.findings import Finding
from vimotion.evaluation.judge import find
from vimotion.evaluation.signals import Signals, smooth, velocity
from vimotion.motion import FPS, Interaction

# What counts as a change: less than the smallest of scripted edits (1.07, 1.19 and 1.4), more than nothing.
_SPEED_RATIO, _EFFORT_RATIO, _DISTANCE_RATIO = 1.05, 1.1, 1.2


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
    """How fast the two move: speed of the fastest of the four hands in the world, 95th percentile over time, m/s."""
    return float(np.percentile(np.linalg.norm(Signals(interaction).palm_velocity, axis=-1).max(axis=(1, 2)), 95))


def effort_measure(interaction: Interaction, actor: str) -> float:
    """How hard the actor ("a" or "b") acts, from the faster hand: geometric mean of peak acceleration (95th percentile over
    time, m/s²) and peak speed as seen from the own pelvis (97th, m/s). Acceleration alone drowns in the noise of a codec."""
    signals, person = Signals(interaction), "ab".index(actor)
    palms = signals.palms[:, person]
    acceleration = np.gradient(velocity(smooth(palms, 3)), axis=0) * FPS
    swing = np.gradient(smooth(palms - signals.joint(person, "pelvis")[:, None]), axis=0) * FPS
    peaks = (np.percentile(np.linalg.norm(v, axis=-1).max(axis=1), at) for v, at in ((acceleration, 95), (swing, 97)))
    return float(np.sqrt(np.prod(list(peaks))))


def start_distance(interaction: Interaction) -> float:
    """Horizontal metres between the two pelvises in the first frame."""
    return float(Signals(interaction).pelvis_distance[0])


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
