"""The stage of one scene: two performers made from the parameters, the script's clock, the labels, and the finished scene."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from vimotion.choreography.body import solve
from vimotion.choreography.gait import Point, direction, turn_between
from vimotion.choreography.parameters import KINDS, SceneParameters
from vimotion.choreography.performer import MANNERS, Habits, Performer, at_head
from vimotion.choreography.scene import Event, Scene
from vimotion.motion import FPS

Spot = tuple[Point, float]  # (x, z) metres and yaw

# Seconds of the scene for one second of the script.
TEMPO = {"slow": 1.4, "normal": 1.0, "fast": 0.7}


class Stage:
    """Two performers, as a rule face to face, "a" at the origin facing +Z; a kind tells them what to do, then `finish`es.

    Every time that a kind writes is in script seconds: the tempo of `speed` stretches the whole script, so no kind needs to
    look at `speed`. `manner` works through `Performer.reach`, which scales durations by effort, and through `manner.size`,
    by which a kind multiplies its amplitudes.

    Attributes:
        actor, other: who acts and who answers; `people` holds both in the order a, b.
        gap: metres between the pelvises once they are within reach (given for people of standard size); `near` scenes start
            there. `spots` puts a and b somewhere else at the start.
    """

    def __init__(self, parameters: SceneParameters, gap: float, spots: Sequence[Spot] | None = None) -> None:
        self.parameters = parameters
        self.kind = KINDS[parameters.kind]
        self.tempo = TEMPO[parameters.speed]
        self.manner = MANNERS[parameters.manner]
        habits = [Habits.draw(self.random(f"person {name}")) for name in "ab"]
        self.size = (habits[0].scale + habits[1].scale) / 2.0
        self.gap = gap * self.size
        spots = spots or self._face_to_face()
        self.people = tuple(
            Performer(index, habits[index], self.manner, spots[index][0], spots[index][1], self.tempo) for index in (0, 1)
        )
        self.actor = self.people[0 if parameters.actor == "a" else 1]
        self.other = self.people[1 - self.actor.index]
        self._events: list[Event] = []
        for person in self.people:
            person.look(-1.0, at_head(1 - person.index))

    def _face_to_face(self) -> list[Spot]:
        """Where each stands at the start and faces: nearly, not exactly, towards the other."""
        random = self.random("spots")
        far = self.parameters.distance == "far"
        apart = float(random.uniform(2.3, 3.4))
        apart = apart if far else self.gap
        a, b = (0.0, 0.0), (float(random.normal(0.0, 0.12 if far else 0.02)), apart)
        loose = random.normal(0.0, 0.2 if far else 0.06, 2)
        return [(a, direction(a, b) + float(loose[0])), (b, direction(b, a) + float(loose[1]))]

    def random(self, purpose: str) -> np.random.Generator:
        """A stream of its own for each purpose, so that changing one parameter leaves everything else as it was."""
        return np.random.default_rng([self.parameters.seed, zlib.crc32(purpose.encode())])

    @property
    def side(self) -> str:
        return self.parameters.side

    def approach(self, *, together: bool | None = None, lag: float = 0.35) -> float:
        """Near: a beat of standing. Far: they walk up to `gap`, both (`together`) or the actor alone. Returns when it is done.

        By default both walk in mutual kinds and the actor alone in the others.
        """
        lead = float(self.random("lead-in").uniform(0.25, 0.5))
        if self.parameters.distance == "near":
            return lead
        together = self.kind.mutual if together is None else together
        start, other = np.array(self.actor.feet.position), np.array(self.other.feet.position)
        way = (other - start) / np.linalg.norm(other - start)
        share = float(self.random("approach").uniform(0.4, 0.6)) if together else 0.0
        meet = other - way * share * (np.linalg.norm(other - start) - self.gap)
        goal = meet - way * self.gap
        face = direction(start, other)
        arrive = self.actor.feet.walk(0.4 * lead, (float(goal[0]), float(goal[1])), yaw=face)
        if together:
            last = self.other.feet.walk(0.4 * lead + lag, (float(meet[0]), float(meet[1])), yaw=face + np.pi)
            return max(arrive, last) - 0.15
        self.turn_to(self.other, face + np.pi, max(0.45 * arrive, 0.4))
        return arrive - 0.15

    def distance(self) -> float:
        """Metres between the two roots after everything that has been planned so far."""
        a, b = (person.feet.pose[:2] for person in self.people)
        return float(np.linalg.norm(a - b))

    def turn_to(self, person: Performer, yaw: float, start: float) -> None:
        """Small steps on the spot to face `yaw`, if it is worth a step."""
        turn = turn_between(person.feet.pose[2], yaw)
        if abs(turn) > 0.12:
            person.feet.step(start, turn=turn)

    def label(self, name: str, start: float, end: float, who: Performer, part: str = "", target: str = "") -> None:
        """Notes that something happens between `start` and `end` script seconds."""
        self._events.append(Event(name, start * self.tempo, end * self.tempo, who.name, part, target))  # type: ignore[arg-type]

    def label_contact(self, start: float, end: float, who: Performer, part: str, target: str) -> None:
        """`part` of `who` touches `target` of the other person."""
        self.label("contact", start, end, who, part, target)

    def finish(self, end: float) -> Scene:
        """Solves the bodies up to `end` script seconds (everybody has settled by then)."""
        frames = int(np.ceil(end * self.tempo * FPS)) + 1
        times = np.arange(frames) / FPS / self.tempo
        interaction, _ = solve(self.people, times, self.tempo)
        events = [replace(event, end=min(event.end, interaction.duration)) for event in self._events]
        return Scene(self.parameters, interaction, tuple(sorted(events, key=lambda event: (event.start, event.who))))
