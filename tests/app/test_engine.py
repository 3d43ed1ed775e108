"""The thread of the model: everybody is answered at once, or told at once why not."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from app.conftest import Gate

from vimotion.app.engine import Busy, Engine, Gone, Job, Stopping, TooLate, TooLong
from vimotion.app.streams import Failed, Streams
from vimotion.chat import Model, Sampling
from vimotion.chat.decode import Request
from vimotion.chat.legal import Rules
from vimotion.chat.served import ServedDecoder
from vimotion.chat.server import Opened
from vimotion.errors import UserError

WILD = Sampling(temperature=3.0, top_p=1.0)


def request(seed: int, words: int = 20) -> Request:
    return Request([5, 6, 7], Rules("no", max_text=words), seed, words=WILD)


@pytest.fixture
def engine(model: Model) -> Iterator[Engine]:
    engine = Engine(model.decoder, slots=2, max_waiting=2, max_tokens=1000)
    yield engine
    engine.close()


async def answer(job: Job) -> dict[int, list[int]]:
    said: dict[int, list[int]] = {}
    async for number, token in job:
        said.setdefault(number, []).append(token)
    return said


def test_jobs_at_once_get_the_answers_that_they_would_get_alone(model: Model, engine: Engine) -> None:
    async def ask() -> list[dict[int, list[int]]]:
        jobs = [engine.submit([request(0), request(1)], 30), engine.submit([request(2)], 30)]
        assert engine.load == 3
        return await asyncio.gather(*map(answer, jobs))

    first, second = asyncio.run(ask())
    alone = [list(model.decoder.stream(request(seed))) for seed in range(3)]
    assert [first[0], first[1], second[0]] == alone
    assert engine.load == 0


def test_who_comes_when_all_places_are_taken_is_told_when_to_come_again(engine: Engine, gate: Gate) -> None:
    async def ask() -> None:
        jobs = [engine.submit([request(seed)], 30) for seed in range(4)]
        with pytest.raises(Busy, match="ask again in") as busy:
            engine.submit([request(4)], 30)
        assert busy.value.seconds >= 1
        jobs[-1].cancel()  # it only waited
        jobs.append(engine.submit([request(5)], 30))
        gate.open.set()
        said = await asyncio.gather(*(answer(job) for job in jobs if job is not jobs[3]))
        assert all(said)
        with pytest.raises(Gone):
            await answer(jobs[3])

    asyncio.run(ask())


def test_more_answers_to_one_request_than_places_are_taken_when_nobody_else_waits(engine: Engine) -> None:
    async def ask() -> int:
        return len(await answer(engine.submit([request(seed, 3) for seed in range(7)], 30)))

    assert asyncio.run(ask()) == 7


def test_a_reply_that_takes_too_long_is_given_up(engine: Engine, gate: Gate) -> None:
    async def ask() -> None:
        job = engine.submit([request(0)], 0.05)
        with pytest.raises(TooLate, match=r"within 0\.05 seconds"):
            await answer(job)
        job.cancel()
        assert engine.load == 0

    asyncio.run(ask())


def test_what_is_too_long_for_the_server_is_refused(engine: Engine) -> None:
    async def ask() -> None:
        with pytest.raises(UserError, match="this server takes 1000"):
            engine.submit([Request([5] * 990, Rules("no", max_text=20))], 30)

    asyncio.run(ask())


def test_when_it_stops_what_runs_is_ended_and_nothing_begun(engine: Engine) -> None:
    async def ask() -> dict[int, list[int]]:
        job = engine.submit([request(0)], 30)
        engine.stop()
        with pytest.raises(Stopping):
            engine.submit([request(1)], 30)
        return await answer(job)

    assert len(asyncio.run(ask())[0]) > 1


def test_a_step_that_fails_is_told_to_all_and_the_next_ones_are_served(
    engine: Engine, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = threading.Event()
    broken.set()
    step = model.decoder.network.step

    def fail(*arguments: Any) -> Any:
        if broken.is_set():
            raise RuntimeError("no memory")
        return step(*arguments)

    monkeypatch.setattr(model.decoder.network, "step", fail)

    async def ask() -> None:
        jobs = [engine.submit([request(seed)], 30) for seed in range(2)]
        for job in jobs:
            with pytest.raises(RuntimeError, match="no memory"):
                await answer(job)
        broken.clear()
        assert (await answer(engine.submit([request(0)], 30)))[0] == list(model.decoder.stream(request(0)))

    asyncio.run(ask())


def test_who_had_not_begun_is_answered_after_a_step_that_failed(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(model.decoder, slots=1, max_waiting=8, max_tokens=1000)
    step, fails = model.decoder.network.step, iter([True])

    def fail(*arguments: Any) -> Any:
        if next(fails, False):
            raise RuntimeError("no memory")
        return step(*arguments)

    monkeypatch.setattr(model.decoder.network, "step", fail)

    async def ask() -> list[dict[int, list[int]]]:
        first, *others = [engine.submit([request(seed)], 30) for seed in range(3)]
        with pytest.raises(RuntimeError, match="no memory"):
            await answer(first)
        return [await answer(job) for job in others]

    said = asyncio.run(ask())
    engine.close()
    assert [one[0] for one in said] == [list(model.decoder.stream(request(seed))) for seed in (1, 2)]


class Hangs:
    """A decoder whose server does not go on, until its answer is broken off (if it can be)."""

    max_length = None

    def __init__(self, model: Model, deaf: bool = False) -> None:
        self.legal, self._decoder, self._deaf = model.decoder.legal, model.decoder, deaf
        self.shut = threading.Event()

    def stream(self, wanted: Request, opened: Opened) -> Iterator[int]:
        if wanted.seed == 0:
            if not self._deaf:
                opened(self.shut.set)
            self.shut.wait(60)
            raise UserError("The server is gone.")
        yield from self._decoder.stream(wanted)


@pytest.mark.parametrize("deaf", [False, True])
def test_a_server_that_hangs_takes_no_place_of_others_and_lets_us_end(model: Model, deaf: bool) -> None:
    decoder = Hangs(model, deaf)
    engine = Engine(decoder, slots=1, max_waiting=8, max_tokens=1000)  # type: ignore[arg-type]

    async def ask() -> list[int]:
        hanging = engine.submit([request(0)], 30)
        await asyncio.sleep(0.3)
        hanging.cancel()
        said = await answer(engine.submit([request(1)], 30))
        assert decoder.shut.is_set() != deaf
        decoder.shut.clear()
        again = engine.submit([request(0)], 60)
        await asyncio.sleep(0.3)
        began = time.monotonic()
        await asyncio.to_thread(engine.close)
        with pytest.raises(Stopping):
            await answer(again)
        assert time.monotonic() - began < 5
        return said[0]

    assert asyncio.run(ask()) == list(model.decoder.stream(request(1)))
    decoder.shut.set()


def test_servers_that_hang_do_not_cost_threads_without_end(model: Model) -> None:
    decoder = Hangs(model, deaf=True)
    streams = Streams(decoder, slots=1)  # type: ignore[arg-type]
    before = threading.active_count()
    for _ in range(50):
        streams.cancel(streams.add(request(0)))
    assert threading.active_count() - before <= 8
    waits = streams.add(request(1))
    assert streams.waits(waits) and streams.busy
    decoder.shut.set()
    said: list[int | Exception] = []
    while streams.busy:
        said += [token for stream, token in streams.step() if stream is waits]
    assert said == list(model.decoder.stream(request(1)))


def test_when_it_gives_up_whoever_waits_is_told(engine: Engine, gate: Gate) -> None:
    async def ask() -> None:
        jobs = [engine.submit([request(seed)], 30) for seed in range(3)]
        await asyncio.to_thread(gate.waiting.wait)
        engine.give_up()
        for job in jobs:
            with pytest.raises(Stopping):
                await answer(job)
        assert engine.load == 0
        gate.open.set()

    asyncio.run(ask())


def test_what_is_too_long_for_a_served_model_is_refused_before_it_is_asked(model: Model) -> None:
    decoder = ServedDecoder(SimpleNamespace(max_length=300), model.decoder.legal, model.tokenizer)  # type: ignore[arg-type]
    engine = Engine(decoder, slots=1, max_waiting=8, max_tokens=1000)

    async def ask() -> None:
        with pytest.raises(TooLong, match="this server takes 300"):
            engine.submit([Request([5] * 290, Rules("no", max_text=20))], 30)

    asyncio.run(ask())
    engine.close()


class Elsewhere:
    """A decoder that only streams, as that of a served model does; it breaks off over odd seeds."""

    max_length = None

    def __init__(self, model: Model, broken: bool = False) -> None:
        self.legal, self._decoder, self._broken = model.decoder.legal, model.decoder, broken

    def stream(self, wanted: Request, opened: Opened | None = None) -> Iterator[int]:
        for number, token in enumerate(self._decoder.stream(wanted)):
            if self._broken and wanted.seed % 2 and number == 2:
                raise UserError("The other server is gone.")
            yield token


def test_a_model_of_another_server_answers_side_by_side(model: Model) -> None:
    engine = Engine(Elsewhere(model), slots=2, max_waiting=8, max_tokens=1000)  # type: ignore[arg-type]

    async def ask() -> list[dict[int, list[int]]]:
        jobs = [engine.submit([request(seed), request(seed + 1)], 30) for seed in (0, 2)]
        gone = engine.submit([request(9)], 30)
        gone.cancel()
        return await asyncio.gather(*map(answer, jobs))

    said = [tokens for job in asyncio.run(ask()) for _, tokens in sorted(job.items())]
    engine.close()
    assert said == [list(model.decoder.stream(request(seed))) for seed in range(4)]


def test_where_the_other_server_fails_only_those_are_told_who_asked_it(model: Model) -> None:
    engine = Engine(Elsewhere(model, broken=True), slots=2, max_waiting=8, max_tokens=1000)  # type: ignore[arg-type]

    async def ask() -> None:
        good, bad = engine.submit([request(0)], 30), engine.submit([request(2), request(1)], 30)
        with pytest.raises(Failed, match="did not answer as it should"):
            await answer(bad)
        assert (await answer(good))[0] == list(model.decoder.stream(request(0)))
        assert engine.load == 0

    asyncio.run(ask())
    engine.close()


def test_errands_are_run_between_steps_in_the_thread_of_the_model(engine: Engine) -> None:
    async def ask() -> None:
        assert await engine.run(lambda: threading.current_thread().name) == "model"
        with pytest.raises(ZeroDivisionError):
            await engine.run(lambda: 1 / 0)

    asyncio.run(ask())
