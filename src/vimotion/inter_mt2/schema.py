"""What passes from stage to stage, a line of JSON each.

In a text, brackets stand for motions, as in the paper: `[source]` is the seed's clip, anything else the caption of a new
motion. Behind a bar stands what of it is shown: `[source | a]` its first person alone, `[source | until 2.4 s]` its beginning,
`[source | from 2.4 s]` the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from vimotion.config import Config

Kind = Literal["editing", "reasoning", "story", "role"]
KINDS: tuple[Kind, ...] = ("editing", "reasoning", "story", "role")
SOURCE = "source"

_BRACKET = re.compile(r"\[([^\[\]]*)\]")
_TIME = re.compile(r"(until|from) (\d+(?:\.\d+)?) s")


class Seed(Config):
    """What an author is given.

    Attributes:
        id: unique, of clip and kind.
        kind: of the conversation that is to be written.
        clip, source, split: of the prepared corpus; conversations of one source are never in two splits.
        captions: true sentences about the clip.
        seconds: how long the clip lasts.
        facts: of a scripted scene its parameters and events and what can be told of it; empty otherwise.
        edits: clips that are edited versions of this one, by the edit's name.
    """

    id: str
    kind: Kind
    clip: str
    source: str
    split: str
    captions: tuple[str, ...]
    seconds: float
    facts: dict[str, Any] = Field(default_factory=dict)
    edits: dict[str, str] = Field(default_factory=dict)


class Line(Config):
    """One message: its text, with motions in brackets."""

    role: Literal["system", "user", "assistant"]
    text: str


class Planned(Config):
    """A new motion that the brackets of a draft name.

    Attributes:
        caption: what stands in the brackets.
        edited: whether it is a changed version of another motion, which the choreography and a generator make by turns.
        clip: a clip of the seed's corpus that is this motion, where there is one.
        scene: parameters of the scripted scene that is this motion, where there are any.
        seconds: how long it is to last; None leaves it open.
    """

    caption: str
    edited: bool = False
    clip: str = ""
    scene: dict[str, Any] | None = None
    seconds: float | None = Field(default=None, gt=0)


class Draft(Config):
    """A conversation as its author wrote it.

    Attributes:
        id, kind: of its seed.
        author: "embedded", or the name of the language model.
        messages: in order; perhaps a system message, then user and assistant by turns.
        motions: one for each caption in brackets but `source`.
        asked: what each user turn does, where the author tells ("edit: faster", "why", "continue", …), for counting.
    """

    id: str
    kind: Kind
    author: str
    messages: tuple[Line, ...]
    motions: tuple[Planned, ...] = ()
    asked: tuple[str, ...] = ()


class Bracket(Config):
    """A motion in a text: its caption or `source`, who of it is shown, and from when to when, in seconds."""

    name: str
    people: Literal["ab", "a", "b"] = "ab"
    start: float = 0.0
    stop: float | None = None

    def __str__(self) -> str:
        shown: list[str] = [self.people] if self.people != "ab" else []
        shown += [f"from {self.start:g} s"] if self.start else []
        shown += [f"until {self.stop:g} s"] if self.stop is not None else []
        return f"[{' | '.join([self.name, ', '.join(shown)] if shown else [self.name])}]"


def pieces(text: str) -> Iterator[str | Bracket]:
    """A text as words and motions in order.

    Raises:
        ValueError: a bracket is empty, does not close, or says something behind its bar that nobody knows.
    """
    at = 0
    for found in _BRACKET.finditer(text):
        if words := _words(text[at : found.start()]):
            yield words
        yield _bracket(found[1])
        at = found.end()
    if words := _words(text[at:]):
        yield words


def brackets(text: str) -> list[Bracket]:
    """The motions of a text in order."""
    return [piece for piece in pieces(text) if isinstance(piece, Bracket)]


def _words(text: str) -> str:
    if re.search(r"[\[\]]", text):
        raise ValueError(f"a bracket does not close in {text!r}")
    return text


def _bracket(inside: str) -> Bracket:
    name, bar, shown = (part.strip() for part in inside.partition("|"))
    if not name:
        raise ValueError("a bracket is empty")
    options: dict[str, Any] = {}
    for option in shown.split(",") if bar else ():
        option = option.strip()
        if option in ("a", "b"):
            options["people"] = option
        elif time := _TIME.fullmatch(option):
            options["start" if time[1] == "from" else "stop"] = float(time[2])
        else:
            raise ValueError(f"{option!r} behind the bar of [{inside}] is none of: a, b, from … s, until … s")
    return Bracket(name=name, **options)
