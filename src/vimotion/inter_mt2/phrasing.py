"""The words of the embedded author: its own grammars in `phrasings/`, and around them the templates of the tasks.

A file of `phrasings/` says one kind of turn: `@training` what a user says, `@held-out` what only a user of the test split says,
`@answer` what an assistant says to it. Its `{template}` is a rule of a template file of the tasks, where it goes with one.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np

from vimotion.grammar import Grammar
from vimotion.tasks.templates import Words, grammar

_PHRASINGS = Path(__file__).parent / "phrasings"
# What every file may use.
_SHARED = ("people", "parts", "changes", "lead", "stories", "beginnings")


@lru_cache
def turn_grammar(turn: str, template: str = "") -> Grammar:
    """How a turn is said, perhaps around a template of the tasks, such as "editing/faster"."""
    own = Grammar.read(*(_PHRASINGS / f"{name}.txt" for name in dict.fromkeys((*_SHARED, turn))))
    told = dict(grammar(template or "describe").rules)
    told |= {"template": told.pop("training", ()), "held-out-template": told.pop("held-out", ())}
    return Grammar({**told, **own.rules})


def turn_names() -> list[str]:
    """The files of `phrasings/` that say turns of the user."""
    return sorted(path.stem for path in _PHRASINGS.glob("*.txt") if path.stem not in _SHARED)


def phrase(
    turn: str,
    rule: str,
    random: np.random.Generator,
    words: Words,
    values: Mapping[str, str] | None = None,
    template: str = "",
) -> str:
    """One way to say a rule of a turn, the two people called by their names."""
    text = turn_grammar(turn, template).say(rule, random, words.facts, {**words.values, **(values or {})})
    if text is None:
        raise ValueError(f"@{rule} of {turn!r} ({template}) cannot be said with the facts {sorted(words.facts)}.")
    return words.named(text)


def count_phrasings(turn: str, words: Words, template: str = "", rule: str = "training") -> int:
    """In how many ways a turn can be said."""
    return turn_grammar(turn, template).count(rule, words.facts, frozenset(words.values))
