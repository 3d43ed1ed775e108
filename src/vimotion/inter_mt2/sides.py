"""Left and right: whether a caption says the side that was asked for.

Only what is plain counts, so that no right conversation is turned away:

    a part has a side where "left" or "right" stands right before its word: "the left hand", "right-hand", "left and right feet"
    a text tells the side of a part where it names that part with one side and never with the other
    a text that compares, negates, exchanges or asks about another time ("the other hand", "not", "instead of", "before")
        tells nothing
    a caption contradicts a text that tells the side of a part where it names that part with the other side, and the side
        that the text tells nowhere at all: what else it tells of may well be of the other side
    a caption contradicts itself where it leaves a side open: "left or right hand", "left right hand"
"""

from __future__ import annotations

import re

_PARTS = (
    "ankle arm calf cheek ear elbow eye finger fist foot forearm hand heel hip knee leg palm shin shoulder thigh thumb wrist"
)
_PLURALS = {f"{part}s": part for part in _PARTS.split()} | {"feet": "foot", "calves": "calf"}
_WORDS = {part: part for part in _PARTS.split()} | _PLURALS
_SIDED = re.compile(rf"\b(left|right)(?:( and | or |[/ ])(left|right))?[ -]({'|'.join(_WORDS)})\b", re.IGNORECASE)
_TELLS_NOTHING = re.compile(
    r"\b(after|another|before|either|exchang\w+|from (the |their |his |her )?(left|right)|happen\w*|instead of|mirror\w*|never|"
    r"next|no longer|not|opposite|other|rather than|swap\w*|switch\w*|than|why|without)\b|n['’]t\b",
    re.IGNORECASE,
)


def sides_named(text: str) -> dict[str, set[str]]:
    """The sides that each sided part of the body has in a text: {"hand": {"left"}}."""
    named: dict[str, set[str]] = {}
    for first, _, second, word in _SIDED.findall(text):
        named.setdefault(_WORDS[word.lower()], set()).update(side.lower() for side in (first, second) if side)
    return named


def sides_told(text: str) -> dict[str, str]:
    """Of a text that tells which side it wants: the parts that it names with one side alone, and that side."""
    if _TELLS_NOTHING.search(text):
        return {}
    return {part: min(sides) for part, sides in sides_named(text).items() if len(sides) == 1}


def contradictions(text: str, caption: str) -> list[str]:
    """The parts whose side a caption tells otherwise than a text that it belongs to, as "left hand"."""
    named = sides_named(caption)
    said = {side.lower() for side in re.findall(r"\b(?:left|right)\b", caption, re.IGNORECASE)}
    return [f"{side} {part}" for part, side in sides_told(text).items() if part in named and side not in said]


def open_sides(caption: str) -> list[str]:
    """Where a caption leaves open which side it means, as it is written there."""
    return [found[0] for found in _SIDED.finditer(caption) if found[2] and found[2] != " and " and found[1] != found[3]]
