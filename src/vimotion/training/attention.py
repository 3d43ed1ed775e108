"""Attention within each example of packed rows, and nothing computed across them.

Masked attention costs as if a row were one long example; on CPUs, which have no flash attention, that is more than the padding
that packing saves.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout as dropped
from torch.nn.functional import pad, scaled_dot_product_attention
from transformers import AttentionInterface

PACKED = "packed"
# On a CPU examples are computed as if their lengths were multiples of this.
_LENGTHS = 16


@torch.compiler.disable  # examples are of all lengths
def packed_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    *,
    position_ids: Tensor,
    **_: Any,
) -> tuple[Tensor, None]:
    """What transformers asks of an attention function; for training, where keys are not kept from call to call.

    Args:
        query, key, value: (B, heads, T, width), fewer heads of keys and values.
        position_ids: (B, T), from 0 in each example.

    Returns:
        (B, T, heads, width)
    """
    batch, heads, length, width = query.shape
    one_row = [tensor.transpose(0, 1).flatten(1, 2)[None] for tensor in (query, key, value)]
    scale = width**-0.5 if scaling is None else scaling
    parts = [
        _causal(q, k, v, scale, dropout)
        for q, k, v in zip(*(tensor.split(_lengths(position_ids), dim=2) for tensor in one_row), strict=True)
    ]
    return torch.cat(parts, dim=2)[0].transpose(0, 1).reshape(batch, length, heads, width), None


def _causal(query: Tensor, key: Tensor, value: Tensor, scale: float, dropout: float) -> Tensor:
    """(1, heads, T, width); keys and values of fewer heads are shared by heads that follow one another."""
    if query.device.type != "cpu":
        return scaled_dot_product_attention(query, key, value, dropout_p=dropout, is_causal=True, scale=scale, enable_gqa=True)
    # the same, with a faster way back on a CPU than torch's own: every pass over the scores counts, so they stay in the
    # precision of the products, and what comes later is left out where they are added up; lengths are filled up behind, where
    # nobody looks, because a product of a new shape has to be compiled
    true_length = query.shape[2]
    query, key, value = (pad(tensor, (0, 0, 0, -true_length % _LENGTHS)) for tensor in (query, key, value))
    groups, length = key.shape[1], query.shape[2]
    with torch.autocast(query.device.type, enabled=False):
        together = (query * scale).to(value.dtype).reshape(groups, -1, query.shape[-1])
        later = torch.full((length, length), float("-inf"), dtype=value.dtype).triu(1).repeat(together.shape[1] // length, 1)
        scores = torch.baddbmm(later.expand(groups, -1, -1), together, key[0].to(value.dtype).transpose(-1, -2))
        chances = dropped(scores.softmax(-1), dropout)
        return (chances @ value[0]).unflatten(1, (-1, length)).flatten(0, 1)[None, :, :true_length]


def _lengths(position_ids: Tensor) -> list[int]:
    """How long the examples of all rows are, one after another; the padding behind them counts as one more."""
    positions = position_ids.flatten()
    following = positions.roll(-1)
    # padding is a run of zeros
    starts = (positions == 0) & ((positions.roll(1) != 0) | (following == 1))
    starts[0] = True
    ends = [*starts.nonzero().flatten().tolist(), len(positions)]
    return [stop - start for start, stop in pairwise(ends)]


AttentionInterface.register(PACKED, packed_attention)
