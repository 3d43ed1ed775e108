"""Attention within each example of packed rows, and nothing computed across them.

Masked attention costs as if a row were one long example; on CPUs, which have no flash attention, that is more than the padding
that packing saves.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

PACKED = "packed"


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
    parts = [
        scaled_dot_product_attention(q, k, v, dropout_p=dropout, is_causal=True, scale=scaling, enable_gqa=True)
        for q, k, v in zip(*(tensor.split(_lengths(position_ids), dim=2) for tensor in one_row), strict=True)
    ]
    return torch.cat(parts, dim=2)[0].transpose(0, 1).reshape(batch, length, heads, width), None


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
