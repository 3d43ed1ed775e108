"""The measures of realism as tables to read and a plot to look at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont
from rich.table import Table as RichTable

from vimotion.artifacts import atomic_path
from vimotion.corpora.anatomy import LIMITS
from vimotion.corpora.store import write_json
from vimotion.motion import JOINTS

Report = dict[str, Any]

_METHOD = """Speeds, accelerations and jerks are scaled to legs of one length (hip to ankle, 0.84 m) and low-passed at 6 Hz; \
all else is as it is. Of a clip only the seconds of the action count, of both the still beginning and end do not. Of walks and \
runs the first and the last 0.6 s do not either: takes of them begin and end at full speed. Takes have other skeletons: their \
joints lie some centimetres elsewhere in the body, and which hand is straight was their makers' choice.
"""
# A median within this factor of the real one is alike.
FACTOR = 2.0


@dataclass(frozen=True)
class Table:
    """A titled table of text."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]

    def rich(self) -> RichTable:
        table = RichTable(title=self.title, title_justify="left")
        for number, column in enumerate(self.columns):
            table.add_column(column, justify="right" if number else "left")
        for row in self.rows:
            table.add_row(*row)
        return table

    def markdown(self) -> str:
        lines = [self.columns, ("---", *["---:"] * (len(self.columns) - 1)), *self.rows]
        return f"## {self.title}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def tables(report: Report) -> list[Table]:
    """Everything that was measured: first what has a target, then actions, joints, contacts, kinds."""
    found = [_targets(report), _joints(report), _contacts(report), _kinds(report)]
    if "actions" in report:
        found.insert(1, _actions(report))
        found += [_kinematics(action, values) for action, values in report["actions"].items()]
    return found


def write_report(report: Report, folder: Path) -> list[Path]:
    """realism.json and realism.md and, where there were takes, realism.png."""
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / "realism.json", folder / "realism.md"]
    write_json(written[0], report)
    text = f"# Realism of {report['clips']:,} scripted clips\n\n{_METHOD}\n"
    with atomic_path(written[1]) as temporary:
        temporary.write_text(text + "\n".join(table.markdown() for table in tables(report)), encoding="utf-8")
    if report.get("actions"):
        written.append(folder / "realism.png")
        with atomic_path(written[2]) as temporary:
            plot(report["actions"]).save(temporary, format="png")
    return written


def _targets(report: Report) -> Table:
    scripted, pairs, real = report["scripted"], report["pairs"], report.get("real")

    def row(name: str, ours: Report, theirs: Report | None, target: str, met: bool | None) -> tuple[str, ...]:
        values = [f"{one[key]:.2f}" if one else "" for one in (ours, theirs) for key in ("median", "p95", "highest")]
        return (name, *values, target, "" if met is None else "yes" if met else "NO")

    def own(key: str) -> tuple[Report, Report | None]:
        return scripted[key], real[key] if real else None

    nothing = {"median": float("nan"), "p95": float("nan"), "highest": float("nan")}
    slide, contact = scripted["sliding_cm_s"], pairs["contact_cm"].get("all", nothing)
    worst = {
        (name, key): max((joint[key], part) for part, joint in one["joints"].items())
        for name, one in _bodies(report)
        for key in ("beyond", "worst_beyond")
    }
    inside = {name: f"{one['centre_of_mass_inside']:.1%}" for name, one in _bodies(report)}
    spread = [kinds["mean"] for kinds in pairs["variety_cm"].values()]

    def single(name: str, values: dict[str, str], target: str = "", met: bool | None = None) -> tuple[str, ...]:
        cells = (values["scripted"], "", "", values.get("real", ""), "", "")
        return (name, *cells, target, "" if met is None else "yes" if met else "NO")

    def worst_joint(key: str, form: str) -> dict[str, str]:
        found = {name: worst[name, key] for name, _ in _bodies(report)}
        return {name: f"{value:{form}} {part}" if value else "0" for name, (value, part) in found.items()}

    rows = [
        row("planted feet slide, cm/s", *own("sliding_cm_s"), "1 / 4", slide["median"] < 1 and slide["p95"] < 4),
        row("labelled contacts missed, cm", contact, None, "3 / 6", contact["median"] < 3 and contact["p95"] < 6),
        row("below the ground, cm", *own("sunk_cm"), "all 1", scripted["sunk_cm"]["highest"] < 1),
        row("torso in torso, cm", pairs["torso_overlap_cm"], None, "all 0", pairs["torso_overlap_cm"]["highest"] == 0),
        row("other limbs in each other, cm", pairs["limb_overlap_cm"], None, "", None),
        single(
            "frames beyond a joint's limit, worst joint",
            worst_joint("beyond", ".2%"),
            "all 0",
            worst["scripted", "beyond"][0] == 0,
        ),
        single("… by at most, degrees", worst_joint("worst_beyond", ".1f")),
        single("standing with the centre of mass over the soles", inside),
        row("… outside by, cm", *own("centre_of_mass_outside_cm"), "", None),
        single("share of left among the hands that lead", {"scripted": f"{pairs['left_share']:.0%}"}),
    ]
    if spread:
        rows.append(single("least variety of a kind, cm a joint (copies: 0)", {"scripted": f"{min(spread):.1f}"}))
    columns = ("", "scripted: median", "95 %", "highest", "real: median", "95 %", "highest", "target", "met")
    return Table("Scripted against real", columns, rows)


