"""Rules for attacks: kick, step on a foot, block, block and counter, knock over."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from vimotion.evaluation.contact import HANDS, ON_ARM, blows, gap, hand_to, on_ground, seconds
from vimotion.evaluation.findings import Finding, found, most
from vimotion.evaluation.signals import LEFT, RIGHT, SIDES, Signals, runs
from vimotion.motion import surface_point

_ON_CHEST = 0.15  # metres from a fist to the middle of the chest's skin


def kick(s: Signals) -> Finding | None:
    """A foot goes up 15 cm or more, fast and forwards, to a hand's breadth of the other's leg."""
    return most(found(actor, foot, 1, *span) for actor in (0, 1) for foot in (LEFT, RIGHT) for span in _kicks(s, actor, foot))


def step_on_foot(s: Signals) -> Finding | None:
    """A foot steps on the other's foot and stays there for 0.2 s."""
    return most(found(actor, foot, 1, *span) for actor in (0, 1) for foot in (LEFT, RIGHT) for span in _treads(s, actor, foot))


def block(s: Signals) -> Finding | None:
    """A hand strikes down from above the shoulder at the other's head and is stopped by a forearm held up before it."""
    blows_down = (blow for blow in _blocked(s, 1.3) if _from_above(s, *blow))
    return most(found(actor, side, 1, start, stop) for actor, side, start, stop in blows_down)


def block_counter(s: Signals) -> Finding | None:
    """A fist is stopped by a forearm, and the other hand of the one who blocks strikes the attacker's chest within 1.2 s."""
    return most(
        found(1 - attacker, side, 1, start, counter)
        for attacker, _, start, _ in _blocked(s, 0.9)
        for side in (LEFT, RIGHT)
        for counter, _ in blows(hand_to(s, 1 - attacker, side, "chest"), _ON_CHEST, speed=1.5, longest=2.0)
        if 0 < counter - start < seconds(1.2)
    )


def knock_over(s: Signals) -> Finding | None:
    """Both palms of one reach the chest of the other, who then sits or lies on the ground, while the one stands."""
    return most(
        found(actor, None, 1, start, start + int(np.argmax(fallen)))
        for actor in (0, 1)
        for start, stop in runs(np.all([s.to_torso(actor, side) < 0.28 for side in (LEFT, RIGHT)], axis=0), gap=4)
        if s.pelvis_height[start, 1 - actor] > 0.8
        and (fallen := s.pelvis_height[start : stop + seconds(2.0), 1 - actor] < 0.4).any()
        and s.pelvis_height[start : stop + seconds(2.0), actor].min() > 0.7
    )


def _kicks(s: Signals, actor: int, foot: int) -> Iterator[tuple[int, int]]:
    toes = s.joint(actor, f"{SIDES[foot]}_foot")
    near = np.min([gap(s, toes, 1 - actor, part) for part in ("thigh", "shin")], axis=0)
    lifted = toes[:, 1] - np.percentile(toes[:, 1], 20) > 0.15
    for start, stop in runs(lifted & (near < 0.25)):
        from_hip = np.linalg.norm((toes - s.joint(actor, "pelvis"))[start:stop][:, [0, 2]], axis=-1)
        aimed = from_hip.max() > 0.45 and stop - start < seconds(1.0) and s.facing_other[start, actor] > 0.5
        if aimed and _stands_apart(s, actor, start):
            yield start, stop


def _stands_apart(s: Signals, actor: int, frame: int) -> bool:
    """Whether somebody stands on the other foot, on the spot, apart from the other."""
    still = np.linalg.norm(s.pelvis_velocity[frame, actor]) < 0.8
    return bool(
        still and s.pelvis_height[frame, actor] > 0.62 and on_ground(s, actor)[frame] and s.pelvis_distance[frame] > 0.5
    )


def _treads(s: Signals, actor: int, foot: int) -> Iterator[tuple[int, int]]:
    sole = s.joint(actor, f"{SIDES[foot]}_foot")
    for under in SIDES:
        toes, ankle = s.joint(1 - actor, f"{under}_foot"), s.joint(1 - actor, f"{under}_ankle")
        beside = np.linalg.norm((sole - (toes + 0.2 * (ankle - toes)))[:, [0, 2]], axis=-1)
        above = sole[:, 1] - toes[:, 1]
        for start, stop in runs((beside < 0.12) & (above > 0.01) & (above < 0.16), seconds(0.2)):
            if np.linalg.norm(sole[start] - sole[max(start - seconds(0.6), 0)]) > 0.12:
                yield start, stop


def _blocked(s: Signals, longest: float) -> Iterator[tuple[int, int, int, int]]:
    """(attacker, side, start, stop): a hand that comes fast is stopped by a raised forearm, for `longest` seconds at most."""
    for attacker, side in HANDS:
        for arm, name in enumerate(SIDES):
            for start, stop in blows(hand_to(s, attacker, side, f"{name}_forearm"), ON_ARM + 0.02, longest=longest):
                apart = np.linalg.norm(s.palms[start, attacker, side] - s.palms[start, 1 - attacker, arm]) > 0.14
                held_up = s.above_shoulder(1 - attacker, arm)[start] > -0.05 and s.head_drop[start, 1 - attacker] < 0.18
                if apart and held_up and s.facing_other[start].min() > 0.5:
                    yield attacker, side, start, stop


def _from_above(s: Signals, actor: int, side: int, hit: int, stop: int) -> bool:
    """Whether a hand that hits in a frame comes from above its shoulder to the height of the head, not yet there."""
    before = slice(max(hit - seconds(0.7), 0), hit + 1)
    head = np.linalg.norm(s.palms[before, actor, side] - s.joint(1 - actor, "head")[before], axis=-1)
    above_chest = s.palms[hit, actor, side, 1] - surface_point(s.interaction, 1 - actor, "chest")[hit, 1]
    return bool(head.min() > 0.17 and s.above_shoulder(actor, side)[before].max() > 0.05 and above_chest > 0.1)
