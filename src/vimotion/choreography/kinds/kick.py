"""The actor kicks at the other's leg with the foot of the `side`; the other flinches and steps back."""

from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import ahead
from vimotion.choreography.reactions import flinch
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import SIDES, guard

WORDS = """
@do
~kick {B.obj}[ with the {side} (leg|foot)]
~give {B.obj} a kick[ with the {side} foot]
~kick {B.obj} in the leg[ with the {side} foot]
~swing {A.his} {side} leg and ~kick {B's} leg
@answer
~step back
~flinch and ~step back
@noun
kick
kick in the leg
@limb
(leg|foot)
@seen
~be kicked[ in the leg] by {A.obj}
"""


def play(stage: Stage, begin: float) -> float:
    actor, other, side, size = stage.actor, stage.other, stage.side, stage.actor.manner.size
    hit = begin + 0.35 + 0.45 * actor.manner.effort**0.5
    for hand in SIDES:
        actor.reach(hand, hit - 0.2, guard(0.6 * size, low=0.15), 0.4)
        actor.release(hand, hit + 0.5, 0.6)
    actor.look(begin, ahead(down=2.2), 0.3)
    reach = 0.84 * stage.distance()
    end = actor.feet.kick(stage.foot, hit, ahead=reach, height=0.30 + 0.12 * size, out=0.08, pitch=-0.17, before=0.5, after=0.6)
    actor.key("pitch", (hit - 0.5, 0.0), (hit, -0.22 * size**0.5), (hit + 0.6, 0.0))
    actor.key("forward", (hit - 0.4, 0.0), (hit, -0.05), (hit + 0.5, 0.0))
    actor.pulse("up", -0.03, hit - 0.5, hit, hit + 0.6)
    flinch(other, hit, 0.8 * size, -stage.sign)
    other.key("hinge", (hit, 0.0), (hit + 0.25, 0.3 * size), (hit + 1.0, 0.0))
    other.feet.step(hit + 0.08, forward=-0.22 * size, duration=0.8)
    other.look(hit + 0.05, ahead(down=2.5), 0.25)
    for person in stage.people:
        person.look(hit + 0.8, stage.eyes(person))
    stage.label("kick", hit - 0.5, hit + 0.1, actor, f"{side}_foot")
    stage.label("contact", hit - 0.03, hit + 0.05, actor, f"{side}_foot", f"{'left' if side == 'right' else 'right'}_knee")
    return max(end, other.feet.free) + 0.4


KIND = Kind("kick", play, Arrangement(0.92), WORDS, "conflict")
