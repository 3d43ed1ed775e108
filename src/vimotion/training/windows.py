"""Training windows cut from clips, as frame vectors: placed, mirrored, persons exchanged.

The same as doing it to the `Interaction` and taking its vectors again, without the kinematics between (a test holds them
together).
"""

from __future__ import annotations

import numpy as np

from vimotion.motion import FEATURES, JOINT, NUM_JOINTS
from vimotion.motion.contacts import CONTACT_JOINTS
from vimotion.motion.skeleton import MIRRORED

_VECTORS = slice(FEATURES["positions"].start, FEATURES["velocities"].stop)
_MIRRORED = list(MIRRORED)
# Mirroring in the plane x = 0 turns the signs of these parts of a rotation's first two columns, row by row.
_SIX_SIGNS = np.array([1, -1, -1, 1, -1, 1], dtype=np.float32)
_CONTACTS_MIRRORED = [CONTACT_JOINTS.index(_MIRRORED[joint]) for joint in CONTACT_JOINTS]


def place_features(features: np.ndarray) -> np.ndarray:
    """`motion.place` (floor together) of frame vectors (T, P, 262): the first person over the origin, facing +Z."""
    vectors = features[..., _VECTORS].reshape(*features.shape[:2], 2, NUM_JOINTS, 3)
    across = vectors[0, 0, 0, JOINT["right_hip"]] - vectors[0, 0, 0, JOINT["left_hip"]]
    # forward is up × across; turning by minus its yaw brings it to +Z
    forward_x, forward_z = across[2], -across[0]
    length = max(float(np.hypot(forward_x, forward_z)), 1e-9)
    sine, cosine = -forward_x / length, forward_z / length
    turn = np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]], dtype=np.float32)
    vectors = vectors @ turn.T
    origin = vectors[0, 0, 0, 0].copy()
    origin[1] = vectors[:, :, 0, :, 1].min()
    vectors[:, :, 0] -= origin
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


def cut_window(features: np.ndarray, frames: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A random window of a clip (T, P, 262), placed: vectors (frames, P, 262) and a mask (frames,) of what is real.

    Every other window begins where the clip does, as at use. A shorter clip stands still at its end. The people are
    exchanged and mirrored at random, so that either of them is the one the pair is placed by.
    """
    spare = max(len(features) - frames, 0)
    start = 0 if random.random() < 1 / 2 else int(random.integers(spare + 1))
    window = features[start : start + frames]
    if random.random() < 0.5:
        window = window[:, ::-1]
    if random.random() < 0.5:
        window = mirror_features(window)
    window = place_features(window)
    mask = np.ones(frames, dtype=np.float32)
    if missing := frames - len(window):
        still = window[-1:].copy()
        still[..., FEATURES["velocities"]] = 0.0
        window = np.concatenate([window, np.repeat(still, missing, axis=0)])
        mask[-missing:] = 0.0
    return window, mask
