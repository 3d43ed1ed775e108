"""The actor steps in and shoves the other's chest with both hands, `count` times; the other staggers back."""

from vimotion.choreography.gestures import shove
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import at_joint
from vimotion.choreography.reactions import stagger
from vimotion.choreography.stage import Stage

WORDS = """
@do
(~push|~shove) {B.obj}(| with both hands)
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
    actor, other, size = stage.actor, stage.other, stage.actor.manner.size
    begin += 0.2
    foot = actor.habits.first_foot
    actor.look(begin - 0.1, at_joint(other.index, "spine3"), 0.3)
    for _ in range(stage.count):
        near = stage.distance() - 0.6 * stage.size
        touch = actor.feet.lunge(foot, begin, near, ahead=0.2, duration=0.42 + 0.3 * near) + 0.02
        leave = touch + _TOUCH
        shove(stage, touch, _TOUCH)
        actor.key("pitch", (touch - 0.45, 0.0), (touch - 0.2, -0.05 * size), (touch + 0.12, 0.16 * size), (touch + 0.8, 0.0))
        actor.pulse("forward", 0.05, touch - 0.1, leave, touch + 0.9)
        actor.pulse("up", -0.025 * size, touch - 0.3, touch, touch + 0.7)
        stagger(other, touch + 0.07, size)
        foot = 1 - foot
        begin = leave + 0.45
    actor.drop_hands(leave, 0.6)
    actor.look(leave + 0.1, stage.eyes(actor))
    actor.feet.step(leave + 0.15, forward=-0.06, duration=0.8)
    return max(leave + 1.0, other.feet.free + 0.35)


KIND = Kind("push", play, Arrangement(0.76), WORDS, "conflict", sided=False, counts=(1, 2))
