"""Rotations with numpy: matrices, quaternions (w, x, y, z), axis-angle vectors, Euler angles and the 6D form.

Every function maps over leading dimensions. Vectors are columns: a rotated vector is `matrix @ vector`.
"""

from __future__ import annotations

import numpy as np

# A world whose third axis is up as ours: (x, y, z) → (x, z, −y).
Y_UP_FROM_Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])


def normalize(vectors: np.ndarray, epsilon: float = 1e-12) -> np.ndarray:
    """Unit vectors along the last axis; a vector shorter than `epsilon` is left nearly zero."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), epsilon)


def axis_angle_to_matrix(axis_angle: np.ndarray) -> np.ndarray:
    """(..., 3) radians along the axis → (..., 3, 3), by Rodrigues' formula."""
    axis_angle = np.asarray(axis_angle, dtype=np.float64)
    angle = np.linalg.norm(axis_angle, axis=-1)[..., None, None]
    x, y, z = np.moveaxis(axis_angle, -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*x.shape, 3, 3)
    # sin(θ)/θ and (1 − cos θ)/θ² without division by zero
    sine = np.sinc(angle / np.pi)
    versine = 0.5 * np.sinc(angle / (2 * np.pi)) ** 2
    return np.eye(3) + sine * cross + versine * (cross @ cross)


def matrix_to_quaternion(matrices: np.ndarray) -> np.ndarray:
    """(..., 3, 3) → unit quaternions (..., 4) as (w, x, y, z) with w ≥ 0."""
    m = np.asarray(matrices, dtype=np.float64)
    m00, m11, m22 = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    # four equivalent candidates; the one with the largest component is numerically safe
    candidates = np.stack(
        [
            np.stack([1 + m00 + m11 + m22, m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0],
                      m[..., 1, 0] - m[..., 0, 1]], axis=-1),
            np.stack([m[..., 2, 1] - m[..., 1, 2], 1 + m00 - m11 - m22, m[..., 0, 1] + m[..., 1, 0],
                      m[..., 0, 2] + m[..., 2, 0]], axis=-1),
            np.stack([m[..., 0, 2] - m[..., 2, 0], m[..., 0, 1] + m[..., 1, 0], 1 - m00 + m11 - m22,
                      m[..., 1, 2] + m[..., 2, 1]], axis=-1),
            np.stack([m[..., 1, 0] - m[..., 0, 1], m[..., 0, 2] + m[..., 2, 0], m[..., 1, 2] + m[..., 2, 1],
                      1 - m00 - m11 + m22], axis=-1),
        ],
        axis=-2,
    )  # fmt: skip
    largest = np.argmax(np.stack([candidates[..., i, i] for i in range(4)], axis=-1), axis=-1)
    quaternions = np.take_along_axis(candidates, largest[..., None, None], axis=-2)[..., 0, :]
    quaternions = normalize(quaternions)
    return np.where(quaternions[..., :1] < 0, -quaternions, quaternions)


def continuous(quaternions: np.ndarray) -> np.ndarray:
    """(T, ..., 4) with neighbours in time on one side of the sphere: q and −q are the same rotation."""
    flips = np.sum(quaternions[1:] * quaternions[:-1], axis=-1, keepdims=True) < 0
    signs = np.where(np.cumsum(flips, axis=0) % 2, -1.0, 1.0)
    return np.concatenate([quaternions[:1], quaternions[1:] * signs])


def quaternion_to_matrix(quaternions: np.ndarray) -> np.ndarray:
    """(..., 4) as (w, x, y, z), of any length but zero → (..., 3, 3)."""
    w, x, y, z = np.moveaxis(normalize(np.asarray(quaternions, dtype=np.float64)), -1, 0)
    rows = [
        1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
        2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
        2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
    ]  # fmt: skip
    return np.stack(rows, axis=-1).reshape(*w.shape, 3, 3)


def matrix_to_axis_angle(matrices: np.ndarray) -> np.ndarray:
    """(..., 3, 3) → (..., 3) radians along the axis, of length at most π."""
    quaternions = matrix_to_quaternion(matrices)
    vector = quaternions[..., 1:]
    sine = np.linalg.norm(vector, axis=-1, keepdims=True)
    angle = 2 * np.arctan2(sine, quaternions[..., :1])
    # for a tiny rotation angle / sine → 2
    return vector * np.where(sine > 1e-9, angle / np.maximum(sine, 1e-9), 2.0)


