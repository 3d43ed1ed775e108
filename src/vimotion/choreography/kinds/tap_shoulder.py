"""From behind the actor taps the other's shoulder; the other turns round to look."""

import numpy as np

from vimotion.choreography.gestures import pats
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import ahead, at_head
from vimotion.choreography.stage import Stage

WORDS = """
@do
~tap {B.obj} on the shoulder[ with the {side} hand]
~tap {B's} shoulder[ from behind][ with the {side} hand]
~reach out with {A.his} {side} hand and ~tap {B's} shoulder
@answer
~turn (round|around)
~turn to {A.obj}
@noun
tap on the shoulder
@units
taps
@limb
hand
@seen
~be tapped on the shoulder by {A.obj}
"""


def play(stage: Stage, begin: float) -> float:
    actor, other, side = stage.actor, stage.other, stage.side
    touch = begin + 0.2 + 0.7 * actor.manner.effort
    touches = pats(stage, actor, side, f"{side}_shoulder_back", touch, "tap", period=0.32, press=0.09, height=0.06,
                   fingers=(-0.1, 0.7, 0.7), elbow=(0.5, -0.9, -0.2))  # fmt: skip
    leave = touches[-1] + 0.1
    turn = leave + 0.2 + other.manner.lag
    other.look(begin - 1.0, ahead(0.3), 0.2)
    other.key("turn", (turn - 0.25, 0.0), (turn + 0.1, -0.7 * stage.sign), (turn + 0.9, 0.0))
    end = other.feet.step(turn, turn=-0.92 * np.pi * stage.sign)
    other.look(turn + 0.5, at_head(actor.index), 0.4)
    actor.look(begin, at_head(other.index), 0.2)
    actor.feet.step(leave + 0.2, forward=-0.12, duration=0.8)
    for person in stage.people:
        person.pulse("nod", 0.15, end, end + 0.25, end + 0.6)
    stage.label("turn", turn, end, other)
    return end + 0.7


KIND = Kind("tap_shoulder", play, Arrangement(-0.55, 0.0, 0.0), WORDS, "talk", counts=(2, 3))
