"""How a browser comes in where a key is set: it is asked for it once, and keeps a cookie that the key makes."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.requests import Request, cookie_parser
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Scope

ADDRESS = "/login"
COOKIE = "vimotion"
_DAYS = 30
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>VIMotion</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
:root {{ color-scheme: light dark; }} body {{ font: 1rem/1.5 system-ui, sans-serif; display: grid; place-content: center;
min-height: 90vh; margin: 0 1rem; }} form {{ display: grid; gap: .6rem; }} input, button {{ font: inherit; padding: .4rem; }}
</style></head><body><main><h1>VIMotion</h1><form method="post" action="{address}">
<p role="alert">{problem}</p><label for="key">The key of this server</label>
<input id="key" name="key" type="password" autocomplete="current-password" required autofocus><button>Come in</button>
</form></main></body></html>"""


def admits(scope: Scope, key: str) -> bool:
    """Whether a request has the cookie of this key, and was made by a page of this server."""
    headers = Headers(scope=scope)
    cookie = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
    if not hmac.compare_digest(cookie.encode(), _token(key).encode()):
        return False
    origin = headers.get("origin")
    return origin is None or origin.partition("://")[2] == headers.get("host")


def is_asked(scope: Scope) -> bool:
    """Whether a request is for the form."""
    return scope["path"] == ADDRESS and scope["method"] in ("GET", "POST")


def wants_page(scope: Scope) -> bool:
    """Whether it is a browser that goes somewhere, which can be shown the form."""
    headers = Headers(scope=scope)
    return scope["type"] == "http" and scope["method"] == "GET" and "text/html" in headers.get("accept", "")


async def login(request: Request, key: str) -> Response:
    """The form; and with the right key the cookie, and the way to the page."""
    if request.method != "POST":
        return _form("")
    sent = parse_qs((await request.body()).decode("utf-8", "replace")).get("key", [""])[0]
    if not hmac.compare_digest(sent.strip().encode(), key.encode()):
        return _form("This is not the key.", 401)
    response = RedirectResponse("/", 303)
    response.set_cookie(
        COOKIE, _token(key), max_age=_DAYS * 86_400, httponly=True, samesite="strict", secure=request.url.scheme == "https"
    )
    return response


def _form(problem: str, status: int = 200) -> Response:
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
    return HTMLResponse(_PAGE.format(address=ADDRESS, problem=problem), status, headers)


def _token(key: str) -> str:
    """What the cookie holds: nobody finds the key in it, and another key has another one."""
    return hmac.new(key.encode(), b"VIMotion, browser", hashlib.sha256).hexdigest()
