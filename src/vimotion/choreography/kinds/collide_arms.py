"""They walk towards each other, their arms of the `side` collide in passing, both turn with the blow and look back."""

import numpy as np

from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import ahead, at_head
from vimotion.choreography.stage import Stage
from vimotion.choreography.ways import point

WORDS = """
@do
~bump into {B.obj} in passing
~bump {B's} arm with {A.his} {side} arm in passing
~collide with {B.obj}
@both
~bump arms in passing
~walk towards each other and ~bump their {side} arms
~collide as they pass
@start
~walk towards {B.obj}
@answer
~come the other way
@noun
(bump|collision) in passing
@limb
arm
"""


def start(random: np.random.Generator, far: bool) -> Arrangement:
    return Arrangement(float(random.uniform(3.2, 3.8)))


def play(stage: Stage, begin: float) -> float:
    random, size = stage.random("collide"), stage.manner.size
    apart, places = stage.distance(), [person.feet.pose[:2].copy() for person in stage.people]
    room = 0.20 * stage.size * stage.sign
    beyond = float(random.uniform(0.55, 0.62))
    for person in stage.people:
        own, other = places[person.index], places[1 - person.index]
        line = (other - own) / apart
        left = np.array([line[1], -line[0]])
        way = [point(own + along * apart * line + aside * room * left) for aside, along in ((0.8, 0.25), (1.0, 0.5))]
        goal = point(own + (0.5 + beyond) * apart * line + 1.6 * room * left)
        end = person.feet.walk(begin + 0.1, goal, via=way, speed=1.2 / person.manner.gait)
        share = 0.5 / (0.5 + beyond)
        hit = begin + 0.1 + (end - begin - 0.1) * (share + 0.04)
        person.look(begin, ahead(0.5), 0.4)
        # the shoulder is driven back by the blow
        person.key(
            "twist",
            (hit - 0.25, 0.0),
            (hit - 0.05, 0.12 * stage.sign),
            (hit + 0.16, -0.45 * size**0.5 * stage.sign),
            (hit + 0.8, 0.0),
        )
        person.key("roll", (hit - 0.05, 0.0), (hit + 0.15, 0.12 * size**0.5 * stage.sign), (hit + 0.7, 0.0))
        person.touch(f"{stage.side}_upper_arm", f"{stage.side}_upper_arm", hit, hit + 0.04, duration=0.25, apart=0.0)
        person.key("turn", (hit + 0.3, 0.0), (hit + 0.7, -0.9 * stage.sign), (hit + 1.1, -0.9 * stage.sign), (hit + 1.6, 0.0))
        person.look(hit + 0.4, at_head(1 - person.index), 0.3)
        stage.label("walk", begin + 0.1, end, person)
    stage.label("contact", hit, hit + 0.06, stage.actor, f"{stage.side}_shoulder", f"{stage.side}_shoulder")
    stage.label("bump", hit - 0.2, hit + 0.1, stage.actor, f"{stage.side}_shoulder")
    return max(person.feet.free for person in stage.people) + 0.35


KIND = Kind("collide_arms", play, start, WORDS, "mishap", mutual=True, distances=("far",))
