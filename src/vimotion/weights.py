"""Weights in files: read with their settings and held against them; in 8 bits, symmetric, one scale a row, for what ships."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from vimotion.config import Config
from vimotion.errors import UserError

Settings = TypeVar("Settings", bound=Config)
CONFIG = "config.json"
# What a weight's scales are called: its own name and this.
SCALE = ".scale"


def quantize_rows(weight: Tensor) -> tuple[Tensor, Tensor]:
    """(rows, columns) float → int8 of the same shape, and (rows,) float32 scales."""
    scale = weight.abs().amax(dim=1).clamp_min(1e-12) / 127
    return (weight / scale[:, None]).round().to(torch.int8), scale


def dequantize_rows(weight: Tensor, scale: Tensor) -> Tensor:
    """What `quantize_rows` took, rounded: float32."""
    return weight.float() * scale[:, None]


def to_int8(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Two-dimensional float32 weights become int8 with one float32 scale a row (output channel); others become float16."""
    small: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if tensor.dim() == 2:
            small[name], small[name + SCALE] = quantize_rows(tensor)
        else:
            small[name] = tensor.half()
    return small


def from_int8(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What `to_int8` took, rounded: float32. Tensors that were not packed only become float32."""
    scales = {name for name in tensors if name.endswith(SCALE) and name.removesuffix(SCALE) in tensors}
    return {
        name: dequantize_rows(tensor, tensors[name + SCALE]) if name + SCALE in scales else tensor.float()
        for name, tensor in tensors.items()
        if name not in scales
    }


def read_folder(folder: Path, weights: str, settings: type[Settings], what: str) -> tuple[Settings, dict[str, Tensor]]:
    """The settings in `config.json` of a folder and the tensors of its file `weights`; `what` names it to users.

    Raises:
        UserError: a file is missing or damaged.
    """
    if missing := [name for name in (CONFIG, weights) if not (folder / name).is_file()]:
        raise UserError(f"{folder} holds no {what}: it has no {missing[0]}.")
    try:
        config = settings.model_validate(json.loads((folder / CONFIG).read_text(encoding="utf-8")))
        return config, load_file(folder / weights)
    except (OSError, ValueError, ValidationError, SafetensorError) as error:
        raise UserError(f"The {what} in {folder} cannot be read: {str(error).splitlines()[0]}.") from None


def check_fit(expected: Mapping[str, Tensor], found: Mapping[str, Tensor], folder: Path, what: str) -> None:
    """That the tensors found in a folder are those that its settings ask for.

    Raises:
        UserError: one is missing, superfluous or of another shape; the message names it.
    """
    if wrong := differing(expected, found):
        raise UserError(f"The weights of the {what} in {folder} do not fit its {CONFIG}: see {wrong[0]!r}.")


def differing(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> list[str]:
    """Names that only one of two state dicts has, or whose shapes differ."""
    names = expected.keys() | found.keys()
    return sorted(n for n in names if n not in expected or n not in found or expected[n].shape != found[n].shape)
