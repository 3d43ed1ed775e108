"""What the denoiser is held to: the numbers themselves, and InterGen's regularisers on the joints of the two people.

Every regulariser is a mean square over what it looks at, first within a pair of people, then over the pairs. Those whose step
of diffusion is high are to be left out: from much noise the joints cannot be told, and the regularisers would only pull towards
the mean.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from vimotion.config import Config
from vimotion.motion import FEATURES, JOINT, NUM_JOINTS, PARENTS, Skeleton
from vimotion.motion.contacts import CONTACT_JOINTS
from vimotion.motion.differentiable import forward_kinematics, matrix_from_6d, unit

# Metres between two joints, below which the map of distances counts, and below which they touch.
_NEAR, _TOUCHING = 1.0, 0.1
# A foot stands that is slower (squared metres a frame) and lower (metres, as in the order of CONTACT_JOINTS) than this.
_STANDING_SPEED, _STANDING_HEIGHT = 0.001, (0.12, 0.05, 0.12, 0.05)
# Hips nearer to each other than this, in metres, face nowhere much.
_NARROWEST = 0.05
_PARENTS = list(PARENTS[1:])
_LEFT_HIP, _RIGHT_HIP, _SPINE1 = JOINT["left_hip"], JOINT["right_hip"], JOINT["spine1"]


class LossWeights(Config):
    """Weights of the parts; the defaults are InterGen's.

    Attributes:
        simple: the numbers that are diffused.
        velocity: joint velocities, metres a frame.
        bones: length of the bones.
        feet: velocity of feet that stand, as the denoiser places them.
        pose: joints around the pelvis, in the body's own heading.
        distances: distances between the joints of one person and those of the other, where they are near in truth or as
            told (InterGen: as told alone, so that people whom it parts are not brought together again).
        touching: distances between joints that touch in truth.
        facing: how one person stands turned against the other.
        world: joints in the world; ours, for where joints are told around the pelvis the place of a whole body hangs on three
            numbers of 262, and the other parts only see what is relative.
        kinematics: joints as the rotations make them; ours, since a motion is made from its rotations in the end.
    """

    simple: float = 1.0
    velocity: float = 30.0
    bones: float = 10.0
    feet: float = 30.0
    pose: float = 1.0
    distances: float = 3.0
    touching: float = 3.0
    facing: float = 0.01
    world: float = 0.0
    kinematics: float = 0.0


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """(B,): the mean of `values` (B, ...) where the mask of the same shape is 1; zero where it nowhere is."""
    return (values * mask).flatten(1).sum(-1) / mask.flatten(1).sum(-1).clamp_min(1e-7)


def simple_loss(predicted: Tensor, target: Tensor, mask: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean square of what is diffused (B, 2, N, numbers) over real tokens, mask (B, N); `weights` (B,) of the pairs."""
    squares = (predicted - target).square().mean((1, 3))
    if weights is not None:
        squares = squares * weights[:, None]
    return (squares * mask).sum() / mask.sum()


def regularisers(predicted: Tensor, target: Tensor, mask: Tensor, standard: Tensor, kinematics: bool) -> dict[str, Tensor]:
    """InterGen's regularisers by name, each a number.

    Args:
        predicted, target: frame vectors (B, 2, T, 262), not normalised.
        mask: (B, T) 1 where a frame is real.
        standard: (22, 3) the standard skeleton's offsets.
        kinematics: whether that part is wanted: it costs as much as the others together.
    """
    joints, truth = joints_of(predicted), joints_of(target)
    frames = mask[:, None].expand(-1, 2, -1)
    parts = {
        "velocity": velocity_loss(joints, truth, frames),
        "bones": bone_loss(joints, truth, frames),
        "feet": feet_loss(joints, frames),
        "pose": pose_loss(joints, truth, frames),
        "facing": facing_loss(joints, truth, mask),
        "world": masked_mean((joints - truth).square().mean((-1, -2)), frames),
        **distance_losses(joints, truth, mask),
    }
    if kinematics:
        parts["kinematics"] = kinematics_loss(predicted, truth, frames, standard)
    return {name: values.sum() / max(len(values), 1) for name, values in parts.items()}


def joints_of(features: Tensor) -> Tensor:
    """Frame vectors (..., 262) → joint positions (..., 22, 3)."""
    return features[..., FEATURES["positions"]].unflatten(-1, (NUM_JOINTS, 3))


def velocity_loss(joints: Tensor, truth: Tensor, frames: Tensor) -> Tensor:
    """Joints (B, 2, T, 22, 3), frames (B, 2, T) → (B,)."""
    return masked_mean((_steps(joints) - _steps(truth)).square().mean((-1, -2)), frames[..., 1:])


def bone_loss(joints: Tensor, truth: Tensor, frames: Tensor) -> Tensor:
    return masked_mean((_bones(joints) - _bones(truth)).square().mean(-1), frames)


