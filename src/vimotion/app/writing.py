"""Writes a motion as a file of another format, in a process of its own: `processes.py` starts it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vimotion.app.processes import answer
from vimotion.formats import ExportOptions, save_motion
from vimotion.formats.npz import load_npz
from vimotion.formats.options import cleaned

MOTION = "motion.npz"
# Where the files are put, apart from the motion itself.
MADE = "made"


def write(folder: Path, name: str, given: list[int] | None, person: int | None, options: dict[str, Any]) -> None:
    """`MOTION` in a folder → files in `MADE` there.

    Args:
        given: frames of each person that cleaning leaves as they are; None: nothing is cleaned.
        person: who of the two is wanted alone; they are cleaned together, so that the file is a part of that of both.
        options: the fields of `ExportOptions`.
    """
    motion = load_npz(folder / MOTION)
    motion = motion if given is None else cleaned(motion, given)
    motion = motion if person is None else motion.person(person)
    save_motion(motion, folder / MADE / name, ExportOptions(**options))


if __name__ == "__main__":
    answer(write)
