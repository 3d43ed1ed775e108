"""A Llama for decoding on a CPU: 8-bit weights, a cache of slots, one step for any number of half-finished texts.

Transformers' own forward spends two thirds of a 40M model's step outside the matrix products, and
`torch.ao.quantization.quantize_dynamic` scales the activations of a whole batch together, so that what one text says
depends on its neighbours. Here every row of activations has its own scale and the products are exact 32-bit integers: a
text decodes alike alone and in a batch.
"""

from __future__ import annotations

from typing import Any, TypeGuard

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention, silu
from transformers import LlamaForCausalLM, PreTrainedModel

# Rotary embeddings whose frequencies do not depend on the length of the text.
_FIXED_ROPE = ("default", "linear", "llama3")


class Rows8:
    """A linear map with 8-bit weights, one scale for each output row, and 16-bit activations, one scale for each row.

    An activation is a high and a low byte, so both products stay exact integers; 8 bits alone are too few for the large
    outliers in a Llama's activations (SmolLM2-135M: divergence from float32 0.064 nats a token with one byte, 0.005 with two).
    """

    def __init__(self, weight: Tensor) -> None:
        """`weight` (outputs, inputs), any float type."""
        weight = weight.detach().float()
        self.scale = weight.abs().amax(1).clamp_min(1e-12) / 127
        # (inputs, outputs) as a view: the layout that the integer product reads fastest
        self.weight = (weight / self.scale[:, None]).round().to(torch.int8).t()

    def __call__(self, x: Tensor) -> Tensor:
        """(n, inputs) float32 → (n, outputs) float32."""
        scale = x.abs().amax(1, keepdim=True).clamp_min_(1e-12).div_(127)
        x = x / scale
        high = x.round()
        low = (x - high).mul_(254).round_().to(torch.int8)
        high = high.to(torch.int8)
        if len(x) == 1:  # two vector products: the second finds the weights in the processor's cache
            product = torch._int_mm(low, self.weight).mul(1 / 254).add_(torch._int_mm(high, self.weight))
        else:
            both = torch._int_mm(torch.cat([low, high]), self.weight)
            product = both[: len(x)].mul(1 / 254).add_(both[len(x) :])
        return product.mul_(scale).mul_(self.scale)


class Rows32:
    """The same in float32, for tests and for those who want every digit."""

    def __init__(self, weight: Tensor) -> None:
        self.weight = weight.detach().float()

    def __call__(self, x: Tensor) -> Tensor:
        return torch.nn.functional.linear(x, self.weight)


class _Layer:
    """One transformer block; queries, keys and values in one product, gate and up in another."""

    def __init__(self, block: Any, linear: type[Rows8] | type[Rows32], root_width: float) -> None:
        attention, mlp = block.self_attn, block.mlp
        self.qkv = linear(torch.cat([attention.q_proj.weight, attention.k_proj.weight, attention.v_proj.weight]))
        self.output = linear(attention.o_proj.weight)
        self.gate_up = linear(torch.cat([mlp.gate_proj.weight, mlp.up_proj.weight]))
        self.down = linear(mlp.down_proj.weight)
        self.input_norm = block.input_layernorm.weight.detach().float() * root_width
        self.mlp_norm = block.post_attention_layernorm.weight.detach().float() * root_width


def is_plain_llama(model: PreTrainedModel) -> TypeGuard[LlamaForCausalLM]:
    """Whether `Llama` can stand in for a model: no biases, and in the machine's own memory."""
    if not isinstance(model, LlamaForCausalLM) or model.device.type != "cpu":
        return False
    config = model.config
    rope = (getattr(config, "rope_parameters", None) or {}).get("rope_type", "default")
    return not (config.attention_bias or config.mlp_bias) and config.hidden_act == "silu" and rope in _FIXED_ROPE


