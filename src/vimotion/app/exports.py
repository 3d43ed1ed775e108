"""Kept motions as files; another process (`writing.py`) writes them."""

from __future__ import annotations

import asyncio
import io
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from vimotion.app.library import given_frames
from vimotion.app.processes import work_in_process
from vimotion.app.settings import ServerConfig
from vimotion.app.storage import MotionRow
from vimotion.app.writing import MADE, MOTION
from vimotion.errors import UserError
from vimotion.formats import WRITABLE, ExportOptions
from vimotion.formats.archive import add_file
from vimotion.motion import FPS

MEDIA_TYPES = {
    ".npz": "application/zip", ".amass.npz": "application/zip", ".bvh": "text/plain; charset=utf-8",
    ".glb": "model/gltf-binary", ".fbx": "application/octet-stream", ".usd": "model/vnd.usd", ".usda": "model/vnd.usda",
    ".usdc": "model/vnd.usd", ".usdz": "model/vnd.usdz+zip", ".mp4": "video/mp4", ".png": "image/png", ".webp": "image/webp",
}  # fmt: skip


async def write_file(
    row: MotionRow, file: bytes, config: ServerConfig, ending: str, person: str | None, clean: bool | None, **options: Any
) -> tuple[bytes, str, str]:  # fmt: skip
    """A motion, or one person of it, as a file: content, media type, name. Several files come as a zip.

    Args:
        file: the motion's native npz.
        clean: by default what the model made of it.
        options: the other fields of `ExportOptions`.

    Raises:
        UserError: the format or the person does not exist, the options do not fit, or it would take too much.
    """
    if ending not in WRITABLE:
        raise UserError(f"A motion comes as {', '.join(WRITABLE)}, not as {ending}.")
    if person and person not in row.people:
        raise UserError(f"There is one person in this motion, so nobody is {person!r}.")
    wanted = ExportOptions(**options)
    name = row.id + (f".{person}" if person else "") + ending
    wanted.check(Path(name))
    rate, most = wanted.fps or FPS, max(config.max_frames, row.frames)
    if (frames := round(row.frames / FPS * rate)) > most:
        raise UserError(f"At {rate:g} frames a second these are {frames} frames, and this server writes {most}; ask for fewer.")
    given = None
    if row.made if clean is None else clean:
        given = list(given_frames(row)) if row.made else []
    wish = {"name": name, "given": given, "person": "ab".index(person) if person else None, "options": options}
    failure = f"The {ending} file could not be written", "ask for fewer frames a second, or for .glb or .npz"
    with tempfile.TemporaryDirectory(prefix="vimotion-") as scratch:
        folder = Path(scratch)
        (folder / MADE).mkdir()
        await asyncio.to_thread((folder / MOTION).write_bytes, file)
        limits = config.max_writing_seconds, config.max_writing_bytes
        await work_in_process("vimotion.app.writing", folder, wish, *limits, failure)
        return await asyncio.to_thread(_content, sorted((folder / MADE).iterdir()), name, ending)


def _content(files: list[Path], name: str, ending: str) -> tuple[bytes, str, str]:
    if len(files) > 1:
        return _zip(files), "application/zip", f"{name}.zip"
    return files[0].read_bytes(), MEDIA_TYPES[ending], name


def _zip(files: list[Path]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            add_file(archive, file.name, file.read_bytes())
    return buffer.getvalue()
