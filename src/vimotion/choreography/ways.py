"""Ways that two people go: side by side along an arc, past each other, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

import numpy as np

from vimotion.choreography.gait import RUN, Footwork, Point, heading
from vimotion.choreography.performer import Performer
from vimotion.choreography.stage import Stage


def walk_abreast(stage: Stage, begin: float, bend: float, way: float, lag: float, speed: float = 1.3) -> tuple[float, float]:
    """Along an arc that turns by `bend` radians over `way` metres, `actor` first; when a and b stand again."""
    middle = (stage.actor.feet.pose[:2] + stage.other.feet.pose[:2]) / 2.0
    yaw = float(stage.other.feet.pose[2])
    pace = max(person.manner.gait for person in stage.people)
    ends = [0.0, 0.0]
    for person, wait in ((stage.actor, 0.0), (stage.other, lag)):
        # both at one pace, whatever their own would be; the late one catches up
        own = speed * (1.0 + 0.5 * wait * speed / way) * min(p.manner.gait for p in stage.people) / person.manner.gait
        ends[person.index] = _along_arc(person, begin + wait, middle, yaw, bend, way, min(own, 1.5 * pace))
    return ends[0], ends[1]


def _along_arc(
    person: Performer, start: float, middle: np.ndarray, yaw: float, bend: float, way: float, speed: float
) -> float:  # fmt: skip
    """Kept parallel to the partner's way; when the person stands again."""
    forward, left = heading(yaw)
    own = float((person.feet.pose[:2] - middle) @ left)
    along = float((person.feet.pose[:2] - middle) @ forward)
    points: list[Point] = []
    for share in (0.33, 0.67, 1.0):
        turn = bend * share
        # the common line, then sideways to the own track
        line = middle + way * share * (np.sin(turn / 2.0) * left + np.cos(turn / 2.0) * forward)
        ahead, aside = heading(yaw + turn)
        place = line + own * aside + along * ahead
        points.append((float(place[0]), float(place[1])))
    return person.feet.walk(start, points[-1], via=points[:-1], speed=speed, yaw=yaw + bend)


def walk_past(person: Performer, start: float, places: Sequence[np.ndarray], room: float, beyond: float, speed: float) -> float:
    """From the own one of both people's `places` past the other one; when the person stands again.

    Args:
        room: metres to the own left of the straight line between the places, half of what both pass each other at.
        beyond: how far to go, as a share of that line.
    """
    own, other = places[person.index], places[1 - person.index]
    line = other - own
    left = np.array([line[1], -line[0]]) / np.linalg.norm(line)
    *via, goal = (point(own + along * line + aside * room * left) for aside, along in ((0.7, 0.28), (1.0, 0.5), (1.0, beyond)))
    return person.feet.walk(start, goal, via=via, speed=speed)


def closest(people: Sequence[Performer], start: float, end: float) -> float:
    """When two people come closest on their ways between two times."""
    times = np.linspace(start, end, 500)
    first, second = (person.feet.root(times)[:, :2] for person in people)
    return float(times[np.argmin(np.linalg.norm(first - second, axis=-1))])


def speed_to_arrive(feet: Footwork, arrive: float, start: float, to: Point, via: Point, speed: float) -> float:
    """The speed near `speed` at which a run from `start` ends closest to `arrive`: a pursuer must not overtake."""
    speeds = speed * np.linspace(0.75, 1.35, 25)
    ends = [deepcopy(feet).walk(start, to, via=[via], speed=each, gait=RUN) for each in speeds]
    return float(speeds[int(np.argmin(np.abs(np.array(ends) - arrive)))])


def point(place: np.ndarray) -> Point:
    return float(place[0]), float(place[1])
