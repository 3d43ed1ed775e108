"""`Interaction`: what a motion of one or two people *is* in VIMotion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from vimotion.motion.kinematics import forward_kinematics
from vimotion.motion.rotations import slerp, yaw_matrix
from vimotion.motion.skeleton import JOINT, MIRRORED, NUM_JOINTS, Skeleton

FPS = 30.0


@dataclass(frozen=True, eq=False)
class Interaction:
    """People who move in one world frame: metres, Y-up, the ground at y = 0.

    Attributes:
        root_positions: (T, P, 3) the pelvis of each person in each frame.
        local_rotations: (T, P, 22, 3, 3) each joint in its parent's axes; joint 0 is the pelvis in the world.
        skeletons: one for each of the P people (1 or 2); the first person is "a", the second "b".
        fps: frames per second.
    """

    root_positions: np.ndarray
    local_rotations: np.ndarray
    skeletons: tuple[Skeleton, ...]
    fps: float = FPS

    def __post_init__(self) -> None:
        roots = np.asarray(self.root_positions, dtype=np.float64)
        rotations = np.asarray(self.local_rotations, dtype=np.float64)
        object.__setattr__(self, "root_positions", roots)
        object.__setattr__(self, "local_rotations", rotations)
        object.__setattr__(self, "skeletons", tuple(self.skeletons))
        people = len(self.skeletons)
        if roots.ndim != 3 or roots.shape[1:] != (people, 3):
            raise ValueError(f"Root positions of {people} people need the shape (frames, {people}, 3), not {roots.shape}.")
        if rotations.shape != (len(roots), people, NUM_JOINTS, 3, 3):
            raise ValueError(
                f"Local rotations need the shape ({len(roots)}, {people}, {NUM_JOINTS}, 3, 3), not {rotations.shape}."
            )
        if not len(roots) or not people:
            raise ValueError("An interaction needs at least one frame and one person.")
        if not (np.isfinite(roots).all() and np.isfinite(rotations).all()):
            raise ValueError("The motion holds numbers that are not finite.")
        if not (np.isfinite(self.fps) and self.fps > 0):
            raise ValueError(f"Frames per second must be a positive number, not {self.fps}.")

    @property
    def num_frames(self) -> int:
        return len(self.root_positions)

    @property
    def num_people(self) -> int:
        return len(self.skeletons)

    @property
    def duration(self) -> float:
        """Seconds, counting each frame for 1 / fps."""
        return self.num_frames / self.fps

    @cached_property
    def _posed(self) -> tuple[np.ndarray, np.ndarray]:
        offsets = np.stack([skeleton.offsets for skeleton in self.skeletons])
        return forward_kinematics(self.root_positions, self.local_rotations, offsets)

    @property
    def joint_positions(self) -> np.ndarray:
        """(T, P, 22, 3) metres in the world, by forward kinematics."""
        return self._posed[0]

    @property
    def joint_orientations(self) -> np.ndarray:
        """(T, P, 22, 3, 3) in the world."""
        return self._posed[1]

    def palm_positions(self, side: str) -> np.ndarray:
        """Centre of the "left" or "right" palm of each person: (T, P, 3) metres in the world."""
        wrist = JOINT[f"{side}_wrist"]
        offsets = np.stack([skeleton.palm_offset(side) for skeleton in self.skeletons])
        return self.joint_positions[:, :, wrist] + (self.joint_orientations[:, :, wrist] @ offsets[:, :, None])[..., 0]

    def facing(self) -> np.ndarray:
        """Horizontal unit vector that each pelvis faces, from the hips: (T, P, 3)."""
        positions = self.joint_positions
        across = positions[:, :, JOINT["right_hip"]] - positions[:, :, JOINT["left_hip"]]
        forward = np.cross([0.0, 1.0, 0.0], across)
        return forward / np.maximum(np.linalg.norm(forward, axis=-1, keepdims=True), 1e-9)

    def frames(self, start: int, stop: int) -> Interaction:
        """Frames `start` to `stop`, the last not included."""
        part = replace(self, root_positions=self.root_positions[start:stop], local_rotations=self.local_rotations[start:stop])
        if "_posed" in vars(self):  # the joints of these frames are known
            vars(part)["_posed"] = tuple(joints[start:stop] for joints in self._posed)
        return part

    def person(self, index: int) -> Interaction:
        """One person alone, where they stand."""
        return self.people([index])

    def people(self, order: Sequence[int]) -> Interaction:
        """The people in another order, or some of them."""
        order = list(order)
        return replace(
            self,
            root_positions=self.root_positions[:, order],
            local_rotations=self.local_rotations[:, order],
            skeletons=tuple(self.skeletons[index] for index in order),
        )

    def swapped(self) -> Interaction:
        """The two people with their names exchanged; nobody moves."""
        return self.people(range(self.num_people)[::-1])

    def joined(self, other: Interaction) -> Interaction:
        """The people of both, in one world; both must have the same frames and rate."""
        if (self.num_frames, self.fps) != (other.num_frames, other.fps):
            raise ValueError("Two motions can only be joined when they have the same number of frames and the same rate.")
        return Interaction(
            np.concatenate([self.root_positions, other.root_positions], axis=1),
            np.concatenate([self.local_rotations, other.local_rotations], axis=1),
            self.skeletons + other.skeletons,
            self.fps,
        )

    def beside(self, other: Interaction) -> Interaction:
        """The people of both, in one world and on one clock: at the rate of this one, cut to the shorter."""
        other = other.resampled(self.fps)
        frames = min(self.num_frames, other.num_frames)
        return self.frames(0, frames).joined(other.frames(0, frames))

    def followed_by(self, other: Interaction) -> Interaction:
        """`other` after this one, in the same world; the skeletons of this one are kept."""
        if (self.num_people, self.fps) != (other.num_people, other.fps):
            raise ValueError("A motion can only be followed by one of the same people at the same rate.")
        return replace(
            self,
            root_positions=np.concatenate([self.root_positions, other.root_positions]),
            local_rotations=np.concatenate([self.local_rotations, other.local_rotations]),
        )

    def moved(self, yaw: float = 0.0, translation: Sequence[float] | np.ndarray = (0.0, 0.0, 0.0)) -> Interaction:
        """Everyone turned about the world's +Y axis by `yaw` radians, then shifted by `translation` metres.

        `translation` is (3,), or (P, 3) to shift each person by their own.
        """
        turn = yaw_matrix(yaw)
        rotations = self.local_rotations.copy()
        rotations[:, :, 0] = turn @ rotations[:, :, 0]
        roots = self.root_positions @ turn.T + np.asarray(translation, dtype=np.float64)
        return replace(self, root_positions=roots, local_rotations=rotations)

    def mirrored(self) -> Interaction:
        """The mirror image in the plane x = 0: what was done with the left is done with the right."""
        flip = np.array([-1.0, 1.0, 1.0])
        rotations = self.local_rotations[:, :, list(MIRRORED)] * flip[:, None] * flip
        return Interaction(
            self.root_positions * flip, rotations, tuple(skeleton.mirrored() for skeleton in self.skeletons), self.fps
        )

    def resampled(self, fps: float) -> Interaction:
        """The same motion at another frame rate: positions linearly, rotations along the shortest arc."""
        if abs(fps - self.fps) < 1e-6:
            return self
        count = int(np.floor((self.num_frames - 1) * fps / self.fps + 1e-6)) + 1
        at = np.minimum(np.arange(count) * self.fps / fps, self.num_frames - 1)
        before = np.minimum(at.astype(int), max(self.num_frames - 2, 0))
        after = np.minimum(before + 1, self.num_frames - 1)
        weight = at - before
        return replace(
            self,
            root_positions=self.root_positions[before] * (1 - weight[:, None, None])
            + self.root_positions[after] * weight[:, None, None],
            local_rotations=slerp(self.local_rotations[before], self.local_rotations[after], weight[:, None, None]),
            fps=fps,
        )
