"""Rules for interactions on foot: walk together, pass by, chase."""

from __future__ import annotations

import numpy as np

from vimotion.evaluation.contact import clear
from vimotion.evaluation.findings import Finding, found
from vimotion.evaluation.signals import SIDES, Signals, runs, velocity
from vimotion.motion import FPS

_WALKING, _HURRYING = 0.25, 0.8  # m/s of the pelvis


def walk_together(s: Signals) -> Finding | None:
    """Both go more than 1.4 m the same way, beside each other, at the same speed."""
    for start, stop in _walks(s, _WALKING):
        path = s.pelvis[stop - 1] - s.pelvis[start]
        length = np.linalg.norm(path, axis=-1)
        if length.min() < 1.3 or path[0] @ path[1] < 0.9 * length[0] * length[1]:
            continue
        ahead, beside = _ahead_and_beside(s, start, stop)
        if s.pelvis_distance[start:stop].max() < 2.0 and beside > 0.3 and abs(ahead) < beside:
            return found(_who_starts(s), None, 1, start, stop)
    return None


def pass_by(s: Signals) -> Finding | None:
    """Both walk opposite ways, go past within 1.5 m and separate; nobody stops at the other."""
    for start, stop in _walks(s, 0.2):
        path = s.pelvis[stop - 1] - s.pelvis[start]
        length = np.linalg.norm(path, axis=-1)
        if length.min() < 0.5 or path[0] @ path[1] > -0.5 * length[0] * length[1]:
            continue
        way = (path[1] - path[0]) / np.linalg.norm(path[1] - path[0])
        order = (s.pelvis[:, 0] - s.pelvis[:, 1]) @ way
        meeting = start + int(np.argmin(s.pelvis_distance[start:stop]))
        if order[start] > 0.5 and order[stop - 1] < -0.3 and s.pelvis_distance[meeting] < 1.5:
            right = np.stack([-s.facing[meeting, 0, 1], s.facing[meeting, 0, 0]])
            side = int((s.pelvis[meeting, 1] - s.pelvis[meeting, 0]) @ right > 0)
            return found(_who_starts(s), side, 1, start, stop)
    return None


def chase(s: Signals) -> Finding | None:
    """Both run the same way, one behind the other; the one behind faces the other's back.

    A slow chase is scripted at little more than a walk, so 0.8 m/s is enough.
    """
    for start, stop in _walks(s, _HURRYING):
        pursuer = _one_behind(s, start, stop, 1.2)
        if pursuer is not None and stop - start > 0.4 * FPS and _run(s, start, stop) and _on_foot(s):
            return found(pursuer, None, 1, start, stop)
    return None


def follow_leader(s: Signals) -> Finding | None:
    """Both walk a metre or more the same way, one behind the other within 2 m, at a walk."""
    for start, stop in _walks(s, _WALKING):
        follower = _one_behind(s, start, stop, 1.5)
        near = s.pelvis_distance[start:stop].max() < 2.0
        if follower is not None and near and stop - start > FPS and not _run(s, start, stop) and _on_foot(s):
            return found(1 - follower, None, 1, start, stop)
    return None


