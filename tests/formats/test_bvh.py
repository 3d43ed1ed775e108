"""BVH: other programs agree with what we write, and what others write comes in as it was meant."""

from pathlib import Path

import bvhio
import numpy as np
import pybvh
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_motions import MADE, branching_skeleton, dance, lost_bones_bvh, make, odd_axes_bvh

from vimotion.errors import UserError
from vimotion.formats import load_motion, save_motion
from vimotion.formats.bvh import parse_bvh
from vimotion.formats.joint_names import MIXAMO, read_table, shipped_tables
from vimotion.formats.retarget import to_interaction
from vimotion.motion import JOINT, JOINTS, PARENTS, Interaction, Skeleton
from vimotion.motion.rotations import matrix_to_axis_angle, yaw_matrix

MOCAP = Path(__file__).parents[2].parent / "shared" / "mocap"
MILLIMETRE = 1e-3


def read(text: str, **options: object) -> Interaction:
    capture, table = parse_bvh(text.encode(), "made.bvh", **options)  # type: ignore[arg-type]
    return to_interaction(capture, table, "made.bvh")


def bvh_text(motion: Interaction, folder: Path) -> str:
    return save_motion(motion, folder / "written.bvh")[0].read_text()


def distance(a: Interaction, b: Interaction, without: tuple[str, ...] = ()) -> float:
    """Largest distance of a joint, metres."""
    kept = [index for index, joint in enumerate(JOINTS) if joint not in without]
    return float(np.linalg.norm(a.joint_positions - b.joint_positions, axis=-1)[..., kept].max())


def test_made_files_are_what_the_script_makes(tmp_path: Path) -> None:
    make(tmp_path)
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (MADE / path.name).read_bytes(), path.name


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_two_other_readers_agree_to_a_tenth_of_a_millimetre(tmp_path: Path, seed: int) -> None:
    motion = dance(12, seed=seed).moved(2.0 * seed, (1.0, 0.0, -3.0))
    [path] = save_motion(motion, tmp_path / "out.bvh")
    truth = motion.joint_positions[:, 0]

    pybvh_file = pybvh.read_bvh_file(path)
    columns = [list(pybvh_file.joint_names).index(MIXAMO[joint]) for joint in JOINTS]
    assert np.abs(pybvh_file.joint_positions()[:, columns] / 100 - truth).max() < 0.1 * MILLIMETRE
    assert abs(pybvh_file.fps - 30) < 1e-3

    hierarchy = bvhio.readAsHierarchy(str(path))
    for frame in range(motion.num_frames):
        hierarchy.loadPose(frame)
        for joint, _, _ in hierarchy.layout():
            if joint.Name in MIXAMO.values():
                index = list(MIXAMO.values()).index(joint.Name)
                ours = truth[frame, JOINT[list(MIXAMO)[index]]]
                assert np.abs(np.array(joint.PositionWorld) / 100 - ours).max() < 0.1 * MILLIMETRE


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), scale=st.floats(0.7, 1.3), turn=st.floats(-np.pi, np.pi))
def test_what_we_write_comes_back(tmp_path_factory: pytest.TempPathFactory, seed: int, scale: float, turn: float) -> None:
    motion = dance(4, skeleton=Skeleton.standard().scaled(scale), seed=seed).moved(turn)
    back = read(bvh_text(motion, tmp_path_factory.mktemp("bvh")))
    assert distance(back, motion) < 0.1 * MILLIMETRE
    assert np.abs(back.local_rotations - motion.local_rotations).max() < 1e-5
    assert np.abs(back.skeletons[0].offsets - motion.skeletons[0].offsets).max() < 1e-6


def test_written_file_has_the_promised_form(tmp_path: Path) -> None:
    text = bvh_text(dance(2), tmp_path)
    assert text.count("JOINT") == 21 and text.count("End Site") == 5
    assert "CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation" in text
    assert "Frame Time: 0.033333333" in text and "-0.000000" not in text.split("MOTION")[1]


