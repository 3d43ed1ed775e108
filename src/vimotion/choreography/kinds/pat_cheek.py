"""The actor pats the other's cheek `count` times; the other lowers the head a little."""

from vimotion.choreography.gestures import opposite, pats
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import at_head
from vimotion.choreography.stage import Stage

WORDS = """
@do
~pat {B's} cheek[ with the {side} hand]
~pat {B.obj} on the cheek[ with the {side} hand]
~put {A.his} {side} hand to {B's} cheek and ~pat it
@answer
~lower {B.his} head[ a little]
@noun
pat on the cheek
@units
pats on the cheek
@limb
hand
@seen
~be patted on the cheek by {A.obj}
"""


def play(stage: Stage, begin: float) -> float:
    actor, other, side = stage.actor, stage.other, stage.side
    touch = begin + 0.2 + 0.75 * actor.manner.effort
    touches = pats(stage, actor, side, f"{opposite(side)}_cheek", touch, "pat", period=0.38, height=0.07,
                   fingers=(0.1, 0.85, 0.4), elbow=(0.7, -0.9, 0.0))  # fmt: skip
    leave = touches[-1] + 0.12
    actor.look(begin, at_head(other.index), 0.3)
    actor.pulse("pitch", 0.06, touch - 0.5, touch, leave + 0.5)
    for start in touches:
        other.pulse("tilt", -0.05 * stage.sign * actor.manner.size, start - 0.02, start + 0.1, start + 0.35)
    other.key("nod", (touch - 0.2, 0.0), (touch + 0.3, 0.14), (leave, 0.14), (leave + 0.6, 0.0))
    return leave + 0.65 * actor.manner.effort + 0.3


KIND = Kind("pat_cheek", play, Arrangement(0.60), WORDS, "affection", counts=(2, 3, 4))
