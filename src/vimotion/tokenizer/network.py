"""The networks of the codec.

Departures from the paper, which runs 2D convolutions along time over the pair:

* The encoder sees one person alone, with weights shared by both. A reaction needs the codes of one person before the
  other moves, so the codes of a must not depend on b.
* The encoder is causal: the codes of the first seconds do not change with what comes later, so motion can be continued.
* Placements are told apart from motion (`placement.py`).
* The decoder keeps the paper's view of the pair: each of its blocks also looks at the other person, and at both
  directions of time.
* Frames are folded into steps first, and nearly all layers work at the rate of steps: on a CPU many times faster.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, interpolate, pad

from vimotion.tokenizer.placement import (
    NUM_RELATION,
    in_common_frame,
    in_own_frame,
    placement_codes,
    placement_values,
    relation,
)
from vimotion.tokenizer.quantizer import Quantized, ResidualQuantizer
from vimotion.tokenizer.representation import NUM_INPUTS, NUM_POSE, encoder_inputs, standard_body
from vimotion.tokenizer.spec import CodecConfig

_DILATIONS = (1, 2, 4)


class Block(nn.Module):
    """Residual convolution over time, three taps; with `pair` the other person is added at the same time.

    Input and output (B, P, S, width). Causal: taps at t − 2d, t − d, t; otherwise t − d, t, t + d.
    """

    def __init__(self, width: int, dilation: int, causal: bool, pair: bool) -> None:
        super().__init__()
        self.reach = (2 * dilation, 0) if causal else (dilation, dilation)
        self.dilation = dilation
        self.norm = nn.LayerNorm(width)
        self.taps = nn.Linear(3 * width, width)
        self.partner = nn.Linear(width, width, bias=False) if pair else None
        self.out = nn.Linear(width, width)
        nn.init.normal_(self.out.weight, std=0.3 * width**-0.5)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Tensor:
        steps = x.shape[2]
        normed = self.norm(x)
        padded = pad(normed, (0, 0, *self.reach))
        hidden = self.taps(torch.cat([padded[:, :, k * self.dilation :][:, :, :steps] for k in range(3)], dim=-1))
        if self.partner is not None:
            # somebody alone has nothing beside them; the weights still take part, as DDP asks of all weights
            hidden = hidden + self.partner(normed.flip(1) if x.shape[1] == 2 else torch.zeros_like(normed))
        return x + self.out(gelu(hidden))


class Encoder(nn.Module):
    """Normalised inputs (B, P, S · step_frames, 396) → latents (B, P, S, code_dim); people apart, causal."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.step_frames = config.spec.step_frames
        self.fold = nn.Linear(self.step_frames * NUM_INPUTS, config.width)
        dilations = [_DILATIONS[i % 3] for i in range(config.encoder_blocks)]
        self.blocks = nn.Sequential(*[Block(config.width, d, causal=True, pair=False) for d in dilations])
        # no norm before the end: it made places in the world harder to learn
        self.out = nn.Linear(config.width, config.code_dim)

    def forward(self, inputs: Tensor) -> Tensor:
        folded = inputs.unflatten(2, (-1, self.step_frames)).flatten(3)
        latents: Tensor = self.out(self.blocks(self.fold(folded).float()))
        return latents


