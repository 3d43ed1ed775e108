"""The actor points a finger at the other, who draws back a little."""

import numpy as np

from vimotion.choreography.curves import oscillation
from vimotion.choreography.kind import Arrangement, Kind, Postures
from vimotion.choreography.performer import at_head
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import Held

WORDS = """
@do
~point at {B.obj}[ with the {side} hand]
~point {A.his} finger at {B.obj}
~raise {A.his} {side} arm and ~point at {B.obj}
~stretch out {A.his} {side} arm and ~point a finger at {B.obj}
@answer
~draw back[ a little]
~lean back[ a little]
@noun
pointing finger
pointing gesture
@limb
hand
@seen
~be pointed at by {A.obj}
"""


def play(stage: Stage, begin: float) -> float:
    actor, other, side, size = stage.actor, stage.other, stage.side, stage.actor.manner.size
    there = begin + 0.2 + 0.6 * actor.manner.effort
    leave = there + float(stage.random("point").uniform(0.9, 1.4))

    def jab(times: np.ndarray) -> np.ndarray:
        on = 0.045 * size * oscillation(times, there + 0.1, leave, 2)
        return np.stack([0.0 * on, 0.3 * on, on], axis=-1)

    finger = Held((-0.08, -0.03, 0.88), (-0.05, 0.05, 1.0), (-0.2, -1.0, 0.0), elbow=(0.5, -0.8, 0.0), motion=jab)
    actor.reach(side, there, finger, 0.6)
    actor.rest_hand(side, leave, 0.65)
    actor.pulse("pitch", 0.08 * size, there - 0.4, there, leave + 0.4)
    actor.key(
        "twist", (there - 0.4, 0.0), (there, 0.14 * size * stage.sign), (leave, 0.14 * size * stage.sign), (leave + 0.5, 0.0)
    )
    actor.look(begin, at_head(other.index), 0.2)
    other.key("pitch", (there, 0.0), (there + 0.35, -0.09 * size), (leave, -0.07 * size), (leave + 0.7, 0.0))
    other.pulse("nod", -0.08, there, there + 0.3, leave + 0.4)
    stage.label("point", there, leave, actor, f"{side}_palm")
    return leave + 0.65 * actor.manner.effort + 0.3


_POSTURES: Postures = (("stand", "stand"), ("stand", "chair"), ("chair", "chair"), ("ground", "ground"))
KIND = Kind("point_at", play, Arrangement(1.35), WORDS, "conflict", postures=_POSTURES)
