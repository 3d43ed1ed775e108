"""Forward kinematics with numpy. `differentiable.py` has the same in torch, for losses."""

from __future__ import annotations

import numpy as np

from vimotion.motion.skeleton import NUM_JOINTS, PARENTS


def forward_kinematics(
    root_positions: np.ndarray, local_rotations: np.ndarray, offsets: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Joint positions and orientations in the world.

    Args:
        root_positions: (..., 3) metres, the pelvis in the world.
        local_rotations: (..., 22, 3, 3), each joint in its parent's axes; joint 0 in the world's.
        offsets: (22, 3) or (..., 22, 3) metres, `Skeleton.offsets`.

    Returns:
        positions (..., 22, 3) metres and orientations (..., 22, 3, 3), both in world axes.
    """
    shape = local_rotations.shape[:-3]
    offsets = np.broadcast_to(offsets, (*shape, NUM_JOINTS, 3))
    positions = np.empty((*shape, NUM_JOINTS, 3))
    orientations = np.empty((*shape, NUM_JOINTS, 3, 3))
    positions[..., 0, :] = root_positions
    orientations[..., 0, :, :] = local_rotations[..., 0, :, :]
    for joint in range(1, NUM_JOINTS):
        parent = PARENTS[joint]
        turned = (orientations[..., parent, :, :] @ offsets[..., joint, :, None])[..., 0]
        positions[..., joint, :] = positions[..., parent, :] + turned
        orientations[..., joint, :, :] = orientations[..., parent, :, :] @ local_rotations[..., joint, :, :]
    return positions, orientations


def local_from_global(orientations: np.ndarray) -> np.ndarray:
    """World orientations (..., 22, 3, 3) → local rotations (..., 22, 3, 3): the inverse of the chain above."""
    local = np.array(orientations, dtype=np.float64)
    for joint in range(1, NUM_JOINTS):
        local[..., joint, :, :] = np.swapaxes(orientations[..., PARENTS[joint], :, :], -1, -2) @ orientations[..., joint, :, :]
    return local
