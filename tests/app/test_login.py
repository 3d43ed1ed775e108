"""How browsers come in where a key is set."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from app.conftest import served
from app.test_guard import SECRET
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from vimotion.app.login import COOKIE
from vimotion.app.settings import KEY, ServerConfig
from vimotion.chat import Model

PAGE = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture
def locked(model: Model, config: ServerConfig, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setenv(KEY, SECRET)
    with served(model, config.model_copy(update={"host": "0.0.0.0"}).checked()) as client:
        yield client


def come_in(client: TestClient) -> str:
    answer = client.post("/login", data={"key": f" {SECRET} "}, follow_redirects=False)
    assert answer.status_code == 303 and answer.headers["location"] == "/"
    return answer.headers["set-cookie"]


def test_a_browser_is_shown_the_form_and_a_program_the_error(locked: TestClient) -> None:
    sent = locked.get("/", headers=PAGE, follow_redirects=False)
    assert sent.status_code == 303 and sent.headers["location"] == "/login"
    form = locked.get("/login", headers=PAGE)
    assert form.status_code == 200 and 'type="password"' in form.text and form.headers["cache-control"] == "no-store"
    assert locked.get("/").status_code == 401 and locked.post("/v1/motions", headers=PAGE).status_code == 401


def test_with_the_key_there_is_a_cookie_which_is_not_the_key(locked: TestClient) -> None:
    cookie = come_in(locked)
    assert SECRET not in cookie and "HttpOnly" in cookie and "SameSite=strict" in cookie
    assert locked.get("/v1/models").status_code == 200


@pytest.mark.parametrize("key", ["", "wrong", f"{SECRET}x", SECRET[:-1], "\xe9\u20ac"])
def test_with_another_key_there_is_none(locked: TestClient, key: str) -> None:
    answer = locked.post("/login", data={"key": key})
    assert answer.status_code == 401 and "not the key" in answer.text and "set-cookie" not in answer.headers
    assert locked.get("/v1/models").status_code == 401


@pytest.mark.parametrize("cookie", ["", "0" * 64, SECRET, "\u00e9"])
def test_another_cookie_opens_nothing(locked: TestClient, cookie: str) -> None:
    headers = {"Cookie": f"{COOKIE}={cookie}; other=1; =; ;".encode("latin-1")}
    assert locked.get("/v1/models", headers=headers).status_code == 401


def test_a_page_from_elsewhere_cannot_use_the_cookie(locked: TestClient) -> None:
    come_in(locked)
    own = {"Host": "studio.example", "Origin": "https://studio.example"}
    cookie = {"Cookie": f"{COOKIE}={locked.cookies[COOKIE]}"}
    assert locked.get("/v1/models", headers=cookie | own).status_code == 200
    for origin in ("https://evil.example", "null", "https://studio.example.evil.example", "http://["):
        assert locked.get("/v1/models", headers=cookie | own | {"Origin": origin}).status_code == 401
        with pytest.raises(WebSocketDisconnect) as refused, locked.websocket_connect("/x", headers=cookie | {"Origin": origin}):
            pass
        assert refused.value.code == 1008


def test_a_form_that_is_too_large_is_refused(locked: TestClient) -> None:
    assert locked.post("/login", content=b"key=" + b"x" * 2_000_000).status_code == 413


def test_without_a_key_there_is_no_form(client: TestClient) -> None:
    assert client.get("/login", headers=PAGE).status_code == 404
