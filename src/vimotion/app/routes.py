"""Motions, kept conversations, models and health over HTTP."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, FastAPI, File, Form, Path, Query, Response, UploadFile
from fastapi.responses import PlainTextResponse

import vimotion
from vimotion.app.exports import MEDIA_TYPES
from vimotion.app.guard import HEALTH, UPLOADS
from vimotion.app.objects import motion_object, public_name, session_object, studio_of, whole_session
from vimotion.app.replies import CURRENT
from vimotion.app.schema import (
    MOTION_ID,
    SESSION_ID,
    TURN_ID,
    Deleted,
    Health,
    ModelList,
    ModelObject,
    MotionList,
    MotionObject,
    NewSession,
    SessionChanges,
    SessionList,
    SessionObject,
    WholeSession,
)  # fmt: skip
from vimotion.app.storage import Missing
from vimotion.app.studio import Studio
from vimotion.errors import UserError
from vimotion.formats import WRITABLE
from vimotion.formats.options import Bones

router = APIRouter()
_STARTED = int(time.time())
# Of what never changes under its address: a motion, in whatever form.
KEPT = {"Cache-Control": "private, max-age=31536000, immutable"}
Here = Annotated[Studio, Depends(studio_of)]
MotionId = Annotated[str, Path(max_length=100, examples=[MOTION_ID])]
SessionId = Annotated[str, Path(max_length=100, examples=[SESSION_ID])]
TurnId = Annotated[str, Path(max_length=100, examples=[TURN_ID])]
Limit = Annotated[int, Query(ge=1, le=100)]
After = Annotated[str | None, Query(max_length=100, description="The last id of the page before.")]
_BYTES = {"schema": {"type": "string", "format": "binary"}}
_FILE: dict[int | str, dict[str, Any]] = {200: {"content": dict.fromkeys(sorted({*MEDIA_TYPES.values()}), _BYTES)}}
_ZIP: dict[int | str, dict[str, Any]] = {200: {"content": {"application/zip": _BYTES}}}


# -- motions -----------------------------------------------------------------------------------------------------------------


@router.post(UPLOADS, status_code=201, tags=["motions"])
async def upload_motion(
    studio: Here,
    file: Annotated[list[UploadFile], File(description="A .npz, BVH or GLB, or AMC with its ASF; of two people both files.")],
    fps: Annotated[float | None, Form(ge=1, le=1000, description="The true rate, where the file tells a wrong one.")] = None,
) -> MotionObject:
    """Give a motion to talk about: one or two people, at least half a second."""
    row = await studio.upload([(part.filename or "", part.file) for part in file], fps)
    return motion_object(row)


@router.get(UPLOADS, tags=["motions"])
async def list_motions(studio: Here, limit: Limit = 20, after: After = None) -> MotionList:
    """All motions, the newest first."""
    rows = await asyncio.to_thread(studio.storage.motions, limit + 1, after)
    return MotionList(data=[motion_object(row) for row in rows[:limit]], has_more=len(rows) > limit)


@router.get("/v1/motions/{motion_id}.{ending}", response_class=Response, responses=_FILE, tags=["motions"])
async def fetch_motion(
    studio: Here,
    motion_id: MotionId,
    ending: Annotated[str, Path(max_length=10, examples=["glb"], description=f"One of {', '.join(WRITABLE)}.")],
    person: Annotated[Literal["a", "b"] | None, Query(description="One of the two alone.")] = None,
    bones: Annotated[Bones, Query(description="Whose names the bones get.")] = "mixamo",
    fps: Annotated[float | None, Query(ge=1, le=240, description="Frames a second. Default: 30.")] = None,
    skin: Annotated[bool, Query(description="With the human's mesh.")] = True,
    in_place: Annotated[bool, Query(description="Without the way over the ground.")] = False,
    clean: Annotated[bool | None, Query(description="Feet planted, jitter filtered. Default: where the model made it.")] = None,
) -> Response:
    """A motion as a file. Two people as BVH or AMASS are two files, in a zip."""
    motion_id, _, rest = f"{motion_id}.{ending.lower()}".partition(".")  # an ending may have a dot in it
    content, kind, name = await studio.export(
        motion_id, f".{rest}", person, clean, bones=bones, fps=fps, skin=skin, in_place=in_place
    )  # fmt: skip
    return Response(content, 200, KEPT | {"Content-Disposition": f'attachment; filename="{name}"'}, kind)


@router.get("/v1/motions/{motion_id}", tags=["motions"])
async def describe_motion(studio: Here, motion_id: MotionId) -> MotionObject:
    """What is known of a motion."""
    return motion_object(await asyncio.to_thread(studio.storage.motion, motion_id))


@router.delete("/v1/motions/{motion_id}", tags=["motions"])
async def delete_motion(studio: Here, motion_id: MotionId) -> Deleted:
    """Forget a motion that no kept conversation shows."""
    await asyncio.to_thread(studio.storage.delete_motion, motion_id)
    return Deleted(id=motion_id)


# -- conversations -----------------------------------------------------------------------------------------------------------


@router.post("/v1/sessions", status_code=201, tags=["conversations"])
async def create_session(studio: Here, wanted: NewSession) -> SessionObject:
    """Begin a conversation that is kept; `session` of /v1/chat/completions goes on with it."""
    add, most = studio.storage.add_session, studio.config.max_sessions
    return session_object(await asyncio.to_thread(add, wanted.title, wanted.system, most))


@router.get("/v1/sessions", tags=["conversations"])
async def list_sessions(studio: Here, limit: Limit = 20, after: After = None) -> SessionList:
    """Kept conversations, those first in which something was said last."""
    rows = await asyncio.to_thread(studio.storage.sessions, limit + 1, after)
    return SessionList(data=[session_object(row) for row in rows[:limit]], has_more=len(rows) > limit)


@router.get("/v1/sessions/{session_id}.zip", response_class=Response, responses=_ZIP, tags=["conversations"])
async def download_session(
    studio: Here, session_id: SessionId, turn: Annotated[str, Query(max_length=100, description="Up to this turn.")] = CURRENT
) -> Response:
    """A conversation with its motions in one file, which `vimotion chat --load` reads."""
    content = await studio.archive(session_id, turn)
    headers = {"Content-Disposition": f'attachment; filename="{session_id}.zip"', "Cache-Control": "no-store"}
    return Response(content, 200, headers, "application/zip")


@router.get("/v1/sessions/{session_id}", tags=["conversations"])
async def read_session(studio: Here, session_id: SessionId) -> WholeSession:
    """A conversation with all its turns, a tree: each names the one before it."""
    return whole_session(await asyncio.to_thread(studio.storage.session, session_id))


@router.patch("/v1/sessions/{session_id}", tags=["conversations"])
async def change_session(studio: Here, session_id: SessionId, wanted: SessionChanges) -> WholeSession:
    """Rename a conversation, or go on with it after another turn."""
    changes = wanted.model_dump(exclude_unset=True)
    if changes.get("title", "") is None:
        raise UserError("A title is a text; leave it out to keep it.")
    return whole_session(await asyncio.to_thread(studio.storage.change_session, session_id, changes))


@router.delete("/v1/sessions/{session_id}", tags=["conversations"])
async def delete_session(studio: Here, session_id: SessionId) -> Deleted:
    """Forget a conversation, and the motions that were made in it and are shown nowhere else."""
    await asyncio.to_thread(studio.storage.delete_session, session_id)
    return Deleted(id=session_id)


@router.delete("/v1/sessions/{session_id}/turns/{turn_id}", tags=["conversations"])
async def delete_turn(studio: Here, session_id: SessionId, turn_id: TurnId) -> WholeSession:
    """Forget a turn and all that follows it."""
    return whole_session(await asyncio.to_thread(studio.storage.delete_turn, session_id, turn_id))


# -- the server --------------------------------------------------------------------------------------------------------------


@router.get("/v1/models", tags=["server"])
async def list_models(studio: Here) -> ModelList:
    """The model of this server."""
    return ModelList(data=[ModelObject(id=public_name(studio.model), created=_STARTED)])


@router.get("/v1/models/{model}", tags=["server"])
async def read_model(studio: Here, model: Annotated[str, Path(max_length=200, examples=["vimotion"])]) -> ModelObject:
    """The model of this name."""
    if model != public_name(studio.model):
        raise Missing(f"There is no model {model!r}; this server has {public_name(studio.model)!r}.")
    return ModelObject(id=model, created=_STARTED)


@router.get(HEALTH, tags=["server"], responses={503: {"model": Health, "description": "The server is being stopped."}})
async def health(studio: Here, response: Response) -> Health:
    """Whether the server takes requests. Needs no key."""
    engine = studio.engine
    response.status_code = 503 if engine.stopping else 200
    return Health(
        status="stopping" if engine.stopping else "ok", version=vimotion.__version__, model=public_name(studio.model),
        load=engine.load, slots=engine.slots,
    )  # fmt: skip


def mount_words(app: FastAPI, _: Studio) -> None:
    """What a browser finds at "/" where there is no page."""

    @app.get("/", include_in_schema=False)
    async def root() -> PlainTextResponse:
        return PlainTextResponse("This is VIMotion's HTTP API. /openapi.json describes it.\n")
