"""Both raise both hands before their heads, step forward and clap each other's hands."""

from vimotion.choreography.gestures import claps, opposite
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import at_head
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import SIDES, Held, Meeting

WORDS = """
@do
~clap both hands with {B.obj}
~clap both hands against {B's} hands
~step forward with both hands raised and ~clap {B's} hands
@both
~clap each other's hands
~raise both hands and ~clap them together
~step forward and ~clap both hands
@start
~raise both hands before {A.his} head
@answer
~raise both hands too
@noun
two-handed clap
clap of both hands
@units
claps
"""
_PRESS = 0.14


def play(stage: Stage, begin: float) -> float:
    size, effort, late = stage.manner.size, stage.manner.effort, stage.late(0.15, 0.3)
    raised = begin + 0.15 + 0.6 * effort + late
    near = max((stage.distance() - 0.88 * stage.size) / 2.0, 0.02)
    stepped = raised + 0.75
    hit, back = 0.26 * effort, 0.24 * effort
    touches = [stepped + 0.1 + number * (hit + back + _PRESS) for number in range(stage.count)]
    leave = touches[-1] + _PRESS
    ready = Held((0.02, 0.30, 0.42 - 0.05 * size), (0.05, 1.0, 0.0), (0.0, 0.0, 1.0), elbow=(0.8, -0.8, 0.0))
    for person, wait in ((stage.actor, late), (stage.other, 0.0)):
        person.feet.step(raised + 0.05, forward=near, duration=0.75)
        for side in SIDES:
            hands = stage.hands(side, opposite(side)) if person is stage.actor else stage.hands(opposite(side), side)
            clap = Meeting(hands, 1.15, fingers=(0.0, 1.0, 0.05), palm=(0.0, 0.0, 1.0), elbow=(0.8, -0.7, 0.0))
            person.reach(side, raised - wait, ready, 0.6)
            claps(person, side, clap, ready, touches, _PRESS, back)
        person.drop_hands(leave)
        for at in touches:
            person.pulse("pitch", 0.06 * size, at - hit, at, at + 0.4)
        person.look(begin, at_head(1 - person.index), 0.3)
        person.feet.step(leave + 0.2, forward=-near, duration=0.9)
    for at in touches:
        for side in SIDES:
            stage.label_contact(at, at + _PRESS, stage.actor, f"{side}_palm", f"{opposite(side)}_palm")
        stage.label("clap", at - hit, at + _PRESS, stage.actor, "right_palm")
    return leave + 1.2


KIND = Kind("clap_hands", play, Arrangement(1.3), WORDS, "praise", mutual=True, sided=False, counts=(1, 2, 3))
