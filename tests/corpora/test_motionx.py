"""Motion-X: single people, texts in both forms, mirror images, motions that others hand out, and what is odd."""

from pathlib import Path

import motionx_tree as tree
import numpy as np
import pytest
from interx_tree import cut_off
from motionx_tree import NAMES, motion_path, text_path, write_motionx
from smpl_parameters import straight_joints, write_body_model

from vimotion.corpora.motionx import MotionX
from vimotion.corpora.reading import Clip
from vimotion.corpora.smplx_body import SMPLX_JOINTS
from vimotion.errors import UserError
from vimotion.motion import split_features
from vimotion.motion.placing import place_joints


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_motionx(tmp_path / "motionx")


def clip_of(root: Path, name: str) -> Clip:
    return next(clip for clip in MotionX(root).contents().clips if clip.id == name)


def told(root: Path, beginning: str) -> str:
    [sentence] = [sentence for sentence in MotionX(root).contents().oddities if sentence.startswith(beginning)]
    return sentence


def test_contents(root: Path) -> None:
    contents = MotionX(root).contents()
    assert [(clip.id, clip.split) for clip in contents.clips] == [(n, s) for s, names in tree.SPLITS.items() for n in names]
    assert clip_of(root, NAMES[0]).captions == ("Somebody does Walking_While_Waving.",)
    assert clip_of(root, NAMES[0]).facts == {"subset": "idea400"}
    assert contents.oddities == (
        "Clips with sentences about a part of them, which are left out (2): humanml/000012, humanml/M000012.",
    )


def test_sentences_about_the_whole_clip(root: Path) -> None:
    assert clip_of(root, "humanml/000012").captions == ("a person walks.",)
    text_path(root, "humanml/000012").write_text("One.#one/NUM#nan#nan\nTwo.#two/NUM#0.0#2.0\nThree.#three/NUM#0.0#0.0")
    assert clip_of(root, "humanml/000012").captions == ("One.", "Three.")


def test_a_mirror_image_is_of_the_same_source(root: Path) -> None:
    assert [clip.source for clip in MotionX(root).contents().clips if clip.id.startswith("humanml")] == ["humanml/000012"] * 2
    # a name that begins with M is no mirror image by that alone
    assert clip_of(root, "idea400/subset_0002/Making_Tea").source == "idea400/subset_0002/Making_Tea"


def test_joints(root: Path) -> None:
    arrays = write_body_model(root / "SMPLX_NEUTRAL.npz", SMPLX_JOINTS)
    for name in NAMES[:3]:
        numbers = tree.frames(name)
        people = straight_joints(arrays, numbers[:, :66].reshape(-1, 22, 3), numbers[:, 309:312], numbers[0, 312:])[:, None]
        features = MotionX(root, body=root / "SMPLX_NEUTRAL.npz").features(clip_of(root, name))
        np.testing.assert_allclose(split_features(features)[0], place_joints(people)[:-1], atol=1e-5)


def test_single_people_stay_single(root: Path) -> None:
    features = MotionX(root).features(clip_of(root, NAMES[0]))
    assert features.shape == (tree.FRAMES - 1, 1, 262) and features.dtype == np.float32


def test_motions_that_their_owners_hand_out(root: Path) -> None:
    owned = tree.lose_owned(root)
    for subset, owner in (("humanml", "AMASS"), ("GRAB", "GRAB"), ("EgoBody", "EgoBody")):
        lost = [name for name in owned if name.startswith(f"{subset}/")]
        sentence = told(root, f"Clips of {subset}, whose motions {owner} hands out")
        assert f"({len(lost)}): {', '.join(lost)}." in sentence and "mocap-dataset-process" in sentence
    assert {clip.id for clip in MotionX(root).contents().clips} == set(NAMES) - set(owned)
    assert not any(sentence.startswith("Clips of the split files") for sentence in MotionX(root).contents().oddities)


def test_a_missing_clip(root: Path) -> None:
    motion_path(root, NAMES[0]).unlink()
    assert told(root, "Clips of the split files without a motion").endswith(f"(1): {NAMES[0]}.")


def test_missing_texts(root: Path) -> None:
    text_path(root, NAMES[0]).unlink()
    assert told(root, "Clips without a sentence").endswith(f"(1): {NAMES[0]}.")
    assert clip_of(root, NAMES[0]).captions == ()


def test_texts_right_under_their_subset(root: Path) -> None:
    before = [clip.captions for clip in MotionX(root).contents().clips]
    tree.flatten_texts(root)
    assert [clip.captions for clip in MotionX(root).contents().clips] == before


def test_such_a_text_must_mean_one_clip(root: Path) -> None:
    tree.flatten_texts(root)
    with (root / "train.txt").open("a") as file:
        file.write("music/subset_0001/Play_Cello_clip_2\n")
    assert clip_of(root, "music/subset_0000/Play_Cello_clip_2").captions == ()
    assert told(root, "Texts that belong to no clip").endswith("(1): music/Play_Cello_clip_2.")


def test_strays(root: Path) -> None:
    tree.add_strays(root)
    assert told(root, "Motions that no split file names").endswith("(1): music/subset_0000/Unknown.")
    assert told(root, "Texts that belong to no clip").endswith("(1): music/subset_0000/Unknown(1).")


@pytest.mark.parametrize("folder", ["splits", "split", "datasets"])
def test_places_of_the_split_files(root: Path, folder: str) -> None:
    (root / folder).mkdir()
    for split in tree.SPLITS:
        (root / f"{split}.txt").rename(root / folder / f"{split}.txt")
    assert len(MotionX(root).contents().clips) == len(NAMES)


def test_a_missing_split_file(root: Path) -> None:
    (root / "test.txt").unlink()
    with pytest.raises(UserError, match=r"test\.txt is missing; get it from https://github\.com/IDEA-Research"):
        MotionX(root).contents()


def test_a_last_line_without_newline(root: Path) -> None:
    (root / "val.txt").write_text("\n".join(tree.SPLITS["val"]))
    assert told(root, "Split files whose last line").endswith("(1): val.txt.")
    assert len(MotionX(root).contents().clips) == len(NAMES)


@pytest.mark.parametrize("folder", ["motion_data", "texts"])
def test_a_missing_folder(root: Path, folder: str) -> None:
    (root / folder).rename(root / "elsewhere")
    with pytest.raises(UserError, match=rf"{folder}/\w+ is missing; apply for Motion-X at https"):
        MotionX(root).contents()


@pytest.mark.parametrize(
    ("numbers", "match"),
    [
        (np.zeros((9, 321)), r"shape \(frames, 322\), not float64 of shape \(9, 321\)"),
        (np.full((9, 322), np.nan), "not finite"),
        (np.full((9, 322), {}, dtype=object), "pickled objects"),
        (np.zeros((1, 322)), "shorter than two frames"),
    ],
)
def test_files_that_are_refused(root: Path, numbers: np.ndarray, match: str) -> None:
    np.save(motion_path(root, NAMES[0]), numbers, allow_pickle=True)
    with pytest.raises(UserError, match=match):
        MotionX(root).features(clip_of(root, NAMES[0]))


def test_a_file_that_is_cut_off(root: Path) -> None:
    cut_off(motion_path(root, NAMES[0]))
    with pytest.raises(UserError, match=r"Waving\.npy is missing, cut off"):
        MotionX(root).features(clip_of(root, NAMES[0]))
