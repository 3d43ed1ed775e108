"""The data card of a store of conversations: README.md of its folder, in the form of the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any

from vimotion.inter_mt2.rendered import CORPUS

_TEXT = Path(__file__).parent / "card.txt"
# The hub's size categories: rows below which a name holds.
_SIZES = {1_000: "n<1K", 10_000: "1K<n<10K", 100_000: "10K<n<100K", 1_000_000: "100K<n<1M"}


def card(info: Mapping[str, Any]) -> str:
    """The text of the card from the final info.json, and from nothing else."""
    found, origin = info["conversations"], info["origin"]
    names = [*found["authors"], *(name for name in found["motions"] if name != CORPUS)]
    return Template(_TEXT.read_text(encoding="utf-8")).substitute(
        licence=origin["licence"],
        size=next((name for limit, name in _SIZES.items() if found["number"] < limit), "n>1M"),
        conversations=f"{found['number']:,}",
        clips=f"{info['num_clips']:,}",
        hours=f"{info['hours']:,.1f}",
        fps=f"{info['fps']:g}",
        corpus=origin["corpus"],
        corpus_sha256=origin["corpus_sha256"],
        corpus_licence=origin["corpus_licence"],
        code=origin["code"] or "unknown",
        kinds=_table(found["kinds"]),
        authors=_table(found["authors"]),
        makers=_table(found["motions"]),
        turns=_table(found["user_turns"]),
        splits="\n".join(f"| {name} | {number:,} | {info['splits'][name]:,} |" for name, number in found["splits"].items()),
        terms="\n".join(f"{place}. `{name}`: {origin['terms'][name]}." for place, name in enumerate(dict.fromkeys(names), 2)),
        examples="\n\n".join(_example(kind, texts) for kind, texts in info["examples"].items()),
    )


def _table(counts: Mapping[str, int]) -> str:
    return "\n".join(f"| {name} | {number:,} |" for name, number in counts.items())


def _example(kind: str, texts: Sequence[tuple[str, str]]) -> str:
    lines = [f"> **{role}**: {' '.join(text.split())}" for role, text in texts]
    return f"*{kind.capitalize()}*\n\n" + "\n>\n".join(lines)
