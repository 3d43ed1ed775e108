"""Which token may come next in an answer, so that every motion span is whole.

An answer is text and motion spans, closed by the end-of-turn token. Where it stands is a `Place`; each place has one set of
legal ids, made once. A decoder that picks only from these sets cannot write a malformed span, nor run for ever: motions,
their steps and text tokens are counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from vimotion.language.layout import Layout
from vimotion.tasks.messages import People
from vimotion.tokenizer import MotionTokenizer
from vimotion.tokenizer.spec import RETOLD


class Place(NamedTuple):
    """Where an answer stands.

    `kind` "text": between spans; `level` says what may come there: text (1) + a motion's start (2) + the end of turn (4).
    `kind` "who": right after a span's start. `kind` "begin": the first number of a placement or, of what goes on with a motion,
    the first code. `kind` "place": number `level` of a placement is due. `kind` "code": a code of
    `person` and `level` is due. `kind` "step": a step is whole, so the span may also end. `kind` "end": it must end. `kind`
    "put": only the token `level` may come.
    """

    kind: Literal["text", "who", "begin", "place", "code", "step", "end", "put"]
    level: int = 0
    person: People = "a"


# A place, and at "who" the choice.
Spot = tuple[Place, tuple[People, ...]]

_TEXT, _START, _TURN = 1, 2, 4


@dataclass(frozen=True)
class Rules:
    """What an answer may hold.

    Attributes:
        motion: "no" (words only), "must" (one motion, which words may come before) or "any".
        people: who may be in its motions; the model chooses where there are several.
        steps: exactly so many codec steps in each motion; None leaves that to the model.
        max_steps: and at most so many.
        max_motions: motion spans.
        max_text: text tokens; 0 for a motion alone.
        placed: its motions begin with where the people start; what goes on with a motion does not. None leaves to the model
            whether it goes on with one.
        before: what a span of the motion that it goes on with holds between its head and its end; of the same people.
        first_person: what a span of a lone person would hold between its head and its end. In motions of two people the first
            person's tokens are these, and the motion is as long.
    """

    motion: Literal["any", "must", "no"] = "any"
    people: tuple[People, ...] = ("ab", "a", "b")
    steps: int | None = None
    max_steps: int = 64
    max_motions: int = 1
    max_text: int = 200
    placed: bool | None = True
    before: tuple[int, ...] = ()
    first_person: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.people:
            raise ValueError("Say who may be in a motion.")
        if self.max_steps < 1 or self.max_motions < 1 or self.max_text < (self.motion == "no"):
            raise ValueError("An answer needs room for at least one step and one motion, or one text token.")
        if self.steps is not None and not 1 <= self.steps <= self.max_steps:
            raise ValueError(f"A motion has 1 to {self.max_steps} steps, not {self.steps}.")
        if not self.placed and not self.before:
            raise ValueError("Say what motion the answer goes on with.")


class LegalTokens:
    """The legal sets of one model: `ids(place, people)`, and a new `Draft` by `begin(rules)`."""

    def __init__(self, layout: Layout, tokenizer: PreTrainedTokenizerFast, codec: MotionTokenizer) -> None:
        self.layout, self._codec = layout, codec
        self.end_of_turn: int = tokenizer.eos_token_id
        special = set(tokenizer.all_special_ids)
        self._text = [i for i in range(len(tokenizer)) if i not in special and not layout.is_motion(i)]
        # one tensor for each place, made when an answer first gets there
        self.ids = cache(self._ids)

    @property
    def words(self) -> Spot:
        """Where only text may come."""
        return Place("text", _TEXT), ()

    def begin(self, rules: Rules) -> Draft:
        """A draft of which nothing is written yet."""
        return Draft(self, rules)

    def longest(self, rules: Rules) -> int:
        """Tokens of the longest answer, its end of turn included."""
        if rules.motion == "no":
            return rules.max_text + 1
        steps = max(rules.steps or rules.max_steps, self.given_steps(rules.first_person))
        people = max(rules.people, key=len)
        span = self.layout.length(people, steps)
        if rules.before:
            passed = self.layout.slot(len(rules.before), people).step
            span = max(span, self.layout.length(people, passed + steps) - len(rules.before))
        return rules.max_motions * span + rules.max_text + 1

    def given_steps(self, first_person: tuple[int, ...]) -> int:
        """Steps of a given person's tokens; 0 of nobody's."""
        return self.layout.slot(len(first_person), "a").step

    def retold(self, people: People, inside: Sequence[int], first_person: Sequence[int]) -> list[int]:
        """The tokens that tell anew where people are at the end of a segment.

        What was said so far tells that already: the codec finds it there.

        Args:
            inside: the tokens of the motion so far, after its head.
            first_person: those that tell it of the first person, where they are given.
        """
        layout = self.layout
        codes = layout.parse([layout.start, layout.who[people], *inside, layout.end], closed=False).codes
        places = self._codec.places(codes)
        if first_person:
            places[0] = [token - layout.place_ids(number).start for number, token in enumerate(first_person)]
        return layout.retold(places)

    def _ids(self, place: Place, people: tuple[People, ...]) -> Tensor:
        """Ids in ascending order of what may come at a place; `people` narrows "who"."""
        layout = self.layout
        if place.kind == "text":
            ids = list(self._text) if place.level & _TEXT else []
            ids += [layout.start] if place.level & _START else []
            ids += [self.end_of_turn] if place.level & _TURN else []
        elif place.kind == "who":
            ids = [layout.who[choice] for choice in people]
        elif place.kind == "begin":
            ids = [*layout.place_ids(0), *layout.level_ids(0, place.person)]
        elif place.kind == "place":
            ids = list(layout.place_ids(place.level))
        elif place.kind == "end":
            ids = [layout.end]
        elif place.kind == "put":
            ids = [place.level]
        else:
            ids = list(layout.level_ids(place.level, place.person))
            ids += [layout.end] if place.kind == "step" else []
        return torch.tensor(sorted(ids))


class Draft:
    """An answer while it is written: where it stands, and what it may still hold."""

    def __init__(self, legal: LegalTokens, rules: Rules) -> None:
        self.legal, self.rules = legal, rules
        self.tokens: list[int] = []
        self.done = False
        self._motions = self._texts = 0
        # of the open span: the tokens of the motion that it goes on with, those so far after its head, and what is still to be
        # put of those that tell anew where people are
        self._before: tuple[int, ...] = ()
        self._inside_tokens = 0
        self._retold: list[int] = []
        self._put: tuple[int, ...] = ()
        self._people: People = "ab"
        self.place = Place("text", self._between())

    @property
    def at(self) -> Spot:
        """The arguments of `LegalTokens.ids` that give what may come next: drafts with the same `at` may go on alike."""
        return self.place, self.rules.people if self.place.kind == "who" else ()

    @property
    def span_tokens(self) -> int:
        """Tokens of the motion that is being written, its start and who is in it included."""
        return 1 if self.place.kind == "who" else 2 + self._inside_tokens

    def push(self, token: int) -> None:
        """Write one token.

        Raises:
            ValueError: it is not legal here.
        """
        if self.done or not torch.any(self.legal.ids(*self.at) == token):
            raise ValueError(f"Token {token} is not legal at {self.place}.")
        layout = self.legal.layout
        self.tokens.append(token)
        if token == self.legal.end_of_turn:
            self.done = True
        elif token == layout.start:
            self.place = Place("who")
        elif self.place.kind == "who":
            people = self._people = next(people for people, who in layout.who.items() if who == token)
            self._before, self._inside_tokens = self.rules.before if self.rules.placed is False else (), 0
            self._put = self.rules.first_person if people == "ab" else ()
            self.place = Place("begin", person="b" if people == "b" else "a") if self.rules.placed is None else self._inside()
        elif token == layout.end:
            self._motions += 1
            self.place = Place("text", self._between())
        elif self.place.kind == "text":
            self._texts += 1
            self.place = Place("text", self._between())
        else:
            if self.place.kind == "begin" and not layout.is_place(token):
                self._before = self.rules.before
            self._inside_tokens += 1
            self.place = self._inside()

    def _between(self) -> int:
        """What may come between spans; an empty answer is none."""
        must = self.rules.motion == "must"
        if must and self._motions:
            return _TURN
        text = _TEXT * (self._texts < self.rules.max_text)
        motion = _START * (self.rules.motion != "no" and self._motions < self.rules.max_motions)
        return text | motion | _TURN * (bool(self.tokens) and not must)

    def _inside(self) -> Place:
        layout = self.legal.layout
        passed = len(self._before)
        slot = layout.slot(passed + self._inside_tokens, self._people)
        steps = slot.step - layout.slot(passed, self._people).step
        wanted = self.legal.given_steps(self._put) or self.rules.steps
        if slot.between_steps and steps == (wanted or self.rules.max_steps):
            return Place("end")
        if slot.kind == "retold" and not slot.person and not slot.number:
            inside = self.tokens[len(self.tokens) - self._inside_tokens :]
            at = layout.lone_index(slot)
            self._retold = self.legal.retold(self._people, [*self._before, *inside], self._put[at : at + len(RETOLD)])
        if self._retold:
            token, *self._retold = self._retold
            return Place("put", token)
        if self._put and not slot.person:
            return Place("put", self._put[layout.lone_index(slot)])
        if slot.kind == "start":
            return Place("place", slot.number)
        person: People = "b" if self._people[slot.person] == "b" else "a"
        return Place("step" if slot.between_steps and steps and not wanted else "code", slot.number, person)
