"""Contestants whose motion comes from InterGEN: it alone, and the two-stage chain around it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from vimotion.chat.motions import continued
from vimotion.evaluation.contestants import Answer, begun_at
from vimotion.evaluation.examples import GIVEN, QUESTIONS, Example
from vimotion.motion import FPS, Interaction

if TYPE_CHECKING:
    from vimotion.chat import Model
    from vimotion.evaluation.text_model import TextModel
    from vimotion.intergen import Sample
    from vimotion.llm.client import Message


class InterGEN:
    """A motion generator: makes what a caption says, as long as it was asked for."""

    name = "intergen"
    tasks: Sequence[str] = ("text_to_motion", "free_text")
    drawn = tasks
    varied: Sequence[str] = ("text_to_motion",)

    def __init__(self, load: Callable[[], Sample]) -> None:
        """`load` gives the generator; called when there is something to answer."""
        self._load = load

    def answers(self, examples: Sequence[Example], seed: int) -> list[Answer]:
        return _rendered(self._load(), examples, [example.text for example in examples], seed)


class Chain:
    """The two-stage system that VIM's paper compares with: VIMotion describes what is given, a text model says in words what is
    asked for, and InterGEN makes it.

    Nothing but words passes from the given motion to the new one, but that the new one is put where person a of the given one
    stands: an edit and a reaction begin where the given motion begins, a continuation where it ends, and leaves the last given
    pose as VIMotion's own continuations do. What does not fit there is the chain's own failure and is left as it is.
    """

    name = "chain"
    tasks: Sequence[str] = ("reaction", "prediction", "editing", "reasoning", "explanation")
    drawn: Sequence[str] = ("reaction", "prediction", "editing")
    varied: Sequence[str] = ()

    def __init__(
        self, describer: Callable[[], Model], text_model: Callable[[], TextModel], generator: Callable[[], Sample]
    ) -> None:
        """Functions that give the three models; called when there is something to answer."""
        self._describer, self._text_model, self._generator = describer, text_model, generator
        self._said: dict[str, str | Exception] = {}

    def answers(self, examples: Sequence[Example], seed: int) -> list[Answer]:
        self._say([example for example in examples if example.id not in self._said])
        said = [self._said[example.id] for example in examples]
        if examples and examples[0].task in QUESTIONS:
            return list(said)
        told = {example: text for example, text in zip(examples, said, strict=True) if isinstance(text, str)}
        made = dict(zip(told, _rendered(self._generator(), list(told), list(told.values()), seed), strict=True))
        return [
            text if isinstance(text, Exception) else _joined(example, made[example])
            for example, text in zip(examples, said, strict=True)
        ]

    def _say(self, examples: Sequence[Example]) -> None:
        """Keep what the text model says to each example, a caption or an answer: the same for any seed."""
        if not examples:
            return
        model, turns = self._describer(), {}
        for example in examples:
            try:
                assert example.given is not None
                turns[example] = model.turn_to_describe(example.given)
            except ValueError as error:  # a motion that the model cannot take
                self._said[example.id] = error
        descriptions = [answer.text for answer in model.answers(list(turns.values()), at_once=max(1, len(turns)))]
        asked = [Prompt.of(example.task).about(text, example.text) for example, text in zip(turns, descriptions, strict=True)]
        for example, answer in zip(turns, self._text_model().complete(asked), strict=True):
            self._said[example.id] = _first_line(answer) or ValueError("The text model said nothing.")


@dataclass(frozen=True)
class Prompt:
    """How a text model is asked: a file `prompts/chain_<task>.txt` of parts between empty lines.

    Attributes:
        system: the first part.
        shown: the following ones: what a user might say and what is answered, in turn.
        asked: the last one; {description} in it is what the given motion shows, {message} what the user says, with that
            description in quotation marks where the motion stands.
    """

    system: str
    shown: tuple[str, ...]
    asked: str

    @staticmethod
    @cache
    def of(task: str) -> Prompt:
        text = (files("vimotion.evaluation") / "prompts" / f"chain_{task}.txt").read_text(encoding="utf-8")
        system, *shown, asked = text.strip().split("\n\n")
        return Prompt(system, tuple(shown), asked)

    def about(self, description: str, text: str) -> list[Message]:
        """The conversation in which a text model answers an example of this text."""
        message = text.replace(GIVEN, f'"{description}"')
        asked = self.asked.format(description=description, message=message)
        roles = ("user", "assistant")
        turns = [{"role": roles[number % 2], "content": text} for number, text in enumerate((*self.shown, asked))]
        return [{"role": "system", "content": self.system}, *turns]


def _rendered(sample: Sample, examples: Sequence[Example], captions: Sequence[str], seed: int) -> list[Answer]:
    """A motion of each caption, as long as the example needs it."""
    frames = [_frames(example) for example in examples]
    return _sampled(sample, captions, frames, [_own_seed(example, seed) for example in examples])


def _sampled(sample: Sample, captions: Sequence[str], frames: Sequence[int], seeds: Sequence[int]) -> list[Answer]:
    try:
        return list(sample(captions, frames, seeds))
    except ValueError as error:  # an empty caption, or a length that cannot be made
        if len(captions) == 1:
            return [error]
        jobs = zip(captions, frames, seeds, strict=True)
        return [_sampled(sample, [caption], [length], [own])[0] for caption, length, own in jobs]


def _frames(example: Example) -> int:
    """Frames that the new motion is to have: what was asked for, or as many as the given one; and a continuation's first pose,
    which stands for the last given one."""
    if example.seconds is not None:
        return round(example.seconds * FPS) + (example.task == "prediction")
    assert example.given is not None
    return example.given.num_frames


def _own_seed(example: Example, seed: int) -> int:
    """From the seed and the example alone, so that an answer does not depend on what is asked beside or before it."""
    return int.from_bytes(hashlib.sha256(f"{seed} {example.id}".encode()).digest()[:7])


def _joined(example: Example, made: Answer) -> Answer:
    """The answer that the chain's motion is, in the world of the given one."""
    given = example.given
    if given is None or not isinstance(made, Interaction):
        return made
    if example.task == "prediction":
        return continued(given, begun_at(made, given.frames(given.num_frames - 1, given.num_frames)), 1)
    placed = begun_at(made, given)
    return given.joined(placed.person(1)) if example.task == "reaction" else placed


def _first_line(text: str) -> str:
    """What is said before anything is explained, without quotation marks around it."""
    return next((line.strip().strip('"').strip() for line in text.splitlines() if line.strip()), "")
