"""A made-up state dict of exactly the names and shapes of the official `intergen.ckpt`, or a smaller one of its kind."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from vimotion.intergen import GeneratorConfig

Shapes = dict[str, tuple[int, ...]]


def linear(name: str, outputs: int, inputs: int) -> Shapes:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def norm(name: str, width: int) -> Shapes:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def attention(name: str, width: int) -> Shapes:
    return {f"{name}.in_proj_weight": (3 * width, width), f"{name}.in_proj_bias": (3 * width,)} | linear(
        f"{name}.out_proj", width, width
    )


def official_shapes(config: GeneratorConfig, clip_size: tuple[int, int, int, int]) -> Shapes:
    """Names without "model." and shapes, as they follow from the published sizes."""
    vocabulary, length, reading, clip_layers = clip_size
    width, inner = config.width, config.feed_forward
    shapes: Shapes = {"token_embedding.weight": (vocabulary, reading), "positional_embedding": (length, reading)}
    for i in range(clip_layers):
        name = f"clip_transformer.resblocks.{i}"
        shapes |= attention(f"{name}.attn", reading) | norm(f"{name}.ln_1", reading) | norm(f"{name}.ln_2", reading)
        shapes |= linear(f"{name}.mlp.c_fc", 4 * reading, reading) | linear(f"{name}.mlp.c_proj", reading, 4 * reading)
    shapes |= norm("ln_final", reading) | norm("clip_ln", reading)
    for i in range(2):
        name = f"clipTransEncoder.layers.{i}"
        shapes |= attention(f"{name}.self_attn", reading) | norm(f"{name}.norm1", reading) | norm(f"{name}.norm2", reading)
        shapes |= linear(f"{name}.linear1", 2048, reading) | linear(f"{name}.linear2", reading, 2048)
    for name in ("sequence_pos_encoder", "embed_timestep.sequence_pos_encoder"):
        shapes[f"decoder.net.{name}.pe"] = (5000, width)
    for i in (0, 2):
        shapes |= linear(f"decoder.net.embed_timestep.time_embed.{i}", width, width)
    shapes |= linear("decoder.net.motion_embed", width, 262) | linear("decoder.net.text_embed", width, reading)
    for i in range(config.layers):
        name = f"decoder.net.blocks.{i}"
        for part in ("sa_block.norm", "ca_block.norm", "ca_block.xf_norm", "ffn.norm"):
            shapes |= linear(f"{name}.{part}.emb_layers.1", 2 * width, width)
        shapes |= attention(f"{name}.sa_block.attention", width) | attention(f"{name}.ca_block.attention", width)
        shapes |= linear(f"{name}.ffn.linear1", inner, width) | linear(f"{name}.ffn.linear2", width, inner)
    return shapes | linear("decoder.net.out.linear", 262, width)


def official_state(config: GeneratorConfig, clip_size: tuple[int, int, int, int], seed: int = 0) -> dict[str, Tensor]:
    """Random weights of moderate size."""
    torch.manual_seed(seed)
    state = {}
    for name, shape in official_shapes(config, clip_size).items():
        if name.endswith(".pe"):
            continue
        reach = math.sqrt(3 / shape[-1]) if len(shape) == 2 else 0.5
        state[name] = torch.empty(shape).uniform_(-reach, reach)
    places = torch.empty(5000, config.width, dtype=torch.float64)
    for column in range(0, config.width, 2):
        angles = torch.arange(5000, dtype=torch.float64) * 10000.0 ** (-column / config.width)
        places[:, column], places[:, column + 1] = angles.sin(), angles.cos()
    for name in ("sequence_pos_encoder", "embed_timestep.sequence_pos_encoder"):
        state[f"decoder.net.{name}.pe"] = places.float()
    return state
