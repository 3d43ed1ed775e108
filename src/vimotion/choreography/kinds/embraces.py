"""Arms and hands on the other's back: hug, pat on the back."""

from __future__ import annotations

import numpy as np

from vimotion.choreography.curves import bump
from vimotion.choreography.parameters import SceneParameters
from vimotion.choreography.performer import Performer, ahead, at_head
from vimotion.choreography.scene import Scene
from vimotion.choreography.stage import Spot, Stage
from vimotion.choreography.targets import Held, OnBody

_PAT = 0.42  # seconds from pat to pat
_PRESS = 0.12  # seconds that a patting hand stays on the back


def hug(parameters: SceneParameters) -> Scene:
    """The actor opens the arms, the other answers, they step together, hold each other and part."""
    stage = Stage(parameters, gap=0.82)
    random, side, size, effort = stage.random("hug"), stage.side, stage.manner.size, stage.manner.effort
    under = "left" if side == "right" else "right"
    late = float(random.uniform(0.3, 0.4))
    close = (0.82 - 0.36 + 0.03 * size) * stage.size / 2.0
    opened = stage.approach() + 0.15 + late + 0.45
    step = opened - 0.1
    joined = step + 0.84
    hold = float(random.uniform(0.9, 1.2))
    part = joined + 0.25 + hold
    away = 1.0 if side == "right" else -1.0  # heads go aside from the arm on top
    for person, wait in ((stage.actor, late), (stage.other, 0.0)):
        _open_arms(person, opened - wait, size)
        person.feet.step(step + 0.02 * person.index, forward=close, duration=0.84)
        back = (("left" if side == "right" else "right") + "_upper_back", "middle_back")
        embrace = joined + 0.22
        person.reach(side, embrace, OnBody(1 - person.index, back[0], (-0.6, 0.5, 0.3), elbow=(0.9, -0.1, 0.2)), 0.6)
        person.reach(under, embrace + 0.06, OnBody(1 - person.index, back[1], (-0.8, 0.3, 0.2), elbow=(0.9, -0.6, -0.1)), 0.62)
        for channel, value in (
            ("pitch", 0.10 + 0.05 * size),
            ("roll", 0.10 * away),
            ("side", 0.035 * away),
            ("tilt", 0.16 * away),
            ("nod", 0.12),
        ):
            person.key(channel, (joined - 0.45, 0.0), (embrace, value), (part, value), (part + 0.6, 0.0))
        _rock(person, embrace, part, size)
        person.look(joined - 0.5, ahead(down=0.5), 0.5)
        person.look(part + 0.2, at_head(1 - person.index), 0.5)
        person.release(side, part + 0.04, 0.75)
        person.release(under, part, 0.75)
        person.feet.step(part + 0.1, forward=-close, duration=0.9)
        for hand, start in ((side, embrace), (under, embrace + 0.06)):
            stage.label_contact(start, part, person, f"{hand}_palm", "spine3" if hand == side else "spine2")
    stage.label("hug", joined, part, stage.actor, f"{side}_palm")
    return stage.finish(part + max(1.0, 0.79 * effort) + 0.3)


def _open_arms(person: Performer, at: float, size: float) -> None:
    """Both arms go wide, palms to the front."""
    for hand in ("left", "right"):
        wide = Held((0.62, -0.28 + 0.1 * size, 0.42), (0.5, 0.2, 0.8), (-0.6, 0.2, 0.6), elbow=(0.8, -0.8, -0.2))
        person.reach(hand, at, wide, 0.5)


def _rock(person: Performer, start: float, end: float, size: float) -> None:
    """Two people who hold each other sway a little together."""
    middle = (start + end) / 2.0
    left = 0.03 * size if person.index == 0 else -0.03 * size
    person.key("roll", (start, 0.0), (start + 0.4, left), (middle + 0.1, -left), (end, 0.0))


def pat_back(parameters: SceneParameters) -> Scene:
    """The actor, beside and a little behind, pats the other's back `count` times; the other looks round and nods."""
    aside = 1.0 if parameters.side == "right" else -1.0  # the other stands at the actor's patting hand
    stage = _beside(parameters, aside)
    actor, other, side, size = stage.actor, stage.other, stage.side, stage.manner.size
    begin = 0.35
    if parameters.distance == "far":
        x, z, yaw = _place_beside(aside, stage.size)
        begin = actor.feet.walk(0.2, (x, z), yaw=yaw) - 0.1
    touch = begin + 0.2 + 0.6 * stage.manner.effort
    touches = [touch + number * _PAT for number in range(parameters.count)]

    def lift(times: np.ndarray) -> np.ndarray:
        height = np.zeros_like(times)
        for start in touches[:-1]:
            height += 0.115 * size * bump((times - start - _PRESS) / (_PAT - _PRESS)) ** 0.7
        return height

    near = "left" if side == "right" else "right"
    back = OnBody(other.index, f"{near}_upper_back", (0.8, 0.45, 0.2), elbow=(0.5, -0.7, -0.5), lift=lift)
    behind = Held((0.45, -0.25, 0.12 - 0.1 * size), (0.5, 0.3, 0.8), (0.2, 0.1, 1.0), elbow=(0.4, -0.6, -0.7))
    actor.look(begin - 0.2, at_head(other.index), 0.4)
    actor.reach(side, touch - 0.24 * stage.manner.effort, behind, 0.36)
    actor.reach(side, touch, back, 0.24)
    leave = touches[-1] + _PRESS
    actor.release(side, leave, 0.75)
    for start in touches:
        other.pulse("pitch", 0.045 * size, start - 0.02, start + 0.12, start + 0.38)
        stage.label_contact(start, start + _PRESS, actor, f"{side}_palm", "spine3")
        stage.label("pat", start - 0.12, start + _PRESS, actor, f"{side}_palm")
    other.look(-0.9, ahead(0.5), 0.2)
    other.look(touch + 0.25, at_head(actor.index), 0.45)
    other.pulse("nod", 0.16, leave, leave + 0.3, leave + 0.7)
    return stage.finish(leave + 0.75 * stage.manner.effort + 0.4)


def _place_beside(aside: float, size: float) -> tuple[float, float, float]:
    """Where the actor stands to pat a person at the origin who faces +Z: x, z and yaw."""
    return 0.5 * aside * size, -0.16 * size, -0.5 * aside


def _beside(parameters: SceneParameters, aside: float) -> Stage:
    layout = Stage(parameters, gap=1.0)
    random = layout.random("beside")
    x, z, yaw = _place_beside(aside, layout.size)
    if parameters.distance == "far":
        x, z, yaw = x + float(random.normal(0.5 * aside, 0.3)), -float(random.uniform(2.2, 3.0)), float(random.normal(0, 0.1))
    spots: list[Spot] = [((x, z), yaw), ((0.0, 0.0), float(random.normal(0.0, 0.05)))]
    return Stage(parameters, gap=1.0, spots=spots if parameters.actor == "a" else spots[::-1])
