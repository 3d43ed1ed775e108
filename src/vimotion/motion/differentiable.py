"""Forward kinematics and the 6D form in torch, for losses: the same results as `kinematics.py` and `rotations.py`."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

from vimotion.motion.skeleton import NUM_JOINTS, PARENTS


def matrix_from_6d(six: Tensor) -> Tensor:
    """(..., 6) in InterHuman's order → (..., 3, 3), by Gram-Schmidt."""
    columns = six.reshape(*six.shape[:-1], 3, 2)
    first = normalize(columns[..., 0], dim=-1)
    second = normalize(columns[..., 1] - (first * columns[..., 1]).sum(-1, keepdim=True) * first, dim=-1)
    return torch.stack([first, second, torch.linalg.cross(first, second)], dim=-1)


def forward_kinematics(root_positions: Tensor, local_rotations: Tensor, offsets: Tensor) -> tuple[Tensor, Tensor]:
    """Root (..., 3) metres, local rotations (..., 22, 3, 3), offsets (..., 22, 3) → positions (..., 22, 3), orientations."""
    positions, orientations = [root_positions], [local_rotations[..., 0, :, :]]
    for joint in range(1, NUM_JOINTS):
        parent = PARENTS[joint]
        positions.append(positions[parent] + (orientations[parent] @ offsets[..., joint, :, None])[..., 0])
        orientations.append(orientations[parent] @ local_rotations[..., joint, :, :])
    return torch.stack(positions, dim=-2), torch.stack(orientations, dim=-3)
