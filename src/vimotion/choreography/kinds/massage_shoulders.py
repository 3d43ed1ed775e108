"""From behind the actor kneads the other's shoulders with both hands; the other rolls the head and lets go."""

from vimotion.choreography.gestures import knead
from vimotion.choreography.kind import Arrangement, Kind, Postures
from vimotion.choreography.performer import ahead
from vimotion.choreography.stage import Stage

WORDS = """
@do
~massage {B's} shoulders[ from behind]
~give {B.obj} a shoulder massage
~stand behind {B.obj} and ~massage {B.his} shoulders
~rub {B's} shoulders with both hands
@answer
~roll {B.his} head
@noun
shoulder massage
massage of the shoulders
@seen
~be massaged on the shoulders by {A.obj}
~get a shoulder massage from {A.obj}
"""


def play(stage: Stage, begin: float) -> float:
    actor, other = stage.actor, stage.other
    touch = begin + 0.2 + 0.75 * actor.manner.effort
    leave = touch + float(stage.random("massage").uniform(2.0, 2.8))
    knead(stage, actor, (("left", "left_shoulder_top"), ("right", "right_shoulder_top")), touch, leave,
          fingers=(0.0, 0.0, 1.0), elbow=(0.9, -0.5, -0.2))  # fmt: skip
    actor.look(begin, lambda view, own: view.positions[:, 1 - own, 12], 0.4)
    other.look(begin, ahead(0.5), 0.4)
    middle = (touch + leave) / 2.0
    other.key("tilt", (touch, 0.0), (touch + 0.6, 0.16), (middle + 0.3, -0.16), (leave, 0.0))
    other.key("nod", (touch, 0.0), (touch + 0.7, 0.22), (leave - 0.2, 0.18), (leave + 0.5, 0.0))
    other.pulse("shrug", -0.05, touch, middle, leave)
    other.key("chest", (touch, 0.0), (touch + 0.5, 0.05), (leave, 0.0))
    stage.label("massage", touch, leave, actor, "right_palm")
    return leave + 0.65 * actor.manner.effort + 0.3


_POSTURES: Postures = (("stand", "chair"), ("stand", "stand"))
KIND = Kind("massage_shoulders", play, Arrangement(-0.46, 0.0, 0.0), WORDS, "care", sided=False, postures=_POSTURES)
