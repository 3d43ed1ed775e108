"""A prepared corpus as motion codes: what the language stages read instead of frame vectors.

Each clip is encoded as placed by its first and by its second person, so that either of them can be "a", and from several
first frames, so that the model sees motions at every offset to the codec's grid.

    info.json        what it was made from
    codes.parquet    the clips' texts and facts as in the store, and `codes`: one int16 list a clip, over
                     [first frame, who is first, person, row, level]
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from vimotion.artifacts import atomic_path, vimotion_home
from vimotion.corpora.store import SCHEMA, Record, Store, corpus_hash
from vimotion.errors import UserError
from vimotion.motion.vectors import place_features
from vimotion.tasks.messages import MotionPart
from vimotion.tokenizer import CodecSpec, MotionTokenizer
from vimotion.tokenizer.codec import WEIGHTS, pad_to_steps
from vimotion.weights import CONFIG

_VERSION = 3
_TEXT_COLUMNS = [name for name in SCHEMA.names if name != "features"]
# Clips in a row group, which is what one random access reads: about 100 kB.
_ROW_GROUP = 32
# Row groups that stay in memory.
_GROUPS_KEPT = 2048
# Clips that are encoded, and people in one go.
_CHUNK, _BATCH = 256, 32


def prepare_codes(
    store: Store,
    tokenizer_folder: Path,
    first_frames: Sequence[int],
    progress: Callable[[int, int], None] = lambda done, total: None,
    device: str | torch.device = "cpu",
) -> MotionCodes:
    """The codes of a corpus by a codec, from the cache or made now.

    Args:
        store: clips that are too short for the last of `first_frames` are left out.
        first_frames: frames left out at the start, one variant each.
        progress: called with the number of finished clips and of all clips.
        device: where the codec runs.
    """
    tokenizer = MotionTokenizer.load(tokenizer_folder, device)
    made_from = {
        "version": _VERSION,
        "corpus": corpus_hash(store.folder),
        "codec": _digest([Path(tokenizer_folder) / WEIGHTS, Path(tokenizer_folder) / CONFIG]),
        "first_frames": list(first_frames),
    }
    key = hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()[:16]
    folder = vimotion_home() / "codes" / f"{store.folder.name}-{key}"
    if not folder.is_dir():
        info = made_from | {"spec": tokenizer.spec.model_dump()}
        with atomic_path(folder) as temporary:
            temporary.mkdir()
            _write(store, tokenizer, first_frames, temporary / "codes.parquet", progress)
            (temporary / "info.json").write_text(json.dumps(info, indent=2) + "\n")
    return MotionCodes(folder)


class MotionCodes:
    """Codes and texts of a corpus of any size: clips are read from disk when asked for, a row group at a time."""

    def __init__(self, folder: Path) -> None:
        info = json.loads((folder / "info.json").read_text())
        self.folder = folder
        self.spec = CodecSpec(**info["spec"])
        self.first_frames: list[int] = info["first_frames"]
        self._file = pq.ParquetFile(folder / "codes.parquet", memory_map=True)
        groups = [self._file.metadata.row_group(group).num_rows for group in range(self._file.num_row_groups)]
        # number of the first clip of each row group
        self._first = np.cumsum([0, *groups])
        table = self._file.read(columns=["id", "split", "num_frames", "people"])
        self._ids: list[str] = table.column("id").to_pylist()
        self._frames = table.column("num_frames").to_numpy()
        self._people = table.column("people").to_numpy()
        self._splits = np.array(table.column("split").to_pylist())
        self._group = lru_cache(maxsize=_GROUPS_KEPT)(self._read_group)

    def __len__(self) -> int:
        return len(self._frames)

    def split(self, name: str) -> np.ndarray:
        """Indices of the clips of a split."""
        return np.flatnonzero(self._splits == name)

    def index_of(self, identifier: str) -> int:
        return self._index[identifier]

    def record(self, index: int, variant: int = 0) -> Record:
        """A clip from first frame number `variant`, as the tasks take it; its frame vectors have a width of zero."""
        group, number = self._place(index)
        row = group.texts.slice(number, 1).to_pylist()[0]
        return Record(
            id=row["id"],
            split=row["split"],
            source=row["source"],
            features=np.empty((row["num_frames"] - self.first_frames[variant], row["people"], 0), dtype=np.float32),
            captions=tuple(row["captions"]),
            held_out_captions=tuple(row["held_out_captions"]),
            facts=json.loads(row["facts"]),
            edit_of=row["edit_of"],
            edit=row["edit"],
        )

    def codes(self, index: int, variant: int = 0, first: int = 0) -> np.ndarray:
        """(P, rows, levels) int16 of a clip from first frame number `variant`, person `first` being the first."""
        group, number = self._place(index)
        people = int(self._people[index])
        position = int(group.starts[number])
        for frames in self.first_frames[:variant]:
            position += people * self._variant_size(index, frames)
        size = self._variant_size(index, self.first_frames[variant])
        position += first * size
        return group.codes[position : position + size].reshape(people, -1, self.spec.levels)

    def codes_of(self, part: MotionPart, variant: int = 0, first: int = 0) -> np.ndarray:
        """(people, rows, levels) of what a motion part refers to; its frames count from the variant's first frame."""
        chosen = ["ab".index(person) for person in part.people]
        return self.codes(self.index_of(part.motion), variant, first)[chosen, self.spec.rows_between(part.start, part.stop)]

    def _variant_size(self, index: int, first_frame: int) -> int:
        rows = self.spec.rows(int(self._frames[index]) - first_frame)
        return int(self._people[index]) * rows * self.spec.levels

    def _place(self, index: int) -> tuple[_Group, int]:
        """The row group of a clip, and its number in it."""
        group = int(np.searchsorted(self._first, index, side="right")) - 1
        return self._group(group), index - int(self._first[group])

    def _read_group(self, group: int) -> _Group:
        table = self._file.read_row_group(group).combine_chunks()
        lists = table.column("codes").combine_chunks()
        return _Group(table.select(_TEXT_COLUMNS), lists.values.to_numpy(), lists.offsets.to_numpy())

    @cached_property
    def _index(self) -> dict[str, int]:
        return {identifier: index for index, identifier in enumerate(self._ids)}


