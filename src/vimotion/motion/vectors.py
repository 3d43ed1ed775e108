"""Frame vectors placed and mirrored as they stand, without the kinematics between.

The same as doing it to the `Interaction` and taking its vectors again (a test holds them together).
"""

from __future__ import annotations

import numpy as np

from vimotion.motion.contacts import CONTACT_JOINTS
from vimotion.motion.features import FEATURES
from vimotion.motion.placing import Floor
from vimotion.motion.skeleton import JOINT, MIRRORED, NUM_JOINTS

_VECTORS = slice(FEATURES["positions"].start, FEATURES["velocities"].stop)
_MIRRORED = list(MIRRORED)
# Mirroring in the plane x = 0 turns the signs of these parts of a rotation's first two columns, row by row.
_SIX_SIGNS = np.array([1, -1, -1, 1, -1, 1], dtype=np.float32)
_CONTACTS_MIRRORED = [CONTACT_JOINTS.index(_MIRRORED[joint]) for joint in CONTACT_JOINTS]


def place_features(features: np.ndarray, floor: Floor = "together") -> np.ndarray:
    """`motion.place` of frame vectors (T, P, 262): the first person over the origin, facing +Z."""
    vectors = features[..., _VECTORS].reshape(*features.shape[:2], 2, NUM_JOINTS, 3)
    across = vectors[0, 0, 0, JOINT["right_hip"]] - vectors[0, 0, 0, JOINT["left_hip"]]
    # forward is up × across; turning by minus its yaw brings it to +Z
    forward_x, forward_z = across[2], -across[0]
    length = max(float(np.hypot(forward_x, forward_z)), 1e-9)
    sine, cosine = -forward_x / length, forward_z / length
    turn = np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]], dtype=features.dtype)
    vectors = vectors @ turn.T
    heights = vectors[:, :, 0, :, 1]
    origin = np.repeat(vectors[0, :1, 0, 0], features.shape[1], axis=0)
    origin[:, 1] = heights.min(axis=(0, 2)) if floor == "each" else heights.min()
    vectors[:, :, 0] -= origin[:, None]
    placed = features.copy()
    placed[..., _VECTORS] = vectors.reshape(*features.shape[:2], -1)
    return placed


def mirror_features(features: np.ndarray) -> np.ndarray:
    """The mirror image in the plane x = 0 of frame vectors (..., 262)."""
    lead = features.shape[:-1]
    flip = np.array([-1, 1, 1], dtype=np.float32)
    vectors = features[..., _VECTORS].reshape(*lead, 2, NUM_JOINTS, 3)[..., _MIRRORED, :] * flip
    six = features[..., FEATURES["rotations"]].reshape(*lead, NUM_JOINTS - 1, 6)
    six = six[..., [joint - 1 for joint in _MIRRORED[1:]], :] * _SIX_SIGNS
    contacts = features[..., FEATURES["contacts"]][..., _CONTACTS_MIRRORED]
    return np.concatenate([vectors.reshape(*lead, -1), six.reshape(*lead, -1), contacts], axis=-1)
