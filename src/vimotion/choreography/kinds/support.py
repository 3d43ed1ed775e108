"""The actor holds the other by the forearm and the back, and they walk slowly side by side; the other goes bent."""

from vimotion.choreography.gestures import lay_hand, opposite
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import ahead, at_head
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import Held
from vimotion.choreography.ways import walk_abreast

WORDS = """
@do
~support {B.obj} by the arm
~hold {B.obj} by the arm and ~help {B.him} walk
~support {B.obj} with {A.his} {side} arm while walking
~help {B.obj} walk[ with {A.his} {side} arm]
@answer
~lean on {A.him}
~walk bent
@noun
supporting arm
@limb
arm
@seen
~be (supported|helped along) by {A.obj}
"""


def play(stage: Stage, begin: float) -> float:
    actor, other, side = stage.actor, stage.other, stage.side
    random, near = stage.random("support"), opposite(side)
    touch = begin + 0.2 + 0.6 * actor.manner.effort
    other.reach(near, touch, Held((0.05, -0.45, 0.6), pronation=0.9), 0.5, exact=True)
    ends = walk_abreast(
        stage, touch + 0.15, float(random.uniform(-0.15, 0.15)), float(random.uniform(1.3, 1.8)), 0.02, speed=0.55
    )
    leave = max(ends)
    lay_hand(
        stage, actor, side, "middle_back", touch, leave, fingers=(-0.9, 0.2, 0.3), elbow=(0.2, -0.6, -1.0), arc=(0.1, 0.0, -0.2)
    )
    lay_hand(stage, actor, near, f"{near}_forearm", touch, leave, fingers=(-0.9, -0.1, 0.4), elbow=(0.5, -0.8, 0.8))
    for channel, value in (("pitch", 0.28), ("chest", 0.12), ("nod", 0.12), ("up", -0.05)):
        other.key(
            channel, (begin, 0.0), (touch, value), (leave, value), (leave + 0.7, 0.3 * value if channel == "chest" else 0.0)
        )
    other.look(begin, ahead(1.2), 0.4)
    actor.look(begin, at_head(other.index), 0.4)
    other.rest_hand(near, leave, 0.7)
    other.look(leave + 0.1, stage.eyes(other), 0.5)
    stage.label("support", touch, leave, actor, f"{side}_palm")
    return leave + 0.65 * actor.manner.effort + 0.4


KIND = Kind("support", play, Arrangement(-0.06, 0.5, -0.06, handed=True), WORDS, "help")
