"""The actor takes the other's forearm and goes backwards; the other is pulled along."""

from vimotion.choreography.gestures import hold_out, lay_hand, opposite
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import ahead
from vimotion.choreography.stage import Stage

WORDS = """
@do
~pull {B.obj} along[ by the forearm]
~take {B's} forearm with {A.his} {side} hand and ~pull {B.him} along
~pull {B's} arm[ with the {side} hand]
~drag {B.obj} along by the arm[ with {A.his} {side} hand]
@answer
(~follow|~come along)
~walk along
@noun
pull on the arm
@limb
hand
@seen
~be pulled along by {A.obj}
"""


def play(stage: Stage, begin: float) -> float:
    actor, other, side, size = stage.actor, stage.other, stage.side, stage.actor.manner.size
    near = opposite(side)
    touch = begin + 0.2 + 0.5 * actor.manner.effort
    hold_out(near, other, touch, (-0.1, -0.36, 0.75))
    steps, way = 2, 0.26 + 0.08 * size
    start = touch + 0.35
    for _ in range(steps):
        actor.feet.step(max(start, actor.feet.free), forward=-way, duration=0.8)
        other.feet.step(max(start + 0.22, other.feet.free), forward=way, duration=0.82)
        start = actor.feet.free
    leave = other.feet.free
    lay_hand(stage, actor, side, f"{near}_forearm", touch, leave, fingers=(-0.6, -0.2, 0.8), duration=0.5)
    actor.key("pitch", (touch, 0.0), (touch + 0.5, -0.10 * size), (leave - 0.2, -0.06 * size), (leave + 0.5, 0.0))
    actor.key("up", (touch, 0.0), (touch + 0.5, -0.05 * size), (leave, -0.03), (leave + 0.5, 0.0))
    other.key("pitch", (touch + 0.3, 0.0), (touch + 0.6, 0.22 * size), (leave - 0.2, 0.16 * size), (leave + 0.6, 0.0))
    other.look(touch, ahead(down=1.6), 0.3)
    other.rest_hand(near, leave + 0.1, 0.6)
    for person in stage.people:
        person.look(leave, stage.eyes(person))
    stage.label("pull", touch + 0.3, leave, actor, f"{side}_palm")
    return leave + 0.65 * actor.manner.effort + 0.4


KIND = Kind("pull", play, Arrangement(0.86), WORDS, "company")
