"""Motion codes as one row of token ids, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, NamedTuple

import numpy as np

from vimotion.language.vocabulary import END, START, WHO, MotionVocabulary
from vimotion.tasks.messages import People
from vimotion.tokenizer import seen_codes
from vimotion.tokenizer.spec import PLACEMENT, RETOLD, CodecSpec


class MalformedMotion(ValueError):
    """A row of tokens is no motion span; the message says where it goes wrong."""


@dataclass(frozen=True, eq=False)
class MotionCodes:
    """What a motion span says: who is in it, their codes (people, rows, levels), int64, and of how many steps.

    `placed` spans begin with where the people start; what goes on with a motion does not say it again.
    """

    people: People
    codes: np.ndarray
    steps: int
    placed: bool = True


class Slot(NamedTuple):
    """What token of a span is due after its head: number `number` of a placement at the `start`, or told anew ("retold") after
    `step` steps, or of where the first person sees the second then ("seen"), or the code of level `number` of step `step`; and
    which of the people it is of."""

    kind: Literal["start", "retold", "seen", "code"]
    step: int
    person: int
    number: int

    @property
    def between_steps(self) -> bool:
        """It begins a further step, so that the span may as well end here."""
        return self.kind == "code" and self.step > 0 and not self.person and not self.number


class Layout:
    """A span is start, who is in it, where each person starts, for each step for each person the codes of all levels, end.

    After each whole segment of steps each person's place and heading are told anew, and of two people also where the first
    sees the second: that follows from the two, but what people do to one another depends on it, as it does at the start, and a
    small language model does not turn and subtract places. A span that goes on with a motion does not say where people start,
    and its first segment is what the motion left of one. The motion tokens follow one another in the tokenizer, so ids are
    plain arithmetic from the first of them.
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

    def retold_length(self, people: People) -> int:
        """Tokens that tell anew where people are, and where the first sees the second."""
        return (len(people) + (people == "ab")) * len(RETOLD)

    def step_length(self, people: People) -> int:
        """Tokens in one step."""
        return len(people) * self.spec.levels

    def length(self, people: People, steps: int) -> int:
        """Tokens in a whole span that begins with a placement."""
        retold = self.spec.segments(steps) * self.retold_length(people)
        return 3 + self.placement_length(people) + steps * self.step_length(people) + retold

    def slot(self, index: int, people: People) -> Slot:
        """What token `index` after the head of a span is, if the span goes so far.

        The tokens of a span that goes on with a motion are counted from the first one of that motion.
        """
        if index < self.placement_length(people):
            return Slot("start", 0, *divmod(index, len(PLACEMENT)))
        index -= self.placement_length(people)
        step_length, first_step = self.step_length(people), 0
        if segment := self.spec.segment_steps:
            codes = segment * step_length
            number, index = divmod(index, codes + self.retold_length(people))
            first_step = number * segment
            if index >= codes:
                person, number = divmod(index - codes, len(RETOLD))
                step = first_step + segment
                return Slot("seen", step, 1, number) if person == 2 else Slot("retold", step, person, number)
        step, index = divmod(index, step_length)
        return Slot("code", first_step + step, *divmod(index, self.spec.levels))

    def lone_index(self, slot: Slot) -> int:
        """Where the token of a slot of one person stands after the head of a placed span of that person alone."""
        if slot.kind == "start":
            return slot.number
        retold = self.spec.segments(slot.step) - (slot.kind == "retold")
        return len(PLACEMENT) + slot.step * self.spec.levels + retold * len(RETOLD) + slot.number

    def is_motion(self, token: int) -> bool:
        return self.first_id <= token < self.first_id + len(self.vocabulary)

    def flatten(self, codes: np.ndarray, people: People, before: int = 0) -> list[int]:
        """Codes (people, rows, levels) → the ids of a whole span, of what goes on after `before` steps where there are any."""
        codes, spec = np.asarray(codes), self.spec
        if codes.ndim != 3 or len(codes) != len(people) or not codes.shape[1]:
            raise ValueError(f"Codes of {people!r} need the shape (people, rows, levels), not {codes.shape}.")
        skipped = spec.rows(before * spec.step_frames) if before else 0
        is_step = spec.step_rows(skipped + codes.shape[1])[skipped:]
        if (
            codes.shape[2] != spec.levels
            or not _within(codes[:, is_step], spec.codebook_size)
            or not _within(codes[:, ~is_step], spec.placement_bins)
        ):
            raise ValueError(
                f"Codes need {spec.levels} levels of 0 to {spec.codebook_size - 1}, and placements of 0 to "
                f"{spec.placement_bins - 1}; these have {codes.shape[2]} of {codes.min()} to {codes.max()}."
            )
        if not is_step.any():
            raise ValueError("A motion span needs at least one step.")
        ids = [self.start, self.who[people]]
        for step, rows in groupby(range(codes.shape[1]), lambda row: bool(is_step[row])):
            part = codes[:, list(rows)]
            if step:
                ids += (part.transpose(1, 0, 2) + self._starts(people)).reshape(-1).tolist()
            elif len(ids) == 2 and not before:
                ids += (part.reshape(len(people), -1)[:, : len(PLACEMENT)] + self._place_start).reshape(-1).tolist()
            else:
                ids += self.retold(part.reshape(len(people), -1)[:, : len(RETOLD)])
        return [*ids, self.end]

    def retold(self, places: np.ndarray) -> list[int]:
        """Codes (people, 3) of where people are after a segment → the ids that tell it."""
        if len(places) == 2:
            places = np.concatenate([places, seen_codes(places, self.spec.placement_bins)[None]])
        ids: list[int] = (places + self._place_start[: len(RETOLD)]).reshape(-1).tolist()
        return ids

    def is_retold(self, ids: np.ndarray) -> np.ndarray:
        """Which of the ids (n,) of whole texts tell anew where people are: (n,) bool."""
        place = (ids >= self._place_start[0]) & (ids < self.code_ids.start)
        latest = np.maximum.accumulate(np.where(place, 0, np.arange(len(ids))))
        return place & (ids[latest] >= self.code_ids.start)

    def _starts(self, people: People) -> np.ndarray:
        """First ids of the levels of these people, (people, levels)."""
        return self._level_start[["ab".index(person) for person in people]]

    def spell(self, codes: np.ndarray, people: People, before: int = 0) -> str:
        """The span as text, which the tokenizer turns into the ids of `flatten`."""
        tokens = self.vocabulary.tokens
        return "".join(tokens[i - self.first_id] for i in self.flatten(codes, people, before))

    def parse(self, ids: Sequence[int], closed: bool = True) -> MotionCodes:
        """The ids of a whole span → its codes.

        Args:
            closed: it tells where people are after its last segment too, if that is whole.

        Raises:
            MalformedMotion: it is no whole span.
        """
        if len(ids) < 3 or ids[0] != self.start or ids[-1] != self.end:
            raise MalformedMotion("A motion span must begin with its start token and close with its end token.")
        people = next((people for people, token in self.who.items() if token == ids[1]), None)
        if people is None:
            raise MalformedMotion("A motion span must say who is in it right after its start.")
        runs = [(place, list(run)) for place, run in groupby(ids[2:-1], self.is_place)]
        placed = bool(runs) and runs[0][0]
        parts, steps = list[np.ndarray](), list[int]()
        for number, (place, run) in enumerate(runs):
            if place:
                parts.append(self._retold_rows(run, people) if number else self._places(run, people, len(PLACEMENT)))
            else:
                parts.append(self._codes(run, people))
                steps.append(parts[-1].shape[1])
        self._check_segments(steps, placed, ended=not closed or (bool(runs) and runs[-1][0]))
        return MotionCodes(people, np.concatenate(parts, axis=1), sum(steps), placed)

    def _places(self, ids: Sequence[int], people: People, told: int) -> np.ndarray:
        """The ids of `told` numbers of each person's placement → its rows."""
        if len(ids) != told * len(people):
            raise MalformedMotion(f"A placement of {people!r} must have {told * len(people)} numbers, not {len(ids)}.")
        placement = np.asarray(ids, dtype=np.int64).reshape(len(people), told) - self._place_start[:told]
        if not _within(placement, self.spec.placement_bins):
            raise MalformedMotion("A number of a placement is out of order.")
        rows = np.zeros((len(people), self.spec.placement_rows * self.spec.levels), dtype=np.int64)
        rows[:, :told] = placement
        return rows.reshape(len(people), -1, self.spec.levels)

    def _retold_rows(self, ids: Sequence[int], people: People) -> np.ndarray:
        """The ids that tell anew where people are → their rows."""
        rows = self._places(ids[: len(people) * len(RETOLD)], people, len(RETOLD))
        if self.retold(rows.reshape(len(people), -1)[:, : len(RETOLD)]) != list(ids):
            raise MalformedMotion("Where the first person sees the second does not follow from where they are.")
        return rows

    def _codes(self, ids: Sequence[int], people: People) -> np.ndarray:
        """The ids of whole steps → their rows."""
        if len(ids) % self.step_length(people):
            raise MalformedMotion(
                f"A motion span of {people!r} must hold steps of {self.step_length(people)} codes, not {len(ids)} codes."
            )
        codes = np.asarray(ids, dtype=np.int64).reshape(-1, len(people), self.spec.levels) - self._starts(people)
        if not _within(codes, self.spec.codebook_size):
            raise MalformedMotion("A code of a motion span is of another level or person.")
        return codes.transpose(1, 0, 2)

    def _check_segments(self, steps: Sequence[int], placed: bool, ended: bool) -> None:
        """Refuse a span without steps, or whose stretches of `steps` between places are no segments.

        The first stretch of a span that is not placed may be the rest of a segment. The last one is the beginning of a segment,
        if the span has not `ended` with where the people are then.
        """
        segment, closed = self.spec.segment_steps, steps if ended else steps[:-1]
        good = bool(steps) and not (closed and segment is None)
        if good and segment:
            whole = closed if placed else closed[1:]
            good = all(count == segment for count in whole) and max(steps) <= segment and (ended or steps[-1] < segment)
        if not good:
            raise MalformedMotion("A motion span needs steps, and where people are told anew after each whole segment of them.")


def _within(codes: np.ndarray, size: int) -> bool:
    return not codes.size or (int(codes.min()) >= 0 and int(codes.max()) < size)
