"""They dance as a couple: joined hands out at the side, a hand on the back and one on the shoulder, steps to and fro."""

import numpy as np

from vimotion.choreography.curves import oscillation
from vimotion.choreography.gestures import clasp, lay_hand, opposite
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import Meeting

WORDS = """
@do
~dance with {B.obj}
~lay {A.his} {side} hand on {B's} back and ~dance with {B.him}
~lead {B.obj} in a dance
@both
~dance[ together]
~dance as a couple
~hold each other and ~dance
@start
~take {B's} hand to dance
~lay {A.his} {side} hand on {B's} back to dance
@answer
~join in
@noun
(dance|couple dance)
"""
_STEPS, _BEAT = 4, 0.72


def play(stage: Stage, begin: float) -> float:
    actor, other, side, out, size = stage.actor, stage.other, stage.side, opposite(stage.side), stage.manner.size
    aside = stage.sign * (1.0 if actor.index == 0 else -1.0)
    held = begin + 0.2 + 0.75 * stage.manner.effort
    leave = held + 0.3 + _STEPS * _BEAT

    def lead(times: np.ndarray) -> np.ndarray:
        up = 0.03 * size * oscillation(times, held, leave, _STEPS)
        return np.stack([0.26 * aside + 0.0 * up, up, 0.0 * up], axis=-1)

    joined = Meeting(stage.hands(out, side), 0.95, (-0.3, 0.8, 0.5), (0.3, 0.1, 1.0), motion=lead, elbow=(1.0, -0.3, 0.0))
    clasp(stage, joined, held, leave)  # for the right: the actor's left hand, the other's right
    lay_hand(stage, actor, side, "middle_back", held + 0.1, leave, fingers=(-0.8, 0.3, 0.2), elbow=(0.9, -0.4, 0.0),
             arc=(0.15, 0.0, 0.0))  # fmt: skip
    lay_hand(stage, other, out, f"{side}_shoulder_top", held + 0.15, leave, fingers=(-0.3, 0.1, 0.9), elbow=(0.9, -0.3, 0.1))
    for number in range(_STEPS):
        start = held + 0.25 + number * _BEAT
        way = 0.20 * size**0.5 * (1.0 if number % 2 == 0 else -1.0)
        for person, left in ((actor, way), (other, -way)):
            person.feet.step(max(start, person.feet.free), left=left, duration=_BEAT - 0.02)
            person.pulse("roll", 0.06 * size * np.sign(left), start, start + 0.5 * _BEAT, start + 1.2 * _BEAT)
            person.pulse("up", -0.02 * size, start, start + 0.4 * _BEAT, start + 0.9 * _BEAT)
        stage.label("step", start, start + _BEAT, actor, f"{out}_foot")
    for person in stage.people:
        person.look(begin, stage.eyes(person), 0.4)
    return leave + 0.7 * stage.manner.effort + 0.3


KIND = Kind("dance", play, Arrangement(0.60), WORDS, "company", mutual=True)
