"""In which manner a person moves, by how the body is held and how quickly: the change from one clip to another.

The other clip is the motion before an edit, or the same scene with this person in nobody's manner.

What a manner changes was measured on scripted scenes of the *training* seeds, as medians against the same scene with nobody's
manner; it is fixed for every contestant.
"""

from __future__ import annotations

import numpy as np

from vimotion.evaluation.signals import Signals, smooth
from vimotion.motion import FPS, JOINT, Interaction

# What is measured of a person, and how far one clip strays from the next in it where nobody's manner changes.
MEASURES = {
    "nod": 3.0,  # degrees of the head forward against the chest
    "chest": 1.0,  # degrees of the upper chest forward against the pelvis
    "trunk": 0.8,  # degrees from pelvis to neck forward
    "height": 1.0,  # of the pelvis, % of standing upright
    "stance": 1.2,  # centimetres between the ankles, across
    "hands": 0.2,  # logarithm of the speed of the faster hand against the pelvis, m/s
    "time": 0.1,  # logarithm of how long the clip lasts
}
SHOWN = {
    "neutral": (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    "gentle": (3.7, 2.9, 1.0, -0.4, -2.4, -0.22, 0.05),
    "forceful": (1.1, -5.1, -1.9, -0.5, 7.0, 0.23, -0.01),
    "confident": (-1.6, -7.5, -2.7, 0.0, 6.1, 0.08, -0.02),
    "aggressive": (-0.3, 7.4, 6.1, -2.1, 10.0, 0.41, -0.21),
    "shy": (15.8, 9.5, 4.5, 0.1, -5.0, -0.26, 0.18),
    "excited": (-2.3, -3.3, -1.5, -1.2, 0.1, 0.31, -0.16),
    "tired": (3.5, 14.3, 8.4, -3.0, -0.1, -0.31, 0.28),
    "sad": (19.5, 12.6, 6.1, 0.0, 0.0, -0.30, 0.21),
    "respectful": (5.3, 1.9, 2.2, 0.0, -5.9, -0.17, 0.10),
    "touched": (3.5, 3.4, 1.2, 0.1, 0.0, -0.19, 0.18),
    "hesitant": (3.4, 3.3, 1.1, 0.1, -0.1, -0.21, 0.19),
    "playful": (-3.5, -2.1, -1.2, -0.6, 0.0, 0.19, -0.08),
    "elderly": (-24.5, 23.3, 16.2, -5.1, 2.9, -0.23, 0.26),
}  # fmt: skip
# A manner is seen where no other one explains the change so much better than this.
_MARGIN = 1.5
# And, against nobody's manner, where it leaves no more than this unexplained, in units of `MEASURES`: who stands still moves in
# no manner.
_UNEXPLAINED = 10.0
# Manners that are read from other draws of a scene as well. On 45 scenes of the *training* seeds each, `moves_in` saw them in
# more than 80 % of other draws in this manner, and in less than 10 % of those in nobody's. Of the rest it saw "gentle" in 73
# and 20 %, "playful" in 73 and 22 %, "hesitant" in 80 and 27 %, "touched" in 80 and 22 %, "excited" in 82 and 13 %.
READABLE = ("forceful", "confident", "aggressive", "shy", "tired", "sad", "respectful", "elderly")


def takes_on(before: Interaction, after: Interaction, person: int, old: str, new: str) -> bool:
    """Whether a person (0 or 1) who moved in the manner `old` in one clip moves in the manner `new` in the other.

    The change of the measures has to lie closer to what `new` changes than to no change, and about as close as to what any
    other manner would have changed.
    """
    change = bearing(after)[person] - bearing(before)[person]
    misses = {name: _norm(change - (np.array(shown) - SHOWN[old])) for name, shown in SHOWN.items()}
    return misses[new] < misses[old] and misses[new] <= _MARGIN * min(misses.values())


def moves_in(neutral: Interaction, motion: Interaction, person: int, manner: str) -> bool:
    """Whether a person (0 or 1) moves in a manner, against the same scene in which this person has nobody's manner.

    How long the clip lasts says nothing: the other person's motion, which is given, has that from both.
    """
    change = bearing(motion)[person] - bearing(neutral)[person]
    held = np.array([measure != "time" for measure in MEASURES])
    misses = {name: _norm(held * (change - shown)) for name, shown in SHOWN.items()}
    closest = min(_MARGIN * min(misses.values()), _UNEXPLAINED)
    return misses[manner] < misses["neutral"] and misses[manner] <= closest


def alike(first: str, second: str) -> bool:
    """Whether two manners cannot be told apart by the measures."""
    return _norm(np.subtract(SHOWN[first], SHOWN[second])) < 1.0


def bearing(interaction: Interaction) -> np.ndarray:
    """(person, measure): how each holds the body and how quickly it moves, in the units of `MEASURES`."""
    s = Signals(interaction)
    pitch = {name: _pitch(s, name) for name in ("head", "spine3", "pelvis")}
    ankles = np.subtract(
        *(s.interaction.joint_positions[:, :, JOINT[f"{side}_ankle"]][..., [0, 2]] for side in ("left", "right"))
    )
    across = ankles[..., 0] * s.facing[..., 1] - ankles[..., 1] * s.facing[..., 0]
    swing = s.palms - s.interaction.joint_positions[:, :, None, JOINT["pelvis"]]
    speed = np.linalg.norm(np.gradient(smooth(swing, 3), axis=0) * FPS, axis=-1).max(axis=2)
    measured = {
        "nod": np.percentile(pitch["head"] - pitch["spine3"], 25, axis=0),
        "chest": np.median(pitch["spine3"] - pitch["pelvis"], axis=0),
        "trunk": np.percentile(s.lean, 25, axis=0),
        "height": 100.0 * np.median(s.pelvis_height, axis=0),
        "stance": 100.0 * np.median(np.abs(across), axis=0),
        "hands": np.log(np.percentile(speed, 95, axis=0) + 0.05),
        "time": np.full(2, np.log(s.frames)),
    }
    return np.stack([measured[name] for name in MEASURES], axis=-1)


def _pitch(s: Signals, joint: str) -> np.ndarray:
    """(T, person) degrees that the up axis of a joint leans the way the pelvis faces."""
    up = s.interaction.joint_orientations[:, :, JOINT[joint], :, 1]
    return np.degrees(np.arctan2(np.sum(up[..., [0, 2]] * s.facing, axis=-1), up[..., 1]))


def _norm(change: np.ndarray) -> float:
    """How large a change is, in units of what is none."""
    return float(np.linalg.norm(change / list(MEASURES.values())))
