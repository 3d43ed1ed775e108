"""Rules for interactions in which the two touch: handshake, hug, high five, push, pat on the back."""

from __future__ import annotations

import numpy as np

from vimotion.evaluation.findings import Finding, found
from vimotion.evaluation.signals import LEFT, RIGHT, Signals, inner_turns, runs, turning_points
from vimotion.motion import FPS

# Palm centres of two clasped or slapping hands are this close; flat hands of a scripted clap stand some centimetres apart.
_HANDS_MEET = 0.13
_HOLD = 0.4


def handshake(s: Signals) -> Finding | None:
    """Same-side palms meet below the shoulders, stay at least 0.4 s, and go up and down together."""
    for side in (LEFT, RIGHT):
        for start, stop in runs(s.palm_gap[:, side, side] < _HANDS_MEET, shortest=round(_HOLD * FPS)):
            held = slice(start, stop)
            if max(s.above_shoulder(person, side)[held].mean() for person in (0, 1)) > -0.08:
                continue
            if s.pelvis_distance[held].mean() < 0.4:
                continue
            height = s.palms[held, :, side, 1].mean(axis=1)
            turns = inner_turns(height, 0.02)
            if len(turns) >= 2:
                actor = _who_reaches_first(s, side, start)
                return found(actor, side, len(turns) // 2, start, stop)
    return None


def high_five(s: Signals) -> Finding | None:
    """Two palms meet for a moment at or above shoulder height, coming together fast."""
    for side in (LEFT, RIGHT):
        for other in (LEFT, RIGHT):
            gap = s.palm_gap[:, side, other]
            closing = -np.gradient(gap) * FPS if s.frames > 1 else gap * 0
            claps = []
            for start, stop in runs(gap < _HANDS_MEET + 0.02, gap=1):
                high = min(s.above_shoulder(0, side)[start:stop].max(), s.above_shoulder(1, other)[start:stop].max())
                fast = closing[max(start - 8, 0) : start + 1].max(initial=0.0)
                if high > -0.12 and fast > 0.5 and stop - start <= round(0.8 * FPS):
                    claps.append((start, stop))
            if claps:
                actor = _who_raises_first(s, (side, other), claps[0][0])
                return found(actor, (side, other)[actor], len(claps), claps[0][0], claps[-1][1])
    return None


def hug(s: Signals) -> Finding | None:
    """Pelvises come close, the two face each other, and each has at least one arm around the other's back, for 0.4 s."""
    around = [
        [(s.to_torso(person, side) < 0.32) & (s.behind_other(person, side) > 0.0) for side in (LEFT, RIGHT)]
        for person in (0, 1)
    ]
    each = (around[0][0] | around[0][1]) & (around[1][0] | around[1][1])
    close = each & (s.pelvis_distance < 0.6) & (s.facing_other > 0.5).all(axis=1)
    for start, stop in runs(close, shortest=round(_HOLD * FPS)):
        first = [np.flatnonzero(around[person][0] | around[person][1])[0] for person in (0, 1)]
        actor = int(first[1] < first[0])
        middle = (start + stop) // 2
        heights = s.palms[middle, actor, :, 1]
        return found(actor, int(heights[RIGHT] > heights[LEFT]), 1, start, stop)
    return None


def push(s: Signals) -> Finding | None:
    """Both palms of one reach the other's chest from the front, and the other's pelvis is driven away."""
    best: Finding | None = None
    for actor in (0, 1):
        on_chest = np.ones(s.frames, dtype=bool)
        for side in (LEFT, RIGHT):
            on_chest &= (s.to_torso(actor, side) < 0.32) & (s.behind_other(actor, side) < 0.0)
        pushes = []
        for start, stop in runs(on_chest, gap=4):
            after = min(stop + round(1.0 * FPS), s.frames - 1)
            away = s.pelvis[start, 1 - actor] - s.pelvis[start, actor]
            away /= max(np.linalg.norm(away), 1e-6)
            if (s.pelvis[after, 1 - actor] - s.pelvis[start, 1 - actor]) @ away > 0.12:
                pushes.append((start, stop))
        if pushes and (best is None or len(pushes) > best.count):
            best = found(actor, None, len(pushes), pushes[0][0], pushes[-1][1])
    return best


def pat_back(s: Signals) -> Finding | None:
    """One person's palm comes to the other's back and leaves it, at least twice, while the other does not hold them."""
    best: Finding | None = None
    for actor in (0, 1):
        for side in (LEFT, RIGHT):
            distance = s.to_torso(actor, side)
            near = (distance < 0.34) & (s.behind_other(actor, side) > 0.02)
            for start, stop in runs(near, shortest=round(0.3 * FPS), gap=8):
                turns = turning_points(distance[start:stop], 0.02)
                count = (len(turns) + 1) // 2
                if count >= 2 and (best is None or count > best.count):
                    best = found(actor, side, count, start, stop)
    return None if best is None or hug(s) else best


def _who_reaches_first(s: Signals, side: int, meeting: int) -> int:
    """Who has the hand half-way out first before the palms meet in frame `meeting`."""
    return _who_is_first([s.reach(person, side) for person in (0, 1)], meeting)


def _who_raises_first(s: Signals, sides: tuple[int, int], meeting: int) -> int:
    return _who_is_first([s.above_shoulder(person, sides[person]) for person in (0, 1)], meeting)


def _who_is_first(signals: list[np.ndarray], meeting: int) -> int:
    """Whose signal is half-way from its lowest value before `meeting` to its value there first."""
    halves = []
    for signal in signals:
        before = signal[: meeting + 1]
        low = before[: int(np.argmin(before)) + 1].min()
        above = np.flatnonzero(before < (low + before[-1]) / 2)
        halves.append(int(above[-1]) if len(above) else 0)
    return int(halves[1] < halves[0])
