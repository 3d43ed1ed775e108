"""What goes wrong, as OpenAI's clients expect it: a status, and a body with a sentence."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from vimotion.app.engine import Busy, Gone, Stopping, TooLate
from vimotion.app.storage import InUse, Missing
from vimotion.app.streams import Failed
from vimotion.errors import UserError

_log = logging.getLogger(__name__)
# Nginx's word for a client that left; nobody reads it but the log.
CLIENT_LEFT = 499
_RETRY_SECONDS = 5
# status → OpenAI's type of error
_TYPES = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}
_SENTENCES = {
    400: "The body cannot be read; send JSON in UTF-8, or a form.",
    404: "There is nothing at this address; see /openapi.json.",
    405: "This address does not know this method; see /openapi.json.",
}


class TooLarge(HTTPException):
    """A request has more bytes than it may."""

    def __init__(self, most: int) -> None:
        super().__init__(413, f"A request like this may have {most:,} bytes; send less.")


class TooSlow(HTTPException):
    """A request does not come in."""

    def __init__(self) -> None:
        super().__init__(408, "The rest of the request did not come; send it again.")


def fault(status: int, message: str, code: str | None = None, headers: Mapping[str, str] | None = None) -> Response:
    """An error as a response."""
    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    return Response(fault_body(message, kind, code), status, dict(headers or {}), "application/json")


def fault_body(message: str, kind: str, code: str | None = None) -> str:
    """Plain ASCII, whatever stands in the message."""
    return json.dumps({"error": {"message": message, "type": kind, "param": None, "code": code}})


def told(error: Exception) -> Response:
    """The response to something that a request raised."""
    if isinstance(error, UserError):
        return fault(422, str(error))
    if isinstance(error, Missing):
        return fault(404, str(error.args[0]), "not_found")
    if isinstance(error, InUse):
        return fault(409, str(error), "in_use", {"Retry-After": "1"})
    if isinstance(error, Busy):
        return fault(429, str(error), "busy", {"Retry-After": str(error.seconds)})
    if isinstance(error, Stopping):
        return fault(503, str(error), "stopping", {"Retry-After": str(_RETRY_SECONDS)})
    if isinstance(error, Failed):
        return fault(502, str(error), "model_server")
    if isinstance(error, TooLate):
        return fault(504, str(error), "too_late")
    if isinstance(error, Gone):
        return Response(status_code=CLIENT_LEFT)
    if isinstance(error, HTTPException):
        return fault(error.status_code, _SENTENCES.get(error.status_code, str(error.detail)), headers=error.headers)
    if isinstance(error, RequestValidationError):
        return fault(422, "; ".join(map(_sentence, error.errors()[:5])) + ".")
    if isinstance(error, sqlite3.OperationalError):
        _log.error("The database failed", exc_info=error)
        return fault(503, "The server cannot reach its database just now; ask again.", headers={"Retry-After": "5"})
    _log.error("A request failed", exc_info=error)
    return fault(500, "Something went wrong in the server; its log says what.")


def add_faults(app: FastAPI) -> None:
    """Let an application tell its errors so."""

    async def handle(_: Request, error: Exception) -> Response:
        return told(error)

    for kind in (
        UserError, Missing, InUse, Busy, Stopping, TooLate, Gone, Failed, HTTPException, RequestValidationError,
        sqlite3.OperationalError, Exception,
    ):  # fmt: skip
        app.add_exception_handler(kind, handle)


def _sentence(entry: Mapping[str, object]) -> str:
    """One finding of pydantic's in words."""
    place = entry["loc"]
    where = ".".join(str(part) for part in place[1:]) if isinstance(place, tuple | list) else ""
    if entry["type"] == "extra_forbidden":
        return f"{where!r} is not a field that this server knows"
    if entry["type"] == "json_invalid":
        return "The body is no JSON"
    return f"{where or 'the body'!s}: {entry['msg']}"
