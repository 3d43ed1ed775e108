"""Pairs of AMASS: takes paired by number, one upright world for both people, rates, and what is odd."""

from pathlib import Path

import amass_tree as tree
import numpy as np
import pytest
from amass_tree import NAMES, parameters, path, write_amass
from interx_tree import change_array, cut_off
from smpl_parameters import straight_joints, write_body_model

from vimotion.corpora.amass_pairs import AmassPairs
from vimotion.corpora.reading import Clip
from vimotion.corpora.smplx_body import SMPLH_JOINTS
from vimotion.errors import UserError
from vimotion.motion import split_features
from vimotion.motion.placing import place_joints


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_amass(tmp_path / "amass")


def clip_of(root: Path, name: str) -> Clip:
    return next(clip for clip in AmassPairs(root).contents().clips if clip.id == name)


def told(root: Path, beginning: str) -> str:
    [sentence] = [sentence for sentence in AmassPairs(root).contents().oddities if sentence.startswith(beginning)]
    return sentence


def test_contents(root: Path) -> None:
    clips = AmassPairs(root).contents().clips
    assert [clip.id for clip in clips] == NAMES
    assert [clip.files for clip in clips] == [(path(root, name, 0), path(root, name, 1)) for name in NAMES]
    assert {clip.id: clip.split for clip in clips} == dict.fromkeys(NAMES, "train") | {"20_21_01": "test", "20_21_02": "val"}
    assert clips[0].facts == {"session": "18_19"}


def test_what_an_ordinary_tree_tells(root: Path) -> None:
    assert AmassPairs(root).contents().oddities == (
        f"Clips of which nothing is known but the motion: AMASS has no sentences, and {root / 'captions.csv'} gives none (6): "
        f"{', '.join(NAMES[:5])} and 1 more.",
        "There are 6 takes of two people; AMASS has 53.",
    )


@pytest.mark.parametrize("folder", ["", "CMU"])
def test_the_source_may_be_the_folder_of_people(root: Path, folder: str) -> None:
    assert len(AmassPairs(root / folder).contents().clips) == len(NAMES)


def test_the_archive_s_doubled_folder(root: Path) -> None:
    (root / "CMU").rename(root / "inner")
    (root / "CMU").mkdir()
    (root / "inner").rename(root / "CMU" / "CMU")
    assert len(AmassPairs(root).contents().clips) == len(NAMES)


def test_joints(root: Path) -> None:
    """Both people are turned upright alike: joints by the straight formula in the z-up world, then (x, z, −y)."""
    arrays = {}
    for seed, gender in enumerate(("male", "female")):
        (root / "models" / gender).mkdir(parents=True)
        arrays[gender] = write_body_model(root / "models" / gender / "model.npz", SMPLH_JOINTS, seed)
    reader = AmassPairs(root, body=root / "models")
    for name in NAMES[:2]:
        people = [
            straight_joints(arrays[gender], *parameters(name, person))[:81:4]
            for person, gender in enumerate(("male", "female"))
        ]
        people = np.stack(people, axis=1)
        upright = np.stack([people[..., 0], people[..., 2], -people[..., 1]], axis=-1)
        features = reader.features(clip_of(root, name))
        np.testing.assert_allclose(split_features(features)[0], place_joints(upright)[:-1], atol=1e-5)


