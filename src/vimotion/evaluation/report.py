"""Outcomes → a summary → tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.stats import t as student

from vimotion.errors import UserError
from vimotion.evaluation.bodies import ContactCounts
from vimotion.evaluation.captions import METEOR_VARIANT
from vimotion.evaluation.crowd import Measures, contact_measures
from vimotion.evaluation.examples import QUESTIONS
from vimotion.evaluation.extractor import check_comparable
from vimotion.evaluation.metrics import mean_interval, wilson_interval

if TYPE_CHECKING:
    from vimotion.evaluation.evaluate import EvaluateRecipe


@dataclass(frozen=True)
class Shown:
    """How a measure is shown.

    Attributes:
        label: its name in the field.
        part: the table that it stands in.
        better: which values are better; "real" are those near the real data's.
        decimals: that are shown; unit: of the value, where it has one; "%" is a share, shown times 100.
    """

    label: str
    part: Literal["answers", "bodies", "texts", "judge"]
    better: Literal["higher", "lower", "real"]
    decimals: int
    unit: str = ""

    @property
    def head(self) -> str:
        arrow = {"higher": "↑", "lower": "↓", "real": "→"}[self.better]
        return f"{self.label} {arrow}" + (f" {self.unit}" if self.unit else "")


MEASURES = {
    "success": Shown("success", "answers", "higher", 1, "%"),
    "failed": Shown("failed", "answers", "lower", 1, "%"),
    "r_precision_1": Shown("R-precision@1", "answers", "higher", 3),
    "r_precision_2": Shown("@2", "answers", "higher", 3),
    "r_precision_3": Shown("@3", "answers", "higher", 3),
    "fid": Shown("FID", "answers", "lower", 3),
    "mm_distance": Shown("MM-distance", "answers", "lower", 3),
    "diversity": Shown("diversity", "answers", "real", 3),
    "multimodality": Shown("multimodality", "answers", "higher", 3),
    "mpjpe": Shown("MPJPE", "bodies", "lower", 3, "m"),
    "mpjpe_rooted": Shown("MPJPE rooted", "bodies", "lower", 3, "m"),
    "relation_error": Shown("relation error", "bodies", "lower", 3, "m"),
    "contact_precision": Shown("contact precision", "bodies", "higher", 1, "%"),
    "contact_recall": Shown("contact recall", "bodies", "higher", 1, "%"),
    "foot_sliding": Shown("foot sliding", "bodies", "lower", 3, "m/s"),
    "ground_penetration": Shown("ground penetration", "bodies", "lower", 4, "m"),
    "mutual_penetration": Shown("mutual penetration", "bodies", "lower", 4, "m"),
    "jerk": Shown("jerk", "bodies", "real", 1, "m/s³"),
    "bleu_1": Shown("BLEU-1", "texts", "higher", 3),
    "bleu_4": Shown("BLEU-4", "texts", "higher", 3),
    "rouge_l": Shown("ROUGE-L", "texts", "higher", 3),
    "meteor": Shown("METEOR", "texts", "higher", 3),
    "cider": Shown("CIDEr-D", "texts", "higher", 3),
    "sentence_likeness": Shown("sentence likeness", "texts", "higher", 3),
    "logic": Shown("logic", "judge", "higher", 2),
    "content": Shown("content", "judge", "higher", 2),
    "naturalness": Shown("naturalness", "judge", "higher", 2),
}
PARTS = {"answers": "", "bodies": "Bodies:", "texts": "Words:", "judge": "A language model as judge, 0 to 10:"}
# Outcome fields that are no measures.
_NOT_MEASURED = {
    "contestant", "task", "kind", "example", "seed", "by", "text", "detail", "reason", "answer", "vector", "contacts",
}  # fmt: skip
_REASONS = 6
# Measures of those answers alone that have them.
_OF_SOME = ("_where_recognised", "_where_said")


def summarise(lines: Sequence[Mapping[str, Any]], crowds: Mapping[str, Mapping[str, Measures]] | None = None) -> dict[str, Any]:
    """task → contestant → how many answers there are, measures, and successes by kind and by edit, question or manner.

    Args:
        lines: outcomes, as outcomes.jsonl has them.
        crowds: task → contestant → measures of all its answers together.

    A measure's mean is over seeds, its `interval` of 95 % over examples (of shares Wilson's); `lowest` and `highest` are over
    seeds. A failed answer counts as wrong in every share but those "where recognised" and "where said".
    """
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for line in lines:
        groups[line["task"], line["contestant"]].append(line)
    summary: dict[str, Any] = {}
    for (task, contestant), group in groups.items():
        entry = _summary(group)
        entry["measures"] |= (crowds or {}).get(task, {}).get(contestant, {})
        summary.setdefault(task, {})[contestant] = entry
    return summary


def table(results: Mapping[str, Any], recipe: EvaluateRecipe) -> str:
    """Markdown: of each benchmark a row a contestant and a column a measure, then successes in detail and what was wrong."""
    summary = {task: results["summary"][task] for task in recipe.tasks if task in results["summary"]}
    lines = [f"# {recipe.name}", "", _preface(results, recipe)]
    for task, found in summary.items():
        lines += ["", f"## {task.replace('_', ' ')}", *_tables(found, cell)]
        if task in QUESTIONS and recipe.judge is None:
            lines += ["", "Not asked: a language model as judge. The recipe names none (`judge`)."]
    lines += _compared(results.get("compared", {}))
    if "against" in results:
        lines += _against(results["against"])
    lines += _details(summary)
    for contestant in recipe.contestants:
        entries = {task: found[contestant] for task, found in summary.items() if contestant in found}
        for part, what in (("kinds", "interaction"), ("details", "edit, question or manner")):
            lines += _parts(contestant, what, {task: entry[part] for task, entry in entries.items() if entry[part]})
    if "codec" in results:
        told = ", ".join(
            f"{name.removesuffix('_mm').replace('_', ' ')} {value:.1f} mm" for name, value in results["codec"].items()
        )
        lines += ["", f"The codec on held-out clips, mean errors: {told}."]
    lines += ["", "## Why answers failed or were wrong, commonest first", ""]
    for task, found in summary.items():
        for name, entry in found.items():
            if entry["reasons"]:
                told = ", ".join(
                    f"{reason.rstrip('.')} ({count})" for reason, count in list(entry["reasons"].items())[:_REASONS]
                )
                lines.append(f"- {task.replace('_', ' ')}, {name}: {told}")
    return "\n".join(lines) + "\n"


def _preface(results: Mapping[str, Any], recipe: EvaluateRecipe) -> str:
    kinds = f" about {len(recipe.kinds)} kinds of interaction ({', '.join(recipe.kinds)})" if recipe.kinds else ""
    protocol = results["protocol"]
    return (
        f"{recipe.examples} examples a benchmark{kinds} of {results['corpus']['folder']}, split {recipe.split}; seeds "
        f"{', '.join(map(str, recipe.seeds))} (answers in words are not drawn and have one for each training of a model; of "
        "several seeds the mean, and in parentheses the lowest and the highest). "
        f"Extractor `{results['extractor']}`; protocol {recipe.protocol}, batches of {protocol['batch']}, "
        f"{protocol['repeats']} repeats. [low, high] and ± are intervals of 95 %. A failed answer counts as wrong; FID, "
        "distances, diversity and measures of bodies are of what was made. VIMotion answers with the best of the drafts that "
        f"its commands make, InterGEN and the chain with their only one; METEOR is that of {METEOR_VARIANT}."
        + (f" The chain's text model is {_text_model(recipe)}." if "chain" in recipe.contestants else "")
    )


def _text_model(recipe: EvaluateRecipe) -> str:
    return recipe.text_model.model if recipe.text_model else "SmolLM2-135M-Instruct, without sampling"


def check_alike(results: Mapping[str, Any], other: Mapping[str, Any]) -> None:
    """Refuse to compare two runs (what results.json says, but for the summary) that were not measured alike.

    Raises:
        UserError: they differ in extractor or protocol, in the code that judges or measures, in the language model that judges,
            or in the examples.
    """
    check_comparable([results, other])
    for code, done in (("judge", "judged"), ("measures", "measured")):
        if results[code] != other.get(code):
            raise UserError(f"The two runs were {done} by two versions of the code, so their figures must not be compared.")
    if len({str(run["language_judge"]) for run in (results, other) if "language_judge" in run}) > 1:
        raise UserError("Two language models, or two prompts, judged the two runs, so their figures must not be compared.")
    if results["corpus"]["sha256"] != other["corpus"]["sha256"]:
        raise UserError("The two runs were measured on two corpora, so their figures must not be compared.")
    mine, theirs = (one.get("conversations", {}).get("sha256") for one in (results, other))
    if mine and theirs and mine != theirs:
        raise UserError("The two runs were drawn from two sets of conversations, so their figures must not be compared.")
    for key in ("examples", "example_seed", "split", "kinds"):
        if results["recipe"][key] != other["recipe"][key]:
            raise UserError(f"The two runs were asked other examples ({key!r} differs), so their figures must not be compared.")


def compare(lines: Sequence[Mapping[str, Any]], pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """How much more often one contestant is right than another on the same examples: "one − other" → task → figures.

    `mean`; `interval` of 95 % over examples, each of which is paired with itself; and, where both have several seeds, `seeds`:
    the difference at each, and `seed_interval` by Student's t over these, which tells what another training would do.
    """
    right: dict[tuple[str, str], dict[tuple[str, int], bool]] = defaultdict(dict)
    for line in lines:
        right[line["task"], line["contestant"]][line["example"], line["seed"]] = bool(line["success"])
    tasks = dict.fromkeys(line["task"] for line in lines)
    found: dict[str, Any] = {}
    for one, other in pairs:
        both = {task: (right[task, one], right[task, other]) for task in tasks if {(task, one), (task, other)} <= right.keys()}
        found[f"{one} − {other}"] = {task: _difference(*answers) for task, answers in both.items()}
    return found


def _difference(one: Mapping[tuple[str, int], bool], other: Mapping[tuple[str, int], bool]) -> dict[str, Any]:
    """Of two contestants' answers, by example and seed."""

    def shares(answers: Mapping[tuple[str, int], bool], by: int) -> dict[Any, float]:
        groups: dict[Any, list[bool]] = defaultdict(list)
        for key, right in answers.items():
            groups[key[by]].append(right)
        return {key: float(np.mean(values)) for key, values in groups.items()}

    mine, theirs = shares(one, 0), shares(other, 0)
    changes = [mine[example] - theirs[example] for example in mine]
    found: dict[str, Any] = {"mean": float(np.mean(changes)), "interval": mean_interval(changes)}
    mine, theirs = shares(one, 1), shares(other, 1)
    if len(mine) == len(theirs) > 1:
        found["seeds"] = [mine[seed] - theirs[seed] for seed in sorted(mine)]
        found["seed_interval"] = mean_interval(found["seeds"], float(student.ppf(0.975, len(mine) - 1)))
    return found


