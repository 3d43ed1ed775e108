"""Where a person walks and when each foot is set down: root paths and footstep plans.

Times are those of the script (`Stage` stretches them by its tempo). A pose on the ground is (x, z, yaw): metres, radians,
yaw 0 faces +Z and grows to the person's left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from vimotion.choreography.curves import minimum_jerk

LEFT, RIGHT = 0, 1
Point = tuple[float, float]


@dataclass(frozen=True)
class Gait:
    """A way of going. Lengths are for a leg of `LEG` metres and grow with the leg.

    Attributes:
        step_factor, step_base: step length = step_base + step_factor · speed ** step_power, metres at metres a second.
        duty: share of its stride that a foot spends on the ground; below one half both feet leave it (a run).
        over: share of that time after which the body passes over the foot.
        contact: how far the body goes over a standing foot at the most, metres: the faster, the shorter the foot stands.
        half_width: from the line of travel to each foot, metres.
        bob: share of the fall of a stiff pair of legs that the pelvis follows; negative rises between steps (a run).
        lower: how much lower the pelvis goes than in standing, metres.
        surge: seconds; times how far the feet are apart and how fast they part, it is how far the pelvis falls behind its even
            speed: the landing foot brakes the body, the next step drives it on.
        lift: extra height of the swinging ankle, metres.
        toe_off, heel_strike: pitch of the foot when it leaves and when it lands in a full stride, radians.
        lean, elbows: added to the trunk's pitch and to the bend of idle elbows, radians.
        longest: metres that the body goes from one landing to the next at the most: who is in haste takes quicker steps.
    """

    step_factor: float
    step_base: float = 0.0
    step_power: float = 0.5
    duty: float = 0.58
    over: float = 0.45
    contact: float = 1.0
    half_width: float = 0.042
    bob: float = 0.7
    lower: float = 0.008
    surge: float = 0.016
    lift: float = 0.035
    toe_off: float = 0.95
    heel_strike: float = 0.35
    lean: float = 0.0
    elbows: float = 0.0
    longest: float = 0.78

    def step_length(self, speed: float) -> float:
        return min(self.step_base + self.step_factor * speed**self.step_power, self.longest)


LEG = 0.84
_TURN = 0.6  # radians that a step on the spot turns: a foot stands for more than a step, and the hips turn over it
# Walk: a constant ratio of step length to cadence (0.0064 m·min, Sekiya et al. 1996), and what tools/fit_gait.py measures on
# walks of the CMU database: step length / √speed 0.60–0.63, duty 0.55–0.60, half step width 0.02–0.04.
# Their pelvis falls behind its even speed and runs ahead of it by 11–28 mm, which `surge` is set to.
# Run: step length and duty at 2–4 m/s after Cavanagh & Kram 1989; rise, contact and landing foot after a captured run at
# 2.8 m/s, whose pelvis goes up and down by 48 mm and whose foot lands 0.13 m before it; ours lands 0.02 m further ahead, for
# the hip to keep its range in the faster runs.
WALK = Gait(step_factor=0.62)
RUN = Gait(step_factor=0.3, step_base=0.2, step_power=1.0, duty=0.36, over=0.30, contact=0.75, half_width=0.03, bob=-4.5,
           lower=0.11, surge=0.013, lift=0.05, toe_off=1.15, heel_strike=0.08, lean=0.17, elbows=1.15, longest=1.1)  # fmt: skip
STEP = Gait(step_factor=0.42, duty=0.58, half_width=0.1, lift=0.035, toe_off=0.8, heel_strike=0.2, lean=0.0)


@dataclass(frozen=True)
class Step:
    """One foot goes from where it stands to `pose`, `height` metres over the ground; in the air from `lift` to `land`."""

    foot: int
    lift: float
    land: float
    pose: np.ndarray
    gait: Gait
    height: float = 0.0


@dataclass(frozen=True)
class Kick:
    """A foot leaves the ground where it stands, is at a place before the root at `hit`, and comes back by `end`.

    Attributes:
        ahead, out: of the root, metres, out to the foot's own side.
        height: of the ankle; pitch: of the foot there (toes down > 0).
        held: seconds that it stays there.
    """

    foot: int
    start: float
    hit: float
    end: float
    ahead: float
    out: float
    height: float
    pitch: float = 0.3
    held: float = 0.0


@dataclass(frozen=True)
class Move:
    """The root from `start` to `end` along `table` (N, 3) of poses at even times."""

    start: float
    end: float
    table: np.ndarray
    gait: Gait

    def at(self, times: np.ndarray | float) -> np.ndarray:
        share = np.clip((np.asarray(times) - self.start) / (self.end - self.start), 0.0, 1.0) * (len(self.table) - 1)
        return np.stack([np.interp(share, np.arange(len(self.table)), column) for column in self.table.T], axis=-1)


@dataclass(frozen=True)
class Stance:
    """How a person stands: metres from the middle to each foot, toes turned out (radians), left foot ahead (metres)."""

    half_width: float
    splay: float
    stagger: float


def heading(yaw: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """Yaw (...) → forward and left, both (..., 2) on the ground (x, z)."""
    sine, cosine = np.sin(yaw), np.cos(yaw)
    return np.stack([sine, cosine], axis=-1), np.stack([cosine, -sine], axis=-1)


def direction(source: Sequence[float] | np.ndarray, target: Sequence[float] | np.ndarray) -> float:
    """Yaw of the way from one point (x, z) to another."""
    return float(np.arctan2(target[0] - source[0], target[1] - source[1]))


def turn_between(start: float, end: float) -> float:
    """The short way round from one yaw to another, −π … π."""
    return float((end - start + np.pi) % (2 * np.pi) - np.pi)


def _spline(points: np.ndarray, count: int = 160) -> np.ndarray:
    """Catmull-Rom curve through points (n, 2), at even arc length: (count, 2)."""
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    u = np.linspace(0.0, 1.0, 60)[:, None]
    pieces = []
    for p0, p1, p2, p3 in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        pieces.append(
            0.5 * (2 * p1 + (p2 - p0) * u + (2 * p0 - 5 * p1 + 4 * p2 - p3) * u**2 + (3 * p1 - p0 - 3 * p2 + p3) * u**3)
        )
    curve = np.concatenate(pieces)
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=-1))])
    even = np.linspace(0.0, length[-1], count)
    return np.stack([np.interp(even, length, curve[:, axis]) for axis in (0, 1)], axis=-1)


def _ramps(count: int, stop: bool) -> tuple[float, float]:
    """Shares of the time of a walk of `count` steps in which it gets going and comes to a stand."""
    return min(0.5, 1.4 / count), min(0.5, 1.5 / count) if stop else 1e-3


def _travelled(share: np.ndarray, speed_up: float, slow_down: float) -> np.ndarray:
    """Way done (0 … 1) at time `share` (0 … 1) with smooth ramps of speed that last these shares of the time."""
    fine = np.linspace(0.0, 1.0, 400)
    speed = minimum_jerk(fine / speed_up) * minimum_jerk((1.0 - fine) / slow_down)
    way = np.concatenate([[0.0], np.cumsum(0.5 * (speed[1:] + speed[:-1]))])
    return np.interp(share, fine, way / way[-1])


@dataclass
class Footwork:
    """Plans the way of one person: call `walk`, `step` and `lunge` in order of time; `moves` and `steps` are the plan.

    Attributes:
        position, yaw: where the root stands at the start.
        stance: how the person stands when at rest.
        leg: length of the leg, metres (hip to ankle).
        tempo: seconds of the scene for one second of the script, so that cadence suits the true speed.
        stride: the person's own factor on step length.
        first: the foot that leads when nothing else decides.
        pace: the person's own factor on walking speed.
    """

    position: Point
    yaw: float
    stance: Stance
    leg: float = LEG
    tempo: float = 1.0
    stride: float = 1.0
    first: int = RIGHT
    pace: float = 1.0
    moves: list[Move] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    kicks: list[Kick] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.pose = np.array([*self.position, self.yaw], dtype=np.float64)
        self.initial_feet = np.stack([self.standing(LEFT), self.standing(RIGHT)])
        self._feet = self.initial_feet.copy()
        self._free = [0.0, 0.0]  # when each foot has landed last
        self._busy = 0.0

    def standing(self, foot: int, pose: np.ndarray | None = None) -> np.ndarray:
        """Pose (x, z, yaw) of a foot that stands at rest with the root at `pose`."""
        return self._foot(foot, self.pose if pose is None else pose, self.stance.half_width, self.stance.stagger)

    def _foot(self, foot: int, pose: np.ndarray, half_width: float, stagger: float = 0.0) -> np.ndarray:
        sign = 1.0 if foot == LEFT else -1.0
        forward, left = heading(pose[2])
        place = pose[:2] + sign * (half_width * left + stagger * forward)
        return np.array([*place, pose[2] + sign * self.stance.splay * min(1.0, half_width / self.stance.half_width)])

    def root(self, times: np.ndarray) -> np.ndarray:
        """(T,) → (T, 3) poses of the root."""
        result = np.broadcast_to([*self.position, self.yaw], (*np.shape(times), 3)).copy()
        for move in self.moves:
            later = times >= move.start
            result[later] = move.at(times[later])
        return result

    def walk(
        self, start: float, to: Point, *, yaw: float | None = None, via: Sequence[Point] = (), speed: float = 1.3,
        gait: Gait = WALK, first: int | None = None, stop: bool = True,
    ) -> float:  # fmt: skip
        """Walks (or runs, with `gait=RUN`) to a point, facing the way, and turns to `yaw` at the end; when it arrives.

        Args:
            speed: metres a second at tempo 1, between getting going and stopping.
            via: points that a curved path goes through.
            stop: whether to come to a stand; otherwise the path goes on at speed until its end (a scene that ends walking).
        """
        speed *= self.pace
        curve = _spline(np.array([tuple(self.pose[:2]), *via, to]))
        way = float(np.linalg.norm(np.diff(curve, axis=0), axis=-1).sum())
        # the tempo changes how many steps the way takes, not its time in the script
        size = self.stride * self.leg / LEG
        settling = 1.45 if stop else 0.7
        count = max(2, round(way / (gait.step_length(speed / self.tempo) * size) + settling))
        while way / count / (1.0 - sum(_ramps(count, stop)) / 2.0) > gait.longest * self.leg / LEG:
            count += 1
        end = start + max(way + settling * gait.step_length(speed) * size, 2.2 * gait.step_length(speed) * size) / speed
        travelled = _travelled(np.linspace(0.0, 1.0, 200), *_ramps(count, stop))
        even = np.linspace(0.0, 1.0, len(curve))
        place = np.stack([np.interp(travelled, even, curve[:, axis]) for axis in (0, 1)], axis=-1)
        table = np.column_stack([place, self._walking_yaw(curve, travelled, count, yaw)])
        return self._go(Move(start, end, table, gait), count, first, stop)

    def _walking_yaw(self, curve: np.ndarray, travelled: np.ndarray, count: int, final: float | None) -> np.ndarray:
        """Along the path, from the present yaw in the first steps and to the final one in the last."""
        tangent = np.gradient(curve, axis=0)
        along = np.unwrap(np.arctan2(tangent[:, 0], tangent[:, 1]))
        along += self.pose[2] + turn_between(self.pose[2], along[0]) - along[0]
        yaw = np.interp(travelled, np.linspace(0.0, 1.0, len(curve)), along)
        share = np.linspace(0.0, 1.0, len(travelled))
        yaw = self.pose[2] + (yaw - self.pose[2]) * minimum_jerk(share * count / 1.8)
        if final is not None:
            target = yaw[-1] + turn_between(yaw[-1], final)
            yaw = yaw + (target - yaw) * minimum_jerk(1.0 - (1.0 - share) * count / 2.2)
        return yaw

    def step(
        self, start: float, forward: float = 0.0, left: float = 0.0, turn: float = 0.0, *, duration: float | None = None,
        first: int | None = None, gait: Gait = STEP,
    ) -> float:  # fmt: skip
        """Small steps that carry root and feet by metres forward and left (as the person faces) and turn on the spot."""
        ahead, aside = heading(self.pose[2])
        goal = np.array([*(self.pose[:2] + forward * ahead + left * aside), self.pose[2] + turn])
        way, turns = np.hypot(forward, 1.6 * left) / (0.45 * self.leg / LEG), abs(turn) / _TURN
        count = max(2, round(max(way, turns) + 1.2))
        duration = duration or (0.36 if turns > way else 0.42) * count
        if first is None and (abs(left) > abs(forward) or abs(turn) > 0.3):
            first = LEFT if left + turn > 0 else RIGHT
        share = minimum_jerk(np.linspace(0.0, 1.0, 100))[:, None]
        return self._go(Move(start, start + duration, self.pose + (goal - self.pose) * share, gait), count, first, True)

    def lunge(
        self, foot: int, start: float, forward: float, *, ahead: float = 0.2, out: float = 0.0, turn: float = 0.0,
        duration: float = 0.45, height: float = 0.0, onto: np.ndarray | None = None,
    ) -> float:  # fmt: skip
        """One foot alone steps; the other stays where it is, until the next step.

        The root goes `forward` metres and turns by `turn`; the foot lands `ahead` and `out` of where it would stand there,
        `height` metres over the ground, or at the pose `onto` (somebody's foot).
        """
        sign = 1.0 if foot == LEFT else -1.0
        front, _ = heading(self.pose[2])
        goal = self.pose + [*(forward * front), turn]
        front, left = heading(goal[2])
        pose = self.standing(foot, goal)
        pose[:2] += ahead * front + sign * out * left
        if onto is not None:
            pose[:2] = onto[:2]
        share = minimum_jerk(np.linspace(0.0, 1.0, 100))[:, None]
        end = start + duration
        self._begin(Move(start, end, self.pose + (goal - self.pose) * share, STEP))
        self._set(Step(foot, start + 0.15 * duration, start + 0.9 * duration, pose, STEP, height))
        self._busy = end
        return end

    def kick(
        self, foot: int, hit: float, *, ahead: float, height: float, out: float = 0.1, pitch: float = 0.3,
        before: float = 0.45, after: float = 0.6, held: float = 0.0,
    ) -> float:  # fmt: skip
        """The foot swings to a place before the root and back to where it stands; when it stands again."""
        end = hit + held + after
        if hit - before < self._busy - 1e-6:
            raise ValueError(f"This person steps until {self._busy:.2f} s and cannot kick from {hit - before:.2f} s on.")
        self.kicks.append(Kick(foot, hit - before, hit, end, ahead, out, height, pitch, held))
        self._busy = end
        return end

    def carried(self, start: float, end: float, to: Point) -> None:
        """Somebody else carries the person from `start` to `end`, who then stands at `to` as now turned."""
        goal = np.array([*to, self.pose[2]])
        self._begin(Move(start, end, np.stack([self.pose, goal]), STEP))
        for foot in (LEFT, RIGHT):
            self._set(Step(foot, start, end, self.standing(foot), STEP))
        self._busy = end

    @property
    def free(self) -> float:
        """When the feet have done what was planned so far."""
        return self._busy

    def _begin(self, move: Move) -> None:
        if move.start < self._busy - 1e-6:
            raise ValueError(f"This person steps until {self._busy:.2f} s and cannot set off again at {move.start:.2f} s.")
        self.moves.append(move)
        self.pose = move.table[-1].copy()

    def _set(self, step: Step) -> None:
        self.steps.append(step)
        self._feet[step.foot] = step.pose
        self._free[step.foot] = step.land

    def _go(self, move: Move, count: int, first: int | None, stop: bool) -> float:
        """Plans `count` steps, alternating: each foot is set where the root will pass over it; the last two where it stops."""
        self._begin(move)
        foot = self._leading(move) if first is None else first
        period = (move.end - move.start) / count
        for index in range(count):
            land = move.start + (index + 1) * period
            pace = float(np.linalg.norm(move.at(land + period)[:2] - move.at(land)[:2]))
            duty = min(move.gait.duty, move.gait.contact * self.leg / LEG / (2.0 * max(pace, 1e-6)))
            lift = max(land - 2.0 * (1.0 - duty) * period, self._free[foot] + 0.06, move.start)
            if stop and index >= count - 2:
                pose = self.standing(foot)
            else:
                over = move.at(land + 2.0 * duty * move.gait.over * period)
                pose = self._foot(foot, over, move.gait.half_width)
            self._set(Step(foot, lift, land, pose, move.gait))
            foot = 1 - foot
        self._busy = move.end
        return move.end

    def _leading(self, move: Move) -> int:
        """The foot that is further behind on the way, else the person's own first one."""
        way = move.table[-1, :2] - move.table[0, :2]
        length = float(np.linalg.norm(way))
        if length < 0.05:
            return self.first
        gap = float((self._feet[LEFT, :2] - self._feet[RIGHT, :2]) @ way) / length
        return self.first if abs(gap) < 0.08 else (RIGHT if gap > 0 else LEFT)
