"""Training windows cut from clips, as frame vectors."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from vimotion.motion import FEATURES
from vimotion.motion.batches import mirrored, placed


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
