"""Low-rank adapters for alignment, and merging them away again.

The paper trains "LoRA, embedding layer and decoder head included". Here adapters sit on every linear layer of the
transformer, and of embedding and head the rows of the motion tokens are trained in full: the rest of those two tables
already means what it should. (Whole copies of the tables in `modules_to_save` break a tied model.)
"""

from __future__ import annotations

from peft import LoraConfig, PeftModel, get_peft_model
from torch import nn
from transformers import PreTrainedModel


def add_lora(model: PreTrainedModel, rank: int, new_rows: range, dropout: float = 0.0) -> PeftModel:
    """Freeze `model` and give it adapters on all linear layers and trainable rows for the tokens `new_rows`.

    `model` is taken over; use what is returned.
    """
    tables = {_name_of(model, model.get_input_embeddings()): list(new_rows)}
    if not model.config.tie_word_embeddings:
        tables[_name_of(model, model.get_output_embeddings())] = list(new_rows)
    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=rank,
        lora_alpha=2 * rank,
        lora_dropout=dropout,
        target_modules="all-linear",
        trainable_token_indices=tables,
    )
    adapted = get_peft_model(model, config)
    assert isinstance(adapted, PeftModel)
    return adapted


def merge_lora(adapted: PeftModel) -> PreTrainedModel:
    """The plain model with the adapters added to its weights, everything trainable."""
    merged: PreTrainedModel = adapted.merge_and_unload(safe_merge=True)
    merged.requires_grad_(True)
    return merged


def is_new_row(name: str) -> bool:
    """Whether a parameter of an adapted model holds rows of new tokens."""
    return "trainable_tokens" in name


def _name_of(model: nn.Module, wanted: nn.Module) -> str:
    """The last part of a submodule's name, by which peft finds it."""
    return next(name for name, module in model.named_modules() if module is wanted).rpartition(".")[2]
