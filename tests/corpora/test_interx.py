"""Inter-X: what is found, who comes first, both rates, and what is odd."""

import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import interx_tree as tree
import numpy as np
import pytest
from interx_tree import NAMES, parameters, write_interx
from smpl_parameters import straight_joints, write_body_model

from vimotion.corpora.interx import InterX
from vimotion.corpora.reading import Clip
from vimotion.corpora.smplx_body import SMPLX_JOINTS
from vimotion.errors import UserError
from vimotion.motion import split_features
from vimotion.motion.placing import place_joints


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_interx(tmp_path / "interx")


def clip_of(reader: InterX, name: str) -> Clip:
    return next(clip for clip in reader.contents().clips if clip.id == name)


def told(reader: InterX, beginning: str) -> str:
    """The one oddity that begins so."""
    [sentence] = [sentence for sentence in reader.contents().oddities if sentence.startswith(beginning)]
    return sentence


def positions(reader: InterX, name: str) -> np.ndarray:
    return split_features(reader.features(clip_of(reader, name)))[0]


def test_contents(root: Path) -> None:
    clips = InterX(root).contents().clips
    assert [(clip.id, clip.split) for clip in clips] == [(n, split) for split, names in tree.SPLITS.items() for n in names]
    assert [clip.facts for clip in clips] == [
        {"action": "Hug", "actor": "P1"}, {"action": "Handshake", "actor": "P2"}, {"action": "Handshake", "actor": "P1"},
        {"action": "Hug", "actor": "P2"}, {"action": "Wave", "actor": "P1"},
    ]  # fmt: skip
    assert all(clip.captions == tree.sentences(clip.id) and clip.source == clip.id for clip in clips)
    assert all(path.is_file() for clip in clips for path in clip.files)


def test_an_ordinary_tree_is_odd_in_nothing_else(root: Path) -> None:
    assert InterX(root).contents().oddities == (
        f"Clips in which P2 acts, who comes first (2): {NAMES[1]}, {NAMES[3]}.",
        f"Clips at 120 fps, brought to 30 (5): {', '.join(NAMES)}.",
    )


def test_joints_and_actor(root: Path) -> None:
    """1 means that P1 acts and 0 that P2 acts: whoever acts is the first person, in joints by the straight formula."""
    arrays = write_body_model(root / "SMPLX_NEUTRAL.npz", SMPLX_JOINTS)
    reader = InterX(root, body=root / "SMPLX_NEUTRAL.npz")
    for name, label in tree.LABELS.items():
        p1, p2 = (straight_joints(arrays, *person)[::4] for person in parameters(name))
        people = np.stack([p1, p2] if label == 1 else [p2, p1], axis=1)
        np.testing.assert_allclose(positions(reader, name), place_joints(people)[:-1], atol=1e-5)


