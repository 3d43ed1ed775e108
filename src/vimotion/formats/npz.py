"""The native file of a motion: a NumPy archive with Kimodo's keys and an axis for the people.

| key | shape | content |
|---|---|---|
| posed_joints | (T, P, 22, 3) | joint positions in the world, metres, Y-up |
| local_rot_mats | (T, P, 22, 3, 3) | each joint in its parent's axes; the pelvis in the world |
| root_positions | (T, P, 3) | the pelvis, metres |
| foot_contacts | (T, P, 4) | 1 where left ankle, left foot, right ankle, right foot stand; the last row is repeated |
| offsets | (P, 22, 3) | the skeletons: offsets from the parent joint in the T-pose, metres |
| fps | () | frames per second |
| format_version | () | 1 |

All numbers are float32 but `fps` (float64) and `format_version` (int64). The same motion gives the same bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np

from vimotion.errors import UserError
from vimotion.formats.amass import is_amass, read_amass
from vimotion.formats.archive import MAX_BYTES, Archive, opened, write_archive
from vimotion.formats.capture import check_bones, check_file, check_length
from vimotion.motion import FPS, NUM_JOINTS, Interaction, Skeleton, foot_contacts

FORMAT_VERSION = 1
# What the size of each axis is called in `_SHAPES`: frames and people follow from the first key.
_SHAPES: dict[str, tuple[str | int, ...]] = {
    "posed_joints": ("T", "P", NUM_JOINTS, 3),
    "local_rot_mats": ("T", "P", NUM_JOINTS, 3, 3),
    "root_positions": ("T", "P", 3),
    "foot_contacts": ("T", "P", 4),
    "offsets": ("P", NUM_JOINTS, 3),
    "fps": (),
    "format_version": (),
}
# float32 rounds rotations to 1e-7; other writers may be coarser
_ROTATION_TOLERANCE = 1e-3
_POSITION_TOLERANCE = 0.01
_MAX_DISTANCE = 10_000.0
_MAX_BONE = 3.0


def save_npz(interaction: Interaction, path: str | Path) -> None:
    """Write the native file."""
    positions = interaction.joint_positions
    contacts = np.zeros((*positions.shape[:2], 4))
    if interaction.num_frames > 1:
        contacts[:-1] = foot_contacts(positions)
        contacts[-1] = contacts[-2]
    arrays = {
        "posed_joints": positions.astype(np.float32),
        "local_rot_mats": interaction.local_rotations.astype(np.float32),
        "root_positions": interaction.root_positions.astype(np.float32),
        "foot_contacts": contacts.astype(np.float32),
        "offsets": np.stack([skeleton.offsets for skeleton in interaction.skeletons]).astype(np.float32),
        "fps": np.float64(interaction.fps),
        "format_version": np.int64(FORMAT_VERSION),
    }
    write_archive(arrays, Path(path))


def load_npz(path: str | Path, *, fps: float | None = None) -> Interaction:
    """Read the native file, or AMASS' of one person, at 30 fps; `fps` replaces the file's rate.

    Raises:
        UserError: the file is no such archive, or a key, shape, number, rotation, rate or length in it is not as it must be.
    """
    path = Path(path)
    check_file(path, MAX_BYTES)
    with path.open("rb") as file:
        return parse_npz(file, path.name, fps)


def parse_npz(file: BinaryIO, name: str, fps: float | None = None) -> Interaction:
    """As `load_npz`, from an open file; `name` is used in messages."""
    with opened(file, name) as archive:
        if is_amass(archive):
            return read_amass(archive, name, fps)
        arrays = _read_arrays(archive, name, fps)
    if any(not np.isfinite(array).all() for array in arrays.values()):
        raise UserError(f"{name} holds numbers that are not finite.")
    rotations = arrays["local_rot_mats"]
    error = np.abs(np.swapaxes(rotations, -1, -2) @ rotations - np.eye(3)).max() if np.abs(rotations).max() < 2 else np.inf
    if not (error < _ROTATION_TOLERANCE and (np.linalg.det(rotations) > 0).all()):
        raise UserError(f"{name} holds local_rot_mats that are no rotations.")
    offsets = arrays["offsets"]
    if offsets[:, 0].any() or np.abs(offsets).max() > _MAX_BONE:
        raise UserError(f"{name} holds offsets that are nobody's: they are metres, and zero for the pelvis.")
    check_bones(name, offsets)
    if max(np.abs(arrays["root_positions"]).max(), np.abs(arrays["posed_joints"]).max()) > _MAX_DISTANCE:
        raise UserError(f"{name} puts somebody kilometres away; the file is damaged.")
    skeletons = tuple(Skeleton(offset) for offset in offsets)
    motion = Interaction(arrays["root_positions"], rotations, skeletons, fps or float(arrays["fps"]))
    if np.abs(motion.joint_positions - arrays["posed_joints"]).max() > _POSITION_TOLERANCE:
        raise UserError(f"{name} holds posed_joints that do not follow from its rotations; write it anew from its source.")
    return motion.resampled(FPS)


def _read_arrays(archive: Archive, name: str, fps: float | None) -> dict[str, np.ndarray]:
    missing = [key for key in _SHAPES if key not in archive]
    if missing:
        raise UserError(f"{name} is not a motion as VIMotion saves it: it lacks {', '.join(missing)}.")
    shapes = {key: archive.shape(key) for key in _SHAPES}
    arrays = {key: archive.read(key) for key in ("format_version", "fps")}
    _check_shapes(shapes, arrays, name, fps)
    return arrays | {key: archive.read(key) for key in _SHAPES if key not in arrays}


def _check_shapes(shapes: dict[str, tuple[int, ...]], arrays: dict[str, np.ndarray], name: str, fps: float | None) -> None:
    if arrays["format_version"].shape or arrays["format_version"] != FORMAT_VERSION:
        raise UserError(f"{name} has another format version than {FORMAT_VERSION}, which this VIMotion reads.")
    first = shapes["posed_joints"]
    sizes = {"T": first[0], "P": first[1]} if len(first) == 4 else {}
    for key, axes in _SHAPES.items():
        wanted = tuple(sizes.get(axis, axis) if isinstance(axis, str) else axis for axis in axes)
        if shapes[key] != wanted:
            shape = f"{shapes[key]!s:.60}"
            raise UserError(f"{name} holds {key} of shape {shape}; it must be {axes} for T frames and P people.")
    if sizes["P"] not in (1, 2):
        raise UserError(f"{name} holds {sizes['P']} people; VIMotion knows one or two.")
    check_length(name, sizes["T"], fps or float(arrays["fps"]))
