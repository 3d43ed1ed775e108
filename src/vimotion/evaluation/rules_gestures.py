"""Rules for gestures without touch: bend, point, thumb up, blow a kiss, imitate, chat."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from vimotion.evaluation.contact import HANDS, all_runs, clear, hand_to, idle, seconds
from vimotion.evaluation.findings import Finding, found, most
from vimotion.evaluation.signals import LEFT, RIGHT, SIDES, Signals, extremes, runs, smooth

_POINTS = 0.81  # of the arm's length: a stretched arm, and below it one that only holds something out


def bend(s: Signals) -> Finding | None:
    """Both pitch the trunk 35° or more, with both palms at the own knees."""
    bent = [all_runs(s.lean[:, person] > 35.0, *_at_knees(s, person), shortest=0.2) for person in (0, 1)]
    if not (bent[0] and bent[1]):
        return None
    return found(int(bent[1][0][0] < bent[0][0][0]), None, 1, min(b[0][0] for b in bent), max(b[-1][1] for b in bent))


def point_at(s: Signals) -> Finding | None:
    """An arm is stretched out at the other, at the height of the shoulder, for half a second; nobody is touched."""
    return most(
        found(actor, side, 1, start, stop)
        for actor, side, start, stop in _held_out(s, s.facing_other.min(axis=1) > 0.5)
        if np.median(s.stretch(actor, side)[start:stop]) > _POINTS and not _kissed(s, actor, side, start)
    )


def thumb_up(s: Signals) -> Finding | None:
    """A hand is held out before the other, still, the elbow bent, a little below the shoulder, for half a second."""
    return most(
        found(actor, side, 1, start, stop)
        for actor, side, start, stop in _held_out(s, s.facing_other.min(axis=1) > 0.5)
        if np.median(s.stretch(actor, side)[start:stop]) < _POINTS and not _kissed(s, actor, side, start)
    )


def blow_kiss(s: Signals) -> Finding | None:
    """A hand comes to the own mouth and goes out from there towards the other, who stands apart."""
    return most(
        found(actor, side, 1, start, stop)
        for actor, side in HANDS
        for start, stop in runs(hand_to(s, actor, side, "mouth", own=True) < 0.14, 3)
        if s.stretch(actor, side)[stop : stop + seconds(1.5)].max(initial=0.0) > 0.75
        and s.reach(actor, side)[stop : stop + seconds(1.5)].max(initial=0.0) > 0.4
        and s.pelvis_distance[start] > 0.8
        and clear(s, start, stop + seconds(1.0))
    )


def imitate(s: Signals) -> Finding | None:
    """Both hands of one go to different high or wide places, and the other's hands do the same 0.2 to 2 s later."""
    standing = runs(np.linalg.norm(s.pelvis_velocity, axis=-1).max(axis=1) < 0.4, seconds(2.5), gap=6)
    start, stop = max(standing, key=lambda span: span[1] - span[0], default=(0, 0))
    hands = [_hands(s, person)[start:stop] for person in (0, 1)]
    if not standing or not all(_gestures(moves) for moves in hands) or not clear(s, 0, s.frames):
        return None
    lags = range(seconds(0.2), seconds(2.0), 2)
    likeness, actor = max((_likeness(hands[actor], hands[1 - actor], lag), actor) for actor in (0, 1) for lag in lags)
    return found(actor, None, 1, start, stop) if likeness > 0.8 else None


def chat(s: Signals) -> Finding | None:
    """Face to face and without touch, one beats time with the hands before the belly, then the other."""
    spoken = [_speech(s, person) for person in (0, 1)]
    if not (spoken[0] and spoken[1]) or not clear(s, 0, s.frames, 0.15):
        return None
    at = np.arange(s.frames)
    first = int(spoken[1][0][0] < spoken[0][0][0])
    talking = [np.any([(start <= at) & (at < stop) for start, stop in spans], axis=0) for spans in spoken]
    if (talking[0] & talking[1]).sum() > 0.5 * min(map(np.sum, talking)):
        return None
    return found(first, None, 1, spoken[first][0][0], spoken[1 - first][-1][1])


def _at_knees(s: Signals, person: int) -> list[np.ndarray]:
    """Of each palm (T,) whether it is at the own knee."""
    return [hand_to(s, person, side, f"{SIDES[side]}_shin", own=True) < 0.13 for side in (LEFT, RIGHT)]


def _held_out(s: Signals, facing: np.ndarray) -> Iterator[tuple[int, int, int, int]]:
    """(actor, side, start, stop): one hand of the four is held up before its person."""
    for actor, side in HANDS:
        others = [idle(s, person, hand) for person, hand in HANDS if (person, hand) != (actor, side)]
        up = all_runs(
            s.above_shoulder(actor, side) > -0.2,
            s.above_shoulder(actor, side) < 0.15,
            s.reach(actor, side) > np.where(s.pelvis_height[:, actor] < 0.75, 0.33, 0.36),
            ~idle(s, actor, side),
            *others,
            facing,
            shortest=0.5,
        )
        for start, stop in up:
            if clear(s, start - seconds(0.4), stop + seconds(0.4)):
                yield actor, side, start, stop


def _kissed(s: Signals, actor: int, side: int, start: int) -> bool:
    """Whether a hand was at the own mouth within the second and a half before."""
    before = slice(max(start - seconds(1.5), 0), start + 1)
    return bool(hand_to(s, actor, side, "mouth", own=True)[before].min() < 0.14)


def _hands(s: Signals, person: int) -> np.ndarray:
    """(T, 6): both palms up, ahead and aside of the own body."""
    columns = []
    for side in (LEFT, RIGHT):
        offset = s.palms[:, person, side][:, [0, 2]] - s.pelvis[:, person]
        across = offset[:, 0] * s.facing[:, person, 1] - offset[:, 1] * s.facing[:, person, 0]
        columns += [s.above_shoulder(person, side), s.reach(person, side), across]
    return np.stack(columns, axis=-1)


def _likeness(lead: np.ndarray, follow: np.ndarray, lag: int) -> float:
    """Correlation of the hands that follow with those that led `lag` frames before, from −1 to 1."""
    if len(lead) < lag + seconds(1.0):
        return 0.0
    lead, follow = lead[: len(lead) - lag], follow[lag:]
    lead, follow = lead - lead.mean(axis=0), follow - follow.mean(axis=0)
    return float(np.sum(lead * follow) / max(np.sqrt(np.sum(lead**2) * np.sum(follow**2)), 1e-9))


def _gestures(hands: np.ndarray) -> bool:
    """Whether both hands of a person are raised or spread by 30 cm."""
    moved = np.ptp(smooth(hands), axis=0)
    return bool(min(moved[:3].max(), moved[3:].max()) > 0.3)


def _speech(s: Signals, person: int) -> list[tuple[int, int]]:
    """(start, stop) of each time that a hand, free in the air before the belly, goes up and down."""
    spans = []
    for side in (LEFT, RIGHT):
        height = smooth(s.above_shoulder(person, side), 3)
        free = ~idle(s, person, side, 0.09) & (s.reach(person, side) > 0.2) & (np.abs(height + 0.22) < 0.2)
        free &= np.linalg.norm(s.pelvis_velocity[:, person], axis=-1) < 0.3
        for start, stop in runs(free, seconds(0.6), gap=9):
            if sum(map(len, extremes(height[start:stop], 0.025))) >= 2:
                spans.append((start, stop))
    return sorted(spans)
