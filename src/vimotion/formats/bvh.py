"""BVH files in and out, one person a file.

Reading takes any joint names that a table knows (`joint_names.py`), any channel order, and positions on every joint (they
replace the offset in that frame). Writing gives Mixamo's names or others (`bone_names.py`), centimetres, rotations in the order
Z Y X, constant offsets.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from vimotion.artifacts import atomic_path
from vimotion.errors import UserError
from vimotion.formats.bone_names import BONES
from vimotion.formats.capture import MAX_JOINTS, MAX_NUMBER, Capture, check_length, pose, read_file, thinning
from vimotion.formats.file_names import person_files
from vimotion.formats.joint_names import JointTable, choose_table, plain
from vimotion.formats.retarget import body_height, is_t_pose, to_interaction
from vimotion.motion import FPS, JOINT, JOINTS, PARENTS, Interaction
from vimotion.motion.rotations import euler_to_matrix, matrix_to_euler_zyx

_MAX_BYTES = 100_000_000
_MAX_HEADER = 1_000_000
_TOKEN = re.compile(
    r"[{}]|(?:ROOT|JOINT)[ \t]+[^\r\n{}]+|End[ \t]+Site[^\r\n{}]*|(?:OFFSET|CHANNELS)\b[^\r\n{}]*|\S[^\r\n{}]*", re.IGNORECASE
)
_MOTION = re.compile(r"^[ \t]*MOTION\b", re.IGNORECASE | re.MULTILINE)
_TIMES = re.compile(r"\s*Frames\s*:\s*(\d{1,9})\s+Frame\s+Time\s*:\s*([-+.\deE]{1,40})\s", re.IGNORECASE)
_CHANNEL = re.compile(r"([xyz])(position|rotation)", re.IGNORECASE)
# body heights a second; about 1.5 m/s
_SLOW = 0.9
# Ends of the body that our skeleton has no joint for, in metres: what other programs draw the last bones with.
_END_SITES = {
    "head": (0.0, 0.18, 0.0), "left_foot": (0.0, 0.0, 0.08), "right_foot": (0.0, 0.0, 0.08),
    "left_wrist": (0.18, 0.0, 0.0), "right_wrist": (-0.18, 0.0, 0.0),
}  # fmt: skip


@dataclass
class _Joint:
    name: str
    parent: int
    offset: tuple[float, ...] | None = None
    channels: list[tuple[int, str]] = field(default_factory=list)  # axis 0..2 and "position" or "rotation"


def load_bvh(path: str | Path, *, fps: float | None = None, joint_map: JointTable | None = None) -> Interaction:
    """One person at 30 fps, in metres, where the file puts them. Arguments and errors as in `formats.load_motion`."""
    path = Path(path)
    capture, table = parse_bvh(read_file(path, _MAX_BYTES), path.name, fps, joint_map)
    return to_interaction(capture, table, path.name)


def parse_bvh(
    data: bytes, name: str, fps: float | None = None, joint_map: JointTable | None = None
) -> tuple[Capture, JointTable]:
    """The content of a BVH file thinned towards 30 fps, and the table that knows its joints.

    `name` is used in messages, `fps` replaces the header's rate. A T-pose put before the motion is left out.
    """
    text = data.decode("utf-8-sig", errors="replace")
    motion = _MOTION.search(text)
    if not motion:
        raise UserError(f"{name} is not a whole BVH file: it has no line MOTION.")
    if motion.start() > _MAX_HEADER:
        raise UserError(f"{name} describes a skeleton that is too large for one person.")
    joints = _parse_hierarchy(text[: motion.start()], name)
    times = _TIMES.match(text, motion.end())
    if not times:
        raise UserError(f"{name} needs the lines `Frames: N` and `Frame Time: SECONDS` after MOTION.")
    count, rate = int(times[1]), fps or _header_rate(times[2], name)
    check_length(name, count, rate, len(joints))
    table = choose_table([joint.name for joint in joints], name, joint_map)
    restore_lost_bones(joints, table)
    width = sum(len(joint.channels) for joint in joints)
    values = _numbers(text, times.end() - 1, count * width, name).reshape(count, width)[:: thinning(rate)]
    capture = _posed(joints, values, rate / thinning(rate))
    if fps is None:
        capture = _at_true_rate(capture, table, name)
    if len(capture.positions) > 1 and is_t_pose(capture, table):
        capture = capture.frames(slice(1, None))
    return capture, table


def _header_rate(text: str, name: str) -> float:
    """Frames per second from the header's seconds a frame; 0.0333333 means 30."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1e-6 < seconds < 1e6:
        raise UserError(f"{name} gives {text[:40]} seconds a frame; say the true rate with `fps`.")
    rate = 1.0 / seconds
    return float(round(rate)) if abs(rate - round(rate)) < 2e-3 * rate else rate