def test_rotations_past_the_pole_keep_positions(tmp_path: Path) -> None:
    motion = dance(3)
    rotations = motion.local_rotations.copy()
    rotations[:, :, JOINT["left_shoulder"]] = yaw_matrix(np.array(np.pi / 2))
    motion = Interaction(motion.root_positions, rotations, motion.skeletons)
    assert distance(read(bvh_text(motion, tmp_path)), motion) < 0.1 * MILLIMETRE


@pytest.mark.parametrize("seed", [0, 1])
def test_a_rig_with_axes_of_its_own_keeps_positions_and_bends(seed: int) -> None:
    motion = dance(120, seed=seed)
    back = read(odd_axes_bvh(motion, seed + 7))
    assert distance(back, motion, without=("spine2",)) < 6 * MILLIMETRE  # spine2 is not in the file, so its bend is spread
    for joint in ("left_knee", "right_knee", "left_elbow", "right_elbow"):
        error = np.swapaxes(back.local_rotations, -1, -2) @ motion.local_rotations
        angle = np.linalg.norm(matrix_to_axis_angle(error[:, 0, JOINT[joint]]), axis=-1)
        assert np.degrees(angle.max()) < 3, joint


def test_lost_bones_come_back() -> None:
    motion = dance(16, 120, branching_skeleton())
    back = read(lost_bones_bvh(motion), fps=120)
    truth = Interaction(motion.root_positions[::4], motion.local_rotations[::4], motion.skeletons)
    assert distance(back, truth, without=("spine1",)) < 1 * MILLIMETRE


def test_both_spellings_of_cmu_give_the_same() -> None:
    text = lost_bones_bvh(dance(16, 120, branching_skeleton()))
    plain = read(text, fps=120)
    ours, theirs = (next(table for table in shipped_tables() if table.name == name) for name in ("cmu", "cmu_motionbuilder"))
    names = {ours.joints[joint][0]: theirs.joints[joint][0] for joint in JOINTS}
    names |= {"lwrist": "LeftHand", "rwrist": "RightHand", "lthumb": "LThumb", "rthumb": "RThumb"}
    for old, new in names.items():
        text = text.replace(f"T {old}\n", f"T {new}\n")
    assert "LeftFingerBase" in text and distance(read(text, fps=120), plain) == 0


def test_cmu_rate_is_mended_aloud_only_where_the_motion_is_too_slow() -> None:
    slow = lost_bones_bvh(dance(40, 120, branching_skeleton()))
    with pytest.warns(UserWarning, match="120 fps"):
        assert read(slow).num_frames == 10
    assert read(slow, fps=30).num_frames == 40
    fast = dance(40, 30, branching_skeleton())
    fast = Interaction(fast.root_positions * [1, 1, 3], fast.local_rotations, fast.skeletons)
    assert read(lost_bones_bvh(fast)).num_frames == 40


@pytest.mark.parametrize(("unit", "factor"), [("m", 0.01), ("cm", 1.0), ("mm", 10.0), ("CMU", 0.01 * 0.45 / 0.0254)])
def test_unit_of_length_is_found(tmp_path: Path, unit: str, factor: float) -> None:
    motion = dance(3)
    larger = Interaction(motion.root_positions * factor, motion.local_rotations, (motion.skeletons[0].scaled(factor),))
    assert distance(read(bvh_text(larger, tmp_path)), motion) < 0.5 * MILLIMETRE, unit


def test_a_size_that_fits_nobody_is_refused(tmp_path: Path) -> None:
    motion = dance(2, skeleton=Skeleton.standard().scaled(0.05))
    with pytest.raises(UserError, match="scale the file"):
        read(bvh_text(motion, tmp_path))


