"""One moves the other by force: push."""

from __future__ import annotations

from vimotion.choreography.curves import strike
from vimotion.choreography.parameters import SceneParameters
from vimotion.choreography.performer import Performer, at_head, at_joint
from vimotion.choreography.scene import Scene
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import SIDES, Held, OnBody

_TOUCH = 0.26  # seconds that the hands stay on the chest


def push(parameters: SceneParameters) -> Scene:
    """The actor steps in and shoves the other's chest with both hands, `count` times; the other staggers back."""
    stage = Stage(parameters, gap=0.76)
    actor, other = stage.actor, stage.other
    begin = stage.approach() + 0.2
    foot = actor.habits.first_foot
    actor.look(begin - 0.1, at_joint(other.index, "spine3"), 0.3)
    for number in range(parameters.count):
        near = stage.distance() - 0.6 * stage.size
        stepped = actor.feet.lunge(foot, begin, near, ahead=0.2, duration=0.42 + 0.3 * near)
        _shove(stage, stepped + 0.02, last=number == parameters.count - 1)
        _stagger(stage, other, stepped + 0.09)
        foot = 1 - foot
        begin = stepped + _TOUCH + 0.47
    touch = stepped + 0.02
    leave = touch + _TOUCH
    actor.look(leave + 0.1, at_head(other.index))
    actor.feet.step(leave + 0.15, forward=-0.06, duration=0.8)
    return stage.finish(max(leave + 1.0, other.feet.moves[-1].end + 0.35))


def _shove(stage: Stage, touch: float, last: bool) -> None:
    """Both hands draw back to the own chest, strike the other's, press, and let go."""
    actor, size = stage.actor, stage.manner.size
    for side in SIDES:
        opposite = "right" if side == "left" else "left"
        drawn = Held((-0.12, -0.28, 0.44 - 0.08 * size), (0.1, 1.0, 0.3), (0.0, 0.1, 1.0), elbow=(0.9, -0.7, -0.4))
        chest = OnBody(stage.other.index, f"{opposite}_chest", fingers=(0.15, 1.0, 0.4), elbow=(0.8, -0.8, -0.2))
        actor.reach(side, touch - 0.3 * stage.manner.effort, drawn, 0.4)
        actor.reach(side, touch, chest, 0.3, profile=strike)
        if last:
            actor.release(side, touch + _TOUCH, 0.6)
        stage.label_contact(touch, touch + _TOUCH, actor, f"{side}_palm", "spine3")
    actor.key("pitch", (touch - 0.45, 0.0), (touch - 0.2, -0.05 * size), (touch + 0.12, 0.16 * size), (touch + 0.8, 0.0))
    actor.pulse("forward", 0.05, touch - 0.1, touch + _TOUCH, touch + 0.9)
    actor.pulse("up", -0.025 * size, touch - 0.3, touch, touch + 0.7)
    stage.label("push", touch - 0.3, touch + _TOUCH, actor, "right_palm")


def _stagger(stage: Stage, other: Performer, hit: float) -> None:
    """The chest gives way, the feet follow, the arms go up for balance."""
    size = stage.manner.size
    other.key("pitch", (hit - 0.04, 0.0), (hit + 0.16, -0.2 * size), (hit + 0.5, 0.12 * size), (hit + 1.1, 0.0))
    other.key("nod", (hit - 0.02, 0.0), (hit + 0.1, 0.22 * size), (hit + 0.4, -0.05), (hit + 0.9, 0.0))
    other.key("up", (hit, 0.0), (hit + 0.35, -0.03 * size), (hit + 1.0, 0.0))
    other.feet.step(hit, forward=-0.34 * size, duration=0.66)
    for side in SIDES:
        flung = Held((0.25 + 0.1 * size, -0.62 + 0.15 * size, 0.35 + 0.1 * size), pronation=0.9)
        other.reach(side, hit + 0.34, flung, 0.3, exact=True)
        other.release(side, hit + 0.55, 0.6)
