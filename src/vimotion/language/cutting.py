"""Making a backbone smaller: fewer words, fewer layers."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import pre_tokenizers
from torch import nn
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerFast

from vimotion.errors import UserError
from vimotion.language.vocabulary import tables_of


def cut_vocabulary(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, texts: Iterable[str], common: int = 0
) -> PreTrainedTokenizerFast:
    """Keep the tokens that `texts` use, what they are merged from, all bytes, all added tokens and the commonest merges.

    The texts, and every text made of the same words, are tokenised as before; any other text still is tokenised, into
    shorter pieces. Byte tokens that the backbone lacks are added with a mean embedding.

    Args:
        model: changed in place; its rows follow the new tokenizer.
        tokenizer: a byte-level BPE tokenizer.
        texts: everything that should stay as it is.
        common: so many merges are kept from the front of the list, the commonest in the backbone's own training.

    Returns:
        The new tokenizer.
    """
    content = json.loads(tokenizer.backend_tokenizer.to_str())
    bpe = content["model"]
    if bpe["type"] != "BPE" or bpe.get("byte_fallback") or "ByteLevel" not in json.dumps(content["pre_tokenizer"]):
        raise UserError("Only the vocabulary of a byte-level BPE tokenizer can be cut; leave `vocabulary` out of the recipe.")
    old: dict[str, int] = bpe["vocab"]
    merges = [tuple(pair) for pair in bpe["merges"]]
    added = {token["content"] for token in content["added_tokens"]}
    alphabet = pre_tokenizers.ByteLevel.alphabet()

    parents: dict[str, list[str]] = {}
    for left, right in merges:
        parents.setdefault(left + right, []).extend((left, right))
    names = {i: name for name, i in old.items()}
    pending = [names[i] for i in _used(tokenizer, texts) if i in names] + [left + right for left, right in merges[:common]]
    kept = added | set(alphabet)
    while pending:
        name = pending.pop()
        if name not in kept:
            kept.add(name)
            pending += parents.get(name, [])

    ids = {token["content"]: token["id"] for token in content["added_tokens"]} | old
    ordered = sorted((name for name in kept if name in ids), key=ids.__getitem__)
    lacking = sorted(kept - ids.keys())
    new = {name: i for i, name in enumerate([*ordered, *lacking])}
    bpe["vocab"] = {name: i for name, i in new.items() if name in old or name in lacking}
    bpe["merges"] = [list(pair) for pair in merges if kept.issuperset((*pair, "".join(pair)))]
    for token in content["added_tokens"]:
        token["id"] = new[token["content"]]
    _renumber(content.get("post_processor"), new)

    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        (Path(folder) / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
        smaller: Any = AutoTokenizer.from_pretrained(folder)
    _select_rows(model, [ids[name] for name in ordered], len(lacking))
    _renumber_config(model, {ids[name]: new[name] for name in ordered})
    return smaller


def cut_depth(model: PreTrainedModel, layers: Sequence[int]) -> None:
    """Keep these layers, in this order, counted from 0; the model is changed in place."""
    decoder: Any = model.base_model
    stack, config = decoder.layers, model.config
    wrong = [i for i in layers if not 0 <= i < len(stack)]
    if not layers or wrong or len(set(layers)) < len(layers):
        raise UserError(f"`layers` must name some of the backbone's {len(stack)} layers, 0 to {len(stack) - 1}, each once.")
    decoder.layers = nn.ModuleList(stack[i] for i in layers)
    for index, layer in enumerate(decoder.layers):
        layer.self_attn.layer_idx = index
    config.num_hidden_layers = len(layers)
    if getattr(config, "layer_types", None):
        config.layer_types = [config.layer_types[i] for i in layers]


def _used(tokenizer: PreTrainedTokenizerFast, texts: Iterable[str]) -> set[int]:
    used: set[int] = set()
    distinct = sorted(set(texts))
    for start in range(0, len(distinct), 1000):
        for ids in tokenizer(distinct[start : start + 1000], add_special_tokens=False)["input_ids"]:
            used.update(ids)
    return used


def _select_rows(model: PreTrainedModel, ids: list[int], extra: int) -> None:
    """Embedding and head keep the rows `ids`, followed by `extra` rows that are the mean."""
    tables = [table.detach().clone() for table in tables_of(model)]
    model.resize_token_embeddings(len(ids) + extra, mean_resizing=False)
    with torch.no_grad():
        for table, before in zip(tables_of(model), tables, strict=True):
            table[: len(ids)] = before[ids]
            table[len(ids) :] = before.mean(0)


def _renumber(processor: dict[str, Any] | None, new: dict[str, int]) -> None:
    """Ids that a post-processor puts around a text."""
    if not processor:
        return
    for part in processor.get("processors", []):
        _renumber(part, new)
    for name, entry in processor.get("special_tokens", {}).items():
        entry["ids"] = [new[name]]


def _renumber_config(model: PreTrainedModel, new: dict[int, int]) -> None:
    for config in (model.config, model.generation_config):
        for key in ("bos_token_id", "eos_token_id", "pad_token_id"):
            value = getattr(config, key, None)
            if isinstance(value, list):
                setattr(config, key, [new[i] for i in value])
            elif value is not None:
                setattr(config, key, new[value])
