"""What one person is told to do over a scene: feet, trunk, head, gaze and hands, written down as tracks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vimotion.choreography.curves import Track, paused
from vimotion.choreography.gait import LEFT, RIGHT, Footwork, Stance
from vimotion.choreography.manner import Manner
from vimotion.choreography.parameters import Posture
from vimotion.choreography.targets import SIDES, OnBody, Target, Vector, View
from vimotion.motion import JOINT, Skeleton

# Every channel adds to the natural pose; positive is forward, up, down (head) or to the person's own left.
CHANNELS: dict[str, str] = {
    "forward": "pelvis forward over the feet, metres",
    "side": "pelvis to the left over the feet, metres",
    "up": "pelvis up, metres (negative bends the knees)",
    "hinge": "pelvis and trunk forward at the hips, radians",
    "pitch": "trunk forward, bent along the spine, radians",
    "roll": "trunk to the left, radians",
    "twist": "trunk turned to the left, radians",
    "chest": "upper chest forward (negative puts the chest out), radians",
    "nod": "head down, radians",
    "tilt": "head to the left shoulder, radians",
    "turn": "head turned to the left, radians",
    "shrug": "both shoulders up, radians",
    "swing": "factor on the swing of idle arms, less 1",
    "arms_forward": "idle upper arms forward, radians",
    "arms_out": "idle upper arms away from the body, radians",
    "elbows": "idle elbows bent, radians",
}

GazePoint = Callable[[View, int], np.ndarray]  # view, own index → (T, 3)


@dataclass(frozen=True)
class Habits:
    """What is a person's own, whatever they do."""

    scale: float
    stance: Stance
    posture: float
    arm_out: float
    elbow: float
    arm_swing: float
    stride: float
    first_foot: int
    lean_on: float
    breath: float
    breath_phase: float
    noise_seed: int

    @staticmethod
    def draw(random: np.random.Generator) -> Habits:
        return Habits(
            scale=float(random.uniform(0.94, 1.06)),
            stance=Stance(
                half_width=float(random.uniform(0.085, 0.115)),
                splay=float(random.uniform(0.06, 0.19)),
                stagger=float(random.uniform(-0.03, 0.03)),
            ),
            posture=float(random.normal(0.0, 0.025)),
            arm_out=float(random.uniform(0.06, 0.13)),
            elbow=float(random.uniform(0.26, 0.48)),
            arm_swing=float(random.uniform(0.75, 1.25)),
            stride=float(random.uniform(0.94, 1.06)),
            first_foot=int(random.choice([LEFT, RIGHT])),
            lean_on=float(random.uniform(-1.0, 1.0)),
            breath=float(random.uniform(0.22, 0.32)),
            breath_phase=float(random.uniform(0.0, 2 * np.pi)),
            noise_seed=int(random.integers(2**31)),
        )


@dataclass(frozen=True)
class Reach:
    """A hand goes from where it is to `target` (None: back to hanging) between `start` and `end`, with `profile` of time.

    `arc` (out, up, forward) is how far the way bulges, metres.
    """

    start: float
    end: float
    target: Target | None
    profile: Callable[[np.ndarray], np.ndarray] | None
    arc: Vector


@dataclass(frozen=True)
class Touch:
    """A place of the own trunk or head (a key of `motion.SURFACE`) is brought to a place of the other's body and held there.

    On the way between `start` and `arrive`, back between `leave` and `end`; `apart` metres stay between the two.
    """

    start: float
    arrive: float
    leave: float
    end: float
    own: str
    at: OnBody
    apart: float = 0.0


@dataclass(frozen=True)
class Ride:
    """The other carries this person on the back: on it between `start` and `up`, off it between `down` and `end`."""

    start: float
    up: float
    down: float
    end: float


# The pelvis of somebody who sits: height over the ground, and how far the feet are before it, metres at standard size.
SEATS: dict[Posture, tuple[float, float]] = {"chair": (0.54, 0.43), "ground": (0.12, 0.58)}


