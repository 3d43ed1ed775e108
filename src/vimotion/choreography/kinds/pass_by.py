"""They walk towards each other, look, pass with the other on their `side`, and walk on; the actor sets off first."""

import numpy as np

from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import ahead
from vimotion.choreography.stage import Stage
from vimotion.choreography.ways import point

WORDS = """
@do
(~walk|~go) past {B.obj}
~pass {B.obj}[ on the {side}]
~pass {B.obj} without stopping
@both
(~pass|~walk past) each other
~walk towards each other and ~pass on the {side}
~pass each other on the {side} without stopping
@start
~set off towards {B.obj}
@answer
~come the other way
@noun
meeting without stopping
encounter in passing
"""


def start(random: np.random.Generator, far: bool) -> Arrangement:
    return Arrangement(float(random.uniform(3.6, 4.4)))


def play(stage: Stage, begin: float) -> float:
    random = stage.random("pass_by")
    room = float(random.uniform(0.30, 0.38)) * stage.sign
    apart, beyond = stage.distance(), float(random.uniform(0.75, 0.9))
    ends = []
    for person, wait in ((stage.actor, 0.0), (stage.other, stage.late(0.28, 0.4))):
        own, other = person.feet.pose[:2], stage.people[1 - person.index].feet.pose[:2]
        if ends:  # the first one's plan has moved on; the way was planned from where they stood
            other = first
        first = own
        line = (other - own) / apart
        left = np.array([line[1], -line[0]])
        way = [point(own + along * apart * line + aside * room * left) for aside, along in ((0.6, 0.3), (1.0, 0.52))]
        set_off = begin + 0.1 + wait
        goal = point(own + beyond * apart * line + 0.7 * room * left)
        end = person.feet.walk(set_off, goal, via=way, speed=1.25 * person.manner.size**0.1)
        ends.append(end)
        middle = (set_off + end) / 2.0
        person.look(set_off, ahead(0.3 + person.manner.avert), 0.4)
        person.look(middle - 0.75, stage.eyes(person), 0.35)
        person.pulse("nod", 0.14 * person.manner.size, middle - 0.6, middle - 0.35, middle)
        person.look(middle + 0.15, ahead(0.3 + person.manner.avert), 0.4)
        stage.label("walk", set_off, end, person)
    return max(ends) + 0.35


KIND = Kind("pass_by", play, start, WORDS, "parting", mutual=True, distances=("far",))
