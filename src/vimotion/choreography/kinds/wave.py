"""The actor raises a hand and waves it `count` times; the other looks and nods."""

import numpy as np

from vimotion.choreography.curves import oscillation
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import Held

WORDS = """
@do
~wave to {B.obj}[ with the {side} hand]
~wave at {B.obj}[ with the {side} hand]
~raise {A.his} {side} hand and ~wave to {B.obj}
~lift {A.his} {side} arm and ~wave at {B.obj}
@answer
~nod
~look and ~nod
@noun
wave
@units
waves
@limb
hand
@seen
~be waved at by {A.obj}
~be greeted by {A.obj} with a wave
"""
_WAVE = 0.58  # seconds that a hand takes to swing there and back


def play(stage: Stage, begin: float) -> float:
    actor, other, side, count, size = stage.actor, stage.other, stage.side, stage.count, stage.actor.manner.size
    raised = begin + 0.15 + 0.62 * actor.manner.effort
    waved = raised + _WAVE * count

    def swing(times: np.ndarray) -> np.ndarray:
        out = 0.12 * size * oscillation(times, raised, waved, count)
        return np.stack([out, -0.25 * np.abs(out), 0.0 * out], axis=-1)

    high = Held((0.28, 0.16 + 0.24 * size, 0.42), (0.12, 1.0, 0.05), (0.0, 0.0, 1.0), elbow=(0.9, -0.7, -0.2), motion=swing)
    start = actor.reach(side, raised, high, 0.62)
    actor.pulse("roll", 0.05 * stage.sign * size, start, raised, waved + 0.6)
    actor.pulse("chest", -0.05 * size, start, raised, waved + 0.5)
    actor.rest_hand(side, waved + 0.05, 0.7)
    notice = raised + 0.25 + other.manner.lag
    other.pulse("nod", 0.14, notice, notice + 0.3, notice + 0.75)
    other.pulse("chest", -0.05, notice, notice + 0.4, waved + 0.6)
    other.pulse("side", 0.03 * (1.0 if other.habits.lean_on < 0 else -1.0), notice, notice + 0.7, waved + 0.8)
    for number in range(count):
        stage.label("wave", raised + number * _WAVE, raised + (number + 1) * _WAVE, actor, f"{side}_palm")
    return waved + 0.7 * actor.manner.effort + 0.4


KIND = Kind("wave", play, Arrangement(1.7), WORDS, "greeting", counts=(2, 3, 4))
