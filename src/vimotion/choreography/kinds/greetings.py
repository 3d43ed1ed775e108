"""Two hands meet in the air: handshake, high five."""

from __future__ import annotations

import numpy as np

from vimotion.choreography.curves import oscillation, strike
from vimotion.choreography.parameters import SceneParameters
from vimotion.choreography.performer import at_head, at_target
from vimotion.choreography.scene import Scene
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import Held, Meeting

_SHAKE = 0.34  # seconds a shake
_SLAP = 0.12  # seconds that two clapping palms stay together


def handshake(parameters: SceneParameters) -> Scene:
    """The actor offers a hand, the other takes it, they shake `count` times and let go."""
    stage = Stage(parameters, gap=0.92)
    random, side, size = stage.random("handshake"), stage.side, stage.manner.size
    late = float(random.uniform(0.35, 0.5))  # between the offer and the answer
    level = 0.36 + float(random.uniform(-0.05, 0.08))
    meet = stage.approach() + 0.1 + late + 0.62
    shaking = meet + 0.12
    still = shaking + _SHAKE * parameters.count
    part = still + 0.2

    def shake(times: np.ndarray) -> np.ndarray:
        up = 0.034 * size * oscillation(times, shaking, still, parameters.count)
        return np.stack([0.0 * up, up, 0.12 * up], axis=-1)

    clasp = Meeting((side, side), level, fingers=(0.0, -0.1, 1.0), palm=(1.0, 0.0, 0.0), motion=shake)
    for person, wait in ((stage.actor, late), (stage.other, 0.0)):
        start = person.reach(side, meet, clasp, 0.62 + wait / stage.manner.effort)
        person.look(start + 0.1, at_target(clasp, person.index, side), 0.3)
        person.look(meet - 0.05, at_head(1 - person.index))
        person.pulse("pitch", 0.08 * size**0.5, meet - 0.7, meet, part + 0.6)
        person.pulse("nod", 0.1, shaking, shaking + 0.25, shaking + 0.6)
        person.release(side, part + 0.06 * person.index, 0.6)
    stage.label_contact(meet, part, stage.actor, f"{side}_palm", f"{side}_palm")
    for number in range(parameters.count):
        stage.label("shake", shaking + number * _SHAKE, shaking + (number + 1) * _SHAKE, stage.actor, f"{side}_palm")
    return stage.finish(part + 0.6 * stage.manner.effort + 0.35)


def high_five(parameters: SceneParameters) -> Scene:
    """The actor raises a hand, the other answers, and they clap `count` times."""
    stage = Stage(parameters, gap=0.86)
    random, side, size, effort = stage.random("high_five"), stage.side, stage.manner.size, stage.manner.effort
    late = float(random.uniform(0.3, 0.45))
    height = 1.48 + float(random.uniform(-0.1, 0.12))
    raised = stage.approach() + 0.15 + late + 0.5
    clap = Meeting((side, side), height, fingers=(0.0, 1.0, 0.08), palm=(0.0, 0.0, 1.0), elbow=(0.8, -0.6, 0.0))
    back = 0.1 * size
    ready = Held((0.26, 0.38 + 0.06 * size, 0.40 - back), (0.1, 1.0, -0.1), (0.0, 0.0, 1.0), elbow=(0.9, -0.6, 0.0))
    hit, rebound = 0.26 * effort, 0.22 * effort
    contacts = [raised + 0.08 + hit + number * (hit + rebound + _SLAP + 0.06) for number in range(parameters.count)]
    leave = contacts[-1] + _SLAP
    for person, wait in ((stage.actor, late), (stage.other, 0.0)):
        start = person.reach(side, raised - wait, ready, 0.5)
        person.look(start + 0.15, at_target(clap, person.index, side), 0.3)
        person.look(leave, at_head(1 - person.index))
        person.pulse("chest", -0.06 * size, start, raised, leave)
        for contact in contacts:
            person.reach(side, contact, clap, 0.26, profile=strike)
            person.pulse("twist", (0.16 if side == "right" else -0.16) * size, contact - hit, contact, contact + 0.4)
            person.pulse("pitch", 0.07 * size, contact - hit, contact + 0.03, contact + 0.45)
            if contact != contacts[-1]:
                person.reach(side, contact + _SLAP + rebound, ready, 0.22)
        person.release(side, leave + 0.04 * person.index, 0.65)
        person.pulse("nod", 0.08, leave, leave + 0.25, leave + 0.6)
    for contact in contacts:
        stage.label_contact(contact, contact + _SLAP, stage.actor, f"{side}_palm", f"{side}_palm")
        stage.label("clap", contact - hit, contact + _SLAP, stage.actor, f"{side}_palm")
    return stage.finish(leave + 0.65 * effort + 0.4)
