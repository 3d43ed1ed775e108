"""The split files of a data set: `train.txt`, `val.txt` and `test.txt`, a name a line."""

from __future__ import annotations

from pathlib import Path

from vimotion.corpora.source_files import oddity, read_lines
from vimotion.corpora.store import SPLITS
from vimotion.errors import UserError


def read_splits(folders: list[Path], advice: str) -> tuple[dict[str, str], list[str]]:
    """The split of each name, in the order of the files, and what is odd about the files.

    Args:
        folders: where the files may lie; the first that has one of them must have all.
        advice: where to get them, the end of a sentence.

    Raises:
        UserError: one of the files is missing or is not text.
    """
    folder = next((folder for folder in folders if any((folder / f"{split}.txt").is_file() for split in SPLITS)), folders[0])
    split_of: dict[str, str] = {}
    twice, unended = [], []
    for split in SPLITS:
        path = folder / f"{split}.txt"
        if not path.is_file():
            raise UserError(f"The split file {path} is missing; {advice}.")
        for name in read_lines(path):
            if name in split_of:
                twice.append(name)
            else:
                split_of[name] = split
        if not path.read_bytes().endswith(b"\n"):
            unended.append(path.name)
    return split_of, [
        *oddity("Names that stand twice in the split files; the first place counts", twice),
        *oddity("Split files whose last line has no newline; it is read like the others", unended),
    ]
