"""The actor lays a hand over the other's mouth and holds it there; the other takes hold of the forearm and shakes the head."""

from vimotion.choreography.gestures import lay_hand, opposite
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import at_head
from vimotion.choreography.stage import Stage

WORDS = """
@do
~cover {B's} mouth[ with the {side} hand]
~put {A.his} {side} hand over {B's} mouth
~hold {B's} mouth shut[ with the {side} hand]
~lay a hand over {B's} mouth
@answer
~shake {B.his} head
~take hold of the arm and ~shake {B.his} head
@noun
hand over the mouth
@limb
hand
@seen
~have {B.his} mouth covered by {A.obj}
~be silenced by {A.obj} with a hand over the mouth
"""


def play(stage: Stage, begin: float) -> float:
    actor, other, side, size = stage.actor, stage.other, stage.side, stage.actor.manner.size
    touch = begin + 0.2 + 0.6 * actor.manner.effort
    leave = touch + float(stage.random("cover").uniform(1.2, 1.6))
    lay_hand(stage, actor, side, "mouth", touch, leave, fingers=(-0.7, 0.6, 0.2), elbow=(0.9, -0.5, 0.0), duration=0.55)
    lay_hand(stage, other, opposite(side), f"{side}_forearm", touch + 0.5, leave + 0.1, fingers=(0.2, 0.6, 0.7), duration=0.5)
    actor.pulse("pitch", 0.08 * size, touch - 0.5, touch, leave + 0.4)
    actor.look(begin, at_head(other.index), 0.2)
    other.key("pitch", (touch, 0.0), (touch + 0.3, -0.10 * size), (leave, -0.08 * size), (leave + 0.6, 0.0))
    for number, left in enumerate((0.14, -0.14, 0.12)):
        at = touch + 0.5 + 0.28 * number
        other.pulse("turn", left * size**0.3, at - 0.14, at, at + 0.2)
    stage.label("cover mouth", touch, leave, actor, f"{side}_palm")
    return leave + 0.65 * actor.manner.effort + 0.4


KIND = Kind("cover_mouth", play, Arrangement(0.60), WORDS, "teasing")
