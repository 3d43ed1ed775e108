"""Who touches what: palms and bodies against places of the other's body, as distances over time and as touches.

Places are the names of the human's skin (`SURFACE`: "crown", "left_cheek", …) and limbs ("left_forearm", …). A name without
its side ("cheek", "forearm") means whichever of the two is nearer.
"""

from __future__ import annotations

import numpy as np

from vimotion.evaluation.signals import LEFT, RIGHT, SIDES, Signals, extremes, runs, to_segment
from vimotion.motion import FPS, SURFACE, surface_point

# Centre of a palm to a place that it lies on: 2 cm, and what a codec loses of both.
ON_SKIN = 0.13
# … and to the axis of a limb, whose flesh lies between.
ON_ARM, ON_LEG = 0.13, 0.2
HANDS = tuple((person, side) for person in (0, 1) for side in (LEFT, RIGHT))

# From joint, to joint, and the part of the way that counts: a hand that is shaken is not on the forearm.
_LIMBS = {
    "forearm": ("elbow", "wrist", 0.0, 0.75), "upper_arm": ("shoulder", "elbow", 0.3, 1.0),
    "thigh": ("hip", "knee", 0.0, 1.0), "shin": ("knee", "ankle", 0.0, 1.0),
}  # fmt: skip


def seconds(time: float) -> int:
    """Frames of so many seconds."""
    return round(time * FPS)


def gap(s: Signals, points: np.ndarray, person: int, name: str) -> np.ndarray:
    """(T,) metres from points (T, 3) to a place or the axis of a limb of a person."""
    if name not in SURFACE and not name.startswith(SIDES):
        return np.minimum(*(gap(s, points, person, f"{side}_{name}") for side in SIDES))
    side, _, part = name.partition("_")
    if part in _LIMBS and side in SIDES:
        start, end, first, last = _LIMBS[part]
        near, far = s.joint(person, f"{side}_{start}"), s.joint(person, f"{side}_{end}")
        return to_segment(points, near + first * (far - near), near + last * (far - near))
    return np.linalg.norm(points - surface_point(s.interaction, person, name), axis=-1)


def hand_to(s: Signals, person: int, side: int, name: str, own: bool = False) -> np.ndarray:
    """(T,) metres from a palm to a place of the other's body, or of the own one."""
    key = person, side, name, own
    if key not in s.hands_to:
        s.hands_to[key] = gap(s, s.palms[:, person, side], person if own else 1 - person, name)
    return s.hands_to[key]


def touches(distance: np.ndarray, within: float, lift: float, pause: float = 1.2) -> list[int]:
    """Frames in which separate touches begin: a (T,) distance comes below `within`, and rises by `lift` metres between two.

    Of several rows of touches with more than `pause` seconds between them the longest one.
    """
    rows: list[list[int]] = [[]]
    lows, highs = extremes(distance, lift)
    for low in lows:
        if distance[low] < within:
            away = max((high for high in highs if high < low), default=0)
            arrived = distance[away : low + 1] <= distance[low] + lift  # where it may rest, and slip closer
            begin = away + int(np.argmax(arrived))
            if rows[-1] and begin - rows[-1][-1] > seconds(pause):
                rows.append([])
            rows[-1].append(begin)
    return max(rows, key=len)


def blows(distance: np.ndarray, within: float, speed: float = 1.2, longest: float = 0.9) -> list[tuple[int, int]]:
    """(start, stop) of each touch to which a (T,) distance closes fast, `speed` m/s, for at most `longest` seconds."""
    closing = -np.gradient(distance) * FPS
    return [
        (start, stop)
        for start, stop in runs(distance < within, gap=1)
        if stop - start <= seconds(longest) and closing[max(start - 7, 0) : start + 2].max() > speed
    ]


def all_runs(*masks: np.ndarray, shortest: float) -> list[tuple[int, int]]:
    """(start, stop) where all masks hold, for at least `shortest` seconds."""
    return runs(np.all(masks, axis=0), seconds(shortest))


def along(s: Signals, person: int, start: int, stop: int, way: np.ndarray) -> float:
    """Metres that a pelvis goes along a horizontal direction (2,) from frame `start` to `stop`."""
    moved = s.pelvis[min(stop, s.frames - 1), person] - s.pelvis[start, person]
    return float(moved @ way / max(np.linalg.norm(way), 1e-6))


def idle(s: Signals, person: int, side: int, within: float = 0.115) -> np.ndarray:
    """(T,): whether a hand hangs down, or rests on the own leg, `within` metres of its axis."""
    resting = np.minimum(*(hand_to(s, person, side, limb, own=True) for limb in ("thigh", "shin"))) < within
    return resting | (s.above_shoulder(person, side) < -0.3)


def on_ground(s: Signals, person: int) -> np.ndarray:
    """(T,): whether a foot stands on the ground."""
    lowest: np.ndarray = np.minimum(*(s.joint(person, f"{side}_foot")[:, 1] for side in SIDES))
    return lowest < 0.15


def clear(s: Signals, start: int, stop: int, room: float = 0.2) -> bool:
    """Whether no palm is within `room` metres of the other's arms, trunk or head."""
    span = slice(max(start, 0), stop)
    for person, side in HANDS:
        near = [s.to_torso(person, side), hand_to(s, person, side, "forearm"), hand_to(s, person, side, "upper_arm")]
        near.append(np.linalg.norm(s.palms[:, person, side] - s.joint(1 - person, "head"), axis=-1) - 0.1)
        near.append(s.palm_gap[:, side].min(axis=-1) if person == 0 else s.palm_gap[:, :, side].min(axis=-1))
        if min(distance[span].min() for distance in near) < room:
            return False
    return True
