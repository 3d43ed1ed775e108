"""The other sits on a chair; the actor sits down across the other's thighs, and the other holds the actor."""

import numpy as np

from vimotion.choreography.gestures import opposite
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import at_head
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import SIDES, OnBody

WORDS = """
@do
~sit (down on|on) {B's} lap
~sit down on {B's} legs
~take a seat on {B's} lap
@answer
~hold {A.him}
@noun
seat on the lap
sit on the lap
@seen
~have {A.obj} on {B.his} lap
"""


def play(stage: Stage, begin: float) -> float:
    actor, other, scale = stage.actor, stage.other, stage.actor.habits.scale
    random = stage.random("sit_on_leg")
    start = begin + 0.2
    seated = start + 1.3 * actor.manner.effort**0.5
    leave = seated + float(random.uniform(1.2, 1.9))
    up = leave + 1.2 * actor.manner.effort**0.5
    low, behind = -0.22 * scale, -0.36 * scale
    actor.key("up", (start + 0.1, 0.0), (seated, low), (leave + 0.2, low), (up, 0.0))
    actor.key("forward", (start, 0.0), (seated - 0.1, behind), (leave, behind), (up - 0.3, 0.0))
    actor.pulse("hinge", 0.5, start, start + 0.6, seated + 0.2)
    actor.pulse("hinge", 0.45, leave - 0.1, leave + 0.5, up)
    back = opposite(stage.side)
    for hand in SIDES:
        actor.reach(hand, seated, OnBody(actor.index, f"{hand}_thigh", fingers=(-0.3, -0.2, 1.0)), 0.8, arc=(0.0, 0.0, 0.15))
        actor.release(hand, leave + 0.3, 0.8, arc=(0.0, 0.0, 0.15))
    other.reach(back, seated + 0.3, OnBody(actor.index, "lower_back", fingers=(0.5, 0.2, 0.8), elbow=(0.9, -0.4, 0.0)), 0.6)
    other.rest_hand(back, leave + 0.1, 0.7)
    stage.label_contact(seated + 0.3, leave, other, f"{back}_palm", "lower_back")
    stage.label("sit", seated, leave, actor, "pelvis")
    for person in stage.people:
        person.look(seated, at_head(1 - person.index), 0.4)
        person.pulse("nod", 0.12, seated + 0.7, seated + 0.95, seated + 1.3)
    return up + 0.4


_START = Arrangement(0.36, -0.46, -np.pi / 2, handed=True)
KIND = Kind("sit_on_leg", play, _START, WORDS, "affection", sided=False, postures=(("stand", "chair"),))
