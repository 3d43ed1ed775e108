"""A conversation in one file: a zip archive of `session.json` (messages, codes, frames) and a native npz for each motion."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import NonNegativeInt

from vimotion.artifacts import atomic_path
from vimotion.chat.motions import Frame, Motion
from vimotion.config import Config
from vimotion.errors import UserError
from vimotion.formats import load_motion, save_motion
from vimotion.formats.archive import BROKEN_ARCHIVE, add_file
from vimotion.language.layout import Layout
from vimotion.tasks.messages import Message, MotionPart, People, Role, TextPart
from vimotion.tokenizer import CodecSpec

_INDEX = "session.json"
_MOST_BYTES = 400_000_000


class _Part(Config):
    text: str | None = None
    motion: str = ""
    people: People = "ab"
    start: NonNegativeInt = 0
    stop: NonNegativeInt | None = None


class _Message(Config):
    role: Role
    parts: tuple[_Part, ...]


class _Motion(Config):
    name: str
    codes: list[list[list[int]]]
    first: int
    yaw: float
    translation: tuple[float, float, float]
    made: bool
    given: tuple[NonNegativeInt, ...] = ()


class _Session(Config):
    """What `session.json` holds; codes mean something only to a codec with this `spec`."""

    format_version: Literal[1] = 1
    spec: CodecSpec
    messages: tuple[_Message, ...]
    motions: tuple[_Motion, ...]


def save(path: str | Path, messages: Sequence[Message], motions: Mapping[str, Motion], spec: CodecSpec) -> None:
    """Write a conversation. The same one gives the same bytes.

    Raises:
        UserError: it cannot be written there.
    """
    index = _Session(
        spec=spec,
        messages=tuple(_Message(role=m.role, parts=tuple(map(_saved_part, m.parts))) for m in messages),
        motions=tuple(map(_saved_motion, motions.values())),
    )
    path = Path(path)
    if path.is_dir():
        raise UserError(f"{path} is a folder; name a file for the conversation.")
    try:
        with (
            tempfile.TemporaryDirectory() as scratch,
            atomic_path(path) as temporary,
            zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            add_file(archive, _INDEX, index.model_dump_json(indent=1).encode())
            for motion in motions.values():
                [file] = save_motion(motion.interaction, Path(scratch) / f"{motion.name}.npz")
                add_file(archive, file.name, file.read_bytes())
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror or error}.") from None


def load(path: str | Path, spec: CodecSpec) -> tuple[list[Message], dict[str, Motion]]:
    """The messages and motions of a saved conversation.

    Raises:
        UserError: it is none, it is damaged, or it was held with another codec.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory() as scratch:
            index = _Session.model_validate(json.loads(_member(archive, _INDEX)))
            if index.spec != spec:
                raise UserError(f"{path.name} was held with a model of another motion codec; load it with that model.")
            layout = Layout(spec, first_id=0)
            motions = {}
            for saved in index.motions:
                file = Path(scratch) / "motion.npz"
                file.write_bytes(_member(archive, f"{saved.name}.npz"))
                motions[saved.name] = _loaded_motion(saved, file, layout)
            messages = [Message(message.role, tuple(map(_loaded_part, message.parts))) for message in index.messages]
            _check(messages, motions, layout)
    except FileNotFoundError:
        raise UserError(f"There is no conversation {path}.") from None
    except UserError:
        raise
    except BROKEN_ARCHIVE as error:
        reason = (str(error).splitlines() or ["it is damaged"])[0]
        raise UserError(f"{path.name} is no saved conversation: {reason}.") from None
    return messages, motions


def _saved_part(part: TextPart | MotionPart) -> _Part:
    if isinstance(part, TextPart):
        return _Part(text=part.text)
    return _Part(motion=part.motion, people=part.people, start=part.start, stop=part.stop)


def _loaded_part(part: _Part) -> TextPart | MotionPart:
    if part.text is not None:
        return TextPart(part.text)
    return MotionPart(part.motion, part.people, part.start, part.stop)


def _saved_motion(motion: Motion) -> _Motion:
    frame = motion.frame
    return _Motion(
        name=motion.name, codes=motion.codes.tolist(), first=motion.first, yaw=frame.yaw, translation=frame.translation,
        made=motion.made, given=motion.given,
    )  # fmt: skip


def _loaded_motion(saved: _Motion, file: Path, layout: Layout) -> Motion:
    interaction = load_motion(file)
    codes = np.array(saved.codes, dtype=np.int64)
    if codes.ndim != 3 or codes.shape[0] != interaction.num_people or not 0 <= saved.first < interaction.num_frames:
        raise ValueError(f"the codes of {saved.name} do not fit its motion")
    if len(saved.given) not in (0, interaction.num_people):
        raise ValueError(f"what was given of {saved.name} does not fit its people")
    motion = Motion(saved.name, interaction, codes, saved.first, Frame(saved.yaw, saved.translation), saved.made, saved.given)
    layout.flatten(codes, motion.people)
    return motion


def _check(messages: Sequence[Message], motions: Mapping[str, Motion], layout: Layout) -> None:
    """Messages take turns, and refer to people and steps that are there: their codes can be spelled out.

    Raises:
        ValueError, IndexError: they do not.
    """
    roles = [message.role for message in messages if message.role != "system"]
    turns = roles == ["user", "assistant"] * (len(roles) // 2)
    parts = [part for message in messages for part in message.parts if isinstance(part, MotionPart)]
    known = all(part.motion in motions for part in parts)
    if not turns or not known or any(not name.removeprefix("motion_").isdecimal() for name in motions):
        raise ValueError("its messages do not fit together")
    for part in parts:
        layout.flatten(motions[part.motion].codes_of(part, layout.spec), part.people, before=layout.spec.steps(part.start))


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > _MOST_BYTES:
        raise ValueError(f"{name} in it is too large")
    with archive.open(name) as member:
        return member.read(_MOST_BYTES)
