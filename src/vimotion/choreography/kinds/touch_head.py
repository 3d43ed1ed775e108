"""The actor lays a hand on the other's head and strokes it; the other lowers the head."""

from vimotion.choreography.gestures import stroke
from vimotion.choreography.kind import Arrangement, Kind, Postures
from vimotion.choreography.performer import ahead, at_head
from vimotion.choreography.stage import Stage

WORDS = """
@do
~touch {B's} head[ with the {side} hand]
~stroke {B's} head[ with the {side} hand]
~lay {A.his} {side} hand on {B's} head
~put a hand on {B's} head and ~stroke it
@answer
~lower {B.his} head
@noun
(touch|stroke) on the head
hand on the head
@limb
hand
@seen
~be (touched|stroked) on the head by {A.obj}
"""


def play(stage: Stage, begin: float) -> float:
    actor, other, side = stage.actor, stage.other, stage.side
    touch = begin + 0.2 + 0.8 * actor.manner.effort
    leave = touch + float(stage.random("touch_head").uniform(1.0, 1.5))
    stroke(stage, actor, side, "crown", touch, leave, 2, fingers=(-0.4, 0.2, 0.9), elbow=(0.9, -0.6, 0.0), arc=(0.0, 0.1, 0.0))
    actor.look(begin, at_head(other.index), 0.2)
    actor.pulse("up", 0.01, touch - 0.4, touch, leave + 0.4)
    other.key("nod", (touch - 0.3, 0.0), (touch + 0.2, 0.26), (leave, 0.22), (leave + 0.6, 0.0))
    other.key("chest", (touch - 0.2, 0.0), (touch + 0.3, 0.08), (leave, 0.06), (leave + 0.6, 0.0))
    other.key("up", (touch - 0.3, 0.0), (touch + 0.2, -0.03), (leave, -0.03), (leave + 0.6, 0.0))
    other.look(touch - 0.2, ahead(1.2), 0.4)
    other.look(leave + 0.1, stage.eyes(other), 0.4)
    stage.label("touch", touch, leave, actor, f"{side}_palm")
    return leave + 0.7 * actor.manner.effort + 0.3


_POSTURES: Postures = (("stand", "stand"), ("stand", "chair"))
KIND = Kind("touch_head", play, Arrangement(0.62), WORDS, "affection", postures=_POSTURES)
