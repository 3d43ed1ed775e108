"""What a decoded motion is held to: joints in the world and around the pelvis, what lies between two people, feet."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from vimotion.config import Config
from vimotion.motion import JOINT
from vimotion.motion.contacts import CONTACT_JOINTS
from vimotion.tokenizer.representation import (
    POSE_PARTS,
    Body,
    body_from_features,
    body_from_pose,
    split,
)

# Joints between which two people touch each other.
TOUCHING = [
    JOINT[name]
    for name in (
        "pelvis", "spine2", "spine3", "neck", "head", "left_shoulder", "right_shoulder",
        "left_elbow", "right_elbow", "left_wrist", "right_wrist",
    )
]  # fmt: skip
# Metres over which a distance between two people loses its weight.
_NEAR = 0.3


class LossWeights(Config):
    """Weights of the parts; distances are metres, so that weights say what a metre (or a metre a frame) is worth.

    Attributes:
        world, root, local: mean joint error in the world, of the pelvis, and around the pelvis.
        velocity: of joint velocities, metres a frame.
        hands, swing: of the palms around the pelvis, and of their velocities: small fast swings (a wave, a game of the hands)
            hardly show in the mean over all joints, and were smoothed away without these.
        rotation: of rotations in 6D as they come from the decoder, before they are made square and of unit length: near
            the mean of all headings, where training starts, the matrices have no useful gradient.
        carriage: of the rotations in 6D in the mean over a clip. What is a little wrong all the time is next to nothing in a
            frame, and yet all that tells a sad person from a proud one.
        between: difference of the vector from one person's joint or palm to the other's, near ones above all.
        slide: speed of feet that should stand, metres a frame.
        contact: cross entropy of the feet's contacts.
        commitment: squared distance of latents from their codes.
    """

    world: float = 1.0
    root: float = 1.0
    local: float = 1.0
    velocity: float = 10.0
    hands: float = 2.0
    swing: float = 30.0
    rotation: float = 1.0
    carriage: float = 0.0
    between: float = 1.0
    slide: float = 2.0
    contact: float = 0.01
    commitment: float = 0.02


def reconstruction_losses(
    pose: Tensor, size: Tensor, features: Tensor, mask: Tensor, standard: Tensor, offset: int = 0
) -> dict[str, Tensor]:
    """Parts of the loss, each a mean, unweighted.

    They are taken on two neighbouring frames of every four (kinematics would otherwise cost as much as the networks).

    Args:
        pose: (B, P, T, 138) as decoded, in the common frame; size: (B, P) of the bodies.
        features: (B, P, T, 262) raw, the target.
        mask: (B, T) 1.0 where a frame is real, 0.0 where it is padding.
        standard: (24, 3) the standard body.
        offset: which two of four: frames 4k + offset and the ones after them, offset 0 to 3. Of steps
            of 8 frames only 3 looks across where two meet.
    """
    pose, features, mask = _two_of_four(pose, offset), _two_of_four(features, offset), _two_of_four(mask[..., None], offset)
    made = body_from_pose(pose, size[..., None, None].expand(pose.shape[:-1]), standard)
    with torch.no_grad():
        true = body_from_features(features, standard)
        _, velocities, _, contacts = split(features)
    weights = mask[:, None].expand(*pose.shape[:-1], 1)
    difference = made.positions - true.positions
    root = difference[..., :1, :]
    reach = (made.palms - made.positions[..., :1, :]) - (true.palms - true.positions[..., :1, :])
    speeds = made.positions[..., 1, :, :] - made.positions[..., 0, :, :]
    swing = (made.palms - true.palms).diff(dim=-3)[..., 0, :, :]
    moving = weights[..., 0, :] * weights[..., 1, :]
    _, six, logits = pose.split(list(POSE_PARTS.values()), dim=-1)
    turned = six - true.rotations[..., :2].flatten(-3)
    losses = {
        "world": _mean(_length(difference), weights),
        "root": _mean(_length(root), weights),
        "local": _mean(_length(difference - root), weights),
        "velocity": _mean(_length(speeds - velocities[..., 0, :, :]), moving),
        "hands": _mean(_length(reach), weights),
        "swing": _mean(_length(swing), moving),
        "rotation": _mean(turned.abs(), weights),
        "carriage": (_sum_of_frames(turned * weights) / _sum_of_frames(weights).clamp_min(1.0)).abs().mean(),
        "slide": _mean(_length(speeds[..., CONTACT_JOINTS, :]) * contacts[..., 0, :], moving),
        "contact": _mean(binary_cross_entropy_with_logits(logits, contacts, reduction="none"), weights),
    }
    if pose.shape[1] == 2:
        losses["between"] = _between(made, true, mask[..., 0])
    return losses


def _two_of_four(frames: Tensor, offset: int) -> Tensor:
    """(..., T, n) → (..., pairs, 2, n)."""
    return frames[..., offset:, :].unfold(-2, 2, 4).transpose(-1, -2)


def _sum_of_frames(values: Tensor) -> Tensor:
    """(B, P, pairs, 2, n) → (B, P, n)."""
    return values.sum((-3, -2))


def _length(vectors: Tensor) -> Tensor:
    # torch's vector norm is several times slower on short vectors, and has no gradient at zero
    return vectors.square().sum(-1).add(1e-12).sqrt()


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    """Mean of (..., n) over the frames with weight (..., 1)."""
    return (values * weights).sum() / (weights.sum() * values.shape[-1]).clamp_min(1.0)


def _between(made: Body, true: Body, mask: Tensor) -> Tensor:
    """Mean error of the vectors from a's joints to b's, weighted by how near they truly are."""
    apart, truly_apart = vectors_between(made), vectors_between(true)
    near = torch.exp(-_length(truly_apart) / _NEAR) * mask[..., None, None]
    return (_length(apart - truly_apart) * near).sum() / near.sum().clamp_min(1.0)


def vectors_between(body: Body) -> Tensor:
    """From each of a's touching joints and palms to each of b's: people (B, 2, ...) → (B, ..., 13, 13, 3)."""
    points = torch.cat([body.positions[..., TOUCHING, :], body.palms], dim=-2)
    return points[:, 1, ..., None, :, :] - points[:, 0, ..., :, None, :]
