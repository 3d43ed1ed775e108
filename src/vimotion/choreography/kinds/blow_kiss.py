"""The actor brings a hand to the own mouth and throws a kiss to the other, who leans back and lays a hand on the chest."""

from vimotion.choreography.gestures import opposite
from vimotion.choreography.kind import Arrangement, Kind, Postures
from vimotion.choreography.performer import at_head
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import Held, OnBody

WORDS = """
@do
~blow {B.obj} a kiss[ with the {side} hand]
~blow a kiss to {B.obj}
~kiss {A.his} {side} hand and ~blow the kiss to {B.obj}
~throw {B.obj} a kiss[ with the {side} hand]
@answer
~lay a hand on {B.his} chest
~lean back and ~lay a hand on {B.his} chest
@noun
blown kiss
flying kiss
@limb
hand
@seen
~be blown a kiss by {A.obj}
"""


def play(stage: Stage, begin: float) -> float:
    actor, other, side, size = stage.actor, stage.other, stage.side, stage.actor.manner.size
    mouth = begin + 0.2 + 0.6 * actor.manner.effort
    thrown = mouth + 0.4 + 0.32 * actor.manner.effort
    leave = thrown + 0.4
    actor.reach(side, mouth, OnBody(actor.index, "mouth", fingers=(-0.3, 0.95, 0.0), elbow=(0.7, -0.9, 0.2)), 0.6)
    out = Held((0.12, 0.06 + 0.05 * size, 0.85), (0.1, 0.3, 1.0), (-0.2, 1.0, -0.1), elbow=(0.6, -0.8, 0.0))
    actor.reach(side, thrown, out, 0.38)
    actor.rest_hand(side, leave, 0.7)
    actor.pulse("nod", 0.10, mouth - 0.2, mouth + 0.1, thrown)
    actor.pulse("pitch", 0.09 * size, mouth, thrown, leave + 0.5)
    actor.look(begin, at_head(other.index), 0.2)
    hand, felt = opposite(side), thrown + 0.55 + other.manner.lag
    other.reach(hand, felt, OnBody(other.index, "chest", fingers=(-0.8, 0.4, 0.1), elbow=(0.9, -0.5, 0.2)), 0.5)
    other.rest_hand(hand, felt + 0.6, 0.65)
    other.key("pitch", (thrown, 0.0), (felt, -0.07), (felt + 0.5, -0.05), (felt + 1.1, 0.0))
    other.pulse("tilt", 0.12, felt - 0.2, felt + 0.2, felt + 0.9)
    stage.label("kiss", mouth, thrown, actor, f"{side}_palm")
    return felt + 0.6 + 0.65 * other.manner.effort + 0.2


_POSTURES: Postures = (("stand", "stand"), ("stand", "chair"), ("chair", "chair"))
KIND = Kind("blow_kiss", play, Arrangement(1.5), WORDS, "affection", postures=_POSTURES)
