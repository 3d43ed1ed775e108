"""The actor offers a hand, the other takes it, they shake `count` times and let go."""

import numpy as np

from vimotion.choreography.curves import oscillation
from vimotion.choreography.gestures import clasp
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import Meeting

WORDS = """
@do
~shake hands with {B.obj}
~shake {B's} {side} hand
~give {B.obj} a handshake[ with the {side} hand]
~offer {B.obj} {A.his} {side} hand and ~shake {B.his} hand
@both
~shake hands
~shake {side} hands
~clasp {side} hands and ~shake them
@start
(~offer|~hold out|~put out|~extend) {A.his}[ {side}] hand
@answer
(~take|~grasp|~accept) it
@noun
handshake
@units
shakes
@limb
hand
"""
_SHAKE = 0.34  # seconds a shake


def play(stage: Stage, begin: float) -> float:
    random, side, count, size = stage.random("handshake"), stage.side, stage.count, stage.manner.size
    late = stage.late(0.35, 0.5)  # between the offer and the answer
    level = 0.36 + float(random.uniform(-0.05, 0.08))
    meet = begin + 0.1 + late + 0.62
    shaking = meet + 0.12
    still = shaking + _SHAKE * count
    part = still + 0.2

    def shake(times: np.ndarray) -> np.ndarray:
        up = 0.034 * size * oscillation(times, shaking, still, count)
        return np.stack([0.0 * up, up, 0.12 * up], axis=-1)

    grip = Meeting((side, side), level, fingers=(0.0, -0.1, 1.0), palm=(1.0, 0.0, 0.0), motion=shake)
    clasp(stage, grip, meet, part, duration=0.62, early=late)
    for person in stage.people:
        person.pulse("pitch", 0.08 * size**0.5, meet - 0.7, meet, part + 0.6)
        person.pulse("nod", 0.1, shaking, shaking + 0.25, shaking + 0.6)
    for number in range(count):
        stage.label("shake", shaking + number * _SHAKE, shaking + (number + 1) * _SHAKE, stage.actor, f"{side}_palm")
    return part + 0.6 * stage.manner.effort + 0.35


KIND = Kind("handshake", play, Arrangement(0.92), WORDS, "greeting", mutual=True, counts=(2, 3, 4))
