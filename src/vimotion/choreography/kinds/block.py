"""The actor strikes down at the other's head; the other raises a forearm and blocks the blow."""

from vimotion.choreography.curves import strike
from vimotion.choreography.gestures import opposite
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import at_head
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import Held, OnBody, guard

WORDS = """
@do
~strike at {B.obj}[ with the {side} hand]
~try to hit {B.obj}[ with the {side} hand]
~strike down at {B.obj} with {A.his} {side} hand
~attack {B.obj} with {A.his} {side} arm
@answer
~block (it|the blow) with a forearm
~raise a forearm and ~block
~fend off the blow
@noun
blocked (blow|strike)
@limb
arm
@seen
~block a blow from {A.obj}
~fend {A.obj} off with a forearm
"""


def play(stage: Stage, begin: float) -> float:
    actor, other, side, size, effort = stage.actor, stage.other, stage.side, stage.actor.manner.size, stage.actor.manner.effort
    arm = opposite(side)
    raised = begin + 0.2 + 0.55 * effort
    hit = raised + 0.34
    actor.reach(
        side, raised, Held((0.25, 0.45 + 0.06 * size, 0.1), (0.0, 0.8, 0.4), (-0.3, 0.2, 0.9), elbow=(0.9, -0.3, -0.3)), 0.5
    )
    shield = Held((-0.12, 0.40, 0.48), (-0.8, 0.55, 0.1), (0.0, 0.3, 1.0), elbow=(0.9, -0.3, 0.5))
    other.reach(arm, hit - 0.05, shield, 0.34, exact=True)
    other.reach(side, hit, guard(0.8, low=0.15), 0.4, exact=True)
    blow = OnBody(other.index, f"{arm}_forearm", fingers=(0.0, 0.5, 0.9), elbow=(0.7, -0.4, 0.1))
    actor.reach(side, hit, blow, 0.26, profile=strike, exact=True)
    leave = hit + 0.22
    actor.release(side, leave, 0.6)
    for hand in (arm, side):
        other.release(hand, leave + 0.15, 0.65)
    actor.key("pitch", (raised - 0.3, 0.0), (raised, -0.08 * size), (hit, 0.16 * size), (leave + 0.7, 0.0))
    actor.key("twist", (raised - 0.3, 0.0), (raised, -0.2 * stage.sign), (hit, 0.2 * stage.sign), (leave + 0.6, 0.0))
    other.key("up", (hit - 0.3, 0.0), (hit, -0.08 * size), (leave, -0.08 * size), (leave + 0.7, 0.0))
    other.key("pitch", (hit - 0.3, 0.0), (hit, -0.12), (leave, -0.1), (leave + 0.7, 0.0))
    actor.look(begin, at_head(other.index), 0.2)
    actor.feet.step(leave + 0.25, forward=-0.14, duration=0.8)
    stage.label_contact(hit, hit + 0.12, actor, f"{side}_palm", f"{arm}_forearm")
    stage.label("strike", raised, hit, actor, f"{side}_palm")
    stage.label("block", hit - 0.3, leave, other, f"{arm}_palm")
    return leave + 1.15


KIND = Kind("block", play, Arrangement(0.80), WORDS, "conflict")
