"""Forward kinematics and the 6D form in torch, for losses: the same results as `kinematics.py` and `rotations.py`."""

from __future__ import annotations

import torch
from torch import Tensor

from vimotion.motion.skeleton import NUM_JOINTS, PARENTS


def matrix_from_6d(six: Tensor) -> Tensor:
    """(..., 6) in InterHuman's order → (..., 3, 3), by Gram-Schmidt."""
    columns = six.reshape(*six.shape[:-1], 3, 2)
    first = unit(columns[..., 0])
    second = unit(columns[..., 1] - (first * columns[..., 1]).sum(-1, keepdim=True) * first)
    return torch.stack([first, second, torch.linalg.cross(first, second)], dim=-1)


def unit(vectors: Tensor, floor: float = 1e-12) -> Tensor:
    """Vectors (..., n) at length one. torch's own `normalize` is several times slower on short vectors on a CPU."""
    return vectors * vectors.square().sum(-1, keepdim=True).clamp_min(floor**2).rsqrt()


def forward_kinematics(root_positions: Tensor, local_rotations: Tensor, offsets: Tensor) -> tuple[Tensor, Tensor]:
    """Root (..., 3) metres, local rotations (..., 22, 3, 3), offsets (..., 22, 3) → positions (..., 22, 3), orientations.

    Joints of the same depth are turned together: 8 products instead of 42.
    """
    positions = {0: root_positions}
    orientations = {0: local_rotations[..., 0, :, :]}
    for joints in _GENERATIONS:
        parents = torch.stack([orientations[PARENTS[joint]] for joint in joints], dim=-3)
        arms = (parents @ offsets[..., joints, :, None])[..., 0]
        turned = parents @ local_rotations[..., joints, :, :]
        for at, joint in enumerate(joints):
            positions[joint] = positions[PARENTS[joint]] + arms[..., at, :]
            orientations[joint] = turned[..., at, :, :]
    order = range(NUM_JOINTS)
    return torch.stack([positions[i] for i in order], dim=-2), torch.stack([orientations[i] for i in order], dim=-3)


def _generations() -> list[list[int]]:
    """Joints below the root by their depth in the skeleton."""
    depth = [0] * NUM_JOINTS
    for joint in range(1, NUM_JOINTS):
        depth[joint] = depth[PARENTS[joint]] + 1
    return [[joint for joint in range(NUM_JOINTS) if depth[joint] == level] for level in range(1, max(depth) + 1)]


_GENERATIONS = _generations()
