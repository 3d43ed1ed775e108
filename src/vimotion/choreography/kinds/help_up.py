"""The other sits; the actor bends down, takes the other's arm with both hands and helps the other to stand up."""

from vimotion.choreography.gestures import hold_out, lay_hand, opposite
from vimotion.choreography.kind import Arrangement, Kind, Postures
from vimotion.choreography.performer import at_head
from vimotion.choreography.stage import Stage

WORDS = """
@do
~help {B.obj} up
~pull {B.obj} up by the arm[ with the {side} hand]
~help {B.obj} to {B.his} feet
~take {B's} arm with {A.his} {side} hand and ~help {B.him} up
@answer
(~stand up|~get up)
~rise to {B.his} feet
@noun
helping hand
@seen
~be (helped|pulled) up by {A.obj}
"""


def play(stage: Stage, begin: float) -> float:
    actor, other, side = stage.actor, stage.other, stage.side
    arm = opposite(side)  # the other's arm that lies before the actor's `side` hand
    ground = other.posture == "ground"
    touch = begin + 0.3 + 0.75 * actor.manner.effort
    hold_out(arm, other, touch - 0.1, (0.0, -0.10, 0.75) if ground else (0.0, -0.32, 0.62))
    rise = touch + 0.35
    up = other.rise(rise, 1.5 if ground else 1.25)
    leave = up + 0.15
    lay_hand(stage, actor, side, f"{arm}_forearm", touch, leave, fingers=(-0.7, 0.1, 0.7), duration=0.7)
    lay_hand(stage, actor, arm, f"{arm}_elbow", touch + 0.1, leave, fingers=(-0.4, 0.2, 0.9), duration=0.7)
    deep = 0.7 if ground else 0.40
    for channel, value in (("hinge", deep), ("pitch", 0.5 * deep), ("up", -0.45 * deep)):
        actor.key(channel, (touch - 0.8, 0.0), (touch, value), (rise + 0.2, value), (up, 0.05 * value), (up + 0.5, 0.0))
    actor.feet.step(rise + 0.35, forward=-0.34 if ground else -0.18, duration=0.9)
    other.release(arm, leave + 0.05, 0.65)
    other.release(opposite(arm), rise + 0.3, 0.9)
    actor.look(begin, at_head(other.index), 0.3)
    stage.label("help up", touch, up, actor, f"{side}_palm")
    stage.label("rise", rise, up, other, "pelvis")
    for person in stage.people:
        person.pulse("nod", 0.12, leave + 0.2, leave + 0.45, leave + 0.8)
    return leave + 0.9


_POSTURES: Postures = (("stand", "chair"), ("stand", "ground"))
_BESIDE = Arrangement(0.88, 0.42, -2.7, handed=True)  # before the arm that is taken
KIND = Kind("help_up", play, _BESIDE, WORDS, "help", postures=_POSTURES, after=("stand", "stand"))
