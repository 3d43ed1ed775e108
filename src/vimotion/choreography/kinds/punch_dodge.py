"""The actor steps in and punches at the other's head `count` times; the other ducks away under each blow."""

from vimotion.choreography.curves import strike
from vimotion.choreography.gestures import raise_fists
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.reactions import duck
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import WhereItWas, drawn_fist, guard

WORDS = """
@do
~punch at {B.obj}[ with the {side} fist]
~swing {A.his} {side} fist at {B.obj}
~throw a punch at {B.obj}[ with the {side} hand]
~try to hit {B.obj} with {A.his} {side} fist
@answer
(~duck|~dodge)
~duck under the (punch|fist){?1}
~duck away from the (punch|fist)
@noun
punch
@units
punches
@limb
fist
@seen
~be attacked by {A.obj} with {A.his}[ {side}] fist
"""


def play(stage: Stage, begin: float) -> float:
    actor, other, side, size, effort = stage.actor, stage.other, stage.side, stage.actor.manner.size, stage.actor.manner.effort
    begin += 0.15
    up = begin + 0.5 * effort
    raise_fists(actor, up)
    raise_fists(other, up + 0.25, low=0.12)
    actor.feet.lunge(1 - stage.foot, begin + 0.1, 0.2, ahead=0.2, duration=0.5)
    turn = 0.32 * size**0.5 * stage.sign
    period = 1.0 + 0.1 * effort
    hits = [max(up, begin + 0.6) + 0.42 + number * period for number in range(stage.count)]
    for hit in hits:
        draw = hit - 0.38 * effort
        actor.reach(side, draw, drawn_fist(size), 0.34)
        actor.reach(side, hit, WhereItWas(other.index, "head", hit - 0.45), 0.38, profile=strike)
        actor.reach(side, hit + 0.5 * effort + 0.1, guard(size), 0.4)
        actor.key("twist", (draw - 0.2, 0.0), (draw, -0.6 * turn), (hit, turn), (hit + 0.5, 0.0))
        actor.pulse("pitch", 0.1 * size, draw, hit, hit + 0.55)
        duck(other, hit, size, stage.sign)
        stage.label("punch", draw, hit, actor, f"{side}_palm")
        stage.label("duck", hit - 0.3, hit + 0.45, other, "head")
    leave = hits[-1] + 0.65
    for person in stage.people:
        person.drop_hands(leave + 0.1 * person.index, 0.6)
        person.look(leave, stage.eyes(person))
        person.feet.step(leave + 0.05 * person.index, forward=-0.14, duration=0.8)
    return leave + 1.15


KIND = Kind("punch_dodge", play, Arrangement(1.08), WORDS, "conflict", counts=(1, 2))
