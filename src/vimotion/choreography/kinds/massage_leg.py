"""The actor, bent over or sitting on the ground before the other's chair, kneads the other's leg with both hands."""

from vimotion.choreography.gestures import knead, opposite
from vimotion.choreography.kind import Arrangement, Kind, Postures
from vimotion.choreography.performer import ahead
from vimotion.choreography.stage import Stage

WORDS = """
@do
~massage {B's}[ {opposite}] (leg|thigh)
~knead {B's}[ {opposite}] thigh with both hands
~massage {B's}[ {opposite}] leg with both hands
~give {B.obj} a leg massage
@noun
leg massage
@seen
~get a leg massage from {A.obj}
~have {B.his} leg massaged by {A.obj}
@opposite
{?left}right
{?right}left
"""
# how the actor comes down to the leg
_BENT, _SITTING = {"hinge": 0.75, "pitch": 0.4, "up": -0.32}, {"pitch": 0.34, "hinge": -0.24}


def play(stage: Stage, begin: float) -> float:
    actor, other, side = stage.actor, stage.other, stage.side
    leg = opposite(side)  # the one that lies before the actor's `side` hand
    touch = begin + 0.2 + 0.75 * actor.manner.effort
    leave = touch + float(stage.random("massage").uniform(2.0, 2.8))
    knead(stage, actor, ((side, f"{leg}_thigh"), (leg, f"{leg}_knee")), touch, leave, fingers=(0.0, 0.4, 0.9))
    actor.look(begin, lambda view, own: view.positions[:, 1 - own, 4 if leg == "left" else 5], 0.4)
    low = _BENT if actor.posture == "stand" else _SITTING
    for channel, value in low.items():
        actor.key(channel, (begin, 0.0), (touch, value), (leave, value), (leave + 0.7, 0.0))
    other.look(begin + 0.3, ahead(1.4), 0.4)
    other.key("chest", (touch, 0.0), (touch + 0.6, -0.06), (leave, 0.0))
    other.key("pitch", (touch, 0.0), (touch + 0.8, -0.10), (leave, -0.06), (leave + 0.6, 0.0))
    other.pulse("tilt", 0.10, touch + 0.3, touch + 1.0, leave)
    for person in stage.people:
        person.look(leave, stage.eyes(person))
    stage.label("massage", touch, leave, actor, f"{side}_palm")
    return leave + 0.65 * actor.manner.effort + 0.3


_POSTURES: Postures = (("stand", "chair"), ("ground", "chair"))
KIND = Kind("massage_leg", play, Arrangement(0.66), WORDS, "care", distances=("near",), postures=_POSTURES)
