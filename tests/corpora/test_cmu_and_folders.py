"""CMU's takes and folders of motion files: who belongs together, what is said of them, and what is odd."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from takes_tree import person, take, write_acclaim, write_bvh, write_cmu, write_folder

from vimotion.corpora.amass_pairs import AmassPairs
from vimotion.corpora.prepare import prepare
from vimotion.corpora.reading import Clip
from vimotion.corpora.source_files import read_lines
from vimotion.corpora.takes import CmuPairs, MotionFolder
from vimotion.errors import UserError
from vimotion.formats import save_motion
from vimotion.motion import JOINT, from_features, place
from vimotion.tasks import possible_tasks
from vimotion.training.examples import exchanged

MOCAP = Path(__file__).parents[3] / "shared" / "mocap"
real_takes = pytest.mark.skipif(not MOCAP.is_dir(), reason=f"the captured takes are not at {MOCAP}")


def by_id(reader: CmuPairs | MotionFolder) -> dict[str, Clip]:
    return {clip.id: clip for clip in reader.contents().clips}


# -- CMU -------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cmu(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_cmu(tmp_path_factory.mktemp("cmu"))


def test_takes_of_two_subjects_are_pairs(cmu: Path) -> None:
    reader = CmuPairs(cmu)
    clips = by_id(reader)
    assert {name: [path.name for path in clip.files] for name, clip in clips.items()} == {
        "02_01": ["02_01.amc"],
        "18_19_01": ["18_01.amc", "19_01.amc"],
        "20_21_11": ["20_11.bvh", "21_11.bvh"],
        "22_23_01": ["22_01.bvh", "23_01.bvh"],
    }
    assert clips["18_19_01"].captions == ("walk, shake hands",) and clips["22_23_01"].captions == ("B sits; A pulls up B",)
    assert clips["02_01"].captions == ("walk",) and clips["20_21_11"].captions == ()
    assert clips["18_19_01"].facts == {"subjects": ["18", "19"], "take": "01"}
    [sentence] = reader.contents().oddities
    assert "without a description" in sentence and "20_21_11" in sentence


@pytest.mark.parametrize("name", ["18_19_01", "22_23_01"])
def test_both_people_stand_in_one_world_at_the_true_rate(cmu: Path, name: str) -> None:
    first = int(name[:2])
    truth = place(take(first).joined(take(first + 1)).resampled(30)).joint_positions
    reader = CmuPairs(cmu)
    features = reader.features(by_id(reader)[name])
    positions = features[..., :66].reshape(len(features), 2, 22, 3)
    assert len(features) == len(truth) - 1
    known = [JOINT[joint] for joint in ("pelvis", "left_knee", "right_ankle", "left_wrist", "right_elbow")]
    # ASF tells of toes and hands only where they begin, so that the ground may lie a little lower
    assert np.abs((positions - truth[:-1])[..., known, :][..., [0, 2]]).max() < 5e-3
    assert np.ptp((positions - truth[:-1])[..., known, 1]) < 5e-3
    assert np.abs(positions[..., 1].min()) < 1e-3


def test_splits_are_those_of_the_same_takes_in_amass(tmp_path: Path) -> None:
    for name in ("18_01", "19_01", "20_10", "21_10", "20_11", "21_11"):
        write_bvh(tmp_path, name)
    splits = {clip.id: clip.split for clip in CmuPairs(tmp_path).contents().clips}
    for session, one, two in (("18_19", "Justin", "rory"), ("20_21", "Justin1", "rory1")):
        for number in (1, 10, 11):
            for folder in (tmp_path / "CMU" / f"{session}_{one}", tmp_path / "CMU" / f"{session}_{two}"):
                folder.mkdir(parents=True, exist_ok=True)
                (folder / f"{session[:2]}_{number:02d}_poses.npz").touch()
    amass = {clip.id: clip.split for clip in AmassPairs(tmp_path).contents().clips}
    assert splits == {name: amass[name] for name in splits} == {"18_19_01": "train", "20_21_10": "val", "20_21_11": "test"}


def test_what_is_odd_about_takes_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds no take such as 18_01\.amc .* http://mocap\.cs\.cmu\.edu"):
        CmuPairs(tmp_path).contents()
    write_acclaim(tmp_path, "18_01")
    write_bvh(tmp_path / "bvh", "18_01")
    write_bvh(tmp_path / "bvh", "23_02")
    (tmp_path / "notes.bvh").write_text("not a take's name")
    again, alone, silent = CmuPairs(tmp_path).contents().oddities
    assert "more than once" in again and again.endswith("(1): 18_01.")
    assert "only one is there" in alone and "18_01, 23_02" in alone
    assert "There is no cmu-mocap-index-text.txt" in silent
    assert [clip.files[0].suffix for clip in CmuPairs(tmp_path).contents().clips] == [".amc", ".bvh"]


@real_takes
def test_captured_takes_prepare_by_both_readers(tmp_path: Path) -> None:
    made = [prepare("cmu", MOCAP / "cmu", tmp_path / "cmu").store, prepare("folder", MOCAP, tmp_path / "all").store]
    for store, name, clips in zip(made, ("18_01", "cmu/18_01"), (5, 20), strict=True):
        assert store is not None and len(store) == clips and store.info["left_out"] == {}
        take = store.by_id(name)
        assert take.num_frames == 75  # of 303 at 120 fps every fourth, and one less for the velocities
        assert take.features[:, 0, 1].mean() == pytest.approx(0.97, abs=0.03)  # the hips, in metres
        walked = np.linalg.norm(np.diff(take.features[:, 0, [0, 2]], axis=0), axis=-1)
        assert 0.8 < 30 * walked.max() < 2.0  # metres a second: somebody walks
    assert "120 fps" in made[1].info["remarks"]["cmu/18_01"]


# -- any folder ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("folder"))


def test_a_table_says_what_there_is(folder: Path) -> None:
    clips = by_id(MotionFolder(folder))
    assert {name: (clip.split, clip.source, len(clip.files)) for name, clip in clips.items()} == {
        "wave": ("train", "wave", 1),
        "pairs/hug": ("val", "monday", 1),
        "pairs/bow": ("train", "tuesday", 2),
        "meeting": ("test", "meeting", 2),
    }
    assert clips["wave"].captions == ("He waves his left hand.", "Somebody waves.") and clips["meeting"].captions == ()
    assert clips["wave"].facts == {"table": {"mood": "calm"}} and clips["meeting"].facts == {"table": {"mood": ""}}
    silent, further = MotionFolder(folder).contents().oddities
    assert "Clips without a caption (1): meeting." in silent and "kept as facts (1): mood." in further


@pytest.mark.parametrize(("name", "people"), [("wave", 1), ("pairs/hug", 2), ("pairs/bow", 2), ("meeting", 2)])
def test_motions_come_as_they_are(folder: Path, name: str, people: int) -> None:
    features = MotionFolder(folder).features(by_id(MotionFolder(folder))[name])
    assert features.shape == (39, people, 262) and features.dtype == np.float32
    if name == "meeting":  # two files of one person each, the longer one cut
        truth = place(person(3).joined(person(4, 41).frames(0, 40)))
        assert np.abs(from_features(features).joint_positions - truth.joint_positions[:-1]).max() < 1e-3


def test_without_a_table_each_file_is_a_clip(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "plain")
    (tmp_path / "plain" / "captions.csv").unlink()
    save_motion(person(9), tmp_path / "plain" / "wave.bvh")
    contents = MotionFolder(tmp_path / "plain").contents()
    assert [clip.id for clip in contents.clips] == ["one", "pairs/bow", "pairs/hug", "two", "wave.bvh", "wave.npz"]
    assert [len(clip.files) for clip in contents.clips] == [1, 2, 1, 1, 1, 1]
    assert not any(clip.captions for clip in contents.clips) and "no caption" in contents.oddities[0]


def test_names_alone_decide_the_splits(tmp_path: Path) -> None:
    for number in range(400):
        (tmp_path / f"{number}.npz").touch()
    splits = [clip.split for clip in MotionFolder(tmp_path).contents().clips]
    assert splits == [clip.split for clip in MotionFolder(tmp_path).contents().clips]
    assert 330 < splits.count("train") < 370 and splits.count("test") > splits.count("val") > 4


def test_tables_of_every_kind_say_the_same(folder: Path, tmp_path: Path) -> None:
    rows = list(csv.DictReader((folder / "captions.csv").open(newline="")))
    for ending in ("tsv", "jsonl"):
        other = tmp_path / ending
        shutil.copytree(folder, other)
        (other / "captions.csv").unlink()
        if ending == "tsv":
            lines = ["\t".join(rows[0]), *("\t".join(row.values()) for row in rows)]
        else:
            lines = [json.dumps({key: value for key, value in row.items() if value}) for row in rows]
            both = {**json.loads(lines[0]), "captions": [row["caption"] for row in rows[:2]]}
            del both["caption"]
            lines = [json.dumps(both), "", *lines[2:]]
        (other / f"captions.{ending}").write_text("\n".join(lines) + "\n")
        there, here = by_id(MotionFolder(other)), by_id(MotionFolder(folder))
        assert [(c.id, c.split, c.source, c.captions) for c in there.values()] == [
            (c.id, c.split, c.source, c.captions) for c in here.values()
        ]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("path,caption\nwave.npz,He waves.\n", "first line of .* must name the columns, `file` among them"),
        ("file,caption\nwave.npz,One, two.\n", "Line 2 of .* has more cells"),
        ('file,caption\nwave.npz,"He waves.\n', "cannot be read beyond line 1"),
        ("file,caption\n,He waves.\n", "Line 2 of .* must name a file"),
        ("file,split\nwave.npz,dev\n", "has the split 'dev'; choose train, val, test"),
        ("file,caption\n../wave.npz,He waves.\n", "its path below the folder"),
        ("file,caption\n/etc/wave.npz,He waves.\n", "its path below the folder"),
        ("file,id\nwave.npz,x\none.npz,x\n", "clip 'x' in lines 2 and 3 with different files"),
        ("file,split,source\nwave.npz,train,x\none.npz,test,x\n", "puts the source 'x' into test, a line before into train"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused(folder: Path, tmp_path: Path, table: str, message: str) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / "captions.csv").write_text(table)
    with pytest.raises(UserError, match=message):
        MotionFolder(tmp_path).contents()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[1]", "Line 1 of .* is no JSON object"),
        ("{", "is no JSON object"),
        ('{"file": 3}', "must name a file"),
        ('{"file": "wave.npz", "captions": ["He waves.", 3]}', "a caption that is no text"),
    ],
)
def test_lines_of_json_that_make_no_sense_are_refused(folder: Path, tmp_path: Path, line: str, message: str) -> None:
    shutil.copy(folder / "wave.npz", tmp_path)
    (tmp_path / "captions.jsonl").write_text(line + "\n")
    with pytest.raises(UserError, match=message):
        MotionFolder(tmp_path).contents()


def test_a_table_makes_no_scene_of_a_clip(folder: Path, tmp_path: Path) -> None:
    """Whatever its columns are called; and a clip called as Motion-X's mirrored ones is mirrored all the same."""
    shutil.copy(folder / "wave.npz", tmp_path)
    (tmp_path / "captions.csv").write_text(
        "file,split,caption,parameters,told,subset\nwave.npz,train,He waves.,fast,yes,humanml\n"
    )
    store = prepare("folder", tmp_path, tmp_path / "out", mirror=True).store
    assert store is not None and [record.id for record in store] == ["wave", "wave-mirrored"]
    assert exchanged(store[0]).captions == ("He waves.",) and "caption" in possible_tasks(store[0])
    assert store[0].facts == {"table": {"parameters": "fast", "told": "yes", "subset": "humanml"}}


