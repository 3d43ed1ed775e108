"""Side by side, one arm round the other's shoulders, the free hands up in a sign, they look ahead and hold still."""

from vimotion.choreography.gestures import lay_hand, opposite
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import ahead
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import Held

WORDS = """
@do
~pose for a picture with {B.obj}
~put {A.his}[ {side}] arm round {B's} shoulders and ~make a V sign
~stand next to {B.obj} for a photo
@both
~pose for a (picture|photo)
~stand side by side and ~make V signs
~pose together and ~make V signs for the camera
@start
~put {A.his}[ {side}] arm round {B's} shoulders
@answer
~make a V sign
@noun
pose for a (picture|photo)
group photo
"""


def play(stage: Stage, begin: float) -> float:
    actor, other, side = stage.actor, stage.other, stage.side
    free = opposite(side)
    random = stage.random("pose")
    posed = begin + 0.9 * stage.manner.effort
    leave = posed + float(random.uniform(1.4, 2.0))
    lay_hand(
        stage,
        actor,
        side,
        f"{side}_shoulder_back",
        posed,
        leave,
        fingers=(0.9, 0.1, 0.3),
        elbow=(0.3, -0.2, -1.0),
        duration=0.8,
        arc=(0.0, 0.1, -0.3),
    )
    sign = Held((0.30, 0.02, 0.32), (0.05, 1.0, 0.1), (0.0, 0.0, 1.0), elbow=(0.7, -1.0, 0.0))
    for person, hand, late in ((actor, free, 0.0), (other, side, stage.late(0.1, 0.3))):
        person.reach(hand, posed + late, sign, 0.6)
        person.release(hand, leave + late, 0.65)
        inwards = stage.sign if person is actor else -stage.sign
        person.key("tilt", (posed - 0.4, 0.0), (posed, -0.12 * inwards), (leave, -0.12 * inwards), (leave + 0.5, 0.0))
        person.key("roll", (posed - 0.4, 0.0), (posed, -0.05 * inwards), (leave, -0.05 * inwards), (leave + 0.5, 0.0))
        person.look(begin, ahead(0.1), 0.4)
        person.look(leave + 0.2, stage.eyes(person), 0.4)
    stage.label("pose", posed, leave, actor, f"{side}_palm")
    return leave + 0.65 * stage.manner.effort + 0.5


KIND = Kind("pose_for_picture", play, Arrangement(-0.03, 0.44, 0.0, handed=True), WORDS, "company", mutual=True)
