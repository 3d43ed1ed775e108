"""`Studio`: the model, its engine and what is kept, for the HTTP API and for the page."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

from vimotion.app.conversation import JsonMessage, build
from vimotion.app.engine import Busy, Engine
from vimotion.app.exports import write_file
from vimotion.app.library import Library
from vimotion.app.replies import CURRENT, Asked, Reply
from vimotion.app.settings import ServerConfig
from vimotion.app.storage import InUse, MotionRow, SessionRow, Storage
from vimotion.app.uploads import read_files
from vimotion.chat import Model, Turn
from vimotion.chat.decode import Decoder
from vimotion.motion import Interaction

_log = logging.getLogger(__name__)
# What takes a processor for seconds beside the model, an upload or a file: so many at a time, so many may wait, and so long
# it takes.
_AT_WORK, _WAITING, _SECONDS = 2, 16, 5
# Seconds from one look for unused motions to the next.
_FORGETTING = 3600.0


class Studio:
    """Everything that a server does, in words of Python. Its methods belong to one event loop."""

    def __init__(self, model: Model, config: ServerConfig) -> None:
        self.model, self.config = model, config
        self.storage = Storage(config.database, config.max_kept_bytes)
        self.storage.forget_unused(config.keep_days)
        self.library = Library(self.storage, model.codec)
        self.engine = Engine(model.decoder, config.slots, config.max_waiting, config.max_tokens)
        self._talking: set[str] = set()
        self._desk, self._at_desk = asyncio.Semaphore(_AT_WORK), 0

    async def forget_in_time(self) -> None:
        """Now and then: motions that are kept for nothing are deleted."""
        while True:
            await asyncio.sleep(_FORGETTING)
            try:
                await asyncio.to_thread(self.storage.forget_unused, self.config.keep_days)
            except sqlite3.Error:  # a disk that is full, say; the next time may be better
                _log.exception("Unused motions could not be deleted")

    def stop(self) -> None:
        """Take nothing new; what is being made goes on to its end."""
        self.engine.stop()

    def close(self) -> None:
        self.engine.close()
        self.storage.close()

    # -- talking -------------------------------------------------------------------------------------------------------------

    async def ask(self, asked: Asked, watched: bool = False) -> Reply:
        """Begin the reply to a message.

        Args:
            watched: its steps are told; of a motion made from words the first draft is then taken.

        Raises:
            UserError: the message cannot be answered.
            Missing: a motion, the conversation or the turn before is not there.
            InUse, Busy, Stopping: not now.
        """
        self.engine.check_room()
        leave = self._enter(asked)
        try:
            asked, turns, ids = await asyncio.to_thread(self._turns, asked)
            one = watched or not isinstance(self.model.decoder, Decoder)  # only a model of our own judges drafts
            drafts = [[turn.request] if one else turn.drafts for turn in turns]
            job = self.engine.submit([request for draft in drafts for request in draft], self.config.max_seconds)
        except BaseException:
            leave()
            raise
        return Reply(self, asked, turns, ids, job, leave)

    def _enter(self, asked: Asked) -> Callable[[], None]:
        """One after another where a conversation simply goes on: each message follows the answer before it."""
        session = asked.session
        if session is None or asked.parent != CURRENT:
            return lambda: None
        if session in self._talking:
            raise InUse("A reply in this conversation is still being made; wait for it, or name the turn that yours follows.")
        self._talking.add(session)
        return lambda: self._talking.discard(session)

    def _turns(self, asked: Asked) -> tuple[Asked, list[Turn], dict[str, str]]:
        """What was asked with the turn that it follows; a turn for each sample; ids of the motions by their names."""
        self.storage.check_room()
        messages = asked.messages
        if asked.session:
            session = self.storage.session(asked.session)
            if asked.parent == CURRENT:
                asked = replace(asked, parent=session.current)
            messages = [*history(session, asked.parent), *messages]
        built = build(self.model, self.library, messages, self.engine.max_tokens, asked.wish.continues)
        turns = []
        for number in range(asked.samples):
            session_of_sample = self.model.chat()
            session_of_sample.messages, session_of_sample.motions = [*built.session.messages], {**built.session.motions}
            turns.append(Turn(session_of_sample, built.message, replace(asked.wish, seed=asked.wish.seed + number)))
        return asked, turns, built.ids

    # -- motions and files ---------------------------------------------------------------------------------------------------

    async def upload(self, files: Sequence[tuple[str, BinaryIO]], fps: float | None = None) -> MotionRow:
        """Keep the motion in a user's files, (name, content).

        Raises:
            UserError: they hold none that this server takes.
            InUse: there is no room for one more.
            Busy: too many wait already.
        """
        async with self._work():
            await asyncio.to_thread(self.storage.check_room)
            interaction = await read_files(files, fps, self.config)
            return await self.keep(interaction, files[0][0])

    async def keep(self, interaction: Interaction, name: str) -> MotionRow:
        """Keep a motion of a user's.

        Raises:
            UserError: the model cannot read it.
            InUse: there is no room for one more.
        """
        row, file = await asyncio.to_thread(self.library.read, interaction, name)
        await asyncio.to_thread(self.storage.add_motions, [(row, file)])
        return row

    async def export(
        self, motion_id: str, ending: str, person: str | None = None, clean: bool | None = None, **options: Any
    ) -> tuple[bytes, str, str]:
        """A motion as a file: content, media type, name; see `exports.write_file`.

        Raises:
            Missing, UserError: there is none, or not so.
            Busy: too many wait already.
        """
        async with self._work():
            row = await asyncio.to_thread(self.storage.motion, motion_id)
            file = await asyncio.to_thread(self.storage.motion_file, motion_id)
            return await write_file(row, file, self.config, ending, person, clean, **options)

    async def archive(self, session_id: str, turn: str | None) -> bytes:
        """A conversation up to a turn as one file, which `ChatSession.load` reads.

        Raises:
            Missing: there is no such conversation or turn.
            Busy: too many wait already.
        """
        async with self._work():
            return await asyncio.to_thread(self._archive, session_id, turn)

    def _archive(self, session_id: str, turn: str | None) -> bytes:
        session = self.storage.session(session_id)
        messages = history(session, session.current if turn == CURRENT else turn)
        # as if one more message came: `build` wants one
        built = build(self.model, self.library, [*messages, ("user", [{"type": "text", "text": "."}])])
        with TemporaryDirectory() as folder:
            path = Path(folder) / "conversation.zip"
            built.session.save(path)
            return path.read_bytes()

    @asynccontextmanager
    async def _work(self) -> AsyncIterator[None]:
        if self._at_desk >= _AT_WORK + _WAITING:
            raise Busy(_SECONDS)
        self._at_desk += 1
        try:
            async with self._desk:
                yield
        finally:
            self._at_desk -= 1


def history(session: SessionRow, turn: str | None) -> list[JsonMessage]:
    """The messages of a kept conversation up to a turn, its answer included.

    Raises:
        Missing: there is no such turn.
    """
    messages: list[JsonMessage] = [("system", [{"type": "text", "text": session.system}])] if session.system else []
    for row in session.path(turn):
        messages += [("user", row.message), ("assistant", row.answer)]
    return messages