def _at_true_rate(capture: Capture, table: JointTable, name: str) -> Capture:
    """The same at the table's rate where the header's 30 fps cannot be: 95 % of the time all hands and feet are slow.

    The limit parts CMU's walks, jumps and blows at the right rate (2.4 to 4.7 m/s in 02_01, 02_02, 02_04, 02_05 and 18_01)
    from the same slowed down four times (0.6 to 1.2 m/s). A calm clip that truly has 30 fps would be taken for a slowed one:
    the warning says what to do.
    """
    if not table.true_fps or capture.fps != FPS or len(capture.positions) < 2:
        return capture
    at = table.find(capture.names)
    ends = [at[joint] for joint in ("left_wrist", "right_wrist", "left_ankle", "right_ankle") if joint in at]
    speeds = np.linalg.norm(np.diff(capture.positions[:, ends], axis=0), axis=-1).max(axis=-1) * capture.fps
    height = body_height(capture, {JOINT[joint]: index for joint, index in at.items()})
    if np.percentile(speeds, 95) > _SLOW * height:
        return capture
    warnings.warn(
        f"{name} says {capture.fps:g} fps but moves too slowly for it; its kind was captured at {table.true_fps:g} fps and is "
        f"read so. Give the rate ({capture.fps:g}) to keep the header's.",
        stacklevel=2,
    )
    return replace(capture, fps=table.true_fps).frames(slice(None, None, thinning(table.true_fps)))


def _numbers(text: str, start: int, count: int, name: str) -> np.ndarray:
    """The `count` numbers that follow `start`; a number takes at least two characters, so a false count is found first."""
    if 2 * count <= len(text) - start + 1:
        with warnings.catch_warnings():
            warnings.simplefilter("error", DeprecationWarning)  # so does NumPy before 2.3 report what is no number
            try:
                values = np.fromstring(text[start:], sep=" ")
            except (ValueError, DeprecationWarning):
                raise UserError(f"{name} holds something that is no number in its motion.") from None
        if values.size == count:
            if not (np.abs(values) < MAX_NUMBER).all():
                raise UserError(f"{name} holds a number in its motion that is not finite or absurdly large.")
            return values
        held = f"{values.size}"
    else:
        held = "fewer"
    raise UserError(f"{name} should hold {count} numbers of motion and holds {held}; it was cut off or its header is wrong.")


def _parse_hierarchy(text: str, name: str) -> list[_Joint]:
    """The joints in the file's order, ends ("" for a name) included. Depth costs nothing: there is no recursion."""
    joints: list[_Joint] = []
    open_joints: list[int] = []  # the joint of each brace that is open
    pending = False  # a joint was named and its brace is still to come
    tokens = (match[0] for match in _TOKEN.finditer(text))
    if next(tokens, "").strip().upper() != "HIERARCHY":
        raise UserError(f"{name} is not a BVH file: it does not begin with HIERARCHY.")
    for token in tokens:
        words = token.split()
        word = words[0].upper()
        if word in ("ROOT", "JOINT", "END") and len(words) > 1 and not pending:
            if (word == "ROOT") != (not joints) or bool(joints) != bool(open_joints):
                raise UserError(f"{name} holds more than one skeleton, or a joint outside of it; a BVH file has one ROOT.")
            joints.append(_Joint("" if word == "END" else " ".join(words[1:]), open_joints[-1] if open_joints else -1))
            pending = True
        elif word == "{" and pending:
            open_joints.append(len(joints) - 1)
            pending = False
        elif word == "}" and open_joints and not pending:
            if joints[open_joints.pop()].offset is None:
                raise UserError(f"{name} has a joint without OFFSET.")
        elif word == "OFFSET" and open_joints and not pending and joints[open_joints[-1]].offset is None:
            joints[open_joints[-1]].offset = _offset(words[1:], name)
        elif word == "CHANNELS" and open_joints and not pending and not joints[open_joints[-1]].channels:
            joints[open_joints[-1]].channels = _channels(words[1:], name)
        else:
            raise UserError(f"{name} has {token.strip()[:40]!r} in its hierarchy where it makes no sense.")
        if len(joints) > MAX_JOINTS:
            raise UserError(f"{name} has more than {MAX_JOINTS} joints; that is no person.")
    if open_joints or pending or not joints:
        raise UserError(f"{name} is not a whole BVH file: its hierarchy is not closed.")
    if not any(joint.channels for joint in joints):
        raise UserError(f"{name} has no CHANNELS, so nothing in it moves.")
    return joints


def restore_lost_bones(joints: list[_Joint], table: JointTable) -> None:
    """Give back the length that a conversion took from bones that branch.

    Converters of CMU's data let all children of a branching bone begin where the bone itself begins, which shortens the
    trunk and the forearms by a decimetre. Where the children of a joint in the table's `lost_bones` all lie on it, they are
    moved out along the bone above by that factor of its length.
    """
    for index, joint in enumerate(joints):
        factor = next((value for bone, value in table.lost_bones.items() if plain(bone) == plain(joint.name)), None)
        children = [child for child in joints if child.parent == index]
        if factor and len(children) > 1 and joint.offset and not any(any(child.offset or ()) for child in children):
            for child in children:
                child.offset = tuple(factor * value for value in joint.offset)