def matrix_to_6d(matrices: np.ndarray) -> np.ndarray:
    """(..., 3, 3) → (..., 6): the first two columns, row by row: R00, R01, R10, R11, R20, R21 (InterHuman's order)."""
    return np.ascontiguousarray(matrices[..., :, :2]).reshape(*matrices.shape[:-2], 6)


def matrix_from_6d(six: np.ndarray) -> np.ndarray:
    """(..., 6) in InterHuman's order → (..., 3, 3), by Gram-Schmidt; any two independent columns do."""
    columns = np.asarray(six, dtype=np.float64).reshape(*np.shape(six)[:-1], 3, 2)
    first = normalize(columns[..., 0])
    second = columns[..., 1] - np.sum(first * columns[..., 1], axis=-1, keepdims=True) * first
    second = normalize(second)
    return np.stack([first, second, np.cross(first, second)], axis=-1)


_AXES = {"X": np.array([1.0, 0.0, 0.0]), "Y": np.array([0.0, 1.0, 0.0]), "Z": np.array([0.0, 0.0, 1.0])}


def euler_to_matrix(angles: np.ndarray, order: str) -> np.ndarray:
    """(..., n) radians → (..., 3, 3): the product of the rotations in reading order, `order` such as "ZXY" (BVH's sense)."""
    matrices = np.broadcast_to(np.eye(3), (*np.shape(angles)[:-1], 3, 3))
    for index, axis in enumerate(order.upper()):
        matrices = matrices @ axis_angle_to_matrix(np.asarray(angles)[..., index, None] * _AXES[axis])
    return matrices


def matrix_to_euler_zyx(matrices: np.ndarray) -> np.ndarray:
    """(..., 3, 3) → (..., 3) radians (z, y, x) with R = Rz·Ry·Rx; at the pole (y = ±90°) x is set to zero."""
    m = np.asarray(matrices, dtype=np.float64)
    y = np.arcsin(np.clip(-m[..., 2, 0], -1.0, 1.0))
    pole = np.abs(m[..., 2, 0]) > 1 - 1e-10
    x = np.where(pole, 0.0, np.arctan2(m[..., 2, 1], m[..., 2, 2]))
    z = np.where(pole, np.arctan2(-m[..., 0, 1], m[..., 1, 1]), np.arctan2(m[..., 1, 0], m[..., 0, 0]))
    return np.stack([z, y, x], axis=-1)


def yaw_matrix(angle: np.ndarray | float) -> np.ndarray:
    """Turn about +Y by `angle` radians (counterclockwise seen from above; +Z goes to +X): (...) → (..., 3, 3)."""
    return axis_angle_to_matrix(np.asarray(angle, dtype=np.float64)[..., None] * _AXES["Y"])


def rotation_between(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The smallest rotation that takes direction `source` (..., 3) to direction `target` (..., 3): (..., 3, 3)."""
    source, target = np.broadcast_arrays(normalize(np.asarray(source, float)), normalize(np.asarray(target, float)))
    dot = np.sum(source * target, axis=-1, keepdims=True)
    quaternion = np.concatenate([1 + dot, np.cross(source, target)], axis=-1)
    # opposite directions: half a turn about any axis square to the source
    helper = np.where(np.abs(source[..., :1]) < 0.9, _AXES["X"], _AXES["Y"])
    half_turn = np.concatenate([np.zeros_like(dot), normalize(np.cross(source, helper))], axis=-1)
    return quaternion_to_matrix(np.where(dot < -1 + 1e-9, half_turn, quaternion))


def slerp(start: np.ndarray, end: np.ndarray, weight: np.ndarray | float) -> np.ndarray:
    """Between rotation matrices (..., 3, 3) along the shortest arc; `weight` (...) 0 gives `start`, 1 gives `end`."""
    start = np.asarray(start, dtype=np.float64)
    difference = matrix_to_axis_angle(np.swapaxes(start, -1, -2) @ end)
    return start @ axis_angle_to_matrix(difference * np.asarray(weight)[..., None])


def kabsch(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The rotation R (..., 3, 3) that brings points `source` (..., n, 3) closest to `target` (..., n, 3): least Σ|R s − t|²."""
    covariance = np.swapaxes(target, -1, -2) @ source
    u, _, vt = np.linalg.svd(covariance)
    sign = np.linalg.det(u) * np.linalg.det(vt)
    u[..., :, 2] *= sign[..., None]
    return u @ vt
