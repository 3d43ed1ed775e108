"""Measures of motion and of scores, as pure functions. Positions are metres in the world, Y-up, the ground at y = 0."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from vimotion.motion import JOINT

_FEET = [JOINT["left_foot"], JOINT["right_foot"]]
# A foot joint less than this above its person's lowest may stand on the ground: InterGen's limit of foot contact.
_FOOT_HEIGHT = 0.05


def mpjpe(predicted: np.ndarray, truth: np.ndarray, rooted: bool = False) -> float:
    """Mean distance of joints, metres. `predicted`, `truth`: (T, P, J, 3) of the same shape.

    `rooted=True` first brings each person's pelvis (joint 0) together in every frame, which leaves the error of the pose.
    """
    if predicted.shape != truth.shape:
        raise ValueError(f"The joint error needs two motions of one shape, not {predicted.shape} and {truth.shape}.")
    if rooted:
        predicted = predicted - predicted[..., :1, :]
        truth = truth - truth[..., :1, :]
    return float(np.linalg.norm(predicted - truth, axis=-1).mean())


def foot_sliding(positions: np.ndarray, fps: float) -> float:
    """How fast the supporting foot slides: mean horizontal speed, m/s, of the *slower* of the feet that are low, less than 5 cm
    above where this person's feet come at their lowest.

    Positions (T, P, 22, 3). The other foot may swing low over the ground, so it does not count. Frames without a low foot
    (a running stride) are left out; 0.0 when no foot stays low for two frames.
    """
    feet = positions[:, :, _FEET]
    speed = np.linalg.norm(np.diff(feet[..., [0, 2]], axis=0), axis=-1) * fps
    low = feet[..., 1] < feet[..., 1].min(axis=(0, 2), keepdims=True) + _FOOT_HEIGHT
    support = np.where(low[1:] & low[:-1], speed, np.inf).min(axis=-1)
    return float(support[np.isfinite(support)].mean()) if np.isfinite(support).any() else 0.0


def jerk(positions: np.ndarray, fps: float) -> float:
    """Mean magnitude of the third derivative of joint positions (T, ..., 3), m/s³; at least four frames are needed."""
    if len(positions) < 4:
        raise ValueError("Jerk needs at least four frames.")
    return float(np.linalg.norm(np.diff(positions, n=3, axis=0), axis=-1).mean() * fps**3)


def mean_interval(values: Sequence[float], z: float = 1.96) -> tuple[float, float] | None:
    """95 % interval of the mean of independent values, by their standard deviation; None of fewer than two."""
    if len(values) < 2:
        return None
    mean, half = np.mean(values), z * np.std(values, ddof=1) / math.sqrt(len(values))
    return float(mean - half), float(mean + half)


def jackknife(
    figures: Callable[[Sequence[int]], Mapping[str, float]], number: int, groups: int = 10, z: float = 1.96
) -> dict[str, tuple[float, float]]:
    """95 % intervals of figures that are no mean over examples, from how they change when a group of examples is left out.

    √((g − 1) / g · Σ(θᵢ − θ̄)²) is the standard error of a figure over g groups (Tukey, 1958).

    Args:
        figures: positions of examples → figures by name.
        number: of examples; every `groups`-th makes a group.

    Returns:
        (low, high) of each figure; nothing where fewer than two examples would be left.
    """
    groups = min(groups, number)
    if groups < 2 or number - -(-number // groups) < 2:
        return {}
    whole = figures(range(number))
    without = [figures([i for i in range(number) if i % groups != group]) for group in range(groups)]
    intervals = {}
    for name, figure in whole.items():
        values = np.array([left[name] for left in without])
        half = z * math.sqrt((groups - 1) / groups * ((values - values.mean()) ** 2).sum())
        intervals[name] = (figure - half, figure + half)
    return intervals


def wilson_interval(successes: float, trials: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's score interval of a proportion, 95 % by default; (0, 1) without trials (E. B. Wilson, JASA 1927)."""
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes of {trials} trials cannot be.")
    if not trials:
        return 0.0, 1.0
    rate = successes / trials
    centre = rate + z * z / (2 * trials)
    half = z * math.sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)
