"""The actor shoves the other's chest with both hands so hard that the other falls to the ground."""

from vimotion.choreography.gestures import shove
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import at_joint
from vimotion.choreography.reactions import fall
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import SIDES, Held

WORDS = """
@do
~knock {B.obj} (over|down|to the ground)
~push {B.obj} to the ground
~make {B.obj} fall with a push
~shove {B.obj} over with both hands
@answer
~fall[ down]
~fall to the ground
@noun
push to the ground
@seen
~be (knocked over|knocked down|pushed to the ground) by {A.obj}
"""


def play(stage: Stage, begin: float) -> float:
    actor, other, size = stage.actor, stage.other, stage.actor.manner.size
    near = stage.distance() - 0.64 * stage.size
    stepped = actor.feet.lunge(actor.habits.first_foot, begin + 0.2, near, ahead=0.22, duration=0.42 + 0.3 * near)
    hit = stepped + 0.02
    actor.look(begin, at_joint(other.index, "spine3"), 0.3)
    shove(stage, hit, 0.1)
    for side in SIDES:
        actor.reach(side, hit + 0.3, Held((-0.05, -0.12, 0.85), (0.1, 1.0, 0.3), (0.0, 0.0, 1.0)), 0.15, exact=True)
        actor.release(side, hit + 0.5, 0.7)
    actor.key("pitch", (hit - 0.45, 0.0), (hit - 0.2, -0.06 * size), (hit + 0.15, 0.24 * size**0.5), (hit + 0.9, 0.0))
    actor.pulse("forward", 0.08, hit - 0.1, hit + 0.2, hit + 0.9)
    down = fall(other, hit + 0.05)
    stage.label("fall", hit + 0.05, down, other, "pelvis")
    actor.look(hit + 0.3, lambda view, own: view.positions[:, 1 - own, 15], 0.3)
    actor.feet.step(hit + 0.6, forward=-0.08, duration=0.8)
    return down + 0.9


KIND = Kind("knock_over", play, Arrangement(0.78), WORDS, "conflict", sided=False, after=("stand", "ground"))
