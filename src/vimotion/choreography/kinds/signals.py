"""Gestures from person to person, without touching: bow, wave, rock-paper-scissors."""

from __future__ import annotations

import numpy as np

from vimotion.choreography.curves import bump, minimum_jerk, oscillation
from vimotion.choreography.parameters import SceneParameters
from vimotion.choreography.performer import Performer, ahead, at_head
from vimotion.choreography.scene import Scene
from vimotion.choreography.stage import Stage
from vimotion.choreography.targets import Held

_WAVE = 0.5  # seconds that a hand takes to swing there and back
_BEAT = 0.3  # seconds a pump of the fist; three make a round


def bow(parameters: SceneParameters) -> Scene:
    """The actor bows `count` times; the other answers each bow a little later."""
    stage = Stage(parameters, gap=1.45)
    effort = stage.manner.effort
    late = float(stage.random("bow").uniform(0.35, 0.5))
    start = stage.approach() + 0.2
    down, hold, up = 0.62 * effort**0.5, 0.28, 0.72 * effort**0.5
    period = down + hold + up + 0.2
    for person, wait in ((stage.actor, 0.0), (stage.other, late)):
        for number in range(parameters.count):
            _bow_once(stage, person, start + wait + number * period, down, hold, up)
    return stage.finish(start + late + parameters.count * period + 0.3)


def _bow_once(stage: Stage, person: Performer, start: float, down: float, hold: float, up: float) -> None:
    size = stage.manner.size
    low, rise, end = start + down, start + down + hold, start + down + hold + up
    for channel, value in (("hinge", 0.42), ("pitch", 0.30), ("nod", 0.16), ("arms_forward", 0.10)):
        person.key(channel, (start, 0.0), (low, value * size), (rise, value * size), (end, 0.0))
    person.look(start - 0.05, ahead(down=1.0 + 1.4 * size), 0.45)
    person.look(rise + 0.15, at_head(1 - person.index), 0.5)
    stage.label("bow", start, end, person, "head")


def wave(parameters: SceneParameters) -> Scene:
    """The actor raises a hand and waves it `count` times; the other looks and nods."""
    stage = Stage(parameters, gap=1.7)
    actor, other, side, size = stage.actor, stage.other, stage.side, stage.manner.size
    raised = stage.approach() + 0.15 + 0.62 * stage.manner.effort
    waved = raised + _WAVE * parameters.count

    def swing(times: np.ndarray) -> np.ndarray:
        out = 0.16 * size * oscillation(times, raised, waved, parameters.count)
        return np.stack([out, -0.25 * np.abs(out), 0.0 * out], axis=-1)

    high = Held((0.28, 0.16 + 0.24 * size, 0.42), (0.12, 1.0, 0.05), (0.0, 0.0, 1.0), elbow=(0.9, -0.7, -0.2), motion=swing)
    begin = actor.reach(side, raised, high, 0.62)
    actor.pulse("roll", (-0.05 if side == "left" else 0.05) * size, begin, raised, waved + 0.6)
    actor.pulse("chest", -0.05 * size, begin, raised, waved + 0.5)
    actor.release(side, waved + 0.05, 0.7)
    notice = raised + 0.25
    other.pulse("nod", 0.14, notice, notice + 0.3, notice + 0.75)
    other.pulse("chest", -0.05, notice, notice + 0.4, waved + 0.6)
    other.pulse("side", 0.03 * (1.0 if other.habits.lean_on < 0 else -1.0), notice, notice + 0.7, waved + 0.8)
    for number in range(parameters.count):
        stage.label("wave", raised + number * _WAVE, raised + (number + 1) * _WAVE, actor, f"{side}_palm")
    return stage.finish(waved + 0.7 * stage.manner.effort + 0.4)


def rock_paper_scissors(parameters: SceneParameters) -> Scene:
    """Both pump a fist three times and show it, for `count` rounds; the actor's hand is up first."""
    stage = Stage(parameters, gap=1.12)
    random, side, size = stage.random("rock_paper_scissors"), stage.side, stage.manner.size
    late = float(random.uniform(0.3, 0.45))
    ready = stage.approach() + 0.15 + 0.5 + late
    show, between = 0.4, 0.2
    starts = [ready + 0.1 + number * (3 * _BEAT + show + between) for number in range(parameters.count)]

    def pump(times: np.ndarray) -> np.ndarray:
        up, forward = np.zeros_like(times), np.zeros_like(times)
        for start in starts:
            for beat in range(3):
                up += 0.17 * size * bump((times - start - beat * _BEAT) / _BEAT) ** 0.6
            shown = start + 3 * _BEAT
            forward += 0.09 * minimum_jerk((times - shown + 0.18) / 0.18) * minimum_jerk((shown + show + 0.2 - times) / 0.2)
        return np.stack([0.0 * up, up - 0.4 * forward, forward], axis=-1)

    fist = Held((-0.12, -0.5, 0.52), (-0.1, 0.05, 1.0), (-1.0, 0.0, 0.0), motion=pump)
    done = starts[-1] + 3 * _BEAT + show
    for person, wait in ((stage.actor, late), (stage.other, 0.0)):
        person.reach(side, ready - wait, fist, 0.5, exact=True)
        person.pulse("pitch", 0.07 * size, ready - 0.5, ready, done + 0.5)
        person.look(starts[0], lambda view, own: view.positions[:, 1 - own].mean(axis=1) + [0.0, 0.1, 0.0], 0.4)
        person.look(done - 0.3, at_head(1 - person.index), 0.35)
        person.release(side, done, 0.6)
        for start in starts:
            for beat in range(3):
                person.pulse(
                    "up", -0.012 * size, start + (beat + 0.5) * _BEAT, start + (beat + 1) * _BEAT, start + (beat + 1.5) * _BEAT
                )
    winner, loser = stage.people if random.random() < 0.5 else stage.people[::-1]
    winner.pulse("chest", -0.12, done, done + 0.35, done + 0.9)
    loser.pulse("nod", 0.25, done - 0.1, done + 0.3, done + 0.9)
    loser.pulse("shrug", 0.12, done - 0.1, done + 0.25, done + 0.8)
    for start in starts:
        stage.label("round", start, start + 3 * _BEAT + show, stage.actor, f"{side}_palm")
    return stage.finish(done + 0.6 * stage.manner.effort + 0.5)
