"""What the judge measures of two people: distances, heights, leans and swings over time, from joint positions alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vimotion.motion import FPS, JOINT, Interaction

LEFT, RIGHT = 0, 1
SIDES = ("left", "right")


def runs(mask: np.ndarray, shortest: int = 1, gap: int = 3) -> list[tuple[int, int]]:
    """(start, stop) of each stretch of True in a (T,) mask, at least `shortest` frames long; holes of at most `gap` frames
    are closed first, so that one noisy frame does not cut a stretch."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(int)))
    joined: list[tuple[int, int]] = []
    for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if joined and start - joined[-1][1] <= gap:
            joined[-1] = (joined[-1][0], stop)
        else:
            joined.append((start, stop))
    return [(start, stop) for start, stop in joined if stop - start >= shortest]


def extremes(signal: np.ndarray, amplitude: float, margin: int = 0) -> tuple[list[int], list[int]]:
    """(lows, highs): frames where a (T,) signal turns by at least `amplitude`; the two alternate.

    The first and last extreme count only where the signal moves `amplitude` away from, or towards, them. `margin` leaves out
    those in the first and last so many frames, which belong to the way in and out.
    """
    lows: list[int] = []
    highs: list[int] = []
    low = high = 0
    rising: bool | None = None
    values: list[float] = signal.tolist()
    for frame, value in enumerate(values):
        low = frame if value < values[low] else low
        high = frame if value > values[high] else high
        if rising is not False and values[high] - value >= amplitude:
            highs.append(high)
            rising, low = False, frame
        elif rising is not True and value - values[low] >= amplitude:
            lows.append(low)
            rising, high = True, frame
    inside = range(margin, len(signal) - margin)
    return [frame for frame in lows if frame in inside], [frame for frame in highs if frame in inside]


def smooth(signal: np.ndarray, width: int = 5) -> np.ndarray:
    """Moving average over `width` frames of a (T, ...) signal, the ends held."""
    if len(signal) < 2 or width < 2:
        return signal
    half = width // 2
    padded = np.concatenate([np.repeat(signal[:1], half, axis=0), signal, np.repeat(signal[-1:], half, axis=0)])
    sums = np.cumsum(np.concatenate([np.zeros_like(padded[:1]), padded]), axis=0)
    return (sums[2 * half + 1 :] - sums[: -2 * half - 1]) / (2 * half + 1)


def velocity(points: np.ndarray, fps: float = FPS) -> np.ndarray:
    """(T, ..., 3) → (T, ..., 3) m/s by central differences of slightly smoothed positions."""
    if len(points) < 2:
        return np.zeros_like(points)
    return np.gradient(smooth(points, 3), axis=0) * fps


