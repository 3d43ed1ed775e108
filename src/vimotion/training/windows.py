"""Training windows cut from clips, as frame vectors, and how a network sees them: placed, and some in the mirror."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from vimotion.motion import FEATURES, NUM_FEATURES, NUM_JOINTS
from vimotion.motion.vectors import mirror_features
from vimotion.tokenizer.representation import turn, upright_heading

_VECTORS = slice(FEATURES["positions"].start, FEATURES["velocities"].stop)
# Mirroring moves numbers to other places and turns the signs of some, which shows where it is done to 1, 2, 3 …
_MOVED = mirror_features(np.arange(1, NUM_FEATURES + 1, dtype=np.float32))
_FROM, _SIGNS = torch.from_numpy(np.abs(_MOVED).astype(np.int64) - 1), torch.from_numpy(np.sign(_MOVED))


def cut_window(features: np.ndarray, frames: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A random window of a clip (T, P, 262): vectors (frames, P, 262), and a mask (frames,) of what is real.

    Every other window begins where the clip does, as at use. A shorter clip stands still at its end. The people change places
    at random, so that either of them is the one the pair is placed by.
    """
    spare = max(len(features) - frames, 0)
    start = 0 if random.random() < 1 / 2 else int(random.integers(spare + 1))
    window = features[start : start + frames]
    return stood_still(window[:, ::-1] if random.random() < 0.5 else window, frames)


def stood_still(features: np.ndarray, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """A clip (T, P, 262) that stands still from its end to so many frames, and a mask (frames,) of what is real."""
    length = len(features)
    answer = np.empty((frames, *features.shape[1:]), dtype=features.dtype)
    answer[:length] = features
    answer[length:] = features[-1]
    answer[length:, :, FEATURES["velocities"]] = 0.0
    return answer, (np.arange(frames) < length).astype(np.float32)


def seen(features: Tensor, mirror: Tensor) -> Tensor:
    """Windows (B, P, T, 262) as a network sees them: float32, some (B,) bool in the mirror, placed. Where batches are used and
    not where they are made: an accelerator does it in no time."""
    return placed(mirrored(features.float(), mirror))


def mirrored(features: Tensor, chosen: Tensor) -> Tensor:
    """Frame vectors (B, ..., 262), those that are `chosen` (B,) bool as `motion.vectors.mirror_features` has them."""
    answer = features.clone()
    answer[chosen] = features[chosen][..., _FROM.to(features.device)] * _SIGNS.to(features)
    return answer


def placed(features: Tensor) -> Tensor:
    """`motion.vectors.place_features` of frame vectors (B, P, T, 262), all at once and on their device."""
    vectors = features[..., _VECTORS].unflatten(-1, (2, NUM_JOINTS, 3))
    positions = vectors[..., 0, :, :]
    turned = turn(vectors, upright_heading(positions[:, 0, 0])[:, None, None, None])
    origin = turned[:, 0, 0, 0, 0].clone()
    origin[:, 1] = positions[..., 1].flatten(1).amin(-1)
    turned[..., 0, :, :] -= origin[:, None, None, None]
    answer = features.clone()
    answer[..., _VECTORS] = turned.flatten(-3)
    return answer
