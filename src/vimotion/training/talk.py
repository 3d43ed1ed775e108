"""Conversations in words alone, mixed into stage 3 so that a model goes on talking while it learns to move."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from vimotion.errors import UserError
from vimotion.tasks import Conversation, Message, TextPart
from vimotion.tasks.messages import Role

# What recipes call it beside the tasks of `vimotion.tasks`.
TALK = "talk"
# Every so many lines one is kept for validation.
_VALIDATION_EVERY = 20


class _Said(BaseModel):
    role: Role
    content: str = Field(min_length=1)


class _Line(BaseModel):
    messages: tuple[_Said, ...] = Field(min_length=2)


class Talk:
    """The conversations of a file of JSON lines, each with `messages` of `role` and `content`, as OpenAI's API has them."""

    def __init__(self, path: Path) -> None:
        """
        Raises:
            UserError: there is no such file, or a line is no conversation that ends with an answer.
        """
        if not path.is_file():
            raise UserError(f"There is no {path}; make it with tools/make_talk.py, or leave `talk` out of the recipe.")
        self.conversations = list(_read(path))

    def split(self, name: str) -> list[int]:
        """Lines for "val", and those for every other split."""
        return [index for index in range(len(self.conversations)) if (index % _VALIDATION_EVERY == 0) == (name == "val")]


def _read(path: Path) -> Iterator[Conversation]:
    for number, line in enumerate(path.read_bytes().splitlines(), 1):  # bytes, which no U+2028 in a text breaks
        try:
            messages = _Line.model_validate_json(line).messages
        except ValidationError as error:
            raise UserError(f"Line {number} of {path} is no conversation: {error.errors()[0]['msg']}.") from None
        if messages[-1].role != "assistant":
            raise UserError(f"The conversation in line {number} of {path} does not end with an answer.")
        yield Conversation(tuple(Message(said.role, (TextPart(said.content),)) for said in messages), TALK)
