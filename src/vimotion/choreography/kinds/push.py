"""The actor steps in and shoves the other's chest with both hands, `count` times; the other staggers back."""

from vimotion.choreography.curves import strike
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import at_joint
from vimotion.choreography.reactions import stagger
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import SIDES, Held, OnBody

WORDS = """
@do
(~push|~shove) {B.obj}[ with both hands]
~push {B.obj} (back|away)
~put both hands on {B.obj} and ~push {B.him}
~stretch out both arms and ~push {B.obj}
@answer
~step back
(~stagger|~move) (back|backwards)
~have to step back
~take a step back
@noun
(push|shove)
@units
pushes
@seen
~be (pushed|shoved) by {A.obj}
~be pushed (back|away) by {A.obj}
"""
_TOUCH = 0.26  # seconds that the hands stay on the chest


def play(stage: Stage, begin: float) -> float:
    actor, other = stage.actor, stage.other
    begin += 0.2
    foot = actor.habits.first_foot
    actor.look(begin - 0.1, at_joint(other.index, "spine3"), 0.3)
    for number in range(stage.count):
        near = stage.distance() - 0.6 * stage.size
        stepped = actor.feet.lunge(foot, begin, near, ahead=0.2, duration=0.42 + 0.3 * near)
        _shove(stage, stepped + 0.02, last=number == stage.count - 1)
        stagger(other, stepped + 0.09, actor.manner.size)
        foot = 1 - foot
        begin = stepped + _TOUCH + 0.47
    leave = stepped + 0.02 + _TOUCH
    actor.look(leave + 0.1, stage.eyes(actor))
    actor.feet.step(leave + 0.15, forward=-0.06, duration=0.8)
    return max(leave + 1.0, other.feet.free + 0.35)


def _shove(stage: Stage, touch: float, last: bool) -> None:
    """Both hands draw back to the own chest, strike the other's, press, and let go."""
    actor, size = stage.actor, stage.actor.manner.size
    for side, opposite in (SIDES, SIDES[::-1]):
        drawn = Held((-0.12, -0.28, 0.44 - 0.08 * size), (0.1, 1.0, 0.3), (0.0, 0.1, 1.0), elbow=(0.9, -0.7, -0.4))
        chest = OnBody(stage.other.index, f"{opposite}_chest", fingers=(0.15, 1.0, 0.4), elbow=(0.8, -0.8, -0.2))
        actor.reach(side, touch - 0.3 * actor.manner.effort, drawn, 0.4)
        actor.reach(side, touch, chest, 0.3, profile=strike)
        if last:
            actor.release(side, touch + _TOUCH, 0.6)
        stage.label_contact(touch, touch + _TOUCH, actor, f"{side}_palm", f"{opposite}_chest")
    actor.key("pitch", (touch - 0.45, 0.0), (touch - 0.2, -0.05 * size), (touch + 0.12, 0.16 * size), (touch + 0.8, 0.0))
    actor.pulse("forward", 0.05, touch - 0.1, touch + _TOUCH, touch + 0.9)
    actor.pulse("up", -0.025 * size, touch - 0.3, touch, touch + 0.7)
    stage.label("push", touch - 0.3, touch + _TOUCH, actor, "right_palm")


KIND = Kind("push", play, Arrangement(0.76), WORDS, "conflict", sided=False, counts=(1, 2))
