"""The writer: a store that loads with `datasets` alone and reads back as it was drafted; a check finds what is wrong in one."""

import json
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from small_set import FRAMES, checked, draft, make_corpus, make_stages, seed

from vimotion.corpora import open_store
from vimotion.corpora.store import write_json
from vimotion.errors import UserError
from vimotion.inter_mt2.conversations import ConversationStore, Dialogue, open_conversations, write_conversations
from vimotion.inter_mt2.lines import read_lines, read_stage, write_lines
from vimotion.inter_mt2.schema import Draft, Line
from vimotion.inter_mt2.store_check import check_store
from vimotion.inter_mt2.validator import Checked
from vimotion.inter_mt2.writer import DUPLICATES, Origin, origin_of, write_store
from vimotion.tasks import MotionPart, TextPart

TERMS = {"intergen": "InterGEN, trained on the corpus tiny, CC0"}
DRAFTS = {
    "000000": [draft(0), draft(1), draft(0, "story")],
    "000001": [draft(2), draft(3, "reasoning")],
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def origin(corpus: Path) -> Origin:
    return origin_of(corpus, TERMS, licence="cc0-1.0").model_copy(update={"code": "abc"})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the first conversation once more, under another id."""
    again = draft(0, "role").model_copy(update={"messages": draft(0).messages, "motions": draft(0).motions})
    return make_stages(tmp_path_factory.mktemp("made"), {**DRAFTS, "000002": [again]}, failed=[draft(1, "role")])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, made: Path, origin: Origin) -> Path:
    return write_store(made, tmp_path_factory.mktemp("set") / "store", origin).folder


@pytest.fixture
def store(folder: Path) -> ConversationStore:
    return open_conversations(folder)


def test_loads_with_datasets_alone(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from datasets import load_dataset

    files = str(folder / "conversations-*.parquet")
    rows = load_dataset("parquet", data_files=files, split="train", cache_dir=str(tmp_path))
    assert rows["id"][:] == ["clip-0.editing", "clip-1.editing", "clip-0.story", "clip-2.editing", "clip-3.reasoning"]
    one = rows[0]
    assert one["messages"][0]["role"] == "user" and len(one["messages"][0]["parts"]) == 3
    shown = [part for message in one["messages"] for part in message["parts"] if part["type"] == "motion"]
    assert [(part["motion"], part["people"], part["start_frame"], part["stop_frame"]) for part in shown] == [
        ("clip-0", "a", 0, None), ("clip-0.editing.0", "ab", 0, None), ("clip-0", "ab", 0, 30), ("clip-0-edit", "ab", 0, None),
    ]  # fmt: skip
    motions = {motion["id"]: motion for motion in one["motions"]}
    assert motions["clip-0.editing.0"]["file"] == "clips-000000.parquet" and not motions["clip-0.editing.0"]["corpus"]
    assert motions["clip-0-edit"]["corpus"] == "tiny" and not motions["clip-0-edit"]["file"]
    assert one["provenance"]["clip"] == "clip-0" and len(one["provenance"]["corpus_sha256"]) == 64
    clips = load_dataset("parquet", data_files=str(folder / "clips-*.parquet"), split="train", cache_dir=str(tmp_path))
    assert set(motions) & set(clips["id"]) == {"clip-0.editing.0"} and len(clips) == 5


def test_reads_back_what_was_drafted(store: ConversationStore) -> None:
    drafts = [one for block in DRAFTS.values() for one in block]
    assert [one.id for one in store] == [one.id for one in drafts]
    for one, there in zip(store, drafts, strict=True):
        assert one.conversation.task == one.kind == there.kind and one.author == "embedded"
        assert [message.role for message in one.conversation.messages] == [line.role for line in there.messages]
        assert one.texts()[1][1] == there.messages[1].text
    user = store[0].conversation.messages[0]
    assert user.parts == (
        TextPart("Look at "), MotionPart("clip-0", "a"), TextPart(" where they hug. What if the two hug quickly, editing?")
    )  # fmt: skip
    assert store[1].conversation.messages[3].parts[0] == MotionPart("clip-1", stop=30)
    assert store[0].motions[0].caption == "Two people hug." and store[0].motions[0].num_frames == FRAMES


def test_splits_are_those_of_the_source(store: ConversationStore) -> None:
    assert [store[index].id for index in store.split("train")] == ["clip-0.editing", "clip-1.editing", "clip-0.story"]
    assert [store[index].source for index in store.split("val") + store.split("test")] == ["clip-2", "clip-3"]
    with pytest.raises(UserError, match="no split 'dev'"):
        store.split("dev")


def test_is_a_prepared_store_of_the_motions_that_are_shown(folder: Path) -> None:
    motions = open_store(folder)
    assert sorted(record.id for record in motions) == [
        "clip-0.editing.0", "clip-0.story.0", "clip-1.editing.0", "clip-2.editing.0", "clip-3.reasoning.0",
    ]  # fmt: skip
    assert motions.info["splits"] == {"train": 3, "val": 1, "test": 1} and len(motions.stats[0]) == 262
    record = motions.by_id("clip-2.editing.0")
    assert (record.split, record.source, record.num_frames) == ("val", "clip-2", FRAMES)


def test_what_repeats_is_left_out_and_listed(folder: Path, made: Path) -> None:
    (repeated,) = read_lines(made / DUPLICATES, Checked)
    assert repeated.draft.id == "clip-0.role" and repeated.problems[0].rule == "duplicate"
    assert "clip-0.editing" in repeated.problems[0].sentence


def test_the_same_lines_in_other_files_give_the_same_rows(tmp_path: Path, origin: Origin, store: ConversationStore) -> None:
    every = [one for block in DRAFTS.values() for one in block]
    made = make_stages(tmp_path / "made", {"000000": every[:1], "000001": every[1:]})
    other = write_store(made, tmp_path / "store", origin)
    assert [replace(one, motions=()) for one in other] == [replace(one, motions=()) for one in store]
    assert check_store(other.folder, make_corpus(tmp_path / "corpus")) == []


def test_the_card_says_what_is_in_it(folder: Path) -> None:
    text = (folder / "README.md").read_text()
    assert "5 conversations" in text and "license: cc0-1.0" in text and "$" not in text
    chain = text[text.index("## Licence") :]
    assert chain.index("CC0") < chain.index("templates of VIMotion") < chain.index("InterGEN, trained on")
    assert "| train | 3 | 3 |" in text and "| corpus | 7 |" in text
    assert "> **user**: Look at [Two people hug. | a] where they hug." in text


def test_a_motion_is_listed_once(tmp_path: Path, origin: Origin) -> None:
    one = draft(0)
    new, known = one.motions
    one = one.model_copy(update={"motions": (new, known.model_copy(update={"clip": "clip-0"}))})
    (there,) = write_store(make_stages(tmp_path / "made", {"000000": [one]}), tmp_path / "store", origin)
    assert [motion.id for motion in there.motions] == ["clip-0", "clip-0.editing.0"]
    assert there.motions[0].caption == "Two people hug." and there.motions[0].num_frames == FRAMES


# -- the check over all rows


def test_a_sound_store_has_nothing_wrong(folder: Path, corpus: Path) -> None:
    assert check_store(folder, corpus) == []


def changed(folder: Path, tmp_path: Path, **changes: object) -> Path:
    """A copy of the store with its first conversation changed."""
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in folder.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    first, *rest = list(open_conversations(folder))[:3]
    write_conversations([replace(first, **changes), *rest], copy / "conversations-000000.parquet")
    return copy


def with_part(one: Dialogue, part: TextPart | MotionPart) -> dict[str, object]:
    user = one.conversation.messages[0]
    messages = (replace(user, parts=(*user.parts, part)), *one.conversation.messages[1:])
    return {"conversation": replace(one.conversation, messages=messages)}


def test_the_check_names_what_is_wrong(folder: Path, corpus: Path, tmp_path: Path, store: ConversationStore) -> None:
    one = store[0]
    source, new, known = one.motions
    elsewhere = replace(one.provenance, corpus_sha256="0" * 64)
    wrong = {
        "is spelled like a token": with_part(one, TextPart("<|motion_end|>")),
        "is shown but not listed": with_part(one, MotionPart("clip-3")),
        "frames 0 to 61 of clip-0 are shown": with_part(one, MotionPart("clip-0", stop=61)),
        "are in the splits test and train": {"split": "test"},
        "not of clip-1 in train": {"source": "clip-1"},
        "clip-1.editing is there twice": {"id": "clip-1.editing"},
        "listed but never shown": {"motions": (*one.motions, store[1].motions[0])},
        "clip-9 is not in tiny": {"motions": (source, new, known, replace(known, id="clip-9"))},
        "clip-0.editing.0 lies in clips-000000.parquet": {
            "motions": (source, replace(new, file="clips-000001.parquet"), known)
        },
        "has 60 frames, not 61": {"motions": (source, replace(new, num_frames=61), known)},
        "was made from another corpus": {"provenance": elsewhere},
        "'<|a|>' in 'A <|a|> b' is spelled": {"motions": (source, replace(new, caption="A <|a|> b"), known)},
    }
    for number, (sentence, changes) in enumerate(wrong.items()):
        (tmp_path / str(number)).mkdir()
        found = check_store(changed(folder, tmp_path / str(number), **changes), corpus)
        assert any(sentence in one for one in found), (sentence, found)


def test_the_check_misses_a_file(folder: Path, corpus: Path, tmp_path: Path, store: ConversationStore) -> None:
    copy = changed(folder, tmp_path)
    (copy / "clips-000001.parquet").unlink()
    found = check_store(copy, corpus)
    assert sorted(found) == [
        "clip-2.editing: the motion clip-2.editing.0 is not in this store.",
        "clip-3.reasoning: the motion clip-3.reasoning.0 is not in this store.",
    ]


# -- what is refused


def test_refusals(made: Path, origin: Origin, corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="terms the output of 'intergen'"):
        write_store(made, tmp_path / "store", origin_of(corpus, {}))
    assert not (tmp_path / "store").exists()
    (tmp_path / "else").mkdir()
    (tmp_path / "else" / "thesis.txt").write_text("years of work")
    with pytest.raises(UserError, match="holds something else"):
        write_store(made, tmp_path / "else", origin)
    assert (tmp_path / "else" / "thesis.txt").exists()
    with pytest.raises(UserError, match="holds something else"):
        write_store(made, corpus, origin)
    with pytest.raises(UserError, match=r"no .*seeds\.jsonl"):
        write_store(tmp_path, tmp_path / "store", origin)
    with pytest.raises(UserError, match="holds no conversations"):
        open_conversations(corpus)
    unlicensed = make_corpus(tmp_path / "corpus")
    info = json.loads((unlicensed / "info.json").read_text())
    write_json(unlicensed / "info.json", {key: value for key, value in info.items() if key != "licence"})
    with pytest.raises(UserError, match="on what terms"):
        origin_of(unlicensed, {})
    assert origin_of(unlicensed, {}, corpus_licence="CC0").corpus_licence == "CC0"


def test_stages_that_do_not_fit_are_refused(origin: Origin, tmp_path: Path) -> None:
    made = make_stages(tmp_path / "made", {"000000": [draft(0), draft(1)]})
    write_lines([seed(0)], made / "seeds.jsonl")
    with pytest.raises(UserError, match=r"clip-1\.editing was written from no seed"):
        write_store(made, tmp_path / "store", origin)
    made = make_stages(tmp_path / "twice", {"000000": [draft(0)], "000001": [draft(0)]})
    with pytest.raises(UserError, match="passed the check twice"):
        write_store(made, tmp_path / "store", origin)
    made = make_stages(tmp_path / "val", {"000000": [draft(2)]})
    with pytest.raises(UserError, match="No conversation of the training split"):
        write_store(made, tmp_path / "store", origin)
    made = make_stages(tmp_path / "lost", {"000000": [draft(0), draft(1)]})
    lines = [checked(draft(0)), checked(draft(1))]
    lost = lines[1].motions[0].model_copy(update={"clip": "gone"})
    write_lines([lines[0], lines[1].model_copy(update={"motions": (lost,)})], made / "checked" / "000000.jsonl")
    with pytest.raises(UserError, match="lacks 1 motions that were rendered, such as gone"):
        write_store(made, tmp_path / "store", origin)


def test_an_earlier_store_is_replaced(made: Path, origin: Origin, tmp_path: Path) -> None:
    first = write_store(made, tmp_path / "store", origin).folder
    files = {path.name: path.read_bytes() for path in first.iterdir()}
    small = make_stages(tmp_path / "small", {"000000": [draft(0)]})
    assert len(write_store(small, tmp_path / "store", origin)) == 1
    write_store(made, tmp_path / "store", origin)
    assert {path.name: path.read_bytes() for path in first.iterdir()} == files


def test_other_columns_are_refused(folder: Path, tmp_path: Path) -> None:
    copy = changed(folder, tmp_path)
    path = copy / "conversations-000000.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["author"]), path)
    with pytest.raises(UserError, match="other columns"):
        open_conversations(copy)
    path.write_bytes(b"no parquet")
    with pytest.raises(UserError, match="is damaged"):
        open_conversations(copy)


def test_lines_say_where_they_are_wrong(tmp_path: Path) -> None:
    path = tmp_path / "drafts" / "000000.jsonl"
    write_lines([draft(0), draft(1)], path)
    assert list(read_stage(tmp_path / "drafts", Draft)) == [draft(0), draft(1)]
    path.write_text(Line(role="user", text="Hello.").model_dump_json() + '\n{"role": "king", "text": ""}\n')
    with pytest.raises(UserError, match=r"000000\.jsonl, line 2 is no Line \(role"):
        list(read_lines(path, Line))
