"""The body: 22 joints by name, in SMPL's order.

Rest pose: a T-pose that stands on Y-up ground, faces +Z and stretches its left arm along +X. Lengths are metres.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

JOINTS: tuple[str, ...] = (
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle",
    "right_ankle", "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head",
    "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist",
)  # fmt: skip
NUM_JOINTS = len(JOINTS)
JOINT: dict[str, int] = {name: index for index, name in enumerate(JOINTS)}
PARENTS: tuple[int, ...] = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19)

# The palm's centre lies this far beyond the wrist of a person of standard height, along the forearm's rest direction.
PALM_LENGTH = 0.08


def mirror_name(joint: str) -> str:
    """The joint on the other side of the body (`left_hip` → `right_hip`; `head` → `head`)."""
    if joint.startswith("left_"):
        return "right_" + joint[5:]
    if joint.startswith("right_"):
        return "left_" + joint[6:]
    return joint


MIRRORED: tuple[int, ...] = tuple(JOINT[mirror_name(name)] for name in JOINTS)

# Joint offsets from the parent in the rest pose, metres: our own human (formats/assets/human.npz), rounded to the millimetre.
_STANDARD_OFFSETS = (
    (0.0, 0.0, 0.0), (0.106, -0.043, -0.012), (-0.106, -0.043, -0.012), (0.0, 0.1, 0.007), (0.0, -0.415, 0.0),
    (0.0, -0.415, 0.0), (0.0, 0.108, -0.013), (0.0, -0.42, -0.029), (0.0, -0.42, -0.029), (0.0, 0.122, -0.031),
    (0.0, -0.048, 0.146), (0.0, -0.048, 0.146), (0.0, 0.18, 0.028), (0.06, 0.147, 0.037), (-0.06, 0.147, 0.037),
    (0.0, 0.05, 0.015), (0.113, -0.061, 0.004), (-0.113, -0.061, 0.004), (0.266, 0.0, 0.0), (-0.266, 0.0, 0.0),
    (0.239, 0.0, 0.0), (-0.239, 0.0, 0.0),
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Skeleton:
    """Joint offsets from the parent joint in the T-pose: (22, 3), metres, Y-up, facing +Z; the pelvis' own is zero."""

    offsets: np.ndarray

    def __post_init__(self) -> None:
        offsets = np.array(self.offsets, dtype=np.float64)
        if offsets.shape != (NUM_JOINTS, 3):
            raise ValueError(f"A skeleton needs offsets of shape ({NUM_JOINTS}, 3), not {offsets.shape}.")
        if not np.isfinite(offsets).all():
            raise ValueError("A skeleton's offsets must be finite numbers.")
        offsets.setflags(write=False)
        object.__setattr__(self, "offsets", offsets)

    @staticmethod
    def standard() -> Skeleton:
        """The skeleton of the human that ships with VIMotion."""
        return Skeleton(np.array(_STANDARD_OFFSETS))

    def scaled(self, factor: float) -> Skeleton:
        """The same build, `factor` times as tall."""
        return Skeleton(self.offsets * factor)

    def mirrored(self) -> Skeleton:
        """The left-right mirror image."""
        return Skeleton(self.offsets[list(MIRRORED)] * (-1.0, 1.0, 1.0))

    @cached_property
    def rest_positions(self) -> np.ndarray:
        """Joint positions of the T-pose with the pelvis at the origin: (22, 3) metres."""
        positions = np.zeros((NUM_JOINTS, 3))
        for joint in range(1, NUM_JOINTS):
            positions[joint] = positions[PARENTS[joint]] + self.offsets[joint]
        return positions

    @cached_property
    def bone_lengths(self) -> np.ndarray:
        """Length of the bone that ends at each joint: (22,) metres; 0 for the pelvis."""
        return np.linalg.norm(self.offsets, axis=-1)

    @cached_property
    def scale(self) -> float:
        """Size against the standard skeleton, by the total length of the bones."""
        return float(self.bone_lengths.sum() / np.linalg.norm(_STANDARD_OFFSETS, axis=-1).sum())

    @cached_property
    def pelvis_height(self) -> float:
        """Height of the pelvis over the lowest joint in the T-pose, metres."""
        return float(-self.rest_positions[:, 1].min())

    def palm_offset(self, side: str) -> np.ndarray:
        """The palm's centre in the wrist's own axes, (3,) metres; `side` is "left" or "right"."""
        forearm = self.offsets[JOINT[f"{side}_wrist"]]
        return forearm / np.linalg.norm(forearm) * PALM_LENGTH * self.scale
