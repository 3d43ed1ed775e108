"""Acclaim's ASF skeleton with AMC motion, as CMU distributes its captures. Reading only.

A bone's rotation M is given in axes of its own, C: it turns the bone by C·M·C⁻¹ in the zero pose's axes. An AMC file has no
frame rate: 120 fps, CMU's, unless the caller knows better.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from vimotion.errors import UserError
from vimotion.formats.capture import MAX_FRAMES, MAX_JOINTS, MAX_NUMBER, Capture, check_length, pose, read_file, thinning
from vimotion.formats.joint_names import JointTable, choose_table
from vimotion.formats.retarget import to_interaction
from vimotion.motion import Interaction
from vimotion.motion.rotations import euler_to_matrix

_FPS = 120.0
_INCH = 0.0254
_MAX_ASF, _MAX_AMC = 2_000_000, 100_000_000


@dataclass
class _Bone:
    """`vector` is the bone in the zero pose's axes, `axis` its own axes (3, 3), `freedoms` its numbers in the AMC file."""

    vector: np.ndarray
    axis: np.ndarray
    freedoms: list[str] = field(default_factory=list)
    order: str = "XYZ"
    parent: str = ""


@dataclass
class Skeleton:
    """An ASF file: bones by name, each after its parent, "root" first; `unit` is metres in one unit of length."""

    bones: dict[str, _Bone]
    degrees: bool
    unit: float | None


def load_acclaim(
    path: str | Path, skeleton: str | Path | None = None, *, fps: float | None = None, joint_map: JointTable | None = None
) -> Interaction:
    """One person at 30 fps, in metres, from an AMC file and the ASF file `skeleton`.

    Without `skeleton` it is looked for beside the AMC file: the one with the same name up to the first "_" (`02.asf` for
    `02_01.amc`), or the only one in the folder. Other arguments and errors as in `formats.load_motion`.
    """
    path = Path(path)
    data = read_file(path, _MAX_AMC)
    skeleton = Path(skeleton) if skeleton else _find_skeleton(path)
    capture, table = parse_acclaim(read_file(skeleton, _MAX_ASF), data, skeleton.name, path.name, fps, joint_map)
    return to_interaction(capture, table, path.name)


def parse_acclaim(
    asf: bytes, amc: bytes, asf_name: str, amc_name: str, fps: float | None = None, joint_map: JointTable | None = None
) -> tuple[Capture, JointTable]:
    """The content of both files thinned towards 30 fps, and the table that knows the joints."""
    skeleton = parse_asf(asf, asf_name)
    rate = fps or _FPS
    values = _parse_amc(amc, amc_name, skeleton, rate)
    capture = _posed(skeleton, values, rate / thinning(rate))
    return capture, choose_table(capture.names, asf_name, joint_map)


def skeletons_in(folder: Path) -> list[Path]:
    """The ASF files of a folder, in order."""
    return sorted(found for found in folder.iterdir() if found.suffix.lower() == ".asf")


def _find_skeleton(path: Path) -> Path:
    beside = skeletons_in(path.parent)
    same = [found for found in beside if found.stem.lower() in (path.stem.lower(), path.stem.split("_")[0].lower())]
    if len(same) == 1 or len(beside) == 1:
        return (same or beside)[0]
    raise UserError(
        f"{path.name} needs its skeleton: put the one .asf file of this person beside it, named {path.stem.split('_')[0]}.asf."
    )


def parse_asf(data: bytes, name: str) -> Skeleton:
    """Units, root, bones and hierarchy of an ASF file; limits and the like are passed over."""
    sections = _sections(data, name)
    for needed in ("root", "bonedata", "hierarchy"):
        if needed not in sections:
            raise UserError(f"{name} is not a whole ASF skeleton: it has no :{needed}.")
    units = {words[0].lower(): words[1] for words in sections.get("units", []) if len(words) > 1}
    degrees = not units.get("angle", "deg").lower().startswith("rad")
    length = _floats([units["length"]], 1, name)[0] if "length" in units else 0.0
    if "length" in units and not 1e-6 < length < 1e6:
        raise UserError(f"{name} has a unit of length that makes no sense: {units['length'][:20]!r}.")
    bones = {"root": _root(sections["root"], degrees, name)}
    for block in _blocks(sections["bonedata"], name):
        label, bone = _bone(block, degrees, name)
        if label in bones:
            raise UserError(f"{name} describes the bone {label[:40]!r} twice.")
        bones[label] = bone
        if len(bones) > MAX_JOINTS:
            raise UserError(f"{name} has more than {MAX_JOINTS} bones; that is no person.")
    return Skeleton(_in_order(bones, sections["hierarchy"], name), degrees, _INCH / length if length else None)


