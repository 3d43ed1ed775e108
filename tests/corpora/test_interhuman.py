"""InterHuman: equal to the official loader, and every oddity told in a sentence of its own."""

import functools
import os
import pickle
import re
from collections.abc import Callable
from pathlib import Path

import interhuman_tree as tree
import numpy as np
import pytest
import straight_interhuman as official
from poses import random_interaction
from smpl_parameters import straight_joints, write_body_model

from vimotion.corpora.interhuman import InterHuman, processed_joints, raw_interaction
from vimotion.corpora.prepare import prepare
from vimotion.corpora.reading import Reader
from vimotion.corpora.smplx_body import SMPLH_JOINTS
from vimotion.errors import UserError
from vimotion.motion import FEATURES, Interaction, from_features, place, to_features
from vimotion.motion.features import joint_features
from vimotion.motion.placing import place_joints
from vimotion.motion.vectors import mirror_features


def lawful_pair(seed: int, frames: int = 18) -> tuple[np.ndarray, np.ndarray]:
    """Official rows of two people anywhere in the world, each over another floor."""
    random = np.random.default_rng(seed)
    motion = random_interaction(seed, frames, bend=random.uniform(0.1, 1.0))
    motion = motion.moved(random.uniform(-np.pi, np.pi), random.uniform(-3, 3, (2, 3)))
    return tree.processed(motion, seed)


def written(folder: Path, people: tuple[np.ndarray, np.ndarray]) -> list[Path]:
    """The files of a clip in double precision, so that nothing is lost before the vectors are compared."""
    paths = [folder / "person1.npy", folder / "person2.npy"]
    for path, rows in zip(paths, people, strict=True):
        np.save(path, rows)
    return paths


def test_faithful_mode_equals_the_official_loader(tmp_path: Path) -> None:
    largest = 0.0
    for seed in range(200):
        people = lawful_pair(seed)
        positions, six = processed_joints(written(tmp_path, people))
        ours = joint_features(place_joints(positions, "each"), six)
        assert ours.dtype == np.float64
        largest = max(largest, np.abs(ours - official.frame_vectors(*people)).max())
    assert largest < 1e-9


def test_the_mirror_of_vectors_equals_the_official_mirror(tmp_path: Path) -> None:
    for seed in range(20):
        people = lawful_pair(seed)
        positions, six = processed_joints(written(tmp_path, people))
        ours = mirror_features(joint_features(place_joints(positions, "each"), six))
        expected = official.frame_vectors(official.mirrored(people[0]), official.mirrored(people[1]))
        assert np.abs(ours - expected).max() < 1e-9


def test_the_reader_gives_those_vectors_in_single_precision(tmp_path: Path) -> None:
    reader = InterHuman(tree.write_interhuman(tmp_path), floor="each")
    clip = reader.contents().clips[0]
    features = reader.features(clip)
    people = [np.load(path).astype(np.float64) for path in clip.files]
    assert features.dtype == np.float32 and features.shape == (19, 2, 262)
    assert np.abs(features - official.frame_vectors(*people)).max() < 1e-6


def test_the_pair_is_put_on_the_floor_together_by_default(tmp_path: Path) -> None:
    root = tree.write_interhuman(tmp_path)
    motion = random_interaction(8, 20).moved(1.0, [(0.0, 0.5, 0.0), (2.0, 0.0, 1.0)])
    for person, rows in enumerate(tree.processed(motion), 1):
        tree.write_person(root, "1", person, rows)
    reader = InterHuman(root)
    features = reader.features(reader.contents().clips[0])
    # the tree's bodies are on our own skeleton, so that they are what the motion itself becomes
    np.testing.assert_allclose(features, to_features(place(motion)), atol=1e-5)
    lone = InterHuman(root, "each").features(reader.contents().clips[0])
    assert np.abs(lone[..., FEATURES["positions"]] - features[..., FEATURES["positions"]]).max() > 0.1


def test_lists_a_lawful_tree(tmp_path: Path) -> None:
    reader: Reader = InterHuman(tree.write_interhuman(tmp_path))
    contents = reader.contents()
    assert contents.oddities == ()
    assert [(clip.id, clip.split) for clip in contents.clips] == [
        ("1", "train"), ("2", "train"), ("7", "train"), ("3", "val"), ("5", "test"),
    ]  # fmt: skip
    clip = contents.clips[0]
    assert clip.source == clip.id and clip.captions == (
        "Two people meet in clip 1.", "They wave.", "One bows and the other nods.",
    )  # fmt: skip
    assert "NC" in reader.licence


def test_split_files_may_lie_in_a_folder_of_their_own(tmp_path: Path) -> None:
    flat, nested = (InterHuman(tree.write_interhuman(tmp_path / name, name)).contents() for name in ("", "split"))
    assert [clip.id for clip in nested.clips] == [clip.id for clip in flat.clips]


