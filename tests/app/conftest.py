from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from chat.tiny_model import tiny_model
from starlette.testclient import TestClient

from vimotion.app.server import create_app
from vimotion.app.settings import ServerConfig
from vimotion.app.studio import Studio
from vimotion.chat import Model

LOCAL = "http://127.0.0.1:8765"


@pytest.fixture(scope="session")
def model() -> Model:
    return Model(tiny_model(), "tiny")


@pytest.fixture
def config(tmp_path: Path) -> ServerConfig:
    return ServerConfig(folder=tmp_path / "kept", port=0)


@pytest.fixture
def studio(model: Model, config: ServerConfig) -> Studio:
    return Studio(model, config)


@pytest.fixture
def client(studio: Studio) -> Iterator[TestClient]:
    with TestClient(create_app(studio), base_url=LOCAL) as client:
        yield client


class Gate:
    """Lets a model step only while it is open."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.waiting = threading.Event()

    def wait(self) -> None:
        if not self.open.is_set():
            self.waiting.set()
            assert self.open.wait(30)


@pytest.fixture
def gate(model: Model, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """A shut gate in front of every prompt that the model reads."""
    gate, prefill = Gate(), model.decoder.network.prefill

    def held(*arguments: Any, **named: Any) -> Any:
        gate.wait()
        return prefill(*arguments, **named)

    monkeypatch.setattr(model.decoder.network, "prefill", held)
    yield gate
    gate.open.set()


@contextmanager
def served(model: Model, config: ServerConfig) -> Iterator[TestClient]:
    with TestClient(create_app(Studio(model, config)), base_url=LOCAL) as client:
        yield client
