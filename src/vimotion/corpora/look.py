"""A prepared corpus to look at: tables of what it holds, sheets of a few clips, histograms of durations.

A scripted corpus is drawn kind by kind, any other one split by split.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from rich.table import Table
from rich.text import Text

from vimotion.artifacts import atomic_path
from vimotion.corpora.store import SPLITS, Record, open_store, read_records, read_rows
from vimotion.errors import UserError
from vimotion.formats.sheet import save_sheet
from vimotion.motion import FEATURES, FPS, JOINT

_BAR = 30  # characters of the longest bar
_COUNTED = {
    "splits": "Splits", "people": "People", "durations": "Durations", "kinds": "Kinds", "manners": "Manners", "edits": "Edits",
}  # fmt: skip
# Told clip by clip in info.json: the title, and of how many clips the reason is shown.
_TOLD, _SHOWN = {"left_out": "Left out", "remarks": "Remarks"}, 5
_MOST_DURATIONS = 20
# Pixels of a small histogram, and how many stand side by side.
_CELL, _HEAD, _ACROSS = (210, 120), 20, 6
_BACKGROUND, _INK, _FILL = (255, 255, 255), (40, 40, 44), (70, 120, 190)


def tables(folder: Path, info: Mapping[str, Any]) -> list[Table]:
    """What info.json and stats.json say, in the order in which a reader asks for it."""
    counted = {key: info[key] for key in _COUNTED if info.get(key)}
    if "durations" in counted:
        counted["durations"] = coarser(counted["durations"])
    return [
        _general(info),
        *(_counts(_COUNTED[key], counts, info["num_clips"]) for key, counts in counted.items()),
        _statistics(json.loads((folder / "stats.json").read_text())),
        *([_held_out(info["held_out"])] if "held_out" in info else []),
        *([_sentences("Odd in the source", info["oddities"])] if info.get("oddities") else []),
        *(_told(title, info[key]) for key, title in _TOLD.items() if info.get(key)),
    ]


def coarser(durations: Mapping[str, int]) -> dict[str, int]:
    """Counts "0 to 1 s", … in order; of takes that last long in wider steps, so that there are few."""
    tops = {int(name.split()[2]): number for name, number in durations.items()}
    step = _step(max(tops))
    counts: Counter[int] = Counter()
    for top, number in tops.items():
        counts[ceil(top / step) * step] += number
    return {f"{top - step} to {top} s": counts[top] for top in sorted(counts)}


def _step(longest: int) -> int:
    return ceil(longest / _MOST_DURATIONS)


def draw_pictures(
    folder: Path,
    info: Mapping[str, Any],
    output: Path,
    kind: str | None = None,
    clips: int = 3,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Path]:
    """Sheets of `clips` clips each, and `durations.png`; the paths.

    Of a scripted corpus `KIND.png` with the first scenes that begin with each kind, of another one `train.png` and so on with
    clips from all over the split.

    Args:
        folder, info: a prepared corpus and its info.json.
        kind: of a scripted corpus only this one.
        progress: called with the number of pictures that are there and of all of them.

    Raises:
        UserError: the corpus has not this kind.
    """
    kinds = list(info.get("kinds", ()))
    if kind is not None and kind not in kinds:
        there = f"there are {', '.join(kinds)}" if kinds else "it does not say which kinds it holds, so leave --kind out"
        raise UserError(f"There is no kind {kind!r} in {folder}; {there}.")
    output.mkdir(parents=True, exist_ok=True)
    counts = info["kinds"] if kinds else info["splits"]
    wanted = [name for name in ([kind] if kind else kinds or SPLITS) if counts[name]]
    written = [output / "durations.png"]
    progress(0, len(wanted) + 1)
    _save_histograms(durations(folder), written[0])
    for name, records in (_some_of_each if kinds else _some_of_splits)(folder, wanted, clips):
        progress(len(written), len(wanted) + 1)
        written.append(output / f"{name}.png")
        titles = [f"{record.id}: {_title(record)}" for record in records]
        save_sheet([record.interaction() for record in records], written[-1], frames=6, columns=6, title=titles)
    progress(len(wanted) + 1, len(wanted) + 1)
    return written


def durations(folder: Path) -> dict[str, Counter[int]]:
    """For all clips, and for each kind or else each split: how many last up to so many whole seconds.

    A clip counts for every kind in it.
    """
    found: defaultdict[str, Counter[int]] = defaultdict(Counter)
    by = "splits"
    for row in read_rows(folder, ["facts", "num_frames", "split"]):
        parameters = json.loads(row["facts"]).get("parameters")
        by = "kinds" if parameters else by
        for name in ("all", *({act["kind"] for act in parameters["acts"]} if parameters else [row["split"]])):
            found[name][ceil(row["num_frames"] / FPS)] += 1
    return {f"all {by}": found.pop("all"), **dict(sorted(found.items()))}


def _title(record: Record) -> str:
    """A caption that fits over a sheet: of a scripted clip's six the first is a phrase, the third a sentence."""
    if not record.captions:
        return "no caption"
    return record.captions[2] if "parameters" in (record.facts or {}) else record.captions[0]


