"""HumanML3D: 263 numbers to joints and back, equal to the official code; every oddity told in a sentence of its own."""

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import humanml3d_tree as tree
import numpy as np
import pytest
from poses import random_interaction

from vimotion.corpora.humanml3d import HumanML3D
from vimotion.corpora.humanml3d_vectors import joints_from_vectors, vectors_from_joints
from vimotion.corpora.reading import Clip, Reader
from vimotion.errors import UserError
from vimotion.motion import PARENTS, from_features, split_features
from vimotion.motion.placing import place_joints
from vimotion.motion.skeleton import MIRRORED

# What the official `process_file` makes of random joints of ours, and the bones it was told to give them.
OFFICIAL = Path(__file__).parent / "humanml3d_official.npz"
# HumanML3D's chains, and the axis of the bone that ends at each joint.
CHAINS = [[0, 2, 5, 8, 11], [0, 1, 4, 7, 10], [0, 3, 6, 9, 12, 15], [9, 14, 17, 19, 21], [9, 13, 16, 18, 20]]
AXES = dict.fromkeys([3, 6, 9, 12], (0, 1, 0)) | dict.fromkeys([4, 5, 7, 8, *range(16, 22)], (0, -1, 0))
AXES |= {1: (1, 0, 0), 13: (1, 0, 0), 2: (-1, 0, 0), 14: (-1, 0, 0), 10: (0, 0, 1), 11: (0, 0, 1), 15: (0, 0, 1)}


def test_equals_the_official_code() -> None:
    with np.load(OFFICIAL) as official:
        ours = vectors_from_joints(official["joints"], official["bones"])
        assert ours.shape == official["vectors"].shape == (13, 263)
        assert np.abs(ours - official["vectors"]).max() < 1e-4  # it computes in float32
        assert np.abs(official["vectors"][:, 0]).max() > 0.01 and 0 < official["vectors"][:, 259:].mean() < 1


def test_vectors_to_joints_and_back() -> None:
    """200 lawful clips, turning people and other bones among them."""
    turned = 0
    for seed in range(200):
        motion = random_interaction(seed, frames=16, people=2, bend=0.4)
        spin = np.cumsum(np.full(16, 0.3)) if seed % 2 else np.zeros(16)
        cosine, sine = np.cos(spin)[:, None], np.sin(spin)[:, None]
        x, y, z = np.moveaxis(motion.joint_positions[:, 0], -1, 0)
        joints = np.stack([cosine * x + sine * z, y, cosine * z - sine * x], axis=-1)
        vectors = vectors_from_joints(joints, motion.skeletons[1].bone_lengths if seed % 3 else None)
        turned += abs(vectors[:, 0].sum()) > np.pi / 4
        back = joints_from_vectors(vectors)
        assert back.shape == joints.shape
        assert np.abs(vectors_from_joints(back) - vectors).max() < 1e-4
        if not seed % 3:  # the same body, moved on the ground
            assert np.abs(distances(back) - distances(joints)).max() < 1e-9
    assert turned > 50


def test_round_trip_of_stored_numbers() -> None:
    """As above from float32, where a bone near half a turn from its axis loses digits of its rotation."""
    for seed in range(50):
        stored = vectors_from_joints(tree.joints(seed)).astype(np.float32)
        back = vectors_from_joints(joints_from_vectors(stored))
        assert np.abs(back - stored)[:, :67].max() < 1e-4
        assert np.abs(back - stored)[:, 193:259].max() < 1e-4
        assert np.quantile(np.abs(back - stored)[:, 67:193], 0.99) < 1e-4


def distances(joints: np.ndarray) -> np.ndarray:
    """Between all joints of the first and of every frame: how a body is posed and moves, wherever it stands."""
    return np.linalg.norm(joints[:, :, None] - joints[0], axis=-1)


def test_joints_follow_from_the_rotations_too() -> None:
    """By the official chains, in which the arms hang on the heading and not on the spine."""
    vectors = vectors_from_joints(tree.joints(4))
    joints = joints_from_vectors(vectors)[:-1]
    half = np.concatenate([[0.0], np.cumsum(vectors[:-1, 0])])
    columns = vectors[:, 67:193].reshape(-1, 21, 2, 3)
    rotations = np.stack([columns[..., 0, :], columns[..., 1, :], np.cross(columns[..., 0, :], columns[..., 1, :])], axis=-1)
    cosine, sine, zero = np.cos(2 * half), np.sin(2 * half), 0 * half
    heading = np.stack([cosine, zero, sine, zero, zero + 1, zero, -sine, zero, cosine], axis=-1).reshape(-1, 3, 3)
    found = joints[:, :1].repeat(22, axis=1)
    for chain in CHAINS:
        orientation = heading
        for before, joint in pairwise(chain):
            orientation = orientation @ rotations[:, joint - 1]
            length = np.linalg.norm(joints[0, joint] - joints[0, PARENTS[joint]])
            found[:, joint] = found[:, before] + length * orientation @ np.array(AXES[joint], dtype=float)
    np.testing.assert_allclose(found, joints, atol=1e-9)


