"""The application, and `vimotion serve`."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI

import vimotion
from vimotion.app import completions, routes
from vimotion.app.faults import add_faults
from vimotion.app.guard import Guard
from vimotion.app.logs import start_logging
from vimotion.app.schema import ErrorBody
from vimotion.app.settings import ServerConfig
from vimotion.app.studio import Studio
from vimotion.chat import Model
from vimotion.errors import UserError

_log = logging.getLogger(__name__)
# Puts the page at "/"; see `create_app`.
Mount = Callable[[FastAPI, Studio], None]
_ERRORS = {
    400: "The body cannot be read.",
    401: "No key, or another than the server's.", 403: "Not from this machine, and there is no key.",
    404: "There is no such thing.", 409: "Not while something else needs it.", 413: "More bytes than are taken.",
    422: "It cannot be done as it was asked; the message says why.", 429: "Too many wait; `Retry-After` says how long.",
    502: "The server that runs the model failed.", 503: "The server is being stopped.", 504: "It took too long.",
}  # fmt: skip
_ABOUT = """Talk with a model that understands and makes the motion of two people.

`/v1/chat/completions` is OpenAI's, so its clients work: a motion goes in as a content part
`{"type": "motion", "motion": {"id": …}}` and comes out in `message.motions`, or as `delta.motion` while it is made."""


def create_app(studio: Studio, mount: Mount = routes.mount_words) -> FastAPI:
    """The API over a studio; `mount` puts at "/" what a browser sees there. The studio is closed with the application."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        forgetting = asyncio.create_task(studio.forget_in_time())
        yield
        forgetting.cancel()
        studio.close()

    errors: dict[int | str, dict[str, Any]] = {
        status: {"model": ErrorBody, "description": text} for status, text in _ERRORS.items()
    }
    app = FastAPI(
        title="VIMotion", version=vimotion.__version__, description=_ABOUT, lifespan=lifespan, responses=errors,
        docs_url=None, redoc_url=None,  # their pages load from elsewhere
    )  # fmt: skip
    app.state.studio = studio
    app.include_router(completions.router)
    app.include_router(routes.router)
    add_faults(app)
    app.add_middleware(Guard, config=studio.config)
    mount(app, studio)
    return app


class Server(uvicorn.Server):
    """Stops in two steps: at the first signal replies go on to their end and new ones are refused, at the second they end.

    A third one from the keyboard leaves no time to tell anybody.
    """

    def __init__(self, studio: Studio, mount: Mount = routes.mount_words) -> None:
        self.studio = studio
        super().__init__(
            uvicorn.Config(
                create_app(studio, mount), log_config=None, access_log=False, server_header=False, lifespan="on",
                timeout_graceful_shutdown=10, h11_max_incomplete_event_size=65_536,
            )
        )  # fmt: skip

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.studio.engine.stopping:
            self.force_exit = self.should_exit and sig == signal.SIGINT
            self.should_exit = True
            self.studio.engine.give_up()
        else:
            self.studio.stop()

    async def on_tick(self, counter: int) -> bool:
        engine = self.studio.engine
        return await super().on_tick(counter) or (engine.stopping and not engine.load)


def serve(config: ServerConfig, load: Callable[[], Model], mount: Mount = routes.mount_words) -> None:
    """Listen until a signal ends it; `load` brings the model.

    Raises:
        UserError: it cannot listen there, or the model or the database cannot be used.
    """
    config = config.checked()
    with listen(config) as listening:
        start_logging()
        studio = Studio(load(), config)
        host, port = listening.getsockname()[:2]
        address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        fields = {"url": address, "model": studio.model.name, "database": str(config.database)}
        _log.info("listening", extra={"fields": fields})
        Server(studio, mount).run(sockets=[listening])
    _log.info("stopped")


def listen(config: ServerConfig) -> socket.socket:
    """
    Raises:
        UserError: the address is taken, or not this machine's.
    """
    try:
        family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
        return socket.create_server((config.host, config.port), family=family, backlog=2048)
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"Nothing can listen at {config.host}:{config.port} ({reason}); choose another --port.") from None
