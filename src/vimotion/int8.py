"""Weights in 8 bits, for files that ship: symmetric, one scale a row."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

# What a weight's scales are called: its own name and this.
SCALE = ".scale"


def quantize_rows(weight: Tensor) -> tuple[Tensor, Tensor]:
    """(rows, columns) float → int8 of the same shape, and (rows,) float32 scales."""
    scale = weight.abs().amax(dim=1).clamp_min(1e-12) / 127
    return (weight / scale[:, None]).round().to(torch.int8), scale


def dequantize_rows(weight: Tensor, scale: Tensor) -> Tensor:
    """What `quantize_rows` took, rounded: float32."""
    return weight.float() * scale[:, None]


def packed(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Two-dimensional float32 weights become int8 with one float32 scale a row (output channel); others become float16."""
    small: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if tensor.dim() == 2:
            small[name], small[name + SCALE] = quantize_rows(tensor)
        else:
            small[name] = tensor.half()
    return small


def unpacked(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What `packed` took, rounded: float32. Tensors that are not packed only become float32."""
    scales = {name for name in tensors if name.endswith(SCALE) and name.removesuffix(SCALE) in tensors}
    return {
        name: dequantize_rows(tensor, tensors[name + SCALE]) if name + SCALE in scales else tensor.float()
        for name, tensor in tensors.items()
        if name not in scales
    }
