"""They walk towards each other, their arms of the `side` collide in passing, both turn with the blow and look back."""

import numpy as np

from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import ahead, at_head
from vimotion.choreography.stage import Stage
from vimotion.choreography.ways import closest, walk_past

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
_ROOM = 0.19  # metres that each leaves the other: less than half of two shoulders side by side


def start(random: np.random.Generator, far: bool) -> Arrangement:
    return Arrangement(float(random.uniform(3.2, 3.8)))


def play(stage: Stage, begin: float) -> float:
    places = [person.feet.pose[:2].copy() for person in stage.people]
    room, beyond = _ROOM * stage.size * stage.sign, float(stage.random("collide").uniform(1.05, 1.12))
    set_off = begin + 0.1
    ends = [walk_past(person, set_off, places, room, beyond, 1.2 / person.manner.gait) for person in stage.people]
    hit = closest(stage.people, set_off, min(ends))
    turn = stage.manner.size**0.5 * stage.sign
    for person, end in zip(stage.people, ends, strict=True):
        person.look(begin, ahead(0.5), 0.4)
        # the shoulder is driven back by the blow
        person.key("twist", (hit - 0.3, 0.0), (hit, 0.12 * stage.sign), (hit + 0.2, -0.45 * turn), (hit + 0.8, 0.0))
        person.key("roll", (hit - 0.05, 0.0), (hit + 0.15, 0.12 * turn), (hit + 0.7, 0.0))
        person.key("turn", (hit + 0.3, 0.0), (hit + 0.7, -0.9 * stage.sign), (hit + 1.1, -0.9 * stage.sign), (hit + 1.6, 0.0))
        person.look(hit + 0.4, at_head(1 - person.index), 0.3)
        stage.label("walk", set_off, end, person)
    stage.label_contact(hit - 0.02, hit + 0.02, stage.actor, f"{stage.side}_shoulder", f"{stage.side}_shoulder")
    stage.label("bump", hit - 0.2, hit + 0.1, stage.actor, f"{stage.side}_shoulder")
    return max(person.feet.free for person in stage.people) + 0.35


KIND = Kind("collide_arms", play, start, WORDS, "mishap", mutual=True, distances=("far",))
