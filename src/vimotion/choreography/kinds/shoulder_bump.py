"""Face to face they step in and bump shoulders, the one of the `side` each, and step back."""

from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.stage import Stage

WORDS = """
@do
~bump shoulders with {B.obj}
~bump {B's} shoulder with {A.his} {side} shoulder
~nudge {B.obj} with the {side} shoulder
@both
~bump shoulders
~bump their {side} shoulders together
~knock their shoulders together
@start
~lean in with {A.his}[ {side}] shoulder
@answer
~do the same
@noun
shoulder bump
@limb
shoulder
"""


def play(stage: Stage, begin: float) -> float:
    side, size = stage.side, stage.manner.size
    late = stage.late(0.1, 0.2)
    step = begin + 0.25 + late
    near = max((stage.distance() - 0.50 * stage.size) / 2.0, 0.02)
    landed = step + 0.55 * stage.manner.effort**0.3
    hit = landed + 0.06
    for person, wait in ((stage.actor, late), (stage.other, 0.0)):
        person.feet.lunge(stage.foot, step - 0.6 * wait, near, ahead=0.12, out=0.04, duration=landed - step + 0.6 * wait)
        # the trunk turns so that the shoulder comes forward: the left turn of a right shoulder
        person.key(
            "twist",
            (step - 0.1, -0.05 * stage.sign),
            (hit, 0.62 * stage.sign),
            (hit + 0.12, 0.62 * stage.sign),
            (hit + 0.75, 0.0),
        )
        person.key("twist", (step - 0.5, 0.0), (step - 0.1, 0.05 * stage.sign))
        person.key("pitch", (step, 0.0), (hit, 0.12 * size), (hit + 0.7, 0.0))
        person.touch(f"{side}_shoulder_front", f"{side}_shoulder_front", hit, hit + 0.1, duration=0.4, apart=0.0)
        person.feet.step(hit + 0.35, forward=-near, duration=0.9)
        person.pulse("nod", 0.12, hit + 0.5, hit + 0.75, hit + 1.1)
    stage.label("contact", hit, hit + 0.1, stage.actor, f"{side}_shoulder", f"{side}_shoulder")
    stage.label("bump", step, hit + 0.1, stage.actor, f"{side}_shoulder")
    return hit + 1.5


KIND = Kind("shoulder_bump", play, Arrangement(0.92), WORDS, "praise", mutual=True)
