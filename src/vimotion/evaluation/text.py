"""What an answer text says: which interaction, who acts, which hand, how often, in what manner.

Reading is by words, strict: an answer that names two things where one is asked for has named none.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

import yaml

# What `~` stands for in kind_words.yaml: the words between a verb and its object ("pats HIM ON the back").
_GAP = r"(?:[\w'’,-]+ ){0,6}?"
# A kind's words that also occur in another's sentence: "runs away" ends a chase, but "waves goodbye" is only a wave.
# "claps him on the back" would read as clapping hands otherwise.
_HIDES = {"pat_back": {"high_five"}, "rock_paper_scissors": {"handshake", "wave"}, "punch_dodge": {"high_five"}}

_NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "single": 1, "couple": 2} | {
    str(number): number for number in range(1, 7)
}
_NUMBER = r"(" + "|".join(_NUMBERS) + r")"
_COUNTED = (
    r"(?:times?|shakes?|pats?|taps?|claps?|slaps?|waves?|bows?|punch(?:es)?|jabs?|blows?|swings?|push(?:es)?|shoves?|rounds?|"
    r"pumps?|high[ -]fives?|strokes?|repetitions?|fists?|hits?|swipes?|games?|throws?|turns?)"
)
_ADJECTIVES = r"(?:(?!people|persons?)[\w-]+ ){0,2}"
_COUNT = re.compile(rf"\b{_NUMBER} (?:of )?{_ADJECTIVES}?{_COUNTED}\b|\b(once|twice|thrice)\b")
_ADVERBS = {"once": 1, "twice": 2, "thrice": 3}

_MANNERS = {
    "gentle": r"\b(?:gent\w*|soft\w*|light(?:ly)?|tender\w*|careful\w*|delicate\w*|mild\w*|easy|kindly|calm\w*|tentative\w*)\b",
    "forceful": r"\b(?:forc\w*|hard|harder|strong\w*|vigorous\w*|firm\w*|powerful\w*|rough\w*|energetic\w*|violent\w*|"
    r"hearty|heartily|aggressive\w*|emphatic\w*|with (?:a lot of )?(?:force|energy|power|vigou?r))\b",
    "neutral": r"\b(?:neutral\w*|normal\w*|ordinar\w*|usual\w*|regular\w*|plain\w*|moderate\w*|neither|natural\w*|casual\w*|"
    r"average|everyday)\b",
}
_SPEEDS = {
    "slow": r"\b(?:slow\w*|unhurried\w*|leisurely|sluggish\w*|taking (?:his|her|their) time)\b",
    "fast": r"\b(?:fast|faster|quick\w*|rapid\w*|swift\w*|brisk\w*|hurried\w*|hasty|hastily|speedy|speedily)\b",
    "normal": r"\b(?:normal\w*|ordinar\w*|usual\w*|regular\w*|moderate\w*|neither|natural\w*|average|everyday|medium)\b",
}

# "right" and "left" that are no side
_NO_SIDE = r"\bright (?:away|behind|after|beside|next|at|there|then|by)\b|\ball right\b|\bleft (?:alone|behind)\b"

_PERSON = r"(?:person|one|human|man|woman|figure|character|individual|individuals|actor|participant|guy|somebody|player)"
_FIRST = rf"\b(?:first {_PERSON}|{_PERSON} (?:one|1|#1|a)\b|(?:the )?former\b)"
_SECOND = rf"\b(?:second {_PERSON}|{_PERSON} (?:two|2|#2|b)\b|(?:the )?latter\b)"
_PASSIVE = re.compile(r"\b(?:is|are|gets?|being|was|been|got)\b(?: [\w-]+){0,6}? by (?:the )?$")


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    words = yaml.safe_load((files("vimotion.evaluation") / "kind_words.yaml").read_text())
    return {
        kind: re.compile("|".join(f"(?:{pattern})" for pattern in patterns).replace("~", _GAP))
        for kind, patterns in words.items()
    }


def named_kinds(text: str) -> set[str]:
    """All kinds of interaction that a text names."""
    text = _plain(text)
    kinds = {kind for kind, pattern in _patterns().items() if pattern.search(text)}
    for kind in list(kinds):
        kinds -= _HIDES.get(kind, set())
    return kinds


def names_kind(text: str, kind: str) -> bool:
    """Whether a text names this interaction and no other."""
    return named_kinds(text) == {kind}


def named_actor(text: str) -> str | None:
    """Who acts by a text: "a" (the first person, person A, person 1), "b", or None where it does not say.

    With both people in the text the first one named acts, unless a passive turns it round ("B is pushed by A").
    """
    mentions = _mentions(text)
    if not mentions:
        return None
    subject = mentions[0][1]
    plain = _plain(text)
    if any(_PASSIVE.search(plain[:start]) for start, _ in mentions[1:]):
        return "b" if subject == "a" else "a"
    return subject


def named_side(text: str) -> str | None:
    """The hand, arm or side that a text names: "left" or "right"; None for none or both."""
    plain = re.sub(_NO_SIDE, " ", _plain(text))
    return _only(re.findall(r"\b(left|right)(?:-hand\w*)?\b", plain))


def named_count(text: str) -> int | None:
    """How often by a text ("twice", "three times", "2 pats", or a bare number); None for nothing or for two numbers."""
    plain = _plain(text)
    found = [_ADVERBS.get(adverb) or _NUMBERS[number] for number, adverb in _COUNT.findall(plain)]
    if not found:
        found = [_NUMBERS[word] for word in re.findall(rf"^\W*{_NUMBER}\W*$", plain)]
    return found[0] if len(set(found)) == 1 else None


def named_manner(text: str) -> str | None:
    """ "gentle", "neutral" or "forceful" by a text; None for none or several."""
    return _only([manner for manner, pattern in _MANNERS.items() if re.search(pattern, _plain(text))])


def named_speed(text: str) -> str | None:
    """ "slow", "normal" or "fast" by a text; None for none or several."""
    return _only([speed for speed, pattern in _SPEEDS.items() if re.search(pattern, _plain(text))])


def _mentions(text: str) -> list[tuple[int, str]]:
    """(position, "a" or "b") of each naming of a person, in order."""
    plain = _plain(text)
    found = [(match.start(), "a") for match in re.finditer(_FIRST, plain)]
    found += [(match.start(), "b") for match in re.finditer(_SECOND, plain)]
    if not found:
        # bare letters: "A waves at B"; a lone "A" would be an article, unless it is the whole answer
        letters = [(match.start(), match.group().lower()) for match in re.finditer(r"\b[AB]\b", text)]
        whole = re.fullmatch(r"\W*(?:it is |it's |that is |that's )?(?:[ab]|(?:the )?(?:first|second))\W*", plain)
        if whole:
            return [(0, "a" if re.search(r"\b(?:a|first)\W*$", plain) else "b")]
        found = letters if {letter for _, letter in letters} != {"a"} else []
        if any(letter == "b" for _, letter in letters) and len(letters) > 1 and re.match(r"\W*A (?=\w+ing\b|\w+ed\b)", text):
            found = found[1:]
    return sorted(found)


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("’", "'").lower())


def _only(values: list[str]) -> str | None:
    return values[0] if len(set(values)) == 1 else None
