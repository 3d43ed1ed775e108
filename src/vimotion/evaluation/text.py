"""What an answer text says: which interaction, who acts, which hand, how often, in what manner.

Reading is by words, strict: an answer that names two things where one is asked for has named none.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

import yaml

from vimotion.evaluation.people_in_text import BETWEEN, FIRST, SECOND, only, plain

# What `~` stands for in kind_words.yaml: the words between a verb and its object ("pats HIM ON the back").
_GAP = r"(?:(?!(?:and|then|while|who|but)\b)[\w'’,/-]+ ){0,6}?"
# Descriptions in which another kind's words are part of the way there: "a fist" is no rock-paper-scissors by itself.
_RATHER = {"rock_paper_scissors": {"punch_dodge", "handshake", "wave", "high_five"}, "punch_dodge": {"bow", "high_five"},
           "push": {"bow", "pat_back"}, "wave": {"handshake", "high_five"}, "chase": {"walk_together"},
           "pass_by": {"walk_together"}, "hug": {"pat_back"}, "high_five": {"handshake", "clap_hands"}}  # fmt: skip

_NUMBERS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "couple": 2} | {str(n): n for n in range(2, 7)}
_ONE = {"one": 1, "1": 1, "single": 1, "once": 1, "twice": 2, "thrice": 3}
_NUMBER = "(" + "|".join(_NUMBERS) + ")"
_DONE = (
    "(?:time|shake|pat|tap|clap|slap|wave|bow|jab|blow|swing|shove|round|pump|stroke|repetition|hit|swipe|game|throw|turn|"
    "five|thump|thrust|greeting)"
)
_DONE_ES = "(?:punch|push)"  # plural in -es
_WORDS = r"(?:(?!people|persons?)[\w-]+ ){0,2}?"
_COUNT = re.compile(
    rf"\b(?:(one|1|single) {_WORDS}(?:{_DONE}|{_DONE_ES})\b"
    rf"|(?<!high ){_NUMBER} (?:of )?{_WORDS}(?:{_DONE}s|{_DONE_ES}es)\b|(once|twice|thrice)\b)"
)

# "No hurry": a word that is denied does not count for itself
_UNHURRIED = r"\b(?:without|no|not in a|not in any|hardly any)(?: (?:any|great|real))* (?:hurry\w*|rush|haste|hurrying|rushing)"
_SPEEDS = {
    "slow": r"\b(?:slow\w*|unhurried\w*|leisurely|gradual\w*|tak(?:e|es|ing) (?:\w+ ){0,2}time)\b",
    "fast": r"\b(?:fast|faster|quick\w*|rapid\w*|swift\w*|brisk\w*|hurr(?:y|ied|iedly|ying)|haste|hasty|hastily|rush\w*|"
    r"at speed|in no time|high speed|speedy|speedily)\b",
    "normal": r"\b(?:normal\w*|ordinar\w*|usual\w*|regular\w*|moderate\w*|natural\w*|average|everyday|medium)\b",
}
_FAR = r"\b(?:far|apart|away|at a distance|some distance|metres|meters|walk\w*|a gap)\b"
_NEAR = r"\b(?:near|close|next to|within|arm's length|right in front|together)\b"
_APPROACH = re.compile(r"\b(?:walk|approach|come|step|close in|cross|move (?:up|closer))\w*")

# "one" that is no number
_PRONOUN = r"\b(?:other|each|every|any|some|this|that|no|which|the) ?one\b"
# "right" and "left" that are no side
_NO_SIDE = r"\bright (?:away|behind|after|beside|next|at|there|then|by|past)\b|\ball right\b|\bleft (?:alone|behind)\b"


@cache
def _patterns(tier: str) -> dict[str, re.Pattern[str]]:
    words = yaml.safe_load((files("vimotion.evaluation") / "kind_words.yaml").read_text())
    return {
        kind: re.compile("|".join(f"(?:{pattern})" for pattern in patterns[tier]).replace("~", _GAP))
        for kind, patterns in words.items()
        if patterns[tier]
    }


def named_kinds(text: str) -> set[str]:
    """All kinds of interaction that a text says by name or, where it names none, describes."""
    return set(kinds_in_order(text))


def kinds_in_order(text: str) -> list[str]:
    """The same in the order of the text, each once."""
    if said := _found("says", text):
        return said
    described = _found("describes", text)
    hidden = set[str]().union(*(_RATHER.get(kind, set()) for kind in described))
    if len(described) > 1:  # whoever does something walks up to it
        hidden.add("walk_towards")
    return [kind for kind in described if kind not in hidden]


def kinds_by_name(text: str) -> set[str]:
    """All kinds of interaction that a text says by name."""
    return set(_found("says", text))


def _found(tier: str, text: str) -> list[str]:
    """Kinds by the first of their words in a text; what names one kind of the list is gone for those behind it."""
    words = plain(text)
    places: dict[str, int] = {}
    for kind, pattern in _patterns(tier).items():
        if match := pattern.search(words):
            places[kind] = match.start()
            if tier == "says":
                words = pattern.sub(lambda found: "/" * len(found[0]), words)
    return sorted(places, key=lambda kind: places[kind])


def names_kind(text: str, kind: str) -> bool:
    """Whether a text names this interaction and no other."""
    return named_kinds(text) == {kind}


def named_side(text: str) -> str | None:
    """The hand, arm or side that a text names: "left" or "right"; None for none or both."""
    words = re.sub(_NO_SIDE, " ", plain(text))
    return only(re.findall(r"\b(left|right)(?:-hand\w*)?\b", words))


def named_count(text: str) -> int | None:
    """How often by a text ("twice", "three times", "2 pats", or a bare number); None for nothing or for two numbers."""
    words = re.sub(f"{FIRST}|{SECOND}|{_PRONOUN}", "they", plain(text), flags=re.IGNORECASE)
    found = [_ONE.get(one or adverb) or _NUMBERS[number] for one, number, adverb in _COUNT.findall(words)]
    if not found and (bare := re.fullmatch(r"\W*(\w+)\W*", words)):
        found = [number for number in [(_ONE | _NUMBERS).get(bare[1])] if number]
    return found[0] if len(set(found)) == 1 else None


def named_speed(text: str) -> str | None:
    """Speed by a text, "slow", "normal" or "fast"; None for none or several."""
    words = re.sub(_UNHURRIED, "slowly", plain(text))
    if BETWEEN.search(words):
        return "normal"
    return only([speed for speed, pattern in _SPEEDS.items() if re.search(pattern, words)])


def named_distance(text: str) -> str | None:
    """How far from each other by a text, "near" or "far"; None for neither ("close, not far apart" is near)."""
    words = plain(text)
    if re.search(r"\bnot (?:\w+ )?(?:within|close|near)\b", words):
        return "far"
    return "near" if re.search(_NEAR, words) else "far" if re.search(_FAR, words) else None


def named_kind(text: str) -> str | None:
    """The interaction that a text names; None for none or several."""
    return only(sorted(named_kinds(text)))


def names_approach(text: str) -> bool:
    """Whether a text speaks of walking."""
    return bool(_APPROACH.search(plain(text)))
