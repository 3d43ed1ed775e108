"""Rules for interactions without touch: bow, wave, punch and dodge, walk together, pass by, chase, rock-paper-scissors."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from vimotion.evaluation.findings import Finding, found
from vimotion.evaluation.signals import LEFT, RIGHT, SIDES, Signals, inner_turns, runs, smooth, turning_points, velocity
from vimotion.motion import FPS

_APART = 0.2


def bow(s: Signals) -> Finding | None:
    """Both trunks pitch at least 15° forward while facing the other, and come back; nobody touches."""
    if s.palm_gap.min() < _APART:
        return None
    bows = []
    for person in (0, 1):
        lean = smooth(s.lean[:, person])
        base = float(np.median(lean[: max(3, s.frames // 10)]))
        pitched = [
            (start, stop)
            for start, stop in runs(lean - base > 8, shortest=6)
            if (lean - base)[start:stop].max() > 15 and stop < s.frames and s.facing_other[start, person] > 0.5
        ]
        bows.append(pitched)
    if not (bows[0] and bows[1]):
        return None
    actor = int(bows[1][0][0] < bows[0][0][0])
    start, stop = min(b[0][0] for b in bows), max(b[-1][1] for b in bows)
    return found(actor, None, len(bows[actor]), start, stop)


def wave(s: Signals) -> Finding | None:
    """One hand above its shoulder swings sideways at least twice; no hands meet."""
    if s.palm_gap.min() < _APART:
        return None
    best: Finding | None = None
    for person in (0, 1):
        across = np.stack([s.facing[:, person, 1], -s.facing[:, person, 0]], axis=-1)
        for side in (LEFT, RIGHT):
            sideways = np.sum((s.palms[:, person, side][:, [0, 2]] - s.pelvis[:, person]) * across, axis=-1)
            for start, stop in runs(s.above_shoulder(person, side) > 0.0, shortest=round(0.4 * FPS)):
                turns = inner_turns(sideways[start:stop], 0.06)
                count = len(turns) // 2
                if count >= 1 and (best is None or count > best.count):
                    best = found(person, side, count, start, stop)
    return best


def punch_dodge(s: Signals) -> Finding | None:
    """A fist is thrust fast to where the other's head was; the head has moved away before it comes, and is not hit."""
    best: Finding | None = None
    for actor in (0, 1):
        head = s.joint(1 - actor, "head")
        for side in (LEFT, RIGHT):
            punches = _dodged_punches(s, actor, side, head)
            if punches and (best is None or len(punches) > best.count):
                best = found(actor, side, len(punches), punches[0], punches[-1])
    return best


def _dodged_punches(s: Signals, actor: int, side: int, head: np.ndarray) -> list[int]:
    """Frames in which a fast fist is farthest out at head height."""
    fist = s.palms[:, actor, side]
    out = np.linalg.norm(fist - s.joint(actor, f"{SIDES[side]}_shoulder"), axis=-1)
    speed = np.linalg.norm(velocity(fist), axis=-1)
    punches = []
    turns = turning_points(smooth(out, 3), 0.12)
    for frame in turns:
        before = max(0, frame - 10)
        if out[frame] < out[before] + 0.1 or speed[before : frame + 1].max() < 1.5:
            continue
        was = head[max(0, frame - 30) : frame + 1]
        target = was[np.argmax(was[:, 1])]
        dodged = np.linalg.norm(head[frame] - target) > 0.1
        aimed = np.linalg.norm(fist[frame] - target) < 0.45
        hit = np.linalg.norm(fist[before : frame + 1] - head[before : frame + 1], axis=-1).min() < 0.1
        if dodged and aimed and not hit:
            punches.append(frame)
    return punches


def walk_together(s: Signals) -> Finding | None:
    """Both go more than 0.8 m the same way, beside each other, at the same speed."""
    path = s.pelvis[-1] - s.pelvis[0]
    length = np.linalg.norm(path, axis=-1)
    if length.min() < 0.8 or path[0] @ path[1] < 0.9 * length[0] * length[1]:
        return None
    ahead, beside = _ahead_and_beside(s)
    moving = np.linalg.norm(s.pelvis_velocity, axis=-1).min(axis=1) > 0.25
    if moving.sum() < 0.5 * FPS or np.median(np.abs(beside[moving])) < 0.3:
        return None
    if np.median(np.abs(ahead[moving])) > 0.5 * np.median(np.abs(beside[moving])) or s.pelvis_distance.max() > 2.0:
        return None
    start, stop = np.flatnonzero(moving)[[0, -1]]
    return found(_who_starts_walking(s), None, 1, start, stop)


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
    return found(_who_starts_walking(s), side, 1, 0, s.frames)


def chase(s: Signals) -> Finding | None:
    """Both run the same way, one behind the other; the one behind faces the other's back."""
    path = s.pelvis[-1] - s.pelvis[0]
    length = np.linalg.norm(path, axis=-1)
    if length.min() < 0.8 or path[0] @ path[1] < 0.7 * length[0] * length[1]:
        return None
    ahead, beside = _ahead_and_beside(s)
    moving = np.linalg.norm(s.pelvis_velocity, axis=-1).min(axis=1) > 0.8
    if moving.sum() < 0.4 * FPS or np.median(np.abs(ahead[moving])) < 1.2 * np.median(np.abs(beside[moving])):
        return None
    pursuer = int(np.median(ahead[moving]) > 0)
    if np.median(s.facing_other[moving, pursuer]) < 0.7 or np.median(s.facing_other[moving, 1 - pursuer]) > -0.5:
        return None
    start, stop = np.flatnonzero(moving)[[0, -1]]
    return found(pursuer, None, 1, start, stop)


def rock_paper_scissors(s: Signals) -> Finding | None:
    """Face to face and not touching, both pump one hand up and down in front of them at the same time."""
    if s.palm_gap.min() < 0.12 or not 0.5 < np.median(s.pelvis_distance) < 2.5:
        return None
    for side in (LEFT, RIGHT):
        for other in (LEFT, RIGHT):
            beats = [_beats(s, 0, side), _beats(s, 1, other)]
            together = [frame for frame in beats[0] if any(abs(frame - beat) <= 6 for beat in beats[1])]
            if len(together) >= 2:
                actor = int(beats[1][0] < beats[0][0])
                sides = (side, other)
                return found(actor, sides[actor], len(together), together[0], together[-1])
    return None


def _beats(s: Signals, person: int, side: int) -> list[int]:
    """Low points of a hand that is held out in front and pumped."""
    height = smooth(s.above_shoulder(person, side), 3)
    out = (s.reach(person, side) > 0.15) & (height < 0.1) & (s.facing_other[:, person] > 0.7)
    turns = turning_points(height, 0.05)
    return [frame for before, frame in pairwise(turns) if height[frame] < height[before] and out[frame]]


def _ahead_and_beside(s: Signals) -> tuple[np.ndarray, np.ndarray]:
    """(T,), (T,): metres that a is ahead of b along their common way, and beside it."""
    way = np.sum(s.pelvis_velocity, axis=1)
    way /= np.maximum(np.linalg.norm(way, axis=-1, keepdims=True), 1e-6)
    offset = s.pelvis[:, 0] - s.pelvis[:, 1]
    return np.sum(offset * way, axis=-1), offset[:, 0] * way[:, 1] - offset[:, 1] * way[:, 0]


def _who_starts_walking(s: Signals) -> int:
    travelled = np.linalg.norm(s.pelvis - s.pelvis[:1], axis=-1)
    first = [int(np.argmax(travelled[:, person] > 0.15)) for person in (0, 1)]
    return int(first[1] < first[0])
