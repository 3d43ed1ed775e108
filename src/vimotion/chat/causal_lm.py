"""Causal language models of transformers that write many texts at once, on any device: all in one step, or one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from transformers import Cache, DynamicCache, PreTrainedModel
from transformers.cache_utils import CacheLayerMixin, DynamicLayer


def attends_to_all(model: PreTrainedModel) -> bool:
    """Whether every layer sees the whole text before it (no sliding window, no running state), and takes a mask of ours."""
    layers = DynamicCache(config=model.config).layers
    return model.config._attn_implementation in ("sdpa", "eager") and all(type(layer) is DynamicLayer for layer in layers)


class AnyCausalLM:
    """A `Network` (decode.py) out of any causal language model, such as one with a sliding window: slot by slot."""

    def __init__(self, model: PreTrainedModel) -> None:
        self.model = model
        self.max_length: int = model.config.max_position_embeddings

    def new_cache(self, slots: int, length: int, before: Any = None) -> Any:
        held = before or []
        return [*held, *[None] * (slots - len(held))]

    def prefill(self, cache: Any, slot: int, ids: Tensor, last: int = 1) -> Tensor:
        cache[slot] = DynamicCache(config=self.model.config)
        return self._forward(cache[slot], ids[None], last)[0]

    def step(self, cache: Any, slots: Tensor, lengths: Tensor, ids: Tensor) -> Tensor:
        rows = zip(slots.tolist(), ids, strict=True)
        return torch.cat([self._forward(cache[slot], token[None, None])[0] for slot, token in rows])

    def head(self, ids: Tensor) -> Callable[[Tensor], Tensor]:
        # the states are already logits, of all tokens
        return lambda logits: logits[:, ids]

    def _forward(self, cache: Cache, ids: Tensor, last: int = 1, **how: Tensor | None) -> Tensor:
        """Logits (B, last, vocabulary) after the last tokens of rows (B, n)."""
        said: Any = self.model(ids.to(self.model.device), past_key_values=cache, use_cache=True, logits_to_keep=last, **how)
        logits: Tensor = said.logits
        return logits[:, -last:].float().cpu()


class SlottedLM(AnyCausalLM):
    """Of a model for which `attends_to_all` is true: a step takes all slots in one forward pass."""

    def new_cache(self, slots: int, length: int, before: SlotCache | None = None) -> SlotCache:
        return SlotCache(self.model.config.get_text_config().num_hidden_layers, slots, length, before)

    def prefill(self, cache: SlotCache, slot: int, ids: Tensor, last: int = 1) -> Tensor:
        device = self.model.device
        cache.place(torch.tensor([slot], device=device))
        return self._forward(cache, ids[None], last, position_ids=torch.arange(len(ids), device=device)[None])[0]

    def step(self, cache: SlotCache, slots: Tensor, lengths: Tensor, ids: Tensor) -> Tensor:
        lengths = lengths.to(self.model.device)
        longest = cache.place(slots.to(self.model.device), lengths)
        seen = torch.arange(longest, device=lengths.device) <= lengths[:, None]
        # added to the scores: what every kind of attention takes
        mask = torch.zeros(seen.shape, dtype=self.model.dtype, device=seen.device)
        mask.masked_fill_(~seen, torch.finfo(mask.dtype).min)
        return self._forward(cache, ids[:, None], attention_mask=mask[:, None, None], position_ids=lengths[:, None])[:, 0]


@dataclass
class _Place:
    """Where the rows of a forward pass belong: to `slots` (n,), which hold `lengths` (n,) tokens; None begins a prompt."""

    slots: Tensor = field(default_factory=lambda: torch.arange(0))
    lengths: Tensor | None = None
    longest: int = 0


class SlotCache(Cache):
    """Keys and values of so many slots. `place` says which of them the next forward pass is about."""

    def __init__(self, layers: int, slots: int, length: int, before: SlotCache | None = None) -> None:
        held: Sequence[Any] = before.layers if before else [None] * layers
        self._place = _Place()
        super().__init__(layers=[_Layer(self._place, (slots, length), layer) for layer in held])

    def place(self, slots: Tensor, lengths: Tensor | None = None) -> int:
        """The rows to come belong to `slots` (n,), which hold `lengths` (n,) tokens each; without lengths a prompt begins.

        Returns:
            Tokens of the longest text, the new ones included; 0 for a prompt.
        """
        self._place.slots, self._place.lengths = slots, lengths
        self._place.longest = 0 if lengths is None else int(lengths.max()) + 1
        return self._place.longest


class _Layer(CacheLayerMixin):
    """Keys and values of one layer, (slots, heads, length, head width) each."""

    is_sliding = False
    keys: Any
    values: Any

    def __init__(self, place: _Place, size: tuple[int, int], before: _Layer | None) -> None:
        super().__init__()
        self._place, self._size = place, size
        if before is not None and before.is_initialized:
            self.lazy_initialization(before.keys, before.values)
            slots, _, length, _ = before.keys.shape
            self.keys[:slots, :, :length], self.values[:slots, :, :length] = before.keys, before.values

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        slots, length = self._size
        self.keys = key_states.new_zeros(slots, key_states.shape[1], length, key_states.shape[3])
        self.values = value_states.new_zeros(slots, value_states.shape[1], length, value_states.shape[3])
        self.is_initialized = True

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        slots, lengths, longest = self._place.slots, self._place.lengths, self._place.longest
        if lengths is None:
            length = key_states.shape[2]
            self.keys[slots, :, :length], self.values[slots, :, :length] = key_states, value_states
            return key_states, value_states
        self.keys[slots, :, lengths], self.values[slots, :, lengths] = key_states[:, :, 0], value_states[:, :, 0]
        return self.keys[slots, :, :longest], self.values[slots, :, :longest]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self._place.longest or query_length, 0

    def get_seq_length(self) -> int:
        return max(self._place.longest - 1, 0)

    def get_max_length(self) -> int:
        return self._size[1]

    get_max_cache_shape = get_max_length  # its name in the first releases of transformers 5
