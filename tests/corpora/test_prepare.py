"""Preparing: every data set by one call, the same bytes whoever does it, nothing mixed in, and every clip accounted for."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from amass_tree import write_amass
from humanml3d_tree import write_humanml3d
from hypothesis import given
from hypothesis import strategies as st
from interhuman_tree import write_interhuman
from interx_tree import write_interx
from motionx_tree import write_motionx
from poses import random_interaction
from takes_tree import person, write_cmu, write_folder

from vimotion.cli import main
from vimotion.corpora import Store, open_store
from vimotion.corpora import workers as work
from vimotion.corpora.interhuman import InterHuman
from vimotion.corpora.look import coarser, draw_pictures
from vimotion.corpora.prepare import READERS, make_reader, prepare
from vimotion.corpora.reading import Clip, Contents
from vimotion.corpora.sides import mirrored_caption
from vimotion.corpora.store import finish_store, write_clips, write_json
from vimotion.corpora.takes import MotionFolder
from vimotion.errors import UserError
from vimotion.evaluation.examples import read_kinds
from vimotion.formats import save_motion
from vimotion.motion.vectors import mirror_features
from vimotion.tasks import possible_tasks
from vimotion.training.captioned import load_captioned
from vimotion.training.examples import exchanged

DOCS = Path(__file__).parents[2] / "docs" / "corpora.md"
TREES: dict[str, Callable[[Path], object]] = {
    "interhuman": write_interhuman,
    "interx": write_interx,
    "motionx": write_motionx,
    "humanml3d": write_humanml3d,
    "amass-pairs": write_amass,
    "cmu": write_cmu,
    "folder": write_folder,
}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def made(source: Path, output: Path, name: str = "folder", **how) -> Store:
    store = prepare(name, source, output, **how).store
    assert store is not None
    return store


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("source"))


@pytest.fixture(scope="module")
def whole(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(source, tmp_path_factory.mktemp("prepared") / "whole").folder


@pytest.fixture
def changed(source: Path, tmp_path: Path) -> Path:
    """The source, for a test to change."""
    shutil.copytree(source, tmp_path / "changed")
    return tmp_path / "changed"


# -- each data set ---------------------------------------------------------------------------------------------------------


def test_each_data_set_has_a_tree() -> None:
    assert TREES.keys() == READERS.keys()


@pytest.mark.parametrize("name", READERS)
def test_a_data_set_prepares_by_one_command(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    TREES[name](tmp_path / "source")
    with pytest.raises(SystemExit) as ended:
        main(["corpus", "prepare", name, str(tmp_path / "source"), "-o", str(tmp_path / "out"), "--json"])
    told = capsys.readouterr()
    assert not ended.value.code, told.err
    reader = make_reader(name, tmp_path / "source", {})
    found = reader.contents()
    store = open_store(tmp_path / "out")
    info = store.info
    assert [record.id for record in store] == [clip.id for clip in found.clips if clip.id not in info["left_out"]]
    assert info["left_out"] == {} and info["licence"] == reader.licence and json.loads(told.out)["num_clips"] == len(store)
    assert all(sentence in told.err for sentence in found.oddities) and info["oddities"] == list(found.oddities)
    for clip, record in zip(found.clips, store, strict=True):
        assert (record.split, record.source, record.captions) == (clip.split, clip.source, clip.captions)
        assert record.facts == json.loads(json.dumps(clip.facts or {}))
    first = store[0].features
    assert np.array_equal(first, reader.features(found.clips[0]).astype(np.float16).astype(np.float32))
    head = yaml.safe_load((tmp_path / "out" / "README.md").read_text().split("---")[1])
    assert list((tmp_path / "out").glob(head["configs"][0]["data_files"][0]["path"]))


def test_help_names_every_data_set(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit):
        main(["corpus", "prepare", "--help"])
    assert set(READERS) <= set(re.findall(r"[a-z0-9-]+", capsys.readouterr().out))


# -- parts -----------------------------------------------------------------------------------------------------------------


def test_workers_and_shards_give_the_same_bytes(source: Path, whole: Path, tmp_path: Path) -> None:
    first = prepare("folder", source, tmp_path / "out", shard=(2, 2))
    assert first.store is None and first.missing == {1: 2}
    with pytest.raises(UserError, match="half made"):
        open_store(tmp_path / "out")
    made(source, tmp_path / "out", workers=2, shard=(1, 2))
    assert contents(tmp_path / "out") == contents(whole)


def test_a_run_that_was_stopped_goes_on(source: Path, whole: Path, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare("folder", source, tmp_path / "out", progress=stop)
    there = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("clips-*")}
    assert len(there) == 2
    (tmp_path / "out" / ".clips-000003.parquet.1.tmp.parquet").write_bytes(b"half")
    made(source, tmp_path / "out")
    assert contents(tmp_path / "out") == contents(whole)
    assert there == {path: path.stat().st_mtime_ns for path in there}  # what was there was not made again


def test_where_the_source_lies_does_not_matter(changed: Path, whole: Path, tmp_path: Path) -> None:
    made(changed, tmp_path / "out")
    assert contents(tmp_path / "out").keys() == contents(whole).keys()
    assert all(contents(tmp_path / "out")[name] == content for name, content in contents(whole).items() if "clips" in name)


def test_nothing_else_is_mixed_in(changed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    made(changed, out)
    before = contents(out)
    with pytest.raises(UserError, match=r"other arguments or by other code \(options\)"):
        prepare("folder", changed, out, mirror=True)
    with pytest.raises(UserError, match=r"\(options\); choose a new folder"):
        prepare("folder", changed, out, options={"floor": "each"})
    with monkeypatch.context() as patched:
        patched.setattr(work, "code_version", lambda *names: "another")
        with pytest.raises(UserError, match=r"\(code\)"):
            prepare("folder", changed, out)
    save_motion(person(8), changed / "wave.npz")
    assert made(changed, out) is not None and contents(out) == before  # nothing in the lists tells of it
    save_motion(person(8, 41), changed / "wave.npz")
    with pytest.raises(UserError, match=r"\(source\)"):
        prepare("folder", changed, out)
    assert contents(out) == before


def test_a_shard_that_begins_in_the_same_moment_is_met(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one has begun, and made a file, between this one's look for info.json and its look at the folder."""
    out, origin = tmp_path / "out", {"corpus": "folder"}
    looked = Path.is_file

    def is_file(path: Path) -> bool:
        if path.name == "info.json" and not out.exists():
            write_json(path, {**origin, "complete": False})
            write_clips([], out / "clips-000000.parquet", origin)
            return False
        return looked(path)

    monkeypatch.setattr(Path, "is_file", is_file)
    assert not work.begin(out, origin)


