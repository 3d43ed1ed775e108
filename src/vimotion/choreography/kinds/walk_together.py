"""They stand side by side; the actor sets off, the other falls in, they walk a gentle curve and stop together."""

import numpy as np

from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import ahead, at_head
from vimotion.choreography.stage import Stage
from vimotion.choreography.ways import walk_abreast

WORDS = """
@do
~walk (beside|next to|along with) {B.obj}
~walk side by side with {B.obj}
~go for a walk with {B.obj}
@both
~walk (together|side by side)
~walk along next to each other
~go for a walk together
@start
~set off first
~begin to walk
@answer
~walk along beside {A.him}
~come along
@noun
walk together
walk side by side
"""


def start(random: np.random.Generator, far: bool) -> Arrangement:
    aside = float(random.choice([-1.0, 1.0])) * float(random.uniform(0.6, 0.72))
    return Arrangement(0.0, aside, 0.0)


def play(stage: Stage, begin: float) -> float:
    random = stage.random("walk_together")
    bend, way = float(random.uniform(-0.5, 0.5)), float(random.uniform(3.0, 3.8))
    lag = stage.late(0.28, 0.36)
    ends = walk_abreast(stage, begin, bend, way, lag)
    end = min(ends)
    for person, at in ((stage.actor, 0.3), (stage.other, 0.42)):
        glance = begin + (end - begin) * (at + float(random.uniform(-0.05, 0.05)))
        person.look(begin - 0.25, ahead(0.25 + person.manner.avert), 0.4)
        person.look(glance, at_head(1 - person.index), 0.35)
        person.look(glance + 0.9, ahead(0.25 + person.manner.avert), 0.4)
        person.look(end - 0.25, stage.eyes(person), 0.4)
        person.pulse("nod", 0.12 * person.manner.size, glance + 0.4, glance + 0.6, glance + 0.85)
        stage.label("walk", begin + (lag if person is stage.other else 0.0), ends[person.index], person)
    return max(ends) + 0.4


KIND = Kind("walk_together", play, start, WORDS, "company", mutual=True, sided=False, distances=("near",))