def walk_towards(s: Signals) -> Finding | None:
    """One walks 1.2 m or more up to the other, who stays, and stops within reach; that is all until they part, hands low."""
    hands = max(s.above_shoulder(person, side).max() for person in (0, 1) for side in (0, 1))
    near = runs(s.pelvis_distance < s.pelvis_distance.min() + 0.12, gap=15)
    if hands > -0.25 or not 0.5 < s.pelvis_distance.min() < 1.3 or len(near) > 1:
        return None
    start, stop = near[0]
    gone = np.linalg.norm(s.pelvis[start] - s.pelvis[0], axis=-1)
    actor = int(gone[1] > gone[0])
    parts = stop == s.frames or s.pelvis_distance[-1] > 1.5
    upright = s.pelvis_height[start : (start + stop) // 2 + 1].min() > 0.62
    looks = upright and s.facing_other[(start + stop) // 2].min() > 0.7
    if (
        gone[actor] > 1.2
        and gone[1 - actor] < 0.35
        and looks
        and parts
        and stop - start < 6 * FPS
        and clear(s, start, stop, 0.1)
    ):
        return found(actor, None, 1, int(np.argmax(np.linalg.norm(s.pelvis - s.pelvis[0], axis=-1)[:, actor] > 0.15)), start)
    return None


def look_back(s: Signals) -> Finding | None:
    """One walks away from the other, who stays, and turns the head back over a shoulder by 60° or more against the pelvis."""
    for actor in (0, 1):
        turned = s.head_turn[:, actor]
        for start, stop in runs((np.abs(turned) > 60.0) & (s.facing_other[:, actor] < -0.3), 4):
            gone, stayed = (np.linalg.norm(s.pelvis[start, person] - s.pelvis[0, person]) for person in (actor, 1 - actor))
            if gone > 0.5 and stayed < 0.4 and s.pelvis_distance[start] > s.pelvis_distance[0] + 0.4:
                return found(actor, int(turned[start:stop].mean() < 0), 1, start, stop)
    return None


def _walks(s: Signals, speed: float) -> list[tuple[int, int]]:
    """(start, stop) of each time that both go faster than `speed` m/s, in order of their length."""
    moving = np.linalg.norm(s.pelvis_velocity, axis=-1).min(axis=1) > speed
    return sorted(runs(moving, gap=6), key=lambda span: span[0] - span[1])


def _one_behind(s: Signals, start: int, stop: int, share: float) -> int | None:
    """Who goes behind the other, facing the other's back: `share` times further behind than aside."""
    path = s.pelvis[stop - 1] - s.pelvis[start]
    length = np.linalg.norm(path, axis=-1)
    ahead, beside = _ahead_and_beside(s, start, stop)
    behind = int(ahead > 0)
    facing = np.median(s.facing_other[start:stop], axis=0)
    same = length.min() > 0.8 and path[0] @ path[1] > 0.7 * length[0] * length[1]
    in_line = abs(ahead) > share * beside and facing[behind] > 0.7 and facing[1 - behind] < -0.5
    return behind if same and in_line else None


def _run(s: Signals, start: int, stop: int) -> bool:
    """Whether both run: hardly ever are both feet of a person on the ground at once while they go at full speed."""
    feet = np.stack([s.joint(person, f"{side}_foot") for person in (0, 1) for side in SIDES], axis=1)
    speed = np.linalg.norm(velocity(feet)[start:stop][..., [0, 2]], axis=-1).reshape(-1, 2, 2)
    own = np.linalg.norm(s.pelvis_velocity[start:stop], axis=-1)
    fast = own.min(axis=1) > 0.6 * np.percentile(own, 80)
    return bool((speed.max(axis=-1) < 0.4 * own)[fast].mean(axis=0).max() < 0.1)


def _on_foot(s: Signals) -> bool:
    """Whether nobody is carried: each has a foot low all the time."""
    feet = np.array([[s.joint(person, f"{side}_foot")[:, 1] for side in SIDES] for person in (0, 1)])
    return float(feet.min(axis=1).max()) < 0.25


def _ahead_and_beside(s: Signals, start: int, stop: int) -> tuple[float, float]:
    """Metres that a is ahead of b along their common way (negative: behind), and that they are beside each other."""
    way = np.sum(s.pelvis_velocity[start:stop], axis=1)
    way /= np.maximum(np.linalg.norm(way, axis=-1, keepdims=True), 1e-6)
    offset = (s.pelvis[:, 0] - s.pelvis[:, 1])[start:stop]
    ahead = np.sum(offset * way, axis=-1)
    beside = offset[:, 0] * way[:, 1] - offset[:, 1] * way[:, 0]
    return float(np.median(ahead)), float(np.median(np.abs(beside)))


def _who_starts(s: Signals) -> int:
    travelled = np.linalg.norm(s.pelvis - s.pelvis[:1], axis=-1)
    first = [int(np.argmax(travelled[:, person] > 0.15)) for person in (0, 1)]
    return int(first[1] < first[0])
