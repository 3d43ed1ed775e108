"""Sides in sentences: what a caption says of the mirror image."""

from __future__ import annotations

import re

_TURNED = {"left": "right", "right": "left", "clockwise": "counterclockwise", "counterclockwise": "clockwise"}
_SIDE = re.compile(r"\b(left|right|clockwise|counterclockwise)\b", re.IGNORECASE)
# Words that look like a side: "right away", "they left", "the one who is left"
_NO_SIDE = re.compile(
    r"\bright (?:away|after|before|now|there|here|at|next|beside|behind|up|in|on|into|as|when)\b|\ball ?right\b"
    r"|\b(?:has|have|had|is|are|was|were|they|he|she|who|and) left\b|\bleft (?:alone|behind|standing|over)\b",
    re.IGNORECASE,
)


def mirrored_caption(caption: str) -> str | None:
    """The caption of the mirror image; None where "left" or "right" may be something else than a side."""
    if _NO_SIDE.search(caption):
        return None

    def turn(found: re.Match[str]) -> str:
        other = _TURNED[found[0].lower()]
        return other.capitalize() if found[0][0].isupper() else other

    return _SIDE.sub(turn, caption)
