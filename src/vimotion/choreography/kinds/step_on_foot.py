"""The actor steps forward onto the other's foot; the other looks down, winces and draws the foot back."""

from vimotion.choreography.gait import LEFT, RIGHT, heading
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import ahead
from vimotion.choreography.reactions import flinch
from vimotion.choreography.stage import Stage

WORDS = """
@do
~step on {B's} foot[ with the {side} foot]
~tread on {B's} (foot|toes)[ with the {side} foot]
~lift {A.his} {side} foot and ~step on {B's} foot
@answer
~wince
~draw {B.his} foot back
@noun
step on the foot
@limb
foot
@seen
~have {B.his} foot stepped on by {A.obj}
"""


def play(stage: Stage, begin: float) -> float:
    actor, other, side, size = stage.actor, stage.other, stage.side, stage.actor.manner.size
    # the other's foot that lies before the actor's one
    foot, under = (RIGHT, LEFT) if side == "right" else (LEFT, RIGHT)
    toes = other.feet.standing(under)
    toes[:2] += 0.10 * stage.size * heading(toes[2])[0]
    actor.look(begin, ahead(down=2.0), 0.3)
    near = max(stage.distance() - 0.62 * stage.size, 0.0)
    down = actor.feet.lunge(foot, begin + 0.3, near + 0.08, duration=0.7, height=0.075, onto=toes)
    leave = down + 0.7
    actor.feet.step(leave, forward=-near - 0.2, duration=0.9)
    actor.pulse("pitch", 0.06 * size, begin + 0.3, down, leave)
    flinch(other, down, 0.7 * size, 0.0)
    other.key("hinge", (down, 0.0), (down + 0.3, 0.3), (leave + 0.6, 0.0))
    other.look(down + 0.05, ahead(down=3.0), 0.25)
    other.feet.kick(under, leave + 0.65, ahead=-0.05, height=0.25, pitch=0.5, before=0.3, after=0.6, out=0.1)
    for person in stage.people:
        person.look(leave + 0.5, stage.eyes(person), 0.35)
    stage.label("contact", down, leave, actor, f"{side}_foot", f"{'left' if side == 'right' else 'right'}_foot")
    stage.label("step", begin + 0.3, down, actor, f"{side}_foot")
    return max(actor.feet.free, other.feet.free) + 0.3


KIND = Kind("step_on_foot", play, Arrangement(0.80), WORDS, "teasing")
