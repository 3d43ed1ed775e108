"""A model folder: a plain causal language model with its motion codec beside it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerFast

from vimotion.errors import UserError
from vimotion.language.layout import Layout
from vimotion.language.packing import PACKED_WEIGHTS, unpacked
from vimotion.language.vocabulary import MotionVocabulary
from vimotion.tokenizer import MotionTokenizer

CODEC = "motion_codec"
# What config.json calls the guidance (`chat.Sampling`) that a model was made for.
GUIDANCE = "motion_guidance"


@dataclass(eq=False)
class ModelFolder:
    """What a published model consists of.

    config.json, model.safetensors, generation_config.json    `AutoModelForCausalLM` loads them
    tokenizer.json, tokenizer_config.json, chat_template.jinja    the motion tokens are in it
    motion_codec/    `MotionTokenizer`
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    codec: MotionTokenizer

    @cached_property
    def layout(self) -> Layout:
        return Layout(self.codec.spec, MotionVocabulary(self.codec.spec).find_in(self.tokenizer))

    def save(self, folder: Path | str, max_shard_size: str = "50GB") -> None:
        """Write the folder's files, the weights in parts of `max_shard_size`; others that lie there stay."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".saving-") as name:
            scratch = Path(name)
            self.model.save_pretrained(scratch, max_shard_size=max_shard_size)
            self.tokenizer.save_pretrained(scratch)
            self.codec.save(scratch / CODEC)
            for source in [path for path in scratch.rglob("*") if path.is_file()]:
                target = folder / source.relative_to(scratch)
                target.parent.mkdir(exist_ok=True)
                source.chmod(0o644)
                source.replace(target)

    @staticmethod
    def load(folder: Path | str, device: str | torch.device = "cpu", dtype: torch.dtype = torch.float32) -> ModelFolder:
        """Read a model folder, or a packed one through the cache.

        Raises:
            UserError: something is missing or damaged, or the parts do not belong together.
        """
        folder = Path(folder)
        if (folder / PACKED_WEIGHTS).is_file():
            folder = unpacked(folder)
        if not (folder / "config.json").is_file():
            raise UserError(f"{folder} is no model folder: it has no config.json.")
        try:
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                folder, dtype=dtype, local_files_only=True, output_loading_info=True
            )
            tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            raise UserError(f"The model in {folder} cannot be loaded: {str(error).splitlines()[0]}") from error
        model, report = loaded
        kinds = ("missing_keys", "unexpected_keys", "mismatched_keys")
        if wrong := sorted(str(name) for kind in kinds for name in report[kind]):
            raise UserError(f"The weights in {folder} do not fit its config.json: see {wrong[0]!r}.")
        found = ModelFolder(model.to(device).eval(), tokenizer, MotionTokenizer.load(folder / CODEC, device))
        rows = model.get_input_embeddings().weight.shape[0]
        if rows < len(tokenizer) or not found.layout:
            raise UserError(f"The tokenizer in {folder} has {len(tokenizer)} tokens but the model has {rows} rows.")
        return found
