"""Rules for interactions on foot: walk together, pass by, chase."""

from __future__ import annotations

import numpy as np

from vimotion.evaluation.findings import Finding, found
from vimotion.evaluation.signals import Signals
from vimotion.motion import FPS

_WALKING, _HURRYING = 0.25, 0.8  # m/s of the pelvis


def walk_together(s: Signals) -> Finding | None:
    """Both go more than 0.8 m the same way, beside each other, at the same speed."""
    path = s.pelvis[-1] - s.pelvis[0]
    length = np.linalg.norm(path, axis=-1)
    if length.min() < 0.8 or path[0] @ path[1] < 0.9 * length[0] * length[1]:
        return None
    moving = _moving(s, _WALKING)
    if moving.sum() < 0.5 * FPS or s.pelvis_distance.max() > 2.0:
        return None
    ahead, beside = _ahead_and_beside(s, moving)
    if beside < 0.3 or abs(ahead) > beside:
        return None
    start, stop = np.flatnonzero(moving)[[0, -1]]
    return found(_who_starts(s), None, 1, start, stop)


def pass_by(s: Signals) -> Finding | None:
    """Both walk opposite ways, go past within 1.5 m and separate; nobody stops at the other."""
    path = s.pelvis[-1] - s.pelvis[0]
    length = np.linalg.norm(path, axis=-1)
    if length.min() < 0.5 or path[0] @ path[1] > -0.5 * length[0] * length[1]:
        return None
    way = path[1] - path[0]
    way /= np.linalg.norm(way)
    order = (s.pelvis[:, 0] - s.pelvis[:, 1]) @ way
    meeting = int(np.argmin(s.pelvis_distance))
    if not (order[0] > 0.5 and order[-1] < -0.3) or s.pelvis_distance[meeting] > 1.5:
        return None
    if np.linalg.norm(s.pelvis_velocity[meeting], axis=-1).min() < 0.2:
        return None
    right = np.stack([-s.facing[meeting, 0, 1], s.facing[meeting, 0, 0]])
    side = int((s.pelvis[meeting, 1] - s.pelvis[meeting, 0]) @ right > 0)
    moving = np.flatnonzero(_moving(s, _WALKING))
    return found(_who_starts(s), side, 1, moving.min(initial=meeting), moving.max(initial=meeting))


def chase(s: Signals) -> Finding | None:
    """Both hurry the same way, one behind the other; the one behind faces the other's back.

    A slow chase is scripted at little more than a walk, so 0.8 m/s is enough.
    """
    path = s.pelvis[-1] - s.pelvis[0]
    length = np.linalg.norm(path, axis=-1)
    if length.min() < 0.8 or path[0] @ path[1] < 0.7 * length[0] * length[1]:
        return None
    moving = _moving(s, _HURRYING)
    if moving.sum() < 0.4 * FPS:
        return None
    ahead, beside = _ahead_and_beside(s, moving)
    pursuer = int(ahead > 0)
    if abs(ahead) < 1.2 * beside:
        return None
    if np.median(s.facing_other[moving, pursuer]) < 0.7 or np.median(s.facing_other[moving, 1 - pursuer]) > -0.5:
        return None
    start, stop = np.flatnonzero(moving)[[0, -1]]
    return found(pursuer, None, 1, start, stop)


def _moving(s: Signals, speed: float) -> np.ndarray:
    """(T,): both go faster than `speed` m/s."""
    moving: np.ndarray = np.linalg.norm(s.pelvis_velocity, axis=-1).min(axis=1) > speed
    return moving


def _ahead_and_beside(s: Signals, moving: np.ndarray) -> tuple[float, float]:
    """Metres that a is ahead of b along their common way (negative: behind), and that they are beside each other."""
    way = np.sum(s.pelvis_velocity[moving], axis=1)
    way /= np.maximum(np.linalg.norm(way, axis=-1, keepdims=True), 1e-6)
    offset = (s.pelvis[:, 0] - s.pelvis[:, 1])[moving]
    ahead = np.sum(offset * way, axis=-1)
    beside = offset[:, 0] * way[:, 1] - offset[:, 1] * way[:, 0]
    return float(np.median(ahead)), float(np.median(np.abs(beside)))


def _who_starts(s: Signals) -> int:
    travelled = np.linalg.norm(s.pelvis - s.pelvis[:1], axis=-1)
    first = [int(np.argmax(travelled[:, person] > 0.15)) for person in (0, 1)]
    return int(first[1] < first[0])
