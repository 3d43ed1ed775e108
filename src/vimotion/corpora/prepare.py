"""A data set in the folder where a user has it becomes a prepared store, with its own splits.

Clips are read by the data set's reader in several processes; a run that was stopped goes on where it was (`workers`). A clip
that cannot be read is left out, with the reason in info.json.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from vimotion.artifacts import fingerprint
from vimotion.corpora import workers as work
from vimotion.corpora.reading import Clip, Contents, Reader
from vimotion.corpora.recorded_card import card
from vimotion.corpora.sides import mirrored_caption
from vimotion.corpora.source_files import oddity
from vimotion.corpora.store import Record, Store, clip_files, finish_store, notes_of, open_store, read_rows, write_clips
from vimotion.errors import UserError
from vimotion.formats.acclaim import skeletons_in
from vimotion.motion import FPS
from vimotion.motion.vectors import mirror_features

# The reader of each data set: a class in a module of `corpora`, imported when it is asked for.
READERS = {
    "interhuman": "interhuman.InterHuman",
    "interx": "interx.InterX",
    "motionx": "motionx.MotionX",
    "humanml3d": "humanml3d.HumanML3D",
    "amass-pairs": "amass_pairs.AmassPairs",
    "cmu": "takes.CmuPairs",
    "folder": "takes.MotionFolder",
}
# What the clips follow from, beside the source and the options: folders and files of the package.
_CODE = ("motion", "formats", "corpora")
# InterGen's loader leaves out shorter clips.
_FEWEST_FRAMES = 15
# Numbers of a frame beyond this are no metres; half precision ends at 65504.
_LARGEST = 10_000.0


@dataclass(frozen=True)
class Made:
    """What `prepare` did.

    Attributes:
        store: the finished store, or None while parts of it are missing.
        missing: which shards still have clips to read, and how many.
    """

    store: Store | None
    missing: dict[int, int]


def prepare(
    name: str,
    source: Path | str,
    output: Path | str,
    workers: int = 1,
    options: Mapping[str, Any] | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    *,
    mirror: bool = False,
    shard: tuple[int, int] = (1, 1),
    tell: Callable[[str], None] = lambda sentence: None,
) -> Made:
    """Prepare the data set `name` that lies in `source` into the folder `output`.

    The same source and options give the same bytes, whatever the workers and shards. Shards may share a folder, or fill folders
    of their own that are copied together afterwards: the run that finds the clips of all of them finishes the store.

    Args:
        output: the folder to make; must be new, empty, or an unfinished run with the same source, options and code.
        workers: processes.
        options: fields of the data set's reader, for example `floor`; without one its default.
        progress: called with the number of clips of this shard that are done and of all of them.
        mirror: training clips also come as their mirror image, with left and right exchanged in their captions.
        shard: (i, n) reads the i-th of n parts, i from 1 to n, on whichever machine.
        tell: called with each sentence about what is odd in the source.

    Raises:
        UserError: the source is not as it must be, an option is unknown, or the output holds something else.
    """
    work.check_share(workers, shard)
    source = Path(source).expanduser()
    reader = make_reader(name, source, options or {})
    contents = checked_contents(reader, source)
    if mirror and all(clip.mirrored for clip in contents.clips):
        raise UserError(f"{name} holds the mirror image of each clip itself; prepare it without --mirror.")
    for sentence in contents.oddities:
        tell(sentence)
    output = Path(output).expanduser()
    origin = {
        "corpus": name,
        "source": _digest(contents.clips, source),
        "options": {option: _plain(getattr(reader, option)) for option in _options(reader)} | {"mirror": mirror},
        "code": work.code_version(*_CODE),
    }
    if work.begin(output, origin):
        return Made(open_store(output), {})
    files = work.shared_out(contents.clips, output)
    work.make_files(files, partial(_make_file, reader, mirror, origin), shard, workers, progress)
    if missing := work.missing_shards(files, shard[1]):
        return Made(None, missing)
    return Made(_finish(output, reader, contents, origin), {})


def make_reader(name: str, source: Path, options: Mapping[str, Any]) -> Reader:
    """The reader of this data set for a source, with these fields.

    Raises:
        UserError: there is no such data set, source or option.
    """
    if name not in READERS:
        raise UserError(f"There is no data set {name!r}; choose {', '.join(READERS)}.")
    if not source.is_dir():
        raise UserError(f"{source} is no folder; name the one where {name} was unpacked.")
    module, _, reader = READERS[name].partition(".")
    kind = getattr(import_module(f"vimotion.corpora.{module}"), reader)
    known = _options(kind)
    for option, value in options.items():
        if option not in known:
            raise UserError(f"{name} has no option {option!r}; it has {', '.join(known) or 'none'}.")
        if isinstance(value, Path) and not value.exists():
            raise UserError(f"There is no {value}, which the option {option!r} names.")
    made: Reader = kind(source, **options)
    return made


def checked_contents(reader: Reader, source: Path) -> Contents:
    """What lies in the source, which holds clips to train on, each under its own name.

    Raises:
        UserError: it does not.
    """
    contents = reader.contents()
    told = " ".join(contents.oddities)
    if not contents.clips:
        raise UserError(f"There is no clip in {source} that can be read. {told}".strip())
    if not any(clip.split == "train" for clip in contents.clips):
        raise UserError(f"None of the {len(contents.clips)} clips in {source} is for training. {told}".strip())
    twice = [identifier for identifier, number in Counter(clip.id for clip in contents.clips).items() if number > 1]
    if twice:
        raise UserError(f"{source} holds more than one clip of the same name ({len(twice)}), for example {twice[0]!r}.")
    splits = defaultdict(set)
    for clip in contents.clips:
        splits[clip.source].add(clip.split)
    apart = [each for each, found in splits.items() if len(found) > 1]
    return Contents(contents.clips, (*contents.oddities, *oddity("Sources whose clips are in more than one split", apart)))


def _options(reader: type[Reader] | Reader) -> list[str]:
    return [field.name for field in fields(reader) if field.init and field.name != "source"]  # type: ignore[arg-type]


def _plain(value: Any) -> Any:
    """An option's value for info.json; of a file or folder what is in it, wherever it lies."""
    if not isinstance(value, Path):
        return value
    if value.is_dir():
        return f"sha256:{fingerprint(value)}"
    with value.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _digest(clips: Sequence[Clip], source: Path) -> str:
    """Tells sources apart: by names, splits, captions and facts of the clips, by names and sizes of their files, and by the
    skeletons that lie beside takes in AMC."""
    size = cache(lambda path: path.stat().st_size)
    skeletons = cache(lambda folder: [(path.name, _plain(path)) for path in skeletons_in(folder)])
    digest = hashlib.sha256()
    for clip in clips:
        files = [(path.relative_to(source).as_posix() if path.is_relative_to(source) else path.name) for path in clip.files]
        beside = [skeletons(path.parent) for path in clip.files if path.suffix.lower() == ".amc"]
        sizes = [size(path) for path in clip.files]
        content = [clip.id, clip.split, clip.source, clip.captions, clip.facts, files, sizes, beside]
        digest.update(json.dumps(content, sort_keys=True).encode() + b"\n")
    return digest.hexdigest()[:16]