def differences(results: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """What the means of `results` are more than those of another run: task → contestant → {"measures"}."""
    found: dict[str, Any] = {}
    for task, contestants in results["summary"].items():
        for name, entry in contestants.items():
            before = other["summary"].get(task, {}).get(name, {"measures": {}})["measures"]
            changes = {
                measure: {"mean": value["mean"] - before[measure]["mean"], "interval": None}
                for measure, value in entry["measures"].items()
                if measure in before
            }
            if changes:
                found.setdefault(task, {})[name] = {"measures": changes}
    return found


def _summary(group: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Of one contestant's answers to one task."""
    seeds = sorted({line["seed"] for line in group})
    names = dict.fromkeys(["success", "failed", *(name for line in group for name in line if name not in _NOT_MEASURED)])
    measures = {name: measure for name in names if (measure := _measure(name, group)) is not None}
    measures |= _contacts(group)
    kinds: dict[str, list[bool]] = defaultdict(list)
    details: dict[str, list[bool]] = defaultdict(list)
    reasons: dict[str, int] = defaultdict(int)
    for line in group:
        if line["kind"]:
            kinds[line["kind"]].append(line["success"])
        if "detail" in line:
            details[line["detail"].partition(" ")[0]].append(line["success"])  # whoever takes on a manner
        if "reason" in line:
            reasons[line["reason"]] += 1
    return {
        "answers": len(group),
        "failed": sum(bool(line.get("failed")) for line in group),
        "seeds": seeds,
        "success_interval": measures["success"]["interval"],
        "measures": measures,
        "kinds": {kind: sum(right) / len(right) for kind, right in sorted(kinds.items())},
        "details": {detail: sum(right) / len(right) for detail, right in sorted(details.items())},
        "reasons": dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0]))),
    }