@pytest.mark.parametrize(
    ("make", "kept", "sentence"),
    [
        (tree.annotated_without_motion, 5, "Clips without a motion of both people are left out (2): 3945, 4106."),
        (tree.stray_annotation, 5, "Annotations that belong to no clip are left out (1): 38(1).txt."),
        (tree.without_second_person, 4, "Clips without a motion of both people are left out (1): 2."),
        (tree.without_last_newline, 5, "Split files whose last line has no newline; it is read like the others (1): test.txt."),
        (tree.unlisted_motion, 5, "Motions that no split file names are left out (1): 99."),
        (tree.ignored, 4, "Clips of ignore_list.txt are left out (1): 7."),
        (tree.without_sentences, 4, "Clips without a sentence are left out (1): 1."),
        (tree.listed_twice, 5, "Names that stand twice in the split files; the first place counts (1): 1."),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_each_oddity_is_one_sentence(tmp_path: Path, make: Callable[[Path], None], kept: int, sentence: str) -> None:
    root = tree.write_interhuman(tmp_path)
    make(root)
    contents = InterHuman(root).contents()
    assert contents.oddities == (sentence,)
    assert len(contents.clips) == kept


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("annots", "annots is missing"),
        ("motions_processed", "motions_processed is missing"),
        ("val.txt", "val.txt is missing"),
    ],
)
def test_what_must_be_there_is_asked_for(tmp_path: Path, missing: str, words: str) -> None:
    root = tree.write_interhuman(tmp_path)
    (root / missing).rename(tmp_path / "elsewhere")
    with pytest.raises(UserError, match=f"{words}.*https://tr3e.github.io/intergen-page"):
        InterHuman(root).contents()


def damaged(change: Callable[[Path], None], folder: Path) -> str:
    """The sentence about clip 1 after its first person's file was changed."""
    reader = InterHuman(tree.write_interhuman(folder))
    clip = reader.contents().clips[0]
    change(clip.files[0])
    with pytest.raises(UserError) as refused:
        reader.features(clip)
    assert str(clip.files[0]) in str(refused.value)
    return str(refused.value)


def rewritten(path: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    np.save(path, change(np.load(path)))


def with_a_huge_shape(content: bytes) -> bytes:
    assert b"(20, 492), }" + b" " * 12 in content
    return content.replace(b"(20, 492), }" + b" " * 12, b"(20000000000000, 492), }")


def with_pytorch3d_rows(rows: np.ndarray) -> np.ndarray:
    """The same rotations as the matrices' first two rows."""
    rows[:, 186:312] = rows[:, 186:312].reshape(-1, 21, 3, 2).swapaxes(-1, -2).reshape(-1, 126)
    return rows


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda path: path.unlink(), "missing, cut off"),
        (lambda path: path.write_bytes(path.read_bytes()[:-100]), "cut off"),
        (lambda path: path.write_bytes(path.read_bytes()[:40]), "cut off"),
        (lambda path: path.write_bytes(b""), "cut off"),
        (lambda path: path.write_bytes(b"PK\3\4 is the start of an archive"), "no .npy file"),
        (lambda path: path.write_bytes(with_a_huge_shape(path.read_bytes())), "cut off"),
        (lambda path: path.write_bytes(pickle.dumps({"a": 1})), "is a pickle"),
        (lambda path: np.save(path, np.array([{"a": 1}], dtype=object)), "holds pickled objects"),
        (lambda path: rewritten(path, lambda rows: rows[:, :263]), r"\(frames, 492\)"),
        (lambda path: rewritten(path, lambda rows: rows.astype(int)), "floating-point"),
        (lambda path: rewritten(path, lambda rows: rows * np.nan), "not finite"),
        (lambda path: rewritten(path, lambda rows: rows[:0]), "no frame"),
        (lambda path: rewritten(path, lambda rows: rows[:12]), "12 frames and .* has 20"),
        (lambda path: rewritten(path, lambda rows: rows * 100), "must be in metres"),
        (lambda path: rewritten(path, with_pytorch3d_rows), "no rotations"),
    ],
)
def test_a_damaged_motion_is_refused_in_words(tmp_path: Path, change: Callable[[Path], None], words: str) -> None:
    assert re.search(words, damaged(change, tmp_path))


def test_short_clips_are_left_out_as_officially(tmp_path: Path) -> None:
    reader = InterHuman(tree.write_interhuman(tmp_path / "source"))
    short, enough, one, *_ = reader.contents().clips
    for clip, frames in ((short, 14), (enough, 15), (one, 1)):
        for path in clip.files:
            rewritten(path, lambda rows, frames=frames: rows[:frames])
    store = prepare("interhuman", reader.source, tmp_path / "out").store
    assert store is not None and len(store.by_id(enough.id).features) == 14
    reasons = store.info["left_out"]
    assert set(reasons) == {short.id, one.id} and "only 14 frames" in reasons[short.id] and "a single frame" in reasons[one.id]


# -- raw motions ---------------------------------------------------------------------------------------------------------


