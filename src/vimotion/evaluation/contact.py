"""Who touches what: palms and bodies against places of the other's body, as distances over time and as touches.

Places are the names of the human's skin (`SURFACE`: "crown", "left_cheek", …) and limbs ("left_forearm", …). A name without
its side ("cheek", "forearm") means whichever of the two is nearer.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from vimotion.choreography.targets import SURFACE
from vimotion.evaluation.signals import LEFT, RIGHT, SIDES, Signals, extremes, runs, to_segment, velocity
from vimotion.motion import FPS, JOINT

# Centre of a palm to a place that it lies on: 2 cm, and what a codec loses of both.
ON_SKIN = 0.11
# … and to the axis of a limb, whose flesh lies between.
ON_ARM, ON_LEG = 0.11, 0.18
HANDS = tuple((person, side) for person in (0, 1) for side in (LEFT, RIGHT))

# From joint, to joint, and the share of the way that counts: a hand that is shaken is not on the forearm.
_LIMBS = {
    "forearm": ("elbow", "wrist", 0.75), "upper_arm": ("shoulder", "elbow", 1.0),
    "thigh": ("hip", "knee", 1.0), "shin": ("knee", "ankle", 1.0),
}  # fmt: skip


def seconds(time: float) -> int:
    """Frames of so many seconds."""
    return round(time * FPS)


def place(s: Signals, person: int, name: str) -> np.ndarray:
    """(T, 3) metres: where a place of a person's skin is."""
    spot = SURFACE[name]
    turned = s.interaction.joint_orientations[:, person, JOINT[spot.joint]] @ np.array(spot.offset)
    return s.joint(person, spot.joint) + turned * s.interaction.skeletons[person].scale


def gap(s: Signals, points: np.ndarray, person: int, name: str) -> np.ndarray:
    """(T,) metres from points (T, 3) to a place or the axis of a limb of a person."""
    if name not in SURFACE and name not in _LIMBS and not name.startswith(SIDES):
        return np.minimum(*(gap(s, points, person, f"{side}_{name}") for side in SIDES))
    side, _, part = name.partition("_")
    if part in _LIMBS and side in SIDES:
        start, end, share = _LIMBS[part]
        near, far = s.joint(person, f"{side}_{start}"), s.joint(person, f"{side}_{end}")
        return to_segment(points, near, near + share * (far - near))
    return np.linalg.norm(points - place(s, person, name), axis=-1)


def hand_to(s: Signals, person: int, side: int, name: str, own: bool = False) -> np.ndarray:
    """(T,) metres from a palm to a place of the other's body, or of the own one."""
    return gap(s, s.palms[:, person, side], person if own else 1 - person, name)
