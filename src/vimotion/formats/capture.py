"""`Capture`: one person's motion as a file tells it, in the file's own joints, axes and unit of length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from vimotion.errors import UserError
from vimotion.motion import FPS, NUM_JOINTS

MAX_SECONDS = 600.0
MAX_FRAMES = 72_000
MAX_JOINTS = 512
# poses of single joints, after thinning: what 10 minutes of a person with all fingers need, twice; about 600 MB while read
MAX_POSES = 3_000_000
MAX_RATE = 1000.0
# Metres: a shorter bone has no direction, and so nothing that is attached to it.
MIN_BONE = 0.001
# Larger numbers than this mean nothing in any unit of length or angle; they only overflow.
MAX_NUMBER = 1e6


@dataclass(frozen=True, eq=False)
class Capture:
    """A posed skeleton of J joints over T frames.

    Attributes:
        names: the joints' names in the file; "" for an end without a name.
        parents: index of each joint's parent, always an earlier joint; −1 for the root.
        offsets: (J, 3) from the parent, in the file's zero pose (no rotation anywhere).
        positions: (T, J, 3) in the world, in the file's unit of length.
        orientations: (T, J, 3, 3) in the world; all identity in the zero pose.
        fps: frames per second.
        unit: metres in one unit of length where the file tells, else None.
    """

    names: Sequence[str]
    parents: Sequence[int]
    offsets: np.ndarray
    positions: np.ndarray
    orientations: np.ndarray
    fps: float
    unit: float | None = None

    @property
    def zero_pose(self) -> np.ndarray:
        """Joint positions (J, 3) with no rotation anywhere, the root at the origin."""
        positions = np.zeros_like(self.offsets)
        for joint, parent in enumerate(self.parents):
            if parent >= 0:
                positions[joint] = positions[parent] + self.offsets[joint]
        return positions

    def frames(self, kept: slice) -> Capture:
        """Some of the frames; a stride divides the rate."""
        return replace(
            self, positions=self.positions[kept], orientations=self.orientations[kept], fps=self.fps / (kept.step or 1)
        )


def pose(parents: Sequence[int], translations: np.ndarray, rotations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """World positions (T, J, 3) and orientations (T, J, 3, 3) from local translations and rotations of the same shapes."""
    positions, orientations = np.empty_like(translations), np.empty_like(rotations)
    for joint, parent in enumerate(parents):
        if parent < 0:
            positions[:, joint], orientations[:, joint] = translations[:, joint], rotations[:, joint]
        else:
            turned = (orientations[:, parent] @ translations[:, joint, :, None])[..., 0]
            positions[:, joint] = positions[:, parent] + turned
            orientations[:, joint] = orientations[:, parent] @ rotations[:, joint]
    return positions, orientations


def check_length(name: str, frames: int, fps: float, joints: int = NUM_JOINTS) -> None:
    """Refuse a rate or a length that no motion here has, before room for it is made."""
    if not 1.0 <= fps <= MAX_RATE:
        raise UserError(f"{name} runs at {fps:.6g} frames per second; give a rate between 1 and {MAX_RATE:g}.")
    if frames < 1:
        raise UserError(f"{name} holds no frame of motion.")
    if frames > MAX_FRAMES or frames / fps > MAX_SECONDS or frames / thinning(fps) * joints > MAX_POSES:
        raise UserError(
            f"{name} holds {frames} frames of {joints} joints at {fps:.6g} fps; "
            f"cut it to at most {MAX_SECONDS / 60:g} minutes, {MAX_FRAMES} frames and {MAX_POSES} poses of single joints."
        )


def check_bones(name: str, offsets: np.ndarray) -> None:
    """Refuse skeletons (..., 22, 3), metres, in which a joint lies in its parent."""
    if not (np.linalg.norm(offsets[..., 1:, :], axis=-1) >= MIN_BONE).all():
        raise UserError(f"{name} holds a bone without a length; every joint but the pelvis lies away from its parent.")


def thinning(fps: float) -> int:
    """Every how many frames one is kept on the way to 30 fps: 4 at 120 fps; a rate that is no multiple stays above 60 fps."""
    every = max(1, round(fps / FPS))
    return every if abs(fps / every - FPS) < 1e-3 * FPS else max(1, int(fps // (2 * FPS)))


def check_file(path: Path, limit: int) -> None:
    """Whether there is something to read.

    Raises:
        UserError: there is no such file, or it is a folder, empty, unreadable, or larger than `limit` bytes.
    """
    try:
        if path.is_dir():
            raise UserError(f"{path} is a folder; name a motion file in it.")
        size = path.stat().st_size
        if not path.is_file():
            raise UserError(f"{path} is not a plain file.")
        if size == 0:
            raise UserError(f"{path} is empty; save or copy the file again.")
        if size > limit:
            raise UserError(f"{path} has {size / 1e6:.0f} MB; a motion file of its kind may have at most {limit / 1e6:.0f} MB.")
        with path.open("rb"):
            pass
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; check the name.") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None


def read_file(path: Path, limit: int) -> bytes:
    """The bytes of a file; errors as in `check_file`."""
    check_file(path, limit)
    return path.read_bytes()
