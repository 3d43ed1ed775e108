"""Two people on foot: side by side."""

from __future__ import annotations

import numpy as np

from vimotion.choreography.gait import heading
from vimotion.choreography.parameters import SceneParameters
from vimotion.choreography.performer import Performer, ahead, at_head
from vimotion.choreography.scene import Scene
from vimotion.choreography.stage import Spot, Stage


def walk_together(parameters: SceneParameters) -> Scene:
    """They stand side by side; the actor sets off, the other falls in, they walk a gentle curve and stop together."""
    layout = Stage(parameters, gap=1.0).random("walk_together")
    aside = float(layout.choice([-1.0, 1.0])) * float(layout.uniform(0.6, 0.72))
    spots: list[Spot] = [((0.0, 0.0), float(layout.normal(0.0, 0.08))), ((aside, 0.0), float(layout.normal(0.0, 0.08)))]
    stage = Stage(parameters, gap=1.0, spots=spots)
    bend, way = float(layout.uniform(-0.5, 0.5)), float(layout.uniform(3.0, 3.8))
    lag = float(layout.uniform(0.28, 0.36))
    start = 0.4
    speed = 1.2
    done = _walk(stage.actor, start, aside, bend, way, speed)
    late = _walk(stage.other, start + lag, aside, bend, way, speed * (1.0 + 0.5 * lag * speed / way))
    _talk(stage, start, min(done, late))
    for person in stage.people:
        stage.label("walk", start + (lag if person is stage.other else 0.0), done if person is stage.actor else late, person)
    return stage.finish(max(done, late) + 0.4)


def _walk(person: Performer, start: float, aside: float, bend: float, way: float, speed: float) -> float:
    """Along an arc that turns by `bend` radians, kept parallel to the partner's; when the person stands again."""
    middle = aside / 2.0
    own = person.feet.position[0] - middle
    points = []
    for share in (0.33, 0.67, 1.0):
        turn = bend * share
        # the common line, then sideways to the own track
        line = np.array([way * share * np.sin(turn / 2.0), way * share * np.cos(turn / 2.0)])
        _, left = heading(turn)
        points.append((float(middle + line[0] + own * left[0]), float(line[1] + own * left[1])))
    return person.feet.walk(start, points[-1], via=points[:-1], speed=speed, yaw=bend)


def _talk(stage: Stage, start: float, end: float) -> None:
    """Eyes on the way, with glances at each other; the one who is spoken to nods."""
    random = stage.random("talk")
    for person, at in ((stage.actor, 0.3), (stage.other, 0.42)):
        glance = start + (end - start) * (at + float(random.uniform(-0.05, 0.05)))
        person.look(start - 0.25, ahead(0.25), 0.4)
        person.look(glance, at_head(1 - person.index), 0.35)
        person.look(glance + 0.9, ahead(0.25), 0.4)
        person.look(end - 0.25, at_head(1 - person.index), 0.4)
        person.pulse("nod", 0.12 * stage.manner.size, glance + 0.4, glance + 0.6, glance + 0.85)
