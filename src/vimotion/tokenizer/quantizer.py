"""Residual quantizer: every level picks from the same codebook what the levels before it left over."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn

# A code picked less than this share of the mean is replaced by a vector that the data has just now.
_DEAD = 0.03


@dataclass(frozen=True)
class Quantized:
    """Vectors (N, S, C) after quantization with a straight-through gradient, codes (N, S, L), commitment loss, and the share
    of the codebook that is in use by its perplexity."""

    vectors: Tensor
    codes: Tensor
    commitment: Tensor
    usage: Tensor


class ResidualQuantizer(nn.Module):
    """RQ(z; C, D) with one shared codebook C (the paper's) and a scale a level.

    What is left over shrinks from level to level. The scales, running root mean squares of the residuals, bring every
    level to the size of the codebook vectors, so that each level can use all of them (our addition). Codebook and scales
    follow the data by moving averages, not by gradients.
    """

    codebook: Tensor
    scales: Tensor
    counts: Tensor
    sums: Tensor

    def __init__(self, levels: int, codebook_size: int, dim: int, decay: float = 0.95) -> None:
        super().__init__()
        self.levels, self.decay = levels, decay
        self.register_buffer("codebook", torch.randn(codebook_size, dim))
        self.register_buffer("scales", torch.zeros(levels))  # zero: no data has been seen
        self.register_buffer("counts", torch.zeros(codebook_size))
        self.register_buffer("sums", torch.zeros(codebook_size, dim))

    def forward(self, latents: Tensor, kept: Tensor | None = None) -> Quantized:
        """Quantize latents (N, S, C) with `kept` (N,) levels each (default: all); in training mode the codebook learns."""
        if self.training and not self.scales.any():
            self._start(latents.detach())
        residual = latents.detach()
        total, levels_seen = torch.zeros_like(residual), []
        codes, sums = [], []
        for level in range(self.levels):
            unit = residual / self.scales[level]
            code = self.nearest(unit)
            levels_seen.append((unit, code, residual.square().mean()))
            picked = self.codebook[code] * self.scales[level]
            residual, total = residual - picked, total + picked
            codes.append(code)
            sums.append(total)
        commitment = torch.stack([(latents - partial).square().mean() for partial in sums]).mean()
        if kept is not None:
            stacked = torch.stack(sums)
            total = stacked[kept - 1, torch.arange(len(kept), device=kept.device)]
        if self.training:
            self._learn(levels_seen)
        share = self.counts / self.counts.sum().clamp_min(1e-9)
        usage = (-(share * (share + 1e-9).log()).sum()).exp() / len(share)
        return Quantized(latents + (total - latents).detach(), torch.stack(codes, dim=-1), commitment, usage)

    def nearest(self, vectors: Tensor) -> Tensor:
        """Index of the codebook vector nearest to each of the vectors (..., C)."""
        # |v − c|² less |v|², which is the same for all c
        return (self.codebook.square().sum(-1) - 2 * (vectors @ self.codebook.T)).argmin(-1)

    def encode(self, latents: Tensor, levels: int) -> Tensor:
        """Latents (..., C) → codes (..., levels)."""
        codes = []
        for level in range(levels):
            code = self.nearest(latents / self.scales[level])
            latents = latents - self.codebook[code] * self.scales[level]
            codes.append(code)
        return torch.stack(codes, dim=-1)

    def decode(self, codes: Tensor) -> Tensor:
        """Codes (..., levels) → vectors (..., C)."""
        return (self.codebook[codes] * self.scales[: codes.shape[-1], None]).sum(-2)

    def _start(self, latents: Tensor) -> None:
        """Codebook and scales from the first batch."""
        flat = latents.flatten(0, -2)
        self.codebook.copy_(flat[torch.randint(len(flat), (len(self.codebook),), device=flat.device)])
        self.codebook.div_(flat.square().mean().sqrt())
        for level in range(self.levels):
            self.scales[level] = flat.square().mean().sqrt().clamp_min(1e-6)
            flat = flat - self.codebook[self.nearest(flat / self.scales[level])] * self.scales[level]
        self.counts.fill_(1.0)
        self.sums.copy_(self.codebook)

    @torch.no_grad()
    def _learn(self, levels_seen: list[tuple[Tensor, Tensor, Tensor]]) -> None:
        size = len(self.codebook)
        units = torch.cat([unit.flatten(0, -2) for unit, _, _ in levels_seen])
        codes = torch.cat([code.flatten() for _, code, _ in levels_seen])
        counts = torch.bincount(codes, minlength=size).to(units)
        sums = torch.zeros_like(self.sums).index_add_(0, codes, units)
        powers = torch.stack([power for _, _, power in levels_seen])
        for tensor in (counts, sums, powers):
            _add_up_over_processes(tensor)
        powers = powers / _processes()
        self.scales.copy_((self.scales.square() * self.decay + powers * (1 - self.decay)).sqrt().clamp_min(1e-6))
        self.counts.lerp_(counts, 1 - self.decay)
        self.sums.lerp_(sums, 1 - self.decay)
        dead = self.counts < _DEAD * self.counts.mean()
        # with several processes the buffers of the first are given to all before the next forward
        fresh = units[torch.randint(len(units), (size,), device=units.device)]
        mean_count = self.counts.mean()
        self.sums.copy_(torch.where(dead[:, None], fresh * mean_count, self.sums))
        self.counts.copy_(torch.where(dead, mean_count, self.counts))
        self.codebook.copy_(self.sums / self.counts[:, None])


def _processes() -> int:
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def _add_up_over_processes(tensor: Tensor) -> None:
    if _processes() > 1:
        distributed.all_reduce(tensor)
