"""Messages as the API writes them → a conversation that the model can answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from vimotion.app.engine import TooLong
from vimotion.app.library import Library
from vimotion.chat import ChatSession, Model
from vimotion.chat.archive import Role
from vimotion.chat.motions import Motion, read_motion
from vimotion.chat.session import Message, MotionPart, Part, TextPart
from vimotion.errors import UserError

# A part as JSON: {"type": "text", "text": …} or {"type": "motion", "motion": {"id": …, "people": …, "start": …}}.
JsonPart = dict[str, Any]
JsonMessage = tuple[Role, Sequence[JsonPart]]


@dataclass(frozen=True)
class Conversation:
    """A session up to the user's last message; `ids` are those of its motions, by their names in it."""

    session: ChatSession
    message: Message
    ids: dict[str, str]


def build(
    model: Model, library: Library, messages: Sequence[JsonMessage], most: int | None = None, continues: bool = False
) -> Conversation:  # fmt: skip
    """The session of messages of which the last one is to be answered. Reads every motion, so not for the event loop.

    Args:
        most: tokens that its motions may take; of longer ones the rest is not read.
        continues: the motion that the last message is about is to go on, so the model sees its end and not its beginning.

    Raises:
        UserError: the messages do not take turns, a motion part names somebody or something that is not there, or the motions
            are too long.
        Missing: there is no such motion.
    """
    _check_turns([role for role, _ in messages])
    if not any(part["type"] == "motion" or part["text"].strip() for part in messages[-1][1]):
        raise UserError("An empty message has no answer; write something.")
    session, ids, codes = model.chat(), dict[str, str](), 0
    for role, parts in messages:
        read: list[Part] = []
        for part in parts:
            if part["type"] == "text":
                read += [TextPart(part["text"])] if part["text"] else []
                continue
            motion_id = part["motion"]["id"]
            name = next((name for name, known in ids.items() if known == motion_id), f"motion_{len(ids)}")
            if name not in ids:
                session.motions[name] = library.motion(motion_id, name)
                ids[name] = motion_id
            named = _motion_part(model, session.motions[name], part["motion"])
            read.append(named)
            codes += session.codes_of(named).size
            if most is not None and codes > most:
                raise TooLong(codes, most)
        session.messages.append(Message(role, tuple(read)))
    message = session.messages.pop()
    if continues and (about := session.latest_part(message)):
        session.motions[about.motion] = _ending(model, session.motions[about.motion])
    return Conversation(session, message, ids)


def _ending(model: Model, motion: Motion) -> Motion:
    """A motion as the model sees it that is to go on after its last frame."""
    if motion.seen(model.codec.spec).stop == motion.interaction.num_frames:
        return motion
    seen = read_motion(motion.interaction, model.codec, motion.name, ending=True)
    return replace(seen, made=motion.made, given=motion.given)


def answer_parts(answer: Message, ids: dict[str, str]) -> list[JsonPart]:
    """The parts of a finished answer as JSON; `ids` by the motions' names."""
    parts: list[JsonPart] = []
    for part in answer.parts:
        if isinstance(part, TextPart):
            parts.append({"type": "text", "text": part.text})
        else:
            parts.append({"type": "motion", "motion": {"id": ids[part.motion], "people": part.people, "start": part.start}})
    return parts


def text_of(parts: Sequence[JsonPart]) -> str:
    """The words of a message."""
    return " ".join(part["text"] for part in parts if part["type"] == "text")


def _check_turns(roles: Sequence[str]) -> None:
    spoken = roles[1:] if roles and roles[0] == "system" else roles
    if list(spoken) != (["user", "assistant"] * len(spoken))[: len(spoken)] or len(spoken) % 2 == 0:
        raise UserError(
            "Messages are those of user and assistant in turn, the first and the last by the user, and perhaps one of the "
            "system before them."
        )


def _motion_part(model: Model, motion: Motion, reference: dict[str, Any]) -> MotionPart:
    part = MotionPart(motion.name, reference.get("people") or motion.people, reference.get("start") or 0)
    if not set(part.people) <= set(motion.people):
        raise UserError(f"There is one person in motion {reference['id']}, so {part.people!r} is not there.")
    try:
        codes = motion.codes_of(part, model.codec.spec)
        model.layout.flatten(codes, part.people, before=model.codec.spec.steps(part.start))
    except (ValueError, IndexError):
        raise UserError(
            f"Motion {reference['id']} has no part that begins at frame {part.start} for this model; leave out `start`, or "
            "begin a new conversation."
        ) from None
    return part