def _bodies(report: Report) -> Iterator[tuple[str, Report]]:
    return ((name, report[name]) for name in ("scripted", "real") if name in report)


def _actions(report: Report) -> Table:
    rows = []
    for action, values in report["actions"].items():
        joints = values["joints"]
        alike = [sum(_alike(joint[name]["ratio"]) for joint in joints.values()) for name in ("speed", "acceleration", "jerk")]
        off = sorted(joints, key=lambda joint: max(joints[joint]["jerk"]["ratio"], 1 / joints[joint]["jerk"]["ratio"]))[::-1]
        named = ", ".join(f"{joint} ×{joints[joint]['jerk']['ratio']:.2f}" for joint in off[:3])
        rows.append((action, *(f"{n}" for n in values["frames"]), *(f"{n} of {len(joints)}" for n in alike), named))
    columns = ("action", "frames", "real frames", "speed alike", "acceleration alike", "jerk alike", "jerk furthest off")
    return Table(f"Joints with a median within a factor of {FACTOR:g} of the real one", columns, rows)


def _alike(ratio: float) -> bool:
    return 1 / FACTOR <= ratio <= FACTOR


def _joints(report: Report) -> Table:
    rows = []
    for part, limit in LIMITS.items():
        row = [part]
        for axis in range(3):
            row.append(f"{limit.lowest[axis]:.0f} … {limit.highest[axis]:.0f}")
            ranges = [one["joints"][part] for _, one in _bodies(report)]
            row += [f"{joint['p1'][axis]:.0f} … {joint['p99'][axis]:.0f}" for joint in ranges]
        row += [f"{one['joints'][part]['beyond']:.2%}" for _, one in _bodies(report)]
        rows.append(tuple(row))
    names = [name for name, _ in _bodies(report)]
    columns = [f"{axis} {name}" for axis in "xyz" for name in ("limit", *names)]
    return Table("Joint angles, degrees: limit, 1 to 99 % of frames, frames beyond", ("", *columns, *names), rows)


def _contacts(report: Report) -> Table:
    rows = [
        (target, str(values["count"]), *(f"{values[key]:.2f}" for key in ("median", "p95", "highest")))
        for target, values in report["pairs"]["contact_cm"].items()
    ]
    return Table("Labelled contacts missed, cm", ("touched", "frames", "median", "95 %", "highest"), rows)


def _kinds(report: Report) -> Table:
    pairs = report["pairs"]
    rows = [
        (
            kinds,
            f"{values['mean']:.1f}",
            f"{values['closest']:.1f}",
            str(pairs["torso_overlap_frames"].get(kinds, 0)),
            str(pairs["limb_overlap_frames"].get(kinds, 0)),
        )
        for kinds, values in pairs["variety_cm"].items()
    ]
    columns = ("kind", "mean distance, cm", "closest pair, cm", "frames torso in torso", "frames limbs in each other by 2 cm")
    return Table("Variety of each kind, and bodies in each other", columns, rows)


