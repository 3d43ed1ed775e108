"""The other punches; the actor blocks the blow with a forearm and punches back at the other's chest, who staggers."""

from vimotion.choreography.gestures import opposite, punch, raise_fists
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.reactions import stagger
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import Held, guard

WORDS = """
@do
~block {B's} punch and ~punch back[ with the {side} fist]
~block {B.obj} and ~counter[ with the {side} fist]
~fend off {B's} punch and ~strike back[ with the {side} hand]
@answer
~stagger[ back]
~take the (counterpunch|counter)
@noun
block and counter
counterattack
@limb
fist
@seen
~punch at {A.obj} and ~get a punch back
~attack {A.obj} but ~get blocked and countered
"""


def play(stage: Stage, begin: float) -> float:
    actor, other, side, size = stage.actor, stage.other, stage.side, stage.actor.manner.size
    arm = opposite(side)  # the actor blocks with one arm and strikes with the other
    up = begin + 0.45
    hit = up + 0.6
    counter = hit + 0.55
    leave = counter + 0.5
    for person in stage.people:
        raise_fists(person, up + 0.08 * person.index, exact=True)
    shield = Held((0.05, 0.16, 0.50), (-0.2, 0.95, 0.2), (-0.4, 0.0, 0.9), elbow=(0.8, -0.9, 0.0))
    actor.reach(arm, hit, shield, 0.3, exact=True)
    punch(stage, other, side, hit, f"{arm}_forearm", 0.3)
    other.reach(side, hit + 0.42, guard(other.manner.size, low=0.1), 0.36, exact=True)
    punch(stage, actor, side, counter, "chest", 0.2)
    near = max(stage.distance() - 0.86 * stage.size, 0.02)
    actor.feet.lunge(1 - stage.foot, counter - 0.5, near, ahead=0.18, duration=0.45)
    turn = 0.3 * size**0.5 * stage.sign
    actor.key("twist", (hit, 0.0), (counter - 0.22, -0.6 * turn), (counter, turn), (counter + 0.5, 0.0))
    other.key("twist", (hit - 0.5, 0.0), (hit - 0.3, -0.2 * stage.sign), (hit, 0.25 * stage.sign), (hit + 0.4, 0.0))
    stagger(other, counter + 0.02, 0.8 * size**0.5)
    actor.drop_hands(leave)
    actor.feet.step(leave + 0.1, forward=-0.15, duration=0.8)
    stage.label("block", hit - 0.3, hit + 0.2, actor, f"{arm}_palm")
    stage.label("punch", counter - 0.25, counter, actor, f"{side}_palm")
    return leave + 1.1


KIND = Kind("block_counter", play, Arrangement(0.95), WORDS, "conflict")
