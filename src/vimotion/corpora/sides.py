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
# Words that begin a sentence and are no name, and people: who comes right before "left" goes.
_NO_NAMES = "The|His|Her|Their|Its|Your|My|A|An|To|On|With|From|At|In|Turn|Step|And|Then|Left|Right|Clockwise"
_SOMEBODY = (
    r"he|she|they|we|you|i|it|who|people|(?:wo)?m[ae]n|(?:person|guy|girl|boy|lady|friend|partner|opponent|dancer|fighter|player"
    r"|actor|teacher|student|child|other|individual|adult|one|couple|pair)s?|children|first|second|two|both"
    r"|(?:some|any|every|no)(?:body|one)"
    rf"|(?-i:(?!(?:{_NO_NAMES})\b)[A-Z][a-z]+)"
)
# Words that look like a side: "right away", "they left", "the one who is left", "at right angles", "puts it right"
_NO_SIDE = re.compile(
    r"\bright (?:away|after|before|now|there|here|at|next|beside|behind|up|in|on|into|as|when|where|while|above|across|against"
    r"|along(?:side)?|below|beneath|over|past|through|under|angles?|way|time|moment|place|position|distance|amount|decision"
    r"|choice|answer|idea|thing|words?|order|size|speed|pace|rhythm|beat|height|direction|technique|posture|form|track|mood)\b"
    r"|\b(?:put|set|ma[dk]e|did|do|get|got)(?:s|es|ting)? (?:it|this|that|them|things?|everything) right\b(?![- ]?hand)"
    r"|\b(?:is|are|was|were|be|that's|quite|not) right\b(?![- ]?(?:hand|foot))"
    r"|\ball ?right\b|\brights\b|\bright-of-way\b"
    rf"|\b(?:has|have|had|is|are|was|were|and|{_SOMEBODY}) left\b(?!-)|\bleft-?overs?\b"
    r"|\bleft (?:alone|behind|standing|over|off|together|him|them|it|home|the)\b",
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
