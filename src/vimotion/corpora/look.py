"""A prepared corpus to look at: tables of what it holds, sheets of a few clips of each kind, histograms of durations."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from math import ceil
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont
from rich.table import Table

from vimotion.artifacts import atomic_path
from vimotion.corpora.store import Record, read_records, read_rows
from vimotion.errors import UserError
from vimotion.formats.sheet import save_sheet
from vimotion.motion import FPS

_BAR = 30  # characters of the longest bar
_COUNTED = {"splits": "Splits", "durations": "Durations", "kinds": "Kinds", "manners": "Manners", "edits": "Edits"}
# Pixels of a small histogram, and how many stand side by side.
_CELL, _HEAD, _ACROSS = (210, 120), 20, 6
_BACKGROUND, _INK, _FILL = (255, 255, 255), (40, 40, 44), (70, 120, 190)


def tables(info: Mapping[str, Any]) -> list[Table]:
    """Everything that info.json says, in the order in which a reader asks for it."""
    counted = [_counts(title, info[key], info["num_clips"]) for key, title in _COUNTED.items() if info.get(key)]
    return [_general(info), *counted, *([_held_out(info["held_out"])] if "held_out" in info else [])]


def draw_pictures(
    folder: Path,
    info: Mapping[str, Any],
    output: Path,
    kind: str | None = None,
    clips: int = 3,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Path]:
    """Sheets `KIND.png` of the first `clips` scenes that begin with each kind, and `durations.png`; the paths.

    Args:
        folder, info: a prepared corpus that counts its kinds, and its info.json.
        kind: only this one.
        progress: called with the number of pictures that are there and of all of them.

    Raises:
        UserError: the corpus has no kinds, or not this one.
    """
    kinds = list(info.get("kinds", ()))
    if not kinds:
        raise UserError(f"{folder} does not say which kinds of interaction it holds; only scripted corpora can be drawn.")
    if kind is not None and kind not in kinds:
        raise UserError(f"There is no kind {kind!r} in {folder}; there are {', '.join(kinds)}.")
    output.mkdir(parents=True, exist_ok=True)
    wanted = [name for name in ([kind] if kind else kinds) if info["kinds"][name]]
    written = [output / "durations.png"]
    progress(0, len(wanted) + 1)
    _save_histograms(durations(folder), written[0])
    for name, records in _some_of_each(folder, wanted, clips):
        progress(len(written), len(wanted) + 1)
        written.append(output / f"{name}.png")
        # of the six captions the first is a phrase, the third a sentence
        titles = [f"{record.id}: {record.captions[2]}" for record in records]
        save_sheet([record.interaction() for record in records], written[-1], frames=6, columns=6, title=titles)
    progress(len(wanted) + 1, len(wanted) + 1)
    return written


def durations(folder: Path) -> dict[str, Counter[int]]:
    """For all clips and for each kind: how many last up to so many whole seconds. A clip counts for every kind in it."""
    found: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for row in read_rows(folder, ["facts", "num_frames"]):
        kinds = {act["kind"] for act in json.loads(row["facts"])["parameters"]["acts"]}
        for name in ("all kinds", *kinds):
            found[name][ceil(row["num_frames"] / FPS)] += 1
    return {"all kinds": found.pop("all kinds"), **dict(sorted(found.items()))}


def _some_of_each(folder: Path, kinds: list[str], clips: int) -> Iterator[tuple[str, list[Record]]]:
    """Of each kind its first source clips, given out as soon as there are enough, so that few are in memory."""
    found: dict[str, list[Record]] = {kind: [] for kind in kinds}
    for record in read_records(folder):
        first = (record.facts or {})["parameters"]["acts"][0]["kind"]
        if record.edit_of or first not in found:
            continue
        found[first].append(record)
        if len(found[first]) == clips:
            yield first, found.pop(first)
        if not found:
            return
    yield from ((kind, records) for kind, records in found.items() if records)


def _general(info: Mapping[str, Any]) -> Table:
    table = _table("Corpus")
    for key, value in info.items():
        if not isinstance(value, dict | list):
            table.add_row(key.replace("_", " "), str(value))
    return table


def _counts(title: str, counts: Mapping[str, int], clips: int) -> Table:
    table, most = _table(title), max(counts.values())
    for name, number in counts.items():
        table.add_row(name, f"{number:,}", f"{100 * number / clips:.1f} %", "█" * round(_BAR * number / most))
    table.columns[1].justify = table.columns[2].justify = "right"
    return table


def _held_out(held_out: Mapping[str, Any]) -> Table:
    combinations: defaultdict[str, list[str]] = defaultdict(list)
    for combination in held_out["combinations"]:
        kind, manner, side = combination.split(", ")
        combinations[kind].append(f"{manner} ({side})")
    share = f"{100 * held_out['wordings']['share']:.0f} % of the wordings"
    table = _table(f"Held out: {share}, and {len(held_out['combinations'])} combinations of kind, manner and hand")
    for kind, rest in combinations.items():
        table.add_row(kind, ", ".join(rest))
    return table


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", show_header=False, box=None, padding=(0, 2, 0, 0))


def _save_histograms(counts: Mapping[str, Counter[int]], path: Path) -> None:
    """Small histograms side by side, all over the same seconds, each as high as its own highest bar."""
    longest = max(max(each) for each in counts.values())
    down = ceil(len(counts) / _ACROSS)
    picture = Image.new("RGB", (_ACROSS * _CELL[0], down * (_CELL[1] + _HEAD)), _BACKGROUND)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(12)
    for number, (name, seconds) in enumerate(counts.items()):
        left, top = number % _ACROSS * _CELL[0] + 8, number // _ACROSS * (_CELL[1] + _HEAD)
        draw.text((left, top + 4), f"{name}: {seconds.total():,}", fill=_INK, font=font)
        floor, width = top + _CELL[1], (_CELL[0] - 16) / longest
        for second in range(1, longest + 1):
            start, high = left + (second - 1) * width, (_CELL[1] - _HEAD - 6) * seconds[second] / max(seconds.values())
            draw.rectangle((start + 1, floor - high, start + width - 1, floor), fill=_FILL)
            draw.text((start + width, floor + 9), f"{second}", fill=_INK, font=font, anchor="mm")
    with atomic_path(path) as partial:
        picture.quantize(16).save(partial, format="PNG", optimize=True)
