"""People from SMPL parameters: rest joints, forward kinematics, sizes, and files that are refused."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from interx_tree import cut_off
from scipy.spatial.transform import Rotation
from smpl_parameters import random_person, straight_joints, write_body_model

from vimotion.corpora.smplx_body import (
    SMPLH_JOINTS,
    SMPLX_JOINTS,
    body_motion,
    load_arrays,
    load_body,
    load_word,
    standing_size,
)
from vimotion.errors import UserError
from vimotion.motion import NUM_JOINTS, Skeleton, forward_kinematics
from vimotion.motion.rotations import axis_angle_to_matrix

WHERE = Path("somewhere.npz")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    write_body_model(tmp_path / "SMPLX_NEUTRAL.npz", SMPLX_JOINTS)
    return tmp_path / "SMPLX_NEUTRAL.npz"


@pytest.mark.parametrize("z_up", [False, True])
def test_joints_are_the_straight_formula_s(tmp_path: Path, z_up: bool) -> None:
    arrays = write_body_model(tmp_path / "model.npz", SMPLH_JOINTS)
    poses, translations, betas = random_person(3, 7)
    body = load_body(tmp_path / "model.npz", SMPLH_JOINTS)
    motion = body_motion(WHERE, poses, translations, betas, 30, body, z_up)
    expected = straight_joints(arrays, poses, translations, betas)
    if z_up:
        expected = np.stack([expected[..., 0], expected[..., 2], -expected[..., 1]], axis=-1)
    assert np.abs(motion.joint_positions[:, 0] - expected).max() < 1e-9
    assert motion.num_people == 1 and motion.fps == 30


def test_shape_parameters_without_a_direction_are_left_out(model: Path) -> None:
    body = load_body(model, SMPLX_JOINTS)
    betas = np.arange(20.0)
    np.testing.assert_array_equal(body.rest_joints(betas), body.rest_joints(betas[:16]))
    assert np.abs(body.rest_joints(betas[:10]) - body.rest_joints(betas[:9])).max() > 1e-3


def test_a_gender_picks_its_model(tmp_path: Path) -> None:
    write_body_model(tmp_path / "SMPLX_FEMALE.npz", SMPLX_JOINTS, seed=1)
    (tmp_path / "male").mkdir()
    write_body_model(tmp_path / "male" / "model.npz", SMPLX_JOINTS, seed=2)
    female, male = (load_body(tmp_path, SMPLX_JOINTS, gender) for gender in ("female", "male"))
    np.testing.assert_array_equal(female.joints, load_body(tmp_path / "SMPLX_FEMALE.npz", SMPLX_JOINTS).joints)
    assert np.abs(female.joints - male.joints).max() > 1e-3
    with pytest.raises(UserError, match=r"neither SMPLX_NEUTRAL\.npz nor neutral/model\.npz"):
        load_body(tmp_path, SMPLX_JOINTS)


def test_models_of_another_kind(model: Path) -> None:
    with pytest.raises(UserError, match=r"model of 55 joints; this data set needs one of 52 \(SMPL-H\)"):
        load_body(model, SMPLH_JOINTS)
    change_array_of(model, "J_regressor", np.ones((SMPLX_JOINTS, 7)))
    with pytest.raises(UserError, match=r"J_regressor of shape \(55, 7\); it must be \(J, V\) with J = 55, V = 110\."):
        load_body(model, SMPLX_JOINTS)


def change_array_of(model: Path, name: str, array: np.ndarray) -> None:
    load_body.cache_clear()
    keys = ("v_template", "shapedirs", "J_regressor")
    with np.load(model) as archive:
        np.savez(model, **{key: archive[key] for key in keys} | {name: array})


def test_a_model_in_centimetres(model: Path) -> None:
    with np.load(model) as archive:
        template = archive["v_template"]
    change_array_of(model, "v_template", template * 100)
    with pytest.raises(UserError, match="in metres"):
        load_body(model, SMPLX_JOINTS)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"trans": np.zeros((4, 2))}, r"trans of shape \(4, 2\); it must be \(T, 3\)"),
        ({"trans": np.zeros((5, 3))}, r"trans of shape \(5, 3\); it must be \(T, 3\) with T = 4"),
        ({"trans": np.full((4, 3), np.nan)}, "numbers that are not finite"),
        ({"trans": np.full((4, 3), "left")}, "no array of numbers"),
        ({"trans": np.full((4, 3), {}, dtype=object)}, "no array of numbers"),
        ({"trans": np.zeros((0, 3)), "poses": np.zeros((0, 66))}, "no frame"),
    ],
)
def test_arrays_that_are_refused(tmp_path: Path, change: dict[str, np.ndarray], match: str) -> None:
    path = tmp_path / "person.npz"
    np.savez(path, **{"poses": np.zeros((4, 66)), "trans": np.zeros((4, 3))} | change, allow_pickle=True)
    with pytest.raises(UserError, match=match):
        load_arrays(path, {"poses": ("T", 66), "trans": ("T", 3)})


def test_files_that_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "person.npz"
    np.savez(path, poses=np.zeros((40, 66)))
    with pytest.raises(UserError, match="lacks trans"):
        load_arrays(path, {"poses": ("T", 66), "trans": ("T", 3)})
    cut_off(path)
    with pytest.raises(UserError, match="not a whole npz archive"):
        load_arrays(path, {"poses": ("T", 66)})
    with pytest.raises(UserError, match="There is no"):
        load_arrays(tmp_path / "nobody.npz", {"poses": ("T", 66)})


def test_an_archive_that_unpacks_to_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "person.npz"
    np.savez_compressed(path, poses=np.zeros((40, 66)), more=np.zeros(10_000))
    monkeypatch.setattr("vimotion.formats.archive.MAX_BYTES", 22_000)
    assert load_arrays(path, {"poses": ("T", 66)})["poses"].shape == (40, 66)  # what is not asked for is not unpacked
    monkeypatch.setattr("vimotion.formats.archive.MAX_BYTES", 20_000)
    with pytest.raises(UserError, match="too large"):
        load_arrays(path, {"poses": ("T", 66)})


def test_a_damaged_array(tmp_path: Path) -> None:
    path = tmp_path / "person.npz"
    np.savez(path, poses=np.zeros((40, 66)))
    content = bytearray(path.read_bytes())
    content[1000] ^= 1  # no longer what the archive's checksum says
    path.write_bytes(content)
    with pytest.raises(UserError, match="Bad CRC"):
        load_arrays(path, {"poses": ("T", 66)})


@pytest.mark.parametrize("word", ["Female", np.bytes_(b"female"), np.array(["female"]), np.array("female", dtype=">U9")])
def test_words(tmp_path: Path, word: object) -> None:
    path = tmp_path / "person.npz"
    np.savez(path, gender=word, both=["male", "female"])
    assert load_word(path, "gender", "neutral") == "female"
    assert load_word(path, "sex", "neutral") == "neutral"
    with pytest.raises(UserError, match="no single word"):
        load_word(path, "both", "neutral")


@pytest.mark.parametrize(
    ("frames", "fps", "distance", "match"),
    [(4, 120, 0, "shorter than two frames"), (20, 2000, 0, "frames per second"), (5, 30, 5e3, "kilometres away")],
)
def test_motions_that_are_nobody_s(frames: int, fps: float, distance: float, match: str) -> None:
    poses, translations, betas = random_person(0, frames)
    with pytest.raises(UserError, match=match):
        body_motion(WHERE, poses, translations + distance, betas, fps)


def test_shapes_that_are_nobody_s(model: Path) -> None:
    poses, translations, betas = random_person(0, 5)
    with pytest.raises(UserError, match="times as large as a person"):
        body_motion(WHERE, poses, translations, betas * 1e4, 30, load_body(model, SMPLX_JOINTS))


def walk(size: float, fps: float, seconds: float = 6) -> tuple[np.ndarray, np.ndarray]:
    """Roots (T, 3) and local rotations (T, 22, 3, 3) of somebody `size` times as large whose lower ankle never slides."""
    time = np.arange(round(seconds * fps)) / fps
    poses = np.zeros((len(time), NUM_JOINTS, 3))
    swing = 0.5 * np.sin(2 * np.pi * 0.8 * time)
    poses[:, 1, 0], poses[:, 2, 0] = swing, -swing
    # the leg that goes forward bends its knee, so that the other one is the lower
    forward = np.gradient(swing) < 0
    poses[forward, 4, 0], poses[~forward, 5, 0] = 0.6, 0.6
    rotations = axis_angle_to_matrix(poses)
    reach, _ = forward_kinematics(np.zeros((len(time), 3)), rotations, Skeleton.standard().offsets * size)
    feet = reach[:, [7, 8, 10, 11]]
    lower = (feet[1:, :, 1] + feet[:-1, :, 1]).argmin(axis=1)
    steps = np.diff(feet, axis=0)[np.arange(len(lower)), lower]
    return np.concatenate([np.zeros((1, 3)), -np.cumsum(steps, axis=0)]), rotations


@pytest.mark.parametrize("size", [0.9, 1.0, 1.1])
def test_feet_that_stand_tell_the_size(size: float) -> None:
    assert abs(standing_size(*walk(size, 30), 30) - size) < 0.01


def test_a_finer_rate_tells_the_same_size() -> None:
    roots, rotations = walk(1.1, 30)
    between = [np.repeat(array, 4, axis=0) for array in (roots, rotations)]
    assert standing_size(*between, 120) == pytest.approx(standing_size(roots, rotations, 30), abs=1e-12)


def test_somebody_on_the_spot_has_the_standard_size() -> None:
    rotations = np.broadcast_to(np.eye(3), (60, NUM_JOINTS, 3, 3))
    assert standing_size(np.zeros((60, 3)), rotations, 30) == 1.0


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000))
def test_without_a_model_people_are_of_our_build(seed: int) -> None:
    poses, translations, betas = random_person(seed, 12)
    motion = body_motion(WHERE, poses, translations, betas, 30)
    size = motion.skeletons[0].scale
    assert 0.8 <= size <= 1.25
    np.testing.assert_allclose(motion.skeletons[0].offsets, Skeleton.standard().offsets * size)
    np.testing.assert_allclose(motion.root_positions[:, 0], translations)
    np.testing.assert_allclose(motion.local_rotations[:, 0], Rotation.from_rotvec(poses.reshape(-1, 3)).as_matrix().reshape(
        12, NUM_JOINTS, 3, 3), atol=1e-12)  # fmt: skip


def test_a_pair_ends_with_the_shorter() -> None:
    first, second = (body_motion(WHERE, *random_person(seed, frames), fps) for seed, frames, fps in ((0, 13, 30), (1, 41, 120)))
    both = first.beside(second)
    assert (both.num_frames, both.num_people, both.fps) == (11, 2, 30)
    np.testing.assert_allclose(both.root_positions[:, 1], second.root_positions[::4, 0], atol=1e-12)


def test_a_model_is_read_once(model: Path) -> None:
    assert load_body(model, SMPLX_JOINTS) is load_body(model, SMPLX_JOINTS)
