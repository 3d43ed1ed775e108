"""Puts the page at "/" of the server, and beside it what the page loads."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from nicegui import core, ui
from starlette.routing import Match, Mount
from starlette.types import Scope

from vimotion.app.library import given_frames
from vimotion.app.page.stage import HUMAN
from vimotion.app.page.tab import Tab
from vimotion.app.page.takes import human, picture, take
from vimotion.app.routes import KEPT
from vimotion.app.studio import Studio
from vimotion.formats.options import cleaned
from vimotion.motion import Interaction

_STATIC = Path(__file__).parent / "static"
_HEAD = """<link rel="stylesheet" href="/page/static/look.css"><link rel="stylesheet" href="/page/static/stage.css">
<link rel="stylesheet" href="/page/static/page.css"><script src="/page/static/page.js"></script>
<meta name="description" content="Talk with a model that understands and makes the motion of two people.">"""
# A browser asks for it again.
_ASKED = {"Cache-Control": "no-cache"}
# On a busy machine a browser may be silent for so long.
_PATIENCE = 30.0


class _OwnAddresses(Mount):
    """NiceGUI gets its own addresses; what else nobody knows is told as the API tells it."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        path = scope.get("path", "")
        if path in ("/", "/favicon.ico") or path.startswith("/_nicegui"):
            return super().matches(scope)
        return Match.NONE, {}


def mount(app: FastAPI, studio: Studio) -> None:
    """The page of a studio; a process has one."""
    replies = dict[str, asyncio.Task[None]]()

    @ui.page("/", title="VIMotion", response_timeout=_PATIENCE)
    async def page(session: str = "") -> None:
        ui.add_head_html(_HEAD)
        await Tab(studio, replies).build(session)

    _add_addresses(app, studio)
    ui.run_with(
        app, title="VIMotion", favicon=_STATIC / "favicon.svg", language="en-US", tailwind=False, reconnect_timeout=_PATIENCE,
        show_welcome_message=False, binding_refresh_interval=None,
    )  # fmt: skip
    app.router.routes[-1] = _OwnAddresses("/", core.app)


def _add_addresses(app: FastAPI, studio: Studio) -> None:
    """What the page loads. The API has all of it in other forms, so it is not described there."""

    @app.get(HUMAN, include_in_schema=False)
    async def _human() -> JSONResponse:
        return JSONResponse(human(), headers=_ASKED)

    @app.get("/page/motions/{motion_id}.json", include_in_schema=False)
    async def _take(motion_id: str) -> JSONResponse:
        content = await asyncio.to_thread(lambda: take(shown(studio, motion_id)))
        return JSONResponse(content, headers=KEPT)

    @app.get("/page/motions/{motion_id}.svg", include_in_schema=False)
    async def _picture(motion_id: str) -> Response:
        content = await asyncio.to_thread(lambda: picture(shown(studio, motion_id)))
        return Response(content, 200, KEPT, "image/svg+xml")

    app.mount("/page/static", _Static(directory=_STATIC))


class _Static(StaticFiles):
    def file_response(self, *arguments: Any, **named: Any) -> Response:
        response = super().file_response(*arguments, **named)
        response.headers.update(_ASKED)
        return response


def shown(studio: Studio, motion_id: str) -> Interaction:
    """A motion as it is exported by default: one that the model made is cleaned.

    Raises:
        Missing: there is none.
    """
    row = studio.storage.motion(motion_id)
    motion = studio.library.interaction(motion_id)
    return cleaned(motion, given_frames(row)) if row.made else motion