class _Group(NamedTuple):
    """Some clips that follow one another: their texts, and all their codes with where those of each clip begin."""

    texts: pa.Table
    codes: np.ndarray
    starts: np.ndarray


def encode_clip(tokenizer: MotionTokenizer, features: np.ndarray) -> np.ndarray:
    """(P, rows, levels) of a clip (T, P, 262) by itself, as placed by its first person."""
    return next(_encode(tokenizer, [next(_views(features, [0]))]))


def _write(
    store: Store,
    tokenizer: MotionTokenizer,
    first_frames: Sequence[int],
    path: Path,
    progress: Callable[[int, int], None],
) -> None:
    schema = pa.schema([SCHEMA.field(name) for name in _TEXT_COLUMNS] + [("codes", pa.list_(pa.int16()))])
    shortest = max(first_frames) + tokenizer.spec.step_frames
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for start in range(0, len(store), _CHUNK):
            records = [store[index] for index in range(start, min(start + _CHUNK, len(store)))]
            records = [record for record in records if record.num_frames >= shortest]
            views = [view for record in records for view in _views(record.features, first_frames)]
            encoded = _encode(tokenizer, views)
            rows = []
            for record in records:
                codes = [next(encoded).reshape(-1) for _ in range(len(first_frames) * record.people)]
                row = {name: getattr(record, name) for name in _TEXT_COLUMNS if name not in ("facts",)}
                rows.append(row | {"facts": json.dumps(record.facts or {}), "codes": np.concatenate(codes).astype(np.int16)})
            writer.write_table(pa.Table.from_pylist(rows, schema=schema), row_group_size=_ROW_GROUP)
            progress(min(start + _CHUNK, len(store)), len(store))


def _views(features: np.ndarray, first_frames: Sequence[int]) -> Iterator[np.ndarray]:
    """A clip (T, P, 262) from each first frame and placed by each person: (P, T', 262), the placing person first."""
    people = features.shape[1]
    for frame in first_frames:
        for first in range(people):
            order = [first, *(person for person in range(people) if person != first)]
            yield place_features(features[frame:, order]).swapaxes(0, 1)


def _encode(tokenizer: MotionTokenizer, motions: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    """`tokenizer.encode` of many motions (P, T, 262), many people at a time.

    People are encoded alone and the encoder looks at no later frame, so neither company nor padding changes a code.
    """
    padded = [pad_to_steps(person[None], tokenizer.spec.step_frames)[0] for motion in motions for person in motion]
    codes: list[np.ndarray] = [np.empty(0)] * len(padded)
    order = sorted(range(len(padded)), key=lambda i: len(padded[i]))
    for start in range(0, len(order), _BATCH):
        chosen = order[start : start + _BATCH]
        together = np.zeros((len(chosen), len(padded[chosen[-1]]), padded[0].shape[1]), dtype=np.float32)
        for features, i in zip(together, chosen, strict=True):
            features[: len(padded[i])] = padded[i]
            # what follows must be a body, or its missing heading would not be a number
            features[len(padded[i]) :] = padded[i][-1]
        for i, found in zip(chosen, tokenizer.encode_people(together), strict=True):
            codes[i] = found[: tokenizer.spec.rows(len(padded[i]))]
    people = iter(codes)
    for motion in motions:
        yield np.stack([next(people) for _ in motion])


def _digest(files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        if not path.is_file():
            raise UserError(f"{path} is missing; make it again.")
        digest.update(path.read_bytes())
    return digest.hexdigest()