def feet_loss(joints: Tensor, frames: Tensor) -> Tensor:
    feet = joints[..., CONTACT_JOINTS, :]
    squares = _steps(feet).square()
    low = feet[..., :-1, :, 1] < feet.new_tensor(_STANDING_HEIGHT)
    stands = ((squares.sum(-1) < _STANDING_SPEED) & low).to(joints)
    return masked_mean(squares.mean(-1), stands * frames[..., 1:, None])


def pose_loss(joints: Tensor, truth: Tensor, frames: Tensor) -> Tensor:
    return masked_mean((_in_own_heading(joints) - _in_own_heading(truth)).square().mean((-1, -2)), frames)


def facing_loss(joints: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """The turn from one person's heading to the other's, as a point on the circle.

    InterGen takes half the turn, which jumps from one end to the other just where people face each other.
    """
    return masked_mean((_turn_between(joints) - _turn_between(truth)).square().mean(-1), mask)


def distance_losses(joints: Tensor, truth: Tensor, mask: Tensor) -> dict[str, Tensor]:
    """The maps of 22 × 22 distances between the two people."""
    told, true = (torch.cdist(people[:, 0], people[:, 1]) for people in (joints, truth))
    real = mask[:, :, None, None]
    near = ((told < _NEAR) | (true < _NEAR)).to(mask) * real
    touching = (true < _TOUCHING).to(mask) * real
    return {"distances": masked_mean((told - true).square(), near), "touching": masked_mean(told.square(), touching)}


def kinematics_loss(predicted: Tensor, truth: Tensor, frames: Tensor, standard: Tensor) -> Tensor:
    """The true body with the predicted rotations below its pelvis, against the true joints."""
    local = matrix_from_6d(predicted[..., FEATURES["rotations"]].unflatten(-1, (NUM_JOINTS - 1, 6)))
    root = _pelvis_axes(truth) @ _pelvis_axes(standard).transpose(-1, -2)  # hips and spine1 hang on the pelvis itself
    offsets = standard * (_bones(truth).sum(-1) / standard.norm(dim=-1).sum())[..., None, None]
    made, _ = forward_kinematics(truth[..., 0, :], torch.cat([root[..., None, :, :], local], dim=-3), offsets)
    return masked_mean((made - truth).square().mean((-1, -2)), frames)


def standard_offsets() -> Tensor:
    """(22, 3) metres."""
    return torch.tensor(np.array(Skeleton.standard().offsets), dtype=torch.float32)


def _steps(joints: Tensor) -> Tensor:
    """From frame to frame: (..., T, n, 3) → (..., T − 1, n, 3)."""
    return joints[..., 1:, :, :] - joints[..., :-1, :, :]


def _bones(joints: Tensor) -> Tensor:
    """Lengths (..., 21)."""
    return (joints[..., 1:, :] - joints[..., _PARENTS, :]).square().sum(-1).clamp_min(1e-10).sqrt()


def _heading(joints: Tensor) -> Tensor:
    """Where the hips face, as unit vectors (x, z): (..., 2)."""
    across = joints[..., _RIGHT_HIP, :] - joints[..., _LEFT_HIP, :]
    # the denoiser's first guess is the mean of all headings, where a true unit vector would have no end of a gradient
    return unit(torch.stack([across[..., 2], -across[..., 0]], dim=-1), _NARROWEST)


def _in_own_heading(joints: Tensor) -> Tensor:
    """Joints around the pelvis' place on the floor, turned so that the body faces +Z; heights stay."""
    x, z = _heading(joints)[..., None, :].unbind(-1)
    beside, before = (joints - joints[..., :1, :])[..., 0], (joints - joints[..., :1, :])[..., 2]
    return torch.stack([beside * z - before * x, joints[..., 1], beside * x + before * z], dim=-1)


def _turn_between(joints: Tensor) -> Tensor:
    """Cosine and sine of the turn about +Y from the first person's heading to the second's: (B, 2, T, 22, 3) → (B, T, 2)."""
    first_x, first_z = _heading(joints[:, 0]).unbind(-1)
    second_x, second_z = _heading(joints[:, 1]).unbind(-1)
    return torch.stack([first_x * second_x + first_z * second_z, first_z * second_x - first_x * second_z], dim=-1)


def _pelvis_axes(joints: Tensor) -> Tensor:
    """Axes (..., 3, 3) fixed to the pelvis, from hips and spine1."""
    across = unit(joints[..., _LEFT_HIP, :] - joints[..., _RIGHT_HIP, :])
    up = joints[..., _SPINE1, :] - joints[..., 0, :]
    up = unit(up - (up * across).sum(-1, keepdim=True) * across)
    return torch.stack([across, up, torch.linalg.cross(across, up)], dim=-1)
