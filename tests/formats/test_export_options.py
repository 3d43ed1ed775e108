"""The options of `save_motion`: bone names, frame rate, skin, in place, cleaned."""

from pathlib import Path

import numpy as np
import pytest
from gltf import Gltf
from made_motions import dance
from node import check_glb, needs
from test_cleaning import shaken

from vimotion.errors import UserError
from vimotion.formats import ExportOptions, load_motion, save_motion
from vimotion.formats.bone_names import BONES
from vimotion.formats.file_names import inserted, person_files
from vimotion.formats.options import cleaned, in_place
from vimotion.motion import JOINT, Interaction
from vimotion.motion.cleaning import clean


def pair(frames: int = 20) -> Interaction:
    return dance(frames).joined(dance(frames, seed=4).moved(np.pi, (0, 0, 1.5)))


@pytest.mark.parametrize(
    ("bones", "pelvis", "wrist"),
    [
        ("mixamo", "Hips", "LeftHand"), ("smpl", "pelvis", "left_wrist"), ("unreal", "pelvis", "hand_l"),
        ("vrm", "hips", "leftHand"),
    ],
)  # fmt: skip
def test_bone_names(tmp_path: Path, bones: str, pelvis: str, wrist: str) -> None:
    motion = pair()
    save_motion(motion, tmp_path / "motion.bvh", ExportOptions(bones=bones))
    text = (tmp_path / "motion.b.bvh").read_text()
    assert f"ROOT {pelvis}\n" in text and f"JOINT {wrist}\n" in text
    back = load_motion(tmp_path / "motion.bvh")
    np.testing.assert_allclose(back.joint_positions, motion.joint_positions, atol=1e-3)
    save_motion(motion, tmp_path / "motion.glb", ExportOptions(bones=bones))
    gltf = Gltf(tmp_path / "motion.glb")
    a, b = ([gltf.document["nodes"][joint]["name"] for joint in skin["joints"]] for skin in gltf.document["skins"])
    prefixes = ("mixamorig:", "mixamorig1:") if bones == "mixamo" else ("", "b:")
    for names, prefix in ((a, prefixes[0]), (b, prefixes[1])):
        assert names[0] == prefix + pelvis and names[JOINT["left_wrist"]] == prefix + wrist
        assert {name.removeprefix(prefix) for name in names} == set(BONES[bones].values())


def test_rate_of_the_file(tmp_path: Path) -> None:
    motion = dance(31)
    save_motion(motion, tmp_path / "motion.bvh", ExportOptions(fps=60))
    assert "Frames: 61\nFrame Time: 0.016666667" in (tmp_path / "motion.bvh").read_text()
    back = load_motion(tmp_path / "motion.bvh")
    np.testing.assert_allclose(back.joint_positions, motion.joint_positions, atol=1e-4)
    save_motion(motion, tmp_path / "motion.glb", ExportOptions(fps=12.5))
    gltf = Gltf(tmp_path / "motion.glb")
    times = gltf.array(gltf.document["animations"][0]["samplers"][0]["input"])
    np.testing.assert_allclose(times, np.arange(13) / 12.5, atol=1e-6)


def test_no_skin(tmp_path: Path) -> None:
    """Bones alone, which stand where the motion has them: there are no soles to be brought to the ground."""
    motion = pair()
    save_motion(motion, tmp_path / "motion.glb", ExportOptions(skin=False))
    gltf = Gltf(tmp_path / "motion.glb")
    assert not {"meshes", "materials"} & gltf.document.keys()
    world = gltf.world(19)
    for person in range(2):
        joints = [world[node][:3, 3] for node in gltf.document["skins"][person]["joints"]]
        np.testing.assert_allclose(joints, motion.joint_positions[19, person], atol=1e-5)


@needs("gltf-validator")
@pytest.mark.parametrize("options", [ExportOptions(skin=False), ExportOptions("unreal", 48, in_place=True, clean=True)])
def test_khronos_validator_finds_nothing(tmp_path: Path, options: ExportOptions) -> None:
    save_motion(pair(), tmp_path / "motion.glb", options)
    check_glb(tmp_path / "motion.glb")


