"""Two people on foot whose ways meet: pass by, chase."""

from __future__ import annotations

from copy import deepcopy

import numpy as np

from vimotion.choreography.gait import RUN, Footwork, heading
from vimotion.choreography.parameters import SceneParameters
from vimotion.choreography.performer import ahead, at_head, at_joint
from vimotion.choreography.scene import Scene
from vimotion.choreography.stage import Spot, Stage


def pass_by(parameters: SceneParameters) -> Scene:
    """They walk towards each other, look, pass with the other on their `side`, and walk on; the actor sets off first."""
    layout = Stage(parameters, gap=1.0).random("pass_by")
    apart = float(layout.uniform(3.6, 4.4))
    spots: list[Spot] = [
        ((0.0, 0.0), float(layout.normal(0.0, 0.08))),
        ((0.0, apart), np.pi + float(layout.normal(0.0, 0.08))),
    ]
    stage = Stage(parameters, gap=1.0, spots=spots)
    room = float(layout.uniform(0.30, 0.38)) * (1.0 if parameters.side == "right" else -1.0)
    lag = float(layout.uniform(0.28, 0.4))
    beyond = float(layout.uniform(0.75, 0.9)) * apart
    ends = []
    for person, wait in ((stage.actor, 0.0), (stage.other, lag)):
        sign = 1.0 if person.index == 0 else -1.0
        origin = 0.0 if person.index == 0 else apart
        way = [(sign * room * aside, origin + sign * along) for aside, along in ((0.6, 0.3 * apart), (1.0, 0.52 * apart))]
        begin = 0.35 + wait
        end = person.feet.walk(
            begin, (sign * room * 0.7, origin + sign * beyond), via=way, speed=1.25 * stage.manner.size**0.25
        )
        ends.append(end)
        middle = (begin + end) / 2.0
        person.look(begin, ahead(0.3), 0.4)
        person.look(middle - 0.75, at_head(1 - person.index), 0.35)
        person.pulse("nod", 0.14 * stage.manner.size, middle - 0.6, middle - 0.35, middle)
        person.look(middle + 0.15, ahead(0.3), 0.4)
        stage.label("walk", begin, end, person)
    return stage.finish(max(ends) + 0.35)


def chase(parameters: SceneParameters) -> Scene:
    """The actor runs after the other, who looks round and runs away along a bend."""
    layout = Stage(parameters, gap=1.0).random("chase")
    far = parameters.distance == "far"
    gap = float(layout.uniform(2.2, 2.8)) if far else float(layout.uniform(1.4, 1.7))
    behind: Spot = ((0.0, 0.0), float(layout.normal(0.0, 0.1)))
    before: Spot = ((float(layout.normal(0.0, 0.1)), gap), float(layout.normal(0.0, 0.35)))
    stage = Stage(parameters, gap=gap, spots=[behind, before] if parameters.actor == "a" else [before, behind])
    actor, other = stage.actor, stage.other
    bend, way = float(layout.uniform(-0.7, 0.7)), float(layout.uniform(4.6, 5.8))
    speed = 2.6 * stage.manner.size**0.35
    start, lag = 0.35, 0.22
    corner = np.array([0.0, gap + 0.35 * way])
    forward, _ = heading(bend)
    goal = corner + 0.65 * way * forward
    other.look(-0.9, ahead(0.3), 0.2)
    other.look(start - 0.15, at_head(actor.index), 0.3)
    flee = start + lag
    away = other.feet.walk(flee, _point(goal), via=[_point(corner)], speed=speed, gait=RUN)
    caught = _point(goal - 0.85 * forward)
    keep = _speed_to_arrive(actor.feet, away + 0.12, start, caught, _point(corner), speed)
    reach = actor.feet.walk(start, caught, via=[_point(corner)], speed=keep, gait=RUN)
    other.look(flee + 0.25, ahead(0.3), 0.3)
    other.look(away - 0.35, at_head(actor.index), 0.4)
    actor.look(start - 0.25, at_joint(other.index, "spine3"), 0.3)
    for person, begin, end in ((actor, start, reach), (other, flee, away)):
        person.pulse("pitch", 0.10 * stage.manner.size, begin, begin + 0.4, end)
        stage.label("run", begin, end, person)
    return stage.finish(max(away, reach) + 0.4)


def _speed_to_arrive(
    feet: Footwork, arrive: float, start: float, to: tuple[float, float], via: tuple[float, float], speed: float
) -> float:
    """The speed near `speed` at which a run from `start` ends closest to `arrive`: a pursuer must not overtake."""
    speeds = speed * np.linspace(0.75, 1.35, 25)
    ends = [deepcopy(feet).walk(start, to, via=[via], speed=each, gait=RUN) for each in speeds]
    return float(speeds[int(np.argmin(np.abs(np.array(ends) - arrive)))])


def _point(place: np.ndarray) -> tuple[float, float]:
    return float(place[0]), float(place[1])