def _kinematics(action: str, values: Report) -> Table:
    rows = []
    for joint, measured in values["joints"].items():
        cells = [f"{value:.3g}" for name in ("speed", "acceleration", "jerk") for value in measured[name]["median"]]
        highs = [f"{value:.3g}" for name in ("speed", "jerk") for value in measured[name]["p95"]]
        rows.append((joint, *cells, *highs))
    names = ("speed, m/s", "acceleration, m/s²", "jerk, m/s³", "speed 95 %", "jerk 95 %")
    return Table(f"{action}: medians", ("joint", *(f"{name}{who}" for name in names for who in ("", ", real"))), rows)


_COLOURS = ("#1b6ca8", "#d1495b", "#66a182", "#edae49", "#8d5a97", "#2e4057", "#00798c")
_LEFT, _TOP, _ROW, _PANEL, _GAP = 130, 70, 22, 420, 40
_WIDEST = 16.0  # the ratio at the edge of a panel; what is further off is drawn there


def plot(actions: Report) -> Image.Image:
    """Ratio of scripted to real medians of speed and jerk: a row a joint, a colour an action, the alike in the grey band."""
    scale = 2
    size = (_LEFT + 2 * _PANEL + 2 * _GAP, _TOP + _ROW * len(JOINTS) + 60)
    image = Image.new("RGB", (size[0] * scale, size[1] * scale), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(13 * scale)

    def text(x: float, y: float, content: str, anchor: str = "mm", fill: str = "black") -> None:
        draw.text((x * scale, y * scale), content, fill=fill, font=font, anchor=anchor)

    for number, (action, colour) in enumerate(zip(actions, _COLOURS, strict=False)):
        _dot(draw, scale, _LEFT + 100 * number + 10, 20, colour)
        text(_LEFT + 100 * number + 20, 20, action, "lm")
    bottom = _TOP + _ROW * len(JOINTS)
    for row, joint in enumerate(JOINTS):
        text(_LEFT - 10, _TOP + _ROW * (row + 0.5), joint.replace("_", " "), "rm")
    for panel, measure in enumerate(("speed", "jerk")):
        left = _LEFT + panel * (_PANEL + _GAP)
        text(left + _PANEL / 2, 48, f"median {measure}, scripted / real")
        band = [(_across(left, ratio) * scale, y * scale) for ratio, y in ((1 / FACTOR, _TOP), (FACTOR, bottom))]
        draw.rectangle([*band[0], *band[1]], fill="#e6e6e3")
        for ratio, label in (
            (1 / 16, "1/16"),
            (1 / 4, "1/4"),
            (1 / 2, "1/2"),
            (1.0, "1"),
            (2.0, "2"),
            (4.0, "4"),
            (16.0, "16"),
        ):
            x = _across(left, ratio)
            draw.line([x * scale, _TOP * scale, x * scale, bottom * scale], fill="#bbbbb8", width=scale)
            text(x, bottom + 14, label)
        for colour, values in zip(_COLOURS, actions.values(), strict=False):
            for row, joint in enumerate(JOINTS):
                ratio = values["joints"][joint][measure]["ratio"]
                _dot(draw, scale, _across(left, ratio), _TOP + _ROW * (row + 0.5), colour)
    return image.reduce(scale)


def _across(left: float, ratio: float) -> float:
    """Where a ratio lies in the panel that begins at `left`, on a logarithmic axis: pixels."""
    share = log(min(max(ratio, 1 / _WIDEST), _WIDEST)) / log(_WIDEST)
    return left + _PANEL * (share + 1) / 2


def _dot(draw: ImageDraw.ImageDraw, scale: int, x: float, y: float, colour: str) -> None:
    draw.ellipse([(x - 4) * scale, (y - 4) * scale, (x + 4) * scale, (y + 4) * scale], fill=colour)
