"""What can be said of a scene, as plain data: for whoever makes conversations about it and knows no kinds.

All texts call person a `{first}` and person b `{second}`, and are the plain words of their rules: the first way to say each.
Only why something is done, what came before the scene and what comes after it are drawn, by the moods of its kinds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from vimotion.choreography.cast import name_plainly
from vimotion.choreography.kind import Arrangement, Kind
from vimotion.choreography.parameters import Person, Posture, SceneParameters
from vimotion.choreography.sampling import possible_edits, walks_up
from vimotion.choreography.verbs import Form, conjugate
from vimotion.choreography.wording import WORDINGS, act_facts, manners, words_of
from vimotion.grammar import Grammar

Told = dict[str, Any]

_SLOT: dict[Person, str] = {"a": "{first}", "b": "{second}"}
_TIMES = {1: "once", 2: "twice", 3: "three times", 4: "four times"}
_NUMBERS = {1: "one", 2: "two", 3: "three", 4: "four"}
_PACE = {"slow": "slowly", "fast": "quickly"}
_SITTING: dict[Posture, str] = {"stand": "stands", "chair": "sits on a chair", "ground": "sits on the ground"}
_BOTH: dict[Posture, str] = {"stand": "both stand", "chair": "both sit on chairs", "ground": "both sit on the ground"}
_FORMS: dict[str, Form] = {"do": "base", "does": "third", "did": "past", "doing": "gerund"}
_REACTIONS: dict[str, Form] = {"react": "base", "reacts": "third", "reacted": "past"}
# What a quarrel is about, and what ends one.
_HOSTILE, _FRIENDLY = {"conflict", "teasing"}, {"affection", "care", "greeting"}


def tell(parameters: SceneParameters, kinds: Mapping[str, Kind], random: np.random.Generator) -> Told:
    """Everything that can be said of a scene, ready for JSON.

    Returns:
        account: the whole scene, always in the same words.
        leader, follower: the actor and the other of the first act.
        speed: "slow", "normal", "fast"; pace: "slowly", "quickly"; absent at a normal speed.
        distance: "near" or "far"; moves: how that is seen: "meet" (both walk up), "walk" (the leader does), "apart" (they start
            at another distance), "" (it is not); approach, approached: the walk up as a clause, where there is one.
        ending: "stay" or "part".
        sitting: who stands and who sits.
        people: by slot, the leader first: posture, and what the person does by it (sits); manner, and its words: adverb,
            adjective of a movement, trait of a person; absent where it is neutral.
        acts: in order; see `_act`. edits: the names of `possible_edits`.
        past, continuation: clauses, what was before the clip, and what probably comes after it.
    """
    acts = [_act(parameters, number, kinds[act.kind]) for number, act in enumerate(parameters.acts)]
    moods = [kinds[act.kind].mood for act in parameters.acts]
    manners_of = dict(zip(("{first}", "{second}"), parameters.manners, strict=True))
    for number, act in enumerate(acts):
        act["cause"] = _cause(acts, moods, number, manners_of[act["actor"]], random)
    persons: tuple[Person, ...] = ("a", "b") if parameters.acts[0].actor == "a" else ("b", "a")
    people = {_SLOT[person]: _person(parameters, person, random) for person in persons}
    told: Told = {
        "leader": acts[0]["actor"],
        "follower": acts[0]["other"],
        "speed": parameters.speed,
        "distance": parameters.distance,
        "ending": parameters.ending,
        "people": people,
        "sitting": _sitting(people),
        "acts": acts,
        "edits": sorted({edit.name for edit in possible_edits(parameters)}),
        "past": _say(f"{moods[0]}-past", acts[0], manners_of, random),
        "continuation": _say(f"{moods[-1]}-continuation", acts[-1], manners_of, random),
        **_start(parameters, kinds[parameters.acts[0].kind], acts[0]),
    }
    if pace := _PACE.get(parameters.speed):
        told["pace"] = pace
    return {"account": _account(told), **told}


# -- the parts ---------------------------------------------------------------------------------------------------------------


def _act(parameters: SceneParameters, number: int, kind: Kind) -> Told:
    """One act.

    Returns:
        kind; actor, other: slots; mutual.
        side: "left" or "right" of what `place` says ("hand", "cheek", "side"), where the kind has one; limb: what of the actor
            does it, where that is said.
        count, times ("twice"), number ("two"), units ("pushes"), unit ("push"): where it is counted.
        do, does, did, doing: without their subject, which is "they" for mutual kinds and the actor otherwise; happens,
            happened: with it; led, and told, which says side and count: the actor being the subject. does_it, doing_it: what
            tells the one who acts or starts, without saying who the other is.
        noun: without an article.
        start: how a mutual one begins, with its subject. react, reacts, reacted: what the other does then; reason: the
            clause that explains it, where one does.
    """
    act, declared, whole = parameters.acts[number], words_of(kind), act_facts(parameters, number, kind)
    plain = whole - {"left", "right"}

    actor, other = _SLOT[act.actor], _SLOT["b" if act.actor == "a" else "a"]

    def said(rule: str, form: Form, facts: frozenset[str] = plain, other: str = other) -> str:
        phrase = conjugate(_lower(next(declared.ways(rule, facts))), form)
        return name_plainly(phrase, {"A": actor, "B": other})

    forms = {name: said("both" if kind.mutual else "do", form) for name, form in _FORMS.items()}
    if kind.mutual:
        forms["does"] = said("both", "plural")
    subject = "they" if kind.mutual else actor
    full = _full(kind, whole)
    first = "start" if kind.mutual else "do"
    told: Told = {
        "kind": act.kind, "actor": actor, "other": other, "mutual": kind.mutual, **forms,
        "happens": f"{subject} {forms['does']}", "happened": f"{subject} {forms['did']}",
        "led": f"{actor} {said('do', 'third')}",
        "told": f"{actor} {name_plainly(conjugate(full, 'third'), {'A': actor, 'B': other})}",
        "does_it": said(first, "third", other="the other person"), "doing_it": said(first, "gerund", other="the other person"),
        "noun": _lower(next(declared.ways("noun", plain))),
    }  # fmt: skip
    if kind.sided:
        side, place = re.findall(r"\b(left|right)\b ?(\w*)", full)[0]
        told |= {"side": side, "place": place or "side"}
    if "limb" in declared.rules:
        told["limb"] = _lower(next(declared.ways("limb", plain)))
    if len(kind.counts) > 1:
        units = _lower(next(declared.ways("units", plain)))
        told |= {"count": act.count, "times": _TIMES[act.count], "number": _NUMBERS[act.count], "units": units}
        told["unit"] = _singular(units)
        told["told"] += f" {_TIMES[act.count]}"
    if kind.mutual:
        told["start"] = f"{actor} {said('start', 'third', whole)}"
        told |= {name: _first(told[name]) for name in ("does_it", "doing_it")}
    if "answer" in declared.rules:
        told |= {name: said("answer", form) for name, form in _REACTIONS.items()}
        if not kind.mutual and kind.mood != "care":  # there the other's mood comes first
            told["reason"] = told["led"]
    return told


@lru_cache
def _full(kind: Kind, facts: frozenset[str]) -> str:
    """What the actor does, the first way that names the side where the kind has one."""
    ways = map(_lower, words_of(kind).ways("do", facts))
    return next(text for text in ways if not kind.sided or re.search(r"\b(left|right)\b", text))


def _person(parameters: SceneParameters, person: Person, random: np.random.Generator) -> Told:
    at = "ab".index(person)
    manner, posture = parameters.manners[at], parameters.postures[at]
    told = {"manner": manner, "posture": posture, "sits": _SITTING[posture]}
    if manner != "neutral":
        told["adverb"] = _lower(next(manners().ways(f"{manner}-adverb")))
        for word in ("adjective", "trait"):
            told[word] = _lower(str(manners().say(f"{manner}-{word}", random)))
    return told


def _start(parameters: SceneParameters, kind: Kind, act: Told) -> Told:
    """How near or far is seen, and the walk up."""
    if len(kind.distances) == 1:
        return {"moves": ""}
    if not isinstance(kind.start, Arrangement):
        return {"moves": "apart"}
    if not walks_up(parameters, kind):
        return {"moves": ""}
    moves = "meet" if kind.mutual else "walk"
    if parameters.distance == "near":
        return {"moves": moves}
    who, whom = ("they", "each other") if kind.mutual else (act["actor"], act["other"])
    walks = "walk" if kind.mutual else "walks"
    return {"moves": moves, "approach": f"{who} {walks} up to {whom}", "approached": f"{who} walked up to {whom}"}


# -- stories -----------------------------------------------------------------------------------------------------------------


@lru_cache
def stories() -> Grammar:
    """What scenes may be part of."""
    return Grammar.read(WORDINGS / "stories.txt")


def _cause(acts: list[Told], moods: Sequence[str], number: int, manner: str, random: np.random.Generator) -> str:
    """Why an act is done: what the other did before, where that explains it."""
    act, rule, values = acts[number], f"{moods[number]}-cause", {}
    if number and moods[number - 1] in _HOSTILE:
        before = acts[number - 1]
        values = {"happened": before["happened"], "before": before["noun"]}
        if moods[number] in _HOSTILE and before["actor"] != act["actor"]:
            rule = "revenge-cause"
        elif moods[number] in _FRIENDLY:
            rule = "peace-cause"
    return _say(rule, act, {act["actor"]: manner}, random, values)


def _say(
    rule: str, act: Told, manners_of: Mapping[str, str], random: np.random.Generator, values: Mapping[str, str] | None = None
) -> str:
    facts = {manners_of[act["actor"]], *(["mutual"] if act["mutual"] else [])}
    people = {"actor": act["actor"], "other": act["other"]}
    return _lower(str(stories().say(rule, random, facts, people | dict(values or {}))))


# -- the account -------------------------------------------------------------------------------------------------------------


def _account(told: Told) -> str:
    """Where they sit, the steps in order, the pace, and how each behaves."""
    steps = [told["approach"]] if "approach" in told else []
    steps += [act["told"] if act["mutual"] or "reacts" not in act else f"{act['told']}, and {act['other']} {act['reacts']}"
              for act in told["acts"]]  # fmt: skip
    if told["ending"] == "part":
        steps.append("they turn away and part")
    text = ", then ".join(steps) + (f", {told['pace']}" if "pace" in told else "")
    seated = any(person["posture"] != "stand" for person in told["people"].values())
    where = (
        told["sitting"] if seated else "they start far apart" if (told["moves"], told["distance"]) == ("apart", "far") else ""
    )
    return " ".join([*([_upper(where) + "."] if where else []), text + ".", *_behaving(told)])


def _sitting(people: Mapping[str, Told]) -> str:
    postures: list[Posture] = [person["posture"] for person in people.values()]
    if postures[0] == postures[1]:
        return _BOTH[postures[0]]
    return " and ".join(f"{slot} {person['sits']}" for slot, person in people.items())


def _behaving(told: Told) -> list[str]:
    manners_of = {slot: person["manner"] for slot, person in told["people"].items() if person["manner"] != "neutral"}
    if len(manners_of) == 2 and len(set(manners_of.values())) == 1:
        return [f"Both are {next(iter(manners_of.values()))}."]
    return [" and ".join(f"{slot} is {manner}" for slot, manner in manners_of.items()) + "."] if manners_of else []


def _singular(units: str) -> str:
    """ "pushes" → "push", "pats on the back" → "pat on the back"."""
    one = re.match(r"(high \w+|\w+)", units)
    assert one, units
    stem = re.sub(r"(?<=ch)es$|(?<=sh)es$|s$", "", one[0])
    return stem + units[one.end() :]


def _first(phrase: str) -> str:
    return phrase if phrase.endswith(" first") else f"{phrase} first"


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