class Llama:
    """`prefill` puts a prompt into a slot, `step` adds one token to some slots; both return the last hidden states."""

    def __init__(self, model: LlamaForCausalLM, int8: bool = True) -> None:
        network: Any = model
        config = network.config
        linear: type[Rows8] | type[Rows32] = Rows8 if int8 else Rows32
        self.heads: int = config.num_attention_heads
        self.kv_heads: int = config.num_key_value_heads
        self.head_dim: int = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        self.root_width: float = config.hidden_size**0.5
        self.norm_floor = torch.tensor((config.rms_norm_eps * config.hidden_size) ** 0.5)
        self.max_length: int = config.max_position_embeddings
        self.linear = linear
        with torch.no_grad():
            self.embedding = network.get_input_embeddings().weight.detach().float()
            self.head_weight = network.get_output_embeddings().weight.detach()
            self.norm = network.model.norm.weight.detach().float() * self.root_width
            self.layers = [_Layer(block, linear, self.root_width) for block in network.model.layers]
            rotary = network.model.rotary_emb
            angles = torch.arange(self.max_length)[:, None] * rotary.inv_freq.float()
            # rotary embeddings as (positions, head_dim): the two halves of a head turn together
            self.cosine = (angles.cos() * rotary.attention_scaling).repeat(1, 2)
            sine = angles.sin() * rotary.attention_scaling
            self.sine = torch.cat([-sine, sine], dim=1)

    def head(self, ids: Tensor) -> Rows8 | Rows32:
        """The map from hidden states (n, width) to the logits of some tokens, (n, len(ids))."""
        return self.linear(self.head_weight[ids])

    def new_cache(self, slots: int, length: int, before: Tensor | None = None) -> Tensor:
        """Keys and values: (layers, 2, slots, kv heads, length, head width)."""
        cache = torch.zeros(len(self.layers), 2, slots, self.kv_heads, length, self.head_dim)
        if before is not None:
            cache[:, :, : before.shape[2], :, : before.shape[4]] = before
        return cache

    def prefill(self, cache: Tensor, slot: int, ids: Tensor, last: int = 1) -> Tensor:
        """Put a prompt `ids` (n,) into a slot; the hidden states after its last tokens, (last, width)."""
        length = len(ids)
        turn = self.cosine[:length, None], self.sine[:length, None]
        hidden = self.embedding[ids]
        for layer, (keys, values) in zip(self.layers, cache, strict=True):
            query, key, value = self._project(layer, hidden, turn)
            keys[slot, :, :length], values[slot, :, :length] = key.transpose(0, 1), value.transpose(0, 1)
            seen = scaled_dot_product_attention(
                query.transpose(0, 1)[None], key.transpose(0, 1)[None], value.transpose(0, 1)[None],
                is_causal=True, enable_gqa=True,
            )  # fmt: skip
            hidden = self._finish(layer, hidden, seen[0].transpose(0, 1))
        return self._normed(hidden[-last:], self.norm)

    def step(self, cache: Tensor, slots: Tensor, lengths: Tensor, ids: Tensor) -> Tensor:
        """Add token `ids` (n,) to `slots` (n,) that hold `lengths` (n,) tokens each; hidden states (n, width)."""
        hidden = self.embedding[ids]
        longest = int(lengths.max()) + 1
        turn = self.cosine[lengths, None], self.sine[lengths, None]
        mask = None if len(slots) == 1 else (torch.arange(longest) <= lengths[:, None])[:, None, None]
        # every slot in order, or one: a view, no copy
        whole = len(slots) == cache.shape[2]
        chosen = slice(None) if whole else slice(int(slots[0]), int(slots[0]) + 1) if len(slots) == 1 else slots
        for layer, (keys, values) in zip(self.layers, cache, strict=True):
            query, key, value = self._project(layer, hidden, turn)
            keys[slots, :, lengths], values[slots, :, lengths] = key, value
            seen_keys, seen_values = keys[:, :, :longest][chosen], values[:, :, :longest][chosen]
            # the query heads that share a key head stand as so many queries of it: (n, kv heads, group, head width)
            query = query.reshape(len(ids), self.kv_heads, -1, self.head_dim)
            seen = scaled_dot_product_attention(query, seen_keys, seen_values, attn_mask=mask)
            hidden = self._finish(layer, hidden, seen)
        return self._normed(hidden, self.norm)

    def _normed(self, hidden: Tensor, weight: Tensor) -> Tensor:
        """Root-mean-square norm; `weight` carries √width. Four kernels where torch's own takes nine."""
        length = torch.linalg.vector_norm(hidden, dim=-1, keepdim=True)
        return (hidden * weight).div_(torch.hypot(length, self.norm_floor))

    def _project(self, layer: _Layer, hidden: Tensor, turn: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Hidden (n, width) → turned queries (n, heads, d), turned keys and values (n, kv heads, d)."""
        projected = layer.qkv(self._normed(hidden, layer.input_norm))
        projected = projected.view(len(hidden), -1, self.head_dim)
        turning, value = projected[:, : -self.kv_heads], projected[:, -self.kv_heads :]
        swapped = turning.roll(self.head_dim // 2, dims=-1)
        turned = turning * turn[0] + swapped * turn[1]
        return turned[:, : self.heads], turned[:, self.heads :], value

    def _finish(self, layer: _Layer, hidden: Tensor, seen: Tensor) -> Tensor:
        """What the heads saw, (n, ..., d), brought back to the width, and the feed-forward half of the block."""
        hidden = hidden + layer.output(seen.reshape(len(hidden), -1))
        gate, up = layer.gate_up(self._normed(hidden, layer.mlp_norm)).chunk(2, dim=-1)
        return hidden + layer.down(silu(gate) * up)
