"""Outcomes → a summary → a table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import median
from typing import TYPE_CHECKING, Any

from vimotion.evaluation.metrics import spread, wilson_interval

if TYPE_CHECKING:
    from vimotion.evaluation.evaluate import EvaluateRecipe

# Outcome fields that are no measures.
_NOT_MEASURED = ("contestant", "task", "kind", "example", "seed", "text", "detail", "reason", "answer", "malformed")
_REASONS = 6
# Measures of those answers alone that have them.
_OF_SOME = ("_where_recognised", "_where_said")


def summarise(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """task → contestant → the share of answers that each measure holds for (or its median, for numbers) over seeds."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for line in lines:
        groups[line["task"], line["contestant"]].append(line)
    summary: dict[str, Any] = {}
    for (task, contestant), group in groups.items():
        summary.setdefault(task, {})[contestant] = _summary(group)
    return summary


def table(results: Mapping[str, Any], recipe: EvaluateRecipe) -> str:
    """Markdown: a row a task and measure, a column a contestant; median over seeds, and the range where it has one."""
    summary = results["summary"]
    contestants = [name for name in recipe.contestants if any(name in found for found in summary.values())]
    lines = [
        f"# {recipe.name}", "",
        f"{recipe.examples} examples a task{_of_kinds(recipe)}, seeds {', '.join(map(str, recipe.seeds))}; "
        "% of answers (median over seeds, range). An answer that failed or could not be read counts as wrong, but for "
        "\"where recognised\" and \"where said\". Answers in words are not drawn, so they have one seed.", "",
        "| task | measure | " + " | ".join(contestants) + " |", "|---|---|" + "---|" * len(contestants),
    ]  # fmt: skip
    for task in (task for task in recipe.tasks if task in summary):
        found = summary[task]
        measures = dict.fromkeys(measure for name in contestants if name in found for measure in found[name]["measures"])
        for measure in measures:
            cells = [_cell(found[name]["measures"].get(measure)) if name in found else "" for name in contestants]
            lines.append(f"| {task} | {measure.replace('_', ' ')} | " + " | ".join(cells) + " |")
    lines += ["", "Pooled over seeds:", ""]
    for task in (task for task in recipe.tasks if task in summary):
        for name, entry in summary[task].items():
            low, high = entry["success_interval"]
            told = (
                f"{entry['answers']} answers, {entry['malformed']} malformed, success {low:.1%} to {high:.1%} (95 % interval "
                "over examples)"
            )
            lines.append(f"- {task}, {name}: {told}")
    for contestant in contestants:
        entries = {task: summary[task][contestant] for task in recipe.tasks if contestant in summary.get(task, {})}
        for part, what in (("kinds", "interaction"), ("details", "edit or question")):
            lines += _parts(contestant, what, {task: entry[part] for task, entry in entries.items() if entry[part]})
    if "codec" in results:
        told = ", ".join(
            f"{name.removesuffix('_mm').replace('_', ' ')} {value:.1f} mm" for name, value in results["codec"].items()
        )
        lines += ["", f"The codec on held-out clips, mean errors: {told}."]
    lines += ["", "## Why answers failed, commonest first", ""]
    for task in (task for task in recipe.tasks if task in summary):
        for name, entry in summary[task].items():
            if entry["reasons"]:
                told = ", ".join(f"{reason} {count}" for reason, count in list(entry["reasons"].items())[:_REASONS])
                lines.append(f"- {task}, {name}: {told}")
    return "\n".join(lines) + "\n"


def _of_kinds(recipe: EvaluateRecipe) -> str:
    return f" of {len(recipe.kinds)} kinds of interaction ({', '.join(recipe.kinds)})" if recipe.kinds else ""


def _parts(contestant: str, what: str, shares: Mapping[str, Mapping[str, float]]) -> list[str]:
    """A table of one contestant: a column a task, a row a kind of interaction, edit or question."""
    if not shares:
        return []
    names = sorted({name for found in shares.values() for name in found})
    rows = [
        f"| {name} | " + " | ".join(f"{found[name]:.0%}" if name in found else "" for found in shares.values()) + " |"
        for name in names
    ]
    head = ["", f"## {contestant}: success by {what}, over all seeds", ""]
    return [*head, f"| {what} | " + " | ".join(shares) + " |", "|---|" + "---|" * len(shares), *rows]


def _summary(group: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Of one contestant's answers to one task."""
    seeds = sorted({line["seed"] for line in group})
    names = dict.fromkeys(name for line in group for name in line if name not in _NOT_MEASURED)
    measures: dict[str, Any] = {}
    for name in names:
        values = {seed: _value(name, [line for line in group if line["seed"] == seed]) for seed in seeds}
        measured = [value for value in values.values() if value is not None]
        measures[name] = {"share": _is_share(group, name), **asdict(spread(measured))}
    rates = _rates(group)
    kinds: dict[str, list[bool]] = defaultdict(list)
    details: dict[str, list[bool]] = defaultdict(list)
    reasons: dict[str, int] = defaultdict(int)
    for line in group:
        kinds[line["kind"]].append(line["success"])
        if "detail" in line:
            details[line["detail"].partition(" ")[0]].append(line["success"])  # whoever takes on a manner
        if "reason" in line:
            reasons["malformed" if line.get("malformed") else line["reason"]] += 1
    return {
        "answers": len(group),
        "seeds": seeds,
        "malformed": sum(bool(line.get("malformed")) for line in group),
        "success_interval": list(wilson_interval(sum(rates), len(rates))),
        "measures": measures,
        "kinds": {kind: sum(right) / len(right) for kind, right in sorted(kinds.items())},
        "details": {detail: sum(right) / len(right) for detail, right in sorted(details.items())},
        "reasons": dict(sorted(reasons.items(), key=lambda item: -item[1])),
    }


def _rates(group: Sequence[Mapping[str, Any]]) -> list[float]:
    """Share of right answers to each example: with several seeds an example is still one example."""
    answers: dict[str, list[bool]] = defaultdict(list)
    for line in group:
        answers[line["example"]].append(line["success"])
    return [sum(right) / len(right) for right in answers.values()]


def _value(name: str, lines: Sequence[Mapping[str, Any]]) -> float | None:
    """Share of right answers, failed ones counted as wrong where they should have the measure; or the median of numbers."""
    numbers = [line[name] for line in lines if name in line]
    if not _is_share(lines, name):
        return float(median(numbers)) if numbers else None
    if name.endswith(_OF_SOME):
        return sum(numbers) / len(numbers) if numbers else None
    asked = len(numbers) + sum(bool(line.get("malformed")) for line in lines)
    return sum(numbers) / asked if asked and name.startswith("said_") else sum(numbers) / len(lines)


def _is_share(lines: Sequence[Mapping[str, Any]], name: str) -> bool:
    return all(isinstance(line[name], bool) for line in lines if name in line)


def _cell(measure: Mapping[str, Any] | None) -> str:
    if measure is None:
        return ""
    form = "{:.1%}" if measure["share"] else "{:.3f}"
    shown = form.format(measure["median"]).replace("%", " %")
    if measure["lowest"] == measure["highest"]:
        return shown
    bounds = " – ".join(form.format(measure[bound]).removesuffix("%") for bound in ("lowest", "highest"))
    return f"{shown} ({bounds})"
