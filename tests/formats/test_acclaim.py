"""Acclaim's ASF and AMC: own files against the truth, real ones against their source."""

from pathlib import Path

import numpy as np
import pytest
from made_motions import MADE, acclaim, branching_skeleton, dance
from test_bvh import MILLIMETRE, MOCAP, assert_bends_are_human, distance

from vimotion.errors import UserError
from vimotion.formats import load_motion
from vimotion.formats.acclaim import load_acclaim, parse_acclaim
from vimotion.formats.retarget import to_interaction
from vimotion.motion import JOINT, Interaction


def every_fourth(motion: Interaction) -> Interaction:
    return Interaction(motion.root_positions[::4], motion.local_rotations[::4], motion.skeletons)


def read(asf: str, amc: str, fps: float | None = None) -> Interaction:
    capture, table = parse_acclaim(asf.encode(), amc.encode(), "made.asf", "made.amc", fps)
    return to_interaction(capture, table, "made.amc")


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_axes_of_every_bone_are_honoured(seed: int) -> None:
    motion = dance(40, 120, branching_skeleton(), seed=seed)
    back = read(*acclaim(motion, seed + 10))
    assert back.fps == 30 and back.num_frames == 10
    # spine1 has no bone in the file; it is put on the way to spine2, whose distance then changes by a hair
    assert distance(back, every_fourth(motion), without=("spine1",)) < 4 * MILLIMETRE
    error = np.abs(back.local_rotations - every_fourth(motion).local_rotations).max(axis=(0, 1, 3, 4))
    assert error[[JOINT["left_knee"], JOINT["right_elbow"], JOINT["head"], JOINT["left_foot"]]].max() < 0.03


def test_radians_root_order_and_rate() -> None:
    motion = dance(8, 120, branching_skeleton())
    asf, amc = acclaim(motion)
    plain = read(asf, amc)
    mixed = "\n".join(_reorder_root(line) for line in amc.splitlines())
    assert distance(read(asf.replace("TX TY TZ RX RY RZ", "RZ TX TY TZ RY RX"), mixed), plain) < 1e-9
    assert read(asf, amc, fps=60).num_frames == 4
    assert read(asf, amc, fps=30).num_frames == 8
    lines = [_to_radians(line) for line in amc.splitlines()]
    radian_asf = "\n".join(_to_radians(line) if line.strip().startswith("axis ") else line for line in asf.splitlines())
    assert distance(read(radian_asf.replace("angle deg", "angle rad"), "\n".join(lines)), plain) < 1 * MILLIMETRE


def _reorder_root(line: str) -> str:
    words = line.split()
    if words[0] != "root":
        return line
    x, y, z, rx, ry, rz = words[1:]
    return f"root {rz} {x} {y} {z} {ry} {rx}"


def _to_radians(line: str) -> str:
    words = line.split()
    kept = 4 if words[0] == "root" else 1
    return " ".join(words[:kept] + [f"{np.radians(float(word)):.9f}" if word[-1].isdigit() else word for word in words[kept:]])


def test_the_skeleton_beside_it_is_found(tmp_path: Path) -> None:
    asf, amc = (MADE / "person.asf").read_text(), (MADE / "person.amc").read_text()
    (tmp_path / "07_03.amc").write_text(amc)
    with pytest.raises(UserError, match=r"07\.asf"):
        load_motion(tmp_path / "07_03.amc")
    (tmp_path / "whoever.asf").write_text(asf)
    assert load_motion(tmp_path / "07_03.amc").num_frames == 2
    (tmp_path / "08.asf").write_text("nothing")
    with pytest.raises(UserError, match=r"07\.asf"):
        load_motion(tmp_path / "07_03.amc")
    (tmp_path / "07.asf").write_text(asf)
    assert load_motion(tmp_path / "07_03.amc").num_frames == 2
    assert load_acclaim(tmp_path / "07_03.amc", tmp_path / "whoever.asf").num_frames == 2
    with pytest.raises(UserError, match=r"\.amc"):
        load_motion(tmp_path / "07.asf")


def test_a_frame_cut_off_is_noticed() -> None:
    asf, amc = acclaim(dance(8, 120, branching_skeleton()))
    lines = amc.splitlines()
    with pytest.raises(UserError, match="cut off"):
        read(asf, "\n".join(lines[:-1]))
    with pytest.raises(UserError, match="wrong numbers"):
        read(asf, "\n".join(lines[:-1] + [lines[-1].rsplit(" ", 1)[0]]))
    with pytest.raises(UserError, match="lacks it"):
        read(asf, "\n".join(lines[:10] + lines[11:]))


@pytest.mark.skipif(not MOCAP.exists(), reason="real motion capture is not here")
@pytest.mark.parametrize("name", ["02_01", "02_02", "02_04", "02_05"])
def test_cmu(name: str) -> None:
    asf, amc = (MOCAP / "cmu" / "02.asf").read_bytes(), (MOCAP / "cmu" / f"{name}.amc").read_bytes()
    capture, table = parse_acclaim(asf, amc, "02.asf", name)
    motion = to_interaction(capture, table, name)
    found = {joint: index for joint, index in table.find(capture.names).items() if joint != "spine1"}
    source = capture.positions[:, list(found.values())] * 0.0254 / 0.45
    error = np.linalg.norm(motion.joint_positions[:, 0, [JOINT[joint] for joint in found]] - source, axis=-1)
    assert error.mean() < 1 * MILLIMETRE and error.max() < 20 * MILLIMETRE
    assert_bends_are_human(motion)
