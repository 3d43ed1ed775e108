"""Between the 262-number frame vector and what the networks read and write.

The vector holds every joint's place, so a bent elbow looks different wherever it happens. The encoder is therefore also shown
the body in its own heading frame, and the decoder writes a pose (root, rotations) that forward kinematics turns into joints:
what it writes always is a body.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vimotion.motion import FEATURES, JOINT, NUM_FEATURES, NUM_JOINTS, PARENTS, Skeleton
from vimotion.motion.contacts import CONTACT_JOINTS
from vimotion.motion.differentiable import forward_kinematics, matrix_from_6d, unit

# A pose is a root position, 22 rotations in 6D and four contacts.
NUM_CONTACTS = len(CONTACT_JOINTS)
POSE_PARTS = {"root": 3, "rotations": 6 * NUM_JOINTS, "contacts": NUM_CONTACTS}
NUM_POSE = sum(POSE_PARTS.values())
_LEFT_HIP, _RIGHT_HIP, _SPINE1 = JOINT["left_hip"], JOINT["right_hip"], JOINT["spine1"]
_PARENTS = list(PARENTS[1:])
NUM_INPUTS = NUM_FEATURES + 6 * NUM_JOINTS + 2
_WRISTS = [JOINT["left_wrist"], JOINT["right_wrist"]]


@dataclass(frozen=True)
class Body:
    """Joints of people in the world, leading dimensions (...).

    Attributes:
        positions: (..., 22, 3) metres.
        rotations: (..., 22, 3, 3) local; joint 0 in the world.
        palms: (..., 2, 3) metres, left and right.
        size: (...) against the standard skeleton.
    """

    positions: Tensor
    rotations: Tensor
    palms: Tensor
    size: Tensor


def standard_body() -> Tensor:
    """(24, 3) metres: the standard skeleton's joint offsets, then the offsets of the left and the right palm."""
    skeleton = Skeleton.standard()
    rows = [*skeleton.offsets, skeleton.palm_offset("left"), skeleton.palm_offset("right")]
    return torch.tensor(np.array(rows), dtype=torch.float32)


def split(features: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(..., 262) → positions (..., 22, 3), velocities (..., 22, 3), rotations (..., 21, 6), contacts (..., 4)."""
    return (
        features[..., FEATURES["positions"]].unflatten(-1, (NUM_JOINTS, 3)),
        features[..., FEATURES["velocities"]].unflatten(-1, (NUM_JOINTS, 3)),
        features[..., FEATURES["rotations"]].unflatten(-1, (NUM_JOINTS - 1, 6)),
        features[..., FEATURES["contacts"]],
    )


def encoder_inputs(features: Tensor) -> Tensor:
    """Frame vectors (..., 262) → what the encoder reads (..., 396): the vector itself, then the body in its heading frame.

    Heading frame: origin on the ground below the pelvis, +Z where the hips face. Both joints and velocities are given in
    it; the heading itself keeps the tie to the world.
    """
    positions, velocities, _, _ = split(features)
    heading = upright_heading(positions)
    ground = positions[..., :1, :] * positions.new_tensor([1.0, 0.0, 1.0])
    local = [turn(positions - ground, heading).flatten(-2), turn(velocities, heading).flatten(-2)]
    return torch.cat([features, *local, heading], dim=-1)


def upright_heading(positions: Tensor) -> Tensor:
    """Unit (x, z) (..., 2) of where the hips of joints (..., 22, 3) face."""
    across = positions[..., _LEFT_HIP, :] - positions[..., _RIGHT_HIP, :]
    # +X is the left of somebody who faces +Z, so the heading is up to the length (−across_z, across_x)
    return unit(torch.stack([-across[..., 2], across[..., 0]], dim=-1), floor=1e-6)


def turn(vectors: Tensor, heading: Tensor) -> Tensor:
    """World vectors (..., n, 3) in the frame whose +Z is `heading` (..., 2) = (x, z)."""
    sine, cosine = heading[..., None, 0], heading[..., None, 1]
    x, y, z = vectors.unbind(-1)
    return torch.stack([cosine * x - sine * z, y, sine * x + cosine * z], dim=-1)


def body_from_pose(pose: Tensor, size: Tensor, standard: Tensor) -> Body:
    """Pose (..., 138) of bodies of `size` (...) → joints by forward kinematics."""
    root, six, _ = pose.split(list(POSE_PARTS.values()), dim=-1)
    rotations = matrix_from_6d(six.unflatten(-1, (NUM_JOINTS, 6)))
    positions, orientations = forward_kinematics(root, rotations, standard[:NUM_JOINTS] * size[..., None, None])
    return Body(positions, rotations, _palms(positions, orientations, standard, size), size)


def body_from_features(features: Tensor, standard: Tensor) -> Body:
    """The body that frame vectors (..., 262) tell of: joints as stored, the root's rotation from hips and spine1."""
    positions, _, six, _ = split(features)
    offsets = standard[:NUM_JOINTS]
    # joint offsets of hips and spine1 are their places beside the pelvis at rest
    root = pelvis_axes(positions) @ pelvis_axes(offsets).transpose(-1, -2)
    rotations = torch.cat([root[..., None, :, :], matrix_from_6d(six)], dim=-3)
    size = body_size(positions, standard)
    _, orientations = forward_kinematics(positions[..., 0, :], rotations, offsets * size[..., None, None])
    return Body(positions, rotations, _palms(positions, orientations, standard, size), size)


def features_from_pose(pose: Tensor, size: Tensor, standard: Tensor) -> Tensor:
    """Pose (..., T, 138) of bodies of `size` (...) → frame vectors (..., T, 262) that agree with themselves.

    Joints are those of forward kinematics, velocities their differences (the last one repeated), contacts 0 or 1.
    """
    body = body_from_pose(pose, size[..., None].expand(pose.shape[:-1]), standard)
    contacts = pose.split(list(POSE_PARTS.values()), dim=-1)[2]
    positions = body.positions
    velocities = positions[..., 1:, :, :] - positions[..., :-1, :, :]
    last = velocities[..., -1:, :, :] if velocities.shape[-3] else torch.zeros_like(positions)
    velocities = torch.cat([velocities, last], dim=-3)
    six = body.rotations[..., 1:, :, :2]
    return torch.cat([positions.flatten(-2), velocities.flatten(-2), six.flatten(-3), (contacts > 0).to(positions)], dim=-1)


def pelvis_axes(positions: Tensor) -> Tensor:
    """Axes (..., 3, 3) fixed to the pelvis, from hips and spine1 of joints (..., 22, 3)."""
    across = unit(positions[..., _LEFT_HIP, :] - positions[..., _RIGHT_HIP, :])
    up = positions[..., _SPINE1, :] - positions[..., 0, :]
    up = unit(up - (up * across).sum(-1, keepdim=True) * across)
    return torch.stack([across, up, torch.linalg.cross(across, up)], dim=-1)


def body_size(positions: Tensor, standard: Tensor) -> Tensor:
    """Size of joints (..., 22, 3) against the standard skeleton, by the length of all bones: (...)."""
    bones = (positions[..., 1:, :] - positions[..., _PARENTS, :]).square().sum(-1).sqrt().sum(-1)
    return bones / standard[1:NUM_JOINTS].norm(dim=-1).sum()


def _palms(positions: Tensor, orientations: Tensor, standard: Tensor, size: Tensor) -> Tensor:
    offsets = standard[NUM_JOINTS:] * size[..., None, None]
    return positions[..., _WRISTS, :] + (orientations[..., _WRISTS, :, :] @ offsets[..., None])[..., 0]
