"""Training windows cut from clips, as frame vectors: placed, mirrored, persons exchanged."""

from __future__ import annotations

import numpy as np

from vimotion.motion import FEATURES
from vimotion.motion.vectors import mirror_features, place_features


def cut_window(features: np.ndarray, frames: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A random window of a clip (T, P, 262), placed: vectors (frames, P, 262) and a mask (frames,) of what is real.

    Every other window begins where the clip does, as at use. A shorter clip stands still at its end. The people are
    exchanged and mirrored at random, so that either of them is the one the pair is placed by.
    """
    spare = max(len(features) - frames, 0)
    start = 0 if random.random() < 1 / 2 else int(random.integers(spare + 1))
    window = features[start : start + frames]
    if random.random() < 0.5:
        window = window[:, ::-1]
    if random.random() < 0.5:
        window = mirror_features(window)
    window = place_features(window)
    mask = np.ones(frames, dtype=np.float32)
    if missing := frames - len(window):
        still = window[-1:].copy()
        still[..., FEATURES["velocities"]] = 0.0
        window = np.concatenate([window, np.repeat(still, missing, axis=0)])
        mask[-missing:] = 0.0
    return window, mask
