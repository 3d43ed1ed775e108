"""The actor, beside and a little behind, pats the other's back `count` times; the other turns to look, and nods."""

from vimotion.choreography.gestures import opposite, pats
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import ahead, at_head
from vimotion.choreography.stage import Stage

WORDS = """
@do
~pat {B.obj} on the back[ with the {side} hand]
~pat {B's} back[ with the {side} hand]
~put {A.his} {side} hand on {B's} back and ~pat it
@answer
~turn {B.his} head to look
~look round
@noun
pat on the back
@units
pats on the back
@limb
hand
@seen
~be patted on the back by {A.obj}
"""


def play(stage: Stage, begin: float) -> float:
    actor, other, side, size, effort = stage.actor, stage.other, stage.side, stage.actor.manner.size, stage.actor.manner.effort
    touch = begin + 0.2 + 0.6 * effort
    place = f"{opposite(side)}_upper_back"
    touches = pats(stage, actor, side, place, touch, "pat", height=0.115, fingers=(0.8, 0.45, 0.2), elbow=(0.5, -0.7, -0.5))
    leave = touches[-1] + 0.12
    actor.look(begin - 0.2, at_head(other.index), 0.4)
    for start in touches:
        other.pulse("pitch", 0.045 * size, start - 0.02, start + 0.12, start + 0.38)
    other.look(begin - 1.2, ahead(0.5), 0.2)
    other.look(touch + 0.25 + other.manner.lag, at_head(actor.index), 0.45)
    other.hold(touch + 0.2, touch + 0.8, leave + 0.3, leave + 1.1, twist=0.45 * stage.sign, turn=0.3 * stage.sign)
    other.pulse("nod", 0.16, leave, leave + 0.3, leave + 0.7)
    return leave + 0.75 * effort + 0.5


KIND = Kind("pat_back", play, Arrangement(-0.16, 0.5, -0.5, handed=True), WORDS, "praise", counts=(2, 3, 4))
