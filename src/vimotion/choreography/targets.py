"""Where a hand goes: targets that follow the bodies. A target is called with the view of the scene, the person and the side.

Directions in a person's own axes are (out, up, forward): `out` points away from the body's middle for either hand, so that
one description serves both hands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from vimotion.choreography.gait import heading
from vimotion.choreography.limbs import dot
from vimotion.motion import JOINT, SURFACE, Skeleton
from vimotion.motion.rotations import normalize

SIDES = ("left", "right")
Vector = tuple[float, float, float]
Motion = Callable[[np.ndarray], np.ndarray]  # script seconds (T,) → offsets (T, 3)

# Elbows hang below, a little outside and behind the line from shoulder to hand.
ELBOW: Vector = (0.45, -0.75, -0.5)
# Half of what lies between the centres of two palms that touch, metres.
HALF_PALM = 0.0045
# From the skin touched to the middle of the hand that lies on it, metres.
PALM_THICKNESS = 0.018


@dataclass(frozen=True, eq=False)
class View:
    """What targets may look at: both people over T frames.

    Attributes:
        times: (T,) script seconds.
        positions, orientations: (T, 2, 22, 3) and (T, 2, 22, 3, 3); valid for legs, trunk, head, collars and shoulders, and for
            the arms once they are solved.
        chest_yaw: (T, 2) where the chest faces.
    """

    times: np.ndarray
    positions: np.ndarray
    orientations: np.ndarray
    chest_yaw: np.ndarray
    skeletons: tuple[Skeleton, ...]

    def shoulder(self, person: int, side: str) -> np.ndarray:
        return self.positions[:, person, JOINT[f"{side}_shoulder"]]

    def axes(self, person: int, side: str) -> np.ndarray:
        """(T, 3, 3): columns out, up, forward of the chest's heading in the world."""
        forward, left = heading(self.chest_yaw[:, person])
        axes = np.zeros((len(self.times), 3, 3))
        axes[:, [0, 2], 0] = left if side == "left" else -left
        axes[:, 1, 1] = 1.0
        axes[:, [0, 2], 2] = forward
        return axes

    def arm_length(self, person: int, side: str) -> float:
        """Shoulder to palm, straight: metres."""
        skeleton = self.skeletons[person]
        bones = skeleton.bone_lengths[[JOINT[f"{side}_elbow"], JOINT[f"{side}_wrist"]]].sum()
        return float(bones + np.linalg.norm(skeleton.palm_offset(side)))


@dataclass(frozen=True, eq=False)
class Goal:
    """Where the palm should be: (T, 3); how the hand is turned (T, 3, 3), or None to leave the wrist straight; the elbow's
    preferred side (T, 3); `pronation` (radians, palm down > 0 from thumb up) where the wrist is free."""

    palm: np.ndarray
    rotation: np.ndarray | None
    elbow: np.ndarray
    pronation: float = 0.3


Target = Callable[[View, int, str], Goal]


def hand_rotation(fingers: np.ndarray, palm: np.ndarray, side: str) -> np.ndarray:
    """Orientation (..., 3, 3) of a wrist whose fingers point along `fingers` and whose palm faces `palm` (made square)."""
    fingers = normalize(fingers)
    palm = normalize(palm - dot(palm, fingers) * fingers)
    x = fingers if side == "left" else -fingers
    return np.stack([x, -palm, np.cross(x, -palm)], axis=-1)


def _apply(axes: np.ndarray, vector: Vector | np.ndarray) -> np.ndarray:
    return (axes @ np.asarray(vector, dtype=np.float64)[..., None])[..., 0]


@dataclass(frozen=True)
class Held:
    """A place beside the own body: `at` (out, up, forward) from the shoulder in arm lengths, carried along by the chest.

    `fingers` and `palm` are directions (out, up, forward); without them the wrist stays straight and `pronation` turns it.
    `motion` adds offsets (out, up, forward) in metres over time.
    """

    at: Vector
    fingers: Vector | None = None
    palm: Vector | None = None
    elbow: Vector = ELBOW
    pronation: float = 0.3
    motion: Motion | None = None

    def __call__(self, view: View, person: int, side: str) -> Goal:
        axes = view.axes(person, side)
        place = view.shoulder(person, side) + _apply(axes, self.at) * view.arm_length(person, side)
        if self.motion is not None:
            place = place + _apply(axes, self.motion(view.times))
        rotation = None
        if self.fingers is not None and self.palm is not None:
            rotation = hand_rotation(_apply(axes, self.fingers), _apply(axes, self.palm), side)
        return Goal(place, rotation, _apply(axes, self.elbow), self.pronation)


