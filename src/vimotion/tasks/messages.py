"""What a conversation is made of: messages of text parts and motion parts. Knows no tokens and no models."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

People = Literal["ab", "a", "b"]
Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True)
class TextPart:
    text: str


@dataclass(frozen=True)
class MotionPart:
    """A motion by reference: who of it is in the part, and which frames (at 30 fps; `stop` None is the end).

    `motion` is an id that whoever renders the conversation can resolve: a record of a prepared corpus, or a motion of a
    chat session.
    """

    motion: str
    people: People = "ab"
    start: int = 0
    stop: int | None = None


Part = TextPart | MotionPart


@dataclass(frozen=True)
class Message:
    role: Role
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Conversation:
    """Messages in order. `task` names the task that made it, for counting and scoring; the model never sees it."""

    messages: tuple[Message, ...]
    task: str = ""


def unsaid(conversation: Conversation) -> Conversation:
    """The conversation without the words of its last turn, the user's and those of an answer: its motions are left."""
    last = max(i for i, message in enumerate(conversation.messages) if message.role == "user")
    silent = [
        replace(message, parts=tuple(part for part in message.parts if isinstance(part, MotionPart)))
        for message in conversation.messages[last:]
    ]
    return replace(conversation, messages=(*conversation.messages[:last], *silent))
