"""Motion files of users: their names are checked, their content is read by another process (`reading.py`)."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from vimotion.app.reading import REFUSED, RESULT
from vimotion.app.settings import ServerConfig
from vimotion.errors import UserError
from vimotion.formats import READABLE
from vimotion.formats.npz import load_npz
from vimotion.motion import Interaction

_ENDINGS = (*READABLE, ".asf")
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
    if ending not in _ENDINGS:
        raise UserError(f"{name} has no ending that VIMotion reads; it reads {', '.join(_ENDINGS)}.")
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
        await _read(folder, names, fps, config)
        return await asyncio.to_thread(load_npz, folder / RESULT)


def _write(path: Path, content: BinaryIO) -> None:
    with path.open("xb") as file:
        shutil.copyfileobj(content, file)


async def _read(folder: Path, names: list[str], fps: float | None, config: ServerConfig) -> None:
    wish = {"names": names, "fps": fps, "max_frames": config.max_frames, "max_bytes": config.max_reading_bytes}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "vimotion.app.reading", str(folder), json.dumps(wish),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    try:
        async with asyncio.timeout(config.max_reading_seconds):
            said, failed = await process.communicate()
    except TimeoutError:
        raise UserError(f"{names[0]} could not be read within {config.max_reading_seconds:g} seconds; send less.") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode == REFUSED:
        raise UserError(json.loads(said))
    if process.returncode and process.returncode < 0:  # a signal, of a machine that has no memory left
        raise UserError(f"{names[0]} could not be read: it takes too much memory; send less.")
    if process.returncode:
        raise RuntimeError(f"Reading an upload ended with {process.returncode}: {failed.decode(errors='replace')[-2000:]}")
