"""The summary of a run as pictures: success, quality of made motions, and success by kind of interaction.

Numbers and Pillow alone. The colours are those of Okabe and Ito (2008), which people see apart whatever their cones; each
contestant also has a shape of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, floor, log10, sqrt
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vimotion.artifacts import atomic_path


class Look(NamedTuple):
    """How one contestant is shown everywhere."""

    title: str
    colour: str = "#777777"
    corners: int = 0  # of its mark; 0 is a circle, a negative number a star
    turn: float = 0.0  # of the mark, as a share of a full turn


CONTESTANTS = {
    "real": Look("real data", "#000000"),
    "reconstruction": Look("reconstruction", "#8a8a8a", 4, 1 / 8),
    "vimotion": Look("VIMotion", "#0072b2", -5),
    "vimotion_aligned": Look("VIMotion without stage 3", "#56b4e9", 3),
    "intergen": Look("InterGEN", "#d55e00", 4),
    "retrieval": Look("nearest neighbour", "#009e73", 3, 1 / 2),
    "chain": Look("two-stage chain", "#e69f00", 6),
    "standstill": Look("standstill", "#cc79a7", -4),
}
# Colours (of Paul Tol's muted scheme), corners and turns of others, in the order in which they stand.
_OTHERS = (("#882255", 0, 0.0), ("#999933", 4, 1 / 8), ("#332288", 5, 0.0), ("#44aa99", -6, 0.0))
# Pixels of the file for each of the layout; twice as many are drawn, which smooths the edges.
PIXELS = 2
_SCALE = 2 * PIXELS
_WHITE, _INK, _FAINT, _LINE, _BAND = "#ffffff", "#2f2f36", "#70707a", "#dddddf", "#f5f5f6"
_HEAD, _LEFT, _TOP, _ROW = 48, 186, 34, 23
_PANEL, _NUMBER, _GAP, _ACROSS = 186, 66, 14, 4
# The heat map: white is 0 %, dark blue 100 %, as bright at every hue as a grey wedge.
_HEAT = np.array([(255, 255, 255), (208, 225, 242), (148, 196, 223), (74, 152, 201), (23, 100, 171), (8, 48, 107)], dtype=float)
_CELL, _KIND = (22, 15), 132
_SQUARE, _MEASURES = 380, ("fid", "r_precision_3")


def draw_plots(results: Mapping[str, Any], folder: Path) -> list[Path]:
    """`success.png`, `kinds.png` and, where text-to-motion has FID and R-precision, `quality.png` in `folder`; their paths."""
    summary = results["summary"]
    pictures = {"success": _success(summary), "quality": _quality(summary.get("text_to_motion", {})), "kinds": _kinds(summary)}
    written = []
    for name, picture in pictures.items():
        if picture is not None:
            written.append(folder / f"{name}.png")
            with atomic_path(written[-1]) as partial:
                picture.quantize(128, dither=Image.Dither.NONE).save(partial, format="PNG", optimize=True)
    return written


def look(contestant: str, among: Sequence[str] = ()) -> Look:
    """Title, colour and mark of a contestant; of a name of somebody's own, what no other such name `among` them has."""
    others = [name for name in among if name not in CONTESTANTS]
    own = _OTHERS[others.index(contestant) % len(_OTHERS)] if contestant in others else ()
    return CONTESTANTS.get(contestant) or Look(contestant.replace("_", " "), *own)


