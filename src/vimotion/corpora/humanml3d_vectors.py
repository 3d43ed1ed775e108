"""The 263 numbers a frame of HumanML3D, from joints and back [EricGuo5513/HumanML3D].

| columns | content |
|---|---|
| 0 | half the angle in radians that the heading turns to the next frame, clockwise seen from above |
| 1:3 | step of the pelvis to the next frame along x and z, metres, in the heading frame of the next frame |
| 3 | height of the pelvis |
| 4:67 | joints 1..21 in the heading frame, the pelvis over its origin |
| 67:193 | 21 × 6D, the first column of the matrix and then the second: the smallest turn from an axis to the bone |
| 193:259 | step of the 22 joints to the next frame, metres, in the heading frame |
| 259:263 | 1 where left ankle, left foot, right ankle, right foot are slow: squared speed < 0.002 |

20 fps, Y-up. The heading frame turns with the body about the vertical, +Z ahead. The rotations are no more than the bones'
directions: they are not SMPL's, and a limb's roll is not in them.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d

from vimotion.motion import JOINT, NUM_JOINTS, PARENTS
from vimotion.motion.contacts import CONTACT_JOINTS
from vimotion.motion.rotations import normalize, rotation_between, yaw_matrix

NUM_VECTOR = 263
VECTOR_FPS = 20.0
_MAX_SQUARED_SPEED = 0.002
# Frames of the Gaussian that smooths the heading.
_SMOOTHING = 20
# The axis of the bone that ends at each joint, which its rotation is told from.
_X, _Y, _Z = np.eye(3)
_AXES = np.array(
    [0 * _X, _X, -_X, _Y, -_Y, -_Y, _Y, -_Y, -_Y, _Y, _Z, _Z, _Y, _X, -_X, _Z, -_Y, -_Y, -_Y, -_Y, -_Y, -_Y]
)  # fmt: skip
# The chains of the arms are told from the heading and not from the spine: a fact of the data set.
_FROM_HEADING = {JOINT[name] for name in ("left_hip", "right_hip", "spine1", "left_collar", "right_collar")}
_CHILDREN, _PARENTS = list(range(1, NUM_JOINTS)), list(PARENTS[1:])


def joints_from_vectors(vectors: np.ndarray) -> np.ndarray:
    """(T, 263) → joint positions (T + 1, 22, 3) metres, float64.

    The first T frames are what the data set has in `new_joints`; the last follows from the steps of the frame before.
    """
    vectors = np.asarray(vectors, dtype=np.float64)
    # half angles from the world to the heading frame
    half = np.concatenate([[0.0], np.cumsum(vectors[:, 0])])
    to_world = yaw_matrix(-2 * half)
    steps = (to_world[1:] @ np.stack([vectors[:, 1], 0 * half[1:], vectors[:, 2]], axis=-1)[..., None])[..., 0]
    roots = np.concatenate([np.zeros((1, 3)), np.cumsum(steps, axis=0)])[:-1]
    local = np.concatenate([np.zeros((len(vectors), 1, 3)), vectors[:, 4:67].reshape(-1, NUM_JOINTS - 1, 3)], axis=1)
    joints = local @ np.swapaxes(to_world[:-1], -1, -2) + roots[:, None]
    joints[:, 0, 1] = vectors[:, 3]
    last = joints[-1:] + vectors[-1:, 193:259].reshape(1, NUM_JOINTS, 3) @ to_world[-2].T
    return np.concatenate([joints, last])


def vectors_from_joints(positions: np.ndarray, bones: np.ndarray | None = None) -> np.ndarray:
    """Joint positions (T, 22, 3) metres, Y-up, at 20 fps → (T − 1, 263) float64.

    For those who measure motions with evaluators that read these vectors: VIMotion itself only reads them. The same as the data
    set's own code but for one thing: where the heading passes straight backwards, that code loses the sign of the turn.

    Args:
        bones: (22,) lengths of the uniform skeleton in metres, of the bone that ends at each joint: everybody is given these
            bones, and walks in proportion to the legs. The data set takes them from the first frame of its clip 000021. By
            default each person keeps their own.
    """
    positions = np.asarray(positions, dtype=np.float64)
    if bones is not None:
        positions = _with_bones(positions, bones)
    positions = _at_start(positions)
    heading = _heading(positions)
    turned = (np.diff(heading) + np.pi) % (2 * np.pi) - np.pi
    to_local = yaw_matrix(-heading)
    steps = positions[1:] - positions[:-1]
    feet = steps[:, CONTACT_JOINTS]
    local = (positions - positions[:, :1] * [1.0, 0.0, 1.0]) @ np.swapaxes(to_local, -1, -2)
    parts = [
        -turned[:, None] / 2,
        (to_local[1:] @ steps[:, 0, :, None])[:, [0, 2], 0],
        positions[:-1, 0, 1:2],
        local[:-1, 1:],
        _rotations(positions, to_local)[:-1],
        steps @ np.swapaxes(to_local[:-1], -1, -2),
        (feet**2).sum(axis=-1) < _MAX_SQUARED_SPEED,
    ]
    return np.concatenate([part.reshape(len(steps), -1) for part in parts], axis=1)


def _with_bones(positions: np.ndarray, bones: np.ndarray) -> np.ndarray:
    """The same directions of the bones with other lengths."""
    legs = [JOINT["right_knee"], JOINT["right_ankle"]]
    own = np.linalg.norm(positions[0, legs] - positions[0, [PARENTS[joint] for joint in legs]], axis=-1)
    directions = normalize(positions[:, _CHILDREN] - positions[:, _PARENTS])
    placed = positions * (np.asarray(bones)[legs].sum() / own.sum())
    for joint in _CHILDREN:
        placed[:, joint] = placed[:, PARENTS[joint]] + directions[:, joint - 1] * bones[joint]
    return placed


def _at_start(positions: np.ndarray) -> np.ndarray:
    """On the ground, the first pelvis over the origin, the first frame facing +Z by hips and shoulders."""
    positions = positions - [positions[0, 0, 0], positions[..., 1].min(), positions[0, 0, 2]]
    across = _across(positions[0], "hip") + _across(positions[0], "shoulder")
    return positions @ yaw_matrix(-np.arctan2(across[2], -across[0])).T


def _heading(positions: np.ndarray) -> np.ndarray:
    """Yaw (T,) of the body in radians: by the shoulders less the hips, a slip that the data set is made with, smoothed."""
    across = _across(positions, "shoulder") - _across(positions, "hip")
    forward = gaussian_filter1d(np.cross(_Y, normalize(across)), _SMOOTHING, axis=0, mode="nearest")
    heading = np.arctan2(forward[:, 0], forward[:, 2])
    heading[0] = 0.0
    return heading


def _across(positions: np.ndarray, joint: str) -> np.ndarray:
    return positions[..., JOINT[f"right_{joint}"], :] - positions[..., JOINT[f"left_{joint}"], :]


def _rotations(positions: np.ndarray, to_local: np.ndarray) -> np.ndarray:
    """(T, 21, 6)."""
    bones = positions[:, _CHILDREN] - positions[:, _PARENTS]
    turns = rotation_between(_AXES[1:], bones)
    before = np.stack(
        [to_local if joint in _FROM_HEADING else turns[:, PARENTS[joint] - 1] for joint in _CHILDREN], axis=1
    )  # fmt: skip
    local = np.swapaxes(before, -1, -2) @ turns
    return np.concatenate([local[..., 0], local[..., 1]], axis=-1)
