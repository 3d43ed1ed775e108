"""The actor slaps the other's cheek; the head turns with the blow and the other's hand goes to the cheek."""

from vimotion.choreography.curves import strike
from vimotion.choreography.gestures import opposite
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import at_head
from vimotion.choreography.reactions import flinch
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import Held, OnBody

WORDS = """
@do
~slap {B.obj}[ in the face][ with the {side} hand]
~slap {B's} cheek[ with the {side} hand]
~raise {A.his} {side} hand and ~slap {B's} face
~give {B.obj} a slap in the face[ with the {side} hand]
@answer
~turn {B.his} head away
~put a hand to {B.his} cheek
@noun
slap
slap in the face
@limb
hand
@seen
~be slapped[ in the face] by {A.obj}
"""


def play(stage: Stage, begin: float) -> float:
    actor, other, side, size = stage.actor, stage.other, stage.side, stage.actor.manner.size
    place = f"{opposite(side)}_cheek"
    hit = begin + 0.35 + 0.7 * actor.manner.effort
    back = Held((0.55 + 0.1 * size, 0.1 + 0.08 * size, 0.2), (0.3, 0.8, 0.3), (-0.5, 0.0, 0.8), elbow=(0.9, -0.6, -0.4))
    actor.look(begin, at_head(other.index), 0.2)
    actor.reach(side, hit - 0.28, back, 0.5)
    actor.reach(
        side, hit, OnBody(other.index, place, fingers=(0.0, 0.7, 0.7), elbow=(0.9, -0.3, 0.0)), 0.26, profile=strike, exact=True
    )
    through = Held((-0.25, 0.15, 0.55), (-0.6, 0.5, 0.6), (-0.8, 0.0, -0.4))
    actor.reach(side, hit + 0.3, through, 0.22, exact=True)
    actor.release(side, hit + 0.45, 0.6)
    turn = 0.3 * size**0.5 * stage.sign
    actor.key("twist", (hit - 0.55, 0.0), (hit - 0.25, -0.7 * turn), (hit + 0.1, turn), (hit + 0.7, 0.0))
    flinch(other, hit + 0.02, size, -stage.sign)
    other.reach(opposite(side), hit + 0.75, OnBody(other.index, place, fingers=(0.1, 0.9, 0.1), elbow=(0.8, -0.8, 0.3)), 0.5)
    other.rest_hand(opposite(side), hit + 1.3, 0.65)
    other.look(hit + 0.9, stage.eyes(other), 0.4)
    stage.label_contact(hit - 0.01, hit + 0.05, actor, f"{side}_palm", place)
    stage.label("slap", hit - 0.28, hit + 0.1, actor, f"{side}_palm")
    return hit + 1.3 + 0.65 * other.manner.effort + 0.2


KIND = Kind("slap", play, Arrangement(0.64), WORDS, "conflict")