def entered(summary: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Everyone who answers any benchmark, in the order of the table of looks."""
    found = dict.fromkeys(name for task in summary.values() for name in task)
    order = list(CONTESTANTS)
    return sorted(found, key=lambda name: order.index(name) if name in order else len(order))


def title(name: str) -> str:
    """A code name as people write it: "text_to_motion" is "text-to-motion"."""
    return name.replace("_", "-")


class _Sheet:
    """A white picture that is drawn on in the units of its layout."""

    def __init__(self, width: float, height: float) -> None:
        self._image = Image.new("RGB", (round(width * _SCALE), round(height * _SCALE)), _WHITE)
        self._draw = ImageDraw.Draw(self._image)

    def text(self, x: float, y: float, words: str, anchor: str = "lm", size: int = 13, fill: str = _INK) -> None:
        self._draw.text((x * _SCALE, y * _SCALE), words, fill=fill, font=_font(size), anchor=anchor)

    def upright(self, x: float, y: float, words: str, size: int = 12, fill: str = _INK) -> None:
        """Words that are read from below, and end at the height `y`."""
        left, top, right, bottom = _font(size).getbbox(words, anchor="ls")
        mask = Image.new("L", (ceil(right - left) + 2, ceil(bottom - top) + 2), 0)
        ImageDraw.Draw(mask).text((1 - left, 1 - top), words, fill=255, font=_font(size), anchor="ls")
        mask = mask.rotate(90, expand=True)
        # letters below the line do not push the others aside
        self._image.paste(fill, (round(x * _SCALE + top * 0.6), round(y * _SCALE)), mask)

    def line(self, *points: tuple[float, float], fill: str = _LINE, width: float = 1.0) -> None:
        self._draw.line([(x * _SCALE, y * _SCALE) for x, y in points], fill=fill, width=round(width * _SCALE))

    def box(self, left: float, top: float, right: float, bottom: float, fill: str | tuple[int, int, int]) -> None:
        corners = (left * _SCALE, top * _SCALE, right * _SCALE - 1, bottom * _SCALE - 1)
        self._draw.rectangle(corners, fill=fill)

    def mark(self, x: float, y: float, shown: Look, radius: float = 4.5) -> None:
        """A contestant's mark; all marks look equally large."""
        number = abs(shown.corners) * (2 if shown.corners < 0 else 1) or 48
        angles = 2 * np.pi * (np.arange(number) / number + shown.turn) - np.pi / 2
        lengths = np.full(number, radius * {3: 1.25, 4: 1.15}.get(shown.corners, 1.0))
        if shown.corners < 0:
            lengths, lengths[1::2] = lengths * 1.35, radius * 0.6
        points = np.stack([x + lengths * np.cos(angles), y + lengths * np.sin(angles)], axis=-1) * _SCALE
        self._draw.polygon([tuple(point) for point in points.tolist()], fill=shown.colour)

    def picture(self) -> Image.Image:
        return self._image.reduce(_SCALE // PIXELS)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size * _SCALE)


def _width(words: str, size: int) -> float:
    """Of words in a layout's units."""
    return float(_font(size).getlength(words)) / _SCALE


def _success(summary: Mapping[str, Any]) -> Image.Image:
    """A panel a benchmark, a row a contestant: the share of right answers and its 95 % interval."""
    names, across = entered(summary), min(_ACROSS, len(summary))
    step = (_PANEL + _NUMBER + _GAP, _TOP + _ROW * len(names) + 34)
    heading = "Right answers by benchmark and contestant, with 95 % intervals"
    width = max(_LEFT + across * step[0] + 8, _width(heading, 17) + 32)
    sheet = _Sheet(width, _HEAD + ceil(len(summary) / across) * step[1])
    sheet.text(16, 24, heading, size=17)
    for number, (task, found) in enumerate(summary.items()):
        column, row = number % across, number // across
        left, top = _LEFT + column * step[0], _HEAD + row * step[1] + _TOP
        if not column:
            _names(sheet, names, top)
        sheet.text(left + _PANEL / 2, top - 14, title(task), "mm", 14)
        _success_panel(sheet, left, top, names, found)
    return sheet.picture()


def _names(sheet: _Sheet, names: Sequence[str], top: float) -> None:
    for row, name in enumerate(names):
        sheet.text(_LEFT - 14, top + _ROW * (row + 0.5), look(name).title, "rm")


def _success_panel(sheet: _Sheet, left: float, top: float, names: Sequence[str], found: Mapping[str, Any]) -> None:
    bottom = top + _ROW * len(names)
    for row in range(0, len(names), 2):
        sheet.box(left, top + _ROW * row, left + _PANEL + _NUMBER, top + _ROW * (row + 1), _BAND)
    for share in (0.0, 0.5, 1.0):
        sheet.line((left + _PANEL * share, top), (left + _PANEL * share, bottom))
        sheet.text(left + _PANEL * share, bottom + 11, f"{share:.0%}", "mm", 11, _FAINT)
    for row, name in enumerate(names):
        middle = top + _ROW * (row + 0.5)
        if name not in found:
            sheet.text(left + _PANEL + _NUMBER - 6, middle, "-", "rm", fill=_FAINT)
            continue
        low, high = found[name]["success_interval"]
        share = found[name]["measures"]["success"]["mean"]
        sheet.line((left + _PANEL * low, middle), (left + _PANEL * high, middle), fill=look(name, names).colour, width=1.5)
        sheet.mark(left + _PANEL * share, middle, look(name, names))
        sheet.text(left + _PANEL + _NUMBER - 6, middle, f"{share:.1%}", "rm")


def _quality(found: Mapping[str, Any]) -> Image.Image | None:
    """Whether the text is obeyed (up) against how far the crowd of motions is from the real one (right)."""
    points = {
        name: tuple(found[name]["measures"][measure]["mean"] for measure in _MEASURES)
        for name in entered({"": found})
        if all(measure in found[name]["measures"] for measure in _MEASURES)
    }
    if not points:
        return None
    left, top = 70, 56
    sheet = _Sheet(left + _SQUARE + 230, top + _SQUARE + 62)
    sheet.text(16, 24, "Text-to-motion: how well the text is met, and how near the motions are to real ones", size=17)
    ticks = _ticks(max(fid for fid, _ in points.values()))
    for fid in ticks:
        x = left + _SQUARE * sqrt(fid / ticks[-1])
        sheet.line((x, top), (x, top + _SQUARE))
        sheet.text(x, top + _SQUARE + 14, f"{fid:g}", "mm", 11, _FAINT)
    for share in np.linspace(0, 1, 6):
        y = top + _SQUARE * (1 - share)
        sheet.line((left, y), (left + _SQUARE, y))
        sheet.text(left - 14, y, f"{share:.1f}", "rm", 11, _FAINT)
    sheet.text(left + _SQUARE / 2, top + _SQUARE + 40, "FID, lower is better (square-root axis)", "mm")
    sheet.upright(20, top + _SQUARE / 2 - 110, "R-precision@3, higher is better", 13)
    for row, (name, (fid, precision)) in enumerate(points.items()):
        shown = look(name, list(points))
        sheet.mark(left + _SQUARE * sqrt(max(fid, 0.0) / ticks[-1]), top + _SQUARE * (1 - precision), shown, 7)
        sheet.mark(left + _SQUARE + 32, top + 12 + 26 * row, shown, 7)
        sheet.text(left + _SQUARE + 48, top + 12 + 26 * row, shown.title)
    return sheet.picture()


def _ticks(highest: float) -> list[float]:
    """0 and some round numbers, the last not below `highest`, that stand well apart on a square-root axis."""
    unit = 10.0 ** floor(log10(max(highest, 1e-3)))
    top = next(step * unit for step in (1, 2, 5, 10) if step * unit >= highest)
    return [0.0, *(top * part for part in ((0.1, 0.2, 0.5, 1.0) if top / unit in (1, 10) else (0.1, 0.25, 0.5, 1.0)))]


def _kinds(summary: Mapping[str, Any]) -> Image.Image | None:
    """A row a kind of interaction, a column a contestant, benchmarks side by side: % of right answers."""
    kinds = sorted({kind for found in summary.values() for entry in found.values() for kind in entry["kinds"]})
    if not kinds:
        return None
    blocks = {task: entered({task: found}) for task, found in summary.items()}
    widths = [max(len(names) * _CELL[0], _width(title(task), 13)) + 12 for task, names in blocks.items()]
    lefts = (_KIND + np.cumsum([0, *widths])).tolist()
    top = 90 + max(_width(look(name).title, 12) for name in entered(summary))
    heading = "Right answers by kind of interaction, %"
    sheet = _Sheet(max(lefts[-1], _width(heading, 17) + 32), top + len(kinds) * _CELL[1] + 16)
    sheet.text(16, 24, heading, size=17)
    for row, kind in enumerate(kinds):
        sheet.text(_KIND - 8, top + _CELL[1] * (row + 0.5), kind.replace("_", " "), "rm", 12)
    for left, (task, names) in zip(lefts, blocks.items(), strict=False):
        sheet.text(left, 58, title(task), "lm", 13)
        for column, name in enumerate(names):
            x, words = left + column * _CELL[0], look(name).title
            sheet.upright(x + _CELL[0] / 2 + 3, top - 6 - _width(words, 12), words)
            for row, kind in enumerate(kinds):
                _heat(sheet, x, top + row * _CELL[1], summary[task][name]["kinds"].get(kind))
    return sheet.picture()


def _heat(sheet: _Sheet, left: float, top: float, share: float | None) -> None:
    middle = (left + _CELL[0] / 2, top + _CELL[1] / 2)
    if share is None:
        sheet.text(*middle, "-", "mm", 10, _FAINT)
        return
    red, green, blue = (round(float(np.interp(share, np.linspace(0, 1, len(_HEAT)), tone))) for tone in _HEAT.T)
    sheet.box(left, top, left + _CELL[0] - 1, top + _CELL[1] - 1, (red, green, blue))
    sheet.text(*middle, f"{100 * share:.0f}", "mm", 10, _WHITE if share > 0.55 else _INK)