@dataclass(frozen=True)
class Meeting:
    """One point in the world where a hand of each person meets: both sides aim at it, so that they truly touch.

    It lies on the line between the two shoulders of those hands. In each person's own view of that line (left, up, towards
    the other): `fingers` and `palm` give how a *right* hand is held, and a left hand is its mirror image.

    Attributes:
        sides: which hand of person 0 and of person 1.
        level: height, 0 at the pelvis and 1 at the shoulders, the mean of both people.
        share: how far towards person 1, 0 … 1.
        motion: offsets (left of person 0, up, towards person 1) in metres over time, of the shared point.
        gap: extra room between the palms while it is not zero, e.g. for claps that part: (T,) from script seconds, metres.
    """

    sides: tuple[str, str]
    level: float
    fingers: Vector
    palm: Vector
    share: float = 0.5
    elbow: Vector = ELBOW
    motion: Motion | None = None
    gap: Motion | None = None

    def point(self, view: View) -> tuple[np.ndarray, np.ndarray]:
        """The meeting point (T, 3) and the axes (T, 3, 3) of the line: left of person 0, up, towards person 1."""
        first, second = (view.shoulder(person, self.sides[person]) for person in (0, 1))
        pelvis = view.positions[:, :, 0, 1].mean(axis=1)
        shoulder = (first[:, 1] + second[:, 1]) / 2.0
        point = first + (second - first) * self.share
        point[:, 1] = pelvis + (shoulder - pelvis) * self.level
        towards = second - first
        towards[:, 1] = 0.0
        towards = normalize(towards)
        axes = np.zeros((len(point), 3, 3))
        axes[:, 1, 1] = 1.0
        axes[:, :, 0] = np.cross([0.0, 1.0, 0.0], towards)
        axes[:, :, 2] = towards
        if self.motion is not None:
            point = point + _apply(axes, self.motion(view.times))
        return point, axes

    def __call__(self, view: View, person: int, side: str) -> Goal:
        point, axes = self.point(view)
        if person == 1:
            axes = axes * [-1.0, 1.0, -1.0]
        mirror = np.array([1.0 if side == "right" else -1.0, 1.0, 1.0])
        fingers, palm = (_apply(axes, np.array(vector) * mirror) for vector in (self.fingers, self.palm))
        gap = HALF_PALM if self.gap is None else HALF_PALM + self.gap(view.times)[:, None]
        own = view.axes(person, side)
        return Goal(point - normalize(palm) * gap, hand_rotation(fingers, palm, side), _apply(own, self.elbow))


@dataclass(frozen=True)
class OnBody:
    """A hand laid on a person: palm flat on the skin at `place` (a key of `SURFACE`), fingers as near to `fingers` as can be.

    `person` is whose body; `fingers` and `elbow` are directions (out, up, forward) of the one who touches. `lift` (T,) from
    script seconds raises the hand off the surface (pats), metres.
    """

    person: int
    place: str
    fingers: Vector = (0.0, 0.6, 1.0)
    elbow: Vector = ELBOW
    lift: Motion | None = None
    offset: Vector = field(default=(0.0, 0.0, 0.0))

    @property
    def on_arm(self) -> bool:
        """Whether the place is on an arm, which is known last."""
        return SURFACE[self.place].joint.endswith(("shoulder", "elbow", "wrist"))

    def surface(self, view: View) -> tuple[np.ndarray, np.ndarray]:
        """The point (T, 3) on the skin and its outward normal (T, 3)."""
        spot = SURFACE[self.place]
        joint = JOINT[spot.joint]
        orientation = view.orientations[:, self.person, joint]
        scale = view.skeletons[self.person].scale
        offset = (np.array(spot.offset) + self.offset) * scale
        return view.positions[:, self.person, joint] + orientation @ offset, normalize(orientation @ np.array(spot.normal))

    def __call__(self, view: View, person: int, side: str) -> Goal:
        point, normal = self.surface(view)
        height = PALM_THICKNESS if self.lift is None else PALM_THICKNESS + self.lift(view.times)[:, None]
        axes = view.axes(person, side)
        rotation = hand_rotation_on(normal, _apply(axes, self.fingers), side)
        return Goal(point + normal * height, rotation, _apply(axes, self.elbow))


def hand_rotation_on(normal: np.ndarray, fingers: np.ndarray, side: str) -> np.ndarray:
    """A hand flat on a surface of outward `normal`: the palm faces it, the fingers lie in it."""
    return hand_rotation(fingers - dot(fingers, normal) * normal, -normal, side)


@dataclass(frozen=True)
class OnGround:
    """The hand flat on the ground beside the own pelvis, fingers pointing back: metres out and forward at standard size."""

    out: float = 0.30
    forward: float = -0.22

    def __call__(self, view: View, person: int, side: str) -> Goal:
        axes = view.axes(person, side)
        scale = view.skeletons[person].scale
        place = view.positions[:, person, JOINT["pelvis"]] + _apply(axes, np.array([self.out, 0.0, self.forward])) * scale
        place[:, 1] = PALM_THICKNESS
        rotation = hand_rotation(_apply(axes, (0.4, 0.0, -1.0)), np.broadcast_to([0.0, -1.0, 0.0], place.shape), side)
        return Goal(place, rotation, _apply(axes, (0.3, 0.2, -1.0)))


@dataclass(frozen=True)
class WhereItWas:
    """The place where a joint of a person was at `second` (script): a blow goes there, though the joint has left it."""

    person: int
    joint: str
    second: float
    elbow: Vector = (0.7, -0.7, -0.3)

    def __call__(self, view: View, person: int, side: str) -> Goal:
        frame = int(np.argmin(np.abs(view.times - self.second)))
        place = np.repeat(view.positions[frame, self.person, JOINT[self.joint]][None], len(view.times), axis=0)
        axes = view.axes(person, side)
        # a fist, knuckles ahead and back of the hand up
        rotation = hand_rotation(axes[..., 2], -axes[..., 1], side)
        return Goal(place, rotation, _apply(axes, self.elbow))


def guard(size: float, low: float = 0.0) -> Held:
    """A fist before the own chin."""
    return Held((-0.12, 0.02 - low + 0.04 * size, 0.42), (-0.15, 0.9, 0.35), (-0.8, 0.0, -0.4), elbow=(0.35, -1.0, 0.0))


def drawn_fist(size: float) -> Held:
    """A fist drawn back before a blow."""
    return Held((0.12, -0.24, 0.34 - 0.08 * size), (0.0, 0.1, 1.0), (-0.7, -0.6, 0.0), elbow=(0.5, -0.6, -0.7))
