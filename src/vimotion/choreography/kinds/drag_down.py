"""The actor holds the other's forearm, stumbles and falls, and drags the other down."""

from vimotion.choreography.gestures import hold_out, opposite
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import ahead, at_head
from vimotion.choreography.reactions import fall
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import Held, OnBody

WORDS = """
@do
~drag {B.obj} down by the forearm
~hold on to {B's} forearm, ~stumble and ~drag {B.him} down
~grab {B's} arm with {A.his} {side} hand and ~pull {B.him} down
~pull {B.obj} down[ with the {side} hand]
@answer
~go down too
~stumble and ~go down too
@noun
fall with a grip on the arm
stumble that drags the other down
@limb
hand
@seen
~be (dragged|pulled) down by {A.obj}
"""


def play(stage: Stage, begin: float) -> float:
    actor, other, side = stage.actor, stage.other, stage.side
    held = opposite(side)
    touch = begin + 0.2 + 0.55 * actor.manner.effort
    hold_out(held, other, touch - 0.1)
    actor.reach(side, touch, OnBody(other.index, f"{held}_forearm", fingers=(-0.6, -0.2, 0.8)), 0.5)
    trip = touch + 0.5
    down = fall(actor, trip, 1.35, hands=(held,))
    # the other is drawn after the arm: a step, then down onto bent knees with the free hand towards the ground
    other.feet.step(trip + 0.25, forward=0.44, duration=0.75)
    for channel, value in (("pitch", 0.45), ("hinge", 0.42), ("up", -0.36), ("nod", -0.15)):
        other.key(channel, (trip + 0.25, 0.0), (down + 0.1, value), (down + 0.7, 0.92 * value))
    other.key("forward", (trip + 0.3, 0.0), (down, -0.06))
    other.reach(held, down, Held((-0.05, -0.52, 0.78), pronation=0.8), 0.9, exact=True)
    other.reach(side, down + 0.1, OnBody(other.index, f"{side}_knee", fingers=(-0.1, -0.3, 0.9)), 0.8, exact=True)
    other.look(trip, ahead(down=2.6), 0.3)
    actor.look(trip, at_head(other.index), 0.3)
    stage.label_contact(touch, down, actor, f"{side}_palm", f"{held}_forearm")
    stage.label("fall", trip, down, actor, "pelvis")
    stage.label("dragged", trip + 0.25, down + 0.1, other, "pelvis")
    return down + 0.9


KIND = Kind("drag_down", play, Arrangement(0.78), WORDS, "mishap", ends=True)
