"""One strikes at the other: punch and dodge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vimotion.choreography.curves import strike
from vimotion.choreography.gait import LEFT, RIGHT
from vimotion.choreography.parameters import SceneParameters
from vimotion.choreography.performer import Performer, at_head
from vimotion.choreography.scene import Scene
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import SIDES, Goal, Held, Vector, View, hand_rotation
from vimotion.motion import JOINT


@dataclass(frozen=True)
class WhereItWas:
    """The place where a joint of a person was at `second` (script): a blow goes there, though the joint has left it."""

    person: int
    joint: str
    second: float
    elbow: Vector = (0.7, -0.7, -0.3)

    def __call__(self, view: View, person: int, side: str) -> Goal:
        frame = int(np.argmin(np.abs(view.times - self.second)))
        place = np.repeat(view.positions[frame, self.person, JOINT[self.joint]][None], len(view.times), axis=0)
        axes = view.axes(person, side)
        # a fist, knuckles ahead and back of the hand up
        rotation = hand_rotation(axes[..., 2], -axes[..., 1], side)
        return Goal(place, rotation, (axes @ np.array(self.elbow)[:, None])[..., 0])


def punch_dodge(parameters: SceneParameters) -> Scene:
    """The actor steps in and punches at the other's head `count` times; the other ducks away under each blow."""
    stage = Stage(parameters, gap=1.08)
    actor, other, side, size, effort = stage.actor, stage.other, stage.side, stage.manner.size, stage.manner.effort
    begin = stage.approach() + 0.15
    leading = LEFT if side == "right" else RIGHT
    guard = begin + 0.5 * effort
    for hand in SIDES:
        actor.reach(hand, guard, _guard(size), 0.45)
        other.reach(hand, guard + 0.25, _guard(size, low=0.12), 0.5)
    actor.feet.lunge(leading, begin + 0.1, 0.2, ahead=0.2, duration=0.5)
    turn = 0.32 * size**0.5 * (1.0 if side == "right" else -1.0)
    period = 1.0 + 0.1 * effort
    hits = [max(guard, begin + 0.6) + 0.42 + number * period for number in range(parameters.count)]
    for hit in hits:
        draw, reach = hit - 0.38 * effort, 0.38
        actor.reach(
            side,
            draw,
            Held((0.12, -0.24, 0.34 - 0.08 * size), (0.0, 0.1, 1.0), (-0.7, -0.6, 0.0), elbow=(0.5, -0.6, -0.7)),
            0.34,
        )
        actor.reach(side, hit, WhereItWas(other.index, "head", hit - 0.45), reach, profile=strike)
        actor.reach(side, hit + 0.5 * effort + 0.1, _guard(size), 0.4)
        actor.key("twist", (draw - 0.2, 0.0), (draw, -0.6 * turn), (hit, turn), (hit + 0.5, 0.0))
        actor.pulse("pitch", 0.1 * size, draw, hit, hit + 0.55)
        _duck(stage, other, hit, 1.0 if side == "right" else -1.0)
        stage.label("punch", draw, hit, actor, f"{side}_palm")
        stage.label("duck", hit - 0.3, hit + 0.45, other, "head")
    leave = hits[-1] + 0.65
    for person in stage.people:
        for hand in SIDES:
            person.release(hand, leave + 0.1 * person.index, 0.6)
        person.look(leave, at_head(1 - person.index))
    actor.feet.step(leave, forward=-0.15, duration=0.8)
    other.feet.step(leave + 0.05, forward=-0.12, duration=0.8)
    return stage.finish(leave + 1.15)


def _guard(size: float, low: float = 0.0) -> Held:
    """A fist before the own chin."""
    return Held((-0.12, 0.02 - low + 0.04 * size, 0.42), (-0.15, 0.9, 0.35), (-0.8, 0.0, -0.4), elbow=(0.35, -1.0, 0.0))


def _duck(stage: Stage, person: Performer, hit: float, left: float) -> None:
    """Knees and trunk go down and aside, out of the way of a blow that lands at `hit`, and come up again."""
    size = stage.manner.size
    start, low, end = hit - 0.34, hit - 0.02, hit + 0.62
    deep = 0.7 + 0.3 * size
    for channel, value in (("up", -0.24), ("hinge", 0.14), ("pitch", 0.20), ("roll", 0.42 * left), ("side", 0.07 * left),
                           ("forward", -0.13), ("nod", 0.12)):  # fmt: skip
        person.key(channel, (start, 0.0), (low, value * deep), (hit + 0.12, value * deep), (end, 0.0))
