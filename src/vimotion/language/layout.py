"""Motion codes as one row of token ids, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vimotion.language.vocabulary import END, START, WHO, MotionVocabulary
from vimotion.tasks.messages import People
from vimotion.tokenizer.spec import PLACEMENT, CodecSpec


class MalformedMotion(ValueError):
    """A row of tokens is no motion span; the message says where it goes wrong."""


@dataclass(frozen=True, eq=False)
class MotionCodes:
    """What a motion span says: who is in it and their codes (people, rows, levels), int64.

    `placed` spans begin with where the people start; what goes on with a motion does not say it again.
    """

    people: People
    codes: np.ndarray
    placed: bool = True

    def __post_init__(self) -> None:
        if self.codes.ndim != 3 or len(self.codes) != len(self.people) or not self.codes.shape[1]:
            raise ValueError(f"Codes of {self.people!r} need the shape (people, rows, levels), not {self.codes.shape}.")


class Layout:
    """A span is start, who is in it, where each person starts, for each step for each person the codes of all levels, end.

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
        places_from, codes_from = first_id + self.vocabulary.first_place, first_id + self.vocabulary.first_code
        self._place_start = places_from + spec.placement_bins * np.arange(len(PLACEMENT))
        # (2, levels), of the first and of the second person
        self._level_start = codes_from + spec.codebook_size * np.arange(2 * spec.levels).reshape(2, -1)

    def level_ids(self, level: int, person: People = "a") -> range:
        """Ids of one person's codes of one level, in the order of the codebook."""
        start = int(self._level_start["ab".index(person), level])
        return range(start, start + self.spec.codebook_size)

    @property
    def code_ids(self) -> range:
        """Ids of all codes, level by level and person by person."""
        return range(int(self._level_start[0, 0]), self.first_id + len(self.vocabulary))

    def place_ids(self, number: int) -> range:
        """Ids of the bins of one number of a placement."""
        start = int(self._place_start[number])
        return range(start, start + self.spec.placement_bins)

    def is_place(self, token: int) -> bool:
        return int(self._place_start[0]) <= token < self.code_ids.start

    def placement_length(self, people: People) -> int:
        """Tokens that tell where people start."""
        return len(people) * len(PLACEMENT)

    def step_length(self, people: People) -> int:
        """Tokens in one step."""
        return len(people) * self.spec.levels

    def length(self, people: People, steps: int) -> int:
        """Tokens in a whole span that begins with a placement."""
        return 3 + self.placement_length(people) + steps * self.step_length(people)

    def is_motion(self, token: int) -> bool:
        return self.first_id <= token < self.first_id + len(self.vocabulary)

    def flatten(self, codes: np.ndarray, people: People, placed: bool = True) -> list[int]:
        """Codes (people, rows, levels) → the ids of a whole span."""
        codes, spec = MotionCodes(people, np.asarray(codes), placed).codes, self.spec
        rows = spec.placement_rows if placed else 0
        places, steps = codes[:, :rows].reshape(len(people), -1), codes[:, rows:]
        if codes.shape[2] != spec.levels or not _within(steps, spec.codebook_size) or not _within(places, spec.placement_bins):
            raise ValueError(
                f"Codes need {spec.levels} levels of 0 to {spec.codebook_size - 1}, after placements of 0 to "
                f"{spec.placement_bins - 1}; these have {codes.shape[2]} of {codes.min()} to {codes.max()}."
            )
        if not steps.shape[1]:
            raise ValueError("A motion span needs at least one step.")
        placement = places[:, : len(PLACEMENT)] + self._place_start if placed else places
        inside = steps.transpose(1, 0, 2) + self._starts(people)
        return [self.start, self.who[people], *placement.reshape(-1).tolist(), *inside.reshape(-1).tolist(), self.end]

    def _starts(self, people: People) -> np.ndarray:
        """First ids of the levels of these people, (people, levels)."""
        return self._level_start[["ab".index(person) for person in people]]

    def spell(self, codes: np.ndarray, people: People, placed: bool = True) -> str:
        """The span as text, which the tokenizer turns into the ids of `flatten`."""
        tokens = self.vocabulary.tokens
        return "".join(tokens[i - self.first_id] for i in self.flatten(codes, people, placed))

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
        placed = self.is_place(ids[2])
        cut = 2 + (self.placement_length(people) if placed else 0)
        places, inside = np.asarray(ids[2:cut], dtype=np.int64), np.asarray(ids[cut:-1], dtype=np.int64)
        if not len(inside) or len(inside) % self.step_length(people):
            raise MalformedMotion(
                f"A motion span of {people!r} must hold steps of {self.step_length(people)} codes, not {len(inside)} codes."
            )
        codes = inside.reshape(-1, len(people), self.spec.levels) - self._starts(people)
        if not _within(codes, self.spec.codebook_size):
            raise MalformedMotion("A code of a motion span is of another level or person.")
        codes = codes.transpose(1, 0, 2)
        if placed:
            placement = places.reshape(len(people), -1) - self._place_start
            if not _within(placement, self.spec.placement_bins):
                raise MalformedMotion("A number of a placement is out of order.")
            head = np.zeros((len(people), self.spec.placement_rows * self.spec.levels), dtype=np.int64)
            head[:, : len(PLACEMENT)] = placement
            codes = np.concatenate([head.reshape(len(people), -1, self.spec.levels), codes], axis=1)
        return MotionCodes(people, np.ascontiguousarray(codes), placed)


def _within(codes: np.ndarray, size: int) -> bool:
    return not codes.size or (int(codes.min()) >= 0 and int(codes.max()) < size)
