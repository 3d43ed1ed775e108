"""The prepared store: one folder that every corpus becomes, whatever it was read from.

    info.json           format version, corpus, fps, counts, splits, how it was made
    stats.json          mean and standard deviation of the 262 numbers over the training split
    clips-00000.parquet one row a clip, see `SCHEMA`

Clips are frame vectors in the canonical placing (`motion.place`, the pair put on the floor together).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vimotion.artifacts import atomic_path
from vimotion.errors import UserError
from vimotion.motion import FPS, NUM_FEATURES, Interaction, from_features, place, to_features

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
# A row group is what one random access reads: about 2 MB.
_ROW_GROUP = 32
_DTYPE = np.float16
_INFO = "info.json"


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


def record_features(interaction: Interaction) -> np.ndarray:
    """What a store keeps of a motion: canonical placing at 30 fps, (T − 1, P, 262) float32."""
    return to_features(place(interaction.resampled(FPS)))


def write_clips(records: Sequence[Record], path: Path) -> None:
    """One parquet file, whole or not at all."""
    rows = [
        {
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
        for record in records
    ]
    columns = [name for name in SCHEMA.names if name != "features"]
    # float16 motion hardly shrinks, and unpacking it would be most of the reading time
    compression = {**dict.fromkeys(columns, "zstd"), "features": "none"}
    with atomic_path(path) as temporary:
        table = pa.Table.from_pylist(rows, schema=SCHEMA)
        pq.write_table(table, temporary, row_group_size=_ROW_GROUP, compression=compression, use_dictionary=["split"])


def write_json(path: Path, content: dict[str, Any]) -> None:
    """A JSON file, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")


class Store:
    """A prepared corpus, opened for reading. Clips are read from disk when asked for, a row group at a time."""

    def __init__(self, folder: Path, info: dict[str, Any]) -> None:
        self.folder = folder
        self.info = info
        self._files = [pq.ParquetFile(path, memory_map=True) for path in sorted(folder.glob("clips-*.parquet"))]
        columns = ["id", "split", "source", "edit_of", "num_frames"]
        self._places: list[tuple[int, int, int]] = []
        rows: list[dict[str, Any]] = []
        for number, file in enumerate(self._files):
            for group in range(file.num_row_groups):
                table = file.read_row_group(group, columns=columns).to_pylist()
                self._places += [(number, group, row) for row in range(len(table))]
                rows += table
        if len(rows) != info["num_clips"]:
            raise UserError(f"{folder} holds {len(rows)} clips but its info.json says {info['num_clips']}; prepare it again.")
        self._rows = rows
        self._group = lru_cache(maxsize=32)(self._read_group)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Record:
        file, group, row = self._places[index]
        columns = self._group(file, group)
        shape = (columns["num_frames"][row], columns["people"][row], NUM_FEATURES)
        return Record(
            id=columns["id"][row],
            split=columns["split"][row],
            source=columns["source"][row],
            features=np.frombuffer(columns["features"][row], dtype=_DTYPE).reshape(shape).astype(np.float32),
            captions=tuple(columns["captions"][row]),
            held_out_captions=tuple(columns["held_out_captions"][row]),
            facts=json.loads(columns["facts"][row]),
            edit_of=columns["edit_of"][row],
            edit=columns["edit"][row],
        )

    def __iter__(self) -> Iterator[Record]:
        return (self[index] for index in range(len(self)))

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
        content = json.loads((self.folder / "stats.json").read_text())
        return np.array(content["mean"], dtype=np.float32), np.array(content["std"], dtype=np.float32)

    @cached_property
    def _index(self) -> dict[str, int]:
        return {row["id"]: index for index, row in enumerate(self._rows)}

    def _read_group(self, file: int, group: int) -> dict[str, list[Any]]:
        return self._files[file].read_row_group(group).to_pydict()


def open_store(folder: Path | str) -> Store:
    """Open a prepared corpus.

    Raises:
        UserError: the folder is missing, half made, or of another format version.
    """
    folder = Path(folder).expanduser()
    if not (folder / _INFO).is_file():
        raise UserError(f"{folder} is no prepared corpus: it has no {_INFO}; make one with `vimotion corpus scripted`.")
    info = read_info(folder)
    if info.get("format_version") != FORMAT_VERSION:
        raise UserError(
            f"{folder} has format version {info.get('format_version')}, this VIMotion reads {FORMAT_VERSION}; prepare it again."
        )
    if not info.get("complete"):
        raise UserError(f"{folder} is half made; run the command that made it once more and it goes on.")
    try:
        return Store(folder, info)
    except pa.ArrowException as error:
        raise UserError(f"{folder} is damaged ({error}); prepare it again.") from None


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


def finish_store(folder: Path, info: dict[str, Any]) -> Store:
    """Write stats.json and the final info.json over the clips that lie in `folder`."""
    counts: dict[str, int] = dict.fromkeys(SPLITS, 0)
    frames = total = 0
    sums = np.zeros((2, NUM_FEATURES))
    for path in sorted(folder.glob("clips-*.parquet")):
        for batch in pq.ParquetFile(path).iter_batches(_ROW_GROUP, columns=["split", "features"]):
            for row in batch.to_pylist():
                total += 1
                counts[row["split"]] += 1
                if row["split"] == "train":
                    vectors = np.frombuffer(row["features"], dtype=_DTYPE).reshape(-1, NUM_FEATURES).astype(np.float64)
                    sums += vectors.sum(axis=0), (vectors**2).sum(axis=0)
                    frames += len(vectors)
    if not frames:
        raise UserError(f"{folder} would have no training clip; make it from more scenes.")
    mean = sums[0] / frames
    std = np.sqrt(np.maximum(sums[1] / frames - mean**2, 1e-8))
    write_json(folder / "stats.json", {"mean": mean.tolist(), "std": std.tolist(), "num_frames": frames})
    write_json(
        folder / _INFO,
        {**info, "format_version": FORMAT_VERSION, "fps": FPS, "num_clips": total, "splits": counts, "complete": True},
    )
    return open_store(folder)
