"""InterGen's sampling straight from a state dict of official names: plain functions, an oracle for the import.

Written from the paper and from the names and shapes alone; shares nothing with the package but numpy-like torch calls.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

State = dict[str, Tensor]


def linear(state: State, name: str, x: Tensor) -> Tensor:
    return x @ state[name + ".weight"].T + state[name + ".bias"]


def norm(x: Tensor, eps: float) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    return centred / torch.sqrt((centred**2).mean(-1, keepdim=True) + eps)


def scaled_norm(state: State, name: str, x: Tensor) -> Tensor:
    return norm(x, 1e-5) * state[name + ".weight"] + state[name + ".bias"]


def gelu(x: Tensor) -> Tensor:
    return 0.5 * x * (1 + torch.erf(x / math.sqrt(2)))


def attention(state: State, name: str, x: Tensor, y: Tensor, heads: int, zero: bool = False, causal: bool = False) -> Tensor:
    """One head after the other: x (T, W) asks y (S, W)."""
    width = x.shape[-1]
    weight, bias = state[name + ".in_proj_weight"], state[name + ".in_proj_bias"]
    q = x @ weight[:width].T + bias[:width]
    k = y @ weight[width : 2 * width].T + bias[width : 2 * width]
    v = y @ weight[2 * width :].T + bias[2 * width :]
    if zero:
        k, v = (torch.cat([part, torch.zeros(1, width)]) for part in (k, v))
    size, answers = width // heads, []
    for head in range(heads):
        part = slice(head * size, (head + 1) * size)
        scores = q[:, part] @ k[:, part].T / math.sqrt(size)
        if causal:
            scores = scores + torch.full_like(scores, -math.inf).triu(1)
        answers.append(torch.softmax(scores, -1) @ v[:, part])
    return linear(state, name + ".out_proj", torch.cat(answers, -1))


def read_caption(state: State, ids: list[int], clip_heads: int) -> Tensor:
    """Token ids padded to CLIP's length → the condition (768,)."""
    x = state["token_embedding.weight"][ids] + state["positional_embedding"]
    layer = 0
    while f"clip_transformer.resblocks.{layer}.ln_1.weight" in state:
        name = f"clip_transformer.resblocks.{layer}."
        normed = scaled_norm(state, name + "ln_1", x)
        x = x + attention(state, name + "attn", normed, normed, clip_heads, causal=True)
        inner = linear(state, name + "mlp.c_fc", scaled_norm(state, name + "ln_2", x))
        x = x + linear(state, name + "mlp.c_proj", inner * torch.sigmoid(1.702 * inner))
        layer += 1
    x = scaled_norm(state, "ln_final", x)
    layer = 0
    while f"clipTransEncoder.layers.{layer}.norm1.weight" in state:
        name = f"clipTransEncoder.layers.{layer}."
        x = scaled_norm(state, name + "norm1", x + attention(state, name + "self_attn", x, x, 8))
        inner = linear(state, name + "linear2", gelu(linear(state, name + "linear1", x)))
        x = scaled_norm(state, name + "norm2", x + inner)
        layer += 1
    return scaled_norm(state, "clip_ln", x)[max(range(len(ids)), key=lambda place: ids[place])]


def modulated(state: State, name: str, x: Tensor, condition: Tensor) -> Tensor:
    values = linear(state, name + ".emb_layers.1", condition * torch.sigmoid(condition))
    scale, shift = values[: x.shape[-1]], values[x.shape[-1] :]
    return norm(x, 1e-6) * (1 + scale) + shift


def denoise(state: State, noisy: Tensor, step: int, caption: Tensor, heads: int) -> Tensor:
    """(T, 524) and a caption (768,) → (T, 524)."""
    places = state["decoder.net.sequence_pos_encoder.pe"]
    hidden = linear(state, "decoder.net.embed_timestep.time_embed.0", places[step])
    told = linear(state, "decoder.net.embed_timestep.time_embed.2", hidden * torch.sigmoid(hidden))
    condition = told + linear(state, "decoder.net.text_embed", caption)
    people = [linear(state, "decoder.net.motion_embed", part) + places[: len(noisy)] for part in noisy.split(262, -1)]
    layer = 0
    while f"decoder.net.blocks.{layer}.ffn.linear1.weight" in state:
        name = f"decoder.net.blocks.{layer}."
        moved = []
        for me, other in (people, people[::-1]):
            own = modulated(state, name + "sa_block.norm", me, condition)
            x = me + attention(state, name + "sa_block.attention", own, own, heads, zero=True)
            asking = modulated(state, name + "ca_block.norm", x, condition)
            asked = modulated(state, name + "ca_block.xf_norm", other, condition)
            x = x + attention(state, name + "ca_block.attention", asking, asked, heads, zero=True)
            inner = gelu(linear(state, name + "ffn.linear1", modulated(state, name + "ffn.norm", x, condition)))
            moved.append(x + linear(state, name + "ffn.linear2", inner))
        people = moved
        layer += 1
    return torch.cat([linear(state, "decoder.net.out.linear", person) for person in people], -1)


def sample(
    state: State,
    noise: Tensor,
    ids: list[int],
    mean: Tensor,
    std: Tensor,
    steps: int,
    guidance: float,
    heads: int,
    clip_heads: int,
) -> Tensor:
    """Noise (T, 524) and token ids → frame vectors (T, 524)."""
    left = [math.cos((i / 1000 + 0.008) / 1.008 * math.pi / 2) ** 2 for i in range(1001)]
    shares, product = [], 1.0
    for i in range(1000):
        product *= 1 - min(1 - left[i + 1] / left[i], 0.999)
        shares.append(product)
    caption, x = read_caption(state, ids, clip_heads), noise
    visited = list(range(0, 1000, 1000 // steps))[:steps]
    for turn in reversed(range(steps)):
        now, then = shares[visited[turn]], shares[visited[turn - 1]] if turn else 1.0
        told = denoise(state, x, visited[turn], caption, heads)
        untold = denoise(state, x, visited[turn], torch.zeros_like(caption), heads)
        clean = guidance * told + (1 - guidance) * untold
        rest = (x - math.sqrt(now) * clean) / math.sqrt(1 - now)
        x = math.sqrt(then) * clean + math.sqrt(1 - then) * rest
    return x * std.repeat(2) + mean.repeat(2)
