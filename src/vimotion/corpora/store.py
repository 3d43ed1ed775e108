"""The prepared store: one folder that every corpus becomes, whatever it was read from.

    info.json             format version, corpus, fps, counts, splits, how it was made
    stats.json            mean and standard deviation of the 262 numbers over the training split
    README.md             the data card, where the corpus has one
    clips-000000.parquet  one row a clip, see `SCHEMA`

Clips are frame vectors in the canonical placing (`motion.place`, the pair put on the floor together).
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import groupby
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vimotion.artifacts import atomic_path
from vimotion.errors import UserError
from vimotion.motion import FPS, NUM_FEATURES, Interaction, from_features, place, to_features
from vimotion.motion.placing import Floor

FORMAT_VERSION = 1
SPLITS = ("train", "val", "test")

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("split", pa.string()),
        ("source", pa.string()),
        ("num_frames", pa.int32()),
        ("people", pa.int32()),
        ("features", pa.binary()),
        ("captions", pa.list_(pa.string())),
        ("held_out_captions", pa.list_(pa.string())),
        ("facts", pa.string()),
        ("edit_of", pa.string()),
        ("edit", pa.string()),
    ]
)
# A row group is what one random access reads: about so much motion, and not more than so many clips. An open store keeps the
# last few.
_GROUP_BYTES, _GROUP_CLIPS, _KEPT_GROUPS = 250_000, 32, 32
_DTYPE = np.float16
_INFO, _STATS = "info.json", "stats.json"
_ORIGIN, _NOTES = b"vimotion", b"vimotion-notes"


@dataclass(frozen=True, eq=False)
class Record:
    """One clip of a corpus.

    Attributes:
        id: unique in the store.
        split: "train", "val" or "test".
        source: what splits are made by: clips of one source are never in two splits.
        features: (T, P, 262) float32 frame vectors in the canonical placing.
        captions: sentences for training; held_out_captions: wordings that no training example uses.
        facts: of a scripted scene its parameters and events, else empty. Never shown to a model.
        edit_of, edit: the clip that this one is an edited version of, and what was changed; else empty.
    """

    id: str
    split: str
    source: str
    features: np.ndarray
    captions: tuple[str, ...]
    held_out_captions: tuple[str, ...] = ()
    facts: dict[str, Any] | None = None
    edit_of: str = ""
    edit: str = ""

    @property
    def num_frames(self) -> int:
        return len(self.features)

    @property
    def people(self) -> int:
        return self.features.shape[1]

    def interaction(self) -> Interaction:
        return from_features(self.features)


def record_features(interaction: Interaction, floor: Floor = "together") -> np.ndarray:
    """What a store keeps of a motion: canonical placing at 30 fps, (T − 1, P, 262) float32.

    Raises:
        UserError: it has a single frame.
    """
    motion = interaction.resampled(FPS)
    if motion.num_frames < 2:
        raise UserError("It holds a single frame of motion.")
    return to_features(place(motion, floor))


def write_clips(
    records: Iterable[Record],
    path: Path,
    origin: dict[str, Any] | None = None,
    notes: Callable[[], dict[str, Any]] | None = None,
) -> None:
    """One parquet file, whole or not at all; `origin` says in it what it was made from.

    Records are taken as they come, so that of a generator only a row group is in memory. `notes` is asked when the last one
    was taken, for what is to be known of the file beside its clips (`notes_of`).
    """
    columns = [name for name in SCHEMA.names if name != "features"]
    # float16 motion hardly shrinks, and unpacking it would be most of the reading time
    compression = {**dict.fromkeys(columns, "zstd"), "features": "none"}
    schema = SCHEMA.with_metadata({_ORIGIN: json.dumps(origin or {}, sort_keys=True)})
    with atomic_path(path) as temporary, pq.ParquetWriter(
        temporary, schema, compression=compression, use_dictionary=["split"], write_statistics=["split"]
    ) as writer:  # fmt: skip
        for rows in _row_groups(records):
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))
        if notes is not None:
            writer.add_key_value_metadata({_NOTES: json.dumps(notes(), sort_keys=True)})


def _row_groups(records: Iterable[Record]) -> Iterator[list[dict[str, Any]]]:
    rows: list[dict[str, Any]] = []
    size = 0
    for record in records:
        rows.append(_row(record))
        size += len(rows[-1]["features"])
        if size >= _GROUP_BYTES or len(rows) == _GROUP_CLIPS:
            yield rows
            rows, size = [], 0
    if rows:
        yield rows


def _row(record: Record) -> dict[str, Any]:
    return {
        "id": record.id,
        "split": record.split,
        "source": record.source,
        "num_frames": record.num_frames,
        "people": record.people,
        "features": record.features.astype(_DTYPE).tobytes(),
        "captions": list(record.captions),
        "held_out_captions": list(record.held_out_captions),
        "facts": json.dumps(record.facts or {}, sort_keys=True),
        "edit_of": record.edit_of,
        "edit": record.edit,
    }


def origin_of(path: Path) -> dict[str, Any]:
    """What `write_clips` was told that a file was made from.

    Raises:
        UserError: the file is damaged.
    """
    return _metadata(path, _ORIGIN)


def notes_of(path: Path) -> dict[str, Any]:
    """What `write_clips` was told of a file when it was made; errors as in `origin_of`."""
    return _metadata(path, _NOTES)


def _metadata(path: Path, key: bytes) -> dict[str, Any]:
    try:
        metadata = pq.read_metadata(path).metadata or {}
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{path} is damaged ({error}); delete it and prepare the corpus again.") from None
    content: dict[str, Any] = json.loads(metadata.get(key, "{}"))
    return content


def write_json(path: Path, content: dict[str, Any]) -> None:
    """A JSON file, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")


