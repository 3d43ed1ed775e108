"""The actor bows `count` times; the other answers each bow a little later."""

from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import Performer, ahead
from vimotion.choreography.stage import Stage

WORDS = """
@do
~bow to {B.obj}
~bow before {B.obj}
~bend forward in a bow to {B.obj}
@both
~bow to each other
~bow
~greet each other with a bow
@start
(~bow|~bend forward) first
@answer
~bow back
~return the bow
@noun
bow
@units
bows
"""


def play(stage: Stage, begin: float) -> float:
    effort = stage.manner.effort
    late = stage.late(0.35, 0.5)
    start = begin + 0.2
    down, hold, up = 0.95 * effort**0.5, 0.4, 1.1 * effort**0.5
    period = down + hold + up + 0.2
    for person, wait in ((stage.actor, 0.0), (stage.other, late)):
        for number in range(stage.count):
            _bow(stage, person, start + wait + number * period, down, hold, up)
    return start + late + stage.count * period + 0.3


def _bow(stage: Stage, person: Performer, start: float, down: float, hold: float, up: float) -> None:
    size = person.manner.size
    low, rise, end = start + down, start + down + hold, start + down + hold + up
    for channel, value in (("hinge", 0.42), ("pitch", 0.30), ("nod", 0.16), ("arms_forward", 0.10)):
        person.key(channel, (start, 0.0), (low, value * size), (rise, value * size), (end, 0.0))
    person.look(start - 0.05, ahead(down=1.0 + 1.4 * size), 0.6)
    person.look(rise + 0.15, stage.eyes(person), 0.5)
    stage.label("bow", start, end, person, "head")


KIND = Kind("bow", play, Arrangement(1.45), WORDS, "greeting", mutual=True, sided=False, counts=(1, 2))