def test_cut_to_the_shorter_at_30_fps(root: Path) -> None:
    assert tree.frames(0) < tree.frames(1)
    features = AmassPairs(root).features(clip_of(root, NAMES[0]))
    assert features.shape == ((tree.frames(0) - 1) // 4, 2, 262) and features.dtype == np.float32


def test_people_at_different_rates(root: Path) -> None:
    """One person at 60 fps and the other at 120 are still on one clock."""
    before = AmassPairs(root).features(clip_of(root, NAMES[0]))
    file = path(root, NAMES[0], 1)
    for name in ("poses", "trans"):
        with np.load(file) as archive:
            half = archive[name][::2]
        change_array(file, name, half)
    change_array(file, "mocap_framerate", np.float64(60))
    np.testing.assert_allclose(AmassPairs(root).features(clip_of(root, NAMES[0])), before, atol=1e-5)


def test_floors(root: Path) -> None:
    for floor in ("together", "each"):
        features = AmassPairs(root, floor).features(clip_of(root, NAMES[0]))
        lowest = split_features(features)[0][..., 1].min(axis=(0, 2))
        assert (np.abs(lowest).max() < 0.02) == (floor == "each")


def test_captions(root: Path) -> None:
    tree.write_captions(root)
    assert clip_of(root, "18_19_01").captions == ("They walk up, shake hands and part.", "Two people shake hands.")
    assert clip_of(root, "20_21_02").captions == ("One pulls.",)
    assert "(4): 18_19_02" in told(root, "Clips of which nothing is known")
    path(root, "20_21_02", 0).unlink()
    assert told(root, "Clips that captions.csv names").endswith("(1): 20_21_02.")


def test_a_caption_with_a_comma_needs_quotes(root: Path) -> None:
    (root / "captions.csv").write_text("18_19_01,They meet, and part.\n")
    with pytest.raises(UserError, match="each line must be `clip,caption`, the caption in quotes"):
        AmassPairs(root).contents()


def test_a_take_of_one_person(root: Path) -> None:
    path(root, "18_19_02", 1).unlink()
    assert told(root, "Takes of which only one person").endswith("(1): 18_19_02.")
    assert "18_19_02" not in {clip.id for clip in AmassPairs(root).contents().clips}


def test_takes_by_number_under_either_subject(root: Path) -> None:
    """The second person's files may have the second subject's number."""
    file = path(root, "18_19_02", 1)
    file.rename(file.with_name("19_02_poses.npz"))
    assert clip_of(root, "18_19_02").files[1].name == "19_02_poses.npz"


def test_strays(root: Path) -> None:
    tree.add_strays(root)
    assert told(root, "Files that are no take").endswith("(2): 18_19_rory/readme.txt, 20_21_rory1/18_01_poses.npz.")
    assert len(AmassPairs(root).contents().clips) == len(NAMES)


def test_a_missing_session(root: Path) -> None:
    (root / "CMU" / "22_23_Rory").rename(root / "elsewhere")
    assert told(root, "Folders of people that are missing").endswith("(1): 22_23_Rory.")


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"18_19_Justin and its like are missing; get CMU \(SMPL\+H G\) of AMASS"):
        AmassPairs(tmp_path).contents()


@pytest.mark.parametrize(
    ("name", "array", "match"),
    [
        ("poses", np.zeros((81, 165)), r"poses of shape \(81, 165\); it must be \(T, 156\)"),
        ("trans", np.full((81, 3), np.nan), "not finite"),
        ("mocap_framerate", np.float64(0), "runs at 0 frames per second"),
        ("mocap_framerate", np.array("120"), "no array of numbers"),
        ("trans", np.full((81, 3), {}, dtype=object), "no array of numbers"),
    ],
)
def test_files_that_are_refused(root: Path, name: str, array: np.ndarray, match: str) -> None:
    change_array(path(root, NAMES[0], 0), name, array)
    with pytest.raises(UserError, match=match):
        AmassPairs(root).features(clip_of(root, NAMES[0]))


def test_a_file_that_is_cut_off(root: Path) -> None:
    cut_off(path(root, NAMES[0], 0))
    with pytest.raises(UserError, match=r"18_01_poses\.npz is not a whole npz archive"):
        AmassPairs(root).features(clip_of(root, NAMES[0]))


def test_a_model_of_smplx_is_refused(root: Path) -> None:
    write_body_model(root / "SMPLX_NEUTRAL.npz", 55)
    with pytest.raises(UserError, match=r"needs one of 52 \(SMPL-H\)"):
        AmassPairs(root, body=root / "SMPLX_NEUTRAL.npz").features(clip_of(root, NAMES[0]))
