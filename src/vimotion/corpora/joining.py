"""Several prepared stores as one: what a stage is trained on that takes more than one data set."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from vimotion.corpora.store import Store, clip_files, finish_store, prepared_info, read_rows
from vimotion.errors import UserError


def join(folders: Sequence[Path], output: Path) -> Store:
    """A store of the clips of all `folders`, which share their disk space with it where they lie on one disk.

    Args:
        output: the folder to make; must be new or empty.

    Raises:
        UserError: a folder is no finished store, two of them have a clip of the same name, or the output is in use.
    """
    infos = {str(folder): prepared_info(folder) for folder in folders}
    if output.is_dir() and any(output.iterdir()):
        raise UserError(f"{output} already holds something; name a new folder.")
    seen: dict[str, Path] = {}
    for folder in folders:
        for row in read_rows(folder, ["id"]):
            if row["id"] in seen:
                raise UserError(f"{seen[row['id']]} and {folder} both have a clip {row['id']!r}; they cannot be joined.")
            seen[row["id"]] = folder
    output.mkdir(parents=True, exist_ok=True)
    files = [file for folder in folders for file in clip_files(folder)]
    for number, file in enumerate(files):
        _link(file, output / f"clips-{number:06d}.parquet")
    licences = sorted({str(info["licence"]) for info in infos.values() if info.get("licence")})
    return finish_store(
        output,
        {"corpus": "+".join(str(info["corpus"]) for info in infos.values()), "licence": " · ".join(licences)},
    )


def _link(file: Path, target: Path) -> None:
    try:
        os.link(file, target)
    except OSError:  # another disk, or one that knows no links
        shutil.copy(file, target)
