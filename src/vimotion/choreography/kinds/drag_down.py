"""The actor holds the other's forearm, stumbles and falls, and drags the other down."""

from vimotion.choreography.gestures import hold_out, opposite
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import ahead, at_head
from vimotion.choreography.reactions import fall
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import SIDES, Held, OnBody, OnGround

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
    # the other is drawn after the arm: a step, then down on bent knees, and to the ground once the grip comes off
    loose, ground = down - 0.25, down + 0.5
    height, before = other.seat("ground")
    other.reach(held, trip + 0.45, Held((-0.05, -0.45, 0.82), pronation=0.6), 0.4, exact=True)
    other.feet.step(trip + 0.15, forward=0.50, duration=0.75)
    other.key("up", (trip + 0.55, 0.0), (loose, 0.45 * height), (ground, height))
    other.key("forward", (loose - 0.2, 0.0), (ground, -before))
    for channel, low, seated in (("pitch", 0.4, 0.12), ("hinge", 0.35, -0.2), ("nod", -0.15, 0.1)):
        other.key(channel, (trip + 0.25, 0.0), (loose, low), (ground + 0.1, seated))
    other.posture = "ground"
    for hand in SIDES:
        other.reach(hand, ground, OnGround(), 0.55, exact=True)
    other.look(trip, ahead(down=2.6), 0.3)
    other.look(ground, at_head(actor.index), 0.4)
    actor.look(trip, at_head(other.index), 0.3)
    actor.rest_hand(side, loose, 0.6)
    stage.label_contact(touch, loose, actor, f"{side}_palm", f"{held}_forearm")
    stage.label("fall", trip, down, actor, "pelvis")
    stage.label("dragged", trip + 0.25, ground, other, "pelvis")
    return ground + 0.8


KIND = Kind("drag_down", play, Arrangement(0.78), WORDS, "mishap", ends=True)