def test_another_skeleton_beside_a_take_is_another_source(tmp_path: Path) -> None:
    source = write_cmu(tmp_path / "source")
    made(source, tmp_path / "out", "cmu")
    skeleton = source / "subjects" / "02" / "02.asf"
    text = skeleton.read_text()
    skeleton.write_text(text.replace("length 0.", "length 1.", 1))
    assert skeleton.read_text() != text and len(skeleton.read_text()) == len(text)
    with pytest.raises(UserError, match=r"\(source\)"):
        prepare("cmu", source, tmp_path / "out")


def test_a_file_of_another_run_is_refused(source: Path, whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    made(source, out, options={"floor": "each"})
    shutil.copy(whole / "clips-000001.parquet", out)
    write_json(out / "info.json", {**json.loads((out / "info.json").read_text()), "complete": False})
    with pytest.raises(UserError, match=r"clips-000001\.parquet was made from other arguments"):
        prepare("folder", source, out, options={"floor": "each"})
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "a.txt").write_text("Dear all")
    with pytest.raises(UserError, match="holds something else"):
        prepare("folder", source, tmp_path / "letters")


# -- clips that are left out -----------------------------------------------------------------------------------------------


def test_clips_that_cannot_be_read_are_left_out_with_the_reason(changed: Path, tmp_path: Path) -> None:
    save_motion(person(0, 14), changed / "wave.npz")
    save_motion(random_interaction(1, frames=15), changed / "pairs" / "hug.npz")
    (changed / "one.npz").write_bytes((changed / "one.npz").read_bytes()[:4000])
    store = made(changed, tmp_path / "out")
    reasons = store.info["left_out"]
    assert set(reasons) == {"wave", "meeting"} and [record.id for record in store] == ["pairs/hug", "pairs/bow"]
    assert len(store.by_id("pairs/hug").features) == 14
    assert reasons["wave"] == "It gives only 14 frames at 30 fps; at least 15 are needed."
    assert "one.npz is not a whole npz archive" in reasons["meeting"]
    card = (tmp_path / "out" / "README.md").read_text()
    assert all(f"- `{name}`: {reason}" in card for name, reason in reasons.items())
    # the reasons are kept where a run was stopped after the files were made
    again = tmp_path / "again"
    shutil.copytree(tmp_path / "out", again)
    write_json(again / "info.json", {**store.info, "complete": False})
    assert made(changed, again).info == store.info