def test_120_fps_become_30(root: Path) -> None:
    features = InterX(root).features(clip_of(InterX(root), NAMES[0]))
    assert features.shape == ((tree.FRAMES - 1) // 4, 2, 262) and features.dtype == np.float32


def test_a_gender_picks_its_model(root: Path) -> None:
    models = root / "models"
    models.mkdir()
    for seed, gender in enumerate(("NEUTRAL", "FEMALE")):
        write_body_model(models / f"SMPLX_{gender}.npz", SMPLX_JOINTS, seed)
    before = positions(InterX(root, body=models), NAMES[0])
    tree.change_array(root / "motions" / NAMES[0] / "P1.npz", "gender", np.array("female"))
    after = positions(InterX(root, body=models), NAMES[0])
    assert np.abs(after[:, 0] - before[:, 0]).max() > 1e-3


def test_floors(root: Path) -> None:
    together, each = (positions(InterX(root, floor), NAMES[0])[..., 1].min(axis=(0, 2)) for floor in ("together", "each"))
    assert together.min() == pytest.approx(0, abs=0.02) and together.max() > 0.03
    assert np.abs(each).max() < 0.02


@pytest.mark.parametrize("name", NAMES[:2])
def test_processed_motions_are_the_raw_ones(root: Path, tmp_path: Path, name: str) -> None:
    """The same joints from the h5 files, for either actor; only where P1 begins was lost, and placing does not see it."""
    other = tmp_path / "processed"
    tree.write_annotations(other)
    tree.write_processed(other)
    np.testing.assert_allclose(positions(InterX(other), name), positions(InterX(root), name), atol=1e-4)


def test_both_downloads_beside_each_other(tmp_path: Path) -> None:
    tree.write_annotations(tmp_path / "Inter-X_Dataset")
    tree.write_raw(tmp_path / "Inter-X_Dataset", NAMES[:2])
    tree.write_processed(tmp_path / "processed_data")
    clips = InterX(tmp_path).contents().clips
    assert [clip.files[0].suffix for clip in clips] == [".npz", ".npz", ".h5", ".h5", ".h5"]
    assert all(InterX(tmp_path).features(clip).shape == (20, 2, 262) for clip in clips)


def test_processed_texts(root: Path) -> None:
    tree.write_processed_texts(root)
    for path in (root / "texts").iterdir():
        path.unlink()
    assert clip_of(InterX(root), NAMES[0]).captions == tree.sentences(NAMES[0])


def test_missing_clips(root: Path) -> None:
    tree.lose_clip(root, NAMES[0])
    tree.lose_person(root, NAMES[3])
    reader = InterX(root)
    assert told(reader, "Clips of the split files without") == (
        f"Clips of the split files without a motion, left out (2): {NAMES[0]}, {NAMES[3]}."
    )
    assert NAMES[3] in told(reader, "Clips with a motion of one person only")
    assert {clip.id for clip in reader.contents().clips} == set(NAMES) - {NAMES[0], NAMES[3]}


def test_a_name_that_the_h5_file_has_not(tmp_path: Path) -> None:
    tree.write_annotations(tmp_path)
    tree.write_processed(tmp_path, NAMES[1:])
    reader = InterX(tmp_path)
    path = tmp_path / "motions" / "train.h5"
    assert told(reader, f"Clips that {path} should have") == f"Clips that {path} should have and has not (1): {NAMES[0]}."
    gone = Clip(NAMES[0], "train", NAMES[0], (), (path,))
    with pytest.raises(UserError, match=rf"{NAMES[0]} cannot be read from .*train\.h5"):
        reader.features(gone)


def test_a_missing_split_file(root: Path) -> None:
    tree.lose_split(root)
    with pytest.raises(UserError, match=r"split file .*splits/val\.txt is missing; get it from https://github\.com/liangxuy"):
        InterX(root).contents()


def test_a_last_line_without_newline(root: Path) -> None:
    tree.end_without_newline(root)
    reader = InterX(root)
    assert told(reader, "Split files whose last line").endswith("(1): train.txt.")
    assert tree.SPLITS["train"][-1] in {clip.id for clip in reader.contents().clips}


def test_a_name_in_two_split_files(root: Path) -> None:
    with (root / "splits" / "test.txt").open("a") as file:
        file.write(f"{NAMES[0]}\n")
    assert NAMES[0] in told(InterX(root), "Names that stand twice")
    assert clip_of(InterX(root), NAMES[0]).split == "train"


def test_strays(root: Path) -> None:
    tree.add_strays(root)
    assert "(1): G099T000A000R000." in told(InterX(root), "Motions that no split file names")
    assert "(1): 38(1)." in told(InterX(root), "Texts that belong to no clip")


def test_missing_texts_and_actions(root: Path) -> None:
    (root / "texts" / f"{NAMES[0]}.txt").unlink()
    (root / "annots" / "action_setting.txt").unlink()
    assert NAMES[0] in told(InterX(root), "Clips without a sentence")
    assert "action_setting.txt is missing" in told(InterX(root), str(root))
    clip = clip_of(InterX(root), NAMES[0])
    assert clip.captions == () and clip.facts == {"actor": "P1"}


def write_labels(root: Path, content: object) -> None:
    (root / "annots" / "interaction_order.pkl").write_bytes(pickle.dumps(content))


def test_clips_without_a_label(root: Path) -> None:
    write_labels(root, {NAMES[1]: 0})
    reader = InterX(root)
    assert NAMES[0] in told(reader, "Clips of which nobody says who acts")
    assert clip_of(reader, NAMES[0]).facts == {"action": "Hug"}
    assert reader.features(clip_of(reader, NAMES[0])).shape == (20, 2, 262)


@pytest.mark.parametrize("content", [{NAMES[0]: 2}, {NAMES[0]: "P1"}, {1: 1}, [NAMES[0]], {NAMES[0]: np.zeros(3)}])
def test_labels_that_are_none(root: Path, content: object) -> None:
    write_labels(root, content)
    with pytest.raises(UserError, match=r"must be a dict of clip → 0 or 1"):
        InterX(root).contents()


def test_missing_labels(root: Path) -> None:
    (root / "annots" / "interaction_order.pkl").unlink()
    with pytest.raises(UserError, match="is missing, which says who acts"):
        InterX(root).contents()


class Harmful:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.mark,)


