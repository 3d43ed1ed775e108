"""Who the two people of a sentence are, and how they are called each time they come up.

A wording names them by slots: `{A}` is the one who acts or starts, `{B}` the other, `{TWO}` both. Behind a dot stands the case:
`{A}` subject ("a man", "she"), `{A.obj}` object ("a man", "her"), `{A's}` owner ("a man's", "her"), and the pronouns `{A.he}`,
`{A.him}`, `{A.his}`, `{A.himself}`. `{A.same}` is the subject of the sentence before once more: "he", "she", else by name.
A marked verb (`~push`, see `verbs`) agrees with the subject before it: "a man pushes", "they push".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np

from vimotion.choreography.parameters import Person
from vimotion.choreography.verbs import inflect

Naming = Literal["neutral", "named"]

# In sentences that leave open who is person a, how often people are just people, alike, different, or friends of one another.
SHARES = {"anyone": 0.35, "alike": 0.3, "different": 0.2, "related": 0.15}
# How often a sentence starts with "they" without saying who they are.
THEY = 0.1

_SLOT = re.compile(r"\{(A|B|TWO)(?:\.(\w+)|('s))?\}")
_NAMES = {None, "obj", "'s", "same"}  # the cases that call a person by name
# What decides on a verb's number, and the verbs.
_AGREEING = re.compile(_SLOT.pattern + r"|\b(they|both)(?= ~)|~([a-z-]+)", re.IGNORECASE)
_CASES = ("he", "him", "his", "himself")
_PRONOUNS: dict[str, dict[str, str]] = {
    "they": dict(zip(_CASES, ("they", "them", "their", "themselves"), strict=True)),
    "he": dict(zip(_CASES, ("he", "him", "his", "himself"), strict=True)),
    "she": dict(zip(_CASES, ("she", "her", "her", "herself"), strict=True)),
}


@dataclass(frozen=True)
class Called:
    """How one person is called: at first, later, and by pronoun."""

    first: str
    again: str
    pronoun: str


def name_people(text: str, naming: Naming, actor: Person, random: np.random.Generator) -> str:
    """`text` with every person slot filled and every verb in form. "neutral" leaves open who is person a; "named" says it."""
    slots = [(match[1], match[2] or match[3]) for match in _SLOT.finditer(text)]
    order = list(dict.fromkeys(person for person, case in slots if person != "TWO" and case in _NAMES))
    leader = order[0] if order else "A"
    together = any(person == "TWO" for person, _ in slots)
    if naming == "named":
        both, called = _named(actor, leader, random)
    else:
        mentions = sum(person == leader and case in _NAMES for person, case in slots)
        owned = together and any(case == "'s" for _, case in slots)
        # "he" and "they" stand for names in sentences only: a noun phrase has to start with a noun
        sentence = text.endswith(".")
        both, called = _neutral(leader, together, random, mentions, not (together and mentions > 1) and not owned, sentence)
        if sentence and text.startswith("{TWO}") and random.random() < THEY:
            both = "they" if random.random() < 0.7 else "the two"
    return _fill(text, both, called, {*"AB"} if together else set())


def name_plainly(text: str, names: Mapping[str, str]) -> str:
    """`text` with these names for {A} and {B} wherever they come up, and every verb in form."""
    called = {person: Called(name, name, "they") for person, name in names.items()}
    return _fill(text, "they", called, set())


def _fill(text: str, both: str, called: dict[str, Called], met: set[str]) -> str:
    """Names for slots and forms for verbs, from left to right."""
    plural = False

    def fill(match: re.Match[str]) -> str:
        nonlocal plural
        person, case, literal, verb = match[1], match[2] or match[3], match[4], match[5]
        if verb:
            return inflect(verb, "plural" if plural else "third")
        if literal or person == "TWO":
            plural = True
            return literal or both
        if case == "same":
            case = None if called[person].pronoun == "they" else "he"
        if case in (None, "he"):
            plural = case == "he" and called[person].pronoun == "they"
        if case not in _NAMES:
            return _PRONOUNS[called[person].pronoun][case]
        name = called[person].again if person in met else called[person].first
        met.add(person)
        return _in_case(name, case)

    return _AGREEING.sub(fill, text)


def _named(actor: Person, leader: str, random: np.random.Generator) -> tuple[str, dict[str, Called]]:
    both, a, b, other = _pick("named", random)
    names = (a, b) if actor == "a" else (b, a)
    called = {person: Called(name, name, "they") for person, name in zip("AB", names, strict=True)}
    if other:
        follower = "B" if leader == "A" else "A"
        called[follower] = Called(other, called[follower].again, "they")
    return both, called


def _neutral(
    leader: str, together: bool, random: np.random.Generator, mentions: int, alike: bool, sentence: bool
) -> tuple[str, dict[str, Called]]:
    sections = list(SHARES) if alike else ["different", "related"]
    weights = np.array([SHARES[section] for section in sections])
    section = sections[int(random.choice(len(sections), p=weights / weights.sum()))]
    follower = "B" if leader == "A" else "A"
    # "someone" cannot be called by the same word again
    picked = _pick(section, random, without=r"some(one|body)" if mentions > 1 else None)
    if section in ("anyone", "alike"):
        both, lead, follow, pronoun = picked
        if together:
            lead = lead if lead.startswith("one ") and random.random() < 0.5 else "one of them"
            follow = "the other"
        again = lead if together else _definite(lead)
        return both, {leader: Called(lead, again, pronoun), follower: Called(follow, "the other", pronoun)}
    one, his, other, hers = picked
    if one == "he" and not sentence:
        one, other = "a man", "a woman"
    people = [Called(one, _definite(one), his), Called(other, _definite(other), hers)]
    if section == "different" and random.random() < 0.5:
        people.reverse()
    both = " and ".join({"he": "a man", "she": "a woman"}.get(person.first, person.first) for person in people)
    return both, {leader: people[0], follower: people[1]}


@lru_cache
def _sections() -> dict[str, list[tuple[str, ...]]]:
    path = Path(__file__).parent / "wordings" / "people.txt"
    sections: dict[str, list[tuple[str, ...]]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("@"):
            current = sections.setdefault(line[1:], [])
        elif line and not line.startswith("#"):
            current.append(tuple(field.strip() for field in line.split("|")))
    return sections


def _pick(section: str, random: np.random.Generator, without: str | None = None) -> tuple[str, ...]:
    lines = [line for line in _sections()[section] if not without or not any(re.match(without, name) for name in line)]
    return lines[int(random.integers(len(lines)))]


def _definite(name: str) -> str:
    return re.sub(r"^(an?|one) ", "the ", name)


def _in_case(name: str, case: str | None) -> str:
    if name in ("he", "she"):
        return _PRONOUNS[name][{None: "he", "same": "he", "obj": "him", "'s": "his"}[case]]
    return name + "'s" if case == "'s" else name


def people_words() -> set[str]:
    """Every word that people can be called by."""
    return set(re.findall(r"[a-z]+", " ".join(" ".join(line) for lines in _sections().values() for line in lines).lower()))
