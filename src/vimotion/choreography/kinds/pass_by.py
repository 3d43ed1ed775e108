"""They walk towards each other, look, pass with the other on their `side`, and walk on; the actor sets off first."""

import numpy as np

from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import ahead
from vimotion.choreography.stage import Stage
from vimotion.choreography.ways import walk_past

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
    beyond = float(random.uniform(0.75, 0.9))
    places = [person.feet.pose[:2].copy() for person in stage.people]
    ends = []
    for person, wait in ((stage.actor, 0.0), (stage.other, stage.late(0.28, 0.4))):
        set_off = begin + 0.1 + wait
        ends.append(walk_past(person, set_off, places, room, beyond, 1.25 * person.manner.size**0.1))
        middle = (set_off + ends[-1]) / 2.0
        person.look(set_off, ahead(0.3 + person.manner.avert), 0.4)
        person.look(middle - 0.75, stage.eyes(person), 0.35)
        person.pulse("nod", 0.14 * person.manner.size, middle - 0.6, middle - 0.35, middle)
        person.look(middle + 0.15, ahead(0.3 + person.manner.avert), 0.4)
        stage.label("walk", set_off, ends[-1], person)
    return max(ends) + 0.35


KIND = Kind("pass_by", play, start, WORDS, "parting", mutual=True, distances=("far",))
