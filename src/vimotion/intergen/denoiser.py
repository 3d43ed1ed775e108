"""The denoiser: one transformer for both people, each attending to itself and to the other (Liang et al., InterGen, IJCV 2024).

Two copies with shared weights, so the people are simply one more axis of the batch, and "the other" is that axis turned round.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vimotion.intergen.diffusion import DIFFUSION_STEPS, signal_share
from vimotion.intergen.space import MotionSpace
from vimotion.intergen.spec import GeneratorConfig
from vimotion.intergen.text import TextFeatures, TextHead, sinusoid


class Caption(NamedTuple):
    """B captions as the denoiser reads them.

    Attributes:
        whole: (B, text width), zero where the denoiser has to do without.
        words: (B, L, text width).
        mask: (B, L) bool, True for words that are there to be read.
    """

    whole: Tensor
    words: Tensor
    mask: Tensor

    def kept(self, keep: Tensor) -> Caption:
        """Told where `keep` (B,) is 1, and not where it is 0."""
        return Caption(self.whole * keep[:, None], self.words, self.mask & (keep > 0)[:, None])

    def followed_by_none(self) -> Caption:
        """(2 B, …): these, and as many that are not told, for guidance."""
        twice = Caption(*(torch.cat([part, part]) for part in self))
        return twice.kept((torch.arange(len(twice.whole), device=self.whole.device) < len(self.whole)).to(self.whole))


class AdaptiveNorm(nn.Module):
    """A layer norm whose scale and shift follow from the step of diffusion and the caption; at first it is a plain one."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.modulation = nn.Linear(width, 2 * width)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, hidden: Tensor, condition: Tensor) -> Tensor:
        """Hidden (B, 2, T, W), condition (B, W) → (B, 2, T, W)."""
        scale, shift = self.modulation(condition)[:, None, None].chunk(2, dim=-1)
        return F.layer_norm(hidden, hidden.shape[-1:], eps=1e-6) * (1 + scale) + shift


class Attention(nn.Module):
    """Multi-head attention that may also attend to nothing: one more key and value, both zero."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.inputs = nn.Linear(width, 3 * width)  # queries, keys, values
        self.output = nn.Linear(width, width)
        self.heads, self.dropout = heads, dropout
        nn.init.xavier_uniform_(self.inputs.weight)
        nn.init.zeros_(self.inputs.bias)
        nn.init.zeros_(self.output.bias)

    def forward(self, hidden: Tensor, attended: Tensor, mask: Tensor) -> Tensor:
        """Hidden (B, 2, T, W) asks `attended`; mask (B, 1, 1, 1, L + 1), True where somebody may look.

        Args:
            attended: (B, 2, L, W), or (B, 1, L, W) where both people look at the same.
        """
        width = hidden.shape[-1]
        if hidden is attended:
            queries, keys, values = self.inputs(hidden).chunk(3, dim=-1)
        else:
            weight, bias = self.inputs.weight, self.inputs.bias
            queries = F.linear(hidden, weight[:width], bias[:width])
            keys, values = F.linear(attended, weight[width:], bias[width:]).chunk(2, dim=-1)
        split = [part.unflatten(-1, (self.heads, -1)).transpose(-2, -3) for part in (queries, keys, values)]
        asked, told = (F.pad(part, (0, 0, 0, 1)).expand(-1, 2, -1, -1, -1) for part in split[1:])  # one row more: nothing
        answer = self._attend(split[0], asked, told, mask)
        return self.output(answer.transpose(-2, -3).flatten(-2))

    def _attend(self, queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
        """(B, 2, heads, T, width of a head)."""
        dropout = self.dropout if self.training else 0.0
        if not self.training or queries.device.type != "cpu":
            return F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask, dropout_p=dropout)
        # the same, of which torch knows a faster way back on a CPU
        scores = (queries @ keys.transpose(-1, -2)) * queries.shape[-1] ** -0.5
        chances = scores.masked_fill(~mask, float("-inf")).softmax(-1).to(values.dtype)
        return F.dropout(chances, dropout) @ values


class FeedForward(nn.Module):
    """Two layers, of which the last one says nothing at first."""

    def __init__(self, width: int, inner: int, dropout: float, outer: int | None = None) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(width, inner), nn.Linear(inner, outer or width)
        self.dropout = nn.Dropout(dropout)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def forward(self, hidden: Tensor) -> Tensor:
        return self.outer(self.dropout(F.gelu(self.inner(hidden))))


class Block(nn.Module):
    """Attention to oneself, attention to the other as they came into the block, and a feed-forward layer."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        width = config.width
        self.own_norm, self.asking_norm = AdaptiveNorm(width), AdaptiveNorm(width)
        self.asked_norm, self.inner_norm = AdaptiveNorm(width), AdaptiveNorm(width)
        self.own = Attention(width, config.heads, config.dropout)
        self.reading_norm = AdaptiveNorm(width) if config.reads_words else None
        self.reading = Attention(width, config.heads, config.dropout) if config.reads_words else None
        self.other = Attention(width, config.heads, config.dropout)
        self.inner = FeedForward(width, config.feed_forward, config.dropout)

    def forward(
        self, hidden: Tensor, condition: Tensor, mask: Tensor, words: Tensor | None = None, word_mask: Tensor | None = None
    ) -> Tensor:
        """Both people (B, 2, T, W), and the words that each of them reads (B, 1, L, W) → (B, 2, T, W)."""
        own = self.own_norm(hidden, condition)
        moved = hidden + self.own(own, own, mask)
        if self.reading is not None and self.reading_norm is not None:
            moved = moved + self.reading(self.reading_norm(moved, condition), words, word_mask)
        asked = self.asked_norm(hidden.flip(1), condition)
        moved = moved + self.other(self.asking_norm(moved, condition), asked, mask)
        return moved + self.inner(self.inner_norm(moved, condition))


