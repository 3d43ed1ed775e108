"""Who the two people of a sentence are, and how they are called each time they come up.

A wording names them by slots: `{A}` is the one who acts or starts, `{B}` the other, `{TWO}` both. Behind a dot stands the case:
`{A}` subject ("a man", "she"), `{A.obj}` object ("a man", "her"), `{A's}` owner ("a man's", "her"), and the pronouns `{A.he}`,
`{A.him}`, `{A.his}`, `{A.himself}`. `{A.s}`, `{A.es}`, `{A.is}`, `{A.has}` and `{A.does}` end or are the verb of `{A.he}`:
"they step", "she steps".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np

from vimotion.choreography.parameters import Person

Naming = Literal["neutral", "named"]

# In sentences that leave open who is person a, how often people are just people, alike, different, or friends of one another.
SHARES = {"anyone": 0.35, "alike": 0.3, "different": 0.2, "related": 0.15}
# How often a sentence starts with "they" without saying who they are.
THEY = 0.1

_SLOT = re.compile(r"\{(A|B|TWO)(?:\.(\w+)|('s))?\}")
_NAMES = {None, "obj", "'s"}  # the cases that call a person by name
_CASES = ("he", "him", "his", "himself")
_PLURAL = {"s": "", "es": "", "is": "are", "has": "have", "does": "do"}
_SINGULAR = {"s": "s", "es": "es", "is": "is", "has": "has", "does": "does"}
_PRONOUNS: dict[str, dict[str, str]] = {
    "they": dict(zip(_CASES, ("they", "them", "their", "themselves"), strict=True)) | _PLURAL,
    "he": dict(zip(_CASES, ("he", "him", "his", "himself"), strict=True)) | _SINGULAR,
    "she": dict(zip(_CASES, ("she", "her", "her", "herself"), strict=True)) | _SINGULAR,
}


@dataclass(frozen=True)
class Called:
    """How one person is called: at first, later, and by pronoun."""

    first: str
    again: str
    pronoun: str


def name_people(text: str, naming: Naming, actor: Person, random: np.random.Generator) -> str:
    """`text` with every person slot filled. "neutral" leaves open who is person a; "named" says it."""
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
        both, called = _neutral(leader, together, random, mentions < 2 and not owned, sentence)
        if sentence and text.startswith("{TWO}") and random.random() < THEY:
            both = "they" if random.random() < 0.7 else "the two"
    met = set("AB") if together else set()

    def fill(match: re.Match[str]) -> str:
        person, case = match[1], match[2] or match[3]
        if person == "TWO":
            return both
        if case not in _NAMES:
            return _PRONOUNS[called[person].pronoun][case]
        name = called[person].again if person in met else called[person].first
        met.add(person)
        return _in_case(name, case)

    return _SLOT.sub(fill, text)


def _named(actor: Person, leader: str, random: np.random.Generator) -> tuple[str, dict[str, Called]]:
    both, a, b, other = _pick("named", random)
    names = (a, b) if actor == "a" else (b, a)
    called = {person: Called(name, name, "they") for person, name in zip("AB", names, strict=True)}
    if other:
        follower = "B" if leader == "A" else "A"
        called[follower] = Called(other, called[follower].again, "they")
    return both, called


def _neutral(
    leader: str, together: bool, random: np.random.Generator, alike: bool, sentence: bool
) -> tuple[str, dict[str, Called]]:
    sections = list(SHARES) if alike else ["different", "related"]
    weights = np.array([SHARES[section] for section in sections])
    section = sections[int(random.choice(len(sections), p=weights / weights.sum()))]
    follower = "B" if leader == "A" else "A"
    if section in ("anyone", "alike"):
        both, lead, follow, pronoun = _pick(section, random)
        if together:
            lead = lead if lead.startswith("one ") and random.random() < 0.5 else "one of them"
            follow = "the other"
        return both, {leader: Called(lead, lead, pronoun), follower: Called(follow, "the other", pronoun)}
    one, his, other, hers = _pick(section, random)
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


def _pick(section: str, random: np.random.Generator) -> tuple[str, ...]:
    lines = _sections()[section]
    return lines[int(random.integers(len(lines)))]


def _definite(name: str) -> str:
    return re.sub(r"^an? ", "the ", name)


def _in_case(name: str, case: str | None) -> str:
    if name in ("he", "she"):
        return _PRONOUNS[name][{None: "he", "obj": "him", "'s": "his"}[case]]
    return name + "'s" if case == "'s" else name
