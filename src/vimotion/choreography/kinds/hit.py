"""The actor strikes the other's upper arm with the hand, `count` times; the other gives way each time."""

from vimotion.choreography.curves import strike
from vimotion.choreography.gestures import opposite
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import at_joint
from vimotion.choreography.reactions import flinch
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import Held, OnBody

WORDS = """
@do
(~hit|~strike) {B.obj} on the upper arm[ with the {side} hand]
(~hit|~strike) {B's} arm with {A.his} {side} hand
~swing {A.his} {side} hand and ~hit {B.obj} on the arm
~hit {B.obj}
@answer
~flinch
~give way
@noun
(blow|hit) on the arm
@units
(blows|hits)
@limb
hand
@seen
~be (hit|struck) on the arm by {A.obj}
"""


def play(stage: Stage, begin: float) -> float:
    actor, other, side, size, effort = stage.actor, stage.other, stage.side, stage.actor.manner.size, stage.actor.manner.effort
    place = f"{opposite(side)}_upper_arm"
    raised = begin + 0.15 + 0.5 * effort
    period = 0.62 + 0.25 * effort
    back = Held((0.55, 0.05 + 0.06 * size, 0.40), (0.3, 0.9, 0.2), (-0.6, 0.0, 0.8), elbow=(0.9, -0.5, -0.4))
    hits = [raised + 0.32 + number * period for number in range(stage.count)]
    actor.look(begin, at_joint(other.index, "spine3"), 0.3)
    for hit in hits:
        actor.reach(side, hit - 0.28, back, 0.4)
        blow = OnBody(other.index, place, fingers=(0.0, 0.3, 1.0), elbow=(0.8, -0.4, -0.2))
        actor.reach(side, hit, blow, 0.28, profile=strike, exact=True)
        actor.key(
            "twist", (hit - 0.4, 0.0), (hit - 0.2, -0.15 * size * stage.sign), (hit, 0.2 * size * stage.sign), (hit + 0.5, 0.0)
        )
        flinch(other, hit, size, -stage.sign)
        stage.label_contact(hit, hit + 0.08, actor, f"{side}_palm", place)
        stage.label("hit", hit - 0.28, hit + 0.08, actor, f"{side}_palm")
    leave = hits[-1] + 0.08
    actor.release(side, leave, 0.6)
    hurt = OnBody(other.index, f"{opposite(side)}_shoulder_front", fingers=(-0.8, 0.4, 0.3), elbow=(0.6, -0.8, 0.8))
    other.reach(side, leave + 0.6, hurt, 0.5)
    other.release(side, leave + 1.0, 0.6)
    actor.look(leave + 0.2, stage.eyes(actor))
    return leave + 1.0 + 0.6 * other.manner.effort + 0.2


KIND = Kind("hit", play, Arrangement(0.74), WORDS, "conflict", counts=(1, 2))
