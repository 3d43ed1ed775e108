"""A real server: clients that go, signals that end it, and what is there afterwards."""

from __future__ import annotations

import json
import logging
import signal
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from app.conftest import Gate
from app.running import Process, in_thread
from app.test_api import CHAT, user
from chat.tiny_model import tiny_model
from starlette.testclient import TestClient

from vimotion.app.server import Server, listen
from vimotion.app.settings import ServerConfig
from vimotion.app.studio import Studio
from vimotion.chat import Model
from vimotion.cli import main
from vimotion.errors import UserError


def soon(true: Callable[[], bool]) -> None:
    for _ in range(600):
        if true():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come to that")


@pytest.mark.parametrize("stream", [False, True])
def test_when_a_client_goes_its_slot_is_free(
    model: Model, config: ServerConfig, gate: Gate, stream: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    wanted = {"messages": [user("Hug.")], "stream": stream, "n": 2}
    with in_thread(model, config.model_copy(update={"slots": 2, "max_waiting": 0})) as (url, studio):
        session = httpx.post(f"{url}/v1/sessions", json={}).json()["id"]
        body = json.dumps(wanted | {"session": session}).encode()
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as client:
            client.sendall(
                f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n".encode()
                + body
            )
            assert gate.waiting.wait(30)
            assert studio.engine.load == 2
        soon(lambda: studio.engine.load == 0)
        gate.open.set()
        answer = httpx.post(f"{url}{CHAT}", json=wanted | {"session": session, "stream": False}, timeout=60)
        assert answer.status_code == 200
        whole = httpx.get(f"{url}/v1/sessions/{session}").json()
        assert len(whole["turns"]) == 2  # of the answer that was received alone
    left = [record.fields["status"] for record in caplog.records if getattr(record, "fields", {}).get("path") == CHAT]
    assert left == [499, 200]


def test_while_it_stops_replies_are_ended_and_new_ones_refused(model: Model, config: ServerConfig, gate: Gate) -> None:
    with in_thread(model, config) as (url, studio):
        answers: list[httpx.Response] = []
        wanted = {"messages": [user("Hug.")], "motion": "must", "drafts": 1}
        asking = threading.Thread(target=lambda: answers.append(httpx.post(f"{url}{CHAT}", json=wanted, timeout=60)))
        asking.start()
        assert gate.waiting.wait(30)
        studio.stop()
        time.sleep(0.5)  # it does not end while somebody waits
        refused = httpx.post(f"{url}{CHAT}", json=wanted, timeout=60)
        assert refused.status_code == 503 and "retry-after" in refused.headers
        gate.open.set()
        asking.join(30)
        assert answers[0].status_code == 200 and answers[0].json()["choices"][0]["message"]["motions"]

        def gone() -> bool:
            try:
                httpx.get(f"{url}/healthz")
            except httpx.HTTPError:
                return True
            return False

        soon(gone)


def test_a_second_signal_ends_the_replies_that_run(model: Model, config: ServerConfig, gate: Gate) -> None:
    studio = Studio(model, config)
    server = Server(studio)
    with TestClient(server.config.app, base_url="http://127.0.0.1") as client, ThreadPoolExecutor() as pool:  # type: ignore[arg-type]
        asking = pool.submit(client.post, CHAT, json={"messages": [user("Hug.")]})
        assert gate.waiting.wait(30)
        server.handle_exit(signal.SIGTERM, None)
        assert studio.engine.load and not server.should_exit
        server.handle_exit(signal.SIGTERM, None)
        assert server.should_exit and not server.force_exit
        assert asking.result(10).status_code == 503
        gate.open.set()


def test_a_place_that_is_taken_is_told(config: ServerConfig) -> None:
    with listen(config) as taken, pytest.raises(UserError, match="choose another --port"):
        listen(config.model_copy(update={"port": taken.getsockname()[1]}))
    with pytest.raises(UserError, match=r"192\.0\.2\.1"):
        listen(config.model_copy(update={"host": "192.0.2.1"}))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--host", "0.0.0.0"], "VIMOTION_SERVER_KEY"), (["--set", "slots=0"], "'slots'"), (["--set", "speed=1"], "known key"),
        (["--set", "key=0123456789abcdef-secret"], "put the key into VIMOTION_SERVER_KEY"),
        (["--device", "horse"], "no device 'horse'"), (["--model", "nobody"], "no model 'nobody'"),
        (["--port", "-1"], "--port"),
    ],
)  # fmt: skip
def test_a_server_that_cannot_be_is_refused_in_words(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("VIMOTION_SERVER_KEY", raising=False)
    monkeypatch.setenv("VIMOTION_HOME", str(tmp_path))
    monkeypatch.setattr("vimotion.app.server.start_logging", lambda: None)
    where = [] if "--port" in arguments else ["--port", "0"]
    with pytest.raises(SystemExit) as ended:
        main(["serve", *where, *arguments])
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert ended.value.code == 2 and words in said and said.startswith("vimotion: ")


def test_after_kill_9_every_finished_turn_is_there_and_a_signal_ends_it_in_order(tmp_path: Path) -> None:
    tiny_model().save(tmp_path / "model")
    server = Process(tmp_path / "model", tmp_path / "kept")
    finished: dict[str, list[str]] = {}
    lock, going = threading.Lock(), threading.Event()

    def talk() -> None:
        """One turn after another; those of which the end was received are noted."""
        try:
            session = httpx.post(f"{server.url}/v1/sessions", json={}, timeout=60).json()["id"]
            while True:
                wanted = {"messages": [user("Hug.")], "motion": "must", "session": session, "stream": True, "max_tokens": 9}
                with httpx.stream("POST", f"{server.url}{CHAT}", json=wanted, timeout=60) as response:
                    for line in response.iter_lines():
                        data = json.loads(line[6:]) if line.startswith("data: {") else {"choices": []}
                        for choice in data["choices"]:
                            if choice["finish_reason"]:
                                with lock:
                                    finished.setdefault(session, []).append(choice["turn"])
                                if len(finished) >= 2 and sum(map(len, finished.values())) >= 6:
                                    going.set()
        except httpx.HTTPError:
            return

    threads = [threading.Thread(target=talk) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert going.wait(120)
    server.stop(signal.SIGKILL)
    for thread in threads:
        thread.join(30)

    server = Process(tmp_path / "model", tmp_path / "kept")
    for session, turns in finished.items():
        whole = httpx.get(f"{server.url}/v1/sessions/{session}", timeout=60).json()
        kept = [turn["id"] for turn in whole["turns"]]
        assert kept[: len(turns)] == turns and len(kept) <= len(turns) + 1
        assert [turn["parent"] for turn in whole["turns"]] == [None, *kept[:-1]] and whole["current"] == kept[-1]
        for part in (part for turn in whole["turns"] for part in turn["answer"] if part["type"] == "motion"):
            assert httpx.get(f"{server.url}/v1/motions/{part['motion']['id']}.npz", timeout=60).status_code == 200
    log = [json.loads(line) for line in server.stop(signal.SIGTERM).splitlines()]
    assert server.popen.returncode == 0
    assert log[0]["event"] == "listening" and log[0]["url"] == server.url and log[-1]["event"] == "stopped"
