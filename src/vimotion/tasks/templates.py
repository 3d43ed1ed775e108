"""The words around motions: templates read from text, and what of a record may be said in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vimotion.grammar import Grammar
from vimotion.tasks.messages import Message, MotionPart, Part, Role, TextPart

if TYPE_CHECKING:  # a chat needs templates but no corpus, and a corpus needs pyarrow
    from vimotion.corpora import Record

MOTION = "{MOTION}"
_TEMPLATES = Path(__file__).parent / "templates"
_FPS = 30.0
# How often a text speaks of "the first person" rather than of "person A".
_ORDINALS = 0.7
# How often a caption is typed as in a hurry: no capital, no full stop.
_CASUAL = 0.15


@lru_cache
def grammar(name: str) -> Grammar:
    """The grammar of one template file, such as "reaction" or "editing/faster", over the words for kinds and people."""
    return Grammar.read(_TEMPLATES / "kinds.txt", _TEMPLATES / f"{name}.txt")


def template_names(folder: str) -> list[str]:
    """The template files of a folder: the edits of "editing", the questions of "questions"."""
    return sorted(path.stem for path in (_TEMPLATES / folder).glob("*.txt"))


def scene_facts(record: Record, random: np.random.Generator) -> frozenset[str]:
    """What templates may ask for of a scripted record, and by which names they call the two; nothing of other records."""
    parameters = (record.facts or {}).get("parameters")
    if not parameters:
        return frozenset()
    words = {str(value) for name, value in parameters.items() if name != "seed"}
    return frozenset(words | {"ordinals" if random.random() < _ORDINALS else "letters"})


def account(record: Record, random: np.random.Generator) -> str:
    """Everything that can be told of a scripted record, always in the same words; "" of other records."""
    facts = scene_facts(record, random) - {"letters"} | {"ordinals"}
    return str(grammar("account").say("account", random, facts)) if record.facts else ""


def say(
    name: str,
    random: np.random.Generator,
    facts: frozenset[str] = frozenset(),
    values: Mapping[str, str] | None = None,
    held_out: bool = False,
    variant: str = "",
) -> str:
    """A text of template file `name`, from its training or its held-out wordings, or from a variant of these ("-told")."""
    text = grammar(name).say(("held-out" if held_out else "training") + variant, random, facts, values)
    if text is None:
        raise ValueError(f"No template of {name!r} fits the facts {sorted(facts)}.")
    return text


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
    return set[str]().union(*(grammar(name).words() for name in names if name != "kinds"))


def _number(seconds: float) -> str:
    return f"{seconds:.1f}".removesuffix(".0")


def _length(seconds: float) -> str:
    number = _number(seconds)
    return f"{number} second{'' if number == '1' else 's'}"
