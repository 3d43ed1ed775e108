"""The data card of a prepared data set: README.md of its folder, in the form of the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

from vimotion.corpora.card import duration_rows, size_category, split_rows

_TEXT = Path(__file__).parent / "recorded_card.txt"
# Clips that the card names where it says why they are left out; info.json names all.
_NAMED = 20
_FLOORS = {
    "together": "the lowest joint of everybody is on the ground",
    "each": "each person alone is put on the ground, as InterGen's loader does it",
}


def card(info: Mapping[str, Any]) -> str:
    """The text of the card from the final info.json, and from nothing else."""
    options: dict[str, Any] = info["options"]
    return Template(_TEXT.read_text(encoding="utf-8")).substitute(
        corpus=info["corpus"],
        size=size_category(info["num_clips"]),
        clips=f"{info['num_clips']:,}",
        length=f"{info['hours']:,.1f} hours" if info["hours"] >= 1 else f"{60 * info['hours']:.1f} minutes",
        fps=f"{info['fps']:g}",
        people=" and ".join(f"{name} ({number:,})" for name, number in info["people"].items()),
        sources=f"{info['sources']:,}",
        captions=f"{info['captions']:,}",
        words=info["words_a_caption"],
        without=f"{info['clips_without_caption']:,}",
        licence=info["licence"],
        code=info["code"],
        options="".join(f" {_option(name, value)}" for name, value in options.items() if value not in (None, False)),
        floor=_FLOORS[options.get("floor", "together")],
        mirror=" Each training clip also comes as its mirror image, with left and right exchanged in its captions."
        if options["mirror"]
        else "",
        splits=split_rows(info),
        durations=duration_rows(info),
        oddities="\n".join(f"- {sentence}" for sentence in info["oddities"]) or "Nothing.",
        left_out=_reasons(info["left_out"], "Nothing."),
        remarks=_reasons(info["remarks"], "None."),
    )


def _option(name: str, value: Any) -> str:
    flag = f"--{name.replace('_', '-')}"
    if value is True:
        return flag
    return f"{flag} {'FILE' if str(value).startswith('sha256:') else value}"


def _reasons(reasons: Mapping[str, str], none: str) -> str:
    if not reasons:
        return none
    named = [f"- `{identifier}`: {reason}" for identifier, reason in list(reasons.items())[:_NAMED]]
    return "\n".join([f"{len(reasons):,} clips, all of them in `info.json`.", "", *named])