def _sections(data: bytes, name: str) -> dict[str, list[list[str]]]:
    """Lines of words under each `:keyword`; what stands beside the keyword is its first line."""
    sections: dict[str, list[list[str]]] = {}
    lines: list[list[str]] = []
    for words in _lines(data):
        if words[0].startswith(":"):
            lines = sections.setdefault(words[0][1:].lower(), [])
            words = words[1:]
        if words:
            lines.append(words)
    if not sections:
        raise UserError(f"{name} is not an ASF skeleton: it has no line that begins with a colon.")
    return sections


def _lines(data: bytes) -> Iterator[list[str]]:
    """Words of each line; comments and empty lines left out."""
    for line in data.decode("utf-8-sig", errors="replace").splitlines():
        words = line.split("#", 1)[0].split()
        if words:
            yield words


def _blocks(lines: list[list[str]], name: str) -> Iterator[dict[str, list[str]]]:
    """Each `begin … end` as {first word of a line: the other words}."""
    block: dict[str, list[str]] | None = None
    for words in lines:
        word = words[0].lower()
        if word == "begin" and block is None:
            block = {}
        elif word == "end" and block is not None:
            yield block
            block = None
        elif block is not None:
            block[word] = words[1:]
    if block is not None:
        raise UserError(f"{name} is cut off: a `begin` in it has no `end`.")


def _root(lines: list[list[str]], degrees: bool, name: str) -> _Bone:
    entries = {words[0].lower(): words[1:] for words in lines}
    order = _rotation_order(entries.get("axis", ["XYZ"])[:1], name)
    axis = _axis_matrix(_floats(entries.get("orientation", ["0"] * 3), 3, name), order, degrees)
    freedoms = [word.lower() for word in entries.get("order", ["tx", "ty", "tz", "rx", "ry", "rz"])]
    if sorted(freedoms) != ["rx", "ry", "rz", "tx", "ty", "tz"]:
        raise UserError(f"{name} has an `order` of the root that is not TX TY TZ RX RY RZ in some order.")
    return _Bone(_floats(entries.get("position", ["0"] * 3), 3, name), axis, freedoms, order)


def _bone(block: dict[str, list[str]], degrees: bool, name: str) -> tuple[str, _Bone]:
    for needed in ("name", "direction", "length", "axis"):
        if not block.get(needed):
            raise UserError(f"{name} has a bone without `{needed}`.")
    label = block["name"][0]
    direction = _floats(block["direction"], 3, name)
    size = float(np.linalg.norm(direction))
    if size < 1e-9:
        raise UserError(f"{name} has a bone without a direction: {label[:40]!r}.")
    order = _rotation_order(block["axis"][3:], name)
    axis = _axis_matrix(_floats(block["axis"][:3], 3, name), order, degrees)
    freedoms = [word.lower() for word in block.get("dof", [])]
    if not set(freedoms) <= {"rx", "ry", "rz"} or len(set(freedoms)) != len(freedoms):
        raise UserError(f"{name} has a bone {label[:40]!r} with freedoms other than rx, ry, rz: {' '.join(freedoms)[:40]!r}.")
    return label, _Bone(direction / size * _floats(block["length"], 1, name)[0], axis, freedoms, order)


def _rotation_order(words: list[str], name: str) -> str:
    order = words[0].upper() if words else "XYZ"
    if sorted(order) != ["X", "Y", "Z"]:
        raise UserError(f"{name} has an order of axes that is not made of X, Y and Z: {order[:20]!r}.")
    return order


def _floats(words: list[str], count: int, name: str) -> np.ndarray:
    try:
        values = [float(word) for word in words]
    except ValueError:
        values = []
    if len(values) != count or not all(abs(value) < MAX_NUMBER for value in values):
        raise UserError(f"{name} should have {count} sensible numbers where it has {' '.join(words)[:60]!r}.")
    return np.array(values)