# -- one file --------------------------------------------------------------------------------------------------------------


def _make_file(reader: Reader, mirror: bool, origin: dict[str, Any], path: Path, clips: Sequence[Clip]) -> None:
    notes: dict[str, dict[str, str]] = {"left_out": {}, "remarks": {}}
    write_clips(_records(reader, mirror, clips, notes), path, origin, lambda: notes)


def _records(reader: Reader, mirror: bool, clips: Sequence[Clip], notes: dict[str, dict[str, str]]) -> Iterator[Record]:
    """The clips that can be read, each followed by its mirror image where that is wanted."""
    for clip in clips:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                features = _checked(reader.features(clip))
            except UserError as error:
                notes["left_out"][clip.id] = str(error)
                continue
        if caught:
            notes["remarks"][clip.id] = " ".join(dict.fromkeys(str(warning.message) for warning in caught))
        yield Record(clip.id, clip.split, clip.source, features, clip.captions, facts=clip.facts)
        if mirror and clip.split == "train" and not clip.mirrored:
            yield _mirrored(clip, features)


def _checked(features: np.ndarray) -> np.ndarray:
    """Frame vectors that a store can keep.

    Raises:
        UserError: there are too few, or numbers among them that are nobody's.
    """
    frames = len(features) + 1  # the last one has no velocity, and so no vector
    if frames < _FEWEST_FRAMES:
        raise UserError(f"It gives only {frames} frames at {FPS:g} fps; at least {_FEWEST_FRAMES} are needed.")
    if not (np.abs(features) < _LARGEST).all():
        raise UserError("It holds numbers that are not finite, or somebody kilometres away.")
    return features


def _mirrored(clip: Clip, features: np.ndarray) -> Record:
    captions = tuple(other for caption in clip.captions if (other := mirrored_caption(caption)) is not None)
    return Record(
        id=f"{clip.id}-mirrored",
        split=clip.split,
        source=clip.source,
        features=mirror_features(features),
        captions=captions,
        facts={**(clip.facts or {}), "mirror_of": clip.id},
    )


# -- the whole -------------------------------------------------------------------------------------------------------------


def _finish(output: Path, reader: Reader, contents: Contents, origin: dict[str, Any]) -> Store:
    work.check_files(output, origin)
    left_out: dict[str, str] = {}
    remarks: dict[str, str] = {}
    for notes in map(notes_of, clip_files(output)):
        left_out |= notes["left_out"]
        remarks |= notes["remarks"]
    training = [clip.id for clip in contents.clips if clip.split == "train"]
    if all(identifier in left_out for identifier in training):
        raise UserError(f"No training clip could be read; of {training[0]}: {left_out[training[0]]}")
    info = {"licence": reader.licence, "oddities": list(contents.oddities), "left_out": left_out, "remarks": remarks}
    return finish_store(output, origin | info | _counts(output), card)


def _counts(output: Path) -> dict[str, Any]:
    """What info.json says of the clips beside what every store counts."""
    people: Counter[str] = Counter()
    sources: set[str] = set()
    frames, words = [], []
    without = 0
    for row in read_rows(output, ["source", "num_frames", "people", "captions"]):
        people["one person" if row["people"] == 1 else "two people"] += 1
        sources.add(row["source"])
        frames.append(row["num_frames"])
        words += [len(caption.split()) for caption in row["captions"]]
        without += not row["captions"]
    seconds = [round(number / FPS, 1) for number in (min(frames), median(frames), max(frames))]
    return {
        "people": dict(sorted(people.items())),
        "sources": len(sources),
        "captions": len(words),
        "words_a_caption": round(sum(words) / len(words), 1) if words else 0,
        "clips_without_caption": without,
        **dict(zip(("shortest_seconds", "median_seconds", "longest_seconds"), seconds, strict=True)),
    }
