"""A model folder for others: the plain causal language model that transformers and servers load without VIMotion.

Beside the weights lie the motion codec, which turns the model's tokens into motion, a card for the Hugging Face hub, and the
manifest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import GenerationConfig, PreTrainedConfig, PreTrainedModel

from vimotion.artifacts import MANIFEST, atomic_path, read_manifest, write_manifest
from vimotion.errors import UserError
from vimotion.language.model_card import card
from vimotion.language.model_folder import ModelFolder

KIND = "export"
DTYPES = ("float32", "bfloat16", "float16")
# How VIMotion draws the codes of a motion (`chat.Sampling`): what a server does that is asked for nothing else.
SAMPLING = {"do_sample": True, "temperature": 0.6, "top_p": 0.95, "top_k": 0}
# What transformers writes down of how it loaded a tokenizer.
_OF_LOADING = ("is_local", "local_files_only")
_SIZE = re.compile(r"\d+(\.\d+)?\s*[KMGT]B", re.IGNORECASE)


def export_model(
    folder: Path | str, output: Path | str, dtype: str | None = None, max_shard_size: str = "5GB", base: str | None = None
) -> Path:
    """Write a model folder, packed or plain, as one to publish and to serve: whole, or not at all.

    Args:
        output: a folder that is not there yet, or empty.
        dtype: of the weights, one of `DTYPES`; None keeps that of `folder`.
        max_shard_size: of one file of weights, such as "5GB".
        base: the language model underneath, where no manifest that is found tells it.

    Raises:
        UserError: there is something in `output`, `folder` is no model folder, or an argument is none of the above.
    """
    folder, output = Path(folder), Path(output).absolute()
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise UserError(f"{output} is not empty; name a new folder.")
    if dtype is not None and dtype not in DTYPES:
        raise UserError(f"Weights are written as {', '.join(DTYPES)}, not as {dtype}.")
    if not _SIZE.fullmatch(max_shard_size.strip()):
        raise UserError(f"The size of a file is a number with KB, MB, GB or TB, such as 5GB, not {max_shard_size!r}.")
    dtype = dtype or _dtype_of(folder)
    built = ModelFolder.load(folder, dtype=getattr(torch, dtype))
    trained = read_manifest(folder) if (folder / MANIFEST).is_file() else {}
    trained = trained["config"]["model"] if trained.get("kind") == KIND else trained  # it was exported before
    config = {"dtype": dtype, "max_shard_size": max_shard_size, "model": trained}
    with atomic_path(output) as temporary:
        temporary.mkdir()
        _write(built, temporary, max_shard_size.strip())
        (temporary / "README.md").write_text(card(built, trained, dtype, output.name, base), encoding="utf-8")
        write_manifest(temporary, KIND, config, int(trained.get("seed", 0)), {"model": folder})
    return output


def _write(built: ModelFolder, folder: Path, max_shard_size: str) -> None:
    """The model, so that older releases of transformers, on which servers stand, read it too."""
    config: PreTrainedConfig = built.model.config
    model: PreTrainedModel = built.model
    tokens = {name: getattr(config, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    model.generation_config = GenerationConfig(**tokens, **SAMPLING)
    built.save(folder, max_shard_size)
    _change(folder / "config.json", _older_names)
    _change(folder / "tokenizer_config.json", lambda found: _plain_tokenizer(found, config.max_position_embeddings))


def _older_names(config: dict[str, Any]) -> dict[str, Any]:
    """Version 4 reads these and, without them, takes its own defaults silently."""
    rope = dict(config.get("rope_parameters") or {})
    if "rope_theta" in rope:
        config["rope_theta"] = rope.pop("rope_theta")
        config["rope_scaling"] = rope if rope.get("rope_type", "default") != "default" else None
    return config | {"torch_dtype": config["dtype"]}


def _plain_tokenizer(config: dict[str, Any], max_length: int) -> dict[str, Any]:
    kept = {name: value for name, value in config.items() if name not in _OF_LOADING}
    return kept | {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": max_length}


def _change(path: Path, change: Any) -> None:
    found = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(change(found), indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _dtype_of(folder: Path) -> str:
    try:
        config: Mapping[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return DTYPES[0]  # loading says what is wrong
    found = config.get("dtype") or config.get("torch_dtype")
    return found if found in DTYPES else DTYPES[0]
