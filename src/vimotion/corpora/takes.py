"""Motion files as they come: CMU's motion capture with its two-person takes, and any folder with a table of captions.

CMU's takes are `SUBJECT_TAKE.amc` with `SUBJECT.asf` beside them, or `SUBJECT_TAKE.bvh`, in any folders below the source. In
the takes of `PAIRED` two subjects were captured at once, in one world and by one clock; every other take is of one person. The
index text (`cmu-mocap-index-text.txt`, which comes with the BVH conversions) has a line `SUBJECT_TAKE<tab>description` a take.

A folder's table is `captions.csv`, `captions.tsv` or `captions.jsonl`, with a row for each caption of a file:

    file       path of the motion below the folder; NAME.bvh also stands for NAME.a.bvh with NAME.b.bvh
    second     the file of the second person, where each person has one
    caption    a sentence; in a line of JSON also `captions`, a list of them; a file may have several rows, or none
    split      train, val or test; where no row of a source has one, its name decides, by chance
    source     clips of one source are never in two splits; without it each file is one
    id         the clip's name; without it the file's, without its ending

Whatever else the table has is kept as facts, under `table`: no name that a user gives a column may mean anything to us.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from vimotion.corpora.reading import Clip, Contents
from vimotion.corpora.source_files import oddity
from vimotion.corpora.store import SPLITS, record_features
from vimotion.errors import UserError
from vimotion.formats import READABLE, load_motion
from vimotion.formats.file_names import AMASS, ending_of
from vimotion.motion.placing import Floor

# Person "b" of each subject "a"; the index calls them A and B.
PAIRED = {"18": "19", "20": "21", "22": "23", "33": "34"}
# As `amass_pairs` splits the same takes, so that nobody is tested with one on what was learnt from the other.
_HELD_OUT = "20"
_TAKE = re.compile(r"(\d{2,3})_(\d{2,3})")
_INDEX_LINE = re.compile(r"(\d{2,3}_\d{2,3})\s+(\S.*)")
_INDEX_END = re.compile(r"\s*\((?:2 )?subjects? - subject [AB]\)$|\s*\(human subject\)$")
_INDEX = "cmu-mocap-index-text.txt"
_TEST_SHARE, _VAL_SHARE = 0.08, 0.04
_TABLES = ("captions.csv", "captions.tsv", "captions.jsonl")
_COLUMNS = ("file", "second", "caption", "captions", "split", "source", "id")


@dataclass(frozen=True)
class CmuPairs:
    """CMU's takes below a folder, ASF/AMC or BVH.

    Attributes:
        fps: CMU's rate; some BVH headers tell another one, wrongly.
        floor: "together" puts the pair on the ground, "each" each person alone.
    """

    source: Path
    fps: float = 120.0
    floor: Floor = "together"
    licence: str = field(
        default="CMU Graphics Lab Motion Capture Database: free for all uses, not to be resold as such; "
        "created with funding from NSF EIA-0196217.",
        init=False,
    )

    def contents(self) -> Contents:
        """See `Reader.contents`. A take whose partner is missing is one person's."""
        takes, again = self._takes()
        if not takes:
            raise UserError(
                f"{self.source} holds no take such as 18_01.amc or 18_01.bvh; get CMU's takes at http://mocap.cs.cmu.edu."
            )
        texts = self._texts()
        second = {b: a for a, b in PAIRED.items()}
        clips, alone = [], []
        for subject, take in takes:
            if subject in second and (second[subject], take) in takes:
                continue  # comes with the first person
            names = [(subject, take)]
            if (PAIRED.get(subject, ""), take) in takes:
                names.append((PAIRED[subject], take))
            elif subject in PAIRED or subject in second:
                alone.append(f"{subject}_{take}")
            clips.append(_cmu_clip(names, takes, texts))
        oddities = [
            *oddity("Takes that lie there more than once; AMC counts before BVH, then the first path", again),
            *oddity("Takes of two people of which only one is there, read as one person's", alone),
            *oddity(
                f"Takes without a description: {_INDEX} below the source should have one" if texts
                else f"There is no {_INDEX} below the source, so takes have no caption",
                [clip.id for clip in clips if not clip.captions],
            ),
        ]  # fmt: skip
        return Contents(tuple(clips), tuple(oddities))

    def features(self, clip: Clip) -> np.ndarray:
        """See `Reader.features`; a pair is cut to the shorter take."""
        return record_features(load_motion(clip.files, fps=self.fps), self.floor)

    def _takes(self) -> tuple[dict[tuple[str, str], Path], list[str]]:
        """The file of each (subject, take), in order, and the names of those that come again."""
        found: dict[tuple[str, str], Path] = {}
        again = []
        for path in sorted(self.source.rglob("*"), key=lambda path: (path.suffix.lower(), path)):
            if path.suffix.lower() in (".amc", ".bvh") and (name := _TAKE.fullmatch(path.stem)):
                if (name[1], name[2]) in found:
                    again.append(path.stem)
                found.setdefault((name[1], name[2]), path)
        return dict(sorted(found.items())), sorted(set(again))

    def _texts(self) -> dict[str, str]:
        texts: dict[str, str] = {}
        for path in sorted(self.source.rglob(_INDEX)):
            for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
                if (row := _INDEX_LINE.fullmatch(line.strip())) and row[2] != "Unknown":
                    texts.setdefault(row[1], _INDEX_END.sub("", row[2]))
        return texts


