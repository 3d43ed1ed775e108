"""Motion files of users: their names are checked, their content is read by another process (`reading.py`)."""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from vimotion.app.processes import work_in_process
from vimotion.app.reading import RESULT
from vimotion.app.settings import ServerConfig
from vimotion.errors import UserError
from vimotion.formats import READABLE
from vimotion.formats.npz import load_npz
from vimotion.motion import Interaction

ENDINGS = (*READABLE, ".asf")
_NAME = re.compile(r"[^\x00-\x1f\x7f/\\:*?\"<>|\ud800-\udfff]{1,120}")
_MOST_FILES = 4  # two people, each with a skeleton


def check_name(name: str) -> str:
    """The name of an uploaded file.

    Raises:
        UserError: it could lead somewhere else, or its ending is none that VIMotion reads.
    """
    ending = Path(name).suffix.lower()
    if not _NAME.fullmatch(name) or name.startswith(".") or name != name.strip() or len(name.encode()) > 200:
        raise UserError("The name of a file is up to 120 plain characters, without folders; rename it.")
    if ending not in ENDINGS:
        raise UserError(f"{name} has no ending that VIMotion reads; it reads {', '.join(ENDINGS)}.")
    return name


async def read_files(files: Sequence[tuple[str, BinaryIO]], fps: float | None, config: ServerConfig) -> Interaction:
    """The motion in uploaded files, (name, content); two of one person each come together.

    Args:
        fps: the true rate, where the file tells a wrong one.

    Raises:
        UserError: they hold no motion that this server takes.
    """
    names = [check_name(name) for name, _ in files]
    if not 1 <= len(names) <= _MOST_FILES or len({name.lower() for name in names}) < len(names):
        raise UserError("Send one motion file, or the files of two people under different names.")
    with tempfile.TemporaryDirectory(prefix="vimotion-") as scratch:
        folder = Path(scratch)
        for name, content in files:
            await asyncio.to_thread(_write, folder / name, content)
        wish = {"names": names, "fps": fps, "max_frames": config.max_frames}
        limits, failure = (config.max_reading_seconds, config.max_reading_bytes), (f"{names[0]} could not be read", "send less")
        await work_in_process("vimotion.app.reading", folder, wish, *limits, failure)
        return await asyncio.to_thread(load_npz, folder / RESULT)


def _write(path: Path, content: BinaryIO) -> None:
    with path.open("xb") as file:
        shutil.copyfileobj(content, file)
