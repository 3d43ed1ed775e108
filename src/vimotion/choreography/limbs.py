"""Two-bone limbs: inverse kinematics of arms and legs. Elbows and knees never lock, wrists keep their limits.

Maps over leading dimensions.
"""

from __future__ import annotations

import numpy as np

from vimotion.motion.rotations import axis_angle_to_matrix, matrix_to_axis_angle, normalize

# Wrist limits from the neutral hand, radians: forearm turn either way, bending to palm or back, to the thumb and to the little
# finger.
TURN_LIMIT, BEND_LIMIT, THUMB_LIMIT, LITTLE_LIMIT = 1.48, 1.2, 0.50, 0.72
STRAIGHTEST = 0.998  # of the limb's full length: joints are never locked
FOLDED = np.radians(30.0)  # between the two bones of a limb that is bent as far as it goes


def dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.sum(a * b, axis=-1, keepdims=True)


def two_bone(
    root: np.ndarray, target: np.ndarray, pole: np.ndarray, upper: np.ndarray, lower: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Middle joint, end and hinge axis (..., 3) of a limb from `root` towards `target`, its middle joint on the `pole` side.

    Args:
        upper, lower: bone lengths (..., 1). A target out of reach, or too near, is approached as near as the limb can.
    """
    way = target - root
    full = upper + lower
    nearest = np.sqrt(upper**2 + lower**2 - 2.0 * upper * lower * np.cos(FOLDED))
    distance = np.clip(np.linalg.norm(way, axis=-1, keepdims=True), nearest, STRAIGHTEST * full)
    along = normalize(way)
    side = normalize(pole - dot(pole, along) * along)
    reach = (upper**2 - lower**2 + distance**2) / (2.0 * distance)
    height = np.sqrt(np.maximum(upper**2 - reach**2, 0.0))
    return root + along * reach + side * height, root + along * distance, np.cross(side, along)


def frame(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Rotation (..., 3, 3) whose first column is along `first` and whose second is as near to `second` as it can be."""
    x = normalize(first)
    y = normalize(second - dot(second, x) * x)
    return np.stack([x, y, np.cross(x, y)], axis=-1)


def aim(rest_bone: np.ndarray, rest_hinge: np.ndarray, bone: np.ndarray, hinge: np.ndarray) -> np.ndarray:
    """The orientation (..., 3, 3) that brings a bone and its hinge axis from their rest directions to the given ones."""
    return frame(bone, hinge) @ np.swapaxes(frame(rest_bone, rest_hinge), -1, -2)


def limit_wrist(relative: np.ndarray, axis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A hand's rotation (T, ..., 3, 3) relative to its forearm, inside the limits, and its turn (T, ..., 1) about the bone.

    `axis` (T, ..., 3) is the forearm's rest direction, ±X; the palm faces −Y in the rest pose. A turn that is too far stays at
    the limit on its own side, however far it goes: over half a circle it would otherwise be taken for one the other way.
    """
    # swing takes the bone's axis to where it points, twist is what remains about that axis
    pointing = (relative @ axis[..., None])[..., 0]
    cross = np.cross(axis, pointing)
    sine = np.linalg.norm(cross, axis=-1, keepdims=True)
    swing = cross * np.arctan2(sine, dot(axis, pointing)) / np.maximum(sine, 1e-9)
    remaining = matrix_to_axis_angle(np.swapaxes(axis_angle_to_matrix(swing), -1, -2) @ relative)
    turn = np.unwrap(dot(remaining, axis), axis=0)
    turn = np.clip(turn - 2.0 * np.pi * np.round(turn.mean(axis=0) / (2.0 * np.pi)), -TURN_LIMIT, TURN_LIMIT)
    twist = axis_angle_to_matrix(turn * axis)
    # the axes about which a hand bends and goes aside turn with the forearm
    up = np.broadcast_to(np.array([0.0, 1.0, 0.0]), axis.shape)
    across, upright = ((twist @ vector[..., None])[..., 0] for vector in (np.cross(axis, up), up))
    bend, side = dot(swing, across), dot(swing, upright)
    side_limit = np.where(side * axis[..., :1] < 0.0, THUMB_LIMIT, LITTLE_LIMIT)
    size = np.sqrt((bend / BEND_LIMIT) ** 2 + (side / side_limit) ** 2)
    return axis_angle_to_matrix(swing / np.maximum(size, 1.0)) @ twist, turn
