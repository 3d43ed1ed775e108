"""Which joint of a file is which of our 22: tables of names, the shipped ones in `joint_tables/` and a user's own.

A table is a YAML file:

    joints:            # our name → its name in the file, or a list of names of which the first that is found counts
      pelvis: Hips
      left_hip: [LeftUpLeg, LeftThigh]
    turns_with:        # optional: a joint that takes its orientation from another joint than its position
      head: Head
    lost_bones:        # optional: see `bvh.restore_lost_bones`
      thorax: 1.0
    true_fps: 120      # optional: the rate of capture where such files are known to tell a wrong one

Names are compared without case, spaces, punctuation and common prefixes such as `mixamorig:` or `Bip01`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from vimotion.errors import UserError
from vimotion.motion import JOINTS

# The names that we write: Mixamo's, which most tools know.
MIXAMO = {
    "pelvis": "Hips", "spine1": "Spine", "spine2": "Spine1", "spine3": "Spine2", "neck": "Neck", "head": "Head",
    "left_hip": "LeftUpLeg", "left_knee": "LeftLeg", "left_ankle": "LeftFoot", "left_foot": "LeftToeBase",
    "right_hip": "RightUpLeg", "right_knee": "RightLeg", "right_ankle": "RightFoot", "right_foot": "RightToeBase",
    "left_collar": "LeftShoulder", "left_shoulder": "LeftArm", "left_elbow": "LeftForeArm", "left_wrist": "LeftHand",
    "right_collar": "RightShoulder", "right_shoulder": "RightArm", "right_elbow": "RightForeArm", "right_wrist": "RightHand",
}  # fmt: skip
# Without these there is no body to speak of; every other joint can be filled in. One of neck and head is needed as well.
REQUIRED = (
    "pelvis", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle",
    "left_shoulder", "right_shoulder", "left_elbow", "right_elbow",
)  # fmt: skip
_TABLES = Path(__file__).parent / "joint_tables"
_PREFIX = re.compile(r"^(mixamorig\d*|bip\d*|character\d+|[mf]avg)(?=.)")
_MAX_BYTES = 100_000


@dataclass(frozen=True)
class JointTable:
    """See the head of this file. `joints` and `turns_with` give the names to look for, best first."""

    name: str
    joints: Mapping[str, tuple[str, ...]]
    turns_with: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lost_bones: Mapping[str, float] = field(default_factory=dict)
    true_fps: float | None = None

    def find(self, names: Sequence[str]) -> dict[str, int]:
        """Our joints that this table finds in a file's joint names: our name → index in `names`."""
        return _find(self.joints, names)

    def find_turning(self, names: Sequence[str]) -> dict[str, int]:
        """As `find`, for the joints that give the orientations."""
        return self.find(names) | _find(self.turns_with, names)


def plain(name: str) -> str:
    """A joint's name as it is compared: lower case letters and digits, without the rig's prefix."""
    return _PREFIX.sub("", re.sub(r"[^a-z0-9]", "", name.lower().rsplit(":", 1)[-1]))


def _find(wanted: Mapping[str, tuple[str, ...]], names: Sequence[str]) -> dict[str, int]:
    at: dict[str, int] = {}
    for index, name in enumerate(names):
        if plain(name):
            at.setdefault(plain(name), index)
    found: dict[str, int] = {}
    for joint, candidates in wanted.items():
        free = [at[plain(name)] for name in candidates if plain(name) in at and at[plain(name)] not in found.values()]
        if free:
            found[joint] = free[0]
    return found


@cache
def shipped_tables() -> tuple[JointTable, ...]:
    """The tables of `joint_tables/`."""
    return tuple(read_table(path) for path in sorted(_TABLES.glob("*.yaml")))


def choose_table(names: Sequence[str], file: str, extra: JointTable | None = None) -> JointTable:
    """The shipped table that finds the most joints in `names`; what `extra` says goes before it.

    Raises:
        UserError: a joint that a body needs is not found.
    """
    best = max(shipped_tables(), key=lambda table: len(table.find(names)))
    if extra:
        best = JointTable(
            extra.name,
            {**best.joints, **extra.joints},
            {joint: at for joint, at in best.turns_with.items() if joint not in extra.joints} | dict(extra.turns_with),
            {**best.lost_bones, **extra.lost_bones},
            extra.true_fps or best.true_fps,
        )
    found = best.find(names)
    missing = [joint for joint in REQUIRED if joint not in found]
    if not {"neck", "head"} & found.keys():
        missing.append("neck")
    if missing:
        seen = ", ".join(name for name in names if name)[:200]
        raise UserError(
            f"{file} has no joint that is known as {', '.join(missing)}; name them in a joint map (its joints are {seen})."
        )
    return best


def read_table(path: str | Path) -> JointTable:
    """A table from a YAML file.

    Raises:
        UserError: the file cannot be read or says something else than the head of this file shows.
    """
    path = Path(path)
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise UserError(f"The joint map {path} is too large to be one.")
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"The joint map {path} does not exist; check the name.") from None
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise UserError(f"The joint map {path} cannot be read: {' '.join(str(error).split())[:200]}.") from None
    keys = {"joints", "turns_with", "lost_bones", "true_fps"}
    if not isinstance(content, dict) or not set(content) <= keys or "joints" not in content:
        others = ", ".join(sorted(keys - {"joints"}))
        raise UserError(f"The joint map {path} needs the key `joints`, and may have only {others} besides.")
    fps = content.get("true_fps")
    if fps is not None and (not isinstance(fps, int | float) or not 1 <= fps <= 1000):
        raise UserError(f"The joint map {path} gives a `true_fps` that is no rate between 1 and 1000.")
    return JointTable(
        path.stem,
        _names(content["joints"], path),
        _names(content.get("turns_with") or {}, path),
        _factors(content.get("lost_bones") or {}, path),
        fps,
    )


def _names(content: Any, path: Path) -> dict[str, tuple[str, ...]]:
    if not isinstance(content, dict):
        raise UserError(f"The joint map {path} must map joint names to joint names.")
    unknown = [str(joint)[:40] for joint in content if joint not in JOINTS]
    if unknown:
        raise UserError(f"The joint map {path} names {unknown[0]!r}, which is none of our joints: {', '.join(JOINTS)}.")
    names = {joint: tuple(value) if isinstance(value, list) else (value,) for joint, value in content.items()}
    for joint, candidates in names.items():
        if not candidates or not all(isinstance(name, str) and plain(name) for name in candidates):
            raise UserError(f"The joint map {path} must give {joint} a name or a list of names.")
    return names


def _factors(content: Any, path: Path) -> dict[str, float]:
    if not isinstance(content, dict) or not all(
        isinstance(name, str) and isinstance(value, int | float) and 0 < value < 10 for name, value in content.items()
    ):
        raise UserError(f"The joint map {path} must give each of `lost_bones` a factor between 0 and 10.")
    return {name: float(value) for name, value in content.items()}
