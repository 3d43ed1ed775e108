"""Real servers on a free port of this machine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from vimotion.app.server import Server, listen
from vimotion.app.settings import ServerConfig
from vimotion.app.studio import Studio
from vimotion.chat import Model


@contextmanager
def in_thread(model: Model, config: ServerConfig) -> Iterator[tuple[str, Studio]]:
    """A server in this process; its address and its studio."""
    studio, listening = Studio(model, config), listen(config)
    server = Server(studio)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", studio
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive()


class Process:
    """`vimotion serve` in a process of its own."""

    def __init__(self, model: Path, folder: Path, *settings: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        sets = [part for setting in (f"folder={folder}", *settings) for part in ("--set", setting)]
        command = [sys.executable, "-m", "vimotion.cli", "serve", "--port", str(port), "--model", str(model), *sets]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        self.log = folder.with_suffix(f".{port}.log")
        with self.log.open("w") as log:
            self.popen = subprocess.Popen(command, env=environment, stderr=log)
        for _ in range(1200):
            try:
                if httpx.get(f"{self.url}/healthz", timeout=60).status_code == 200:
                    return
            except httpx.HTTPError:
                assert self.popen.poll() is None, self.log.read_text()
                time.sleep(0.1)
        raise AssertionError("the server did not start")

    def stop(self, sent: signal.Signals) -> str:
        """Its log, after a signal ended it."""
        self.popen.send_signal(sent)
        self.popen.wait(60)
        return self.log.read_text()
