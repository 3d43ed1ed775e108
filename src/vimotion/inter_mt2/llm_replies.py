"""Replies of a language model, read as conversations about motions, and what may be wrong with them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from pydantic import Field, ValidationError

from vimotion.config import Config
from vimotion.inter_mt2.schema import SOURCE, Bracket, Draft, Kind, Line, Planned, Seed, brackets, pieces
from vimotion.llm.replies import Reply

# User messages of a conversation, and motions of a user message and its answer together.
TURNS = (2, 3)
_MOTIONS_A_TURN = 2
# Of a new motion: words of its caption, and seconds.
_WORDS = (4, 40)
_SECONDS = (1.0, 10.0)
# Words of a caption that leans on other motions, which whoever makes it does not know.
_LEANING = re.compile(
    r"\b(source|original(ly)?|previous(ly)?|as before|(same|this|that|first|last|next) motion)\b", re.IGNORECASE
)


class Length(Config):
    caption: str
    seconds: float


class Conversation(Config):
    """The form of a reply."""

    # The bounds are for a server that is held to the schema, so that it comes to an end; what breaks them is told in sentences,
    # see `_wrong_order`. A system message may come before the turns.
    messages: tuple[Line, ...] = Field(json_schema_extra={"minItems": 2 * min(TURNS), "maxItems": 2 * max(TURNS) + 1})
    motions: tuple[Length, ...] = Field(json_schema_extra={"maxItems": _MOTIONS_A_TURN * max(TURNS)})


class BadReply(ValueError):
    """A reply that is no conversation as it was asked for; `problems` are sentences for its author."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Turn:
    """The motions of a user message and of its answer."""

    asked: list[Bracket]
    answered: list[Bracket]

    @property
    def motions(self) -> list[Bracket]:
        return self.asked + self.answered

    @property
    def asked_names(self) -> list[str]:
        return [motion.name for motion in self.asked]

    @property
    def answered_names(self) -> list[str]:
        return [motion.name for motion in self.answered]


def read_draft(seed: Seed, reply: Reply, author: str) -> Draft:
    """The draft that a reply is.

    Raises:
        BadReply: it is none, and why.
    """
    conversation = _conversation(reply)
    messages = tuple(Line(role=line.role, text=" ".join(line.text.split())) for line in conversation.messages)
    shown = _shown(messages)
    given = {_plain(length.caption): length.seconds for length in conversation.motions}
    names = dict.fromkeys(bracket.name for bracket in chain.from_iterable(shown) if bracket.name != SOURCE)
    seconds = {name: given.get(_plain(name)) for name in names}
    if problems := [*_wrong_order(messages), *_wrong_messages(messages, shown), *_wrong_motions(seconds)]:
        raise BadReply(problems)
    spoken = shown[len(shown) % 2 :]
    if problems := list(_wrong_turns(seed.kind, list(map(Turn, spoken[::2], spoken[1::2])))):
        raise BadReply(problems)
    if seed.kind == "role":
        messages = tuple(_of_both(line) if line.role == "assistant" else line for line in messages)
    motions = tuple(Planned(caption=name, edited=seed.kind == "editing", seconds=seconds[name]) for name in names)
    return Draft(id=seed.id, kind=seed.kind, author=author, messages=messages, motions=motions)


def _of_both(line: Line) -> Line:
    """An answer that shows the second person alone, with both: so VIMotion answers the motion of one."""
    shown = (piece if isinstance(piece, str) else piece.model_copy(update={"people": "ab"}) for piece in pieces(line.text))
    return line.model_copy(update={"text": "".join(map(str, shown))})


def _conversation(reply: Reply) -> Conversation:
    if not reply.text.strip():
        raise BadReply([f"The reply is empty (it ended by {reply.finish or 'itself'})."])
    if reply.finish == "length":
        raise BadReply(["The reply was cut off at the longest that is allowed; be shorter."])
    # a model may think aloud, or fence its JSON
    text = re.sub(r"<think>.*?</think>", "", reply.text, flags=re.DOTALL)
    try:
        return Conversation.model_validate_json(text[text.find("{") : text.rfind("}") + 1])
    except ValidationError as error:
        found = error.errors()[:5]
    raise BadReply(
        [f"The JSON is wrong{' at ' + '.'.join(map(str, one['loc'])) if one['loc'] else ''}: {one['msg']}." for one in found]
    )


def _shown(messages: Sequence[Line]) -> list[list[Bracket]]:
    """The motions of each message."""
    shown, problems = list[list[Bracket]](), []
    for number, line in enumerate(messages, 1):
        try:
            shown.append(brackets(line.text))
        except ValueError as error:
            problems.append(f"Message {number}: {error}.")
    if problems:
        raise BadReply(problems)
    return shown