def test_any_channel_order_case_and_layout(tmp_path: Path) -> None:
    motion = dance(3)
    text = bvh_text(motion, tmp_path)
    head, frames = text.split("MOTION")
    head = head.replace("Xposition Yposition Zposition Zrotation", "ZPOSITION Yposition xposition Zrotation")
    lines = frames.strip().split("\n")
    for index, line in enumerate(lines[2:], 2):
        x, y, z, *others = line.split()
        lines[index] = "\t".join([z, y, x, *others])
    head = head.replace("\n", " \r\n").replace("JOINT Spine1", "JOINT  mixamorig:Spine1")
    assert distance(read(head + "MOTION\r\n" + "\r\n".join(lines)), motion) < 0.1 * MILLIMETRE


def test_missing_joints_are_filled_in(tmp_path: Path) -> None:
    """Without most of the spine, collars, toes and wrists: these are put where they belong, everything else stays."""
    gone = ("spine2", "spine3", "left_collar", "right_collar", "left_foot", "right_foot", "left_wrist", "right_wrist")
    motion = dance(5)
    local = motion.local_rotations.copy()
    for joint in gone[:4]:
        local[:, :, JOINT[joint]] = np.eye(3)
    motion = Interaction(motion.root_positions, local, motion.skeletons)
    text = bvh_text(motion, tmp_path)
    for joint in gone:
        text = text.replace(f" {MIXAMO[joint]}\n", f" Unknown{joint}\n")
    back = read(text)
    assert distance(back, motion, without=gone) < 0.1 * MILLIMETRE
    assert distance(back, motion) < 0.12
    ends = [JOINT[joint] for joint in gone[4:]]
    assert np.linalg.norm(back.joint_positions - motion.joint_positions, axis=-1)[..., ends].max() < 1 * MILLIMETRE


def test_a_t_pose_before_the_motion_is_dropped(tmp_path: Path) -> None:
    motion = dance(6)
    still = Interaction(motion.root_positions[:1], np.broadcast_to(np.eye(3), (1, 1, 22, 3, 3)), motion.skeletons)
    assert distance(read(bvh_text(still.followed_by(motion), tmp_path)), motion) < 0.1 * MILLIMETRE
    assert read(bvh_text(still, tmp_path)).num_frames == 1


def test_z_up_files_are_turned(tmp_path: Path) -> None:
    motion = dance(4)
    turn = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # Y-up → Z-up
    skeleton = Skeleton(motion.skeletons[0].offsets @ turn.T)  # our writer writes whatever axes it is given
    turned = Interaction(motion.root_positions @ turn.T, turn @ motion.local_rotations @ turn.T, (skeleton,))
    assert distance(read(bvh_text(turned, tmp_path)), motion) < 0.1 * MILLIMETRE


def test_two_people(tmp_path: Path) -> None:
    motion = dance(5).joined(dance(5, seed=3).moved(np.pi, (0, 0, 2)))
    paths = save_motion(motion, tmp_path / "pair.bvh")
    assert [path.name for path in paths] == ["pair.a.bvh", "pair.b.bvh"]
    for source in (tmp_path / "pair.bvh", paths):
        assert distance(load_motion(source), motion) < 0.1 * MILLIMETRE
    assert load_motion(paths[1]).num_people == 1
    save_motion(dance(3), tmp_path / "short.bvh")
    assert load_motion([paths[0], tmp_path / "short.bvh"]).num_frames == 3


def test_a_users_joint_map(tmp_path: Path) -> None:
    motion = dance(3)
    text = bvh_text(motion, tmp_path).replace("JOINT LeftArm\n", "JOINT Ramus\n")
    (tmp_path / "odd.bvh").write_text(text)
    with pytest.raises(UserError, match="left_shoulder"):
        load_motion(tmp_path / "odd.bvh")
    (tmp_path / "map.yaml").write_text("joints:\n  left_shoulder: [nothing, ramus]\n")
    assert distance(load_motion(tmp_path / "odd.bvh", joint_map=tmp_path / "map.yaml"), motion) < 0.1 * MILLIMETRE


def test_shipped_tables_name_our_joints_and_never_one_name_twice() -> None:
    assert len(shipped_tables()) >= 6
    for table in shipped_tables():
        assert len(table.joints) >= 21, table.name
        first = [names[0] for names in table.joints.values()]
        assert len(set(first)) == len(first), table.name


