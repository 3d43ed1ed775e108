"""Makes the small motion files in `made/`: `python tests/formats/made_motions.py`. Nothing in them was captured.

`dance` is written as other programs would write it, so that readers can be tested against the truth:
- person.bvh: our own BVH; person.npz: our own archive, two people; person.amass.npz: AMASS', one.
- odd_axes.bvh: as Bandai Namco's: every joint has its own axes, so the zero pose is no person; positions on every joint; a
  root above the hips; centimetres.
- lost_bones.bvh: as CMU's conversions: their names and unit, branching bones without length, a rate that is not true.
- person.asf, person.amc: Acclaim with CMU's names, each bone with its own axes, 120 fps.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vimotion.formats import save_motion
from vimotion.formats.joint_names import shipped_tables
from vimotion.motion import FPS, JOINT, JOINTS, PARENTS, Interaction, Skeleton
from vimotion.motion.rotations import axis_angle_to_matrix, euler_to_matrix, matrix_to_euler_zyx

MADE = Path(__file__).parent / "made"
CMU_UNIT = 0.0254 / 0.45
_FREE = ["    dof rx ry rz", "    limits (-160 20)"]


def dance(frames: int = 6, fps: float = FPS, skeleton: Skeleton | None = None, seed: int = 0) -> Interaction:
    """Somebody who moves every joint: knees and elbows bend their one way, everything else turns a little to all sides."""
    random = np.random.default_rng(seed)
    time = np.arange(frames)[:, None] / fps
    turns = 0.25 * np.sin(2 * np.pi * (time[:, None] * random.uniform(0.3, 1.0, (22, 3)) + random.uniform(0, 1, (22, 3))))
    for name, axis, sign in (("left_knee", 0, 1), ("right_knee", 0, 1), ("left_elbow", 1, -1), ("right_elbow", 1, 1)):
        turns[:, JOINT[name]] = 0.0
        turns[:, JOINT[name], axis] = sign * (0.9 + 0.5 * np.sin(4 * time[:, 0] + axis))
    root = np.stack([0.2 * time[:, 0], 0.95 + 0.02 * np.sin(5 * time[:, 0]), 1.1 * time[:, 0]], axis=-1)
    return Interaction(root[:, None], axis_angle_to_matrix(turns)[:, None], (skeleton or Skeleton.standard(),), fps)


def branching_skeleton() -> Skeleton:
    """A body as CMU tells it: spine1 lies in the pelvis; neck and collars leave the chest from one point, a bone above it."""
    offsets = Skeleton.standard().offsets.copy()
    offsets[JOINT["spine1"]] = 0.0
    offsets[[JOINT["neck"], JOINT["left_collar"], JOINT["right_collar"]]] = offsets[JOINT["spine3"]]
    return Skeleton(offsets)


def odd_axes_bvh(motion: Interaction, seed: int = 1) -> str:
    """See the head of this file. Joint axes are turned by random amounts, but for the bones below wrists, toes and head."""
    random = np.random.default_rng(seed)
    names = {name: found[0] for name, found in _table("bandai_namco").joints.items()}
    axes = axis_angle_to_matrix(random.normal(size=(22, 3)))
    joints = [joint for joint in _depth_first() if JOINTS[joint] in names]
    above = {joint: next((parent for parent in _ancestors(joint) if JOINTS[parent] in names), None) for joint in joints}
    positions, orientations = motion.joint_positions[:, 0], motion.joint_orientations[:, 0] @ axes

    def channels(joint: int) -> np.ndarray:
        parent = above[joint]
        turn = np.swapaxes(orientations[:, parent], -1, -2) if parent is not None else np.eye(3)
        start = positions[:, parent] if parent is not None else 0.0
        place = (turn @ (positions[:, joint] - start)[..., None])[..., 0] * 100
        return np.concatenate([place, _euler(turn @ orientations[:, joint], "ZXY")], axis=-1)

    values = {joint: channels(joint) for joint in joints}
    lines = ["HIERARCHY", "ROOT joint_Root {", "OFFSET 0 0 0", _six("ZXY")]
    for joint in joints:
        end = ["End Site {", f"OFFSET {_row(axes[joint].T @ [0, 10, 0])}", "}"] if JOINTS[joint] == "head" else []
        lines += [f"JOINT {names[JOINTS[joint]]}", "{", f"OFFSET {_row(values[joint][0, :3])}", _six("ZXY"), *end]
        lines += ["}"] * _closings(joint, joints, above)
    lines += ["}", "MOTION", f"Frames:\t{motion.num_frames}", "Frame Time:\t0.0333333"]
    rows = np.concatenate([np.zeros((motion.num_frames, 6)), *(values[joint] for joint in joints)], axis=-1)
    return "\n".join([*lines, *(_row(row) for row in rows)]) + "\n"


def lost_bones_bvh(motion: Interaction) -> str:
    """See the head of this file; `motion` must have the `branching_skeleton` and should have 120 fps."""
    names = {name: found[0] for name, found in _table("cmu").joints.items()}
    offsets = motion.skeletons[0].offsets / CMU_UNIT
    local = motion.local_rotations[:, 0]
    lines, columns = ["HIERARCHY"], []

    def write(name: str, offset: np.ndarray, turns: np.ndarray, below: list, first: bool = False) -> None:
        lines.extend([f"{'ROOT' if first else 'JOINT'} {name}", "{", f"OFFSET {_row(offset)}"])
        lines.append(f"CHANNELS {'6 Xposition Yposition Zposition' if first else '3'} Zrotation Yrotation Xrotation")
        columns.append(np.degrees(matrix_to_euler_zyx(turns)))
        for call in below:
            call()
        lines.append("}")

    still = np.broadcast_to(np.eye(3), local[:, 0].shape)

    def joint(name: str, offset: np.ndarray | None = None) -> None:
        index, below = JOINT[name], [child for child in JOINTS if PARENTS[JOINT[child]] == JOINT[name]]
        calls = [lambda child=child: joint(child) for child in below]
        if name == "spine3":  # its own length is lost: all that leave it begin where it begins
            calls = [lambda child=child: joint(child, np.zeros(3)) for child in below]
        if name.endswith("elbow"):  # the forearm is two bones, of which the second one's length is lost
            side = name[0]
            wrist, forearm = name.replace("elbow", "wrist"), offsets[JOINT[name.replace("elbow", "wrist")]]
            hand = [lambda: joint(wrist, np.zeros(3)), lambda: write(f"{side}thumb", np.zeros(3), still, [])]
            calls = [lambda: write(f"{side}wrist", forearm / 1.5, still, hand)]
        write(names[name], offsets[index] if offset is None else offset, local[:, index], calls, name == "pelvis")

    joint("pelvis")
    rows = np.concatenate([motion.root_positions[:, 0] / CMU_UNIT, *columns], axis=-1)
    lines += ["MOTION", f"Frames: {motion.num_frames}", "Frame Time: 0.033333"]
    return "\n".join([*lines, *(_row(row) for row in rows)]) + "\n"


def acclaim(motion: Interaction, seed: int = 2) -> tuple[str, str]:
    """ASF and AMC text; `motion` must have the `branching_skeleton`."""
    random = np.random.default_rng(seed)
    names = {name: found[0] for name, found in _table("cmu").joints.items()} | {"pelvis": "root"}
    offsets = motion.skeletons[0].offsets / CMU_UNIT  # `length 0.45` tells this unit
    bones: dict[str, tuple[str, np.ndarray, np.ndarray | None]] = {}  # name: parent, vector, local rotations
    for index in range(1, 22):
        name, parent = JOINTS[index], JOINTS[PARENTS[index]]
        below = [child for child in range(22) if PARENTS[child] == index]
        vector = offsets[below[0]] if below else np.array([0.0, 0.0, 1.0])
        above = names[parent]
        if name.endswith("hip"):
            above = f"{name[0]}hipjoint"
            bones[above] = ("root", offsets[index], None)
        bones[names[name]] = (above, vector, motion.local_rotations[:, 0, index])
    axes = {name: random.uniform(-170, 170, 3) for name in bones}
    asf = [":version 1.10", ":units", "  mass 1.0", "  length 0.45", "  angle deg", ":root", "  order TX TY TZ RX RY RZ"]
    asf += ["  axis XYZ", "  position 0 0 0", "  orientation 0 0 0", ":bonedata"]
    moved: dict[str, np.ndarray] = {"root": _fixed_order(motion.local_rotations[:, 0, 0])}
    for name, (_, vector, local) in bones.items():
        length = np.linalg.norm(vector)
        asf += ["  begin", f"    name {name}", f"    direction {_row(vector / length)}", f"    length {length:.6f}"]
        asf += [f"    axis {_row(axes[name])} XYZ", *(_FREE if local is not None else []), "  end"]
        if local is not None:
            axis = euler_to_matrix(np.radians(axes[name][::-1]), "ZYX")
            moved[name] = _fixed_order(axis.T @ local @ axis)
    asf += [":hierarchy", "  begin", *(f"    {parent} {name}" for name, (parent, _, _) in bones.items()), "  end"]
    amc = ["# made by made_motions.py", ":FULLY-SPECIFIED", ":DEGREES"]
    root = motion.root_positions[:, 0] / CMU_UNIT
    for frame in range(motion.num_frames):
        amc += [str(frame + 1), f"root {_row(root[frame])} {_row(moved['root'][frame])}"]
        amc += [f"{name} {_row(rows[frame])}" for name, rows in moved.items() if name != "root"]
    return "\n".join(asf) + "\n", "\n".join(amc) + "\n"


def _table(name: str):
    return next(table for table in shipped_tables() if table.name == name)


def _depth_first(joint: int = 0) -> list[int]:
    return [joint] + [below for child in range(22) if PARENTS[child] == joint for below in _depth_first(child)]


def _ancestors(joint: int) -> list[int]:
    return [] if joint == 0 else [PARENTS[joint], *_ancestors(PARENTS[joint])]


def _closings(joint: int, joints: list[int], above: dict) -> int:
    """How many braces close after a joint: itself and those that have nothing more below them."""

    def depth(index: int | None) -> int:
        return 0 if index is None else 1 + depth(above[index])

    position = joints.index(joint) + 1
    return depth(joint) - (depth(joints[position]) - 1 if position < len(joints) else 0)


def _euler(matrices: np.ndarray, order: str) -> np.ndarray:
    """Degrees for R = Rz·Rx·Ry."""
    assert order == "ZXY"
    z = np.arctan2(-matrices[:, 0, 1], matrices[:, 1, 1])
    x = np.arcsin(np.clip(matrices[:, 2, 1], -1, 1))
    y = np.arctan2(-matrices[:, 2, 0], matrices[:, 2, 2])
    return np.degrees(np.stack([z, x, y], axis=-1))


def _fixed_order(matrices: np.ndarray) -> np.ndarray:
    """Degrees about x, y, z for R = Rz·Ry·Rx."""
    return np.degrees(matrix_to_euler_zyx(matrices))[:, ::-1]


def _six(order: str) -> str:
    return "CHANNELS 6 Xposition Yposition Zposition " + " ".join(f"{letter}rotation" for letter in order)


def _row(values: np.ndarray) -> str:
    return " ".join(f"{value:.6f}" for value in np.asarray(values, dtype=float))


def make(folder: Path) -> None:
    """Write all files."""
    folder.mkdir(exist_ok=True)
    save_motion(dance(), folder / "person.bvh")
    save_motion(dance(), folder / "person.amass.npz")
    save_motion(dance().joined(dance(seed=5).moved(np.pi, (0, 0, 2.0))), folder / "person.npz")
    (folder / "odd_axes.bvh").write_text(odd_axes_bvh(dance()))
    (folder / "lost_bones.bvh").write_text(lost_bones_bvh(dance(8, 120, branching_skeleton())))
    asf, amc = acclaim(dance(8, 120, branching_skeleton()))
    (folder / "person.asf").write_text(asf)
    (folder / "person.amc").write_text(amc)


if __name__ == "__main__":
    make(MADE)
