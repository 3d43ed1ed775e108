"""Both bend down, hands to the knees, stay there for a moment and straighten up; the actor begins."""

from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import ahead
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import SIDES, OnBody

WORDS = """
@do
~bend down with {B.obj}
~bend down opposite {B.obj}
~lean forward and ~bend down with {B.obj}
@both
~bend down together
~bend down and ~put their hands on their knees
@start
~bend down first
@answer
(~follow|~join in)
@noun
bend
"""


def play(stage: Stage, begin: float) -> float:
    effort, late = stage.manner.effort, stage.late(0.35, 0.6)
    hold = float(stage.random("bend").uniform(0.5, 0.9))
    for person, wait in ((stage.actor, 0.0), (stage.other, late)):
        start = begin + 0.15 + wait
        low = start + 0.85 * effort**0.5
        rise = low + hold
        end = rise + 0.95 * effort**0.5
        deep = min(person.manner.size, 1.1) ** 0.4
        for channel, value in (("hinge", 0.85), ("pitch", 0.55), ("up", -0.10), ("nod", 0.15)):
            person.key(channel, (start, 0.0), (low, value * deep), (rise, value * deep), (end, 0.0))
        for side in SIDES:
            knee = OnBody(person.index, f"{side}_knee", fingers=(0.0, -1.0, 0.3), elbow=(0.9, 0.0, -0.5))
            person.reach(side, low, knee, 0.8)
            person.release(side, rise + 0.1, 0.8)
        person.look(start, ahead(2.6), 0.5)
        person.look(rise + 0.2, stage.eyes(person), 0.5)
        stage.label("bend", start, end, person, "head")
    return begin + 0.15 + late + 0.85 * effort**0.5 + hold + 0.95 * effort**0.5 + 0.4


KIND = Kind("bend", play, Arrangement(1.35), WORDS, "play", mutual=True, sided=False)
