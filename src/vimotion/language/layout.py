"""Motion codes as one row of token ids, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vimotion.language.vocabulary import END, START, WHO, MotionVocabulary
from vimotion.tasks.messages import People
from vimotion.tokenizer.spec import CodecSpec


class MalformedMotion(ValueError):
    """A row of tokens is no motion span; the message says where it goes wrong."""


@dataclass(frozen=True, eq=False)
class MotionCodes:
    """What a motion span says: who is in it and their codes (people, steps, levels), int64."""

    people: People
    codes: np.ndarray

    def __post_init__(self) -> None:
        if self.codes.ndim != 3 or len(self.codes) != len(self.people) or not self.codes.shape[1]:
            raise ValueError(f"Codes of {self.people!r} need the shape (people, steps, levels), not {self.codes.shape}.")


class Layout:
    """A span is start, who is in it, then for each step for each person the codes of all levels, then end.

    The motion tokens follow one another in the tokenizer, so ids are plain arithmetic from the first of them.
    """

    def __init__(self, spec: CodecSpec, first_id: int) -> None:
        """`first_id` is the id of the first motion token."""
        self.spec = spec
        self.vocabulary = MotionVocabulary(spec)
        self.first_id = first_id
        self.start = first_id + self.vocabulary.index(START)
        self.end = first_id + self.vocabulary.index(END)
        self.who: dict[People, int] = {people: first_id + self.vocabulary.index(token) for people, token in WHO.items()}
        self._codes_from = first_id + self.vocabulary.first_code
        self._level_start = self._codes_from + spec.codebook_size * np.arange(spec.levels)

    def level_ids(self, level: int) -> range:
        """Ids of the codes of one level, in the order of the codebook."""
        start = int(self._level_start[level])
        return range(start, start + self.spec.codebook_size)

    def step_length(self, people: People) -> int:
        """Tokens in one step."""
        return len(people) * self.spec.levels

    def length(self, people: People, steps: int) -> int:
        """Tokens in a whole span."""
        return 3 + steps * self.step_length(people)

    def is_motion(self, token: int) -> bool:
        return self.first_id <= token < self.first_id + len(self.vocabulary)

    def flatten(self, codes: np.ndarray, people: People) -> list[int]:
        """Codes (people, steps, levels) → the ids of a whole span."""
        codes = MotionCodes(people, np.asarray(codes)).codes
        if codes.shape[2] != self.spec.levels or codes.min() < 0 or codes.max() >= self.spec.codebook_size:
            raise ValueError(
                f"Codes need {self.spec.levels} levels of 0 to {self.spec.codebook_size - 1}; "
                f"these have {codes.shape[2]} of {codes.min()} to {codes.max()}."
            )
        inside = (codes.transpose(1, 0, 2) + self._level_start).reshape(-1)
        return [self.start, self.who[people], *inside.tolist(), self.end]

    def spell(self, codes: np.ndarray, people: People) -> str:
        """The span as text, which the tokenizer turns into the ids of `flatten`."""
        tokens = self.vocabulary.tokens
        return "".join(tokens[i - self.first_id] for i in self.flatten(codes, people))

    def parse(self, ids: Sequence[int]) -> MotionCodes:
        """The ids of a whole span → its codes.

        Raises:
            MalformedMotion: it is no whole span.
        """
        if len(ids) < 3 or ids[0] != self.start or ids[-1] != self.end:
            raise MalformedMotion("A motion span must begin with its start token and close with its end token.")
        people = next((people for people, token in self.who.items() if token == ids[1]), None)
        if people is None:
            raise MalformedMotion("A motion span must say who is in it right after its start.")
        inside = np.asarray(ids[2:-1], dtype=np.int64)
        if not len(inside) or len(inside) % self.step_length(people):
            raise MalformedMotion(
                f"A motion span of {people!r} must hold steps of {self.step_length(people)} codes, not {len(inside)} codes."
            )
        codes = inside.reshape(-1, len(people), self.spec.levels) - self._level_start
        wrong = (codes < 0) | (codes >= self.spec.codebook_size)
        if wrong.any():
            raise MalformedMotion(f"Code {int(wrong.reshape(-1).argmax())} of a motion span is of another level.")
        return MotionCodes(people, np.ascontiguousarray(codes.transpose(1, 0, 2)))
