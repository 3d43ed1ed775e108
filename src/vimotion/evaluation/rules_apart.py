"""Rules for interactions without touch: bow, wave, punch and dodge, rock-paper-scissors."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from vimotion.evaluation.findings import Finding, found
from vimotion.evaluation.rules_gestures import bend
from vimotion.evaluation.signals import LEFT, RIGHT, SIDES, Signals, extremes, runs, smooth, velocity
from vimotion.motion import FPS

_APART = 0.2  # metres between palms that do not touch
_SEATED, _SWING = 0.75, 0.3  # height of the pelvis as a share of standing; metres that a hand swings aside
_LOW = -0.15  # metres from the shoulders: a hand that is not raised


def bow(s: Signals) -> Finding | None:
    """Both trunks pitch at least 15° forward while facing the other, hands down, and come back; nobody touches."""
    if s.palm_gap.min() < _APART or bend(s):
        return None
    bows = [_bows(s, person) for person in (0, 1)]
    if not (bows[0] and bows[1]):
        return None
    actor = int(bows[1][0][0] < bows[0][0][0])
    return found(actor, None, len(bows[actor]), min(b[0][0] for b in bows), max(b[-1][1] for b in bows))


def wave(s: Signals) -> Finding | None:
    """Face to face, one hand above its shoulder swings sideways at least twice; every other hand stays down, nobody touches."""
    if s.palm_gap.min() < _APART or s.torso_touched:
        return None
    best: Finding | None = None
    for person in (0, 1):
        across = np.stack([s.facing[:, person, 1], -s.facing[:, person, 0]], axis=-1)
        for side in (LEFT, RIGHT):
            others = [(person, 1 - side), (1 - person, LEFT), (1 - person, RIGHT)]
            sideways = np.sum((s.palms[:, person, side][:, [0, 2]] - s.pelvis[:, person]) * across, axis=-1)
            for start, stop in runs(s.above_shoulder(person, side) > 0.0, shortest=round(0.4 * FPS)):
                if max(s.above_shoulder(*other)[start:stop].max() for other in others) > _LOW:
                    continue
                if np.median(s.facing_other[start:stop], axis=0).min() < 0.5:
                    continue
                count = min(map(len, extremes(sideways[start:stop], 0.065)))
                if count >= 2 and (best is None or count > best.count):
                    best = found(person, side, count, start, stop)
    return best


def punch_dodge(s: Signals) -> Finding | None:
    """One fist is thrust fast to where the other's head was; the head has moved away before it comes, and is not hit."""
    best: Finding | None = None
    for actor in (0, 1):
        for side in (LEFT, RIGHT):
            punches = _dodged_punches(s, actor, side)
            if punches and (best is None or len(punches) > best.count):
                best = found(actor, side, len(punches), punches[0], punches[-1])
    return best


def rock_paper_scissors(s: Signals) -> Finding | None:
    """Face to face and not touching, both pump one hand at the same time, three beats a round; or, seated, swing it in turn."""
    if s.palm_gap.min() < _APART / 2 or not 0.5 < np.median(s.pelvis_distance) < 2.5:
        return None
    if s.torso_touched or punch_dodge(s):
        return None
    for side in (LEFT, RIGHT):
        for other in (LEFT, RIGHT):
            beats = _beats(s, 0, side), _beats(s, 1, other)
            together = [frame for frame in beats[0] if any(abs(frame - beat) <= 5 for beat in beats[1])]
            if len(together) >= 2:
                sides = (side, other)
                actor = s.first_to_raise(sides, together[0])
                return found(actor, sides[actor], max(1, round(len(together) / 3)), together[0], together[-1])
    return _turns(s)


def _turns(s: Signals) -> Finding | None:
    """Both sit with a hand held out and swing it far to its own side, one after the other and as often as the other."""
    if s.pelvis_height.max() > _SEATED:
        return None
    for side in (LEFT, RIGHT):
        for other in (LEFT, RIGHT):
            sides = (side, other)
            swings = [_swings(s, person, sides[person]) for person in (0, 1)]
            order = [person for _, person in sorted((frame, person) for person in (0, 1) for frame in swings[person])]
            if order and len(order) % 2 == 0 and all(first != second for first, second in pairwise(order)):
                frames = sorted(swings[0] + swings[1])
                return found(order[0], sides[order[0]], len(order) // 2, frames[0], frames[-1])
    return None


def _swings(s: Signals, person: int, side: int) -> list[int]:
    """Frames in which a hand held out in front, at belly to chest height, is farthest to its own side."""
    facing = s.facing[:, person]
    left = np.stack([facing[:, 1], -facing[:, 0]], axis=-1)
    out = np.sum((s.palms[:, person, side][:, [0, 2]] - s.pelvis[:, person]) * left, axis=-1) * (1.0 if side == LEFT else -1.0)
    height = s.above_shoulder(person, side)
    return [frame for frame in extremes(smooth(out, 3), _SWING)[1] if -0.38 < height[frame] < 0.1]


def _bows(s: Signals, person: int) -> list[tuple[int, int]]:
    """(start, stop) of each pitch of the trunk that goes 15° forward and comes back."""
    lean = smooth(s.lean[:, person])
    lean = lean - np.median(lean[: max(3, s.frames // 10)])
    hands = np.max([s.above_shoulder(person, side) for side in (LEFT, RIGHT)], axis=0)
    return [
        (start, stop)
        for start, stop in runs(lean > 8.0, shortest=6)
        if lean[start:stop].max() > 15.0
        and stop < s.frames
        and s.facing_other[start, person] > 0.5
        and hands[start:stop].max() < _LOW
    ]


def _dodged_punches(s: Signals, actor: int, side: int) -> list[int]:
    """Frames in which a fist, thrust out fast, comes to where the other's head was before it was pulled away."""
    fist, head = s.palms[:, actor, side], s.joint(1 - actor, "head")
    out, other_out = (
        smooth(np.linalg.norm(s.palms[:, actor, hand] - s.joint(actor, f"{SIDES[hand]}_shoulder"), axis=-1), 3)
        for hand in (side, 1 - side)
    )
    speed = np.linalg.norm(velocity(fist), axis=-1)
    lows, highs = extremes(out, 0.12)
    punches = []
    for drawn in lows:
        stretched = next((high for high in highs if high > drawn), None)
        if stretched is None:
            break
        arrival = drawn + int(np.argmax(out[drawn : stretched + 1] > 0.95 * out[stretched]))
        before = head[max(0, drawn - 12) : arrival + 1]
        target = before[np.argmax(before[:, 1])]
        thrust = slice(drawn, arrival + 1)
        fast = speed[thrust].max() > 1.3
        aimed = np.linalg.norm(fist[thrust] - target, axis=-1).min() < 0.3
        dodged = np.linalg.norm(head[arrival] - target) > 0.12
        hit = np.linalg.norm(fist[thrust] - head[thrust], axis=-1).min() < 0.12
        alone = other_out[arrival] < 0.85 * out[arrival]
        stands = np.linalg.norm(s.pelvis_velocity[arrival], axis=-1).max() < 1.5
        if fast and alone and stands and aimed and dodged and not hit:
            punches.append(arrival)
    return punches


def _beats(s: Signals, person: int, side: int) -> list[int]:
    """High points of a hand that is held out in front of its person, who faces the other, and pumped."""
    height = smooth(s.above_shoulder(person, side), 3)
    out = (s.reach(person, side) > 0.15) & (height > -0.38) & (height < 0.1) & (s.facing_other[:, person] > 0.7)
    return [frame for frame in extremes(height, 0.05)[1] if out[frame]]
