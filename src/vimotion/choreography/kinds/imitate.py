"""The actor makes gestures with both arms, and the other copies each of them a moment later."""

from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import at_joint
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import SIDES, Held

WORDS = """
@do
~show {B.obj} gestures to (imitate|copy)
~make gestures that {B} copies
~move {A.his} arms for {B.obj} to (imitate|copy)
@answer
(~imitate|~copy) {A.him}
~do the same
@noun
game of imitation
@seen
(~imitate|~copy|~mirror) {A.obj}
~do everything that {A} does
"""
# (out, up, forward) of left and right hand: arms wide, hands over the head, one up and one aside, hands at the hips
_GESTURES = (
    ((0.85, 0.0, 0.15), (0.85, 0.0, 0.15)),
    ((0.15, 0.80, 0.20), (0.15, 0.80, 0.20)),
    ((0.30, 0.75, 0.20), (0.85, -0.05, 0.15)),
    ((0.30, -0.42, 0.10), (0.30, -0.42, 0.10)),
)


def play(stage: Stage, begin: float) -> float:
    random, effort = stage.random("imitate"), stage.manner.effort
    chosen = random.choice(len(_GESTURES), 3, replace=False)
    late = stage.late(0.55, 0.75)
    period = 0.75 + 0.35 * effort
    for person, wait in ((stage.actor, 0.0), (stage.other, late)):
        size = person.manner.size**0.4
        for number, gesture in enumerate(chosen):
            arrive = begin + 0.7 * effort + wait + number * period
            for side, at in zip(SIDES, _GESTURES[gesture], strict=True):
                person.reach(side, arrive, Held((at[0] * size, at[1] * size, at[2]), elbow=(0.8, -0.7, -0.3)), 0.6)
            stage.label("gesture", arrive - 0.5, arrive + 0.2, person)
        leave = begin + 0.7 * effort + wait + len(chosen) * period - 0.3
        for side in SIDES:
            person.release(side, leave, 0.7)
        person.pulse("pitch", 0.05, begin + wait, begin + wait + 0.8, leave)
    stage.other.look(begin, at_joint(stage.actor.index, "spine3"), 0.3)
    return leave + 0.7 * effort + 0.3


KIND = Kind("imitate", play, Arrangement(1.7), WORDS, "play", sided=False)
