"""With braced feet they clasp hands and push and pull until the actor draws the other off balance."""

import numpy as np

from vimotion.choreography.curves import minimum_jerk, oscillation
from vimotion.choreography.gestures import clasp
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.reactions import win
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import Meeting

WORDS = """
@do
~hand-wrestle with {B.obj}
~wrestle with {B.obj} by the {side} hand
~draw {B.obj} off balance in hand wrestling
~grip {B's} {side} hand and ~pull and ~push
@both
~hand-wrestle
~clasp {side} hands and ~wrestle
~grip each other's hand and ~pull and ~push
@start
~hold out {A.his}[ {side}] hand
@answer
~grip it
@noun
hand wrestling match
@limb
hand
"""


def play(stage: Stage, begin: float) -> float:
    actor, other, side, size = stage.actor, stage.other, stage.side, stage.manner.size
    clasped = begin + max(0.75, 0.2 + 0.7 * stage.manner.effort)
    won = clasped + 1.6
    towards = -1.0 if actor.index == 0 else 1.0  # the actor's own way, as `Meeting` counts it

    def wrestle(times: np.ndarray) -> np.ndarray:
        sway = 0.07 * size**0.5 * oscillation(times, clasped, won, 2)
        pull = 0.13 * minimum_jerk((times - won + 0.2) / 0.3) * minimum_jerk((won + 0.75 - times) / 0.5)
        return np.stack([0.5 * sway, 0.3 * sway, sway + towards * pull], axis=-1)

    grip = Meeting((side, side), 0.62, fingers=(0.3, 0.9, 0.4), palm=(1.0, 0.0, 0.1), motion=wrestle)
    clasp(stage, grip, clasped, won + 0.4)
    for person, sign in ((actor, size**0.5), (other, -(size**0.5))):
        person.feet.lunge(stage.foot, begin + 0.2, 0.02, ahead=0.18, duration=0.5)
        person.hold(begin + 0.2, clasped, won, won + 0.7, up=-0.07)
        for at, lean in ((clasped + 0.2, 0.10), (clasped + 0.7, -0.08), (clasped + 1.2, 0.10)):
            person.pulse("pitch", sign * lean, at - 0.3, at, at + 0.5)
    other.key("pitch", (won - 0.2, 0.0), (won + 0.15, 0.25), (won + 0.9, 0.0))
    other.feet.step(won + 0.05, forward=0.12, duration=0.8)
    actor.feet.step(won + 0.3, forward=-0.12, duration=0.8)
    win(actor, won + 0.3)
    stage.label("wrestle", clasped, won, actor, f"{side}_palm")
    return won + 1.4


KIND = Kind("hand_wrestling", play, Arrangement(0.90), WORDS, "contest", mutual=True)