@pytest.mark.parametrize("content", ["joints: [a]", "joints: {tail: Tail}", "{", "joints: {head: []}", "no: 1", "[" * 5000])
def test_a_wrong_joint_map_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "map.yaml").write_text(content)
    with pytest.raises(UserError):
        read_table(tmp_path / "map.yaml")


@pytest.mark.skipif(not MOCAP.exists(), reason="real motion capture is not here")
class TestRealCapture:
    @pytest.mark.parametrize("path", sorted(MOCAP.glob("bandai_namco/*.bvh")), ids=lambda path: path.stem)
    def test_bandai_namco(self, path: Path) -> None:
        capture, table = parse_bvh(path.read_bytes(), path.name)
        motion = to_interaction(capture, table, path.name)
        found = table.find(capture.names)
        source = capture.positions[:, list(found.values())] / 100
        ours = motion.joint_positions[:, 0, [JOINT[joint] for joint in found]]
        assert np.linalg.norm(ours - source, axis=-1).max() < 0.1 * MILLIMETRE
        assert_bends_are_human(motion)

    def test_cmu(self) -> None:
        path = MOCAP / "cmu" / "18_01.bvh"
        with pytest.warns(UserWarning, match="120 fps"):
            guessed = load_motion(path)
        motion = load_motion(path, fps=120)
        assert guessed.num_frames == motion.num_frames == 76
        assert distance(guessed, motion) == 0
        assert load_motion(path, fps=30).num_frames == 303
        assert_bends_are_human(motion)
        # what the conversion lost is back: forearm against upper arm as in a person
        bones = motion.skeletons[0].bone_lengths
        assert 0.8 < bones[JOINT["right_wrist"]] / bones[JOINT["right_elbow"]] < 1.0

    def test_people_walk_the_way_they_face(self) -> None:
        for name, sign in (("walk_normal", 1), ("run_normal", 1), ("walk-back_normal", -1)):
            motion = load_motion(MOCAP / "bandai_namco" / f"dataset-1_{name}_001.bvh")
            step = np.diff(motion.root_positions[:, 0], axis=0)
            assert sign * np.sum(step * motion.facing()[:-1, 0]) > 0.5 * np.linalg.norm(step, axis=-1).sum(), name


def assert_bends_are_human(motion: Interaction) -> None:
    """Knees bend backwards, elbows forwards, feet point ahead, the rest pose is a T-pose."""
    angles = matrix_to_axis_angle(motion.local_rotations[:, 0])
    for joint, axis, sign in (("left_knee", 0, 1), ("right_knee", 0, 1), ("left_elbow", 1, -1), ("right_elbow", 1, 1)):
        bend = angles[:, JOINT[joint]]
        clear = np.linalg.norm(bend, axis=-1) > np.radians(30)
        assert (sign * bend[clear, axis] > 0).all(), joint
    rest = motion.skeletons[0].rest_positions
    for side, sign in (("left", 1), ("right", -1)):
        arm = rest[JOINT[f"{side}_wrist"]] - rest[JOINT[f"{side}_shoulder"]]
        leg = rest[JOINT[f"{side}_ankle"]] - rest[JOINT[f"{side}_hip"]]
        foot = rest[JOINT[f"{side}_foot"]] - rest[JOINT[f"{side}_ankle"]]
        assert sign * arm[0] > 0.99 * np.linalg.norm(arm)
        assert -leg[1] > 0.99 * np.linalg.norm(leg)
        assert foot[2] > 0.5 * np.linalg.norm(foot) and abs(foot[0]) < 0.2 * np.linalg.norm(foot)
    assert rest[JOINT["head"], 1] > 0.95 * np.linalg.norm(rest[JOINT["head"]])
    assert all(np.linalg.norm(motion.skeletons[0].offsets[joint]) > 0 for joint in range(22) if PARENTS[joint] >= 0)
