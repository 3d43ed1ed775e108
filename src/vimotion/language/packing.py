"""Model folders at a quarter of their size: 8-bit weights for shipping, unpacked once into the cache."""

from __future__ import annotations

import shutil
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from vimotion.artifacts import atomic_path, fingerprint, vimotion_home
from vimotion.errors import UserError
from vimotion.weights import from_int8, to_int8

PACKED_WEIGHTS = "model.int8.safetensors"
_FORMAT = "vimotion-int8-1"


def pack(folder: Path | str, output: Path | str) -> dict[str, float]:
    """Write a packed copy of a model folder.

    Two-dimensional weights become int8, others float16, see `to_int8`.

    Returns:
        "megabytes" of the packed weights, and "relative_error": the root mean square of what rounding changed in the
        two-dimensional weights, over that of the weights.

    Raises:
        UserError: `folder` holds no weights, or some are not finite.
    """
    folder, output = Path(folder), Path(output)
    shards = sorted(folder.glob("*.safetensors"))
    if not shards or (folder / PACKED_WEIGHTS).exists():
        raise UserError(f"{folder} holds no model.safetensors to pack.")
    weights: dict[str, Tensor] = {}
    for shard in shards:
        with safe_open(shard, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 (not a dict)
                weight = file.get_tensor(name).float()
                if not weight.isfinite().all():
                    raise UserError(f"The weight {name!r} in {shard} is not finite; this model cannot be packed.")
                weights[name] = weight
    packed = to_int8(weights)
    rounded = from_int8(packed)
    matrices = [name for name, weight in weights.items() if weight.dim() == 2]
    changed = sum(float((rounded[name] - weights[name]).square().sum()) for name in matrices)
    total = sum(float(weights[name].square().sum()) for name in matrices)
    with atomic_path(output) as temporary:
        # metrics and checkpoints of a run stay behind
        shutil.copytree(folder, temporary, ignore=shutil.ignore_patterns("model*.safetensors*", "checkpoints", "metrics.jsonl"))
        save_file(packed, temporary / PACKED_WEIGHTS, metadata={"format": _FORMAT})
    size = (output / PACKED_WEIGHTS).stat().st_size
    return {"megabytes": size / 1e6, "relative_error": (changed / max(total, 1e-30)) ** 0.5}


def unpacked(folder: Path | str) -> Path:
    """The plain model folder in the cache that holds the same model as a packed one, made at first use.

    Raises:
        UserError: the packed weights are missing, damaged or of another format.
    """
    folder = Path(folder)
    if not (folder / PACKED_WEIGHTS).is_file():
        raise UserError(f"{folder} is no packed model: it has no {PACKED_WEIGHTS}.")
    plain = vimotion_home() / "models" / f"{folder.resolve().name}-{fingerprint(folder)[:16]}"
    if plain.is_dir():
        return plain
    weights = _read(folder / PACKED_WEIGHTS)
    with atomic_path(plain) as temporary:
        shutil.copytree(folder, temporary, ignore=shutil.ignore_patterns(PACKED_WEIGHTS))
        save_file(weights, temporary / "model.safetensors", metadata={"format": "pt"})
    return plain


def _read(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(path, framework="pt") as file:
            if (file.metadata() or {}).get("format") != _FORMAT:
                raise UserError(f"{path} is packed in another format than {_FORMAT}; use the VIMotion version it came with.")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path} cannot be read ({error}); fetch the model again.") from None
    return from_int8(tensors)
