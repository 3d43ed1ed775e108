"""Several prepared stores as one: what a stage is trained on that takes more than one data set."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from vimotion.artifacts import atomic_path
from vimotion.corpora.store import Store, clip_files, finish_store, open_store, prepared_info, read_rows
from vimotion.errors import UserError


def join(folders: Sequence[Path], output: Path) -> Store:
    """A store of the clips of all `folders`, which share their disk space with it where they lie on one disk.

    Args:
        output: the folder to make, whole or not at all; must be new or empty.

    Raises:
        UserError: a folder is no finished store, two of them have a clip of the same name, or the output is in use.
    """
    output = output.absolute()
    infos = {str(folder): prepared_info(folder) for folder in folders}
    if output.is_dir() and any(output.iterdir()):
        raise UserError(f"{output} already holds something; name a new folder.")
    seen: dict[str, Path] = {}
    for folder in folders:
        for row in read_rows(folder, ["id"]):
            if row["id"] in seen:
                raise UserError(f"{seen[row['id']]} and {folder} both have a clip {row['id']!r}; they cannot be joined.")
            seen[row["id"]] = folder
    files = [file for folder in folders for file in clip_files(folder)]
    licences = sorted({str(info["licence"]) for info in infos.values() if info.get("licence")})
    told = {"corpus": "+".join(str(info["corpus"]) for info in infos.values()), "licence": " · ".join(licences)}
    with atomic_path(output) as temporary:
        temporary.mkdir()
        for number, file in enumerate(files):
            _link(file, temporary / f"clips-{number:06d}.parquet")
        finish_store(temporary, told)
    return open_store(output)


def _link(file: Path, target: Path) -> None:
    try:
        os.link(file, target)
    except OSError:  # another disk, or one that knows no links
        shutil.copy(file, target)
