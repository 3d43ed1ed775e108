"""The actor raises a hand, the other answers, and they clap `count` times."""

from vimotion.choreography.gestures import claps
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import at_target
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import Held, Meeting

WORDS = """
@do
~high-five {B.obj}[ with the {side} hand]
~give {B.obj} a high five[ with the {side} hand]
~raise {A.his} {side} hand and ~clap it against {B's} hand
@both
~high-five
~clap {side} hands
~raise their {side} hands and ~clap them together
@start
(~raise|~lift|~hold up) {A.his}[ {side}] hand
@answer
~do the same
~raise a hand too
@noun
high five
@units
high fives
@limb
hand
"""
_SLAP = 0.12  # seconds that two clapping palms stay together


def play(stage: Stage, begin: float) -> float:
    random, side, size, effort = stage.random("high_five"), stage.side, stage.manner.size, stage.manner.effort
    late = stage.late(0.3, 0.45)
    raised = begin + 0.15 + late + 0.5
    height = 1.48 + float(random.uniform(-0.1, 0.12))
    clap = Meeting((side, side), height, fingers=(0.0, 1.0, 0.08), palm=(0.0, 0.0, 1.0), elbow=(0.8, -0.6, 0.0))
    ready = Held((0.26, 0.38 + 0.06 * size, 0.40 - 0.1 * size), (0.1, 1.0, -0.1), (0.0, 0.0, 1.0), elbow=(0.9, -0.6, 0.0))
    hit, rebound = 0.26 * effort, 0.22 * effort
    contacts = [raised + 0.08 + hit + number * (hit + rebound + _SLAP + 0.06) for number in range(stage.count)]
    leave = contacts[-1] + _SLAP
    for person, wait in ((stage.actor, late), (stage.other, 0.0)):
        start = person.reach(side, raised - wait, ready, 0.5)
        person.look(start + 0.15, at_target(clap, person.index, side), 0.3)
        person.look(leave, stage.eyes(person))
        person.pulse("chest", -0.06 * size, start, raised, leave)
        claps(person, side, clap, ready, contacts, _SLAP, rebound)
        for contact in contacts:
            person.pulse("twist", 0.16 * stage.sign * size, contact - hit, contact, contact + 0.4)
            person.pulse("pitch", 0.07 * size, contact - hit, contact + 0.03, contact + 0.45)
        person.rest_hand(side, leave + 0.04 * person.index, 0.65)
    for contact in contacts:
        stage.label_contact(contact, contact + _SLAP, stage.actor, f"{side}_palm", f"{side}_palm")
        stage.label("clap", contact - hit, contact + _SLAP, stage.actor, f"{side}_palm")
    return leave + 0.65 * effort + 0.4


KIND = Kind("high_five", play, Arrangement(0.86), WORDS, "praise", mutual=True, counts=(1, 2, 3))
