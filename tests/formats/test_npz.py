"""The native archive: what is written, what comes back, and what is refused."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from made_motions import MADE, dance

from vimotion.errors import UserError
from vimotion.formats import load_motion, save_motion
from vimotion.formats.npz import parse_npz
from vimotion.motion import FPS, Interaction


def pair(frames: int = 6) -> Interaction:
    return dance(frames).joined(dance(frames, seed=4).moved(np.pi, (0, 0, 1.5)))


def arrays_of(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as file:
        return dict(file)


def refuse(arrays: dict[str, np.ndarray], match: str) -> None:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    with pytest.raises(UserError, match=match):
        parse_npz(buffer, "motion.npz")


def test_keys_and_shapes(tmp_path: Path) -> None:
    [path] = save_motion(pair(), tmp_path / "motion.npz")
    arrays = arrays_of(path)
    assert {key: array.shape for key, array in arrays.items()} == {
        "posed_joints": (6, 2, 22, 3), "local_rot_mats": (6, 2, 22, 3, 3), "root_positions": (6, 2, 3),
        "foot_contacts": (6, 2, 4), "offsets": (2, 22, 3), "fps": (), "format_version": (),
    }  # fmt: skip
    assert arrays["posed_joints"].dtype == np.float32 and arrays["fps"] == 30
    assert np.abs(arrays["posed_joints"] - pair().joint_positions).max() < 1e-6
    assert set(np.unique(arrays["foot_contacts"])) <= {0.0, 1.0}


@pytest.mark.parametrize("motion", [pair(), pair().person(1), pair(1)], ids=["two people", "one person", "one frame"])
def test_what_is_written_comes_back(tmp_path: Path, motion: Interaction) -> None:
    back = load_motion(*save_motion(motion, tmp_path / "motion.npz"))
    assert back.num_people == motion.num_people and back.fps == motion.fps
    assert np.abs(back.joint_positions - motion.joint_positions).max() < 1e-6
    assert np.abs(back.local_rotations - motion.local_rotations).max() < 1e-6


def test_same_motion_same_bytes(tmp_path: Path) -> None:
    first, second = (save_motion(pair(), tmp_path / name)[0].read_bytes() for name in ("a.npz", "b.npz"))
    assert first == second
    assert zipfile.ZipFile(io.BytesIO(first)).infolist()[0].date_time == (1980, 1, 1, 0, 0, 0)


def test_other_rates_come_in_at_30(tmp_path: Path) -> None:
    motion = dance(13, fps=60)
    [path] = save_motion(motion, tmp_path / "motion.npz")
    back = load_motion(path)
    assert (back.fps, back.num_frames) == (FPS, 7)
    assert np.abs(back.root_positions - motion.root_positions[::2]).max() < 1e-6
    assert load_motion(path, fps=30).num_frames == 13


def test_compressed_archives_and_other_types_are_read(tmp_path: Path) -> None:
    arrays = {key: array.astype(np.float64) for key, array in arrays_of(MADE / "person.npz").items()}
    arrays["local_rot_mats"] = np.asfortranarray(arrays["local_rot_mats"])
    np.savez_compressed(tmp_path / "motion.npz", **arrays)
    assert np.array_equal(load_motion(tmp_path / "motion.npz").root_positions, load_motion(MADE / "person.npz").root_positions)


def test_wrong_content_is_refused() -> None:
    good = arrays_of(MADE / "person.npz")
    for key in good:
        refuse({name: array for name, array in good.items() if name != key}, f"lacks {key}")
        if good[key].ndim:
            refuse(good | {key: good[key][:-1]}, "shape")
            refuse(good | {key: good[key][..., None]}, "shape")
            bad = good[key].copy()
            bad.flat[0] = np.nan
            refuse(good | {key: bad}, "finite")
    refuse(good | {"format_version": np.int64(2)}, "version")
    refuse(good | {"fps": np.float64(0)}, "rate")
    refuse(good | {"fps": np.float64(np.nan)}, "rate")
    refuse(good | {"local_rot_mats": good["local_rot_mats"] * 1.01}, "no rotations")
    refuse(good | {"local_rot_mats": -good["local_rot_mats"]}, "no rotations")
    refuse(good | {"posed_joints": good["posed_joints"] + 1}, "do not follow")
    refuse(good | {"root_positions": good["root_positions"] + np.float32(1e9)}, "kilometres")
    refuse(good | {"offsets": good["offsets"] + 1}, "offsets")
    refuse(good | {"offsets": good["offsets"] * 0}, "bone without a length")
    short = good["offsets"].copy()
    short[0, 20] *= 0.0009 / np.linalg.norm(short[0, 20])
    refuse(good | {"offsets": short}, "bone without a length")
    moving = {key: array for key, array in good.items() if array.ndim and key != "offsets"}
    three = {key: array[:, [0, 1, 1]] for key, array in moving.items()} | {"offsets": good["offsets"][[0, 1, 1]]}
    refuse(good | three, "3 people")
    refuse(good | {key: array[:0] for key, array in moving.items()}, "no frame")


def test_pickles_are_never_opened() -> None:
    class Trap:
        def __reduce__(self) -> tuple:
            return (pytest.fail, ("a pickle was opened",))

    good = arrays_of(MADE / "person.npz")
    refuse(good | {"offsets": np.array([Trap()], dtype=object)}, "no array of numbers")
    refuse(good | {"fps": np.array("30")}, "no array of numbers")


def test_another_archive_says_what_is_missing(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", poses=np.zeros((3, 156)), posed_joints=np.zeros((3, 1, 22, 3)))
    with pytest.raises(UserError, match="not a motion as VIMotion saves it: it lacks local_rot_mats"):
        load_motion(tmp_path / "other.npz")