def test_raw_motions_are_read_where_there_are_no_processed_ones(tmp_path: Path) -> None:
    reader = InterHuman(tree.write_interhuman(tmp_path, raw_motions=True))
    contents = reader.contents()
    assert len(contents.clips) == 5
    assert contents.oddities == (
        f"There is no {tmp_path / 'motions_processed'}: the raw motions are read, on our own skeleton.",
    )
    features = reader.features(contents.clips[0])
    assert features.shape == (19, 2, 262)
    expected = random_interaction(1, frames=20)
    # 120 → 30 fps hits the frames that were there; bodies are as large as standing feet tell, rotations are theirs
    np.testing.assert_allclose(
        features[..., FEATURES["rotations"]], to_features(expected)[..., FEATURES["rotations"]], atol=1e-5
    )
    roots = from_features(features).root_positions
    apart = np.linalg.norm(np.diff(expected.root_positions[:-1], axis=1)[..., 0, :], axis=-1)
    np.testing.assert_allclose(np.linalg.norm(roots[:, 1] - roots[:, 0], axis=-1), apart, atol=1e-5)


def test_a_raw_world_has_z_up(tmp_path: Path) -> None:
    motion = random_interaction(3, frames=20)
    back = raw_interaction(tree.write_raw(tmp_path, "1", tree.raw(motion)))
    np.testing.assert_allclose(back.root_positions, motion.root_positions, atol=1e-9)
    np.testing.assert_allclose(back.local_rotations, motion.local_rotations, atol=1e-9)


def test_a_raw_motion_on_bodies_of_the_model(tmp_path: Path) -> None:
    (tmp_path / "female").mkdir()
    arrays = write_body_model(tmp_path / "female" / "model.npz", SMPLH_JOINTS)
    betas = np.linspace(-1, 1, 10)
    content = raw_content()
    content["person2"] |= {"betas": betas, "gender": "female"}
    content["person1"] |= {"gender": np.str_("female")}
    motion = raw_interaction(tree.write_raw(tmp_path, "1", content), tmp_path)
    person = content["person2"]
    poses = np.concatenate([person["root_orient"], person["pose_body"]], axis=1).reshape(-1, 22, 3)
    expected = straight_joints(arrays, poses, person["trans"], betas)
    expected = np.stack([expected[..., 0], expected[..., 2], -expected[..., 1]], axis=-1)
    np.testing.assert_allclose(motion.joint_positions[:, 1], expected, atol=1e-9)
    for wrong in (None, "tall", np.zeros((10, 10))):
        content["person2"]["betas"] = wrong
        with pytest.raises(UserError, match="must hold betas"):
            raw_interaction(tree.write_raw(tmp_path, "1", content), tmp_path)


def raw_content(**changes: object) -> dict:
    return tree.raw(random_interaction(1, frames=20)) | changes


class Hostile:
    def __reduce__(self) -> tuple:
        return os.mkdir, ("ran",)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([1, 2], "must hold mocap_framerate"),
        (raw_content(mocap_framerate="fast"), "mocap_framerate that is no number"),
        (raw_content(mocap_framerate=0.0), "fps|frames a second|rate"),
        (raw_content(person2=None), "must hold a dict for each person"),
        (raw_content(person1=raw_content()["person1"] | {"trans": [[0.0, 1.0, 2.0], [3.0]]}), "must hold trans of the shape"),
        (raw_content(person2={"trans": np.zeros((20, 3))}), "must hold root_orient"),
        (raw_content(person2=tree.raw(random_interaction(1, frames=21))["person2"]), "20 frames of person1 and 21 of person2"),
        (raw_content(person2=raw_content()["person2"] | {"trans": np.zeros((3, 3))}), "different lengths"),
        (raw_content(person2=raw_content()["person2"] | {"trans": np.full((20, 3), np.inf)}), "not finite"),
        (Hostile(), r"mkdir.*could run code"),
        ({"mocap_framerate": functools.partial(int)}, "functools.partial.*could run code"),
    ],
)
def test_a_damaged_raw_motion_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: object, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tree.write_raw(tmp_path, "1", content)
    with pytest.raises(UserError, match=words):
        raw_interaction(path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_raw_motions_of_every_pickle_protocol(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "1.pkl"
    content = raw_content(mocap_framerate=np.float64(30.0))
    path.write_bytes(pickle.dumps(content, protocol))
    assert raw_interaction(path).num_frames == 20
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(UserError, match="damaged or cut off"):
        raw_interaction(path)


def test_a_rate_is_needed(tmp_path: Path) -> None:
    motion = random_interaction(1, frames=20)
    fast = Interaction(motion.root_positions, motion.local_rotations, motion.skeletons, 120.0)
    reader = InterHuman(tree.write_interhuman(tmp_path, raw_motions=True))
    clip = reader.contents().clips[0]
    tree.write_raw(tmp_path, clip.id, tree.raw(fast))  # 20 frames at 120 fps are 5 at 30 fps
    store = prepare("interhuman", reader.source, tmp_path / "out").store
    assert store is not None and "only 5 frames" in store.info["left_out"][clip.id]