@dataclass(frozen=True, eq=False)
class Signals:
    """Signals of a two-person interaction at 30 fps. Person 0 is "a", person 1 is "b"; side 0 is left, 1 is right."""

    interaction: Interaction

    def __post_init__(self) -> None:
        if self.interaction.num_people != 2:
            raise ValueError(f"The judge looks at two people, not {self.interaction.num_people}.")
        if abs(self.interaction.fps - FPS) > 1e-6:
            object.__setattr__(self, "interaction", self.interaction.resampled(FPS))

    @property
    def frames(self) -> int:
        return self.interaction.num_frames

    def joint(self, person: int, name: str) -> np.ndarray:
        """(T, 3) metres in the world."""
        return self.interaction.joint_positions[:, person, JOINT[name]]

    @cached_property
    def palms(self) -> np.ndarray:
        """(T, person, side, 3) metres."""
        return np.stack([self.interaction.palm_positions(side) for side in SIDES], axis=2)

    @cached_property
    def hands_to(self) -> dict[tuple[int, int, str, bool], np.ndarray]:
        """Distances of palms from places of bodies that `contact.hand_to` has measured, since many rules ask for the same."""
        return {}

    @cached_property
    def palm_velocity(self) -> np.ndarray:
        """(T, person, side, 3) m/s."""
        return velocity(self.palms)

    @cached_property
    def palm_gap(self) -> np.ndarray:
        """(T, side of a, side of b): metres from a's palm to b's."""
        return np.linalg.norm(self.palms[:, 0, :, None] - self.palms[:, 1, None, :], axis=-1)

    @cached_property
    def pelvis(self) -> np.ndarray:
        """(T, person, 2): x and z of the pelvis."""
        return self.interaction.joint_positions[:, :, JOINT["pelvis"]][..., [0, 2]]

    @cached_property
    def pelvis_velocity(self) -> np.ndarray:
        """(T, person, 2): horizontal m/s, over a quarter of a second so that a single step's sway does not show."""
        return np.gradient(smooth(self.pelvis, 9), axis=0) * FPS if self.frames > 1 else np.zeros_like(self.pelvis)

    @cached_property
    def pelvis_distance(self) -> np.ndarray:
        """(T,) horizontal metres between the two."""
        return np.linalg.norm(self.pelvis[:, 0] - self.pelvis[:, 1], axis=-1)

    @cached_property
    def facing(self) -> np.ndarray:
        """(T, person, 2): unit x and z of where the pelvis faces."""
        return self.interaction.facing()[..., [0, 2]]

    @cached_property
    def facing_other(self) -> np.ndarray:
        """(T, person): cosine between where a person faces and where the other stands."""
        towards = self.pelvis[:, ::-1] - self.pelvis
        towards = towards / np.maximum(np.linalg.norm(towards, axis=-1, keepdims=True), 1e-6)
        return np.sum(self.facing * towards, axis=-1)

    @cached_property
    def lean(self) -> np.ndarray:
        """(T, person): degrees that the trunk (pelvis to neck) pitches forward from upright."""
        positions = self.interaction.joint_positions
        trunk = positions[:, :, JOINT["neck"]] - positions[:, :, JOINT["pelvis"]]
        forward = np.sum(trunk[..., [0, 2]] * self.facing, axis=-1)
        return np.degrees(np.arctan2(forward, trunk[..., 1]))

    @cached_property
    def head_drop(self) -> np.ndarray:
        """(T, person): metres that a head is lower than where it usually is in the clip."""
        heads = self.interaction.joint_positions[:, :, JOINT["head"], 1]
        return np.percentile(heads, 80, axis=0) - heads

    @cached_property
    def pelvis_height(self) -> np.ndarray:
        """(T, person): height of the pelvis, 1 where the person stands upright: 0.6 on a chair, 0.15 on the ground."""
        standing = np.array([skeleton.pelvis_height for skeleton in self.interaction.skeletons])
        return self.interaction.joint_positions[:, :, JOINT["pelvis"], 1] / standing

    @cached_property
    def heading(self) -> np.ndarray:
        """(T,): cosine between where the one faces and where the other faces: 1 the same way, −1 face to face."""
        return np.sum(self.facing[:, 0] * self.facing[:, 1], axis=-1)

    @cached_property
    def head_turn(self) -> np.ndarray:
        """(T, person): degrees that the head faces to the left of where the pelvis faces."""
        ahead = self.interaction.joint_orientations[:, :, JOINT["head"], :, 2][..., [0, 2]]
        across = ahead[..., 0] * self.facing[..., 1] - ahead[..., 1] * self.facing[..., 0]
        return np.degrees(np.arctan2(across, np.sum(ahead * self.facing, axis=-1)))

    def stretch(self, person: int, side: int) -> np.ndarray:
        """(T,): distance from shoulder to palm, 1 where the arm is straight."""
        skeleton, name = self.interaction.skeletons[person], SIDES[side]
        length = skeleton.bone_lengths[[JOINT[f"{name}_elbow"], JOINT[f"{name}_wrist"]]].sum()
        length += np.linalg.norm(skeleton.palm_offset(name))
        return np.linalg.norm(self.palms[:, person, side] - self.joint(person, f"{name}_shoulder"), axis=-1) / length

    def above_shoulder(self, person: int, side: int) -> np.ndarray:
        """(T,) metres that a palm is above the person's own shoulder line (mean of both shoulder joints)."""
        shoulders = (self.joint(person, "left_shoulder")[:, 1] + self.joint(person, "right_shoulder")[:, 1]) / 2
        return self.palms[:, person, side, 1] - shoulders

    def first_to_raise(self, sides: tuple[int, int], until: int) -> int:
        """The person whose hand (a's and b's of `sides`) first goes a third of the way to where it is in frame `until`.

        A hand that hangs is raised; that of somebody who sits leaves the knee, which may be as high, by a fifth of the way.
        """
        begun = []
        for person in (0, 1):
            height = self.above_shoulder(person, sides[person])[: until + 1]
            if self.pelvis_height[until, person] < 0.75:
                palm = self.palms[: until + 1, person, sides[person]]
                left = np.linalg.norm(palm - palm[0], axis=-1)
                begun.append(int(np.argmax(left > 0.2 * left.max())))
            else:
                below = np.flatnonzero(height < height.min() + 0.35 * (height[-1] - height.min()))
                begun.append(int(below.max(initial=0)))
        return int(begun[1] < begun[0])

    def reach(self, person: int, side: int) -> np.ndarray:
        """(T,) metres that a palm is in front of its person's pelvis, towards where the pelvis faces."""
        offset = self.palms[:, person, side][:, [0, 2]] - self.pelvis[:, person]
        return np.sum(offset * self.facing[:, person], axis=-1)

    def to_torso(self, person: int, side: int) -> np.ndarray:
        """(T,) metres from a person's palm to the axis of the *other's* torso (pelvis to neck)."""
        other = 1 - person
        return to_segment(self.palms[:, person, side], self.joint(other, "pelvis"), self.joint(other, "neck"))

    @cached_property
    def torso_touched(self) -> bool:
        """Whether a palm of one rests on the other's torso, for more than an eighth of a second."""
        return any(bool(runs(self.to_torso(person, side) < 0.26, shortest=4)) for person in (0, 1) for side in (LEFT, RIGHT))

    def behind_other(self, person: int, side: int) -> np.ndarray:
        """(T,) metres that a palm lies behind the *other's* torso axis, by the other's shoulders; positive at the back."""
        other = 1 - person
        palm = self.palms[:, person, side]
        base, top = self.joint(other, "pelvis"), self.joint(other, "neck")
        share = np.clip((palm[:, 1] - base[:, 1]) / np.maximum(top[:, 1] - base[:, 1], 0.1), 0.0, 1.0)
        axis = base + share[:, None] * (top - base)
        across = self.joint(other, "right_shoulder") - self.joint(other, "left_shoulder")
        forward = np.stack([across[:, 2], -across[:, 0]], axis=-1)
        forward /= np.maximum(np.linalg.norm(forward, axis=-1, keepdims=True), 1e-6)
        return -np.sum((palm - axis)[:, [0, 2]] * forward, axis=-1)


def to_segment(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Distance of points (T, 3) from segments `start` to `end` (T, 3): (T,) metres."""
    along = end - start
    share = np.sum((points - start) * along, axis=-1) / np.maximum(np.sum(along**2, axis=-1), 1e-9)
    return np.linalg.norm(points - start - np.clip(share, 0.0, 1.0)[:, None] * along, axis=-1)
