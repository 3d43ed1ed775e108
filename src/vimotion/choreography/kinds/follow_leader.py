"""The actor walks ahead along a bend, and the other follows in line at the same pace."""

import numpy as np

from vimotion.choreography.gait import heading
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import ahead, at_joint
from vimotion.choreography.stage import Stage
from vimotion.choreography.ways import point

WORDS = """
@do
~lead the way for {B.obj}
~walk ahead of {B.obj}
~go ahead and ~let {B.obj} follow
@answer
(~follow|~walk behind)
~follow {A.him}
@noun
walk in line
walk in single file
@seen
~follow {A.obj}
~walk behind {A.obj}
"""


def start(random: np.random.Generator, far: bool) -> Arrangement:
    return Arrangement(float(random.uniform(0.85, 1.1)), 0.0, float(random.normal(0.0, 0.08)))


def play(stage: Stage, begin: float) -> float:
    actor, other, random = stage.actor, stage.other, stage.random("follow")
    bend, way = float(random.uniform(-0.8, 0.8)), float(random.uniform(2.8, 3.6))
    yaw, lag = float(actor.feet.pose[2]), stage.late(0.35, 0.5)
    pace = 1.15 * min(person.manner.gait for person in stage.people)
    corner = actor.feet.pose[:2] + 0.45 * way * heading(yaw)[0]
    goal = corner + 0.55 * way * heading(yaw + bend)[0]
    gap = stage.distance()
    leader_start = actor.feet.pose[:2].copy()
    first = actor.feet.walk(begin, point(goal), via=[point(corner)], speed=pace / actor.manner.gait)
    behind = goal - gap * heading(yaw + bend)[0]
    last = other.feet.walk(begin + lag, point(behind), via=[point(leader_start), point(corner)], speed=pace / other.manner.gait)
    actor.look(begin - 0.5, ahead(0.3 + actor.manner.avert), 0.4)
    glance = begin + 0.45 * (first - begin)
    actor.key("turn", (glance - 0.3, 0.0), (glance, 0.6), (glance + 0.3, 0.6), (glance + 0.7, 0.0))
    other.look(begin, at_joint(actor.index, "neck"), 0.3)
    for person, set_off, end in ((actor, begin, first), (other, begin + lag, last)):
        stage.label("walk", set_off, end, person)
    return max(first, last) + 0.4


KIND = Kind("follow_leader", play, start, WORDS, "company", sided=False, distances=("near",))
