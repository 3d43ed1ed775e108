"""Curves in time: minimum-jerk moves, keyed tracks, oscillations, slow noise, smoothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np


def minimum_jerk(x: np.ndarray | float) -> np.ndarray:
    """0 → 1 over x in 0 … 1 with no speed and no acceleration at both ends: how a hand moves from rest to rest.

    Flash & Hogan, "The coordination of arm movements", J. Neuroscience 1985.
    """
    x = np.clip(x, 0.0, 1.0)
    return x**3 * (10.0 + x * (6.0 * x - 15.0))


def strike(x: np.ndarray | float) -> np.ndarray:
    """0 → 1 like `minimum_jerk`, but fastest at two thirds of the time: a blow gathers speed and stops on what it hits."""
    x = np.clip(x, 0.0, 1.0)
    return x**3 * (4.0 - 3.0 * x)


def paused(share: float) -> Callable[[np.ndarray], np.ndarray]:
    """0 → 1 with a halt at `share`, as of a hand that hesitates: two minimum-jerk moves."""

    def profile(x: np.ndarray) -> np.ndarray:
        return share * minimum_jerk(x / 0.4) + (1.0 - share) * minimum_jerk((x - 0.55) / 0.45)

    return profile


def bump(x: np.ndarray | float) -> np.ndarray:
    """0 → 1 → 0 over x in 0 … 1, smooth at both ends."""
    x = np.clip(x, 0.0, 1.0)
    return 64.0 * (x * (1.0 - x)) ** 3


def hermite(
    x: np.ndarray, start: np.ndarray, start_speed: np.ndarray, end: np.ndarray, end_speed: np.ndarray,
    late: np.ndarray | float = 1.0,
) -> np.ndarray:  # fmt: skip
    """A curve over x in 0 … 1 (T,) with given ends (n,) and speeds a unit of x (n,), no acceleration at the ends: (T, n).

    A quintic; the way itself is done later where `late` (n,) is above 1, and earlier below.
    """
    x = x[:, None]
    leave = x * (1.0 + x**2 * (-6.0 + x * (8.0 - 3.0 * x)))
    arrive = x**3 * (-4.0 + x * (7.0 - 3.0 * x))
    return start + start_speed * leave + (end - start) * minimum_jerk(x**late) + end_speed * arrive


class Track:
    """A number over time: a sum of keyed pieces, each moving from key to key with minimum jerk and holding its ends."""

    def __init__(self) -> None:
        self._pieces: list[np.ndarray] = []

    def add(self, *keys: tuple[float, float]) -> None:
        """Adds a piece of keys (seconds, value), in order of time. A piece should begin and end at 0 unless it stays."""
        piece = np.array(keys, dtype=np.float64)
        if piece.ndim != 2 or len(piece) < 1 or np.any(np.diff(piece[:, 0]) < 0):
            raise ValueError("Keys are (seconds, value) pairs in order of time.")
        self._pieces.append(piece)

    def sample(self, times: np.ndarray) -> np.ndarray:
        """(T,) seconds → (T,) values."""
        total = np.zeros_like(times)
        for piece in self._pieces:
            at, value = piece[:, 0], piece[:, 1]
            if len(at) == 1:
                total += value[0]
                continue
            after = np.clip(np.searchsorted(at, times, side="right"), 1, len(at) - 1)
            span = np.maximum(at[after] - at[after - 1], 1e-6)
            share = minimum_jerk((times - at[after - 1]) / span)
            total += value[after - 1] + (value[after] - value[after - 1]) * share
        return total


def oscillation(times: np.ndarray, start: float, end: float, cycles: int) -> np.ndarray:
    """`cycles` full periods of a sine between `start` and `end`, eased in and out over a third of a period: (T,) in −1 … 1."""
    share = np.clip((times - start) / max(end - start, 1e-6), 0.0, 1.0)
    ease = minimum_jerk(3.0 * cycles * share) * minimum_jerk(3.0 * cycles * (1.0 - share))
    return ease * np.sin(2.0 * np.pi * cycles * share)


def noise(random: np.random.Generator, times: np.ndarray, count: int, low: float, high: float) -> np.ndarray:
    """`count` unrelated slow wanderings with unit variance between `low` and `high` Hz: (T, count)."""
    frequencies = random.uniform(low, high, (5, count))
    phases = random.uniform(0.0, 2.0 * np.pi, (5, count))
    return np.sin(2.0 * np.pi * times[:, None, None] * frequencies + phases).sum(axis=1) * np.sqrt(2.0 / 5.0)


@lru_cache(maxsize=256)
def _smoothing(length: int, frames: float) -> np.ndarray:
    reach = int(np.ceil(3.0 * frames))
    offsets = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * (offsets / frames) ** 2)
    weights /= weights.sum()
    matrix = np.zeros((length, length))
    columns = np.clip(np.arange(length)[:, None] + offsets, 0, length - 1)
    np.add.at(matrix, (np.arange(length)[:, None], columns), weights)
    matrix.setflags(write=False)
    return matrix


def smooth(values: np.ndarray, frames: float) -> np.ndarray:
    """Gaussian smoothing of (T, ...) along time, `frames` the standard deviation; the first and last values go on for ever."""
    flat = values.reshape(len(values), -1)
    return (_smoothing(len(values), float(frames)) @ flat).reshape(values.shape)


def under(values: np.ndarray, frames: int) -> np.ndarray:
    """The least of (T, ...) within ± `frames`: smoothed, it is a curve that (nearly) never rises above the values."""
    padded = np.concatenate([np.repeat(values[:1], frames, axis=0), values, np.repeat(values[-1:], frames, axis=0)])
    return np.min([padded[shift : shift + len(values)] for shift in range(2 * frames + 1)], axis=0)
