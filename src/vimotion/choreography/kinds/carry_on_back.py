"""The actor crouches before the other, who climbs on the actor's back and is carried some steps and set down."""

from vimotion.choreography.gait import heading
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import Ride, ahead
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import SIDES, OnBody
from vimotion.choreography.ways import point

WORDS = """
@do
~crouch and ~take {B.obj} on {A.his} back
~carry {B.obj} on {A.his} back
~give {B.obj} a piggyback ride
~take {B.obj} on {A.his} back and ~walk
@answer
~hold on to {A.his} shoulders
~ride on {A.his} back
@noun
(piggyback ride|piggyback)
@seen
~be carried on {A's} back
~ride on {A's} back
"""


def play(stage: Stage, begin: float) -> float:
    actor, other = stage.actor, stage.other
    crouched = begin + 0.2 + 0.6 * actor.manner.effort**0.5
    mounted = crouched + 0.95
    walk = mounted + 0.1
    way = float(stage.random("carry").uniform(1.3, 1.9))
    forward, _ = heading(actor.feet.pose[2])
    stopped = actor.feet.walk(walk, point(actor.feet.pose[:2] + way * forward), speed=0.8)
    down = stopped + 0.2
    off = down + 1.0
    other.rides.append(Ride(crouched, mounted, down, off))
    gone = other.feet.pose[:2] + way * forward
    other.feet.carried(mounted, down, point(gone))
    for channel, low, high in (("up", -0.22, -0.04), ("pitch", 0.30, 0.26), ("hinge", 0.25, 0.20)):
        actor.key(channel, (begin + 0.1, 0.0), (crouched, low), (crouched + 0.45, low), (mounted, high), (down, high),
                  (down + 0.4, low), (down + 0.6, low), (off + 0.4, 0.0))  # fmt: skip
    other.key("pitch", (crouched - 0.2, 0.0), (mounted - 0.2, 0.50), (down, 0.50), (off, 0.0))
    for side in SIDES:
        chest = OnBody(actor.index, f"{side}_shoulder_front", fingers=(-0.5, -0.6, 0.4), elbow=(0.7, -0.5, 0.3))
        other.reach(side, crouched + 0.2, chest, 0.6)
        other.release(side, down + 0.7, 0.7)
        thigh = OnBody(other.index, f"{side}_under_thigh", fingers=(-0.6, 0.1, -0.8), elbow=(0.3, -0.5, -1.0))
        actor.reach(side, mounted - 0.2, thigh, 0.6)
        actor.release(side, down + 0.1, 0.7)
        stage.label_contact(mounted, down, actor, f"{side}_palm", f"{side}_under_thigh")
    actor.look(begin, ahead(0.8), 0.4)
    other.look(begin, ahead(0.6), 0.4)
    actor.look(off, stage.eyes(actor), 0.5)
    stage.label("carry", mounted, down, actor)
    return off + 0.6


KIND = Kind("carry_on_back", play, Arrangement(0.52, 0.0, 0.0), WORDS, "help", sided=False)
