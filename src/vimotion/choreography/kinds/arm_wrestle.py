"""Both sit face to face, clasp hands over a table, strain to and fro, and the actor presses the other's hand down."""

import numpy as np

from vimotion.choreography.curves import minimum_jerk, oscillation
from vimotion.choreography.gestures import clasp
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.reactions import lose, win
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import Meeting

WORDS = """
@do
~arm-wrestle with {B.obj}
~grip {B's} {side} hand and ~arm-wrestle
~beat {B.obj} at arm wrestling
@both
~arm-wrestle
~clasp {side} hands and ~arm-wrestle
~push against each other's {side} hand in arm wrestling
@start
~set up {A.his}[ {side}] arm
@answer
~grip the hand
@noun
arm wrestling match
@limb
arm
"""


def play(stage: Stage, begin: float) -> float:
    actor, other, side, size = stage.actor, stage.other, stage.side, stage.manner.size
    clasped = begin + 0.2 + 0.7 * stage.manner.effort
    won = clasped + float(stage.random("arm_wrestle").uniform(1.6, 2.2))
    # the actor's own left, as `Meeting` counts it from person a
    inwards = stage.sign * (1.0 if actor.index == 0 else -1.0)

    def strain(times: np.ndarray) -> np.ndarray:
        aside = 0.045 * size**0.5 * oscillation(times, clasped + 0.2, won, 2)
        over = minimum_jerk((times - won) / 0.45) * minimum_jerk((won + 1.0 - times) / 0.45)
        return np.stack([inwards * (0.22 * over) + aside, -0.13 * over, 0.0 * over], axis=-1)

    grip = Meeting((side, side), 0.50, fingers=(0.2, 0.95, 0.3), palm=(1.0, 0.0, 0.1), motion=strain, elbow=(0.5, -1.0, 0.3))
    clasp(stage, grip, clasped, won + 0.5)
    for person in stage.people:
        person.key("pitch", (begin, 0.0), (clasped, 0.16), (won, 0.22), (won + 1.0, 0.0))
        own = inwards if person.index == 0 else -inwards
        person.key("roll", (won - 0.1, 0.0), (won + 0.45, 0.14 * own), (won + 0.7, 0.14 * own), (won + 1.2, 0.0))
    win(actor, won + 0.5)
    lose(other, won + 0.5)
    stage.label("wrestle", clasped, won + 0.45, actor, f"{side}_palm")
    return won + 0.6 + 0.7 * stage.manner.effort + 0.4


KIND = Kind("arm_wrestle", play, Arrangement(0.84), WORDS, "contest", mutual=True, postures=(("chair", "chair"),))
