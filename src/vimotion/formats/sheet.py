"""Contact sheets: key frames of motions side by side, in one small PNG."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vimotion.artifacts import atomic_path
from vimotion.errors import UserError
from vimotion.formats.painter import BACKGROUND, Painter
from vimotion.motion import Interaction

_CELL = (320, 280)
# Pixels: the line under a frame, a line of the title, a wide letter of the title.
_LABEL, _TITLE, _LETTER = 22, 28, 9
_INK = (60, 60, 66)
_COLOURS = 48


def save_sheet(
    interaction: Interaction | Sequence[Interaction],
    path: str | Path,
    frames: int = 8,
    title: str | Sequence[str] = "",
    columns: int | None = None,
) -> None:
    """A PNG with `frames` evenly spaced frames and the time in seconds under each.

    Several interactions come one below the other, each with its own camera, and with its own title when `title` is a list.
    `columns` is the number of frames in a row; by default at most four.
    """
    motions = [interaction] if isinstance(interaction, Interaction) else list(interaction)
    titles = [title] * len(motions) if isinstance(title, str) else list(title)
    if frames < 1 or (columns is not None and columns < 1):
        raise UserError("A contact sheet needs at least one frame and one column.")
    if not motions or len(titles) != len(motions):
        raise UserError(f"{len(motions)} motions cannot be drawn with {len(titles)} titles: give one title for each.")
    sheets = [_sheet(motion, frames, text, columns) for motion, text in zip(motions, titles, strict=True)]
    whole = Image.new("RGB", (max(s.width for s in sheets), sum(s.height for s in sheets)), BACKGROUND)
    top = 0
    for sheet in sheets:
        whole.paste(sheet, (0, top))
        top += sheet.height
    small = whole.quantize(_COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    with atomic_path(Path(path)) as partial:
        small.save(partial, format="PNG", optimize=True)


def _sheet(motion: Interaction, frames: int, title: str, columns: int | None) -> Image.Image:
    count = min(frames, motion.num_frames)
    across = min(columns or math.ceil(count / math.ceil(count / 4)), count)
    down = math.ceil(count / across)
    lines = textwrap.wrap(title, across * _CELL[0] // _LETTER)
    head = len(lines) * _TITLE
    sheet = Image.new("RGB", (across * _CELL[0], head + down * (_CELL[1] + _LABEL)), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    for number, line in enumerate(lines):
        draw.text((10, 7 + number * _TITLE), line, fill=_INK, font=ImageFont.load_default(17))
    painter = Painter(motion, _CELL)
    for cell, frame in enumerate(np.linspace(0, motion.num_frames - 1, count).round().astype(int)):
        left, top = cell % across * _CELL[0], head + cell // across * (_CELL[1] + _LABEL)
        sheet.paste(painter.frame(int(frame)), (left, top))
        middle = (left + _CELL[0] / 2, top + _CELL[1] + _LABEL / 2)
        draw.text(middle, f"{frame / motion.fps:.2f} s", fill=_INK, font=ImageFont.load_default(14), anchor="mm")
    return sheet