class Performer:
    """The script of one person. All times are script seconds."""

    def __init__(
        self, index: int, habits: Habits, manner: Manner, position: tuple[float, float], yaw: float, tempo: float
    ) -> None:
        self.index = index
        self.name = "ab"[index]
        self.habits = habits
        self.manner = manner
        self.skeleton = Skeleton.standard().scaled(habits.scale)
        bones = self.skeleton.bone_lengths
        stance = Stance(habits.stance.half_width + manner.width, habits.stance.splay, habits.stance.stagger)
        self.feet = Footwork(
            position, yaw, stance, float(bones[JOINT["left_knee"]] + bones[JOINT["left_ankle"]]), tempo,
            habits.stride * manner.stride, habits.first_foot, pace=manner.gait,
        )  # fmt: skip
        self.channels = {name: Track() for name in CHANNELS}
        self.gazes: list[tuple[float, float, GazePoint]] = []
        self.reaches: dict[str, list[Reach]] = {"left": [], "right": []}
        self.touches: list[Touch] = []
        self.rides: list[Ride] = []
        self.posture: Posture = "stand"

    def key(self, channel: str, *keys: tuple[float, float]) -> None:
        """Adds keys (seconds, value) to a channel of `CHANNELS`; moves are minimum-jerk from key to key."""
        self.channels[channel].add(*keys)

    def pulse(self, channel: str, value: float, start: float, peak: float, end: float) -> None:
        """A channel goes to `value` and back."""
        self.key(channel, (start, 0.0), (peak, value), (end, 0.0))

    def hold(self, start: float, there: float, leave: float, end: float, **values: float) -> None:
        """Channels go to `values` by `there`, stay there until `leave`, and are back at `end`."""
        for channel, value in values.items():
            self.key(channel, (start, 0.0), (there, value), (leave, value), (end, 0.0))

    def look(self, start: float, at: GazePoint, duration: float = 0.35) -> None:
        """From `start` on the eyes are on `at`; the head needs `duration` to get there."""
        self.gazes.append((start, start + duration, at))

    def reach(
        self, side: str, arrive: float, target: Target, duration: float = 0.7, *, arc: Vector = (0.0, 0.0, 0.0),
        profile: Callable[[np.ndarray], np.ndarray] | None = None, exact: bool = False,
    ) -> float:  # fmt: skip
        """The hand arrives at `target` at `arrive` after `duration` (times the manner's effort, unless `exact`) and stays.

        Returns when it sets off.
        """
        start = arrive - duration * (1.0 if exact else self.manner.effort)
        if self.manner.stop and not exact and profile is None:
            profile = paused(self.manner.stop)
        self.reaches[side].append(Reach(start, arrive, target, profile, arc))
        return start

    def release(self, side: str, start: float, duration: float = 0.7, *, arc: Vector = (0.0, 0.0, 0.0)) -> float:
        """The hand goes back to hanging at the side, from `start`; when it is there."""
        end = start + duration * self.manner.effort
        self.reaches[side].append(Reach(start, end, None, None, arc))
        return end

    def drop_hands(self, start: float, duration: float = 0.65) -> None:
        """Both hands go back to the sides, or to the thighs of somebody who sits."""
        for side in SIDES:
            self.rest_hand(side, start, duration)

    def touch(
        self, own: str, other: str, arrive: float, leave: float, *, duration: float = 0.7, apart: float = 0.0
    ) -> None:  # fmt: skip
        """The trunk or head comes to the other's body by leaning: place `own` on place `other` from `arrive` to `leave`."""
        at = OnBody(1 - self.index, other)
        self.touches.append(Touch(arrive - duration, arrive, leave, leave + duration, own, at, apart))

    # -- sitting -------------------------------------------------------------------------------------------------------

    def begin_seated(self, posture: Posture) -> None:
        """From the start on the person sits, hands on the thighs."""
        height, ahead = self.seat(posture)
        self.key("up", (0.0, height))
        self.key("forward", (0.0, -ahead))
        self.key("hinge", (0.0, -0.06 if posture == "chair" else -0.16))
        self.posture = posture
        self.drop_hands(-1.0, 0.5)

    def rest_hand(self, side: str, start: float, duration: float = 0.7, *, arc: Vector = (0.0, 0.0, 0.0)) -> float:
        """The hand of somebody who sits goes to the own thigh, of somebody who stands to the side; when it is there."""
        if self.posture == "stand":
            return self.release(side, start, duration, arc=arc)
        end = start + duration * self.manner.effort
        place = f"{side}_thigh" if self.posture == "chair" else f"{side}_knee"
        thigh = OnBody(self.index, place, fingers=(-0.1, -0.2, 1.0))
        self.reaches[side].append(Reach(start, end, thigh, None, (arc[0], arc[1] + 0.1, arc[2])))
        return end

    def sit(self, start: float, posture: Posture, duration: float = 1.3) -> float:
        """Sits down behind the own feet; when the person sits."""
        height, ahead = self.seat(posture)
        end = start + duration * self.manner.effort**0.5
        self.key("up", (start + 0.1, 0.0), (end, height))
        self.key("forward", (start, 0.0), (end - 0.1, -ahead))
        self.pulse("hinge", 0.62, start, start + 0.6 * (end - start), end + 0.15)
        self.posture = posture
        return end

    def rise(self, start: float, duration: float = 1.2) -> float:
        """Stands up from a seat: the trunk goes forward over the feet, then up; when the person stands."""
        height, ahead = self.seat(self.posture)
        end = start + duration * self.manner.effort**0.5
        middle = start + 0.5 * (end - start)
        if self.posture == "chair":
            over, upright = middle + 0.2, 0.06
            self.pulse("hinge", 0.7, start, middle, end)
        else:  # the back bends, for the thighs are at the chest already
            over, upright = end - 0.1, 0.16
            self.pulse("pitch", 0.36, start, middle, end)
        self.key("up", (start + 0.2 * (end - start), 0.0), (end, -height))
        self.key("forward", (start, 0.0), (over, ahead))
        self.key("hinge", (start, 0.0), (end, upright))
        self.posture = "stand"
        return end

    def seat(self, posture: Posture) -> tuple[float, float]:
        """Height of the pelvis against standing (negative), and how far it is behind the feet: metres."""
        height, ahead = SEATS[posture]
        return height * self.habits.scale - self.skeleton.pelvis_height, ahead * self.habits.scale


def at_head(person: int) -> GazePoint:
    """The eyes of a person (None of the own arms is in the view, so hands are looked at through their targets)."""
    return lambda view, own: view.positions[:, person, JOINT["head"]]


def at_joint(person: int, joint: str) -> GazePoint:
    return lambda view, own: view.positions[:, person, JOINT[joint]]


def at_target(target: Target, person: int, side: str) -> GazePoint:
    """Where a hand of a person is going."""
    return lambda view, own: target(view, person, side).palm


def ahead(down: float = 0.0, left: float = 0.0) -> GazePoint:
    """Straight ahead of the own trunk, `down` metres lower and `left` metres aside at 3 m."""

    def point(view: View, own: int) -> np.ndarray:
        yaw = view.chest_yaw[:, own]
        forward = np.stack([np.sin(yaw), np.zeros_like(yaw), np.cos(yaw)], axis=-1)
        aside = np.stack([np.cos(yaw), np.zeros_like(yaw), -np.sin(yaw)], axis=-1)
        return view.positions[:, own, JOINT["head"]] + 3.0 * forward + left * aside - [0.0, down, 0.0]

    return point
