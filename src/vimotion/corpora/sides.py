"""Sides in sentences: what a caption says of the mirror image."""

from __future__ import annotations

import re

_OTHER = {"left": "right", "right": "left"}
# Whole words only ("upright" is no side), alone, with a hyphen ("left-handed") or with an ending ("leftwards").
_SIDE = re.compile(
    r"\b(?P<side>left|right)(?P<ending>wards?|most|hand(?:ed|er)?|foot(?:ed)?|side|sided)?\b"
    r"|\b(?P<against>(?:counter|anti)[- ]?)?clockwise\b",
    re.IGNORECASE,
)
# Words that look like a side: "right away", "they left", "the one who is left", "at right angles"
_NO_SIDE = re.compile(
    r"\bright (?:away|after|before|now|there|here|at|next|beside|behind|up|in|on|into|as|when|where|while|above|across|against"
    r"|along(?:side)?|below|beneath|over|past|through|under|angles?|way|time|moment|place|position|distance|amount)\b"
    r"|\ball ?right\b|\brights\b|\bright-of-way\b"
    r"|\b(?:has|have|had|is|are|was|were|they|he|she|who|and) left\b|\bleft-?overs?\b"
    r"|\bleft (?:alone|behind|standing|over|off|together|him|them|it|home|the (?:room|scene|place|area|house|spot|other))\b",
    re.IGNORECASE,
)


def mirrored_caption(caption: str) -> str | None:
    """The caption of the mirror image; None where "left" or "right" may be something else than a side."""
    return None if _NO_SIDE.search(caption) else _SIDE.sub(_turned, caption)


def _turned(found: re.Match[str]) -> str:
    if side := found["side"]:
        other = _OTHER[side.lower()] + (found["ending"] or "")
    else:
        other = "clockwise" if found["against"] else "counterclockwise"
    if found[0].isupper():
        return other.upper()
    return other.capitalize() if found[0][0].isupper() else other
