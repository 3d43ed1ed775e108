"""Replies whose clients go, or do not read on."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from vimotion.app.completions import _stream
from vimotion.app.engine import Busy, TooLate
from vimotion.app.replies import Asked, Reply
from vimotion.app.schema import ChatRequest
from vimotion.app.storage import InUse
from vimotion.app.studio import Studio
from vimotion.chat import Wish


def asked(session: str | None = None, **wish: Any) -> Asked:
    return Asked([("user", [{"type": "text", "text": "Hug."}])], Wish(**{"motion": "no", "drafts": 1} | wish), session=session)


async def soon(true: Callable[[], bool]) -> None:
    for _ in range(300):
        if true():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come to that")


def test_what_is_cancelled_while_it_is_finished_is_not_kept(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    session = studio.storage.add_session("", "", 10).id
    finishing, go = threading.Event(), threading.Event()
    finished = Reply._finished

    def slow(*arguments: Any) -> Any:
        finishing.set()
        assert go.wait(30)
        return finished(*arguments)

    async def ask() -> None:
        reply = await studio.ask(asked(session))
        reading = asyncio.create_task(anext(aiter(reply)))
        await asyncio.to_thread(finishing.wait, 30)
        reply.cancel()
        reading.cancel()
        await asyncio.sleep(0.1)
        with pytest.raises(InUse, match="still being made"):
            await studio.ask(asked(session))
        go.set()
        await soon(lambda: session not in studio._talking)
        assert studio.storage.session(session).turns == ()
        assert [news async for news in await studio.ask(asked(session))]

    monkeypatch.setattr(Reply, "_finished", slow)
    monkeypatch.setattr(Reply, "_news", lambda *_: None)
    asyncio.run(ask())
    assert len(studio.storage.session(session).turns) == 1
    studio.close()


def test_the_choice_among_drafts_counts_as_time(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    session = studio.storage.add_session("", "", 10).id
    monkeypatch.setattr("vimotion.app.replies.best", lambda _, drafts: time.sleep(2.0) or drafts[0])

    async def ask() -> None:
        reply = await studio.ask(asked(session, motion="must", drafts=2))
        reply.job._deadline = asyncio.get_running_loop().time() + 60.0
        async for _ in reply.job:
            pass
        reply.job._deadline = asyncio.get_running_loop().time() + 0.1
        with pytest.raises(TooLate):
            await reply._chosen(0, [[], []])
        reply.cancel()
        assert studio.storage.session(session).turns == () and session not in studio._talking

    asyncio.run(ask())
    studio.close()


class Silent:
    """A client that is there, and says nothing more."""

    async def receive(self) -> dict[str, str]:
        await asyncio.sleep(600)
        return {"type": "http.disconnect"}


def test_who_does_not_read_on_keeps_nobody_from_talking(studio: Studio) -> None:
    session = studio.storage.add_session("", "", 10).id

    async def ask() -> None:
        wanted = ChatRequest(messages=[{"role": "user", "content": "Hug."}], stream=True)  # type: ignore[list-item]
        events = _stream(wanted, Silent(), studio, await studio.ask(asked(session, motion="must")), time.monotonic())  # type: ignore[arg-type]
        await anext(events)
        await soon(lambda: session not in studio._talking)
        assert len(studio.storage.session(session).turns) == 1
        rest = [event async for event in events]
        assert rest[-1] == "data: [DONE]\n\n" and any('"done": true' in event for event in rest)

    asyncio.run(ask())
    studio.close()


def test_nothing_is_read_where_there_is_no_place(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vimotion.app.studio.build", lambda *_: pytest.fail("it was read"))
    monkeypatch.setattr(studio.engine, "_most", -1)
    monkeypatch.setattr(type(studio.engine), "load", 1)

    async def ask() -> None:
        with pytest.raises(Busy):
            await studio.ask(asked())

    asyncio.run(ask())
    studio.close()