@pytest.mark.parametrize("mark", ["\u2028", "\x85", "\x0b", "\x0c", "\x1e"])
def test_a_caption_is_torn_at_the_ends_of_lines_alone(folder: Path, tmp_path: Path, mark: str) -> None:
    shutil.copytree(folder, tmp_path / "csv")
    caption = f"He waves{mark}to her."
    (tmp_path / "csv" / "captions.csv").write_text(f"file,caption\r\nwave.npz,{caption}\r\n", encoding="utf-8", newline="")
    shutil.copytree(folder, tmp_path / "json")
    (tmp_path / "json" / "captions.csv").unlink()
    line = json.dumps({"file": "wave.npz", "caption": caption}, ensure_ascii=False)
    (tmp_path / "json" / "captions.jsonl").write_text(f"{line}\n\n{line}", encoding="utf-8")
    for source in (tmp_path / "csv", tmp_path / "json"):
        assert by_id(MotionFolder(source))["wave"].captions == (caption,)
    (tmp_path / "lines.txt").write_text(f"\ufeff {caption}\r\n\r\nOne.\rTwo.", encoding="utf-8", newline="")
    assert read_lines(tmp_path / "lines.txt") == [caption, "One.", "Two."]


def test_what_is_odd_about_a_folder_is_told(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds no motion file; VIMotion reads \.npz"):
        MotionFolder(tmp_path).contents()
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / "captions.csv").write_text("file,caption\nwave.npz,He waves.\nlost.npz,She is gone.\n")
    missing, unnamed = MotionFolder(tmp_path).contents().oddities
    assert "not there" in missing and "(1): lost.npz" in missing
    assert "does not name" in unnamed and "one.npz, pairs/bow.a.bvh" in unnamed
    (tmp_path / "captions.tsv").write_text("file\n")
    with pytest.raises(UserError, match=r"captions\.csv and captions\.tsv; keep one"):
        MotionFolder(tmp_path).contents()
    (tmp_path / "captions.tsv").unlink()
    (tmp_path / "captions.csv").write_bytes(b"file,caption\nwave.npz,\xff\n")
    with pytest.raises(UserError, match="not text in UTF-8"):
        MotionFolder(tmp_path).contents()
    (tmp_path / "captions.csv").unlink()
    save_motion(person(1), tmp_path / "pairs" / "bow.bvh")
    with pytest.raises(UserError, match=r"bow\.bvh is there and, of two people, as \.a and \.b"):
        MotionFolder(tmp_path).contents()