def test_numbers_that_are_nobodys_are_left_out(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def features(self: MotionFolder, clip: Clip) -> np.ndarray:
        vectors = np.zeros((20, 1, 262), dtype=np.float32)
        vectors[3, 0, 5] = {"pairs/hug": np.nan, "meeting": 70_000.0}.get(clip.id, 0.0)
        return vectors

    monkeypatch.setattr(MotionFolder, "features", features)
    store = made(source, tmp_path / "out")
    assert set(store.info["left_out"]) == {"pairs/hug", "meeting"} and len(store) == 2
    assert all("not finite, or somebody kilometres away" in reason for reason in store.info["left_out"].values())


def test_a_source_without_anything_to_train_on_is_refused(changed: Path, tmp_path: Path) -> None:
    (changed / "captions.csv").write_text("file\nlost.npz\n")
    with pytest.raises(UserError, match=r"There is no clip in .* that can be read\. .*lost\.npz"):
        prepare("folder", changed, tmp_path / "out")
    (changed / "captions.csv").write_text("file,split\nwave.npz,test\n")
    with pytest.raises(UserError, match=r"None of the 1 clips .* is for training"):
        prepare("folder", changed, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    save_motion(person(0, 3), changed / "wave.npz")
    (changed / "captions.csv").write_text("file,split\nwave.npz,train\none.npz,test\n")
    with pytest.raises(UserError, match="No training clip could be read; of wave: It gives only 3 frames"):
        prepare("folder", changed, tmp_path / "out")


def test_lists_that_contradict_themselves_are_told(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clips = MotionFolder(source).contents().clips
    listed = (*clips, replace(clips[0], id="again", split="test"))
    monkeypatch.setattr(MotionFolder, "contents", lambda self: Contents(listed))
    told: list[str] = []
    made(source, tmp_path / "out", tell=told.append)
    assert told == ["Sources whose clips are in more than one split (1): wave."]
    monkeypatch.setattr(MotionFolder, "contents", lambda self: Contents((*clips, clips[0])))
    with pytest.raises(UserError, match=r"more than one clip of the same name \(1\), for example 'wave'"):
        prepare("folder", source, tmp_path / "other")


# -- options ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "how", "message"),
    [
        ("nobody", {}, "no data set 'nobody'; choose interhuman, interx"),
        ("humanml3d", {"options": {"floor": "each"}}, "humanml3d has no option 'floor'; it has none"),
        ("cmu", {"options": {"body": Path("x.npz")}}, "cmu has no option 'body'; it has fps, floor"),
        ("interx", {"options": {"body": Path("lost.npz")}}, r"There is no lost\.npz, which the option 'body' names"),
        ("folder", {"workers": 0}, "one worker"),
        ("folder", {"shard": (3, 2)}, "no shard 3 of 2"),
    ],
)
def test_wrong_arguments(name: str, how: dict, message: str, source: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        prepare(name, source, tmp_path / "out", **how)
    assert not (tmp_path / "out").exists()


def test_what_is_mirrored_already_is_not_mirrored_again(tmp_path: Path) -> None:
    write_humanml3d(tmp_path / "source")
    with pytest.raises(UserError, match="prepare it without --mirror"):
        prepare("humanml3d", tmp_path / "source", tmp_path / "out", mirror=True)
    assert not (tmp_path / "out").exists()


def test_a_source_must_be_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no folder; name the one where interhuman was unpacked"):
        prepare("interhuman", tmp_path / "lost", tmp_path / "out")


def test_options_reach_the_reader(tmp_path: Path) -> None:
    source = write_interhuman(tmp_path / "source")
    store = made(source, tmp_path / "out", "interhuman", options={"floor": "each"})
    assert store.info["options"] == {"floor": "each", "body": None, "mirror": False}
    for clip, record in zip(InterHuman(source).contents().clips, store, strict=True):
        each, together = (InterHuman(source, floor=floor).features(clip)[..., :66] for floor in ("each", "together"))
        assert np.abs(record.features[..., :66] - each).max() < 2e-3 < np.abs(each - together).max()
    text = (tmp_path / "out" / "README.md").read_text()
    assert "prepare interhuman SOURCE --floor each --output" in text and "each person alone" in text


def test_a_body_is_known_by_what_is_in_it(source: Path, tmp_path: Path) -> None:
    tables = [tmp_path / "one.yaml", tmp_path / "two.yaml"]
    for table in tables:
        table.write_text("pelvis: [Hips]\n")
    out = tmp_path / "out"
    before = made(source, out, options={"joint_map": tables[0]}).info["options"]["joint_map"]
    assert before.startswith("sha256:") and "--joint-map FILE" in (out / "README.md").read_text()
    assert made(source, out, options={"joint_map": tables[1]}) is not None
    tables[1].write_text("pelvis: [Hip]\n")
    with pytest.raises(UserError, match=r"\(options\)"):
        prepare("folder", source, out, options={"joint_map": tables[1]})


# -- mirror images ---------------------------------------------------------------------------------------------------------


def test_training_clips_also_come_in_the_mirror(source: Path, whole: Path, tmp_path: Path) -> None:
    store, plain = made(source, tmp_path / "out", mirror=True), open_store(whole)
    assert {record.id for record in store} - {record.id for record in plain} == {"wave-mirrored", "pairs/bow-mirrored"}
    for record in plain:
        there = store.by_id(record.id)
        assert asdict(there) | {"features": 0} == asdict(record) | {"features": 0}
        assert np.array_equal(there.features, record.features)
    wave, bow = store.by_id("wave-mirrored"), store.by_id("pairs/bow-mirrored")
    assert wave.captions == ("He waves his right hand.", "Somebody waves.") and bow.captions == ()  # "right away" is no side
    assert wave.split == "train" and bow.source == "tuesday" and wave.facts == {"table": {"mood": "calm"}, "mirror_of": "wave"}
    assert np.abs(wave.features - mirror_features(plain.by_id("wave").features)).max() < 2e-3
    assert store.info["splits"]["train"] == 4 and "mirror image" in (tmp_path / "out" / "README.md").read_text()


def test_what_motion_x_has_in_the_mirror_is_not_mirrored_again(tmp_path: Path) -> None:
    write_motionx(tmp_path / "source")
    store = made(tmp_path / "source", tmp_path / "out", "motionx", mirror=True)
    training = [record.id for record in store if record.split == "train"]
    plain = [name for name in training if not name.endswith("-mirrored")]
    assert any(name.startswith("humanml/") for name in plain) and any(name.endswith("-mirrored") for name in training)
    assert training == [
        one for name in plain for one in ([name] if name.startswith("humanml/") else [name, f"{name}-mirrored"])
    ]


@pytest.mark.parametrize(
    ("caption", "other"),
    [
        ("The left-handed one leads.", "The right-handed one leads."),
        ("A lefthanded punch, then LEFT.", "A righthanded punch, then RIGHT."),
        ("They step rightwards, to the leftmost.", "They step leftwards, to the rightmost."),
        ("One turns anticlockwise, one clockwise.", "One turns clockwise, one counterclockwise."),
        ("Counter-clockwise and anti-clockwise", "Clockwise and clockwise"),
        ("From left to right/left", "From right to left/right"),
        ("Bright, upright, righteous, cleft, copyright", "Bright, upright, righteous, cleft, copyright"),
        ("He left the room.", None),
        ("The man left the room.", None),
        ("Their arms are at right angles.", None),
        ("They stop right there.", None),
        ("She steps right past him.", None),
        ("The first person left.", None),
        ("Both people left quickly.", None),
        ("One waves and the second left.", None),
        ("Anna left, Ben waves.", None),
        ("She left the stage.", None),
        ("The referee makes the right decision.", None),
        ("One puts it right.", None),
        ("He is right, she nods.", None),
        (
            "The person on the left turns left, the other person's left hand is up.",
            "The person on the right turns right, the other person's right hand is up.",
        ),
        ("He is right-handed, the right one.", "He is left-handed, the left one."),
        ("Left foot first; One turns left. Then left and right.", "Right foot first; One turns right. Then right and left."),
    ],
)
def test_whole_words_are_turned(caption: str, other: str | None) -> None:
    assert mirrored_caption(caption) == other


WORDS = ["left", "Right", "LEFT", "left-handed", "rightwards", "clockwise", "hand", "turns", "upright", "his", "a"]


@given(st.lists(st.sampled_from(WORDS), max_size=8))
def test_the_mirror_of_the_mirror_is_the_caption(words: list[str]) -> None:
    caption = " ".join(words)
    assert (once := mirrored_caption(caption)) is not None and mirrored_caption(once) == caption
    assert len(once.split()) == len(words)


# -- what comes after ------------------------------------------------------------------------------------------------------


def test_what_a_data_set_knows_beside_is_no_scene(whole: Path, tmp_path: Path) -> None:
    record = replace(open_store(whole).by_id("pairs/hug"), facts={"actor": "P1"}, split="train")
    assert possible_tasks(record) == ["text_to_motion", "motion_to_text", "reaction", "prediction", "caption"]
    assert exchanged(record).captions == record.captions and read_kinds(record) == ()

    write_clips([record], tmp_path / "clips-000000.parquet")
    [clip] = load_captioned(finish_store(tmp_path, {"corpus": "test"}), "train", 5, 300)
    assert clip.captions == ("Two people hug.",) and clip.begins is None


def test_the_page_names_every_data_set_and_no_option_that_is_none(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    commands = re.findall(r"^vimotion corpus prepare (\S+) (.*)$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert {name for name, _ in commands} == set(READERS)
    with pytest.raises(SystemExit):
        main(["corpus", "prepare", "--help"])
    known = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    assert {flag for _, rest in commands for flag in re.findall(r"--[a-z-]+", rest)} <= known


# -- looking at it ---------------------------------------------------------------------------------------------------------


def test_info_tells_what_there_is(whole: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    info = open_store(whole).info
    assert info["people"] == {"one person": 1, "two people": 3} and info["sources"] == 4
    assert (info["captions"], info["words_a_caption"], info["clips_without_caption"]) == (4, 4.2, 1)
    assert (info["shortest_seconds"], info["longest_seconds"]) == (1.3, 1.3)
    with pytest.raises(SystemExit):
        main(["corpus", "info", str(whole)])
    text = capsys.readouterr().out
    assert "height of the pelvis" in text and "on the ground" in text and "Odd in the source" in text
    assert "clips without caption  1" in text and "two people" in text


def test_pictures_of_a_data_set_are_by_split(whole: Path, tmp_path: Path) -> None:
    info = open_store(whole).info
    files = draw_pictures(whole, info, tmp_path, clips=1)
    assert [file.name for file in files] == ["durations.png", "train.png", "val.png", "test.png"]
    assert all(file.stat().st_size > 500 for file in files)
    with pytest.raises(UserError, match=r"no kind 'hug' .* leave --kind out"):
        draw_pictures(whole, info, tmp_path, "hug")


def test_long_takes_make_no_long_tables() -> None:
    short = {"1 to 2 s": 3, "9 to 10 s": 1}
    assert coarser(short) == short
    assert coarser({"599 to 600 s": 1, "0 to 1 s": 2, "29 to 30 s": 4}) == {"0 to 30 s": 6, "570 to 600 s": 1}
