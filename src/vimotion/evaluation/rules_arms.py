"""Rules for a hand that holds the other's arm: grab, pull, drag down, help up, support, link arms."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from vimotion.evaluation.contact import HANDS, ON_ARM, ON_SKIN, along, hand_to, seconds
from vimotion.evaluation.findings import Finding, found, most
from vimotion.evaluation.signals import SIDES, Signals, runs

_STANDS, _SITS, _DOWN = 0.85, 0.75, 0.4  # height of the pelvis as a share of standing
Hold = tuple[int, int, int, int]  # actor, side, start, stop


def grab(s: Signals) -> Finding | None:
    """A hand holds the other's forearm for half a second; both stand where they are, at arm's length, face to face."""
    return _of(
        (actor, side, start, stop)
        for actor, side, start, stop in _holds(s, 0.6)
        if _way(s, max(start - seconds(0.3), 0), min(stop + seconds(0.5), s.frames)).max() < 0.3
        and s.pelvis_height[max(start - seconds(0.5), 0) : stop + seconds(0.3)].min() > 0.72
        and s.pelvis_distance[start:stop].min() > 0.45
        and s.facing_other[start:stop].min() > 0.5
        and s.above_shoulder(actor, side)[start:stop].mean() < -0.1
        and s.reach(actor, side)[start:stop].mean() > 0.25
        and s.above_shoulder(1 - actor, _held(s, actor, side, start, stop)[1])[start:stop].mean() > -0.45
        and not _hand_at_face(s, actor, side, start, stop)
    )


def pull(s: Signals) -> Finding | None:
    """A hand holds the other's forearm, and both go the actor's way, the actor backwards, 0.25 m or more."""
    return _of(hold for hold in _holds(s) if _drawn(s, *hold) > 0.25 and s.pelvis_height[hold[2] : hold[3]].min() > 0.7)


def drag_down(s: Signals) -> Finding | None:
    """While a hand holds the other's forearm, the actor comes down to the ground, and the other is drawn down."""
    return _of(
        (actor, side, start, stop)
        for actor, side, start, stop in _holds(s)
        if s.pelvis_height[start, actor] > _STANDS
        and s.pelvis_height[start : stop + seconds(0.5), actor].min() < _DOWN
        and s.pelvis_height[start : stop + seconds(0.5), 1 - actor].min() < s.pelvis_height[start, 1 - actor] - 0.15
    )


def help_up(s: Signals) -> Finding | None:
    """A hand holds the arm of the other, who sits, and the other stands up meanwhile; of two hands the one nearer the wrist."""
    holds = [
        (actor, side, start, stop)
        for actor, side, start, stop in _holds(s)
        if s.pelvis_height[start, 1 - actor] < _SITS
        and s.pelvis_height[start:stop, 1 - actor].max() > _STANDS
        and s.pelvis_height[start, actor] > s.pelvis_height[start, 1 - actor] + 0.2
    ]
    return _of(iter(sorted(holds, key=lambda hold: _to_hand(s, *hold))[:1]))


def support(s: Signals) -> Finding | None:
    """Side by side they go half a metre or more, while one holds the other by the back and the forearm."""
    return _of(
        (actor, 1 - side, start, stop)
        for actor, side, start, stop in _holds(s)
        if _abreast(s, start, stop) and _on_back(s, actor, 1 - side)[start:stop].mean() > 0.4
    )


def link_arms(s: Signals) -> Finding | None:
    """Side by side they go half a metre or more, a hand through the other's arm on the forearm, and no hand on the back."""
    return _of(
        (actor, side, start, stop)
        for actor, side, start, stop in _holds(s)
        if _abreast(s, start, stop) and not _on_back(s, actor, 1 - side)[start:stop].mean() > 0.3
    )


def _of(holds: Iterator[Hold]) -> Finding | None:
    return most(found(actor, side, 1, start, stop) for actor, side, start, stop in holds)


def _holds(s: Signals, shortest: float = 0.5) -> Iterator[Hold]:
    """Each time that a palm lies on the other's forearm for so many seconds.

    It is not in the other's hand, and of two who have each other's arms it is the nearer one.
    """
    for actor, side in HANDS:
        for start, stop in runs(hand_to(s, actor, side, "forearm") < ON_ARM, seconds(shortest), gap=6):
            distance, arm = _held(s, actor, side, start, stop)
            back = hand_to(s, 1 - actor, arm, f"{SIDES[side]}_forearm")[start:stop].mean()
            if distance < back and _to_hand(s, actor, side, start, stop) > 0.12:
                yield actor, side, start, stop


def _held(s: Signals, actor: int, side: int, start: int, stop: int) -> tuple[float, int]:
    """Which arm of the other is held, after how far from its forearm the hand is, metres."""
    gaps = [float(hand_to(s, actor, side, f"{name}_forearm")[start:stop].mean()) for name in SIDES]
    return min((distance, arm) for arm, distance in enumerate(gaps))


def _to_hand(s: Signals, actor: int, side: int, start: int, stop: int) -> float:
    """Mean metres from the hand that holds an arm to the palm of that arm."""
    palm = s.palms[start:stop, 1 - actor, _held(s, actor, side, start, stop)[1]]
    return float(np.linalg.norm(s.palms[start:stop, actor, side] - palm, axis=-1).mean())


def _way(s: Signals, start: int, stop: int) -> np.ndarray:
    """(person,) metres that each goes."""
    return np.linalg.norm(s.pelvis[stop - 1] - s.pelvis[start], axis=-1)


def _drawn(s: Signals, actor: int, side: int, start: int, stop: int) -> float:
    """Metres that both go the actor's way, that is from the other to the actor, during a hold."""
    way = s.pelvis[start, actor] - s.pelvis[start, 1 - actor]
    return min(along(s, person, start, stop, way) for person in (0, 1)) if s.facing_other[start].min() > 0.5 else 0.0


def _abreast(s: Signals, start: int, stop: int) -> bool:
    """Whether both go at least half a metre the way they face, beside each other."""
    path = s.pelvis[stop - 1] - s.pelvis[start]
    ahead = np.sum(path * s.facing[start:stop].mean(axis=0), axis=-1)
    beside = np.abs(s.facing_other[start:stop]).mean() < 0.5
    return bool(ahead.min() > 0.5 and beside and s.heading[start:stop].mean() > 0.7)


def _on_back(s: Signals, actor: int, side: int) -> np.ndarray:
    mask: np.ndarray = (s.to_torso(actor, side) < 0.22) & (s.behind_other(actor, side) > 0.0)
    return mask


def _hand_at_face(s: Signals, actor: int, side: int, start: int, stop: int) -> bool:
    """Whether the one who is held has a hand at the holder's face for half of the time, so that the hold is a defence."""
    mouth = [np.median(hand_to(s, 1 - actor, hand, "mouth")[start:stop]) for hand in (0, 1)]
    return min(mouth) < 2 * ON_SKIN
