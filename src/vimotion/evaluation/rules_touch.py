"""Rules for interactions in which the two touch: handshake, hug, high five, push, pat on the back."""

from __future__ import annotations

import numpy as np

from vimotion.evaluation.contact import HANDS, hand_to, touches
from vimotion.evaluation.findings import Finding, found, most
from vimotion.evaluation.rules_apart import punch_dodge
from vimotion.evaluation.rules_hands import pose_for_picture
from vimotion.evaluation.signals import LEFT, RIGHT, Signals, extremes, runs, smooth
from vimotion.motion import FPS

# Centres of two palms that clasp or slap; a codec loses a few centimetres of the 0 to 5 that scripted hands have.
_HANDS_MEET = 0.13
# Palm to the axis of a torso: 0.10 to 0.13 where a hand lies flat on the body.
_AROUND, _ON_BODY = 0.32, 0.20
_ON_CHEST = 0.26
_HOLD = round(0.4 * FPS)


def handshake(s: Signals) -> Finding | None:
    """Same-side palms meet below the shoulders, stay at least 0.4 s, and go up and down together."""
    for side in (LEFT, RIGHT):
        for start, stop in runs(s.palm_gap[:, side, side] < _HANDS_MEET, shortest=_HOLD):
            held = slice(start, stop)
            if max(s.above_shoulder(person, side)[held].mean() for person in (0, 1)) > -0.08:
                continue
            if s.pelvis_distance[held].mean() < 0.4:
                continue
            if np.ptp(s.palms[held, :, side].mean(axis=1)[:, [0, 2]], axis=0).max() > 0.15:
                continue
            strokes, _ = extremes(s.palms[held, :, side, 1].mean(axis=1), 0.015, margin=2)
            if strokes:
                return found(s.first_to_raise((side, side), start), side, len(strokes), start, stop)
    return None


def high_five(s: Signals) -> Finding | None:
    """Two palms meet fast and for less than 1.4 s at or above shoulder height, with heads up and bodies apart."""
    if s.torso_touched or punch_dodge(s):
        return None
    for side in (LEFT, RIGHT):
        for other in (LEFT, RIGHT):
            claps = _claps(s, side, other)
            if claps:
                sides = (side, other)
                actor = s.first_to_raise(sides, claps[0][0])
                return found(actor, sides[actor], len(claps), claps[0][0], claps[-1][1])
    return None


def hug(s: Signals) -> Finding | None:
    """Pelvises come close, the two face each other, and each has at least one arm around the other's back, for 0.4 s."""
    around = [
        np.any([(s.to_torso(person, side) < _AROUND) & (s.behind_other(person, side) > 0.0) for side in (LEFT, RIGHT)], axis=0)
        for person in (0, 1)
    ]
    close = around[0] & around[1] & (s.pelvis_distance < 0.6) & (s.facing_other > 0.5).all(axis=1)
    close &= s.palm_gap.min(axis=(1, 2)) > _HANDS_MEET  # or they dance
    for start, stop in runs(close, shortest=_HOLD):
        actor = _who_opens_first(s, start)
        heights = s.palms[(start + stop) // 2, actor, :, 1]
        return found(actor, int(heights[RIGHT] > heights[LEFT]), 1, start, stop)
    return None


def push(s: Signals) -> Finding | None:
    """Both palms of one reach the other's chest from the front, and the other's pelvis is driven away."""
    if hug(s):
        return None
    best: Finding | None = None
    for actor in (0, 1):
        on_chest = np.ones(s.frames, dtype=bool)
        for side in (LEFT, RIGHT):
            on_chest &= s.above_shoulder(actor, side) > -0.42
            on_chest &= s.facing_other[:, 1 - actor] > 0.3
            on_chest &= (s.to_torso(actor, side) < _ON_CHEST) & (s.behind_other(actor, side) < 0.0)
        pushes = [span for span in runs(on_chest, gap=4) if _driven_away(s, actor, *span) > 0.12]
        if pushes and (best is None or len(pushes) > best.count):
            best = found(actor, None, len(pushes), pushes[0][0], pushes[-1][1])
    return best


def pat_back(s: Signals) -> Finding | None:
    """One person's palm comes to the other's back and leaves it, at least twice; it is no hug and no pose for a picture."""
    if hug(s) or pose_for_picture(s):
        return None
    return most(
        found(actor, side, len(pats), pats[0], pats[-1]) for actor, side in HANDS if len(pats := _pats(s, actor, side)) > 1
    )


def _pats(s: Signals, actor: int, side: int) -> list[int]:
    """Frames in which a palm touches the other's back, not the shoulder, before it leaves the body again."""
    distance = s.to_torso(actor, side) + 2.0 * np.maximum(-s.behind_other(actor, side), 0.0)
    pats = touches(smooth(distance, 3), _ON_BODY, 0.04, pause=1.8)
    if not pats:
        return []
    on_shoulder = hand_to(s, actor, side, "shoulder_back")[pats] < hand_to(s, actor, side, "upper_back")[pats]
    first, last = pats[0], pats[-1]
    rests = (distance[last : last + round(1.6 * FPS)] < distance[last] + 0.04).sum() > 1.5 * FPS
    rests |= (distance[max(first - 2 * round(FPS), 0) : first] < _ON_BODY + 0.06).sum() > FPS  # it leads or supports
    below_head = (s.joint(1 - actor, "head")[pats, 1] - s.palms[pats, actor, side, 1]).min() > 0.05
    beside = s.pelvis_distance[pats].min() > 0.42
    stands = np.median(np.linalg.norm(s.pelvis_velocity[pats], axis=-1), axis=0).max() < 0.3
    return pats if beside and stands and below_head and not rests and on_shoulder.mean() < 0.5 else []


def _claps(s: Signals, side: int, other: int) -> list[tuple[int, int]]:
    """(start, stop) of each clap of a's hand `side` with b's hand `other`."""
    gap = s.palm_gap[:, side, other]
    closing = -np.gradient(gap) * FPS if s.frames > 1 else np.zeros_like(gap)
    claps = []
    for start, stop in runs(gap < _HANDS_MEET + 0.02, gap=1):
        high = min(s.above_shoulder(0, side)[start:stop].max(), s.above_shoulder(1, other)[start:stop].max()) > -0.12
        one = s.palm_gap[start:stop, 1 - side, 1 - other].min() > 0.2
        fast = closing[max(start - 8, 0) : start + 1].max(initial=0.0) > 0.5
        heads_up = s.head_drop[start:stop].max() < 0.1 and gap[start:stop].min() < _HANDS_MEET
        if one and high and fast and heads_up and stop - start <= 1.4 * FPS:
            claps.append((start, stop))
    return claps


def _driven_away(s: Signals, actor: int, start: int, stop: int) -> float:
    """Metres that the other's pelvis goes away from the actor within a second after the touch in frames `start` to `stop`."""
    after = min(stop + round(FPS), s.frames - 1)
    away = s.pelvis[start, 1 - actor] - s.pelvis[start, actor]
    moved = s.pelvis[after, 1 - actor] - s.pelvis[start, 1 - actor]
    return float(moved @ away / max(np.linalg.norm(away), 1e-6))


def _who_opens_first(s: Signals, embrace: int) -> int:
    """Whose hands rise first, half-way to their highest before the embrace."""
    halves = []
    for person in (0, 1):
        height = (s.above_shoulder(person, LEFT) + s.above_shoulder(person, RIGHT))[: embrace + 1]
        below = np.flatnonzero(height < (height.min() + height.max()) / 2)
        halves.append(int(below[below < np.argmax(height)].max(initial=0)))
    return int(halves[1] < halves[0])
