"""What is kept → the objects of the API."""

from __future__ import annotations

import re

from fastapi import Request

from vimotion.app.schema import MotionObject, SessionObject, TurnObject, WholeSession
from vimotion.app.storage import MotionRow, SessionRow, TurnRow
from vimotion.app.studio import Studio
from vimotion.chat import Model
from vimotion.chat.server import Address
from vimotion.formats import WRITABLE
from vimotion.formats.options import can_write
from vimotion.motion import FPS


def studio_of(request: Request) -> Studio:
    """The studio behind an application."""
    studio: Studio = request.app.state.studio
    return studio


def public_name(model: Model) -> str:
    """What clients call the model: its name without the path or the address that leads to it here."""
    name = model.name
    if "://" in name:  # of a server: what it is called there, or else where its tokenizer is from
        address = Address.read(name)
        name = address.name or address.files or "default"
    return "vimotion" if name == "default" else re.split(r"[/\\]", name.rstrip("/\\"))[-1]


def motion_object(row: MotionRow) -> MotionObject:
    return MotionObject(
        id=row.id, created=int(row.created), name=row.name, people="ab" if row.people == "ab" else "a",
        num_frames=row.frames, fps=FPS, duration=round(row.frames / FPS, 3), made=row.made, source=row.source,
        files={ending: f"/v1/motions/{row.id}{ending}" for ending in WRITABLE if can_write(ending)},
    )  # fmt: skip


def session_object(row: SessionRow) -> SessionObject:
    return SessionObject(**_session(row))


def whole_session(row: SessionRow) -> WholeSession:
    return WholeSession(**_session(row), turns=[turn_object(turn) for turn in row.turns])


def turn_object(row: TurnRow) -> TurnObject:
    return TurnObject(
        id=row.id, parent=row.parent, created=int(row.created), message=row.message, answer=row.answer,
        settings=row.settings, tokens=row.tokens, model=row.model,
    )  # fmt: skip


def _session(row: SessionRow) -> dict:
    return {
        "id": row.id, "created": int(row.created), "changed": int(row.changed), "title": row.title, "system": row.system,
        "current": row.current,
    }  # fmt: skip
