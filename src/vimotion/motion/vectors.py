"""Frame vectors placed and mirrored as they stand, without the kinematics between.

The same as doing it to the `Interaction` and taking its vectors again (a test holds them together).
"""

from __future__ import annotations

import numpy as np

from vimotion.motion.contacts import CONTACT_JOINTS
from vimotion.motion.features import FEATURES
from vimotion.motion.placing import placing
from vimotion.motion.skeleton import MIRRORED, NUM_JOINTS

_VECTORS = slice(FEATURES["positions"].start, FEATURES["velocities"].stop)
_MIRRORED = list(MIRRORED)
# Mirroring in the plane x = 0 turns the signs of these parts of a rotation's first two columns, row by row.
_SIX_SIGNS = np.array([1, -1, -1, 1, -1, 1], dtype=np.float32)
_CONTACTS_MIRRORED = [CONTACT_JOINTS.index(_MIRRORED[joint]) for joint in CONTACT_JOINTS]


def place_features(features: np.ndarray) -> np.ndarray:
    """`motion.place` of frame vectors (T, P, 262): the first person over the origin, facing +Z."""
    vectors = features[..., _VECTORS].reshape(*features.shape[:2], 2, NUM_JOINTS, 3)
    turn, origins = placing(vectors[:, :, 0])
    vectors = vectors @ turn.T.astype(features.dtype)
    vectors[:, :, 0] -= origins[:, None].astype(features.dtype)
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
