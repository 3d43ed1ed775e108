"""Files with a line of JSON for each of many things, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from vimotion.artifacts import atomic_path
from vimotion.config import Config
from vimotion.errors import UserError

Model = TypeVar("Model", bound=Config)


def write_lines(items: Iterable[Config], path: Path) -> None:
    """A line for each, in order."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        for item in items:
            file.write(item.model_dump_json() + "\n")


def read_lines(path: Path, model: type[Model]) -> Iterator[Model]:
    """What `write_lines` wrote, in order; one line is in memory.

    Raises:
        UserError: the file is missing, or a line is no such thing.
    """
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                try:
                    yield model.model_validate_json(line)
                except ValidationError as error:
                    first = error.errors()[0]
                    where = ".".join(map(str, first["loc"]))
                    wrong = f"{path}, line {number} is no {model.__name__} ({where}: {first['msg']})"
                    raise UserError(f"{wrong}; delete the file and make it again.") from None
    except FileNotFoundError:
        raise UserError(f"There is no {path}; run the stage that makes it first.") from None


def line_files(folder: Path) -> list[Path]:
    """The files of a stage, in the order of their numbers."""
    return sorted(folder.glob("[0-9]*.jsonl"))


def read_stage(folder: Path, model: type[Model]) -> Iterator[Model]:
    """Every line of the files of a stage, in order."""
    return (line for path in line_files(folder) for line in read_lines(path, model))
