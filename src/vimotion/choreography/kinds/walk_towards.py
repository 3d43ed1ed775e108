"""The actor walks up to the other and stops before them; the other waits and looks up."""

import numpy as np

from vimotion.choreography.gait import direction
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import at_head
from vimotion.choreography.stage import Stage
from vimotion.choreography.ways import point

WORDS = """
@do
~walk (towards|up to|over to) {B.obj}
~walk towards {B.obj} and ~stop in front of {B.him}
~come up to {B.obj} and ~stop
~approach {B.obj}
@answer
~wait
~wait and ~look up
@noun
walk up
approach
@seen
~be approached by {A.obj}
"""


def start(random: np.random.Generator, far: bool) -> Arrangement:
    return Arrangement(float(random.uniform(2.8, 3.8)))


def play(stage: Stage, begin: float) -> float:
    actor, other = stage.actor, stage.other
    own, goal = actor.feet.pose[:2], other.feet.pose[:2]
    near = float(stage.random("walk_towards").uniform(0.75, 1.0)) * stage.size
    place = goal + (own - goal) / np.linalg.norm(own - goal) * near
    end = actor.feet.walk(begin, point(place), yaw=direction(own, goal), speed=1.2)
    actor.look(begin, at_head(other.index), 0.3)
    stage.turn_to(other, direction(goal, own), begin + 0.5)
    other.look(begin + 0.4 + other.manner.lag, stage.eyes(other), 0.4)
    other.pulse("nod", 0.14, end - 0.2, end + 0.1, end + 0.5)
    actor.pulse("nod", 0.10, end, end + 0.25, end + 0.6)
    other.pulse("side", 0.03, begin + 0.6, begin + 1.2, end + 0.4)
    stage.label("walk", begin, end, actor)
    return end + 0.7


KIND = Kind("walk_towards", play, start, WORDS, "greeting", sided=False, distances=("far",))
