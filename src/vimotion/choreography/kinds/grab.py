"""The actor grabs the other's forearm and holds it; the other looks down at it and pulls the arm back."""

from vimotion.choreography.curves import strike
from vimotion.choreography.gestures import hold_out, lay_hand, opposite
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import at_joint
from vimotion.choreography.stage import Stage

WORDS = """
@do
(~grab|~seize) {B's} forearm[ with the {side} hand]
~take hold of {B's} forearm[ with the {side} hand]
~reach out with {A.his} {side} hand and ~grab {B.obj} by the forearm
~grab {B.obj} by the arm
@answer
~pull {B.his} arm back
~look down at it and ~pull away
@noun
grab at the forearm
grip on the arm
@limb
hand
@seen
~be (grabbed|seized|held) by the forearm by {A.obj}
"""


def play(stage: Stage, begin: float) -> float:
    actor, other, side, size = stage.actor, stage.other, stage.side, stage.actor.manner.size
    near = opposite(side)
    touch = begin + 0.2 + 0.5 * actor.manner.effort
    leave = touch + 1.0
    hold_out(near, other, touch - 0.1, (-0.05, -0.45, 0.58))
    lay_hand(stage, actor, side, f"{near}_forearm", touch, leave, fingers=(-0.6, -0.2, 0.8), duration=0.45, profile=strike)
    actor.pulse("pitch", 0.10 * size, touch - 0.4, touch + 0.1, leave + 0.5)
    actor.pulse("twist", 0.14 * size * stage.sign, touch - 0.4, touch, leave + 0.4)
    actor.look(touch - 0.4, at_joint(other.index, "spine1"), 0.3)
    other.look(touch + 0.1, lambda view, own: view.positions[:, own, 3] + 0.35 * view.axes(own, near)[..., 2], 0.25)
    other.key("forward", (touch + 0.3, 0.0), (touch + 0.7, -0.06 * size), (leave + 0.3, 0.0))
    other.key("twist", (touch + 0.3, 0.0), (touch + 0.7, 0.2 * size * stage.sign), (leave + 0.6, 0.0))
    other.release(near, leave + 0.05, 0.6)
    for person in stage.people:
        person.look(leave, stage.eyes(person))
    stage.label("grab", touch, leave, actor, f"{side}_palm")
    return leave + 0.65 * actor.manner.effort + 0.3


KIND = Kind("grab", play, Arrangement(0.74), WORDS, "conflict")
