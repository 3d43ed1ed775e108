"""Rules for bodies that meet: shoulders and arms that bump, a seat on a lap, a ride on the back, a kiss, a whisper."""

from __future__ import annotations

import numpy as np

from vimotion.evaluation.contact import ON_ARM, all_runs, along, gap, hand_to, seconds
from vimotion.evaluation.findings import Finding, found, most
from vimotion.evaluation.rules_on_foot import pass_by
from vimotion.evaluation.rules_touch import hug
from vimotion.evaluation.signals import LEFT, RIGHT, SIDES, Signals, runs, velocity
from vimotion.motion import surface_point

_SHOULDERS_MEET = 0.24  # metres between two shoulder joints, each 7 cm under its skin


def shoulder_bump(s: Signals) -> Finding | None:
    """Face to face, the same shoulders come forward and meet for a moment, arms hanging, and part again."""
    if pass_by(s):
        return None
    bumps = [
        (start, stop, side)
        for side in (LEFT, RIGHT)
        for start, stop in runs(_shoulder_gap(s, side) < _SHOULDERS_MEET)
        if stop - start < seconds(1.5)
        and s.facing_other[start].min() > 0.4
        and max(s.above_shoulder(person, hand)[start] for person in (0, 1) for hand in (0, 1)) < -0.25
    ]
    if not bumps:
        return None
    start, stop, side = min(bumps)  # they may come close again as they step back
    return found(_who_sets_off(s, side, start), side, 1, start, stop)


def collide_arms(s: Signals) -> Finding | None:
    """In passing by, the arms on the side of the other touch, and both look back afterwards."""
    passing = pass_by(s)
    if passing is None or passing.side is None:
        return None
    side = SIDES.index(passing.side)
    arms = _arm_gap(s, side)
    meeting = int(np.argmin(arms))
    turned = s.head_turn[meeting : meeting + seconds(2.0)] * (1.0 if side == LEFT else -1.0)
    collided = arms[meeting] < 0.24 and turned.max(axis=0).min() > 45.0
    return found("ab".index(passing.actor), side, 1, meeting, meeting + 1) if collided else None


def sit_on_leg(s: Signals) -> Finding | None:
    """The other sits, and for 0.7 s the actor's pelvis is low and on the other's thigh."""
    return most(
        found(actor, int(_sits_at(s, actor, start) < 0.0), 1, start, stop)
        for actor in (0, 1)
        for start, stop in all_runs(
            gap(s, s.joint(actor, "pelvis"), 1 - actor, "thigh") < 0.3,
            s.joint(actor, "pelvis")[:, 1] > s.joint(1 - actor, "pelvis")[:, 1] + 0.05,
            s.pelvis_height[:, 1 - actor] < 0.75,
            s.pelvis_height[:, actor] < 0.88,
            shortest=0.7,
        )
    )


def carry_on_back(s: Signals) -> Finding | None:
    """For a second the other's feet are off the ground and the chest on the actor's back, and the actor goes 0.6 m."""
    return most(
        found(actor, None, 1, start, stop)
        for actor in (0, 1)
        for start, stop in all_runs(
            np.min([s.joint(1 - actor, f"{side}_foot")[:, 1] for side in SIDES], axis=0) > 0.2,
            np.linalg.norm(s.joint(1 - actor, "spine3") - s.joint(actor, "spine3"), axis=-1) < 0.5,
            shortest=0.8,
        )
        if along(s, actor, start, stop, s.facing[start, actor]) > 0.6
    )


def kiss_cheek(s: Signals) -> Finding | None:
    """With a hand on the other's arm and none at the own mouth, a mouth comes to the other's cheek; it is no hug."""
    if hug(s):
        return None
    return most(
        found(actor, int(np.argmin([_kiss(s, actor, name)[start:stop].min() for name in SIDES])), 1, start, stop)
        for actor in (0, 1)
        for start, stop in all_runs(
            np.minimum(*(_kiss(s, actor, name) for name in SIDES)) < 0.14,
            np.minimum(*(hand_to(s, actor, side, "upper_arm") for side in (LEFT, RIGHT))) < ON_ARM,
            np.minimum(*(hand_to(s, actor, side, "mouth", own=True) for side in (LEFT, RIGHT))) > 0.2,
            shortest=0.1,
        )
    )


def whisper(s: Signals) -> Finding | None:
    """For 0.7 s a mouth is a hand's breadth from the other's ear, with the own hand before the mouth."""
    return most(
        found(actor, side, 1, *span)
        for actor in (0, 1)
        for side in (LEFT, RIGHT)
        for span in all_runs(
            gap(s, surface_point(s.interaction, actor, "mouth"), 1 - actor, "ear") < 0.2,
            hand_to(s, actor, side, "mouth", own=True) < 0.15,
            shortest=0.7,
        )
    )


def _shoulder_gap(s: Signals, side: int) -> np.ndarray:
    """(T,) metres between the same shoulder of both."""
    return np.linalg.norm(np.subtract(*(s.joint(person, f"{SIDES[side]}_shoulder") for person in (0, 1))), axis=-1)


def _arm_gap(s: Signals, side: int) -> np.ndarray:
    """(T,) metres between the upper arms on a side of both."""
    name = f"{SIDES[side]}_upper_arm"
    gaps = []
    for person in (0, 1):
        shoulder, elbow = (s.joint(person, f"{SIDES[side]}_{joint}") for joint in ("shoulder", "elbow"))
        gaps += [gap(s, shoulder + share * (elbow - shoulder), 1 - person, name) for share in (0.3, 0.65, 1.0)]
    nearest: np.ndarray = np.min(gaps, axis=0)
    return nearest


def _who_sets_off(s: Signals, side: int, until: int) -> int:
    """Whose foot of a side leaves the ground first for the step that ends at `until`."""
    first = []
    for person in (0, 1):
        begin = max(until - seconds(1.2), 0)
        speed = np.linalg.norm(velocity(s.joint(person, f"{SIDES[side]}_foot"))[begin : until + 1], axis=-1)
        moving = int(np.flatnonzero(speed > 0.5).max(initial=0))
        still = np.flatnonzero(speed[: moving + 1] < 0.25)
        first.append(int(still.max(initial=0)))
    return int(first[1] < first[0])


def _kiss(s: Signals, actor: int, cheek: str) -> np.ndarray:
    """(T,) metres from a mouth to a cheek of the other."""
    return gap(s, surface_point(s.interaction, actor, "mouth"), 1 - actor, f"{cheek}_cheek")


def _sits_at(s: Signals, actor: int, start: int) -> float:
    """Metres that the actor's pelvis is to the left of the other's."""
    ahead = s.facing[start, 1 - actor]
    return float((s.pelvis[start, actor] - s.pelvis[start, 1 - actor]) @ np.array([ahead[1], -ahead[0]]))
