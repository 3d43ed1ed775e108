"""What every request passes: who may come in, how much may be sent, and the line in the log."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import logging
import secrets
import time
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vimotion.app import login
from vimotion.app.faults import CLIENT_LEFT, TooLarge, TooSlow, fault, told
from vimotion.app.settings import ServerConfig

_log = logging.getLogger(__name__)
HEALTH = "/healthz"
UPLOADS = "/v1/motions"
# Seconds that a request may keep us waiting for its next piece.
_PATIENCE = 30.0
_NO_KEY = "This server wants a key: send `Authorization: Bearer KEY`."
_STRANGE = "Without a key this server answers only pages and programs of this machine; call it at 127.0.0.1 or localhost."


class Guard:
    """Around the whole application."""

    def __init__(self, app: ASGIApp, config: ServerConfig) -> None:
        self.app, self.config = app, config

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        key = self.config.key.get_secret_value() if self.config.key else ""
        refused = self._refusal(scope, key)
        if scope["type"] == "websocket":
            if refused:
                await send({"type": "websocket.close", "code": 1008})
            else:
                await self.app(scope, receive, send)
            return
        visit = _Visit(scope, receive, send, self._most_bytes(scope))
        try:
            if key and login.is_asked(scope):
                await (await self._login(scope, visit, key))(scope, visit.receive, visit.send)
            elif refused and key and login.wants_page(scope):
                await RedirectResponse(login.ADDRESS, 303)(scope, visit.receive, visit.send)
            elif refused:
                await fault(*refused)(scope, visit.receive, visit.send)
            elif visit.announced > visit.most:
                await told(TooLarge(visit.most))(scope, visit.receive, visit.send)
            else:
                await self.app(scope, visit.receive, visit.send)
        finally:
            visit.log()

    async def _login(self, scope: Scope, visit: _Visit, key: str) -> Response:
        try:
            return await login.login(Request(scope, visit.receive), key)
        except (TooLarge, TooSlow) as error:
            return told(error)

    def _refusal(self, scope: Scope, key: str) -> tuple[int, str, str, dict[str, str]] | None:
        """Why a request may not come in."""
        headers = Headers(scope=scope)
        if scope["path"] == HEALTH and scope["type"] == "http":
            return None
        if key:
            sent = headers.get("authorization", "").removeprefix("Bearer ").encode()
            if hmac.compare_digest(sent, key.encode()) or login.admits(scope, key):
                return None
            return 401, _NO_KEY, "invalid_api_key", {"WWW-Authenticate": "Bearer"}
        # a page from elsewhere must not speak through the user's browser, under whatever name it finds us
        origin = headers.get("origin")
        if not _local(headers.get("host", "")) or (origin is not None and not _local_page(origin)):
            return 403, _STRANGE, "not_local", {}
        return None

    def _most_bytes(self, scope: Scope) -> int:
        upload = scope.get("method") == "POST" and scope["path"] == UPLOADS
        return self.config.max_upload_bytes if upload else self.config.max_body_bytes


class _Visit:
    """One request on its way in and its response on its way out, counted."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, most: int) -> None:
        self.scope, self.most = scope, most
        self._receive, self._send = receive, send
        self._began = time.monotonic()
        self._id = f"req-{secrets.token_hex(8)}"
        self._came = self._went = 0
        self._all_came = self._answered = self._left = False
        self._status = 0
        length = Headers(scope=scope).get("content-length", "")
        self.announced = int(length) if length.isdecimal() and len(length) < 20 else 0

    async def receive(self) -> Message:
        if self._all_came:
            message = await self._receive()
        else:
            try:
                async with asyncio.timeout(_PATIENCE):
                    message = await self._receive()
            except TimeoutError:
                raise TooSlow from None
        if message["type"] == "http.request":
            self._came += len(message.get("body", b""))
            self._all_came = not message.get("more_body", False)
            if self._came > self.most:
                raise TooLarge(self.most)
        else:
            self._left = not self._answered
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-ID"] = self._id
            headers["X-Content-Type-Options"] = "nosniff"
        elif message["type"] == "http.response.body":
            self._went += len(message.get("body", b""))
            self._answered = not message.get("more_body", False)
        await self._send(message)

    def log(self) -> None:
        fields = {
            "request": self._id, "method": self.scope["method"], "path": self.scope["path"],
            "status": CLIENT_LEFT if self._left else self._status or 500, "seconds": round(time.monotonic() - self._began, 4),
            "bytes_in": self._came, "bytes_out": self._went, "client": (self.scope.get("client") or ("",))[0],
        }  # fmt: skip
        level = logging.DEBUG if self.scope["path"] == HEALTH else logging.INFO
        _log.log(level, "request", extra={"fields": fields})


def _local(host: str) -> bool:
    """Whether "host:port" names this machine itself."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _local_page(origin: str) -> bool:
    """Whether an "Origin" is that of a page of this machine."""
    try:
        return _local(urlsplit(origin).netloc)
    except ValueError:
        return False
