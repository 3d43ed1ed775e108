"""The actor, beside and a little behind, pats the other's back `count` times; the other turns to look, and nods."""

import numpy as np

from vimotion.choreography.curves import bump
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import ahead, at_head
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import Held, OnBody

WORDS = """
@do
~pat {B.obj} on the back[ with the {side} hand]
~pat {B's} back[ with the {side} hand]
~put {A.his} {side} hand on {B's} back and ~pat it
@answer
~turn {B.his} head to look
~look round
@noun
pat on the back
@units
pats
@limb
hand
@seen
~be patted on the back by {A.obj}
"""
_PAT, _PRESS = 0.42, 0.12  # seconds from pat to pat, and that the hand stays on the back


def play(stage: Stage, begin: float) -> float:
    actor, other, side, size, effort = stage.actor, stage.other, stage.side, stage.actor.manner.size, stage.actor.manner.effort
    touch = begin + 0.2 + 0.6 * effort
    touches = [touch + number * _PAT for number in range(stage.count)]

    def lift(times: np.ndarray) -> np.ndarray:
        height = np.zeros_like(times)
        for start in touches[:-1]:
            height += 0.115 * size * bump((times - start - _PRESS) / (_PAT - _PRESS)) ** 0.7
        return height

    near = "left" if side == "right" else "right"
    place = f"{near}_upper_back"
    back = OnBody(other.index, place, (0.8, 0.45, 0.2), elbow=(0.5, -0.7, -0.5), lift=lift)
    behind = Held((0.45, -0.25, 0.12 - 0.1 * size), (0.5, 0.3, 0.8), (0.2, 0.1, 1.0), elbow=(0.4, -0.6, -0.7))
    actor.look(begin - 0.2, at_head(other.index), 0.4)
    actor.reach(side, touch - 0.24 * effort, behind, 0.36)
    actor.reach(side, touch, back, 0.24)
    leave = touches[-1] + _PRESS
    actor.release(side, leave, 0.75)
    for start in touches:
        other.pulse("pitch", 0.045 * size, start - 0.02, start + 0.12, start + 0.38)
        stage.label_contact(start, start + _PRESS, actor, f"{side}_palm", place)
        stage.label("pat", start - 0.12, start + _PRESS, actor, f"{side}_palm")
    other.look(begin - 1.2, ahead(0.5), 0.2)
    other.look(touch + 0.25 + other.manner.lag, at_head(actor.index), 0.45)
    other.pulse("twist", 0.35 * stage.sign, touch + 0.2, touch + 0.7, leave + 1.1)
    other.pulse("nod", 0.16, leave, leave + 0.3, leave + 0.7)
    return leave + 0.75 * effort + 0.5


KIND = Kind("pat_back", play, Arrangement(-0.16, 0.5, -0.5, handed=True), WORDS, "praise", counts=(2, 3, 4))
