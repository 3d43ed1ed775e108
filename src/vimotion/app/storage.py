"""What the server keeps: conversations, their turns and the motions, in one SQLite database.

The turns of a conversation are a tree: each knows the turn before it, so that one may be changed or taken back and the
conversation goes on from there while the other branch stays. What a method has written is on the disk when it returns.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from vimotion.errors import UserError

_VERSION = 1
_SCHEMA = """
CREATE TABLE motion (
    id TEXT PRIMARY KEY, created REAL NOT NULL, name TEXT NOT NULL, people TEXT NOT NULL, frames INTEGER NOT NULL,
    made INTEGER NOT NULL, source TEXT, codec TEXT NOT NULL, seen TEXT NOT NULL, file BLOB NOT NULL
) STRICT;
CREATE TABLE session (
    id TEXT PRIMARY KEY, created REAL NOT NULL, changed REAL NOT NULL, title TEXT NOT NULL, system TEXT NOT NULL, current TEXT
) STRICT;
CREATE TABLE turn (
    id TEXT PRIMARY KEY, session TEXT NOT NULL REFERENCES session(id) ON DELETE CASCADE,
    parent TEXT REFERENCES turn(id) ON DELETE CASCADE, created REAL NOT NULL,
    message TEXT NOT NULL, answer TEXT NOT NULL, settings TEXT NOT NULL, tokens INTEGER NOT NULL, model TEXT NOT NULL
) STRICT;
CREATE TABLE shown (
    turn TEXT NOT NULL REFERENCES turn(id) ON DELETE CASCADE, motion TEXT NOT NULL REFERENCES motion(id),
    PRIMARY KEY (turn, motion)
) STRICT, WITHOUT ROWID;
CREATE INDEX turn_session ON turn(session);
CREATE INDEX turn_parent ON turn(parent);
CREATE INDEX shown_motion ON shown(motion);
CREATE INDEX session_changed ON session(changed, id);
CREATE INDEX motion_created ON motion(created, id);
"""
_DAY = 86_400.0
_UNUSED = "NOT EXISTS (SELECT 1 FROM shown WHERE shown.motion = motion.id)"
_MOTION = "id, created, name, people, frames, made, source, codec, seen"


class Missing(LookupError):
    """There is no such thing in the database."""


class InUse(Exception):
    """It cannot be deleted, for something else needs it."""


def new_id(kind: str) -> str:
    """Such as "motion-5f0c…": nobody guesses one."""
    return f"{kind}-{secrets.token_hex(12)}"


@dataclass(frozen=True)
class MotionRow:
    """A motion.

    Attributes:
        people: "ab" or "a".
        frames: at 30 fps.
        made: by the model, not given by a user.
        source: the motion that it was made from.
        codec: which codec its codes are of.
        seen: the codes, their first frame and their frame in the world, as JSON.
    """

    id: str
    created: float
    name: str
    people: str
    frames: int
    made: bool
    source: str | None
    codec: str
    seen: str


@dataclass(frozen=True)
class TurnRow:
    """A message of the user and its answer, each a list of parts as the API writes them.

    Attributes:
        parent: the turn before it; None where the conversation begins.
        settings: what was asked beside the words, with the seed that was drawn.
        tokens: of the answer.
    """

    id: str
    session: str
    parent: str | None
    created: float
    message: list[dict[str, Any]]
    answer: list[dict[str, Any]]
    settings: dict[str, Any]
    tokens: int
    model: str

    @property
    def motions(self) -> list[str]:
        return [part["motion"]["id"] for part in (*self.message, *self.answer) if part["type"] == "motion"]


@dataclass(frozen=True)
class SessionRow:
    """A conversation; `current` is the turn after which it goes on."""

    id: str
    created: float
    changed: float
    title: str
    system: str
    current: str | None
    turns: tuple[TurnRow, ...] = field(default=())

    def path(self, turn: str | None) -> list[TurnRow]:
        """The turns from the first to this one.

        Raises:
            Missing: the conversation has no such turn.
        """
        known = {row.id: row for row in self.turns}
        path: list[TurnRow] = []
        while turn is not None:
            if turn not in known:
                raise Missing(f"This conversation has no turn {turn!r}.")
            path.append(known[turn])
            turn = known[turn].parent
        return path[::-1]


class Storage:
    """For any thread; they take turns."""

    def __init__(self, path: Path, max_bytes: int | None = None) -> None:
        """
        Args:
            max_bytes: above which no motion is taken.

        Raises:
            UserError: it cannot be opened, or a newer VIMotion wrote it.
        """
        self.path, self.max_bytes = path, max_bytes
        self._lock = threading.RLock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)  # what people say is for nobody else on this machine; SQLite's other files follow this one
            self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=20)
            self._open()
        except (OSError, sqlite3.Error) as error:
            raise UserError(f"The database {path} cannot be used: {error}.") from None

    def _open(self) -> None:
        # FULL: a commit is on the disk when it returns, also if the machine loses its power
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
            self._database.execute(f"PRAGMA {pragma}")
        with self._writing() as database:
            [version] = database.execute("PRAGMA user_version").fetchone()
            if version not in (0, _VERSION):
                raise UserError(f"{self.path} was written by another version of VIMotion; name another folder.")
            if version == 0:
                for statement in _SCHEMA.split(";\n"):
                    database.execute(statement)
                database.execute(f"PRAGMA user_version = {_VERSION}")

    def close(self) -> None:
        with self._lock:
            self._database.close()

    # -- motions -------------------------------------------------------------------------------------------------------------

    def check_room(self) -> None:
        """
        Raises:
            InUse: it holds as many bytes as it may.
        """
        pages, free, size = (self._one(f"PRAGMA {name}") for name in ("page_count", "freelist_count", "page_size"))
        assert pages and free and size
        if self.max_bytes is not None and (pages[0] - free[0]) * size[0] > self.max_bytes:
            raise InUse(f"This server keeps {self.max_bytes / 1e6:,.0f} MB, and has them; delete conversations or motions.")

    def add_motions(self, motions: Sequence[tuple[MotionRow, bytes]]) -> None:
        """Keep motions with their native npz files.

        Raises:
            InUse: there is no room for more.
        """
        self.check_room()
        with self._writing() as database:
            for row, file in motions:
                self._insert_motion(database, row, file)

    def motion(self, motion: str) -> MotionRow:
        """
        Raises:
            Missing: there is none.
        """
        found = self._one(f"SELECT {_MOTION} FROM motion WHERE id = ?", motion)
        if found is None:
            raise Missing(f"There is no motion {motion!r}.")
        return _motion(found)

    def motion_file(self, motion: str) -> bytes:
        """The native npz.

        Raises:
            Missing: there is no such motion.
        """
        found = self._one("SELECT file FROM motion WHERE id = ?", motion)
        if found is None:
            raise Missing(f"There is no motion {motion!r}.")
        return bytes(found[0])

    def motions(self, limit: int, after: str | None = None) -> list[MotionRow]:
        """The newest first, from the one after `after` on."""
        rows = self._page(f"SELECT {_MOTION} FROM motion", "motion", "created", limit, after)
        return [_motion(row) for row in rows]

    def delete_motion(self, motion: str) -> None:
        """
        Raises:
            Missing: there is none.
            InUse: a conversation shows it.
        """
        with self._writing() as database:
            self.motion(motion)
            if not database.execute(f"DELETE FROM motion WHERE id = ? AND {_UNUSED}", (motion,)).rowcount:
                raise InUse("A conversation shows this motion; delete that first.")

    def forget_unused(self, days: float) -> int:
        """Delete motions of more than so many days that no conversation shows; how many there were."""
        with self._writing() as database:
            before = time.time() - days * _DAY
            return database.execute(f"DELETE FROM motion WHERE created < ? AND {_UNUSED}", (before,)).rowcount

    # -- conversations -------------------------------------------------------------------------------------------------------

    def add_session(self, title: str, system: str, most: int) -> SessionRow:
        """
        Raises:
            InUse: there are `most` already.
        """
        now = time.time()
        row = SessionRow(new_id("session"), now, now, title, system, None)
        with self._writing() as database:
            [count] = database.execute("SELECT count(*) FROM session").fetchone()
            if count >= most:
                raise InUse(f"There are {count} conversations, as many as this server keeps; delete some.")
            database.execute("INSERT INTO session VALUES (?, ?, ?, ?, ?, ?)", (row.id, now, now, title, system, None))
        return row

    def session(self, session: str) -> SessionRow:
        """A conversation with all its turns, in the order in which they came.

        Raises:
            Missing: there is none.
        """
        with self._lock:
            found = self._one("SELECT * FROM session WHERE id = ?", session)
            if found is None:
                raise Missing(f"There is no conversation {session!r}.")
            turns = self._database.execute("SELECT * FROM turn WHERE session = ? ORDER BY rowid", (session,)).fetchall()
        return replace(SessionRow(*found), turns=tuple(map(_turn, turns)))

    def sessions(self, limit: int, after: str | None = None) -> list[SessionRow]:
        """Without their turns; those talked in last come first."""
        return [SessionRow(*row) for row in self._page("SELECT * FROM session", "session", "changed", limit, after)]

    def change_session(self, session: str, changes: dict[str, str | None]) -> SessionRow:
        """Another title, or another current turn (None: before the first).

        Raises:
            Missing: there is no such conversation or turn.
        """
        with self._writing() as database:
            before = self.session(session)
            if "current" in changes:
                before.path(changes["current"])
            for column in ("title", "current"):
                if column in changes:
                    database.execute(f"UPDATE session SET {column} = ? WHERE id = ?", (changes[column], session))
        return self.session(session)

    def delete_session(self, session: str) -> None:
        """With the motions that were made for it and are shown nowhere else.

        Raises:
            Missing: there is none.
        """
        with self._writing() as database:
            shown = self._made_for(self.session(session).turns)
            database.execute("DELETE FROM session WHERE id = ?", (session,))
            self._forget(database, shown)

    # -- turns ---------------------------------------------------------------------------------------------------------------

    def add_turns(
        self, turns: Sequence[TurnRow], motions: Sequence[tuple[MotionRow, bytes]], title: str, current: str | None
    ) -> None:
        """Keep finished turns of one conversation with the motions that were made in them, all or nothing.

        Args:
            title: of the conversation, if it has none.
            current: the turn after which it goes on.

        Raises:
            Missing: the conversation, the turn before or a motion of the message was deleted meanwhile.
        """
        with self._writing() as database:
            session = self.session(turns[0].session)
            session.path(turns[0].parent)
            for motion, file in motions:
                self._insert_motion(database, motion, file)
            for turn in turns:
                values = (
                    turn.id, turn.session, turn.parent, turn.created, _json(turn.message), _json(turn.answer),
                    _json(turn.settings), turn.tokens, turn.model,
                )  # fmt: skip
                database.execute(f"INSERT INTO turn VALUES ({', '.join('?' * len(values))})", values)
                for shown in set(turn.motions):
                    self.motion(shown)
                    database.execute("INSERT INTO shown VALUES (?, ?)", (turn.id, shown))
            database.execute(
                "UPDATE session SET changed = ?, current = ?, title = iif(title = '', ?, title) WHERE id = ?",
                (time.time(), current, title, session.id),
            )

    def delete_turn(self, session: str, turn: str) -> SessionRow:
        """With all that follows it; the conversation then goes on before it.

        Raises:
            Missing: there is no such conversation or turn.
        """
        with self._writing() as database:
            before = self.session(session)
            deleted = before.path(turn)[-1]
            gone = [row for row in before.turns if deleted in before.path(row.id)]
            shown = self._made_for(gone)
            database.execute("DELETE FROM turn WHERE id = ?", (turn,))
            if before.current in {row.id for row in gone}:
                database.execute("UPDATE session SET current = ? WHERE id = ?", (deleted.parent, session))
            self._forget(database, shown)
        return self.session(session)

    # ------------------------------------------------------------------------------------------------------------------------

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it is on the disk afterwards, or nothing."""
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    def _one(self, query: str, *values: object) -> tuple[Any, ...] | None:
        with self._lock:
            found: tuple[Any, ...] | None = self._database.execute(query, values).fetchone()
        return found

    def _page(self, query: str, table: str, order: str, limit: int, after: str | None) -> list[tuple[Any, ...]]:
        values: tuple[object, ...] = (limit,)
        if after is not None:
            place = self._one(f"SELECT {order}, id FROM {table} WHERE id = ?", after)
            if place is None:
                raise Missing(f"There is no {table} {after!r} to go on after.")
            query, values = f"{query} WHERE ({order}, id) < (?, ?)", (*place, limit)
        with self._lock:
            return self._database.execute(f"{query} ORDER BY {order} DESC, id DESC LIMIT ?", values).fetchall()

    def _insert_motion(self, database: sqlite3.Connection, row: MotionRow, file: bytes) -> None:
        values = (
            row.id, row.created, row.name, row.people, row.frames, int(row.made), row.source, row.codec, row.seen, file,
        )  # fmt: skip
        database.execute(f"INSERT INTO motion VALUES ({', '.join('?' * len(values))})", values)

    def _made_for(self, turns: Sequence[TurnRow]) -> set[str]:
        """Motions that these turns show and the model made."""
        return {motion for turn in turns for motion in turn.motions if self.motion(motion).made}

    @staticmethod
    def _forget(database: sqlite3.Connection, motions: set[str]) -> None:
        for motion in motions:
            database.execute(f"DELETE FROM motion WHERE id = ? AND {_UNUSED}", (motion,))


def _motion(row: tuple[Any, ...]) -> MotionRow:
    motion, created, name, people, frames, made, source, codec, seen = row
    return MotionRow(motion, created, name, people, frames, bool(made), source, codec, seen)


def _turn(row: tuple[Any, ...]) -> TurnRow:
    turn, session, parent, created, message, answer, settings, tokens, model = row
    return TurnRow(
        turn, session, parent, created, json.loads(message), json.loads(answer), json.loads(settings), tokens, model
    )  # fmt: skip


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, allow_nan=False)
