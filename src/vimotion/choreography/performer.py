"""What one person is told to do over a scene: feet, trunk, head, gaze and hands, written down as tracks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vimotion.choreography.curves import Track
from vimotion.choreography.gait import LEFT, RIGHT, Footwork, Stance
from vimotion.choreography.targets import Target, Vector, View
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
class Manner:
    """How gentle, neutral and forceful differ, as numbers for every kind.

    Attributes:
        effort: factor on the time that a reach takes (forceful hands are quick).
        size: factor on amplitudes: shakes, wind-ups, leans, the other's reaction.
        head, chest, knees, width: added to nod, chest (radians), pelvis height and half stance width (metres).
    """

    effort: float
    size: float
    head: float
    chest: float
    knees: float
    width: float


MANNERS = {
    "gentle": Manner(effort=1.42, size=0.62, head=0.10, chest=0.05, knees=-0.006, width=-0.012),
    "neutral": Manner(effort=1.0, size=1.0, head=0.0, chest=0.0, knees=0.0, width=0.0),
    "forceful": Manner(effort=0.66, size=1.6, head=-0.03, chest=-0.09, knees=-0.006, width=0.035),
}


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
            habits.stride, habits.first_foot,
        )  # fmt: skip
        self.channels = {name: Track() for name in CHANNELS}
        self.gazes: list[tuple[float, float, GazePoint]] = []
        self.reaches: dict[str, list[Reach]] = {"left": [], "right": []}

    def key(self, channel: str, *keys: tuple[float, float]) -> None:
        """Adds keys (seconds, value) to a channel of `CHANNELS`; moves are minimum-jerk from key to key."""
        self.channels[channel].add(*keys)

    def pulse(self, channel: str, value: float, start: float, peak: float, end: float) -> None:
        """A channel goes to `value` and back."""
        self.key(channel, (start, 0.0), (peak, value), (end, 0.0))

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
        self.reaches[side].append(Reach(start, arrive, target, profile, arc))
        return start

    def release(self, side: str, start: float, duration: float = 0.7, *, arc: Vector = (0.0, 0.0, 0.0)) -> float:
        """The hand goes back to hanging at the side, from `start`; when it is there."""
        end = start + duration * self.manner.effort
        self.reaches[side].append(Reach(start, end, None, None, arc))
        return end


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
