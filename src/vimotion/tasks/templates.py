"""The words around motions: templates read from text, and what of a record may be said in them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vimotion.grammar import Grammar, tidy
from vimotion.tasks.messages import Message, MotionPart, Part, Role, TextPart

if TYPE_CHECKING:  # a chat needs templates but no corpus, and a corpus needs pyarrow
    from vimotion.corpora import Record

MOTION = "{MOTION}"
_TEMPLATES = Path(__file__).parent / "templates"
_FPS = 30.0
_NAMES = {"ordinals": ("the first person", "the second person"), "letters": ("person A", "person B")}
# Facts that say what an act has.
_PARTS = {"sided": "side", "handed": "limb", "counted": "count", "answers": "react"}
# How often a text speaks of "the first person" rather than of "person A".
_ORDINALS = 0.7
# How often a caption is typed as in a hurry: no capital, no full stop.
_CASUAL = 0.15


@dataclass(frozen=True)
class Words:
    """What may be said: facts that templates ask for, values for their slots, and what the two people are called."""

    facts: frozenset[str] = frozenset()
    values: Mapping[str, str] = field(default_factory=dict)
    names: tuple[str, str] = _NAMES["ordinals"]

    def named(self, text: str) -> str:
        """`text` with the two people called by their names."""
        return tidy(text.replace("{first}", self.names[0]).replace("{second}", self.names[1]))


NOTHING = Words()


@lru_cache
def grammar(name: str) -> Grammar:
    """The grammar of one template file, such as "reaction" or "editing/faster", over the words for acts and people."""
    return Grammar.read(_TEMPLATES / "words.txt", _TEMPLATES / f"{name}.txt")


def template_names(folder: str) -> list[str]:
    """The template files of a folder: the edits of "editing", the questions of "questions"."""
    return sorted(path.stem for path in (_TEMPLATES / folder).glob("*.txt"))


def told_of(record: Record) -> dict[str, Any]:
    """What the corpus tells of a scripted record (see `choreography.telling`); nothing of other records."""
    told: dict[str, Any] = (record.facts or {}).get("told", {})
    return told


def names_drawn(random: np.random.Generator) -> str:
    """How the two are called in one turn: by "ordinals" or by "letters"."""
    return "ordinals" if random.random() < _ORDINALS else "letters"


def words_for(record: Record, act: int = 0, person: str = "", calling: str = "ordinals") -> Words:
    """The words for an act of a scripted record, and for a person ("{first}", "{second}"; by default the act's actor).

    Of records that nothing is told of there is nothing to say.
    """
    told = told_of(record)
    if not told:
        return NOTHING
    here = told["acts"][act]
    person = person or here["actor"]
    values = {name: value for name, value in here.items() if isinstance(value, str)}
    values |= {name: value for name, value in told.items() if isinstance(value, str)}
    values |= _whole(told["acts"], act, told.get("approached")) | _manners(told["people"], here, person)
    facts = _scene_facts(told, act) | _act_facts(told["acts"], act) | _manner_facts(told["people"], person)
    return Words(frozenset(facts | {calling}), values, _NAMES[calling])


def _whole(acts: Sequence[Mapping[str, Any]], act: int, approached: str | None) -> dict[str, str]:
    """All acts together, and those before and after this one."""
    values = {
        "story": ", then ".join(act["led"] for act in acts),
        "happenings": ", then ".join(act["happens"] for act in acts),
        "nouns": ", then ".join(f"a {act['noun']}" for act in acts),
    }
    before = acts[act - 1]["happened"] if act else approached
    if before:
        values["happened_before"] = before
    if act + 1 < len(acts):
        values |= {"happens_next": acts[act + 1]["happens"], "noun_next": acts[act + 1]["noun"]}
    return values


def _manners(people: Mapping[str, Mapping[str, str]], act: Mapping[str, Any], person: str) -> dict[str, str]:
    """How `person` behaves, how the other of the act does, and both."""
    values = {"person": person}
    one, other = people[person], people[act["other"]]
    if "trait" in one:
        values |= {name: one[name] for name in ("adverb", "adjective", "trait")} | {"plain_trait": one["manner"]}
    if "trait" in other:
        values["other_trait"] = other["trait"]
    adverbs = {slot: people[slot]["adverb"] for slot in (act["actor"], act["other"]) if "adverb" in people[slot]}
    if adverbs:
        values["manners"] = " and ".join(f"{slot} behaves {adverb}" for slot, adverb in adverbs.items())
    if len(adverbs) == 2 and len(set(adverbs.values())) == 1:
        values["both_adverb"] = values["mannerly"] = adverbs[person]
    elif act["actor"] in adverbs and not act["mutual"]:
        values["mannerly"] = adverbs[act["actor"]]
    return values


def _scene_facts(told: Mapping[str, Any], act: int) -> set[str]:
    last = len(told["acts"]) - 1
    facts = {told["speed"], told["distance"], "several" if last else "single"}
    facts |= {"opening"} if act == 0 else set()
    facts |= {"closing"} if act == last else set()
    facts |= {"approached"} if "approach" in told and act == 0 else set()
    return facts | {"meet": {"walked", "meet"}, "walk": {"walked", "walks"}}.get(told["moves"], set())


def _act_facts(acts: Sequence[Mapping[str, Any]], number: int) -> set[str]:
    act = acts[number]
    facts = {name for name, part in _PARTS.items() if part in act}
    facts |= {"mutual"} if act["mutual"] else set()
    facts |= {str(act["count"])} if "count" in act else set()
    answers = [(other.get("react"), other["other"]) for other in acts]
    if "reason" in act and answers.count(answers[number]) == 1:  # else it could not be told which is meant
        facts.add("alone")
    return facts


def _manner_facts(people: Mapping[str, Mapping[str, str]], person: str) -> set[str]:
    manners = [how["manner"] for how in people.values()]
    together = "unlike" if len(set(manners)) > 1 else "plain" if manners[0] == "neutral" else "alike"
    return {together, *(["neutral"] if people[person]["manner"] == "neutral" else [])}


def account(record: Record) -> str:
    """Everything that can be told of a scripted record, always in the same words; "" of other records."""
    return NOTHING.named(told_of(record).get("account", ""))


def say(
    name: str,
    random: np.random.Generator,
    words: Words = NOTHING,
    values: Mapping[str, str] | None = None,
    held_out: bool = False,
    variant: str = "",
) -> str:
    """A text of template file `name`, from its training or its held-out wordings, or from a variant of these ("-told")."""
    rule = ("held-out" if held_out else "training") + variant
    text = grammar(name).say(rule, random, words.facts, {**words.values, **(values or {})})
    if text is None:
        raise ValueError(f"No template of {name!r} fits the facts {sorted(words.facts)}.")
    return words.named(text)


@lru_cache(maxsize=1 << 16)
def can_say(name: str, facts: frozenset[str], values: frozenset[str]) -> bool:
    """Whether a question can be asked and answered with these facts and values."""
    return all(grammar(name).count(rule, facts, values) for rule in ("training", "held-out", "answer"))


def caption_values(caption: str, scripted: bool, random: np.random.Generator) -> dict[str, str]:
    """The forms of a caption that templates ask for; a form that this caption does not have is left out.

    `caption` fits behind a colon, `sentence` stands by itself, `clause` fits after "a scene where", `bare` after "make",
    `phrase` after "show me".
    Scripted captions without a full stop are noun phrases; of other corpora they are sentences.
    """
    caption = caption.strip()
    plain = caption.rstrip(".")
    lowered = plain if re.match(r"[Pp]erson [A-Z]\b", plain) else plain[:1].lower() + plain[1:]
    values = {"caption": lowered if random.random() < _CASUAL else caption}
    if scripted and not caption.endswith("."):
        return values | {"phrase": lowered}
    values["sentence"] = plain + "."
    if not re.search(r"[.!?:;]", plain):
        values["clause"] = lowered
        if re.match(r"two ", lowered) and not re.search(r"\b(one|they|the other|are|who)\b", lowered):
            values["bare"] = lowered
    return values


def length_sentence(seconds: float) -> str:
    """How a length is asked for when a program has to say it."""
    return f"Make it {_length(seconds)} long."


def with_length(text: str, frames: int, random: np.random.Generator, held_out: bool) -> str:
    """`text`, followed half of the time by how long the motion that is asked for lasts."""
    if random.random() < 0.5:
        return text
    seconds = frames / _FPS
    values = {"length": _length(seconds), "number": _number(seconds)}
    sentence = say("length", random, values=values, held_out=held_out)
    if not re.search(r"[.!?}]$", text) and not sentence.startswith("("):
        text += "."
    return f"{text} {sentence}"


def message(role: Role, text: str, motion: MotionPart | None = None) -> Message:
    """A message of `text`, with `motion` wherever the text holds {MOTION}."""
    parts: list[Part] = []
    for number, piece in enumerate(text.split(MOTION)):
        if number:
            if motion is None:
                raise ValueError(f"{text!r} needs a motion.")
            parts.append(motion)
        if piece:
            parts.append(TextPart(piece))
    return Message(role, tuple(parts))


def beside(text: str, random: np.random.Generator) -> str:
    """`text` with {MOTION} in it: before or after it where the template left that open."""
    if MOTION in text:
        return text
    return f"{MOTION} {text}" if random.random() < 0.5 else f"{text} {MOTION}"


def vocabulary() -> set[str]:
    """Every word that the templates can use."""
    names = [str(path.relative_to(_TEMPLATES).with_suffix("")) for path in _TEMPLATES.rglob("*.txt")]
    return set[str]().union(*(grammar(name).words() for name in names if name != "words"))


def _number(seconds: float) -> str:
    return f"{seconds:.1f}".removesuffix(".0")


def _length(seconds: float) -> str:
    number = _number(seconds)
    return f"{number} second{'' if number == '1' else 's'}"