def test_numbers_of_a_walk() -> None:
    """Somebody who faces −X and slides that way, 0.1 m a frame, then stands: known by hand."""
    rest = random_interaction(0, frames=1, people=1, bend=0.0).skeletons[0].rest_positions
    facing = np.stack([-rest[:, 2], rest[:, 1], rest[:, 0]], axis=-1)
    joints = facing + np.array([[-0.1 * min(frame, 3), 2.0, 5.0] for frame in range(6)])[:, None]
    vectors = vectors_from_joints(joints)
    steps = np.array([0.1, 0.1, 0.1, 0, 0])
    np.testing.assert_allclose(vectors[:, 0], 0, atol=1e-12)
    np.testing.assert_allclose(vectors[:, 1:3], np.stack([0 * steps, steps], axis=1), atol=1e-12)
    np.testing.assert_allclose(vectors[:, 3], -rest[:, 1].min(), atol=1e-12)
    np.testing.assert_allclose(vectors[:, 4:67], np.tile((rest - [0, rest[:, 1].min(), 0])[1:].ravel(), (5, 1)), atol=1e-12)
    np.testing.assert_allclose(vectors[:, 195:259:3], np.repeat(steps[:, None], 22, axis=1), atol=1e-12)
    np.testing.assert_array_equal(vectors[:, 259:], np.repeat(steps[:, None] == 0, 4, axis=1))


# -- the reader ------------------------------------------------------------------------------------------------------------


def test_lists_a_lawful_tree(tmp_path: Path) -> None:
    reader: Reader = HumanML3D(tree.write_humanml3d(tmp_path))
    contents = reader.contents()
    assert contents.oddities == ()
    assert [(clip.id, clip.split, clip.source) for clip in contents.clips] == [
        ("000001", "train", "000001"), ("M000001", "train", "000001"), ("000002", "train", "000002"),
        ("M000002", "train", "000002"), ("000005", "val", "000005"), ("000009", "test", "000009"),
    ]  # fmt: skip
    assert contents.clips[0].captions == ("a person waves with the left hand.", "someone greets.")
    assert contents.clips[1].captions == ("a person waves with the right hand.", "someone greets.")
    assert "AMASS" in reader.licence


def from_start(positions: np.ndarray) -> np.ndarray:
    """Against the first pelvis: the ground is found before and after frames are dropped or put between."""
    return positions - positions[0, 0, 0]


