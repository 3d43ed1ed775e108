"""The plots show the numbers that they are given, where they say."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageColor

from vimotion.evaluation.plots import CONTESTANTS, draw_plots, entered, look

RED, BLUE = look("intergen").colour, look("vimotion").colour


def entry(success: float, fid: float | None = None, r_precision: float = 0.5, **kinds: float) -> dict[str, Any]:
    interval = [max(0.0, success - 0.05), min(1.0, success + 0.05)]
    measures = {"success": {"mean": success, "interval": interval}}
    if fid is not None:
        measures |= {"fid": {"mean": fid, "interval": None}, "r_precision_3": {"mean": r_precision, "interval": None}}
    return {"success_interval": interval, "measures": measures, "kinds": kinds}


def pixels(path: Path, colour: str) -> np.ndarray:
    """(N, 2) x and y of what has this colour."""
    image = np.asarray(Image.open(path).convert("RGB")).astype(int)
    found = np.abs(image - ImageColor.getrgb(colour)).max(axis=-1) < 12
    return np.argwhere(found)[:, ::-1]


def test_every_plot_that_has_numbers(tmp_path: Path) -> None:
    summary = {"text_to_motion": {"vimotion": entry(0.5, 3.0, hug=0.5)}, "reaction": {"vimotion": entry(0.5, hug=0.4)}}
    written = draw_plots({"summary": summary}, tmp_path / "plots")
    assert [path.name for path in written] == ["success.png", "quality.png", "kinds.png"]
    assert sorted(path.name for path in (tmp_path / "plots").iterdir()) == sorted(path.name for path in written)
    without = draw_plots({"summary": {"reaction": {"vimotion": entry(0.5)}}}, tmp_path / "few")
    assert [path.name for path in without] == ["success.png"]


def test_more_right_answers_stand_further_right(tmp_path: Path) -> None:
    summary = {"reaction": {"vimotion": entry(0.8), "intergen": entry(0.2)}}
    draw_plots({"summary": summary}, tmp_path)
    good, bad = (pixels(tmp_path / "success.png", colour) for colour in (BLUE, RED))
    assert good[:, 0].min() > bad[:, 0].max()
    # the interval is a tenth of the axis
    assert np.ptp(good[:, 0]) == pytest.approx(np.ptp(bad[:, 0]), abs=4)


def test_better_quality_stands_further_left_and_higher(tmp_path: Path) -> None:
    summary = {"text_to_motion": {"vimotion": entry(0.8, 0.0, 0.9), "intergen": entry(0.2, 160.0, 0.1)}}
    draw_plots({"summary": summary}, tmp_path)
    legend = 2 * (70 + 380 + 15)
    good, bad = (pixels(tmp_path / "quality.png", colour) for colour in (BLUE, RED))
    good, bad = (found[found[:, 0] < legend] for found in (good, bad))
    assert good[:, 0].max() < bad[:, 0].min() and good[:, 1].max() < bad[:, 1].min()


def test_heat_is_darker_where_more_is_right(tmp_path: Path) -> None:
    for share in (0.0, 1.0):
        summary = {"reaction": {"vimotion": entry(share, hug=share, bow=share)}}
        draw_plots({"summary": summary}, tmp_path / f"{share:g}")
    dark, light = (np.asarray(Image.open(tmp_path / f"{share}" / "kinds.png").convert("L")).mean() for share in (1, 0))
    assert dark < light - 1


def test_words_are_neither_cut_off_nor_on_each_other(tmp_path: Path) -> None:
    alone = {task: {"real": entry(0.5, bow=0.5)} for task in ("motion_to_text", "text_to_motion", "prediction")}
    for number in (1, 3):
        chosen = dict(list(alone.items())[:number])
        for path in draw_plots({"summary": chosen}, tmp_path / str(number)):
            ink = np.asarray(Image.open(path).convert("L")) < 200
            assert not ink[:, :8].any() and not ink[:, -8:].any() and not ink[:8].any() and not ink[-8:].any(), path.name
    # three names of benchmarks: between them there are gaps as wide as no gap between letters
    names = (np.asarray(Image.open(tmp_path / "3" / "kinds.png").convert("L")) < 200)[104:128].any(axis=0)
    starts = np.flatnonzero(np.diff(names.astype(int)) == 1)
    ends = np.flatnonzero(np.diff(names.astype(int)) == -1)
    assert (starts[1:] - ends[:-1] > 14).sum() == 2


def test_contestants_have_looks_of_their_own() -> None:
    assert len({shown.colour for shown in CONTESTANTS.values()}) == len(CONTESTANTS)
    assert len({(shown.corners, shown.turn) for shown in CONTESTANTS.values()}) == len(CONTESTANTS)
    assert entered({"reaction": {"somebody_else": {}, "chain": {}}, "editing": {"real": {}}}) == [
        "real",
        "chain",
        "somebody_else",
    ]
    assert look("somebody_else").title == "somebody else"
    names = ["real", "with", "without"]
    assert len({look(name, names)[1:] for name in names}) == 3