def _cmu_clip(names: list[tuple[str, str]], takes: dict[tuple[str, str], Path], texts: dict[str, str]) -> Clip:
    take = names[0][1]
    identifier = "_".join([*(subject for subject, _ in names), take])
    told = [texts[name] for name in map("_".join, names) if name in texts]
    split = _split_by_name(identifier)
    if names[0][0] in (*PAIRED, *PAIRED.values()):
        held_out = names[0][0] in (_HELD_OUT, PAIRED[_HELD_OUT])
        split = "train" if not held_out else "test" if int(take) % 2 else "val"
    facts = {"subjects": [subject for subject, _ in names], "take": take}
    return Clip(identifier, split, identifier, tuple(dict.fromkeys(told)), tuple(takes[name] for name in names), facts)


@dataclass(frozen=True)
class MotionFolder:
    """Motion files of any kind that VIMotion reads below a folder, with or without a table of captions.

    Attributes:
        fps: the true rate of all files, where their headers are wrong.
        floor: "together" puts a pair on the ground, "each" each person alone.
        joint_map: a YAML file that names the joints of an unknown skeleton, see `formats/joint_names.py`.
    """

    source: Path
    fps: float | None = None
    floor: Floor = "together"
    joint_map: Path | None = None
    licence: str = field(default="The motion files' own, which VIMotion does not know.", init=False)

    def contents(self) -> Contents:
        """See `Reader.contents`. With a table only what it names; without one each file is a clip."""
        tables = [self.source / name for name in _TABLES if (self.source / name).is_file()]
        if len(tables) > 1:
            raise UserError(f"{self.source} holds {' and '.join(table.name for table in tables)}; keep one of them.")
        files, pairs = self._motions()
        if not files:
            raise UserError(f"{self.source} holds no motion file; VIMotion reads {', '.join(READABLE)}.")
        if tables:
            return self._by_table(tables[0], files | pairs)
        in_pairs = {path for pair in pairs.values() for path in pair}
        motions = pairs | {name: paths for name, paths in files.items() if paths[0] not in in_pairs}
        stems = Counter(map(_stem, motions))
        clips = []
        for name, paths in sorted(motions.items()):
            identifier = _stem(name) if stems[_stem(name)] == 1 else name
            clips.append(Clip(identifier, _split_by_name(identifier), identifier, (), paths))
        told = f"There is none of {', '.join(_TABLES)} in {self.source}, so its clips have no caption."
        return Contents(tuple(clips), (told,))

    def features(self, clip: Clip) -> np.ndarray:
        """See `Reader.features`; two files are cut to the shorter one."""
        return record_features(load_motion(clip.files, fps=self.fps, joint_map=self.joint_map), self.floor)

    def _motions(self) -> tuple[dict[str, tuple[Path, ...]], dict[str, tuple[Path, ...]]]:
        """Motion files by their paths below the source, and the two files NAME.a.bvh and NAME.b.bvh as NAME.bvh."""
        paths = [path for path in self.source.rglob("*") if path.suffix.lower() in READABLE and path.is_file()]
        files: dict[str, tuple[Path, ...]] = {path.relative_to(self.source).as_posix(): (path,) for path in sorted(paths)}
        pairs: dict[str, tuple[Path, ...]] = {}
        for name, (first, *_) in files.items():
            stem, ending = _stem(name), name.removeprefix(_stem(name))
            if ending_of(first) in (".bvh", AMASS) and stem.endswith(".a") and (other := f"{stem[:-2]}.b{ending}") in files:
                pairs[f"{stem[:-2]}{ending}"] = (first, *files[other])
        if both := files.keys() & pairs.keys():
            raise UserError(f"{self.source / min(both)} is there and, of two people, as .a and .b; move or rename one of them.")
        return files, pairs

    def _by_table(self, table: Path, motions: dict[str, tuple[Path, ...]]) -> Contents:
        rows = list(_read_table(table))
        splits = _splits(rows, table)
        groups: dict[str, list[_Row]] = {}
        for row in rows:
            groups.setdefault(row.id, []).append(row)
        clips, missing, named = [], [], set()
        for identifier, group in groups.items():
            row = _one_row(group, table)
            if unknown := [name for name in row.files if name not in motions]:
                missing += unknown
                continue
            files = tuple(path for name in row.files for path in motions[name])
            named |= set(files)
            clips.append(Clip(identifier, splits[row.source], row.source, row.captions, files, row.facts))
        unnamed = sorted(name for name, files in motions.items() if not named & set(files))
        further = sorted({column for row in rows for column in row.facts.get("table", ())})
        oddities = [
            *oddity(f"Files that {table.name} names and that are not there; their clips are left out", missing),
            *oddity(f"Motions that {table.name} does not name, left out", unnamed),
            *oddity("Clips without a caption", [clip.id for clip in clips if not clip.captions]),
            *oddity(f"Columns of {table.name} that are kept as facts", further),
        ]
        return Contents(tuple(clips), tuple(oddities))