def _measure(name: str, group: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Mean over seeds and interval over examples (with several seeds an example is still one example) of what lines have."""
    share = all(isinstance(line[name], bool) for line in group if name in line)
    seeds: dict[int, list[float]] = defaultdict(list)
    examples: dict[str, list[float]] = defaultdict(list)
    for line in group:
        value = line.get(name, _missing(name, line) if share else None)
        if value is not None:
            seeds[line["seed"]].append(float(value))
            examples[line["example"]].append(float(value))
    if not seeds:
        return None
    each = [float(np.mean(values)) for values in seeds.values()]
    rates = [float(np.mean(values)) for values in examples.values()]
    interval = wilson_interval(sum(rates), len(rates)) if share else mean_interval(rates)
    return {
        "mean": float(np.mean(each)),
        "interval": None if interval is None else list(interval),
        "lowest": min(each),
        "highest": max(each),
    }


def _missing(name: str, line: Mapping[str, Any]) -> bool | None:
    """What an answer counts as that does not have this share; None where it does not count."""
    if name.endswith(_OF_SOME) or (name.startswith("said_") and not line.get("failed")):
        return None
    return False


def _contacts(group: Sequence[Mapping[str, Any]]) -> Measures:
    counts: dict[str, ContactCounts] = defaultdict(ContactCounts)
    for line in group:
        if "contacts" in line:
            counts[line["example"]] += ContactCounts(*line["contacts"])
    return contact_measures(list(counts.values())) if counts else {}


def _tables(found: Mapping[str, Mapping[str, Any]], cell: Callable[[str, Mapping[str, Any] | None], str]) -> list[str]:
    """Of one benchmark: a table for each part of the measures that somebody has, a row a contestant."""
    lines: list[str] = []
    for part, title in PARTS.items():
        names = [
            name
            for name, shown in MEASURES.items()
            if shown.part == part and any(name in entry["measures"] for entry in found.values())
        ]
        if names:
            lines += ["", *([title, ""] if title else [])]
            lines += _grid("", [MEASURES[name].head for name in names], {
                contestant: [cell(name, entry["measures"].get(name)) for name in names]
                for contestant, entry in found.items()
                if any(name in entry["measures"] for name in names)
            })  # fmt: skip
    return lines


def _grid(corner: str, heads: Iterable[str], rows: Mapping[str, Iterable[str]]) -> list[str]:
    heads = list(heads)
    lines = [f"| {corner} | " + " | ".join(heads) + " |", "|---|" + "---|" * len(heads)]
    return lines + [f"| {name} | " + " | ".join(cells) + " |" for name, cells in rows.items()]


def _compared(compared: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Differences of two contestants in success, in points of a hundred."""
    lines: list[str] = []
    for pair, found in compared.items():
        rows = {
            task.replace("_", " "): [
                f"{100 * one['mean']:+.1f}", _points(one["interval"]),
                ", ".join(f"{100 * seed:+.1f}" for seed in one.get("seeds", ())), _points(one.get("seed_interval")),
            ]
            for task, one in found.items()
        }  # fmt: skip
        heads = ("success, points", "95 % over examples", "at each seed", "95 % over seeds")
        lines += ["", f"## {pair}, on the same examples", "", *_grid("", heads, rows)] if rows else []
    return lines


def _points(interval: Sequence[float] | None) -> str:
    return "–" if interval is None else f"[{100 * interval[0]:+.1f}, {100 * interval[1]:+.1f}]"


def _against(against: Mapping[str, Any]) -> list[str]:
    """Differences in the form of the tables."""
    lines = ["", f"# What is more or less than in {against['name']}", ""]
    lines += ["Differences of the means. One that is smaller than the intervals of both runs says nothing."]
    for task, found in against["differences"].items():
        lines += ["", f"## {task.replace('_', ' ')}", *_tables(found, _signed)]
    return lines


def _details(summary: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Shares that stand in no table of a benchmark: a row each, a column a contestant."""
    contestants = dict.fromkeys(name for found in summary.values() for name in found)
    rows: dict[str, list[str]] = {}
    for task, found in summary.items():
        for name in dict.fromkeys(name for entry in found.values() for name in entry["measures"] if name not in MEASURES):
            measures = [found[one]["measures"].get(name) if one in found else None for one in contestants]
            rows[f"{task}: {name}".replace("_", " ")] = [f"{one['mean']:.1%}" if one else "" for one in measures]
    return ["", "## Shares in detail", "", *_grid("", contestants, rows)] if rows else []


def _parts(contestant: str, what: str, shares: Mapping[str, Mapping[str, float]]) -> list[str]:
    """A table of one contestant: a column a task, a row a kind of interaction, edit, question or manner."""
    if not shares:
        return []
    names = sorted({name for found in shares.values() for name in found})
    rows = {name: [f"{found[name]:.0%}" if name in found else "" for found in shares.values()] for name in names}
    return ["", f"## {contestant}: success by {what}, over all seeds", "", *_grid(what, shares, rows)]


def cell(name: str, measure: Mapping[str, Any] | None) -> str:
    """A measure as every table shows it: in its unit and with its interval; "–" where it was not measured."""
    if measure is None:
        return "–"
    shown, factor = MEASURES[name], 100 if MEASURES[name].unit == "%" else 1
    text = f"{factor * measure['mean']:.{shown.decimals}f}"
    if measure["interval"] is not None:
        low, high = (factor * bound for bound in measure["interval"])
        share, half = f"[{low:.{shown.decimals}f}, {high:.{shown.decimals}f}]", f"±{(high - low) / 2:.{shown.decimals}f}"
        text += f" {share if shown.unit == '%' else half}"
    lowest, highest = (factor * measure.get(name, measure["mean"]) for name in ("lowest", "highest"))
    return text if lowest == highest else f"{text} ({lowest:.{shown.decimals}f} to {highest:.{shown.decimals}f})"


def _signed(name: str, measure: Mapping[str, Any] | None) -> str:
    if measure is None:
        return "–"
    shown = MEASURES[name]
    return f"{(100 if shown.unit == '%' else 1) * measure['mean']:+.{shown.decimals}f}"
