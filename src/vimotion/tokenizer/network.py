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
    NUM_WAY,
    in_common_frame,
    in_own_frame,
    placement_codes,
    placement_values,
    relation,
    turned,
    way,
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
    """Vectors (B, P, S, code_dim) and what is told of placements (B, P, S, 7 or 17) → poses in the frames of the placements,
    see `representation.POSE_PARTS`: one a step, (B, P, S, 138), and what each frame adds, (B, P, S · step_frames, 138)."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.step_frames = config.spec.step_frames
        self.inp = nn.Linear(config.code_dim, config.width)
        told = NUM_RELATION + (NUM_WAY if config.spec.segment_steps else 0)
        self.relation = nn.Sequential(nn.Linear(told, config.width), nn.GELU(), nn.Linear(config.width, config.width))
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

    def forward(self, vectors: Tensor, told: Tensor) -> tuple[Tensor, Tensor]:
        steps = self.blocks(self.inp(vectors).float() + self.relation(told))
        frames = self.unfold(steps).float().unflatten(3, (self.step_frames, -1)).flatten(2, 3)
        frames = self.norm(self.frame_blocks(frames))
        # under autocast too: bf16 places joints to 4 mm at best, as far as a hand moves in a frame
        with torch.autocast(vectors.device.type, enabled=False):
            return self.coarse(steps.float()), self.out(frames.float())


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
        pose = self.pose(quantized.vectors.unflatten(0, latents.shape[:2]), placement)
        return pose, placement[..., 0, 3], quantized

    def placement_codes(self, features: Tensor) -> Tensor:
        """Raw frame vectors (..., T, 262) → (..., n, 4) codes of where each person is at the start and after each segment.

        The size is that of the start.
        """
        spec = self.config.spec
        segments = spec.segments(features.shape[-2] // spec.step_frames)
        last = [(spec.segment_steps or 0) * spec.step_frames * number - 1 for number in range(1, segments + 1)]
        codes = placement_codes(features[..., [0, *last], :], self.standard, spec.placement_bins)
        return torch.cat([codes[..., :3], codes[..., :1, 3:].expand_as(codes[..., 3:])], dim=-1)

    def placement(self, codes: Tensor) -> Tensor:
        """Codes (..., 4) → placements (..., 4), see `placement_values`."""
        return placement_values(codes, self.config.spec.placement_bins)

    def latents(self, features: Tensor, placement: Tensor) -> Tensor:
        """Raw frame vectors (B, P, T, 262), T in whole steps, of people placed (B, P, n, 4) → latents (B, P, S, code_dim)."""
        with torch.autocast(features.device.type, enabled=False):
            inputs = (encoder_inputs(self.in_own_frames(features, placement)) - self.input_mean) / self.input_std
        latents: Tensor = self.encoder(inputs.flatten(1, 2))
        return latents.unflatten(1, inputs.shape[1:3]).flatten(2, 3)[:, :, : features.shape[2] // self.config.spec.step_frames]

    def in_own_frames(self, features: Tensor, placement: Tensor) -> Tensor:
        """Raw frame vectors (B, P, T, 262) of people placed (B, P, n, 4) → segments, each in the frame of its placement:
        (B, P, m, frames of a segment, 262). The last one is filled by its last frame."""
        frames = (self.config.spec.segment_steps or features.shape[2]) * self.config.spec.step_frames
        frames = min(frames, features.shape[2])
        missing = -features.shape[2] % frames
        filled = torch.cat([features, features[:, :, -1:].expand(-1, -1, missing, -1)], dim=2)
        segments = filled.unflatten(2, (-1, frames))
        return in_own_frame(segments, placement[:, :, : segments.shape[2]])

    @torch.no_grad()
    def centre_latents(self) -> None:
        """Move the quantizer's centre into the networks on both sides: nothing changes but the latents' mean, now zero."""
        centre = self.quantizer.centre
        self.encoder.out.bias.sub_(centre)
        self.decoder.inp.bias.add_(self.decoder.inp.weight @ centre)
        centre.zero_()

    def pose(self, vectors: Tensor, placement: Tensor) -> Tensor:
        """Quantized vectors (B, P, S, code_dim) of people placed (B, P, n, 4) → pose (B, P, T, 138) in the common frame.

        The placement after a last whole segment may be missing.
        """
        steps = vectors.shape[2]
        segment = self.config.spec.segment_steps or steps
        segments = -(-steps // segment)
        told = relation(placement[:, :, :segments])
        if self.config.spec.segment_steps:
            told = torch.cat([told, way(placement, segments)], dim=-1)
        told, placed = (part.repeat_interleave(segment, dim=2)[:, :, :steps] for part in (told, placement[:, :, :segments]))
        coarse, fine = self.decoder(vectors, told)
        # steps meet across segments in the common frame
        poses = in_common_frame(coarse * self.pose_std + self.pose_mean, placed)
        step_frames = self.config.spec.step_frames
        return between_steps(poses, step_frames) + turned(fine * self.pose_std, placed.repeat_interleave(step_frames, dim=2))


def between_steps(poses: Tensor, step_frames: int) -> Tensor:
    """A pose a step (B, P, S, 138), meant for the step's middle → a pose a frame, linearly between them."""
    rows = poses.flatten(0, 1).transpose(1, 2)
    frames = interpolate(rows, scale_factor=step_frames, mode="linear", align_corners=False)
    return frames.transpose(1, 2).unflatten(0, poses.shape[:2])
