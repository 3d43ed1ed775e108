"""The actor runs after the other, who looks round and runs away along a bend."""

import numpy as np

from vimotion.choreography.gait import RUN, heading
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import ahead, at_head, at_joint
from vimotion.choreography.stage import Stage
from vimotion.choreography.ways import point, speed_to_arrive

WORDS = """
@do
(~chase|~pursue) {B.obj}
~run after {B.obj}
~try to catch {B.obj}
@answer
~run away
~look round and ~run away
~flee
@noun
(chase|pursuit)
@seen
~be (chased|pursued) by {A.obj}
~run away from {A.obj}
"""


def start(random: np.random.Generator, far: bool) -> Arrangement:
    gap = float(random.uniform(2.2, 2.8)) if far else float(random.uniform(1.4, 1.7))
    return Arrangement(-gap, 0.0, float(random.normal(0.0, 0.2)))


def play(stage: Stage, begin: float) -> float:
    random, actor, other = stage.random("chase"), stage.actor, stage.other
    bend, way = float(random.uniform(-0.7, 0.7)), float(random.uniform(4.6, 5.8))
    speed, set_off = 2.6 * stage.manner.size**0.35, begin
    origin = other.feet.pose[:2]
    line = (origin - actor.feet.pose[:2]) / stage.distance()
    yaw = float(np.arctan2(line[0], line[1]))
    corner = origin + 0.35 * way * line
    forward, _ = heading(yaw + bend)
    goal = corner + 0.65 * way * forward
    other.look(set_off - 1.2, ahead(0.3), 0.2)
    other.look(set_off - 0.15, at_head(actor.index), 0.3)
    flee = set_off + stage.late(0.2, 0.25)
    away = other.feet.walk(flee, point(goal), via=[point(corner)], speed=speed, gait=RUN)
    caught = point(goal - 0.85 * forward)
    keep = speed_to_arrive(actor.feet, away + 0.12, set_off, caught, point(corner), speed)
    reach = actor.feet.walk(set_off, caught, via=[point(corner)], speed=keep, gait=RUN)
    other.look(flee + 0.25, ahead(0.3), 0.3)
    other.look(away - 0.35, at_head(actor.index), 0.4)
    actor.look(set_off - 0.25, at_joint(other.index, "spine3"), 0.3)
    for person, first, last in ((actor, set_off, reach), (other, flee, away)):
        person.pulse("pitch", 0.10 * person.manner.size, first, first + 0.4, last)
        stage.label("run", first, last, person)
    return max(away, reach) + 0.4


KIND = Kind("chase", play, start, WORDS, "teasing", sided=False)
