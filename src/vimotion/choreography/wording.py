"""The words for one act of a scene: what its kind is called, and how, by whom and from where it is done.

A kind's own words are rules of a grammar (see `vimotion.grammar`), verbs marked as in `verbs`:

    @do      what the actor does to, before or with the other {B}: "~push {B.obj}", "~shake hands with {B.obj}"
    @both    what both do together, for mutual kinds: "~shake hands"
    @start   what the actor does first, for mutual kinds: "~hold out {A.his} {side} hand"
    @answer  what the other does then: "~step back" (to the act or, in mutual kinds, to the start)
    @seen    the act as the other's: "~be pushed by {A.obj}"
    @noun    what it is, without an article: "push"; @units what is counted: "pushes"; @limb what does it: "hand"

Every shared template takes its `{do}`, `{doing}`, … from there, so a few lines are told in hundreds of ways.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import numpy as np

from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.parameters import SceneParameters
from vimotion.choreography.verbs import conjugate
from vimotion.grammar import Grammar

WORDINGS = Path(__file__).parent / "wordings"

_PHRASES = {"do": "doing", "both": "both_doing", "start": "starting", "answer": "answering", "seen": "seeing"}


@lru_cache
def templates() -> Grammar:
    """How acts are told, whatever their kinds."""
    return Grammar.read(WORDINGS / "shared.txt", WORDINGS / "templates.txt")


@lru_cache
def manners() -> Grammar:
    """How manners are told."""
    return Grammar.read(WORDINGS / "manners.txt")


@lru_cache
def words_of(kind: Kind) -> Grammar:
    """A kind's own words."""
    return Grammar.of({"shared.txt": (WORDINGS / "shared.txt").read_text(encoding="utf-8"), kind.name: kind.words})


class ActWords:
    """One telling of one act: its phrases are drawn once, so that every use in a caption is the same.

    {A} and {B} are the actor and the other of the scene's first act; an act of the other one is told the other way round.

    Args:
        plainly: whether the side may go unsaid; if not, the verb phrase names it where the kind has one that does.
    """

    def __init__(
        self, parameters: SceneParameters, number: int, kind: Kind, random: np.random.Generator, plainly: bool = True
    ) -> None:
        self.kind = kind
        self.facts = act_facts(parameters, number, kind)
        self._random = random
        self._turned = parameters.acts[number].actor != parameters.acts[0].actor
        self.actor = "{B}" if self._turned else "{A}"
        self._values = self._own_words(plainly) | _manner_words(parameters, number, kind, random)
        if self._values.get("seen", "").startswith("~be "):
            self.facts |= {"passive"}

    def say(self, rule: str) -> str | None:
        """One way to say a rule of the shared templates."""
        text = templates().say(rule, self._random, self.facts, self._values)
        return _turned(text) if text is not None and self._turned else text

    def must_say(self, rule: str) -> str:
        """The same for a rule that can always be said."""
        text = self.say(rule)
        assert text is not None, f"{self.kind.name} cannot say @{rule}."
        return text

    def tail(self, rule: str) -> str:
        """A rule that goes on behind other words: with its comma, or behind a space; nothing where it cannot be said."""
        text = self.say(rule) or ""
        return text if text[:1] in (",", "") else f" {_lower(text)}"

    def value(self, name: str) -> str | None:
        """A value of the templates: "do_again", "noun", …"""
        text = self._values.get(name)
        return _turned(text) if text is not None and self._turned else text

    def _own_words(self, plainly: bool) -> dict[str, str]:
        values = {name: self._own(name, True) for name in ("noun", "units", "limb")}
        for name, gerund in _PHRASES.items():
            phrase = self._own(name, plainly)
            if phrase:
                values |= {name: phrase, gerund: conjugate(phrase, "gerund")}
        values["to_do"] = conjugate(values["do"] or "", "base")
        for name in ("do", "doing"):
            values[f"{name}_again"] = again(values[name] or "")
        return {name: text for name, text in values.items() if text}

    def _own(self, rule: str, plainly: bool) -> str | None:
        grammar = words_of(self.kind)
        if rule not in grammar.rules:
            return None
        while True:
            text = _lower(grammar.say(rule, self._random, self.facts) or "")
            if plainly or not _may_name_side(self.kind, rule) or re.search(r"\b(left|right)\b", text):
                return text


