"""What a text tells of each person: the manner, and whether they stand or sit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import yaml

from vimotion.evaluation.people_in_text import BETWEEN, OBJECT, mentions, only, plain

# Of the first and of the second person.
Each = tuple[str | None, str | None]

_POSTURES = {
    "stand": re.compile(r"\b(?:stand|stands|standing|stood)\b(?! up)|\bon (?:his|her|their) feet\b"),
    "chair": re.compile(r"\b(?:sit|sits|sitting|sat|seated)\b(?!.{0,40}\b(?:ground|floor|laps?|legs?)\b)"),
    "ground": re.compile(r"\b(?:sit|sits|sitting|sat|seated) (?:down )?on the (?:ground|floor)\b"),
}
# A manner that is denied does not count for itself.
_DENIED = {
    "gently": r"\b(?:without|no|little|hardly|barely|not|isn't|aren't)"
    r"(?: (?:much|any|great|real|very|particularly|at all|with))* (?:force\w*|strength|power\w*|hard|vigou?r\w*|rough\w*)",
    "normally": r"\b(?:normal|ordinary|usual|average|moderate|everyday|regular|natural) (?:\w+ of )?"
    r"(?:force|strength|energy|power)",
}
# Words that mean both people, as those who do or are something.
_BOTH = re.compile(
    r"\b(?:both|they|the two|two (?:people|persons|individuals|characters|figures|of them)|person \w+ and person \w+)\b"
)
# Who is comforted hangs the head for that.
_COMFORTED = re.compile(r"\b(?:comfort|consol)\w*|\bback\b")
_HANGING = re.compile(r"\b(?:heads? hang\w*|hang\w* (?:his|her|their) heads?)(?! sad)\b")


@cache
def _manners() -> dict[str, re.Pattern[str]]:
    words = yaml.safe_load((files("vimotion.evaluation") / "manner_words.yaml").read_text())
    return {manner: re.compile(pattern) for manner, pattern in words.items()}


def named_manner(text: str) -> str | None:
    """The manner that a text names, "gentle", "neutral", "shy", …; None for none or several."""
    words = plain(text)
    words = _undenied(words, _COMFORTED.search(words) is not None)
    if BETWEEN.search(words):
        return "neutral"
    return only([manner for manner, pattern in _manners().items() if pattern.search(words)])


def names(text: str, manner: str) -> bool:
    """Whether a text has a word for a manner, whoever moves in it."""
    return _manners()[manner].search(plain(text)) is not None


def named_manners(text: str) -> Each:
    """Manner of the first and of the second person by a text; None where it tells none or several of a person."""
    return _of_each(text, _manners())


def named_postures(text: str) -> Each:
    """What the first and the second person do at the start by a text: "stand", "chair" or "ground" (to sit there), or None."""
    return _of_each(text, _POSTURES)


def _of_each(text: str, patterns: Mapping[str, re.Pattern[str]]) -> Each:
    """Whose words they are: of the subject before them in their sentence, or of the first one behind; "both" are both."""
    said: tuple[set[str], set[str]] = set(), set()
    comforted = _COMFORTED.search(plain(text)) is not None
    for sentence in re.split(r"(?<=[.;!?]) ", re.sub(r"\s+", " ", text)):
        words, subjects = _undenied(plain(sentence), comforted), _subjects(sentence)
        for name, pattern in patterns.items():
            for match in pattern.finditer(words):
                for person in _owner(subjects, match.start()):
                    said["ab".index(person)].add(name)
    first, second = (only(sorted(names)) for names in said)
    return first, second


def _subjects(sentence: str) -> list[tuple[int, str]]:
    """(where, "a", "b" or "ab") of each subject of a sentence, in order."""
    words, named = plain(sentence), mentions(sentence)
    owned = {start for start, end, _ in named if words[end:].startswith("'s")}
    subjects = [(start, who) for start, _, who in named if start not in owned and not OBJECT.search(words[:start])]
    first = min((start for start, _, _ in named), default=len(words))
    # behind a name, "they" may be that person
    agents = [(start, who) for start, _, who in named if words[:start].endswith((" by ", " by the "))]
    both = [match.start() for match in _BOTH.finditer(words) if match[0] != "they" or match.start() < first]
    return sorted([*subjects, *((start, "ab") for start in both)]) or agents


def _owner(subjects: list[tuple[int, str]], place: int) -> str:
    before = [person for start, person in subjects if start < place]
    return before[-1] if before else subjects[0][1] if subjects else ""


def _undenied(words: str, comforted: bool) -> str:
    """Plain words without those that only seem to name a manner, in their places."""
    for meant, pattern in _DENIED.items():
        for match in re.finditer(pattern, words):
            words = words[: match.start()] + meant.ljust(len(match[0])) + words[match.end() :]
    if comforted:
        words = _HANGING.sub(lambda match: "/" * len(match[0]), words)
    return words
