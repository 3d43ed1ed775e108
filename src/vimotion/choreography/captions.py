"""Captions of scripted scenes: sentences that are true of what the parameters say and of nothing else.

The wordings are text: `wordings/<kind>.txt`, each with the rules @training and @held-out, over `shared.txt` (see
`vimotion.grammar`) and `people.txt` (see `cast`). A wording that ends in a full stop is a sentence; one that does not is a noun
phrase that also fits after "Show me".
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import numpy as np

from vimotion.choreography.cast import Naming, name_people
from vimotion.choreography.parameters import KINDS, SceneParameters
from vimotion.grammar import Grammar, tidy

_WORDINGS = Path(__file__).parent / "wordings"


def caption(
    parameters: SceneParameters, random: np.random.Generator, held_out: bool = False, naming: Naming = "neutral"
) -> str:
    """A caption of the scene.

    Args:
        held_out: draw from the wordings that no training example uses.
        naming: "neutral" leaves open which of the two is person a ("one person … the other"); "named" says who acts or
            starts (the first person and person A are person a).
    """
    rule = "held-out" if held_out else "training"
    grammar, facts = wordings(parameters.kind), scene_facts(parameters)
    while True:
        text = grammar.say(rule, random, facts)
        assert text is not None
        # a wording that speaks of both alike cannot name the one who acts
        if naming == "named" and not re.search(r"\{[AB][.'}]", text):
            continue
        text = tidy(name_people(text, naming, parameters.actor, random))
        if not re.search(r"\b(\w+) \1\b", text):  # "person one one time" by chance
            return text


def captions_for(parameters: SceneParameters, random: np.random.Generator) -> tuple[list[str], list[str]]:
    """What a corpus keeps of a scene: six different training captions and two held-out ones, half of each named."""

    def draw(number: int, held_out: bool) -> list[str]:
        captions: dict[str, None] = {}
        while len(captions) < number:
            naming: Naming = "neutral" if len(captions) % 2 == 0 else "named"
            captions[caption(parameters, random, held_out, naming)] = None
        return list(captions)

    return draw(6, held_out=False), draw(2, held_out=True)


def scene_facts(parameters: SceneParameters) -> frozenset[str]:
    """The facts that a wording may ask for: "right", "2", "slow", "gentle", "far", …"""
    return frozenset((parameters.side, str(parameters.count), parameters.speed, parameters.manner, parameters.distance))


@lru_cache
def wordings(kind: str) -> Grammar:
    """The grammar of one kind of interaction."""
    return Grammar.read(_WORDINGS / "shared.txt", _WORDINGS / f"{kind}.txt")


def vocabulary() -> set[str]:
    """Every word that captions can use, names of people included."""
    people = (_WORDINGS / "people.txt").read_text(encoding="utf-8")
    names = re.findall(r"[a-z]+", " ".join(line for line in people.lower().splitlines() if line[:1] not in "#@"))
    return set(names).union(*(wordings(kind).words() for kind in KINDS))
