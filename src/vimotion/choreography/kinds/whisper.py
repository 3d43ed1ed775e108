"""The actor leans to the other's ear with a hand before the mouth and whispers; the other listens and nods."""

import numpy as np

from vimotion.choreography.kind import Arrangement, Kind, Postures
from vimotion.choreography.performer import ahead
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import OnBody

WORDS = """
@do
~whisper (in|into) {B's}[ {side}] ear
~lean over and ~whisper something to {B.obj}
~whisper to {B.obj}
~bend close to {B.obj} and ~whisper in {B.his}[ {side}] ear
@answer
~listen
~listen and ~nod
@noun
whisper[ in the ear]
whispered secret
@seen
~be told something in a whisper by {A.obj}
"""


def play(stage: Stage, begin: float) -> float:
    actor, other, side = stage.actor, stage.other, stage.side
    ear = f"{side}_ear"
    there = begin + 0.2 + 0.8 * actor.manner.effort
    leave = there + float(stage.random("whisper").uniform(1.2, 1.8))
    if other.posture != "stand":
        actor.key("hinge", (begin, 0.0), (there, 0.85), (leave, 0.85), (leave + 0.8, 0.0))
    actor.feet.lunge(1 - stage.foot, begin + 0.2, 0.05, ahead=0.12, duration=0.6)
    actor.feet.step(leave + 0.2, forward=-0.05, duration=0.8)
    up = -0.15 if other.posture == "stand" else -0.3
    actor.key("nod", (begin, 0.0), (there, up), (leave, up), (leave + 0.6, 0.0))
    actor.touch("mouth", ear, there, leave, duration=0.8, apart=0.11)
    cup = OnBody(actor.index, "mouth", fingers=(0.5, 0.8, 0.3), elbow=(0.9, -0.3, -0.6), offset=(-0.03 * stage.sign, 0.0, 0.05))
    actor.reach(side, there + 0.1, cup, 0.7)
    actor.rest_hand(side, leave, 0.7, arc=(0.1, 0.0, -0.1))
    actor.look(begin, lambda view, own: view.positions[:, 1 - own, 15], 0.4)
    other.look(begin + 0.2, ahead(0.4), 0.4)
    other.key("tilt", (there - 0.5, 0.0), (there, 0.12 * -stage.sign), (leave, 0.12 * -stage.sign), (leave + 0.6, 0.0))
    for at in (there + 0.5, leave - 0.1):
        other.pulse("nod", 0.13 * other.manner.size, at, at + 0.22, at + 0.5)
    other.look(leave + 0.15, stage.eyes(other), 0.4)
    other.pulse("shrug", 0.10, leave, leave + 0.3, leave + 0.8)
    stage.label("whisper", there, leave, actor, "head", ear)
    return leave + 0.8 * actor.manner.effort + 0.3


_POSTURES: Postures = (("stand", "stand"), ("stand", "chair"))
KIND = Kind("whisper", play, Arrangement(0.16, -0.68, np.pi / 2 + 0.05, handed=True), WORDS, "talk", postures=_POSTURES)