class Denoiser(nn.Module):
    """Noisy motion of two people, the step of diffusion and a caption → the motion without noise.

    All as tokens of its `space`, which is part of the weights.
    """

    positions: Tensor
    share: Tensor

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.space = MotionSpace(config)
        self.text = TextHead(config.text)
        self.motion_input = nn.Linear(self.space.numbers, width)
        self.text_input = nn.Linear(config.text.width, width)
        self.step_input = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        if config.reads_words:
            self.words_input = nn.Linear(config.text.width, width)
        if config.told_apart:
            self.person = nn.Parameter(0.1 * torch.randn(2, width))
        if config.self_conditioned:
            self.estimate_input = FeedForward(2 * self.space.numbers, 2 * width, 0.0, width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.motion_output = nn.Linear(width, self.space.numbers)
        nn.init.zeros_(self.motion_output.weight)
        nn.init.zeros_(self.motion_output.bias)
        self.register_buffer("positions", self._places(), persistent=False)
        self.register_buffer("share", signal_share(), persistent=False)

    @staticmethod
    def of(config: GeneratorConfig, state: dict[str, Tensor]) -> Denoiser:
        """The denoiser with these weights, none of which are made twice or copied."""
        with torch.device("meta"):
            denoiser = Denoiser(config)
        denoiser.load_state_dict(state, assign=True)
        denoiser.positions, denoiser.share = denoiser._places(), signal_share()
        return denoiser

    def _places(self) -> Tensor:
        """Of tokens, and of steps of diffusion."""
        return sinusoid(max(DIFFUSION_STEPS, self.config.tokens(self.config.max_frames)), self.config.width)

    def forward(
        self,
        noisy: Tensor,
        steps: Tensor,
        mask: Tensor,
        text: TextFeatures,
        keep: Tensor | None = None,
        estimate: Tensor | None = None,
    ) -> Tensor:
        """The motion without noise.

        Args:
            noisy: tokens (B, 2, N, numbers).
            steps: (B,) int64, the step of diffusion of each pair, 0 to 999.
            mask: (B, N) 1 where a token is real, 0 where it is padding.
            text: what the frozen encoder says of the captions.
            keep: (B,) 1 where the caption is told, 0 where the denoiser has to do without.
            estimate: tokens like `noisy`, what was said of the motion without noise before; zero where nothing was. Only a
                self-conditioned denoiser looks at it.

        Returns:
            tokens (B, 2, N, numbers).
        """
        caption = self.caption(text)
        return self.denoise(noisy, steps, mask, caption if keep is None else caption.kept(keep), estimate)

    def caption(self, text: TextFeatures) -> Caption:
        return Caption(self.text(text), text.tokens, text.mask)

    def denoise(self, noisy: Tensor, steps: Tensor, mask: Tensor, caption: Caption, estimate: Tensor | None = None) -> Tensor:
        """`forward` with captions that are already read."""
        condition = F.silu(self.step_input(self.positions[steps]) + self.text_input(caption.whole))
        attended, read = _keys(mask > 0), _keys(caption.mask)
        words = self.words_input(caption.words)[:, None] if self.config.reads_words else None
        hidden = self.motion_input(noisy) + self.positions[: mask.shape[1]]
        if self.config.told_apart:
            hidden = hidden + self.person[:, None]
        if self.config.self_conditioned:
            # both people side by side, so that how far a hand is from the other's is one product away
            own = torch.zeros_like(noisy) if estimate is None else estimate
            hidden = hidden + self.estimate_input(torch.cat([own, own.flip(1)], dim=-1))
        for block in self.blocks:
            hidden = block(hidden, condition, attended, words, read)
        answer: Tensor = self.motion_output(hidden)
        return self._corrected(noisy, steps, answer) if self.config.preconditioned else answer

    def _corrected(self, noisy: Tensor, steps: Tensor, correction: Tensor) -> Tensor:
        """The best linear guess, and the correction by how far that guess is off on the average."""
        left, variance = self.share[steps].view(-1, 1, 1, 1), self.space.variance
        spread = left * variance + 1 - left
        guess = left.sqrt() * variance / spread * noisy
        return guess + (variance * (1 - left) / spread).sqrt() * correction.float()


def _keys(mask: Tensor) -> Tensor:
    """(B, T) bool, True where somebody may look → (B, 1, 1, 1, T + 1): the last key is the one of nothing."""
    return F.pad(mask, (0, 1), value=True)[:, None, None, None]