def test_gives_the_joints_as_they_are_at_30_fps(tmp_path: Path) -> None:
    reader = HumanML3D(tree.write_humanml3d(tmp_path))
    for clip in reader.contents().clips:
        features = reader.features(clip)
        assert features.dtype == np.float32
        joints = joints_from_vectors(np.load(clip.files[0]))
        assert features.shape == ((len(joints) - 1) * 3 // 2, 1, 262)
        positions, velocities, _, _ = split_features(features)
        # every third frame at 30 fps is every second at 20 fps
        expected = place_joints(joints[:, None])[::2]
        np.testing.assert_allclose(from_start(positions[::3]), from_start(expected)[: len(positions[::3])], atol=1e-5)
        assert 0 <= positions[..., 1].min() < 0.05
        np.testing.assert_allclose(positions[:-1] + velocities[:-1], positions[1:], atol=1e-5)


def test_rotations_point_our_skeleton_along_the_joints(tmp_path: Path) -> None:
    reader = HumanML3D(tree.write_humanml3d(tmp_path))
    clip = reader.contents().clips[0]
    features = reader.features(clip)
    # the tree's bodies have our own skeleton's build, so that our skeleton can take their poses up to the blending of frames
    np.testing.assert_allclose(from_features(features).joint_positions, split_features(features)[0], atol=5e-3)


def test_a_mirror_image_has_the_motion_mirrored(tmp_path: Path) -> None:
    reader = HumanML3D(tree.write_humanml3d(tmp_path))
    plain, mirrored = (split_features(reader.features(clip))[0] for clip in reader.contents().clips[:2])
    np.testing.assert_allclose(mirrored, plain[:, :, list(MIRRORED)] * [-1, 1, 1], atol=1e-5)


@pytest.mark.parametrize(
    ("make", "kept", "sentence"),
    [
        (tree.without_motion, 5, "Clips without a motion are left out (1): 000009."),
        (tree.without_texts, 5, "Clips without texts are left out (1): 000005."),
        (tree.without_sentence, 5, "Clips without a sentence are left out (1): 000005."),
        (
            tree.mirror_image_in_another_split, 5,
            "Mirror images that are in another split than their clip are left out (1): M000002.",
        ),
        (tree.unlisted_motion, 6, "Motions that no split file names are left out (1): 000077."),
        (
            tree.without_last_newline, 6,
            "Split files whose last line has no newline; it is read like the others (1): train.txt.",
        ),
        (
            tree.broken_lines, 6,
            "Lines of texts that are not caption#tokens#start#end in seconds are left out (5): "
            "000005.txt:2, 000005.txt:3, 000005.txt:4, 000005.txt:5, 000005.txt:6.",
        ),
        (
            tree.told_in_part, 8,
            "Sentences that tell of a part of a clip make clips of their own (2): M000001@0-1, M000001@1.5-2.25.",
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)  # fmt: skip
def test_each_oddity_is_one_sentence(tmp_path: Path, make: Callable[[Path], None], kept: int, sentence: str) -> None:
    root = tree.write_humanml3d(tmp_path)
    make(root)
    contents = HumanML3D(root).contents()
    assert contents.oddities == (sentence,)
    assert len(contents.clips) == kept


def test_a_part_is_cut_for_its_sentences(tmp_path: Path) -> None:
    root = tree.write_humanml3d(tmp_path)
    tree.told_in_part(root)
    reader = HumanML3D(root)
    whole, _, part = (clip for clip in reader.contents().clips if clip.source == "000001" and clip.id.startswith("M"))
    assert (whole.id, whole.captions, whole.facts) == ("M000001", ("waves.",), None)
    assert part.captions == ("sits down.", "takes a seat.") and part.source == "000001"
    # 15 frames at 20 fps are 22.5 at 30 fps: 22 and one more, less the one that the velocities take
    features = reader.features(part)
    assert features.shape == (22, 1, 262)
    joints = joints_from_vectors(np.load(part.files[0]))[30:46]
    expected = from_start(place_joints(joints[:, None])[::2])
    np.testing.assert_allclose(from_start(split_features(features)[0][::3]), expected, atol=1e-5)


def test_a_part_beyond_the_end_is_refused(tmp_path: Path) -> None:
    reader = HumanML3D(tree.write_humanml3d(tmp_path))
    clip = reader.contents().clips[0]
    late = Clip("000001@9-12", "train", "000001", ("jumps",), clip.files, {"start": 9.0, "end": 12.0})
    with pytest.raises(UserError, match="000001@9-12 lasts 0 s"):
        reader.features(late)


@pytest.mark.parametrize("missing", ["new_joint_vecs", "texts", "val.txt"])
def test_what_must_be_there_is_asked_for(tmp_path: Path, missing: str) -> None:
    root = tree.write_humanml3d(tmp_path)
    (root / missing).rename(tmp_path / "elsewhere")
    with pytest.raises(UserError, match=f"{missing} is missing.*https://amass.is.tue.mpg.de"):
        HumanML3D(root).contents()


def test_packed_texts_are_to_be_unpacked(tmp_path: Path) -> None:
    root = tree.write_humanml3d(tmp_path)
    (root / "texts").rename(root / "texts.zip")  # as a file would lie there
    (root / "texts.zip").rename(tmp_path / "elsewhere")
    (root / "texts.zip").write_bytes(b"PK")
    with pytest.raises(UserError, match=r"unpack .*texts.zip there"):
        HumanML3D(root).contents()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows[:, :251], r"\(frames, 263\)"),
        (lambda rows: rows + np.nan, "not finite"),
        (lambda rows: rows[:9], "lasts 0.45 s"),
        (lambda rows: rows * 30, "in metres"),
    ],
)
def test_a_damaged_motion_is_refused_in_words(tmp_path: Path, change: Callable[[np.ndarray], np.ndarray], words: str) -> None:
    reader = HumanML3D(tree.write_humanml3d(tmp_path))
    clip = reader.contents().clips[0]
    np.save(clip.files[0], change(np.load(clip.files[0])))
    with pytest.raises(UserError) as refused:
        reader.features(clip)
    assert re.search(words, str(refused.value)) and str(clip.files[0]) in str(refused.value)
