"""The actor holds something out, the other takes it and draws it to the own belly."""

from vimotion.choreography.gestures import opposite
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import at_target
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import Held, Meeting

WORDS = """
@do
~hand {B.obj} something[ with the {side} hand]
~hand something over to {B.obj}
~pass an object to {B.obj}[ with the {side} hand]
~hold out an object in {A.his} {side} hand for {B.obj}
@answer
~take it
~reach out and ~take it
@noun
handover of an object
handover
@limb
hand
@seen
~be handed something by {A.obj}
~take something from {A.obj}
"""


def play(stage: Stage, begin: float) -> float:
    actor, other, side = stage.actor, stage.other, stage.side
    taking = opposite(side)
    late = stage.late(0.25, 0.4)
    carried = Held((-0.08, -0.55, 0.35), (-0.2, 0.0, 1.0), (-0.6, 0.8, 0.0))
    lifted = begin + 0.15 + 0.4 * actor.manner.effort
    given = lifted + 0.4 + 0.6 * stage.manner.effort + late
    leave = given + 0.35
    # the thing lies between the two palms: one from below, one from above
    between = Meeting(stage.hands(side, taking), 0.45, fingers=(0.0, 0.1, 1.0), palm=(0.9, 0.3, 0.0))
    actor.reach(side, lifted, carried, 0.45)
    actor.reach(side, given - late, between, 0.6)
    other.reach(taking, given, between, 0.6)
    actor.rest_hand(side, leave, 0.7)
    other.reach(taking, leave + 0.55 * other.manner.effort, Held((-0.1, -0.50, 0.34), (-0.3, 0.1, 1.0), (-0.6, 0.7, 0.0)), 0.5)
    for person, hand in ((actor, side), (other, taking)):
        person.look(given - 0.6, at_target(between, person.index, hand), 0.3)
        person.look(leave + 0.1, stage.eyes(person))
        person.pulse("pitch", 0.06 * person.manner.size, given - 0.6, given, leave + 0.5)
    other.pulse("nod", 0.16 * other.manner.size, leave + 0.3, leave + 0.55, leave + 0.9)
    stage.label_contact(given, leave, actor, f"{side}_palm", f"{taking}_palm")
    stage.label("give", given - 0.5, leave, actor, f"{side}_palm")
    return leave + 0.7 * stage.manner.effort + 0.4


KIND = Kind("pass_object", play, Arrangement(0.92), WORDS, "help")
