"""Captions of scripted scenes at three depths, true of what the parameters say and of nothing else.

A phrase ("a shy handshake between two people"), a sentence as in InterHuman ("One person pushes the other."), and an account
step by step, which names order, sides, counts and manners. The words come from `wording`, the names of people from `cast`.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Literal

import numpy as np

from vimotion.choreography.account import account
from vimotion.choreography.cast import Naming, name_people, people_words
from vimotion.choreography.kind import Kind
from vimotion.choreography.manner import MANNERS
from vimotion.choreography.parameters import SceneParameters, Side
from vimotion.choreography.wording import ActWords, again, manners, templates, words_of
from vimotion.grammar import tidy

Depth = Literal["phrase", "sentence", "account"]
DEPTHS: tuple[Depth, ...] = ("phrase", "sentence", "account")
# One in so many combinations of kind, manner and side is in no training scene; the plain form of a kind always is.
HELD_OUT_EVERY = 20
# What templates and names make by chance: "person one one time", "the other person 2 times", "First, he sets off first."
_CHANCE = re.compile(r"\b(\w+),? \1\b|\bperson (one|two|2) times?\b|\bFirst,[^.]* first[.,]")


def caption(
    parameters: SceneParameters,
    kinds: Mapping[str, Kind],
    random: np.random.Generator,
    depth: Depth = "sentence",
    naming: Naming = "neutral",
    held_out: bool = False,
) -> str:
    """A caption of the scene.

    Args:
        held_out: draw from the wordings that no training example uses.
        naming: "neutral" leaves open which of the two is person a ("one person … the other"); "named" says who acts or
            starts (the first person and person A are person a).
    """
    tell = {"phrase": _phrase, "sentence": _sentence, "account": _account}[depth]
    while True:
        text = tell(parameters, kinds, random, "held-out-" if held_out else "")
        # a wording that speaks of both alike cannot name the one who acts
        if naming == "named" and not re.search(r"\{[AB](\}|\.obj\}|'s\})", text):
            continue
        text = tidy(name_people(text, naming, parameters.acts[0].actor, random))
        if not _CHANCE.search(text):
            return text


def captions_for(
    parameters: SceneParameters, kinds: Mapping[str, Kind], random: np.random.Generator
) -> tuple[list[str], list[str]]:
    """What a corpus keeps of a scene: six training captions, neutral and named at each depth, and two held-out ones."""

    def draw(depths: Sequence[Depth], held_out: bool) -> list[str]:
        captions: dict[str, None] = {}
        for number, depth in enumerate(depths):
            naming: Naming = "neutral" if number % 2 == 0 else "named"
            while len(captions) == number:
                captions[caption(parameters, kinds, random, depth, naming, held_out)] = None
        return list(captions)

    any_two = [DEPTHS[int(index)] for index in random.integers(len(DEPTHS), size=2)]
    return draw([depth for depth in DEPTHS for _ in range(2)], held_out=False), draw(any_two, held_out=True)


def _acts(parameters: SceneParameters, kinds: Mapping[str, Kind], random: np.random.Generator, plainly: bool) -> list[ActWords]:
    return [ActWords(parameters, number, kinds[act.kind], random, plainly) for number, act in enumerate(parameters.acts)]


def _phrase(parameters: SceneParameters, kinds: Mapping[str, Kind], random: np.random.Generator, prefix: str) -> str:
    acts = _acts(parameters, kinds, random, plainly=True)
    if len(acts) == 1:
        return acts[0].must_say(prefix + "phrase")
    if random.random() < 0.5:
        nouns = [f"a {act.value('noun')}" for act in acts]
        return _joined(nouns, acts[0], prefix + "and")
    return _joined(_parts(acts, "doing"), acts[0], prefix + "and")


def _sentence(parameters: SceneParameters, kinds: Mapping[str, Kind], random: np.random.Generator, prefix: str) -> str:
    acts = _acts(parameters, kinds, random, plainly=True)
    if len(acts) == 1:
        return acts[0].must_say(prefix + "sentence")
    return _joined(_parts(acts, "do"), acts[0], prefix + "then", prefix + "finally") + "."


def _parts(acts: list[ActWords], form: str) -> list[str]:
    """Every act with its actor, who goes unsaid while it is the same one."""
    parts = [f"{acts[0].actor} {acts[0].value(form)}" + acts[0].tail("perhaps")]
    for before, act in pairwise(acts):
        same = act.actor == before.actor
        phrase = again(act.value(form) or "") if same else f"{act.actor} {act.value(form)}"
        parts.append(phrase + act.tail("perhaps"))
    return parts


def _joined(parts: list[str], words: ActWords, link: str, last: str | None = None) -> str:
    text = parts[0]
    for number, part in enumerate(parts[1:], 2):
        rule = last if last and number == len(parts) > 2 else link
        text += f"{words.tail(rule)} {part}"
    return text


def _account(parameters: SceneParameters, kinds: Mapping[str, Kind], random: np.random.Generator, prefix: str) -> str:
    return account(parameters, _acts(parameters, kinds, random, plainly=False), random, prefix)


# -- what is held out ------------------------------------------------------------------------------------------------------


def held_out(parameters: SceneParameters) -> bool:
    """Whether the scene holds a combination of kind, actor's manner and side that no training scene may have."""
    return any(_held_out(act.kind, parameters.manners["ab".index(act.actor)], act.side) for act in parameters.acts)


def held_out_combinations(kinds: Mapping[str, Kind]) -> list[tuple[str, str, Side]]:
    """Every (kind, manner, side) that is held out; kinds without a side have "right"."""
    sides: tuple[Side, ...] = ("left", "right")
    return [
        (name, manner, side)
        for name, kind in kinds.items()
        for manner in MANNERS
        for side in (sides if kind.sided else sides[1:])
        if _held_out(name, manner, side)
    ]


def _held_out(kind: str, manner: str, side: Side) -> bool:
    return manner != "neutral" and zlib.crc32(f"{kind}, {manner}, {side}".encode()) % HELD_OUT_EVERY == 0


def vocabulary(kinds: Mapping[str, Kind]) -> set[str]:
    """Every word that captions can use, names of people included, verbs in the base form."""
    return people_words() | templates().words().union(manners().words(), *(words_of(kind).words() for kind in kinds.values()))
