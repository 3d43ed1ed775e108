"""What reading a clip costs: little more than the clip. `tools/measure_store.py` gives the seconds and the memory."""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from vimotion.corpora import Record, Store, open_store
from vimotion.corpora.store import clip_files, finish_store, read_records, write_clips

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
from measure_store import measure_batches, measure_stream

LENGTHS = [20, 400, 20, 20, 900, 60, *[4] * 70]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder, random = tmp_path_factory.mktemp("store"), np.random.default_rng(0)
    records = [
        Record(f"clip-{number}", "train", f"clip-{number}", random.normal(size=(frames, 1, 262)).astype(np.float32), ("Walk.",))
        for number, frames in enumerate(LENGTHS)
    ]
    write_clips(records, folder / "clips-000000.parquet")
    return finish_store(folder, {})


def test_a_row_group_holds_little_beside_a_clip(store: Store) -> None:
    metadata = pq.ParquetFile(clip_files(store.folder)[0]).metadata
    clips = [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
    sizes = [2 * 262 * sum(LENGTHS[sum(clips[:number]) : sum(clips[: number + 1])]) for number in range(len(clips))]
    longest = 2 * 262 * max(LENGTHS)
    assert sum(clips) == len(LENGTHS) and max(clips) == 32
    assert max(sizes) <= 250_000 + longest


def test_stores_with_large_row_groups_read_the_same(store: Store, tmp_path: Path) -> None:
    """As they were written before: 32 clips a row group, whatever their length."""
    [path] = clip_files(store.folder)
    table = pq.read_table(path)
    compression = {name: "none" if name == "features" else "zstd" for name in table.column_names}
    pq.write_table(table, tmp_path / path.name, row_group_size=32, compression=compression, use_dictionary=["split"])
    (tmp_path / "info.json").write_text(json.dumps(store.info))
    old = open_store(tmp_path)
    for number in np.random.default_rng(1).permutation(len(store)):
        assert old[number].id == store[number].id and np.array_equal(old[number].features, store[number].features)
        assert store[number].num_frames == LENGTHS[number]
    assert [record.id for record in read_records(tmp_path)] == [record.id for record in store]


def test_a_clip_is_of_the_reader_alone(store: Store) -> None:
    first = store[0].features
    first[:] = 0  # what a reader does to it
    assert store[0].features.any()


def test_the_tool_measures(store: Store) -> None:
    batches, stream = measure_batches(store.folder, 8), measure_stream(store.folder, 8)
    assert batches["median ms"] > 0 and batches["of the processor"] > 0 and stream["clips a second"] > 0
