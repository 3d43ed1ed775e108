"""Questions of cause, past and future: what is true of a scene, and whether an answer is nearer to that than to other scenes'.

Why people do something, and what was before and comes after a clip, can be answered in many ways. So a scene is told many
times anew, and all of that counts as true.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from vimotion.choreography import KINDS
from vimotion.choreography.telling import tell
from vimotion.corpora import Record, Store
from vimotion.inter_mt2.motions import scene_parameters
from vimotion.tasks import TextPart, ask, questions

# The questions, by their names in `vimotion.tasks`.
EXPLAINING = ("before", "cause", "next", "why")
# Texts → unit vectors (N, D).
Embed = Callable[[tuple[str, ...]], np.ndarray]

# Scenes whose answers an answer must not be nearer to.
_OTHERS = 3
# How often a scene is told: nearly all that can be said of it comes up then.
_TELLINGS = 32
# Cosines of float32 vectors that differ by no more are equal.
_TIE = 1e-6
_PEOPLE = re.compile(r"\b(?:[Tt]he (?:first|second) person|[Pp]erson [AB])\b")


def true_answers(record: Record, question: str, draw: int) -> tuple[str, ...]:
    """What is true as an answer to one question about a scripted record; that of the record itself is the first.

    What is seen in the clip is told in one way; the rest is made up, and told anew.

    Args:
        draw: seed of the wording and of whom it is about, the same as of the question.
    """
    if not _made_up(record, question, draw):
        return (_answer(record, question, draw),)
    facts = record.facts or {}
    parameters = scene_parameters(facts["parameters"])
    anew = (tell(parameters, KINDS, np.random.default_rng(number)) for number in range(_TELLINGS))
    return tuple(dict.fromkeys(_answer(_told(record, told), question, draw) for told in (facts["told"], *anew)))


def other_answers(
    store: Store, record: Record, question: str, draw: int, random: np.random.Generator
) -> tuple[tuple[str, ...], ...]:
    """The same of three other scenes of the split; nothing where there are too few that differ.

    They are of other moods, made up where the answers about the record are, and say nothing that these or another one says,
    whoever does it.
    """
    found, made_up = [true_answers(record, question, draw)], _made_up(record, question, draw)
    for index in random.permutation(store.split(record.split)).tolist():
        other = store[index]
        if not other.facts or _moods(other) & _moods(record) or question not in questions(other):
            continue
        if _made_up(other, question, draw) != made_up:
            continue
        theirs = true_answers(other, question, draw)
        if all(_said(theirs).isdisjoint(_said(one)) for one in found):
            found.append(theirs)
        if len(found) > _OTHERS:
            return tuple(found[1:])
    return ()


def chosen(answer: str, true: tuple[str, ...], others: Sequence[tuple[str, ...]], embed: Embed) -> bool:
    """Whether an answer is nearer to a true one than to any of the others, by the cosine of their vectors; a tie is not."""
    [vector] = embed((answer,))
    nearest, *far = (float((embed(texts) @ vector).max()) for texts in (true, *others))
    return nearest > max(far) + _TIE


def _answer(record: Record, question: str, draw: int) -> str:
    _, answer = ask(record, question, np.random.default_rng(draw), held_out=True)
    return "".join(part.text for part in answer.parts if isinstance(part, TextPart))


def _made_up(record: Record, question: str, draw: int) -> bool:
    """Whether the answer is about what no clip shows."""
    told = (record.facts or {})["told"]
    blank = {**told, "past": "", "continuation": "", "acts": [{**act, "cause": ""} for act in told["acts"]]}
    return _answer(_told(record, blank), question, draw) != _answer(record, question, draw)


def _told(record: Record, told: dict[str, Any]) -> Record:
    """The record with this told of it."""
    return replace(record, facts={**(record.facts or {}), "told": told})


def _moods(record: Record) -> set[str]:
    acts: list[dict[str, Any]] = (record.facts or {})["parameters"]["acts"]
    return {KINDS[act["kind"]].mood for act in acts}


def _said(answers: Sequence[str]) -> set[str]:
    """What answers say without who it is."""
    return {_PEOPLE.sub("somebody", answer).lower() for answer in answers}
