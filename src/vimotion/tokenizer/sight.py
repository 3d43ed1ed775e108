"""Where the other is, as each of two people sees it before each step.

Codes tell how somebody moves from where they were, so where two people stand to each other is the sum of all codes so far, and
whether hands meet hangs on it. A language model does not add up well: it is told the sum again and again. Ours; the paper's
codes hold places in the world.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from vimotion.tokenizer.representation import split, turn, upright_heading
from vimotion.tokenizer.spec import CodecSpec

# Metres between the pelvises: what the first and the last bin of distance stand for; bins grow by the same factor each.
NEAREST, FARTHEST = 0.2, 6.0


def sight_codes(features: Tensor, spec: CodecSpec) -> Tensor:
    """Frame vectors of two people (2, T, 262) in one frame → codes (2, steps) int64 of what each sees before each step.

    The first person sees both as they were at the end of the step before. The second, whose codes come after the first's, sees
    the first as they are at the end of this step. So a sight hangs on nothing that is told after it.
    """
    steps, last = spec.steps(features.shape[1]), features.shape[1] - 1
    ends = spec.step_frames * torch.arange(steps + 1, device=features.device) - 1
    before, after = ends[:-1].clamp(0, last), ends[1:].clamp(0, last)
    positions = split(features)[0]
    heading = upright_heading(positions)
    pelvis = positions[..., 0, :]
    away = torch.stack([pelvis[1, before] - pelvis[0, before], pelvis[0, after] - pelvis[1, before]])
    seen = turn(away[..., None, :], heading[:, before])[..., 0, :]
    bins = spec.sight_bins
    distance = torch.hypot(seen[..., 0], seen[..., 2]).clamp_min(NEAREST)
    near = ((distance / NEAREST).log() * (bins - 1) / math.log(FARTHEST / NEAREST)).round().long().clamp(0, bins - 1)
    direction = (torch.atan2(seen[..., 0], seen[..., 2]) * bins / (2 * math.pi)).round().long() % bins
    return near * bins + direction
