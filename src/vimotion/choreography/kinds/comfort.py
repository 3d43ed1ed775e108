"""The other hangs the head; the actor, beside, lays an arm round the other's back and strokes it."""

from vimotion.choreography.gestures import lay_hand, opposite, stroke
from vimotion.choreography.kind import Arrangement, Kind, Postures
from vimotion.choreography.performer import ahead, at_head
from vimotion.choreography.stage import Stage

WORDS = """
@do
~comfort {B.obj}[ with an arm round {B.his} back]
~put {A.his} {side} arm round {B's} back to comfort {B.him}
~stroke {B's} back[ with the {side} hand]
~console {B.obj} with the {side} hand on {B.his} back
@answer
~hang {B.his} head
~let {B.his} head hang
@noun
comforting arm round the back
comforting gesture
@limb
arm
@seen
~be (comforted|consoled) by {A.obj}
"""
_BEHIND = (0.05, 0.0, -0.2)  # the arm goes round the back


def play(stage: Stage, begin: float) -> float:
    actor, other, side = stage.actor, stage.other, stage.side
    free = opposite(side)
    touch = begin + 0.2 + 0.75 * actor.manner.effort
    leave = touch + float(stage.random("comfort").uniform(1.6, 2.2))
    stroke(stage, actor, side, "upper_back", touch, leave, 3, fingers=(-0.7, 0.5, 0.3), elbow=(0.3, -0.4, -1.0), arc=_BEHIND)
    lay_hand(stage, actor, free, f"{free}_shoulder_front", touch + 0.2, leave, fingers=(-0.4, 0.4, 0.8), elbow=(0.8, -0.7, 0.5))
    other.hold(begin - 0.4, begin + 0.5, leave, leave + 0.9, nod=0.34, chest=0.14, pitch=0.14, shrug=0.08)
    other.look(begin - 0.5, ahead(2.0), 0.5)
    other.look(leave, stage.eyes(other), 0.6)
    actor.look(begin, at_head(other.index), 0.3)
    actor.hold(touch - 0.3, touch + 0.3, leave, leave + 0.5, tilt=-0.12 * stage.sign)
    stage.label("comfort", touch, leave, actor, f"{side}_palm")
    return leave + 0.7 * actor.manner.effort + 0.5


_POSTURES: Postures = (("stand", "stand"), ("chair", "chair"))
KIND = Kind("comfort", play, Arrangement(-0.1, 0.56, -0.35, handed=True), WORDS, "care", postures=_POSTURES)