def test_pickled_objects_are_refused_before_they_run(root: Path) -> None:
    write_labels(root, {NAMES[0]: Harmful(root / "mark")})
    with pytest.raises(UserError, match="could run code"):
        InterX(root).contents()
    assert not (root / "mark").exists()
    path = root / "motions" / NAMES[0] / "P1.npz"
    with np.load(path) as archive:
        np.savez(path, **dict(archive) | {"trans": np.array([Harmful(root / "mark")], dtype=object)}, allow_pickle=True)
    write_labels(root, tree.LABELS)
    with pytest.raises(UserError, match=r"P1\.npz is not a whole npz archive: .* no array of numbers"):
        InterX(root).features(clip_of(InterX(root), NAMES[0]))
    assert not (root / "mark").exists()


@pytest.mark.parametrize(
    ("name", "array", "match"),
    [
        ("pose_body", np.zeros((81, 63)), r"P2\.npz holds pose_body of shape \(81, 63\); it must be \(T, 21, 3\)"),
        ("trans", np.full((81, 3), np.inf), r"P2\.npz holds numbers that are not finite"),
        ("trans", np.zeros((80, 3)), r"P2\.npz holds trans of shape \(80, 3\)"),
        ("betas", np.zeros(10), r"P2\.npz holds betas of shape \(10,\); it must be \(1, 10\)"),
    ],
)
def test_npz_files_that_are_refused(root: Path, name: str, array: np.ndarray, match: str) -> None:
    tree.change_array(root / "motions" / NAMES[0] / "P2.npz", name, array)
    with pytest.raises(UserError, match=match):
        InterX(root).features(clip_of(InterX(root), NAMES[0]))


def test_a_npz_file_that_is_cut_off(root: Path) -> None:
    tree.cut_off(root / "motions" / NAMES[0] / "P2.npz")
    with pytest.raises(UserError, match=r"P2\.npz is not a whole npz archive"):
        InterX(root).features(clip_of(InterX(root), NAMES[0]))


@pytest.mark.parametrize(
    ("array", "match"),
    [
        (np.zeros((9, 55, 6), np.float32), r"float32 of shape \(9, 55, 6\); it must be \(T, 56, 6\)"),
        (np.zeros((9, 56, 6), np.int32), r"int32 of shape"),
        (np.full((9, 56, 6), np.nan, np.float32), "not finite"),
        (np.zeros((1, 56, 6), np.float32), "shorter than two frames"),
    ],
)
def test_h5_files_that_are_refused(tmp_path: Path, array: np.ndarray, match: str) -> None:
    import h5py

    tree.write_annotations(tmp_path)
    tree.write_processed(tmp_path)
    with h5py.File(tmp_path / "motions" / "train.h5", "a") as file:
        del file[NAMES[0]]
        file[NAMES[0]] = array
    with pytest.raises(UserError, match=match):
        InterX(tmp_path).features(clip_of(InterX(tmp_path), NAMES[0]))


def test_a_h5_file_that_is_cut_off(tmp_path: Path) -> None:
    tree.write_annotations(tmp_path)
    tree.write_processed(tmp_path)
    tree.cut_off(tmp_path / "motions" / "val.h5")
    with pytest.raises(UserError, match=r"val\.h5 is cut off or no h5 file"):
        InterX(tmp_path).contents()


def test_h5py_is_needed_for_h5_files_only(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree.write_processed(root)
    monkeypatch.setitem(sys.modules, "h5py", None)
    assert len(InterX(root).contents().clips) == 5
    tree.lose_clip(root, NAMES[0])
    with pytest.raises(ModuleNotFoundError) as raised:
        InterX(root).contents()
    assert raised.value.name == "h5py"


def test_nothing_there(tmp_path: Path) -> None:
    tree.write_annotations(tmp_path)
    with pytest.raises(UserError, match=r"motions holds no motion of two people; apply for Inter-X at https"):
        InterX(tmp_path).contents()