def _offset(words: list[str], name: str) -> tuple[float, ...]:
    try:
        offset = tuple(float(word) for word in words)
    except ValueError:
        offset = ()
    if len(offset) != 3 or not all(abs(value) < MAX_NUMBER for value in offset):
        raise UserError(f"{name} has an OFFSET that is not three sensible numbers: {' '.join(words)[:40]!r}.")
    return offset


def _channels(words: list[str], name: str) -> list[tuple[int, str]]:
    found = [_CHANNEL.fullmatch(word) for word in words[1:]]
    channels = [("xyz".index(match[1].lower()), match[2].lower()) for match in found if match]
    if not words or words[0] != str(len(channels)) or len(channels) != len(found) or len(set(channels)) != len(channels):
        raise UserError(f"{name} has CHANNELS that are not understood: {' '.join(words)[:60]!r}.")
    return channels


def _posed(joints: list[_Joint], values: np.ndarray, fps: float) -> Capture:
    """Channel values (T, channels) in degrees and the file's unit → the posed skeleton."""
    offsets = np.array([joint.offset for joint in joints], dtype=np.float64)
    translations = np.repeat(offsets[None], len(values), axis=0)
    rotations = np.empty((len(values), len(joints), 3, 3))
    column = 0
    for index, joint in enumerate(joints):
        order, angles = "", []
        for axis, kind in joint.channels:
            if kind == "position":
                translations[:, index, axis] = values[:, column]
            else:
                order += "XYZ"[axis]
                angles.append(np.radians(values[:, column]))
            column += 1
        rotations[:, index] = euler_to_matrix(np.stack(angles, axis=-1), order) if angles else np.eye(3)
    parents = [joint.parent for joint in joints]
    positions, orientations = pose(parents, translations, rotations)
    return Capture([joint.name for joint in joints], parents, offsets, positions, orientations, fps)


def save_bvh(interaction: Interaction, path: str | Path, bones: str = "mixamo") -> list[Path]:
    """One file for each person: `name.bvh` for one, `name.a.bvh` and `name.b.bvh` for two. Returns the paths."""
    paths = person_files(Path(path), interaction.num_people)
    for index, target in enumerate(paths):
        text = _bvh_text(interaction.person(index), BONES[bones])
        with atomic_path(target) as temporary:
            temporary.write_text(text, encoding="ascii", newline="\n")
    return paths


def _bvh_text(person: Interaction, names: Mapping[str, str]) -> str:
    order: list[str] = []
    skeleton = person.skeletons[0]
    lines = ["HIERARCHY", *_joint_lines("pelvis", names, skeleton.offsets * 100, skeleton.scale * 100, order)]
    lines += ["MOTION", f"Frames: {person.num_frames}", f"Frame Time: {1 / person.fps:.9f}"]
    angles = np.degrees(matrix_to_euler_zyx(person.local_rotations[:, 0, [JOINT[joint] for joint in order]]))
    rows = np.concatenate([person.root_positions[:, 0] * 100, angles.reshape(len(angles), -1)], axis=1)
    rows = np.where(np.abs(rows) < 5e-7, 0.0, rows)  # no "-0.000000"
    lines += [" ".join(f"{value:.6f}" for value in row) for row in rows]
    return "\n".join(lines) + "\n"


def _joint_lines(
    joint: str, names: Mapping[str, str], offsets: np.ndarray, end_scale: float, order: list[str], depth: int = 0
) -> list[str]:
    """Lines of a joint and those below it; `order` collects the joints as written."""
    order.append(joint)
    indent = "\t" * depth
    kind, channels = ("JOINT", "CHANNELS 3") if depth else ("ROOT", "CHANNELS 6 Xposition Yposition Zposition")
    lines = [
        f"{indent}{kind} {names[joint]}", f"{indent}{{", f"{indent}\tOFFSET {_triple(offsets[JOINT[joint]])}",
        f"{indent}\t{channels} Zrotation Yrotation Xrotation",
    ]  # fmt: skip
    for child in JOINTS:
        if PARENTS[JOINT[child]] == JOINT[joint]:
            lines += _joint_lines(child, names, offsets, end_scale, order, depth + 1)
    if joint in _END_SITES:
        end = np.array(_END_SITES[joint]) * end_scale
        lines += [f"{indent}\tEnd Site", f"{indent}\t{{", f"{indent}\t\tOFFSET {_triple(end)}", f"{indent}\t}}"]
    return [*lines, f"{indent}}}"]


def _triple(vector: np.ndarray) -> str:
    return " ".join(f"{value:.6f}" for value in vector)
