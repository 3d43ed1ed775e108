"""Residual quantizer: every level picks from the same codebook what the levels before it left over."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn

# A code picked less than this share of the mean is replaced by a vector that the data has just now.
_DEAD = 0.03
# Numbers that are looked at together in the search for the smallest.
_CHUNK = 32


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
    level to the size of the codebook vectors, so that each level can use all of them (our addition). What is quantized is
    the latents less their mean: encoders drift, and a first level that has to say where all latents lie says little else.
    Codebook, scales and mean follow the data by moving averages, not by gradients.
    """

    codebook: Tensor
    scales: Tensor
    counts: Tensor
    sums: Tensor
    centre: Tensor

    def __init__(self, levels: int, codebook_size: int, dim: int, decay: float = 0.95, beam: int = 1) -> None:
        super().__init__()
        self.levels, self.decay, self.beam = levels, decay, beam
        self.learns = True
        self.register_buffer("codebook", torch.randn(codebook_size, dim))
        self.register_buffer("scales", torch.zeros(levels))  # zero: no data has been seen
        self.register_buffer("counts", torch.zeros(codebook_size))
        self.register_buffer("sums", torch.zeros(codebook_size, dim))
        self.register_buffer("centre", torch.zeros(dim))

    def forward(self, latents: Tensor, kept: Tensor | None = None) -> Quantized:
        """Quantize latents (N, S, C) with `kept` (N,) levels each (default: all); in training mode the codebook learns,
        unless `learns` is off."""
        learning = self.training and self.learns
        if learning and not self.scales.any():
            self._start(latents.detach())
        codes = self.encode(latents.detach(), self.levels, self.beam)
        picked = self.codebook[codes] * self.scales[:, None]
        partial = self.centre + picked.cumsum(-2)  # (N, S, L, C): what the first levels say together
        # of all levels together: held to the first ones too, latents lose what only the last ones can tell
        commitment = (latents - partial[..., -1, :]).square().mean()
        if learning:
            self._learn(latents.detach()[..., None, :] - (partial - picked), codes)
        last = torch.full((len(latents),), self.levels - 1, device=latents.device) if kept is None else kept - 1
        total = partial[torch.arange(len(last), device=last.device), :, last]
        share = self.counts / self.counts.sum().clamp_min(1e-9)
        usage = (-(share * (share + 1e-9).log()).sum()).exp() / len(share)
        return Quantized(latents + (total - latents).detach(), codes, commitment, usage)

    def encode(self, latents: Tensor, levels: int, beam: int = 1) -> Tensor:
        """Latents (..., C) → codes (..., levels), nearest of what a search that keeps the `beam` best beginnings finds.

        With `beam` 1 every level picks the nearest by itself, the usual residual quantization.
        """
        residual = (latents - self.centre).reshape(-1, 1, latents.shape[-1])
        codes = residual.new_zeros((len(residual), 1, 0), dtype=torch.long)
        squares = self.codebook.square().sum(-1)
        for level in range(levels):
            scale = self.scales[level]
            # |r − s·c|² = |r|² − 2s·r·c + s²|c|² in one product: its result is large, and passes over it take the time
            lengths = residual.square().sum(-1, keepdim=True)
            weights = torch.cat([-2 * scale * self.codebook.T, torch.ones_like(squares)[None]])
            distances = torch.addmm(scale**2 * squares, torch.cat([residual, lengths], dim=-1).flatten(0, 1), weights)
            best = _smallest(distances.unflatten(0, residual.shape[:2]).flatten(1), beam)
            beginning, code = best // len(squares), best % len(squares)
            codes = torch.cat([_pick(codes, beginning), code[..., None]], dim=-1)
            residual = _pick(residual, beginning) - self.codebook[code] * scale
        return codes[:, 0].reshape(*latents.shape[:-1], levels)

    def decode(self, codes: Tensor) -> Tensor:
        """Codes (..., levels) → vectors (..., C)."""
        return self.centre + (self.codebook[codes] * self.scales[: codes.shape[-1], None]).sum(-2)

    def _start(self, latents: Tensor) -> None:
        """Codebook and scales from the first batch."""
        self.centre.copy_(latents.flatten(0, -2).mean(0))
        flat = latents.flatten(0, -2) - self.centre
        self.codebook.copy_(flat[torch.randint(len(flat), (len(self.codebook),), device=flat.device)])
        self.codebook.div_(flat.square().mean().sqrt())
        for level in range(self.levels):
            self.scales[level] = flat.square().mean().sqrt().clamp_min(1e-6)
            nearest = torch.cdist(flat / self.scales[level], self.codebook).argmin(-1)
            flat = flat - self.codebook[nearest] * self.scales[level]
        self.counts.fill_(1.0)
        self.sums.copy_(self.codebook)

    @torch.no_grad()
    def _learn(self, residuals: Tensor, codes: Tensor) -> None:
        """Move towards what each level saw (N, S, L, C) under the codes (N, S, L) that it gave."""
        size = len(self.codebook)
        powers = residuals.square().mean((0, 1, 3))
        drift = residuals[:, :, 0].mean((0, 1))
        units = (residuals / self.scales[:, None]).flatten(0, 2)
        counts = torch.bincount(codes.flatten(), minlength=size).to(units)
        sums = torch.zeros_like(self.sums).index_add_(0, codes.flatten(), units)
        for tensor in (counts, sums, powers, drift):
            _add_up_over_processes(tensor)
        powers, drift = powers / _processes(), drift / _processes()
        if not self.counts.any():  # the codebook was loaded: it comes without its averages
            self.counts.fill_(float(counts.mean()))
            self.sums.copy_(self.codebook * self.counts[:, None])
        self.centre.add_(drift, alpha=1 - self.decay)
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


def _smallest(values: Tensor, k: int) -> Tensor:
    """Places (N, k) of the k smallest of values (N, n) in ascending order, all of them where n is less.

    A search in two steps, which is several times faster than `topk` over long rows: the k smallest lie within the k chunks
    with the smallest minima.
    """
    if values.shape[1] % _CHUNK or values.shape[1] // _CHUNK <= k:
        return values.topk(min(k, values.shape[1]), largest=False).indices
    chunked = values.unflatten(1, (-1, _CHUNK))
    chunks = chunked.amin(-1).topk(k, largest=False).indices
    nearest = _pick(chunked, chunks).flatten(1).topk(k, largest=False).indices
    return chunks.gather(1, nearest // _CHUNK) * _CHUNK + nearest % _CHUNK


def _pick(values: Tensor, chosen: Tensor) -> Tensor:
    """Rows `chosen` (N, k) of values (N, b, n): (N, k, n)."""
    return values.gather(1, chosen[..., None].expand(-1, -1, values.shape[-1]))


def _processes() -> int:
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def _add_up_over_processes(tensor: Tensor) -> None:
    if _processes() > 1:
        distributed.all_reduce(tensor)
