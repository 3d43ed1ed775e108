"""The actor walks away from the other, looks back over the shoulder of the `side`, and goes on; the other watches."""

import numpy as np

from vimotion.choreography.gait import heading
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.performer import ahead, at_head
from vimotion.choreography.stage import Stage
from vimotion.choreography.ways import point

WORDS = """
@do
~walk away and ~look back at {B.obj}
~leave and ~look back at {B.obj}
~turn away, ~walk and ~look back over {A.his}[ {side}] shoulder at {B.obj}
@answer
~watch {A.him} go
~stay behind and ~watch
@noun
look back
glance back over the shoulder
@seen
~watch {A.obj} walk away and look back
"""


def start(random: np.random.Generator, far: bool) -> Arrangement:
    return Arrangement(float(random.uniform(0.8, 1.1)), 0.0, float(random.normal(0.0, 0.1)))


def play(stage: Stage, begin: float) -> float:
    actor, other = stage.actor, stage.other
    random = stage.random("look_back")
    forward, _ = heading(actor.feet.pose[2])
    actor.look(begin - 1.0, ahead(0.3), 0.2)
    stop = actor.feet.walk(begin, point(actor.feet.pose[:2] + float(random.uniform(1.0, 1.4)) * forward), speed=1.0)
    seen = stop + 0.45
    leave = seen + float(random.uniform(0.7, 1.0))
    turn = -0.75 * stage.sign  # to the right over the right shoulder
    actor.key("twist", (stop - 0.1, 0.0), (seen, turn), (leave, turn), (leave + 0.6, 0.0))
    actor.key("turn", (stop - 0.15, 0.0), (seen - 0.1, 1.3 * turn), (leave, 1.3 * turn), (leave + 0.5, 0.0))
    actor.key("hinge", (stop - 0.1, 0.0), (seen, -0.03), (leave, 0.0))
    end = actor.feet.walk(leave + 0.35, point(actor.feet.pose[:2] + 0.9 * forward), speed=1.0)
    other.look(begin, at_head(actor.index), 0.4)
    other.pulse("side", 0.03, begin + 0.5, begin + 1.1, leave)
    other.pulse("nod", 0.16, seen + 0.2, seen + 0.45, seen + 0.8)
    stage.label("walk", begin, stop, actor)
    stage.label("look back", stop, leave, actor, "head")
    return end + 0.4


KIND = Kind("look_back", play, start, WORDS, "parting", distances=("near",))
