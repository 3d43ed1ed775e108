"""The actor steps close, hands on the other's arms, and kisses the other's cheek."""

from vimotion.choreography.gestures import lay_hand, opposite
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import at_head
from vimotion.choreography.stage import Stage

WORDS = """
@do
~kiss {B.obj} on the[ {side}] cheek
~kiss {B's}[ {side}] cheek
~give {B.obj} a kiss on the cheek
~step close and ~kiss {B.obj} on the[ {side}] cheek
@noun
kiss on the cheek
@seen
~be kissed on the cheek by {A.obj}
"""


def play(stage: Stage, begin: float) -> float:
    actor, other, side = stage.actor, stage.other, stage.side
    near = max(stage.distance() - 0.68 * stage.size, 0.02)
    stepped = actor.feet.step(begin + 0.15, forward=near, duration=0.85)
    kiss = stepped + 0.35 + 0.25 * actor.manner.effort
    leave = kiss + 0.45
    for hand in ("left", "right"):
        lay_hand(
            stage, actor, hand, f"{opposite(hand)}_upper_arm", stepped, leave, fingers=(0.2, 0.3, 0.9), elbow=(0.8, -0.8, -0.2)
        )
    actor.key("nod", (kiss - 0.5, 0.0), (kiss, -0.2), (leave, -0.2), (leave + 0.6, 0.0))
    actor.touch("mouth", f"{side}_cheek", kiss, kiss + 0.3, duration=0.6, apart=0.04)
    for person, sign in ((actor, -1.0), (other, 1.0)):
        person.key(
            "tilt",
            (kiss - 0.5, 0.0),
            (kiss, 0.14 * sign * stage.sign),
            (kiss + 0.3, 0.14 * sign * stage.sign),
            (leave + 0.4, 0.0),
        )
    other.key("turn", (kiss - 0.5, 0.0), (kiss, 0.95 * stage.sign), (kiss + 0.3, 0.95 * stage.sign), (leave + 0.5, 0.0))
    actor.look(begin, at_head(other.index), 0.3)
    stage.label("contact", kiss, kiss + 0.3, actor, "head", "head")
    stage.label("kiss", kiss - 0.3, kiss + 0.3, actor, "head")
    actor.feet.step(leave + 0.1, forward=-near, duration=0.9)
    other.pulse("shrug", 0.12, leave, leave + 0.4, leave + 1.0)
    other.pulse("nod", 0.15, leave, leave + 0.4, leave + 1.0)
    return leave + 1.3


KIND = Kind("kiss_cheek", play, Arrangement(0.85), WORDS, "affection")