def _axis_matrix(angles: np.ndarray, order: str, degrees: bool) -> np.ndarray:
    """Rotation (3, 3) of angles about x, y, z in that order of numbers; "XYZ" turns about X first."""
    angles = np.radians(angles) if degrees else angles
    reverse = order[::-1]
    return euler_to_matrix(np.array([angles["XYZ".index(letter)] for letter in reverse]), reverse)


def _in_order(bones: dict[str, _Bone], lines: list[list[str]], name: str) -> dict[str, _Bone]:
    """The bones, each after its parent, as the hierarchy says."""
    children: dict[str, list[str]] = {}
    for words in lines:
        if words[0].lower() in ("begin", "end"):
            continue
        for child in words[1:]:
            if words[0] not in bones or child not in bones or child == "root" or bones[child].parent:
                raise UserError(f"{name} has a hierarchy that does not fit its bones at {words[0][:40]!r} and {child[:40]!r}.")
            bones[child].parent = words[0]
            children.setdefault(words[0], []).append(child)
    ordered, waiting = {}, ["root"]
    while waiting:
        label = waiting.pop()
        ordered[label] = bones[label]
        waiting += reversed(children.get(label, []))
    if len(ordered) != len(bones):
        left_out = next(label for label in bones if label not in ordered)
        raise UserError(f"{name} has the bone {left_out[:40]!r} outside of its hierarchy.")
    return ordered


def _parse_amc(data: bytes, name: str, skeleton: Skeleton, fps: float) -> dict[str, np.ndarray]:
    """Numbers of each bone that moves: (frames, freedoms), thinned towards 30 fps."""
    widths = {label: len(bone.freedoms) for label, bone in skeleton.bones.items() if bone.freedoms}
    rows = {label: array("d") for label in widths}
    frames = 0
    for words in _lines(data):
        label, numbers = words[0], words[1:]
        if label.startswith(":"):
            continue
        if not numbers and label.isdecimal():
            frames += 1
            if frames > MAX_FRAMES:
                check_length(name, frames, fps, len(skeleton.bones))
            continue
        if label not in rows:
            raise UserError(f"{name} moves {label[:40]!r}, which its skeleton does not have or does not let move.")
        if len(rows[label]) != (frames - 1) * widths[label] or len(numbers) != widths[label]:
            raise UserError(f"{name} has wrong numbers for {label[:40]!r} in frame {frames}, or lacks it in the frame before.")
        rows[label].extend(_floats(numbers, widths[label], name))
    check_length(name, frames, fps, len(skeleton.bones))
    for label, row in rows.items():
        if len(row) != frames * widths[label]:
            raise UserError(f"{name} is cut off: its last frame lacks {label[:40]!r}.")
    return {label: np.array(row).reshape(-1, widths[label])[:: thinning(fps)] for label, row in rows.items()}


def _posed(skeleton: Skeleton, values: dict[str, np.ndarray], fps: float) -> Capture:
    """The skeleton in motion. A joint named after a bone is where the bone begins; ends without a name close the limbs."""
    bones, labels = skeleton.bones, list(skeleton.bones)
    at = {label: index for index, label in enumerate(labels)}
    ends = sorted(set(labels) - {bone.parent for bone in bones.values()})
    names = labels + [""] * len(ends)
    parents = [at[bone.parent] if bone.parent else -1 for bone in bones.values()] + [at[label] for label in ends]
    offsets = np.array([np.zeros(3) if parent <= 0 else bones[labels[parent]].vector for parent in parents])
    frames = len(values["root"])
    translations = np.repeat(offsets[None], frames, axis=0)
    rotations = np.broadcast_to(np.eye(3), (frames, len(names), 3, 3)).copy()
    for label, rows in values.items():
        bone = bones[label]
        turns = {freedom[1].upper(): rows[:, i] for i, freedom in enumerate(bone.freedoms) if freedom[0] == "r"}
        order = "".join(letter for letter in reversed(bone.order) if letter in turns)
        angles = np.stack([turns[letter] for letter in order], axis=-1)
        moved = euler_to_matrix(np.radians(angles) if skeleton.degrees else angles, order)
        rotations[:, at[label]] = bone.axis @ moved @ bone.axis.T
    root = values["root"][:, [bones["root"].freedoms.index(freedom) for freedom in ("tx", "ty", "tz")]]
    translations[:, 0] = bones["root"].vector + root
    positions, orientations = pose(parents, translations, rotations)
    return Capture(names, parents, offsets, positions, orientations, fps, skeleton.unit)
