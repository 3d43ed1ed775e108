"""Plain words, and where they name the first or the second person."""

from __future__ import annotations

import re

_PERSON = r"(?:person|one|human|man|woman|figure|character|individual|actor|participant|guy|somebody|player|partner)"
_THING = r"(?: (?:time|round|shake|pat|wave|bow|push|punch|blow|step|thing|game|clap|to|of|things|move)\b)"
_NO_LETTER = r"(?! (?-i:[AB12])\b)"  # "First person B walks": the first thing is that
# Searched without regard to case, but for the letters: "the other person a push" names nobody.
FIRST = (
    rf"\b(?:(?:the )?first {_PERSON}{_NO_LETTER}|{_PERSON} (?:one|1|#1|(?-i:A))\b|(?:the )?former\b|the first\b(?!{_THING}))"
)
SECOND = (
    rf"\b(?:(?:the )?second {_PERSON}{_NO_LETTER}|{_PERSON} (?:two|2|#2|(?-i:B))\b|(?:the )?latter\b|the second\b(?!{_THING}))"
)
# What comes before a person who is an object; all else is before a subject
OBJECT = re.compile(
    r"\b(?:at|to|of|on|onto|against|towards?|behind|beside|alongside|past|by|from|for|into|around|over|under|near|with|"
    r"(?:run\w*|rac\w*|sprint\w*|dash\w*|go\w*|com\w*|ran) after|\w+ing|"
    r"(?!arms|hands|fists|palms|means|is|as|was|does|has)\w+s|push|shove|pat|chase|hug|embrace|greet|catch|reach|hit|punch|"
    r"pursue|grab|dodge|avoid|invite|answer|see|meet|join|make) (?:the )?$"
)
# "Neither gently nor with force"
BETWEEN = re.compile(r"\b(?:neither|nor|in between|half-?way between)\b")
_WHOLE = re.compile(r"\W*(?:it is |it's |that is |that's )?(?:the )?(a|b|first|second)(?: one)?\W*")


def plain(text: str) -> str:
    """Lower case, single spaces, straight apostrophes."""
    return _spaced(text).lower()


def mentions(text: str) -> list[tuple[int, int, str]]:
    """(start, end, "a" or "b") of each naming of one person in `plain(text)`, in order; "A and B" together are left out."""
    spaced, words = _spaced(text), plain(text)
    found = [(match.start(), match.end(), "a") for match in re.finditer(FIRST, spaced, re.IGNORECASE)]
    found += [(match.start(), match.end(), "b") for match in re.finditer(SECOND, spaced, re.IGNORECASE)]
    found.sort()
    pairs = [i for i in range(len(found) - 1) if words[found[i][1] : found[i + 1][0]] in (" and ", " and the ")]
    alone = [mention for i, mention in enumerate(found) if i not in pairs and i - 1 not in pairs]
    if found:
        return alone
    if whole := _WHOLE.fullmatch(words):
        return [(0, len(words), "a" if whole[1] in ("a", "first") else "b")]
    # bare letters, "A waves at B"; without a B, an A is an article
    letters = [(match.start(), match.end(), match[0].lower()) for match in re.finditer(r"\b[AB]\b", spaced)]
    return letters if any(letter == "b" for _, _, letter in letters) else []


def only(values: list[str]) -> str | None:
    """The one value that there is; None for none or several."""
    return values[0] if len(set(values)) == 1 else None


def _spaced(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("’", "'"))