class Decoder(nn.Module):
    """Vectors (B, P, S, code_dim) and how the people stand to each other (B, P, 7) → pose (B, P, S · step_frames, 138), see
    `representation.POSE_PARTS`."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.step_frames = config.spec.step_frames
        self.inp = nn.Linear(config.code_dim, config.width)
        self.relation = nn.Sequential(nn.Linear(NUM_RELATION, config.width), nn.GELU(), nn.Linear(config.width, config.width))
        dilations = [_DILATIONS[i % 3] for i in range(config.decoder_blocks)]
        self.blocks = nn.Sequential(*[Block(config.width, d, causal=False, pair=True) for d in dilations])
        self.coarse = nn.Linear(config.width, NUM_POSE)
        self.unfold = nn.Linear(config.width, self.step_frames * config.frame_width)
        dilations = [_DILATIONS[i % 3] for i in range(config.frame_blocks)]
        self.frame_blocks = nn.Sequential(*[Block(config.frame_width, d, causal=False, pair=True) for d in dilations])
        self.norm = nn.LayerNorm(config.frame_width)
        self.out = nn.Linear(config.frame_width, NUM_POSE)
        # a fresh decoder stands still in the mean pose: noise from frame to frame would drown all else in the loss
        for head in (self.coarse, self.out):
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)

    def forward(self, vectors: Tensor, related: Tensor) -> Tensor:
        steps = self.blocks(self.inp(vectors).float() + self.relation(related)[:, :, None])
        frames = self.unfold(steps).float().unflatten(3, (self.step_frames, -1)).flatten(2, 3)
        frames = self.norm(self.frame_blocks(frames))
        # under autocast too: bf16 places joints to 4 mm at best, as far as a hand moves in a frame
        with torch.autocast(vectors.device.type, enabled=False):
            return self._between_steps(self.coarse(steps.float())) + self.out(frames.float())

    def _between_steps(self, poses: Tensor) -> Tensor:
        """A pose a step (B, P, S, 138), meant for the step's middle → a pose a frame, linearly between them."""
        rows = poses.float().flatten(0, 1).transpose(1, 2)
        frames = interpolate(rows, scale_factor=self.step_frames, mode="linear", align_corners=False)
        return frames.transpose(1, 2).unflatten(0, poses.shape[:2])


class Codec(nn.Module):
    """Encoder, quantizer and decoder over raw frame vectors."""

    input_mean: Tensor
    input_std: Tensor
    pose_mean: Tensor
    pose_std: Tensor
    standard: Tensor

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.quantizer = ResidualQuantizer(config.spec.levels, config.spec.codebook_size, config.code_dim)
        self.decoder = Decoder(config)
        for name, size in (("input", NUM_INPUTS), ("pose", NUM_POSE)):
            self.register_buffer(f"{name}_mean", torch.zeros(size))
            self.register_buffer(f"{name}_std", torch.ones(size))
        # the body that decoded motion is written with
        self.register_buffer("standard", standard_body())

    def forward(self, features: Tensor, kept: Tensor | None = None) -> tuple[Tensor, Tensor, Quantized]:
        """Raw frame vectors (B, P, T, 262) and levels to keep (B · P,) → pose (B, P, T, 138) in the common frame, sizes
        (B, P) and the quantizer's account."""
        placement = self.placement(self.placement_codes(features))
        latents = self.latents(features, placement)
        with torch.autocast(latents.device.type, enabled=False):
            quantized = self.quantizer(latents.float().flatten(0, 1), kept)
        return self.pose(quantized.vectors.unflatten(0, latents.shape[:2]), placement), placement[..., 3], quantized

    def placement_codes(self, features: Tensor) -> Tensor:
        """Raw frame vectors (..., T, 262) → (..., 4) codes of where each person starts."""
        return placement_codes(features, self.standard, self.config.spec.placement_bins)

    def placement(self, codes: Tensor) -> Tensor:
        """Codes (..., 4) → placements (..., 4), see `placement_values`."""
        return placement_values(codes, self.config.spec.placement_bins)

    def latents(self, features: Tensor, placement: Tensor) -> Tensor:
        """Raw frame vectors (B, P, T, 262), T in whole steps, of people placed (B, P, 4) → latents (B, P, S, code_dim)."""
        with torch.autocast(features.device.type, enabled=False):
            inputs = (encoder_inputs(in_own_frame(features, placement)) - self.input_mean) / self.input_std
        latents: Tensor = self.encoder(inputs)
        return latents

    @torch.no_grad()
    def centre_latents(self) -> None:
        """Move the quantizer's centre into the networks on both sides: nothing changes but the latents' mean, now zero."""
        centre = self.quantizer.centre
        self.encoder.out.bias.sub_(centre)
        self.decoder.inp.bias.add_(self.decoder.inp.weight @ centre)
        centre.zero_()

    def pose(self, vectors: Tensor, placement: Tensor) -> Tensor:
        """Quantized vectors (B, P, S, code_dim) of people placed (B, P, 4) → pose (B, P, T, 138) in the common frame."""
        pose: Tensor = self.decoder(vectors, relation(placement)).float() * self.pose_std + self.pose_mean
        return in_common_frame(pose, placement)
