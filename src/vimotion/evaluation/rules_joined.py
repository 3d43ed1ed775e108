"""Rules for two palms that join: pass an object, clap hands, dance, wrestle with hands or arms."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from vimotion.evaluation.contact import HANDS, all_runs, hand_to, idle, seconds
from vimotion.evaluation.findings import Finding, found, most
from vimotion.evaluation.signals import LEFT, RIGHT, Signals, extremes, runs, smooth

_JOINED = 0.13  # metres between the centres of two palms that clasp


def pass_object(s: Signals) -> Finding | None:
    """A palm of each meet below the shoulders; one hand goes down again, the other is drawn to the own belly."""
    return most(found(giver, side, 1, start, stop) for giver, side, start, stop in _gifts(s))


def clap_hands(s: Signals) -> Finding | None:
    """Both hands of the one meet both hands of the other, before and above the chest, for less than 1.5 s."""
    together = np.all([s.palm_gap[:, side, 1 - side] < _JOINED + 0.02 for side in (LEFT, RIGHT)], axis=0)
    high = [s.above_shoulder(person, side) > -0.2 for person in (0, 1) for side in (LEFT, RIGHT)]
    claps = [span for span in runs(together & np.all(high, axis=0), gap=1) if span[1] - span[0] < seconds(1.5)]
    if not claps or s.torso_touched:
        return None
    risen = s.first_to_raise((RIGHT, LEFT), claps[0][0])
    return found(risen, None, len(claps), claps[0][0], claps[-1][1])


def dance(s: Signals) -> Finding | None:
    """Face to face and close, one pair of hands joined beside them, a hand on the back; they step from side to side."""
    return most(
        found(leader, side, 1, *span)
        for leader in (0, 1)
        for side in (LEFT, RIGHT)
        for span in all_runs(
            _gap(s, leader, 1 - side, side) < _JOINED,
            (s.to_torso(leader, side) < 0.22) & (s.behind_other(leader, side) > 0.0),
            s.facing_other.min(axis=1) > 0.5,
            shortest=1.0,
        )
        if _steps_aside(s, *span) >= 2
    )


def arm_wrestle(s: Signals) -> Finding | None:
    """Both sit with clasped hands for a second, and the one presses the other's hand 10 cm over to the own other side."""
    for side in (LEFT, RIGHT):
        for start, stop in runs(s.palm_gap[:, side, side] < _JOINED, seconds(1.0)):
            if s.pelvis_height[start:stop].max() > 0.8:
                continue
            hands = s.palms[start:stop, :, side].mean(axis=1)[:, [0, 2]]
            inwards = s.facing[start, 0, ::-1] * ([1.0, -1.0] if side == RIGHT else [-1.0, 1.0])  # of a
            over = (hands - np.median(hands, axis=0)) @ inwards
            if np.abs(over).max() > 0.1:
                return found(int(over[np.argmax(np.abs(over))] < 0), side, 1, start, stop)
    return None


def hand_wrestling(s: Signals) -> Finding | None:
    """Both stand with clasped hands, which go to and fro between them more than up and down, until one draws the other near."""
    for side in (LEFT, RIGHT):
        for start, stop in runs(s.palm_gap[:, side, side] < _JOINED, seconds(1.0)):
            if s.pelvis_height[start:stop].min() < 0.75:
                continue
            hands, fro = s.palms[start:stop, :, side].mean(axis=1), to_and_fro(s, side, start, stop)
            if np.ptp(fro) > max(0.08, 1.5 * np.ptp(hands[:, 1])) and sum(map(len, extremes(fro, 0.04))) >= 2:
                last = fro[-seconds(0.5) :] - np.median(fro)
                return found(int(last[np.argmax(np.abs(last))] > 0), side, 1, start, stop)
    return None


def to_and_fro(s: Signals, side: int, start: int, stop: int) -> np.ndarray:
    """(T,) metres that joined palms are towards person b, along the line between the two."""
    way = s.pelvis[start, 1] - s.pelvis[start, 0]
    hands = s.palms[start:stop, :, side].mean(axis=1)[:, [0, 2]]
    swing: np.ndarray = smooth(hands - s.pelvis[start, 0], 3) @ (way / max(np.linalg.norm(way), 1e-6))
    return swing


def _gap(s: Signals, person: int, side: int, other: int) -> np.ndarray:
    """(T,) metres from a palm of a person to a palm of the other one."""
    return s.palm_gap[:, side, other] if person == 0 else s.palm_gap[:, other, side]


def _steps_aside(s: Signals, start: int, stop: int) -> int:
    """How often the two, face to face, turn round in going sideways."""
    way = s.pelvis[start, 1] - s.pelvis[start, 0]
    middle = s.pelvis[start:stop].mean(axis=1)
    across = (middle - middle[0]) @ np.array([way[1], -way[0]]) / max(np.linalg.norm(way), 1e-6)
    return sum(map(len, extremes(across, 0.08)))


def _gifts(s: Signals) -> Iterator[tuple[int, int, int, int]]:
    """(giver, side, start, stop) of each short meeting of two palms after which the taker's hand stays up."""
    for giver, side in HANDS:
        for taking in (LEFT, RIGHT):
            for start, stop in runs(_gap(s, giver, side, taking) < _JOINED, seconds(0.2)):
                stand = np.linalg.norm(s.pelvis_velocity[start:stop], axis=-1).max() < 0.6
                alone = idle(s, giver, 1 - side)[start:stop].mean() > 0.5
                if stand and alone and stop - start < seconds(2.0) and _keeps(s, giver, side, taking, start, stop):
                    yield giver, side, start, stop


def _keeps(s: Signals, giver: int, side: int, taking: int, start: int, stop: int) -> bool:
    """Whether palms that met below the shoulders part, the giver's going down, the taker's to the own belly."""
    after = slice(min(stop + seconds(0.7), s.frames - 6), stop + seconds(1.5))
    given, taken = s.above_shoulder(giver, side), s.above_shoulder(1 - giver, taking)
    low = max(given[start:stop].mean(), taken[start:stop].mean()) < -0.08
    let_go = given[after].min() < given[start] - 0.05 and s.reach(giver, side)[after].min() < 0.22
    kept = hand_to(s, 1 - giver, taking, "belly", own=True)[after].max() < 0.32 and taken[after].min() > -0.42
    return bool(low and let_go and kept)
