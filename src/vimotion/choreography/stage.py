"""The stage of one scene: two performers made from the parameters, the script's clock, the labels, and the finished scene."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from vimotion.choreography.body import solve
from vimotion.choreography.gait import LEFT, RIGHT, Point, direction, heading, turn_between
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.manner import MANNERS, between
from vimotion.choreography.parameters import Act, Posture, SceneParameters
from vimotion.choreography.performer import SEATS, GazePoint, Habits, Performer, ahead, at_head
from vimotion.choreography.scene import Event, Scene
from vimotion.motion import FPS

# Seconds of the scene for one second of the script.
TEMPO = {"slow": 1.4, "normal": 1.0, "fast": 0.7}
# How far people come from when they do not begin within reach, metres each: one who walks up alone, and two who both walk.
_ALONE, _BOTH = (1.4, 2.3), (0.7, 1.2)
# A turn before or after a walk that is made on the spot, radians; smaller ones are walked.
_SHARP = 0.9
# Room for the knees of each of two people face to face, metres.
_KNEES: dict[Posture, float] = {"stand": 0.0, "chair": 0.14, "ground": 0.24}
Spot = tuple[Point, float]  # (x, z) metres and yaw


class Stage:
    """Two performers and what they do, act by act: `take` an act, bring them to its `arrange`ment, play it, `finish`.

    Every time that a kind writes is in script seconds: the tempo of `speed` and of the manners stretches the whole script, so
    no kind needs to look at it. Manners work through `Performer.reach`, which scales durations by effort, and through
    `manner.size`, by which a kind multiplies its amplitudes.

    Attributes:
        people: both performers in the order a, b; of the present act `actor` and `other`, its `side` and its `count`.
        manner: half of each person's, for what they do together.
        size: how large the two are, 1 at standard size; `gap` metres between them where they face each other.
    """

    def __init__(self, parameters: SceneParameters, first: Kind) -> None:
        self.parameters = parameters
        manners = [MANNERS[name] for name in parameters.manners]
        self.manner = between(*manners)
        self.tempo = TEMPO[parameters.speed] * self.manner.tempo
        self.people: tuple[Performer, ...] = ()
        self._number = 0
        self._act, self._kind = parameters.acts[0], first
        habits = [Habits.draw(self._stream(f"person {name}")) for name in "ab"]
        self.size = (habits[0].scale + habits[1].scale) / 2.0
        self._final = self._arranged(self.arrangement())
        spots = self._spots()
        self.people = tuple(
            Performer(index, habits[index], manners[index], *spots[index], self.tempo) for index in (0, 1)
        )  # fmt: skip
        for person, posture in zip(self.people, parameters.postures, strict=True):
            if posture != "stand":
                person.begin_seated(posture)
            person.look(-1.0, self.eyes(person))
        self._events: list[Event] = []

    # -- acts ----------------------------------------------------------------------------------------------------------

    def take(self, number: int, act: Act, kind: Kind) -> None:
        """Makes `act`, the `number`th of the scene, the present one."""
        self._number, self._act, self._kind = number, act, kind

    @property
    def actor(self) -> Performer:
        return self.people["ab".index(self._act.actor)]

    @property
    def other(self) -> Performer:
        return self.people[1 - self.actor.index]

    @property
    def side(self) -> str:
        return self._act.side

    @property
    def foot(self) -> int:
        """The actor's foot on the acting side."""
        return RIGHT if self._act.side == "right" else LEFT

    @property
    def count(self) -> int:
        return self._act.count

    @property
    def sign(self) -> float:
        """1 for the right hand, −1 for the left: mirrors what is written for the right one."""
        return 1.0 if self._act.side == "right" else -1.0

    def hands(self, acting: str, answering: str) -> tuple[str, str]:
        """A hand of the actor and one of the other, in the order a, b."""
        return (acting, answering) if self.actor.index == 0 else (answering, acting)

    @property
    def far(self) -> bool:
        return self.parameters.distance == "far" and self._number == 0

    def random(self, purpose: str) -> np.random.Generator:
        """A stream of its own for each act and purpose, so that changing one parameter leaves everything else as it was."""
        return self._stream(f"{self._number} {self._act.kind} {purpose}")

    def _stream(self, purpose: str) -> np.random.Generator:
        return np.random.default_rng([self.parameters.seed, zlib.crc32(purpose.encode())])

    def late(self, low: float, high: float) -> float:
        """Seconds by which the other answers later than the actor begins."""
        return float(self.random("late").uniform(low, high)) + max(self.other.manner.lag, 0.0)

    # -- where they are ------------------------------------------------------------------------------------------------

    def arrangement(self) -> Arrangement:
        """Where the actor stands when the present act begins."""
        start = self._kind.start
        return start if isinstance(start, Arrangement) else start(self.random("start"), self.parameters.distance == "far")

    @property
    def gap(self) -> float:
        """Metres between the two when the present act begins."""
        arrangement = self.arrangement()
        return float(np.hypot(arrangement.ahead, arrangement.left)) * self.size

    def distance(self) -> float:
        """Metres between the two roots after everything that has been planned so far."""
        a, b = (person.feet.pose[:2] for person in self.people)
        return float(np.linalg.norm(a - b))

    def _arranged(self, arrangement: Arrangement) -> list[Spot]:
        """Both spots for the present act with the other at the origin, in the order a, b."""
        postures = [person.posture for person in self.people] if self.people else self.parameters.postures
        along, left, turn = self._place(arrangement, postures)
        actor: Spot = ((left, along), turn)
        other: Spot = ((0.0, 0.0), 0.0)
        spots = [actor, other] if self._act.actor == "a" else [other, actor]
        return [self._feet_of(spot, posture) for spot, posture in zip(spots, postures, strict=True)]

    def _place(self, arrangement: Arrangement, postures: Sequence[Posture]) -> tuple[float, float, float]:
        """Ahead, left and turn of the actor in the axes of the other, for these two people."""
        along, left, turn = arrangement.of(self._act.side, self.size)
        return along + (sum(_KNEES[posture] for posture in postures) if arrangement.facing else 0.0), left, turn

    def _feet_of(self, spot: Spot, posture: Posture) -> Spot:
        """Where the feet are of somebody whose pelvis is at `spot`: of one who sits, before it."""
        (x, z), yaw = spot
        forward, _ = heading(yaw)
        before = self._before(posture)
        return (x + before * float(forward[0]), z + before * float(forward[1])), yaw

    def _before(self, posture: Posture) -> float:
        """How far the feet are before the pelvis, metres."""
        return SEATS[posture][1] * self.size if posture != "stand" else 0.0

    def _walks_up(self) -> list[bool]:
        """Who of a and b walks up at the start."""
        if not self.far or not isinstance(self._kind.start, Arrangement):
            return [False, False]
        acting = [self._act.actor == name for name in "ab"]
        standing = [posture == "stand" for posture in self.parameters.postures]
        return [(self._kind.mutual or acts) and stands for acts, stands in zip(acting, standing, strict=True)]

    def _spots(self) -> list[Spot]:
        """Where each is at the start: nearly, not exactly, where the act begins, or some steps before that."""
        random, walks = self._stream("spots"), self._walks_up()
        back = random.uniform(*(_BOTH if all(walks) else _ALONE), 2)
        spots: list[Spot] = []
        for index, (place, yaw) in enumerate(self._final):
            loose = random.normal(0.0, 1.0, 2)
            if not walks[index]:
                spots.append((place, yaw + 0.06 * float(loose[1])))
                continue
            # from the side away from the other, so that nobody walks through anybody
            towards = direction(place, self._final[1 - index][0])
            forward, left = heading(towards)
            come = np.array(place) - back[index] * forward + 0.12 * loose[0] * left
            spots.append(((float(come[0]), float(come[1])), towards + 0.2 * float(loose[1])))
        return spots

    def approach(self) -> float:
        """A beat of standing, or the walk to where the first act begins; returns when it is done."""
        lead = float(self._stream("lead-in").uniform(0.25, 0.5))
        walks = self._walks_up()
        lead += max(self.actor.manner.lag, 0.0)
        if not any(walks):
            return lead
        ends = []
        for person, walks_up, (place, yaw) in zip(self.people, walks, self._final, strict=True):
            if walks_up:
                start = 0.4 * lead + (0.0 if person is self.actor else 0.35 + person.manner.lag)
                ends.append(self._walk_to(person, start, place, yaw))
        for person, walks_up, (_, yaw) in zip(self.people, walks, self._final, strict=True):
            if not walks_up:
                self.turn_to(person, yaw, max(0.45 * max(ends), 0.4))
        return max(ends) - 0.15

    def arrange(self, start: float) -> float:
        """From wherever they are to where the present act begins; returns when it is done. Two who sit stay where they are."""
        if all(person.posture != "stand" for person in self.people):
            return start
        arrangement = self.arrangement()
        start = max(start, self.actor.feet.free, self.other.feet.free)
        # who stands before somebody who sits goes there; else both turn to each other
        if arrangement.facing and (self.other.posture == "stand" or self.actor.posture != "stand"):
            spots = [np.array(place) for place, _ in self._arranged(arrangement)]
            return self._face_each_other(start, float(np.linalg.norm(spots[0] - spots[1])))
        along, left, turn = self._place(arrangement, [person.posture for person in self.people])
        pose = self.other.feet.pose
        forward, aside = heading(pose[2])
        middle = pose[:2] - self._before(self.other.posture) * forward
        goal = middle + along * forward + left * aside
        return self._go(self.actor, start, goal, float(pose[2] + turn), around=(middle + pose[:2]) / 2.0)

    def _face_each_other(self, start: float, gap: float) -> float:
        ends = [start]
        for person in self.people:
            partner = self.people[1 - person.index]
            ends.append(self.turn_to(person, direction(person.feet.pose[:2], partner.feet.pose[:2]), start))
        more = self.distance() - gap
        mover = self.actor if self.actor.posture == "stand" else self.other
        if abs(more) > 0.06:
            pose = mover.feet.pose
            goal = pose[:2] + more * heading(pose[2])[0]
            ends.append(self._go(mover, max(start, mover.feet.free), goal, float(pose[2])))
        return max(ends)

    def _go(
        self, person: Performer, start: float, goal: np.ndarray, yaw: float, around: np.ndarray | None = None
    ) -> float:  # fmt: skip
        """To a place and a yaw: by small steps where that is near, else walking, and not through whoever stands `around`.

        Nobody turns round for a place close behind.
        """
        pose = person.feet.pose
        forward, left = heading(pose[2])
        way = goal - pose[:2]
        length = float(np.linalg.norm(way))
        if length < (0.55 if way @ forward > -0.7 * length else 1.3):
            turn = turn_between(pose[2], yaw)
            if length < 0.05 and abs(turn) < 0.12:
                return start
            return person.feet.step(start, float(way @ forward), float(way @ left), turn)
        via: list[Point] = []
        if around is not None:
            share = float(np.clip((around - pose[:2]) @ way / length**2, 0.0, 1.0))
            nearest = pose[:2] + share * way
            clear = nearest - around
            if np.linalg.norm(clear) < 0.5:
                across = np.array([way[1], -way[0]]) / length
                side = 1.0 if float(clear @ across) >= 0 else -1.0
                point = around + 0.62 * side * across
                via = [(float(point[0]), float(point[1]))]
        return self._walk_to(person, start, (float(goal[0]), float(goal[1])), yaw, via)

    def _walk_to(self, person: Performer, start: float, goal: Point, yaw: float, via: Sequence[Point] = ()) -> float:
        """Walks to a place and faces `yaw` there; what is far from the way, is turned on the spot before or after it.

        Returns when it is done.
        """
        first = direction(person.feet.pose, via[0] if via else goal)
        if abs(turn_between(person.feet.pose[2], first)) > _SHARP:
            start = self.turn_to(person, first, start)
        way = direction(via[-1] if via else person.feet.pose, goal)
        sharp = abs(turn_between(way, yaw)) > _SHARP
        end = person.feet.walk(start, goal, yaw=None if sharp else yaw, via=via)
        return self.turn_to(person, yaw, end)

    def turn_to(self, person: Performer, yaw: float, start: float) -> float:
        """Small steps on the spot to face `yaw`, if it is worth a step; when it is done."""
        turn = turn_between(person.feet.pose[2], yaw)
        if abs(turn) <= 0.12 or person.posture != "stand":
            return start
        return person.feet.step(max(start, person.feet.free), turn=turn)

    def part(self, start: float) -> float:
        """They turn away from each other and go, the actor first; when both have gone some steps."""
        random = self._stream("part")
        ends, places = [start], [person.feet.pose[:2].copy() for person in self.people]
        for person in self.people:
            if person.posture != "stand":
                continue
            begin = max(start, person.feet.free) + (0.1 if person is self.actor else 0.1 + float(random.uniform(0.2, 0.5)))
            partner = places[1 - person.index]
            yaw = direction(partner, places[person.index]) + float(random.normal(0.0, 0.3))
            person.look(begin, ahead(0.3), 0.5)
            turned = self.turn_to(person, yaw, begin)
            goal = person.feet.pose[:2] + float(random.uniform(1.2, 1.6)) * heading(yaw)[0]
            ends.append(person.feet.walk(turned, (float(goal[0]), float(goal[1]))))
        return max(ends)

    def eyes(self, person: Performer) -> GazePoint:
        """What a person looks at who looks at the other: the head, or lower, as the manner has it."""
        down = person.manner.avert
        look = at_head(1 - person.index)
        return lambda view, own: look(view, own) - [0.0, down, 0.0]

    # -- labels and the end --------------------------------------------------------------------------------------------

    def label(self, name: str, start: float, end: float, who: Performer, part: str = "", target: str = "") -> None:
        """Notes that something happens between `start` and `end` script seconds."""
        self._events.append(Event(name, start * self.tempo, end * self.tempo, who.name, part, target))  # type: ignore[arg-type]

    def label_contact(self, start: float, end: float, who: Performer, part: str, target: str) -> None:
        """`part` of `who` touches `target` of the other person."""
        self.label("contact", start, end, who, part, target)

    def num_frames(self, end: float) -> int:
        """How many frames there are up to `end` script seconds, or until all feet are at rest."""
        end = max(end, *(person.feet.free for person in self.people))
        return int(np.ceil(end * self.tempo * FPS)) + 1

    def finish(self, end: float) -> Scene:
        """Solves the bodies up to `end` script seconds (everybody has settled by then)."""
        times = np.arange(self.num_frames(end)) / FPS / self.tempo
        interaction, _ = solve(self.people, times, self.tempo)
        events = [replace(event, end=min(event.end, interaction.duration)) for event in self._events]
        return Scene(self.parameters, interaction, tuple(sorted(events, key=lambda event: (event.start, event.who))))