def test_in_place() -> None:
    motion = pair().moved(0.7, (3.0, 0.0, -2.0))
    still = in_place(motion)
    middle = still.root_positions.mean(axis=1)
    np.testing.assert_allclose(middle[:, [0, 2]], np.tile(motion.root_positions[0].mean(axis=0)[[0, 2]], (20, 1)), atol=1e-12)
    np.testing.assert_allclose(still.root_positions[..., 1], motion.root_positions[..., 1])
    apart = [one.joint_positions[:, 0] - one.joint_positions[:, 1] for one in (still, motion)]
    np.testing.assert_allclose(apart[0], apart[1], atol=1e-12, err_msg="hands that meet still meet")
    way, lone = (one.root_positions[:, 0, [0, 2]] for one in (motion.person(1), in_place(motion.person(1))))
    assert np.ptp(way, axis=0).max() > 0.1 and np.ptp(lone, axis=0).max() < 1e-12


def test_options_are_applied_to_what_is_written(tmp_path: Path) -> None:
    motion = shaken(pair())
    save_motion(motion, tmp_path / "motion.npz", ExportOptions(in_place=True, clean=True))
    expected = in_place(clean(motion)).joint_positions
    np.testing.assert_allclose(load_motion(tmp_path / "motion.npz").joint_positions, expected, atol=1e-5)
    save_motion(motion, tmp_path / "plain.npz")
    np.testing.assert_allclose(load_motion(tmp_path / "plain.npz").joint_positions, motion.joint_positions, atol=1e-5)


def test_what_was_given_is_not_cleaned() -> None:
    motion = shaken(pair())
    for given in ((), (0, 0)):
        np.testing.assert_array_equal(cleaned(motion, given).joint_positions, clean(motion).joint_positions)
    np.testing.assert_array_equal(cleaned(motion, (20, 0)).joint_positions, clean(motion, [1]).joint_positions)
    np.testing.assert_array_equal(cleaned(motion, (8, 8)).joint_positions, clean(motion, start=8).joint_positions)
    mixed = cleaned(motion, (8, 0))
    assert np.array_equal(mixed.local_rotations[:8, 0], motion.local_rotations[:8, 0])
    assert not np.array_equal(mixed.local_rotations[:8, 1], motion.local_rotations[:8, 1])
    assert cleaned(motion, (20, 20)) is motion


def test_what_does_not_fit_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    for fps in (0.0, float("nan"), 1e9, -30.0):
        with pytest.raises(UserError, match="frames per second"):
            ExportOptions(fps=fps)
    with pytest.raises(UserError, match="mixamo, smpl, unreal, vrm"):
        ExportOptions(bones="rigify")  # type: ignore[arg-type]
    for ending in (".npz", ".amass.npz", ".png", ".webp", ".mp4"):
        with pytest.raises(UserError, match=f"A {ending} file has no bone names"):
            save_motion(pair(2), tmp_path / f"motion{ending}", ExportOptions(bones="smpl"))
    for ending in (".png", ".webp", ".mp4"):
        with pytest.raises(UserError, match="nothing without skin"):
            save_motion(pair(2), tmp_path / f"motion{ending}", ExportOptions(skin=False))
    with pytest.raises(UserError, match="at most 60 frames a second"):
        ExportOptions(fps=61).check(Path("motion.webp"))
    ExportOptions(fps=60).check(Path("motion.webp"))
    assert not list(tmp_path.iterdir())


def test_names_of_files_that_belong_together() -> None:
    assert inserted(Path("x/take.1.bvh"), "-2") == Path("x/take.1-2.bvh")
    assert inserted(Path("Take.AMASS.npz"), "-2") == Path("Take-2.AMASS.npz")
    assert person_files(Path("take.amass.npz"), 2) == [Path("take.a.amass.npz"), Path("take.b.amass.npz")]
    assert person_files(Path("take.amass.npz"), 1) == [Path("take.amass.npz")]
