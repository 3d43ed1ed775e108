"""Where a person is: place on the ground, heading and size, told in codes of their own at the start and now and then later.

A departure from the paper, where relative placement lives in the global positions of every frame. Most of a step's bits then
say again where somebody stands, and the same gesture has other codes at another place or for another body. Here a person's
motion is coded in the frame in which they start (origin below the pelvis, +Z where the hips face, scaled to a standard body),
and the placement leads from there to the frame that the two share. Where a codec has segments, each is coded in the frame
that its person has reached by then, so that a handshake after a walk has the codes of any handshake.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from vimotion.motion import FEATURES
from vimotion.tokenizer.representation import body_size, split, turn, upright_heading
from vimotion.tokenizer.spec import PLACEMENT

# Metres to either side, and the largest factor to either side of the standard body, that codes can tell.
REACH, LARGEST = 6.4, 2.0
_HALF_RANGES = torch.tensor([REACH, REACH, math.pi, math.log(LARGEST)])
_YAW = PLACEMENT.index("yaw")
# What `relation` tells of each person, and what `way` does.
NUM_RELATION, NUM_WAY = 7, 10


def placement_codes(features: Tensor, standard: Tensor, bins: int) -> Tensor:
    """Frame vectors (..., 262) → codes (..., 4) int64 of x, z, yaw and size. Values out of reach get the nearest code."""
    positions = split(features)[0]
    heading = upright_heading(positions)
    values = torch.stack(
        [
            positions[..., 0, 0],
            positions[..., 0, 2],
            torch.atan2(heading[..., 0], heading[..., 1]),
            body_size(positions, standard).log(),
        ],
        dim=-1,
    )
    return _nearest(values, bins)


def seen_codes(codes: np.ndarray, bins: int) -> np.ndarray:
    """Codes (2, 3) that tell by `RETOLD` where two people are → codes (3,) of where the first one sees the second.

    As at the start of a motion, which is placed by its first person.
    """
    here, there = placement_values(pad(torch.as_tensor(codes), (0, 1), value=bins // 2), bins)
    seen: np.ndarray = _nearest(torch.stack(_from(there, here), dim=-1), bins).numpy()
    return seen


def _nearest(values: Tensor, bins: int) -> Tensor:
    """The codes of the first numbers of a placement, (..., n)."""
    codes = (values / _widths(bins, values)[: values.shape[-1]]).round().long() + bins // 2
    codes[..., _YAW] %= bins
    return codes.clamp(0, bins - 1)


def placement_values(codes: Tensor, bins: int) -> Tensor:
    """Codes (..., 4) → x and z in metres, yaw in radians about +Y, and size against the standard body, (..., 4)."""
    values = (codes - bins // 2) * _widths(bins, codes)
    return torch.cat([values[..., :3], values[..., 3:].exp()], dim=-1)


def in_own_frame(features: Tensor, placement: Tensor) -> Tensor:
    """Frame vectors (..., T, 262) in the common frame → in a placement's (..., 4) own frame, at a standard body's size."""
    ground, forward, size = _parts(placement)
    positions, velocities, _, _ = split(features)
    forward = forward[..., None, :]
    vectors = [
        turn(part, forward) / size[..., None, None, None] for part in (positions - ground[..., None, None, :], velocities)
    ]
    return torch.cat([part.flatten(-2) for part in vectors] + [features[..., FEATURES["rotations"].start :]], dim=-1)


def in_common_frame(pose: Tensor, placement: Tensor) -> Tensor:
    """The decoder's pose (..., 138) in the frame of a placement (..., 4) → in the common frame, metres."""
    ground = _parts(placement)[0]
    pose = turned(pose, placement)
    return torch.cat([pose[..., :3] + ground, pose[..., 3:]], dim=-1)


def turned(pose: Tensor, placement: Tensor) -> Tensor:
    """`in_common_frame` of the difference between two poses."""
    _, forward, size = _parts(placement)
    back = forward * forward.new_tensor([-1.0, 1.0])
    root = turn(pose[..., None, :3] * size[..., None, None], back)[..., 0, :]
    # 6D holds the first two columns of a matrix, row by row: both are turned like vectors
    columns = turn(pose[..., 3:9].unflatten(-1, (3, 2)).transpose(-1, -2), back).transpose(-1, -2)
    return torch.cat([root, columns.flatten(-2), pose[..., 9:]], dim=-1)


def relation(placement: Tensor) -> Tensor:
    """What the decoder is told of placements (B, P, ..., 4): own size, and the other's place, heading and size as seen from
    here.

    Returns:
        (B, P, ..., 7); of somebody alone all but the own size is zero.
    """
    size = placement[..., 3:].log()
    if placement.shape[1] != 2:
        return torch.cat([size, size.new_zeros(*size.shape[:-1], 6)], dim=-1)
    other = placement.flip(1)
    return torch.cat([size, _seen(other, placement), other[..., 3:].log(), torch.ones_like(size)], dim=-1)


def way(placement: Tensor, segments: int) -> Tensor:
    """What the decoder is told of the way of placements (..., n, 4), one at the start of each of the first `segments` segments:
    the place and heading of the one before and of the one after it as seen from here.

    Returns:
        (..., segments, 10); zeros where there is none.
    """
    before, after = placement[..., :-1, :], placement[..., 1:, :]
    back, ahead = (pad(_seen(there, here), (0, 1), value=1.0) for there, here in ((before, after), (after, before)))
    return torch.cat([pad(back, (0, 0, 1, 0)), pad(ahead, (0, 0, 0, 1))], dim=-1)[..., :segments, :]


def _seen(there: Tensor, here: Tensor) -> Tensor:
    """Place and heading of placements (..., 4) as seen from others, (..., 4): x, z, and sine and cosine of the yaw between."""
    x, z, yaw = _from(there, here)
    return torch.stack([x, z, yaw.sin(), yaw.cos()], dim=-1)


def _from(there: Tensor, here: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """x, z and yaw (...) of placements (..., 4) in the frames of others."""
    ground, forward, _ = _parts(here)
    towards = turn((_parts(there)[0] - ground)[..., None, :], forward)[..., 0, :]
    return towards[..., 0], towards[..., 2], there[..., 2] - here[..., 2]


def _parts(placement: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Placement (..., 4) → ground (..., 3), forward (..., 2) = (x, z), and size (...)."""
    x, z, yaw, size = placement.unbind(-1)
    return torch.stack([x, torch.zeros_like(x), z], dim=-1), torch.stack([yaw.sin(), yaw.cos()], dim=-1), size


def _widths(bins: int, like: Tensor) -> Tensor:
    return _HALF_RANGES.to(like.device) * 2 / bins