def _plain(caption: str) -> str:
    return " ".join(caption.casefold().split()).rstrip(". ")


def _wrong_order(messages: Sequence[Line]) -> Iterator[str]:
    roles = [line.role for line in messages[len(messages) % 2 :]]
    if (len(messages) % 2 and messages[0].role != "system") or roles != ["user", "assistant"] * (len(roles) // 2):
        yield "User and assistant must take turns: first the user, last the assistant; only a system message may come before."
    elif len(roles) // 2 not in TURNS:
        yield f"There are {len(roles) // 2} user messages; there must be two or three."


def _wrong_messages(messages: Sequence[Line], shown: Sequence[Sequence[Bracket]]) -> Iterator[str]:
    for number, (line, motions) in enumerate(zip(messages, shown, strict=True), 1):
        if line.role != "assistant" and not any(isinstance(piece, str) and piece.strip() for piece in pieces(line.text)):
            yield f"Message {number} has no words."
        if not line.text:
            yield f"Message {number} is empty."
        if line.role == "system" and motions:
            yield "The system message shows a motion; only user and assistant may."
        if any(motion.start or motion.stop is not None for motion in motions):
            yield f"Message {number} shows part of a motion by time; show it whole."


def _wrong_motions(motions: Mapping[str, float | None]) -> Iterator[str]:
    """What is wrong with new motions: seconds by caption."""
    for caption, seconds in motions.items():
        count = len(caption.split())
        if not _WORDS[0] <= count <= _WORDS[1]:
            yield f"The caption [{caption}] has {count} words; it must have {_WORDS[0]} to {_WORDS[1]}."
        elif _LEANING.search(caption):
            yield f"The caption [{caption}] leans on another motion; it must say by itself what both people do."
        if seconds is not None and not _SECONDS[0] <= seconds <= _SECONDS[1]:
            yield f"[{caption}] lasts {seconds:g} s; it must last {_SECONDS[0]:g} to {_SECONDS[1]:g} s."


def _wrong_turns(kind: Kind, turns: Sequence[Turn]) -> Iterator[str]:
    seen = {SOURCE}
    for number, turn in enumerate(turns, 1):
        if len(turn.motions) > _MOTIONS_A_TURN:
            yield f"User message {number} and its answer show {len(turn.motions)} motions; at most two are allowed."
        if kind != "role" and any(motion.people != "ab" for motion in turn.motions):
            yield f"User message {number} or its answer shows one person alone; show both."
        if kind != "role" and not seen.issuperset(turn.asked_names):
            yield f"User message {number} shows a new motion; new motions come from the assistant."
        seen.update(turn.answered_names)
    yield from _WRONG[kind](turns)


def _wrong_editing(turns: Sequence[Turn]) -> Iterator[str]:
    if SOURCE not in turns[0].asked_names:
        yield "The first user message must show [source], which is to be changed."
    seen = {SOURCE}
    for number, turn in enumerate(turns, 1):
        if not set(turn.answered_names) - seen:
            yield f"The answer to user message {number} must show the changed motion, as a new motion."
        seen.update(turn.answered_names)


def _wrong_reasoning(turns: Sequence[Turn]) -> Iterator[str]:
    if not any(SOURCE in turn.asked_names for turn in turns):
        yield "A user message must show [source], which the questions are about."
    if all(turn.answered for turn in turns):
        yield "At least one answer must be in words alone, without a motion."


def _wrong_story(turns: Sequence[Turn]) -> Iterator[str]:
    names = [name for turn in turns for name in turn.asked_names + turn.answered_names]
    if SOURCE not in names:
        yield "[source] must be shown, as a part of the story."
    if set(names) <= {SOURCE}:
        yield "At least one answer must show a new motion, in which the story goes on."
    for number, turn in enumerate(turns, 1):
        if not turn.answered:
            yield f"The answer to user message {number} must show a motion."


def _wrong_role(turns: Sequence[Turn]) -> Iterator[str]:
    if SOURCE not in turns[0].asked_names:
        yield "The first user message must show [source | a], what the user does."
    if all(set(turn.asked_names) <= {SOURCE} for turn in turns):
        yield "At least one later user message must show a new motion, [caption | a]."
    for number, turn in enumerate(turns, 1):
        if [motion.people for motion in turn.asked] != ["a"] * len(turn.asked):
            yield f"User message {number} must show the user alone: [… | a]."
        if [motion.people for motion in turn.answered] != ["b"] * len(turn.answered):
            yield f"The answer to user message {number} must show the assistant alone: [… | b]."
        if turn.asked_names != turn.answered_names:
            yield f"The answer to user message {number} must show the other person of the same motion, in the same words."


_WRONG = {"editing": _wrong_editing, "reasoning": _wrong_reasoning, "story": _wrong_story, "role": _wrong_role}