class Store:
    """A prepared corpus, opened for reading. Clips are read from disk when asked for, a row group at a time."""

    def __init__(self, folder: Path, info: dict[str, Any]) -> None:
        self.folder = folder
        self.info = info
        self._files = [pq.ParquetFile(path, memory_map=True) for path in clip_files(folder)]
        columns = ["id", "split", "source", "edit_of", "num_frames"]
        self._places: list[tuple[int, int, int]] = []
        rows: list[dict[str, Any]] = []
        for number, file in enumerate(self._files):
            rows += file.read(columns=columns).to_pylist()
            groups = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
            self._places += [(number, group, row) for group, length in enumerate(groups) for row in range(length)]
        if len(rows) != info["num_clips"]:
            raise UserError(f"{folder} holds {len(rows)} clips but its info.json says {info['num_clips']}; prepare it again.")
        self._rows = rows
        self._group = lru_cache(maxsize=_KEPT_GROUPS)(self._read_group)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Record:
        file, group, number = self._places[index]
        row = self._group(file, group).slice(number, 1)
        # the motion as it lies there: to make Python's bytes of a whole group takes ten times as long as to read it
        features = row["features"][0].as_buffer()
        return _record({**row.drop_columns(["features"]).to_pylist()[0], "features": features})

    def __iter__(self) -> Iterator[Record]:
        return (self[index] for index in range(len(self)))

    def motions(self, indices: Sequence[int]) -> list[np.ndarray]:
        """Frame vectors (T, P, 262) float16 of these clips, best in ascending order: the fast way to hold many in memory."""
        found = []
        for (file, group), members in groupby(indices, key=lambda index: self._places[index][:2]):
            table = self._files[file].read_row_group(group, columns=["num_frames", "people", "features"], use_threads=False)
            for index in members:
                row = table.slice(self._places[index][2], 1).to_pylist()[0]
                vectors = np.frombuffer(row["features"], dtype=_DTYPE)
                found.append(vectors.reshape(row["num_frames"], row["people"], NUM_FEATURES))
        return found

    def by_id(self, identifier: str) -> Record:
        if identifier not in self._index:
            raise UserError(f"{self.folder} has no clip {identifier!r}.")
        return self[self._index[identifier]]

    def split(self, name: str) -> list[int]:
        """Indices of the clips of a split, in order."""
        if name not in SPLITS:
            raise UserError(f"There is no split {name!r}; choose {', '.join(SPLITS)}.")
        return [index for index, row in enumerate(self._rows) if row["split"] == name]

    def edits(self, name: str) -> list[tuple[int, int]]:
        """(source, edited version) of each edited clip of a split."""
        return [(self._index[self._rows[i]["edit_of"]], i) for i in self.split(name) if self._rows[i]["edit_of"]]

    @cached_property
    def stats(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of the training split, (262,) float32 each."""
        content = json.loads((self.folder / _STATS).read_text())
        return np.array(content["mean"], dtype=np.float32), np.array(content["std"], dtype=np.float32)

    @cached_property
    def _index(self) -> dict[str, int]:
        return {row["id"]: index for index, row in enumerate(self._rows)}

    def _read_group(self, file: int, group: int) -> pa.Table:
        return self._files[file].read_row_group(group, use_threads=False)


def _record(row: dict[str, Any]) -> Record:
    shape = (row["num_frames"], row["people"], NUM_FEATURES)
    return Record(
        id=row["id"],
        split=row["split"],
        source=row["source"],
        features=np.frombuffer(row["features"], dtype=_DTYPE).reshape(shape).astype(np.float32),
        captions=tuple(row["captions"]),
        held_out_captions=tuple(row["held_out_captions"]),
        facts=json.loads(row["facts"]),
        edit_of=row["edit_of"],
        edit=row["edit"],
    )


def clip_files(path: Path) -> list[Path]:
    """The parquet files of a corpus, in order, by its folder; one of them by itself."""
    return [path] if path.is_file() else sorted(path.glob("clips-*.parquet"))


def read_rows(path: Path, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """These columns of every clip in order, of a folder or of one file; only one row group is in memory."""
    for each in clip_files(path):
        with pq.ParquetFile(each) as file:
            for group in range(file.num_row_groups):
                yield from file.read_row_group(group, columns=list(columns), use_threads=False).to_pylist()


def read_records(path: Path) -> Iterator[Record]:
    """Every clip in order, of a folder or of one file; only one row group is in memory."""
    return map(_record, read_rows(path, SCHEMA.names))


def open_store(folder: Path | str) -> Store:
    """Open a prepared corpus.

    Raises:
        UserError: the folder is missing, half made, damaged, or of another format version.
    """
    folder = Path(folder).expanduser()
    info = prepared_info(folder)
    try:
        return Store(folder, info)
    except pa.ArrowException as error:
        raise UserError(f"{folder} is damaged ({error}); prepare it again.") from None


def prepared_info(folder: Path) -> dict[str, Any]:
    """The info.json of a prepared corpus, without a look at its clips.

    Raises:
        UserError: the folder is missing, half made, or of another format version.
    """
    if not (folder / _INFO).is_file():
        raise UserError(f"{folder} is no prepared corpus: it has no {_INFO}; make one with `vimotion corpus`.")
    info = read_info(folder)
    if info.get("format_version") != FORMAT_VERSION:
        raise UserError(
            f"{folder} has format version {info.get('format_version')}, this VIMotion reads {FORMAT_VERSION}; prepare it again."
        )
    if not info.get("complete"):
        raise UserError(f"{folder} is half made; run the command that made it once more and it goes on.")
    return info


def info_hash(folder: Path) -> str:
    """SHA-256 of the info.json of a prepared corpus, which says what it was made from."""
    return hashlib.sha256((folder / _INFO).read_bytes()).hexdigest()


def corpus_hash(folder: Path) -> str:
    """SHA-256 of a prepared corpus' info.json and stats.json: of what it was made from, and of its motions."""
    return hashlib.sha256(b"".join((folder / name).read_bytes() for name in (_INFO, _STATS))).hexdigest()


def read_info(folder: Path) -> dict[str, Any]:
    """The info.json of a prepared or half-made corpus.

    Raises:
        UserError: it is damaged.
    """
    try:
        info = json.loads((folder / _INFO).read_text())
    except ValueError:
        info = None
    if not isinstance(info, dict):
        raise UserError(f"{folder / _INFO} is damaged; prepare the corpus again.")
    return info


def finish_store(folder: Path, info: dict[str, Any], card: Callable[[dict[str, Any]], str] | None = None) -> Store:
    """Write stats.json, README.md and, last, the final info.json over the clips that lie in `folder`.

    Args:
        info: what is to be known beside what is counted here.
        card: the text of README.md from the final info; without it there is none.
    """
    splits: Counter[str] = Counter(dict.fromkeys(SPLITS, 0))
    seconds: Counter[int] = Counter()
    total = frames = 0
    sums = np.zeros((2, NUM_FEATURES))
    for row in read_rows(folder, ["split", "num_frames", "features"]):
        splits[row["split"]] += 1
        seconds[ceil(row["num_frames"] / FPS)] += 1
        total += row["num_frames"]
        if row["split"] == "train":
            vectors = np.frombuffer(row["features"], dtype=_DTYPE).reshape(-1, NUM_FEATURES).astype(np.float64)
            sums += vectors.sum(axis=0), (vectors**2).sum(axis=0)
            frames += len(vectors)
    if not frames:
        raise UserError(f"{folder} would have no training clip; make it from more.")
    mean = sums[0] / frames
    std = np.sqrt(np.maximum(sums[1] / frames - mean**2, 1e-8))
    write_json(folder / _STATS, {"mean": mean.tolist(), "std": std.tolist(), "num_frames": frames})
    info = {
        **info,
        "format_version": FORMAT_VERSION,
        "fps": FPS,
        "num_clips": splits.total(),
        "splits": dict(splits),
        "durations": {f"{top - 1} to {top} s": seconds[top] for top in sorted(seconds)},
        "hours": round(total / FPS / 3600, 3),
        "complete": True,
    }
    if card is not None:
        with atomic_path(folder / "README.md") as temporary:
            temporary.write_text(card(info), encoding="utf-8")
    write_json(folder / _INFO, info)
    return open_store(folder)
