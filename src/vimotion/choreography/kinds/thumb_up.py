"""The actor holds a fist with the thumb up before the other and nods; the other nods back."""

from vimotion.choreography.kind import Arrangement, Kind, Postures
from vimotion.choreography.performer import at_head
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import Held

WORDS = """
@do
~give {B.obj} a thumbs-up[ with the {side} hand]
~show {B.obj} a thumbs-up[ with the {side} hand]
~raise {A.his} {side} thumb to {B.obj}
~hold {A.his} {side} thumb up for {B.obj}
@answer
~nod back
~nod
@noun
(thumbs-up|thumbs-up sign)
@limb
hand
@seen
~be given a thumbs-up by {A.obj}
"""


def play(stage: Stage, begin: float) -> float:
    actor, other, side, size = stage.actor, stage.other, stage.side, stage.actor.manner.size
    there = begin + 0.2 + 0.6 * actor.manner.effort
    leave = there + float(stage.random("thumb").uniform(0.9, 1.3))
    low = Held((0.0, -0.42, 0.45), (-0.3, 0.1, 1.0), (-1.0, 0.0, -0.2))
    thumb = Held((0.0, -0.16 + 0.05 * size, 0.72), (-0.35, 0.15, 1.0), (-1.0, 0.1, -0.3), elbow=(0.6, -0.9, 0.0))
    actor.reach(side, there - 0.2, low, 0.45)
    actor.reach(side, there, thumb, 0.25)
    actor.rest_hand(side, leave, 0.65)
    actor.pulse("chest", -0.06 * size, there - 0.4, there, leave + 0.4)
    actor.look(begin, at_head(other.index), 0.2)
    for person, at in ((actor, there + 0.1), (other, there + 0.4 + other.manner.lag)):
        person.pulse("nod", 0.2 * person.manner.size, at, at + 0.25, at + 0.6)
    other.pulse("chest", -0.06, there + 0.3, there + 0.8, leave + 0.5)
    stage.label("thumb up", there, leave, actor, f"{side}_palm")
    return leave + 0.65 * actor.manner.effort + 0.3


_POSTURES: Postures = (("stand", "stand"), ("stand", "chair"), ("chair", "chair"), ("ground", "ground"))
KIND = Kind("thumb_up", play, Arrangement(1.2), WORDS, "praise", postures=_POSTURES)
