"""What is diffused: the frame vectors of two people as tokens, so many frames of one person each."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vimotion.intergen.spec import GeneratorConfig
from vimotion.motion import FEATURES, NUM_FEATURES

# Positions and velocities lie side by side at the beginning of the frame vector.
_VECTORS = FEATURES["velocities"].stop
# What counts as much as a metre that a joint is off its pelvis: half a metre of the pelvis itself, 0.2 metres a frame, and
# much of the others, which follow from where the joints are.
_PELVIS, _VELOCITY, _ROTATION, _CONTACT = 0.5, 0.2, 6.7, 20.0
# A number that hardly changes in the corpus must not become huge where it does.
_LEAST_OF_MEDIAN = 0.1


class MotionSpace(nn.Module):
    """Frame vectors (B, 2, T, 262) ↔ tokens (B, 2, N, `numbers`) of about unit variance; T is N times `frames_per_token`.

    Without `components` a token's numbers are those of its frames, normalised one by one, as in the official one. With them
    they are the token's first principal components, each divided by the root of its deviation: noise then hides a metre
    before a millimetre, and whatever is made lies among movements that the corpus has.
    """

    mean: Tensor
    std: Tensor
    basis: Tensor
    scale: Tensor

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("mean", torch.zeros(NUM_FEATURES))
        self.register_buffer("std", torch.ones(NUM_FEATURES))
        if config.components:
            self.register_buffer("basis", torch.zeros(self._frame_numbers, config.components))
            self.register_buffer("scale", torch.ones(config.components))

    @property
    def numbers(self) -> int:
        """Numbers a token."""
        return self.config.components or self._frame_numbers

    @property
    def variance(self) -> Tensor:
        """(numbers,): of what is diffused, as far as it is known."""
        return self.scale.square() / self.scale.square().mean() if self.config.components else torch.ones_like(self.mean[:1])

    @property
    def _frame_numbers(self) -> int:
        return self.config.frames_per_token * NUM_FEATURES

    def tokens(self, features: Tensor) -> Tensor:
        """Frame vectors → what is diffused."""
        numbers = self._normalised(features).unflatten(2, (-1, self.config.frames_per_token)).flatten(3)
        return numbers @ self.basis / self.scale if self.config.components else numbers

    def features(self, tokens: Tensor) -> Tensor:
        """The inverse of `tokens`, but for what the components leave out; they also leave the tokens' seams open, see
        `closed_seams`."""
        numbers = (tokens * self.scale) @ self.basis.T if self.config.components else tokens
        frames = numbers.unflatten(3, (self.config.frames_per_token, NUM_FEATURES))
        if self.config.components:
            frames = closed_seams(frames)
        return self._moved(frames.flatten(2, 3) * self.std + self.mean, 1.0)

    def token_mask(self, mask: Tensor) -> Tensor:
        """(B, T) 1 where a frame is real → (B, N) 1 where a frame of the token is."""
        return mask.unflatten(1, (-1, self.config.frames_per_token)).amax(-1)

    @torch.no_grad()
    def fit(self, features: list[Tensor], masks: list[Tensor]) -> None:
        """To frame vectors (B, 2, T, 262) of a corpus and their masks (B, T)."""
        pairs = list(zip(features, masks, strict=True))
        rows = torch.cat([self._moved(each, -1.0).movedim(1, 2)[mask > 0].flatten(0, 1) for each, mask in pairs])
        self.mean.copy_(rows.mean(0))
        if not self.config.components:
            std = rows.std(0)
            for part in FEATURES.values():
                std[part] = std[part].clamp_min(_LEAST_OF_MEDIAN * float(std[part].median()))
            self.std.copy_(std)
            return
        self.std.copy_(_units())
        frames = self.config.frames_per_token
        tokens = torch.cat([
            self._normalised(each).unflatten(2, (-1, frames)).flatten(3).movedim(1, 2)[self.token_mask(mask) > 0].flatten(0, 1)
            for each, mask in pairs
        ])  # fmt: skip
        _, _, basis = torch.pca_lowrank(tokens, self.config.components, center=False, niter=6)
        deviation = (tokens @ basis).square().mean(0).sqrt()
        self.basis.copy_(basis)
        # variance after this is the deviation before: one on the average
        self.scale.copy_((deviation * deviation.mean()).sqrt())

    def _normalised(self, features: Tensor) -> Tensor:
        return (self._moved(features, -1.0) - self.mean) / self.std

    def _moved(self, features: Tensor, sign: float) -> Tensor:
        """Joints and their velocities with those of the pelvis taken away (-1) or given back (1), where that is wanted."""
        return moved_by_pelvis(features, sign) if self.config.around_pelvis else features


def closed_seams(tokens: Tensor) -> Tensor:
    """Tokens (..., N, F, numbers) of F frames, bent so that each goes on from the one before it without a jump.

    A jump is a step from the last frame to the first one that differs from the mean of the steps beside it. Half of it is taken
    from each side, fading out over half a token.
    """
    count, frames = tokens.shape[-3:-1]
    if count < 2 or frames < 4:
        return tokens
    before, after = tokens[..., :-1, :, :], tokens[..., 1:, :, :]
    steps = (before[..., -1, :] - before[..., -2, :] + after[..., 1, :] - after[..., 0, :]) / 2
    jump = (after[..., 0, :] - before[..., -1, :] - steps)[..., None, :]
    part = torch.linspace(0, 1, frames // 2 + 1, device=tokens.device)[1:]
    fading = (part * part * (3 - 2 * part) / 2)[:, None]
    bent = torch.zeros_like(tokens)
    bent[..., :-1, frames - frames // 2 :, :] += jump * fading
    bent[..., 1:, : frames // 2, :] -= jump * fading.flip(0)
    return tokens + bent


def moved_by_pelvis(features: Tensor, sign: float) -> Tensor:
    """Positions and velocities (..., 262) of all joints but the pelvis with `sign` times those of the pelvis added."""
    vectors = features[..., :_VECTORS].unflatten(-1, (2, -1, 3))
    pelvis = vectors[..., :1, :]
    moved = torch.cat([pelvis, vectors[..., 1:, :] + sign * pelvis], dim=-2)
    return torch.cat([moved.flatten(-3), features[..., _VECTORS:]], dim=-1)


def _units() -> Tensor:
    """(262,): what counts as one."""
    units = torch.ones(NUM_FEATURES)
    units[:3] = _PELVIS
    for name, unit in (("velocities", _VELOCITY), ("rotations", _ROTATION), ("contacts", _CONTACT)):
        units[FEATURES[name]] = unit
    return units
