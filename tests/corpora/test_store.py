import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from poses import random_interaction

from vimotion.corpora import Record, open_store
from vimotion.corpora.store import (
    clip_files,
    finish_store,
    origin_of,
    read_records,
    read_rows,
    record_features,
    write_clips,
    write_json,
)
from vimotion.errors import UserError


def record(number: int, split: str = "train", edit_of: str = "") -> Record:
    motion = random_interaction(number, frames=20 + number)
    return Record(
        id=f"clip-{number}",
        split=split,
        source=edit_of or f"clip-{number}",
        features=record_features(motion),
        captions=(f"Caption {number}.",),
        facts={"parameters": {"kind": "hug"}, "events": []},
        edit_of=edit_of,
        edit="faster" if edit_of else "",
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_clips([record(number) for number in range(40)], tmp_path / "clips-00000.parquet")
    write_clips([record(40, "val"), record(41, "test"), record(42, "test", "clip-41")], tmp_path / "clips-00001.parquet")
    return tmp_path


def test_round_trip(folder: Path) -> None:
    store = finish_store(folder, {"corpus": "ours"})
    assert len(store) == 43 and store.info["splits"] == {"train": 40, "val": 1, "test": 2}
    for number in (0, 33, 41):
        there, here = store.by_id(f"clip-{number}"), record(number)
        assert there.captions == here.captions and there.facts == here.facts
        assert there.num_frames == 19 + number and there.people == 2
        # positions in half precision: a millimetre at two metres
        assert np.abs(there.features - here.features).max() < 2e-3
        assert np.abs(there.interaction().joint_positions - here.interaction().joint_positions).max() < 0.02
    assert [(store[a].id, store[b].id) for a, b in store.edits("test")] == [("clip-41", "clip-42")]
    assert store.edits("train") == []


def test_statistics_are_of_the_training_split(folder: Path) -> None:
    mean, std = finish_store(folder, {}).stats
    vectors = np.concatenate([record(number).features.reshape(-1, 262) for number in range(40)])
    assert np.allclose(mean, vectors.mean(axis=0), atol=1e-3)
    assert np.allclose(std[:66], vectors.std(axis=0)[:66], atol=1e-2)


def test_a_store_that_is_not_whole_is_refused(folder: Path) -> None:
    with pytest.raises(UserError, match=r"no info\.json"):
        open_store(folder)
    write_json(folder / "info.json", {"format_version": 1, "complete": False})
    with pytest.raises(UserError, match="half made"):
        open_store(folder)
    write_json(folder / "info.json", {"format_version": 0})
    with pytest.raises(UserError, match="format version 0"):
        open_store(folder)
    finish_store(folder, {})
    (folder / "clips-00001.parquet").unlink()
    with pytest.raises(UserError, match="holds 40 clips but"):
        open_store(folder)


def test_no_training_clip_is_an_error(tmp_path: Path) -> None:
    write_clips([record(0, "test")], tmp_path / "clips-00000.parquet")
    with pytest.raises(UserError, match="no training clip"):
        finish_store(tmp_path, {})


def test_unknown_names_are_refused(folder: Path) -> None:
    store = finish_store(folder, {})
    with pytest.raises(UserError, match="no clip 'x'"):
        store.by_id("x")
    with pytest.raises(UserError, match="no split 'dev'"):
        store.split("dev")


def test_files_are_readable_by_anyone(folder: Path) -> None:
    info = json.loads((finish_store(folder, {"corpus": "ours"}).folder / "info.json").read_text())
    assert info["fps"] == 30 and info["corpus"] == "ours" and info["complete"] is True
    assert info["durations"] == {"0 to 1 s": 12, "1 to 2 s": 30, "2 to 3 s": 1} and info["hours"] == 0.016
    assert not (folder / "README.md").exists()


def test_a_card_says_what_info_says(folder: Path) -> None:
    finish_store(folder, {"corpus": "ours"}, lambda info: f"{info['num_clips']} clips of {info['corpus']}")
    assert (folder / "README.md").read_text() == "43 clips of ours"


def test_clips_are_written_as_they_come_and_say_what_they_are_from(folder: Path, tmp_path: Path) -> None:
    origin = {"corpus": "ours", "seed": 4}
    asked: list[int] = []

    def records() -> Iterator[Record]:
        for number in range(40):
            asked.append(number)
            yield record(number)

    write_clips(records(), tmp_path / "one.parquet", origin)
    write_clips([record(number) for number in range(40)], tmp_path / "two.parquet", origin)
    assert len(asked) == 40 and origin_of(tmp_path / "one.parquet") == origin and origin_of(clip_files(folder)[0]) == {}
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()
    assert pq.ParquetFile(tmp_path / "one.parquet").num_row_groups == 6


def test_a_failure_leaves_no_file(tmp_path: Path) -> None:
    def records() -> Iterator[Record]:
        yield record(0)
        raise RuntimeError("out of luck")

    with pytest.raises(RuntimeError, match="out of luck"):
        write_clips(records(), tmp_path / "clips-000000.parquet")
    assert list(tmp_path.iterdir()) == []


def test_rows_and_records_come_in_order(folder: Path) -> None:
    assert [row["id"] for row in read_rows(folder, ["id"])] == [f"clip-{number}" for number in range(43)]
    store = finish_store(folder, {})
    for there, here in zip(read_records(folder), store, strict=True):
        assert there.id == here.id and np.array_equal(there.features, here.features)
