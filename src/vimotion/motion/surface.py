"""Places on the surface of the body that can be touched, by name."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vimotion.motion.interaction import Interaction
from vimotion.motion.skeleton import JOINT

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Place:
    """A place on the surface of the body: `joint`, offset from it and outward normal in that joint's own rest axes, metres at
    standard size."""

    joint: str
    offset: Vector
    normal: Vector


# Measured on the human's mesh in its rest pose.
SURFACE: dict[str, Place] = {
    "chest": Place("spine3", (0.0, 0.02, 0.145), (0.0, 0.0, 1.0)),
    "left_chest": Place("spine3", (0.09, 0.03, 0.143), (0.2, 0.0, 1.0)),
    "right_chest": Place("spine3", (-0.09, 0.03, 0.143), (-0.2, 0.0, 1.0)),
    "belly": Place("spine1", (0.0, 0.03, 0.110), (0.0, 0.0, 1.0)),
    "upper_back": Place("spine3", (0.0, 0.05, -0.034), (0.0, 0.0, -1.0)),
    "left_upper_back": Place("spine3", (0.07, 0.06, -0.048), (0.15, 0.0, -1.0)),
    "right_upper_back": Place("spine3", (-0.07, 0.06, -0.048), (-0.15, 0.0, -1.0)),
    "middle_back": Place("spine2", (0.0, 0.03, -0.055), (0.0, 0.0, -1.0)),
    "lower_back": Place("spine1", (0.0, 0.04, -0.063), (0.0, 0.0, -1.0)),
    "left_shoulder": Place("left_collar", (0.113, -0.014, 0.004), (0.2, 1.0, 0.0)),
    "right_shoulder": Place("right_collar", (-0.113, -0.014, 0.004), (-0.2, 1.0, 0.0)),
    "left_shoulder_back": Place("left_collar", (0.093, -0.061, -0.066), (0.3, 0.2, -1.0)),
    "right_shoulder_back": Place("right_collar", (-0.093, -0.061, -0.066), (-0.3, 0.2, -1.0)),
    "left_shoulder_front": Place("left_collar", (0.083, -0.071, 0.065), (0.2, 0.2, 1.0)),
    "right_shoulder_front": Place("right_collar", (-0.083, -0.071, 0.065), (-0.2, 0.2, 1.0)),
    "face": Place("head", (0.0, 0.03, 0.131), (0.0, 0.0, 1.0)),
    "chin": Place("head", (0.0, -0.034, 0.070), (0.0, -0.2, 1.0)),
    "mouth": Place("head", (0.0, -0.015, 0.113), (0.0, 0.0, 1.0)),
    "crown": Place("head", (0.0, 0.195, 0.02), (0.0, 1.0, 0.0)),
}
# The same on both sides, told for the left one.
_PAIRED = {
    "cheek": Place("head", (0.046, -0.005, 0.056), (1.0, 0.0, 0.45)),
    "ear": Place("head", (0.054, 0.03, 0.01), (1.0, 0.0, 0.0)),
    "shoulder_top": Place("left_collar", (0.073, -0.014, 0.004), (0.0, 1.0, 0.0)),
    "upper_arm": Place("left_shoulder", (0.15, 0.035, 0.0), (0.0, 1.0, 0.0)),
    "forearm": Place("left_elbow", (0.14, 0.030, 0.0), (0.0, 1.0, 0.0)),
    "elbow": Place("left_elbow", (-0.01, 0.035, 0.0), (0.0, 1.0, 0.0)),
    "thigh": Place("left_hip", (0.0, -0.27, 0.090), (0.0, 0.0, 1.0)),
    "under_thigh": Place("left_hip", (0.0, -0.24, -0.080), (0.0, 0.0, -1.0)),
    "knee": Place("left_knee", (0.0, 0.02, 0.059), (0.0, 0.0, 1.0)),
    "flank": Place("spine1", (0.132, 0.03, 0.02), (1.0, 0.0, 0.0)),
}
for _name, _place in _PAIRED.items():
    for _side, _sign in (("left", 1.0), ("right", -1.0)):
        _joint = _place.joint.replace("left", _side)
        _offset, _normal = ((_sign * vector[0], *vector[1:]) for vector in (_place.offset, _place.normal))
        SURFACE[f"{_side}_{_name}"] = Place(_joint, _offset, _normal)


def surface_point(motion: Interaction, person: int, name: str) -> np.ndarray:
    """(T, 3) metres: where a place of a person's skin (a key of `SURFACE`) is."""
    spot = SURFACE[name]
    turned: np.ndarray = motion.joint_orientations[:, person, JOINT[spot.joint]] @ np.array(spot.offset)
    return motion.joint_positions[:, person, JOINT[spot.joint]] + turned * motion.skeletons[person].scale
