"""AMASS' npz: what other programs find in it, and what comes back."""

import io
from pathlib import Path

import numpy as np
import pytest
from poses import random_interaction
from scipy.spatial.transform import Rotation

from vimotion.errors import UserError
from vimotion.formats import load_motion, save_motion
from vimotion.formats.npz import parse_npz
from vimotion.motion import NUM_JOINTS, PARENTS

# The pelvis of SMPL-X' average body, (x, y, z) in its own T-pose with Y up.
PELVIS = np.array([0.003, -0.351, 0.012])


def arrays_of(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as file:
        return dict(file)


def refuse(arrays: dict[str, np.ndarray], match: str) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    with pytest.raises(UserError, match=match) as caught:
        parse_npz(buffer, "motion.npz")
    assert "\n" not in str(caught.value)


def test_joints_by_smpls_equations(tmp_path: Path) -> None:
    """As SMPL poses a body: from the resting joints, in the file's z-up world, with scipy's rotations."""
    motion = random_interaction(1, frames=5, bend=2.0)
    paths = save_motion(motion, tmp_path / "motion.amass.npz")
    assert [path.name for path in paths] == ["motion.a.amass.npz", "motion.b.amass.npz"]
    for person, path in enumerate(paths):
        arrays = arrays_of(path)
        assert arrays["poses"].shape == (5, 165) and not arrays["poses"][:, 66:].any()
        assert arrays["gender"] == "neutral" and arrays["surface_model_type"] == "smplx"
        assert arrays["mocap_frame_rate"] == 30 and arrays["betas"].shape == (16,)
        rest = np.zeros((NUM_JOINTS, 3))
        rest[0] = PELVIS
        for joint in range(1, NUM_JOINTS):
            rest[joint] = rest[PARENTS[joint]] + motion.skeletons[person].offsets[joint]
        for frame in range(5):
            turns = Rotation.from_rotvec(arrays["poses"][frame].reshape(-1, 3)[:NUM_JOINTS]).as_matrix()
            places, world = [rest[0]], [turns[0]]
            for joint in range(1, NUM_JOINTS):
                parent = PARENTS[joint]
                places.append(places[parent] + world[parent] @ (rest[joint] - rest[parent]))
                world.append(world[parent] @ turns[joint])
            z_up = np.array(places) + arrays["trans"][frame]
            y_up = np.stack([z_up[:, 0], z_up[:, 2], -z_up[:, 1]], axis=-1)
            np.testing.assert_allclose(y_up, motion.joint_positions[frame, person], atol=1e-5)


@pytest.mark.parametrize("people", [1, 2])
def test_what_is_written_comes_back(tmp_path: Path, people: int) -> None:
    motion = random_interaction(4, frames=20, people=people)
    save_motion(motion, tmp_path / "motion.amass.npz")
    back = load_motion(tmp_path / "motion.amass.npz")
    np.testing.assert_allclose(back.joint_positions, motion.joint_positions, atol=1e-5)
    np.testing.assert_allclose(back.local_rotations, motion.local_rotations, atol=1e-5)


def test_files_as_amass_has_them(tmp_path: Path) -> None:
    """SMPL-H at 120 fps without our skeleton: every fourth frame, on our standard body."""
    random = np.random.default_rng(0)
    arrays = {
        "poses": random.normal(size=(41, 156)) * 0.1, "trans": random.normal(size=(41, 3)), "dmpls": np.zeros((41, 8)),
        "betas": np.zeros(16), "gender": np.array("male"), "mocap_framerate": np.array(120.0),
    }  # fmt: skip
    np.savez_compressed(tmp_path / "take_poses.npz", **arrays)
    motion = load_motion(tmp_path / "take_poses.npz")
    assert (motion.fps, motion.num_frames, motion.num_people) == (30, 11, 1)
    x, y, z = arrays["trans"][4] + [-0.002, -0.223, 0.028]
    np.testing.assert_allclose(motion.root_positions[1, 0], [x, z, -y], atol=1e-12)
    assert load_motion(tmp_path / "take_poses.npz", fps=60).num_frames == 21


def test_wrong_content_is_refused(tmp_path: Path) -> None:
    good = arrays_of(save_motion(random_interaction(1, frames=4, people=1), tmp_path / "motion.amass.npz")[0])
    bad = good["poses"].copy()
    bad[1, 2] = np.nan
    refuse(good | {"poses": bad}, "damaged")
    refuse(good | {"trans": good["trans"] + np.float32(1e9)}, "damaged")
    refuse(good | {"offsets": good["offsets"] * 100}, "damaged")
    refuse(good | {"offsets": good["offsets"] * 0}, "bone without a length")
    refuse(good | {"offsets": good["offsets"][1:]}, "offsets of shape")
    refuse(good | {"poses": good["poses"][:, :72]}, "poses of shape")
    refuse(good | {"trans": good["trans"][1:]}, "trans of")
    refuse(good | {"poses": good["poses"][0]}, "poses of shape")
    refuse(good | {"poses": good["poses"][:0], "trans": good["trans"][:0]}, "no frame")
    refuse(good | {"mocap_frame_rate": np.float64(0)}, "frames per second")
    refuse(good | {"mocap_frame_rate": np.float64(np.nan)}, "frames per second")
    refuse(good | {"poses": np.array([{}], dtype=object)}, "no array of numbers")
    refuse({key: array for key, array in good.items() if key != "mocap_frame_rate"}, "mocap_frame_rate")
