"""A server with OpenAI's chat completions on this machine, which answers, stumbles and hangs as a test says."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Act:
    """What the server does with a request: wait, then answer; or close the connection after `cut` bytes of the body."""

    body: bytes = b"{}"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    cut: int | None = None


def says(text: str | None, finish: str = "stop", usage: tuple[int, int] | None = (100, 50), seconds: float = 0.0) -> Act:
    """A reply with this text."""
    completion: dict[str, Any] = {"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": finish}]}
    if usage:
        completion["usage"] = {"prompt_tokens": usage[0], "completion_tokens": usage[1]}
    return Act(json.dumps(completion).encode(), seconds=seconds)


def refuses(
    status: int, message: str = "not now", code: str | int | None = None, kind: str | None = None, **headers: str
) -> Act:
    """An error, `kind` its type; the headers' names with _ for -."""
    error = {"error": {"message": message, "code": code, "type": kind}}
    return Act(json.dumps(error).encode(), status, {name.replace("_", "-"): value for name, value in headers.items()})


HANGS = Act(seconds=60.0)
BREAKS_OFF = Act(json.dumps({"choices": [{"message": {"content": "a long, long reply"}}]}).encode(), cut=20)
HALF_JSON = Act(b'{"choices": [{"message": {"con')

Play = Callable[[int, dict[str, Any]], Act]


class FakeServer:
    """Keeps the requests, when they came, and how many were there at once; `play` gets their number, from 0, and body."""

    def __init__(self, play: Play) -> None:
        self.play = play
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.times: list[float] = []
        self.here = self.most_here = 0
        self.url = ""

    async def serve(self, started: threading.Event) -> None:
        """Answer until `stop`."""
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0, backlog=4096)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        started.set()
        await self._stopped.wait()
        server.close()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client went away, or the test is over
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer; False where the connection is to be closed."""
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)}
        request = json.loads(await reader.readexactly(int(headers.get("content-length", 0))) or b"{}")  # GET has no body
        number = len(self.requests)
        self.requests.append(request)
        self.headers.append(headers | {"path": lines[0].split()[1]})
        self.times.append(asyncio.get_running_loop().time())
        self.here += 1
        self.most_here = max(self.most_here, self.here)
        try:
            act = self.play(number, request)
            await asyncio.sleep(act.seconds)
        finally:
            self.here -= 1
        told = {"Content-Type": "application/json", "Content-Length": str(len(act.body))} | act.headers
        head = f"HTTP/1.1 {act.status} X\r\n" + "".join(f"{name}: {value}\r\n" for name, value in told.items()) + "\r\n"
        writer.write(head.encode() + act.body[: act.cut])
        await writer.drain()
        return act.cut is None


@contextmanager
def serving(play: Play) -> Iterator[FakeServer]:
    """The server, as long as the block lasts."""
    server, started = FakeServer(play), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(started)))
    thread.start()
    started.wait()
    try:
        yield server
    finally:
        server.stop()
        thread.join()