@dataclass(frozen=True)
class _Row:
    """A line of a table; `split` is "" where it gives none."""

    line: int
    id: str
    files: tuple[str, ...]
    captions: tuple[str, ...]
    split: str
    source: str
    facts: dict[str, Any]


def _splits(rows: list[_Row], table: Path) -> dict[str, str]:
    """The split of each source: the one that a row of it gives, else by chance."""
    splits: dict[str, str] = {}
    for row in rows:
        if row.split and splits.setdefault(row.source, row.split) != row.split:
            raise UserError(
                f"Line {row.line} of {table} puts the source {row.source!r} into {row.split}, a line before into "
                f"{splits[row.source]}; clips of one source share a split."
            )
    return {row.source: splits.get(row.source) or _split_by_name(row.source) for row in rows}


def _one_row(rows: list[_Row], table: Path) -> _Row:
    """The rows of one clip as one, with the captions of all."""
    first = rows[0]
    for row in rows[1:]:
        if (row.files, row.source) != (first.files, first.source):
            raise UserError(
                f"{table} tells of the clip {first.id!r} in lines {first.line} and {row.line} with different files or sources; "
                "give each clip an id of its own."
            )
    captions = tuple(dict.fromkeys(caption for row in rows for caption in row.captions))
    return _Row(first.line, first.id, first.files, captions, first.split, first.source, first.facts)


def _read_table(table: Path) -> Iterator[_Row]:
    """The rows of a table of captions.

    Raises:
        UserError: it is not text, has no column `file`, or a row of it makes no sense.
    """
    cells = _read_lines_of_json(table) if table.suffix == ".jsonl" else _read_cells(table)
    for line, row in cells:
        where = f"Line {line} of {table}"
        texts = {key: row.get(key) or "" for key in ("file", "second", "split", "source", "id")}
        if any(not isinstance(text, str) for text in texts.values()) or not texts["file"]:
            raise UserError(f"{where} must name a file in `file`, and be text in {', '.join(texts)}.")
        if texts["split"] and texts["split"] not in SPLITS:
            raise UserError(f"{where} has the split {texts['split']!r}; choose {', '.join(SPLITS)}.")
        files = tuple(_inside(texts[key], where) for key in ("file", "second") if texts[key])
        told = [row.get("caption"), *(many if isinstance(many := row.get("captions"), list) else [many])]
        captions = tuple(caption.strip() for caption in told if isinstance(caption, str) and caption.strip())
        if any(caption is not None and not isinstance(caption, str) for caption in told):
            raise UserError(f"{where} has a caption that is no text.")
        identifier = texts["id"] or _stem(files[0])
        others = {key: value for key, value in row.items() if key not in _COLUMNS}
        facts = {"table": others} if others else {}
        yield _Row(line, identifier, files, captions, texts["split"], texts["source"] or identifier, facts)


def _read_cells(table: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    reader = csv.DictReader(StringIO(_text(table)), delimiter="\t" if table.suffix == ".tsv" else ",", strict=True)
    try:
        if "file" not in (reader.fieldnames or ()):
            raise UserError(f"The first line of {table} must name the columns, `file` among them.")
        for row in reader:
            if None in row:
                raise UserError(f"Line {reader.line_num} of {table} has more cells than there are columns; quote its caption.")
            yield reader.line_num, {key: (value or "").strip() for key, value in row.items()}
    except csv.Error as error:
        raise UserError(f"{table} cannot be read beyond line {reader.line_num}: {error}.") from None


def _read_lines_of_json(table: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(_text(table).split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict):
            raise UserError(f"Line {number} of {table} is no JSON object.")
        yield number, row


def _text(table: Path) -> str:
    """The text of a table; whatever its lines end with, they are told apart by "\\n" alone."""
    try:
        return table.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{table} is not text in UTF-8; save it as such.") from None


def _inside(name: str, where: str) -> str:
    """A file's path below the folder, with slashes."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts:
        raise UserError(f"{where} names {name!r}; a file is named by its path below the folder.")
    return path.as_posix()


def _stem(name: str) -> str:
    return name[: -len(ending_of(Path(name)))] if Path(name).suffix else name


def _split_by_name(source: str) -> str:
    """The split of a source that nobody gave one, from its name alone."""
    draw = int.from_bytes(hashlib.sha256(source.encode()).digest()[:8]) / 2**64
    return "test" if draw < _TEST_SHARE else "val" if draw < _TEST_SHARE + _VAL_SHARE else "train"
