"""The actor opens the arms, the other answers, they step together, hold each other and part."""

from vimotion.choreography.gestures import lay_hand, opposite
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import ahead
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import SIDES, Held

WORDS = """
@do
(~hug|~embrace) {B.obj}
~give {B.obj} a hug
~take {B.obj} in {A.his} arms
~put {A.his} arms around {B.obj}, the {side} arm on top
@both
(~hug|~embrace)
~hug each other
~take each other in their arms
@start
(~open|~spread) {A.his} arms
~stretch out {A.his} arms, the {side} one higher
@answer
~come into the embrace
@noun
(hug|embrace)
"""


def play(stage: Stage, begin: float) -> float:
    random, side, size, effort = stage.random("hug"), stage.side, stage.manner.size, stage.manner.effort
    under, late = opposite(side), stage.late(0.3, 0.4)
    near = 0.38 - 0.03 * size + 0.55 * stage.manner.pitch  # bent backs need room
    close = (stage.distance() - near * stage.size) / 2.0
    opened = begin + 0.15 + late + 0.45
    step = opened - 0.1
    joined = step + 0.84
    embrace = joined + 0.22
    part = joined + 0.25 + float(random.uniform(0.9, 1.2))
    wide = Held((0.62, -0.28 + 0.1 * size, 0.42), (0.5, 0.2, 0.8), (-0.6, 0.2, 0.6), elbow=(0.8, -0.8, -0.2))
    for person, wait in ((stage.actor, late), (stage.other, 0.0)):
        for hand in SIDES:
            person.reach(hand, opened - wait, wide, 0.5)
        person.feet.step(step + 0.02 * person.index, forward=close, duration=0.84)
        lay_hand(stage, person, side, f"{under}_upper_back", embrace, part, fingers=(-0.6, 0.5, 0.3), elbow=(0.9, -0.1, 0.2))
        lay_hand(stage, person, under, "middle_back", embrace + 0.06, part, fingers=(-0.8, 0.3, 0.2), elbow=(0.9, -0.6, -0.1))
        # heads go aside from the arm on top
        person.hold(joined - 0.45, embrace, part, part + 0.6, pitch=0.10 + 0.05 * size, roll=0.10 * stage.sign,
                    side=0.035 * stage.sign, tilt=0.16 * stage.sign, nod=0.12)  # fmt: skip
        rock = 0.03 * size if person.index == 0 else -0.03 * size
        person.key("roll", (embrace, 0.0), (embrace + 0.4, rock), ((embrace + part) / 2.0 + 0.1, -rock), (part, 0.0))
        person.look(joined - 0.5, ahead(down=0.5), 0.5)
        person.look(part + 0.2, stage.eyes(person), 0.5)
        person.feet.step(part + 0.1, forward=-close, duration=0.9)
    stage.label("hug", joined, part, stage.actor, f"{side}_palm")
    return part + max(1.0, 0.79 * effort) + 0.3


KIND = Kind("hug", play, Arrangement(0.82), WORDS, "affection", mutual=True)
