"""Who may come in, how much may be sent, and what the log says of it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from app.conftest import served
from app.test_api import CHAT, refused, user
from starlette.testclient import TestClient

from vimotion.app.logs import JsonLines
from vimotion.app.settings import KEY, ServerConfig
from vimotion.chat import Model
from vimotion.config import load_config
from vimotion.errors import UserError

SECRET = "0123456789abcdef-secret"


@pytest.fixture
def locked(model: Model, config: ServerConfig, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setenv(KEY, SECRET)
    with served(model, config.model_copy(update={"host": "0.0.0.0"}).checked()) as client:
        yield client


@pytest.mark.parametrize(
    "sent", [None, "", "Bearer", "Bearer ", f"Bearer {SECRET}x", f"Bearer {SECRET[:-1]}", f"Basic {SECRET}", "Bearer \xff"]
)
def test_without_the_key_nobody_comes_in(locked: TestClient, sent: str | None) -> None:
    headers = {} if sent is None else {"Authorization": sent.encode("latin-1")}
    for method, path in (("GET", "/v1/models"), ("POST", CHAT), ("GET", "/openapi.json"), ("GET", "/"), ("DELETE", "/x")):
        response = locked.request(method, path, headers=headers)
        assert "wants a key" in refused(response, 401) and response.headers["www-authenticate"] == "Bearer"
        assert SECRET not in response.text
    assert locked.get("/healthz", headers=headers).status_code == 200


def test_with_the_key_everybody_does(locked: TestClient) -> None:
    headers = {"Authorization": f"Bearer {SECRET}", "Host": "example.org", "Origin": "https://example.org"}
    assert locked.get("/v1/models", headers=headers).status_code == 200


def test_without_a_key_the_server_stays_at_home(monkeypatch: pytest.MonkeyPatch, config: ServerConfig) -> None:
    monkeypatch.delenv(KEY, raising=False)
    for host in ("127.0.0.1", "localhost", "::1", "127.8.8.8"):
        assert config.model_copy(update={"host": host}).checked().key is None
    for host in ("0.0.0.0", "::", "192.168.1.4", "example.org"):
        with pytest.raises(UserError, match=KEY):
            config.model_copy(update={"host": host}).checked()
    for weak in ("short", "with blanks in it, and long", "ünïcödé-ünïcödé-ünïcödé"):
        monkeypatch.setenv(KEY, weak)
        with pytest.raises(UserError, match="16 or more"):
            config.checked()
    monkeypatch.setenv(KEY, SECRET)
    assert SECRET not in repr(config.checked())
    with pytest.raises(UserError, match="'max_framse' is not a known key"):
        load_config(ServerConfig, None, ["max_framse=3"])


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"}, {"Host": "127.0.0.1.evil.example:8765"}, {"Host": "[::1"}, {"Host": ""},
        {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://["}, {"Origin": "http://[x]:y"}, {"Origin": "http://localhost.evil.example:8765"},
    ],
)  # fmt: skip
def test_pages_from_elsewhere_are_not_served(client: TestClient, headers: dict[str, str]) -> None:
    assert "of this machine" in refused(client.post(CHAT, json={"messages": [user("Hug.")]}, headers=headers), 403)


@pytest.mark.parametrize("host", ["localhost", "localhost:9", "127.0.0.1", "[::1]:8765"])
def test_pages_of_this_machine_are(client: TestClient, host: str) -> None:
    assert client.get("/v1/models", headers={"Host": host, "Origin": f"http://{host}"}).status_code == 200


def test_bytes_are_counted_and_not_believed(model: Model, config: ServerConfig) -> None:
    small = config.model_copy(update={"max_body_bytes": 2000, "max_upload_bytes": 5000})
    with served(model, small) as client:
        body = json.dumps({"messages": [user("a" * 2000)]}).encode()
        assert "2,000 bytes" in refused(client.post(CHAT, content=body), 413)
        pieces = (body[start : start + 100] for start in range(0, len(body), 100))
        chunked = client.post(CHAT, content=pieces, headers={"content-type": "application/json"})
        assert "content-length" not in chunked.request.headers
        assert "2,000 bytes" in refused(chunked, 413)
        lying = client.post(CHAT, content=body, headers={"content-type": "application/json", "content-length": "10"})
        assert "2,000 bytes" in refused(lying, 413)
        file = ("file", ("walk.npz", io.BytesIO(bytes(4000))))
        assert "walk.npz" in refused(client.post("/v1/motions", files=[file]), 422)
        file = ("file", ("walk.npz", io.BytesIO(bytes(6000))))
        assert "5,000 bytes" in refused(client.post("/v1/motions", files=[file]), 413)


def test_the_log_has_a_line_for_each_request_and_nothing_that_was_said(
    model: Model, config: ServerConfig, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.INFO)
    secret = "the butler did it"
    with served(model, config) as client:
        response = client.post(CHAT, json={"messages": [user(secret)], "motion": "no"})
        client.post(CHAT, json={"messages": [user(secret)], secret: 1})
        client.get("/v1/motions/nothing", params={"q": secret})
    lines = [json.loads(JsonLines().format(record)) for record in caplog.records if record.name.startswith("vimotion.app")]
    requests = [line for line in lines if line["event"] == "request"]
    assert [(line["status"], line["path"]) for line in requests] == [(200, CHAT), (422, CHAT), (404, "/v1/motions/nothing")]
    assert requests[0]["request"] == response.headers["x-request-id"] and requests[0]["bytes_in"] > 50
    [reply] = [line for line in lines if line["event"] == "reply"]
    assert reply["tokens"] == response.json()["usage"]["completion_tokens"] and "waited" in reply
    assert secret not in json.dumps(lines)


def test_the_log_holds_what_was_said_only_if_that_is_asked_for(
    model: Model, config: ServerConfig, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with served(model, config.model_copy(update={"log_text": True})) as client:
        client.post(CHAT, json={"messages": [user("the butler did it")], "motion": "no"})
    assert any("butler" in JsonLines().format(record) for record in caplog.records)


def test_an_error_of_ours_is_logged_and_told_without_its_inside(
    model: Model, config: ServerConfig, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vimotion.app.server import create_app
    from vimotion.app.studio import Studio

    studio = Studio(model, config)
    monkeypatch.setattr(studio.storage, "sessions", lambda *_: 1 / 0)
    with TestClient(create_app(studio), base_url="http://localhost", raise_server_exceptions=False) as client:
        assert "its log" in refused(client.get("/v1/sessions"), 500)
    assert "ZeroDivisionError" in caplog.text