def _some_of_splits(folder: Path, splits: list[str], clips: int) -> Iterator[tuple[str, list[Record]]]:
    store = open_store(folder)
    for split in splits:
        indices = store.split(split)
        chosen = np.linspace(0, len(indices) - 1, min(clips, len(indices))).astype(int)
        yield split, [store[indices[number]] for number in chosen]


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


def _statistics(stats: Mapping[str, Any]) -> Table:
    """Of the frames of the training split what a glance can judge."""
    mean, std = np.array(stats["mean"]), np.array(stats["std"])
    table = _table(f"Training split: {stats['num_frames']:,} frames of one person")
    for name, joint in {"pelvis": "pelvis", "head": "head", "left wrist": "left_wrist"}.items():
        height = FEATURES["positions"].start + 3 * JOINT[joint] + 1
        table.add_row(f"height of the {name}", f"{mean[height]:.2f} ± {std[height]:.2f} m")
    for name, joint in {"pelvis": "pelvis", "left wrist": "left_wrist", "right wrist": "right_wrist"}.items():
        first = FEATURES["velocities"].start + 3 * JOINT[joint]
        squares = (mean**2 + std**2)[first : first + 3].sum()
        table.add_row(f"speed of the {name}", f"{FPS * np.sqrt(squares):.2f} m/s (root mean square)")
    for name, column in zip(("left ankle", "left foot", "right ankle", "right foot"), mean[FEATURES["contacts"]], strict=True):
        table.add_row(f"{name} on the ground", f"{100 * column:.0f} % of the time")
    return table


def _told(title: str, reasons: Mapping[str, str]) -> Table:
    lines = [f"{identifier}: {reason}" for identifier, reason in list(reasons.items())[:_SHOWN]]
    more = [f"and {len(reasons) - _SHOWN:,} more, all in info.json"] if len(reasons) > _SHOWN else []
    return _sentences(f"{title} ({len(reasons):,})", [*lines, *more])


def _sentences(title: str, sentences: Sequence[str]) -> Table:
    table = _table(title)
    for sentence in sentences:
        table.add_row(Text(sentence))  # as it stands: brackets in it are no markup
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
    step = _step(longest)
    bars = {name: Counter[int]() for name in counts}
    for name, seconds in counts.items():
        for second, number in seconds.items():
            bars[name][ceil(second / step)] += number
    down = ceil(len(counts) / _ACROSS)
    picture = Image.new("RGB", (_ACROSS * _CELL[0], down * (_CELL[1] + _HEAD)), _BACKGROUND)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(12)
    for number, (name, high) in enumerate(bars.items()):
        left, top = number % _ACROSS * _CELL[0] + 8, number // _ACROSS * (_CELL[1] + _HEAD)
        draw.text((left, top + 4), f"{name}: {high.total():,}", fill=_INK, font=font)
        floor, width = top + _CELL[1], (_CELL[0] - 16) / ceil(longest / step)
        for bar in range(1, ceil(longest / step) + 1):
            start, top_of_bar = left + (bar - 1) * width, floor - (_CELL[1] - _HEAD - 6) * high[bar] / max(high.values())
            draw.rectangle((start + 1, top_of_bar, start + width - 1, floor), fill=_FILL)
            if bar % ceil(ceil(longest / step) / 10) == 0:
                draw.text((start + width, floor + 9), f"{bar * step}", fill=_INK, font=font, anchor="mm")
    with atomic_path(path) as partial:
        picture.quantize(16).save(partial, format="PNG", optimize=True)
