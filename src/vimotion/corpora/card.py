"""The data card of a scripted corpus: README.md of its folder, in the form of the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

_TEXT = Path(__file__).parent / "card.txt"
# The hub's size categories: clips below which a name holds.
_SIZES = {1_000: "n<1K", 10_000: "1K<n<10K", 100_000: "10K<n<100K", 1_000_000: "100K<n<1M"}


def card(info: Mapping[str, Any]) -> str:
    """The text of the card from the final info.json, and from nothing else."""
    clips, held_out = info["num_clips"], info["held_out"]
    return Template(_TEXT.read_text(encoding="utf-8")).substitute(
        size=size_category(clips),
        clips=f"{clips:,}",
        scenes=f"{info['scenes']:,}",
        hours=f"{info['hours']:,.1f}",
        count=info["scenes"],
        seed=info["seed"],
        code=info["code"],
        fps=f"{info['fps']:g}",
        num_kinds=len(info["kinds"]),
        kinds=_list(info["kinds"]),
        num_manners=len(info["manners"]),
        manners=_list(info["manners"]),
        edits=_list(info["edits"]),
        rule=held_out["rule"],
        num_combinations=len(held_out["combinations"]),
        wordings=f"{100 * held_out['wordings']['share']:.0f}",
        splits=split_rows(info),
        durations=duration_rows(info),
    )


def size_category(clips: int) -> str:
    return next((name for limit, name in _SIZES.items() if clips < limit), "n>1M")


def split_rows(info: Mapping[str, Any]) -> str:
    return "\n".join(f"| {name} | {info['splits'][name]:,} |" for name in ("train", "val", "test"))


def duration_rows(info: Mapping[str, Any]) -> str:
    return "\n".join(f"| {name} | {number:,} |" for name, number in info["durations"].items())


def _list(counts: Mapping[str, int]) -> str:
    return ", ".join(f"`{name}` {number:,}" for name, number in counts.items())
