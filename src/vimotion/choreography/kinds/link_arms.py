"""Side by side they link arms, elbow in elbow, and walk on together."""

from vimotion.choreography.gestures import lay_hand, opposite
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import ahead, at_head
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import Held
from vimotion.choreography.ways import walk_abreast

WORDS = """
@do
~link arms with {B.obj} and ~walk
~hook {A.his} {side} arm into {B's} arm and ~walk along
~walk arm in arm with {B.obj}
@both
~link arms and ~walk
~walk arm in arm
~walk along with linked arms
@start
~offer {A.his}[ {side}] arm
@answer
~hook an arm into it
@noun
walk (arm in arm|with linked arms)
@limb
arm
"""
_LAG = 0.03  # seconds: linked arms make both set off nearly at once


def play(stage: Stage, begin: float) -> float:
    actor, other, side = stage.actor, stage.other, stage.side
    random, near = stage.random("link_arms"), opposite(side)
    linked = begin + 0.2 + 0.7 * stage.manner.effort
    # the other's arm makes the loop, the actor's hand goes through it onto the forearm
    other.reach(
        near, linked - 0.15, Held((0.05, -0.50, 0.60), (-0.9, 0.1, 0.3), (-0.2, -0.9, 0.0), elbow=(0.1, -1.0, -0.8)), 0.6
    )
    ends = walk_abreast(stage, linked + 0.1, float(random.uniform(-0.2, 0.2)), float(random.uniform(1.8, 2.4)), _LAG, 1.0)
    leave = max(ends)
    lay_hand(stage, actor, side, f"{near}_forearm", linked, leave, fingers=(-0.9, 0.0, 0.4), elbow=(0.1, -0.8, -1.0))
    other.release(near, leave + 0.15, 0.65)
    for person in stage.people:
        person.look(begin, ahead(0.25 + person.manner.avert), 0.4)
        glance = linked + 0.5 + float(random.uniform(0.0, 0.5))
        person.look(glance, at_head(1 - person.index), 0.35)
        person.look(glance + 0.8, ahead(0.25 + person.manner.avert), 0.4)
        person.look(leave, stage.eyes(person), 0.4)
        stage.label("walk", linked + 0.1, leave, person)
    stage.label("link", linked, leave, actor, f"{side}_palm")
    return leave + 0.65 * stage.manner.effort + 0.4


KIND = Kind("link_arms", play, Arrangement(0.0, 0.54, 0.0, handed=True), WORDS, "company", mutual=True)
