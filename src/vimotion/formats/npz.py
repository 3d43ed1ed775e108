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

import io
import re
import struct
import zipfile
import zlib
from math import prod
from pathlib import Path
from typing import IO, BinaryIO

import numpy as np
from numpy.lib import format as npy

from vimotion.artifacts import atomic_path
from vimotion.errors import UserError
from vimotion.formats.capture import check_file, check_length
from vimotion.motion import FPS, NUM_JOINTS, Interaction, Skeleton, foot_contacts

FORMAT_VERSION = 1
_MAX_BYTES = 400_000_000
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
_HEADER = re.compile(r"\{'descr': '([<>|=][fiub][1248])', 'fortran_order': (False|True), 'shape': \(([\d, ]{0,100})\), \}\s*")
# What `zipfile` and readers of its members raise over a damaged archive; `NotImplementedError` is its word for a compression or
# an encryption that it does not know.
BROKEN_ARCHIVE = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError, TypeError,
    KeyError, IndexError, OverflowError,
)  # fmt: skip
_FIRST_DATE = (1980, 1, 1, 0, 0, 0)
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
    with atomic_path(Path(path)) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            npy.write_array(buffer, np.asanyarray(array), version=(1, 0), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=_FIRST_DATE)
            entry.create_system = 3  # else the bytes would tell the operating system
            archive.writestr(entry, buffer.getvalue())


def load_npz(path: str | Path, *, fps: float | None = None) -> Interaction:
    """Read the native file, at 30 fps; `fps` replaces the file's rate.

    Raises:
        UserError: the file is no such archive, or a key, shape, number, rotation, rate or length in it is not as it must be.
    """
    path = Path(path)
    check_file(path, _MAX_BYTES)
    with path.open("rb") as file:
        return parse_npz(file, path.name, fps)


def parse_npz(file: BinaryIO, name: str, fps: float | None = None) -> Interaction:
    """As `load_npz`, from an open file; `name` is used in messages."""
    arrays = _read_archive(file, name, fps)
    if any(not np.isfinite(array).all() for array in arrays.values()):
        raise UserError(f"{name} holds numbers that are not finite.")
    rotations = arrays["local_rot_mats"]
    error = np.abs(np.swapaxes(rotations, -1, -2) @ rotations - np.eye(3)).max() if np.abs(rotations).max() < 2 else np.inf
    if not (error < _ROTATION_TOLERANCE and (np.linalg.det(rotations) > 0).all()):
        raise UserError(f"{name} holds local_rot_mats that are no rotations.")
    offsets = arrays["offsets"]
    if offsets[:, 0].any() or np.abs(offsets).max() > _MAX_BONE:
        raise UserError(f"{name} holds offsets that are nobody's: they are metres, and zero for the pelvis.")
    if max(np.abs(arrays["root_positions"]).max(), np.abs(arrays["posed_joints"]).max()) > _MAX_DISTANCE:
        raise UserError(f"{name} puts somebody kilometres away; the file is damaged.")
    skeletons = tuple(Skeleton(offset) for offset in offsets)
    motion = Interaction(arrays["root_positions"], rotations, skeletons, fps or float(arrays["fps"]))
    if np.abs(motion.joint_positions - arrays["posed_joints"]).max() > _POSITION_TOLERANCE:
        raise UserError(f"{name} holds posed_joints that do not follow from its rotations; write it anew from its source.")
    return motion.resampled(FPS)


def _read_archive(file: BinaryIO, name: str, fps: float | None) -> dict[str, np.ndarray]:
    """All arrays as float64. Every header is checked before room is made for what it announces."""
    try:
        _check_directory(file)
        archive = zipfile.ZipFile(file)
        entries = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
        missing = [key for key in _SHAPES if key not in entries]
        if missing:
            raise UserError(f"{name} is not a motion as VIMotion saves it: it lacks {', '.join(missing)}.")
        if any(entries[key].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for key in _SHAPES):
            raise UserError(f"{name} is packed in a way that NumPy does not use; save it again.")
        headers = {}
        for key in _SHAPES:
            with archive.open(entries[key]) as member:
                headers[key] = _read_header(member)
        arrays = {key: _read_array(archive, entries[key], headers[key]) for key in ("format_version", "fps")}
        _check_headers(headers, arrays, name, fps)
        arrays |= {key: _read_array(archive, entries[key], headers[key]) for key in _SHAPES if key not in arrays}
    except UserError:
        raise
    except BROKEN_ARCHIVE as error:
        reason = " ".join(str(error).split())[:120] or "it is cut off"
        raise UserError(f"{name} is not a whole npz archive: {reason}.") from None
    return arrays


def _check_directory(file: BinaryIO) -> None:
    """Refuse a zip directory of absurd size, which `zipfile` would read into memory."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - 65_557))
    tail = file.read()
    at = tail.rfind(b"PK\5\6", 0, max(0, len(tail) - 18))
    if at < 0 or int.from_bytes(tail[at + 12 : at + 16], "little") > 65_536 or tail[max(0, at - 20) : at][:4] == b"PK\6\7":
        raise zipfile.BadZipFile("it has no directory of a plain zip file")


def _read_header(member: IO[bytes]) -> tuple[np.dtype, tuple[int, ...], bool]:
    """Type, shape and whether columns come first. Read by a pattern: NumPy's own reader evaluates it as Python."""
    magic = member.read(8)
    if magic[:6] != b"\x93NUMPY" or magic[6:7] not in (b"\1", b"\2", b"\3"):
        raise ValueError("a part of it is no NumPy array")
    length = int.from_bytes(member.read(2 if magic[6] == 1 else 4), "little")
    header = _HEADER.fullmatch(member.read(min(length, 4096)).decode("latin-1"))
    if not header or length > 4096:
        raise ValueError("a part of it is no array of numbers")
    shape = tuple(int(size) for size in header[3].replace(",", " ").split())
    return np.dtype(header[1]), shape, header[2] == "True"


def _check_headers(headers: dict[str, tuple], arrays: dict[str, np.ndarray], name: str, fps: float | None) -> None:
    if arrays["format_version"].shape or arrays["format_version"] != FORMAT_VERSION:
        raise UserError(f"{name} has another format version than {FORMAT_VERSION}, which this VIMotion reads.")
    first = headers["posed_joints"][1]
    sizes = {"T": first[0], "P": first[1]} if len(first) == 4 else {}
    for key, axes in _SHAPES.items():
        wanted = tuple(sizes.get(axis, axis) if isinstance(axis, str) else axis for axis in axes)
        if headers[key][1] != wanted:
            shape = f"{headers[key][1]!s:.60}"
            raise UserError(f"{name} holds {key} of shape {shape}; it must be {axes} for T frames and P people.")
    if sizes["P"] not in (1, 2):
        raise UserError(f"{name} holds {sizes['P']} people; VIMotion knows one or two.")
    check_length(name, sizes["T"], fps or float(arrays["fps"]))


def _read_array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, header: tuple) -> np.ndarray:
    dtype, shape, columns_first = header
    with archive.open(entry) as member:
        _read_header(member)
        count = prod(shape) * dtype.itemsize
        if count > _MAX_BYTES:
            raise ValueError("a part of it is too large")
        content = member.read(count + 1)
    if len(content) != count:
        raise ValueError("a part of it is shorter or longer than it says")
    array = np.frombuffer(content, dtype).reshape(shape, order="F" if columns_first else "C")
    return array.astype(np.float64)