@lru_cache
def _may_name_side(kind: Kind, rule: str) -> bool:
    own = re.search(rf"^@{rule}\n([^@]*)", kind.words, re.MULTILINE)
    return kind.sided and own is not None and re.search(r"\{(side|opposite)\}", own[1]) is not None


def act_facts(parameters: SceneParameters, number: int, kind: Kind) -> frozenset[str]:
    """The facts that a wording of this act may ask for: "right", "2", "slow", "far", "other-chair", …"""
    act = parameters.acts[number]
    facts: set[str] = {parameters.speed}
    if kind.mutual:
        facts.add("mutual")
    if kind.sided:
        facts.add(act.side)
    if len(kind.counts) > 1:
        facts |= {"counted", str(act.count)}
    acting = "ab".index(act.actor)
    if parameters.manners[acting] != "neutral":
        facts.add("manner")
    if parameters.manners[0] == parameters.manners[1] != "neutral":
        facts.add("together")
    return frozenset(facts | _start_facts(parameters, kind, acting)) if number == 0 else frozenset(facts)


def _start_facts(parameters: SceneParameters, kind: Kind, acting: int) -> set[str]:
    """Where and how they are at the start."""
    postures, other = parameters.postures, 1 - acting
    facts = {f"actor-{postures[acting]}", f"other-{postures[other]}"}
    if postures[0] == postures[1]:
        facts.add(f"both-{postures[0]}")
    walks_up = isinstance(kind.start, Arrangement) and postures[acting] == "stand"
    if parameters.distance == "far" and walks_up:
        facts.add("meet" if kind.mutual and postures[other] == "stand" else "far")
    if isinstance(kind.start, Arrangement) and kind.start.facing and parameters.distance == "near" and "both-stand" in facts:
        facts.add("face")
    return facts


def _manner_words(parameters: SceneParameters, number: int, kind: Kind, random: np.random.Generator) -> dict[str, str]:
    """Adverb, clause and verb phrase for the manner of the actor, of the other and of both, and the adjective of the act."""
    first, second = parameters.manners if parameters.acts[number].actor == "a" else parameters.manners[::-1]
    shared = first if first == second else "neutral"
    actor = _manner(first, "", "{A.his}", "{A.himself}", random)
    other = _manner(second, "other_", "{B.his}", "{B.himself}", random)
    both = _manner(shared, "both_", "their", "themselves", random)
    if not kind.mutual or both:
        actor |= _manner_adjective(first, random)
    return actor | other | both


def _manner(name: str, prefix: str, your: str, yourself: str, random: np.random.Generator) -> dict[str, str]:
    if name == "neutral":
        return {}
    facts = ("both",) if prefix == "both_" else ()
    words = {}
    for value, rule in (("mannerly", "adverb"), ("clause", "clause"), ("look", "look")):
        text = manners().say(f"{name}-{rule}", random, facts, {"your": your, "yourself": yourself})
        words[prefix + value] = _lower(text or "")
    return words


def _manner_adjective(name: str, random: np.random.Generator) -> dict[str, str]:
    text = manners().say(f"{name}-adjective", random) if name != "neutral" else None
    return {"adjective": _lower(text)} if text else {}


def again(phrase: str) -> str:
    """The phrase with the other called by pronoun."""
    return phrase.replace("{B.obj}", "{B.him}").replace("{B's}", "{B.his}")


def _turned(text: str) -> str:
    """The same with the two people changed round."""
    return re.sub(r"\{([AB])(?=[.'}])", lambda match: "{" + {"A": "B", "B": "A"}[match[1]], text)


def _lower(text: str) -> str:
    """A part of a sentence: without the capital that the grammar begins a text with."""
    return text[:1].lower() + text[1:]
