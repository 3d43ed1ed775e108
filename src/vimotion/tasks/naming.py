"""Names of the two people in sentences: what a caption says when they change places."""

from __future__ import annotations

import re

# What may follow "the first" and is nobody.
_NOBODY = r"(?! (?:times?|moment|round|half|step|try|turn|place|part|act|thing|of|two|few)\b)"
# "Person a" is somebody where the letter is a capital: "gives the other person a push".
_NAME = re.compile(
    rf"\b(?P<the>the )(?P<nth>first|second)\b{_NOBODY}|\b(?P<person>person )(?P<label>(?-i:[AB])|[12]|one|two)\b", re.I
)
_OTHER = {"first": "second", "second": "first", "a": "B", "b": "A", "1": "2", "2": "1", "one": "two", "two": "one"}
# "First, they bow."
_ORDER = re.compile(r"\bfirst,", re.I)
_ORDINAL = re.compile(r"\b(?:first|second)\b", re.I)


def names_people(caption: str) -> bool:
    """Whether it says which of the two somebody is."""
    return bool(_NAME.search(caption))


def renamed_caption(caption: str) -> str | None:
    """The caption when the two people change their names; None where "first" or "second" may be something else."""
    if _ORDINAL.search(_ORDER.sub("", _NAME.sub("", caption))):
        return None
    return _NAME.sub(_other, caption)


def _other(found: re.Match[str]) -> str:
    return (found["the"] or found["person"]) + _OTHER[(found["nth"] or found["label"]).lower()]
