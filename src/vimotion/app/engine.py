"""`Engine`: one model in one thread, which answers everybody at once by live batching."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from vimotion.app.streams import Stream, Streams
from vimotion.chat.batching import Batch, Writing
from vimotion.chat.decode import Decoder, Request
from vimotion.chat.served import ServedDecoder
from vimotion.errors import UserError

Result = TypeVar("Result")
_log = logging.getLogger(__name__)
# Seconds that the end waits for the step under way; the thread does not keep the process from ending.
_LAST_STEP = 10.0
# Weight of the newest answer in the mean time of an answer.
_NEWEST = 0.2


class Busy(Exception):
    """Too many wait already; `seconds` until it makes sense to ask again."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many wait for an answer; ask again in {seconds} seconds.")
        self.seconds = seconds


class Stopping(Exception):
    """The server is being stopped, and takes nothing new."""

    def __init__(self) -> None:
        super().__init__("The server is being stopped; ask again when it is back.")


class TooLong(UserError):
    """A conversation has more tokens than are taken."""

    def __init__(self, length: int, most: int) -> None:
        super().__init__(
            f"The conversation would take {length} tokens, and this server takes {most}; go back some turns or start a new one."
        )


class TooLate(Exception):
    """A reply took too long."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"The reply was not ready within {seconds:g} seconds; ask for a shorter one, or later.")


class Gone(Exception):
    """A reply was cancelled."""


class Job:
    """Requests that are answered together. Iterating gives (number of the request, token) as they come."""

    def __init__(self, engine: Engine, requests: Sequence[Request], seconds: float) -> None:
        self.requests, self.seconds = requests, seconds
        self.asked = time.monotonic()
        self.began: float | None = None  # when its first token came
        self.left = len(requests)
        self.writings: dict[Writing | Stream, int] = {}
        self._engine = engine
        self._loop = asyncio.get_running_loop()
        self._deadline = self._loop.time() + seconds
        self._news: asyncio.Queue[tuple[int, int] | Exception | None] = asyncio.Queue()

    @property
    def waited(self) -> float:
        """Seconds from its request to its first token, or until now."""
        return (self.began or time.monotonic()) - self.asked

    async def __aiter__(self) -> AsyncIterator[tuple[int, int]]:
        """
        Raises:
            Gone: the job was cancelled.
            TooLate: it took more seconds than it may.
        """
        while True:
            news = await self.in_time(self._news.get())
            if news is None:
                return
            if isinstance(news, Exception):
                raise news
            yield news

    async def in_time(self, work: Awaitable[Result]) -> Result:
        """What `work` gives, which belongs to the answers.

        Raises:
            TooLate: the job took more seconds than it may.
        """
        try:
            async with asyncio.timeout_at(self._deadline):
                return await work
        except TimeoutError:
            raise TooLate(self.seconds) from None

    def cancel(self) -> None:
        """Nobody waits for the answers any more. Their slots are free with the next step."""
        self._engine.cancel(self)
        self._news.put_nowait(Gone())

    def tell(self, news: tuple[int, int] | Exception | None) -> None:
        """From any thread: a token, an error, or that all is said."""
        if not self._loop.is_closed():  # else nobody waits any more
            self._loop.call_soon_threadsafe(self._news.put_nowait, news)


class Engine:
    """Give it requests from an event loop; a thread of its own steps the model."""

    def __init__(self, decoder: Decoder | ServedDecoder, slots: int, max_waiting: int, max_tokens: int) -> None:
        self.decoder, self.slots = decoder, slots
        self.max_tokens = min(max_tokens, decoder.max_length or max_tokens)
        self._most = slots + max_waiting
        self._jobs: set[Job] = set()
        self._errands: list[Callable[[], None]] = []
        self._changed = threading.Condition()
        self._stopping = self._closed = False
        self._seconds = 1.0  # that an answer takes, the mean of late
        self._batch: Any = self._new_batch()
        self._thread = threading.Thread(target=self._work, name="model", daemon=True)
        self._thread.start()

    # -- from the event loop -------------------------------------------------------------------------------------------------

    def submit(self, requests: Sequence[Request], seconds: float) -> Job:
        """Ask for answers that are wanted within so many seconds.

        Raises:
            UserError: a request is too long.
            Busy, Stopping: not now.
        """
        for request in requests:
            if (length := len(request.prompt) + self.decoder.legal.longest(request.rules)) > self.max_tokens:
                raise TooLong(length, self.max_tokens)
        job = Job(self, requests, seconds)
        with self._changed:
            self.check_room(len(requests))
            self._jobs.add(job)
            self._do(lambda: self._add(job))
        return job

    def check_room(self, answers: int = 1) -> None:
        """Whether so many answers could be asked for now.

        Raises:
            Busy, Stopping: they could not.
        """
        if self._stopping:
            raise Stopping
        if self.load + answers > max(self._most, answers):
            raise Busy(max(1, round(self._seconds * (self.load - self.slots + 1) / self.slots)))

    def cancel(self, job: Job) -> None:
        with self._changed:
            if job in self._jobs:
                self._jobs.discard(job)
                self._do(lambda: self._drop(job))

    async def run(self, function: Callable[[], Result]) -> Result:
        """Something else that needs the model, between two steps."""
        loop = asyncio.get_running_loop()
        result: asyncio.Future[Result] = loop.create_future()

        def finish(value: Any, error: Exception | None) -> None:
            if result.cancelled():
                return
            if error:
                result.set_exception(error)
            else:
                result.set_result(value)

        def errand() -> None:
            try:
                value, error = function(), None
            except Exception as raised:
                value, error = None, raised
            if not loop.is_closed():  # else nobody waits any more
                loop.call_soon_threadsafe(finish, value, error)

        with self._changed:
            self._do(errand)
        return await result

    @property
    def load(self) -> int:
        """Answers that are being written or wait."""
        return sum(job.left for job in list(self._jobs))

    @property
    def stopping(self) -> bool:
        return self._stopping

    def stop(self) -> None:
        """Take nothing new from now on; what runs goes on to its end."""
        self._stopping = True

    def give_up(self) -> None:
        """Take nothing new, and end what runs: whoever waits is told."""
        self._stopping = True
        for job in self._ended(list(self._jobs)):
            with self._changed:
                self._do(partial(self._drop, job))
            job.tell(Stopping())

    def close(self) -> None:
        """End the thread; answers that are not whole are lost."""
        self.give_up()
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(_LAST_STEP)

    def _do(self, errand: Callable[[], None]) -> None:
        self._errands.append(errand)
        self._changed.notify()

    # -- in the thread -------------------------------------------------------------------------------------------------------

    def _new_batch(self) -> Batch | Streams:
        return Batch(self.decoder, self.slots) if isinstance(self.decoder, Decoder) else Streams(self.decoder, self.slots)

    def _work(self) -> None:
        while True:
            with self._changed:
                while not (self._errands or self._batch.busy or self._closed):
                    self._changed.wait()
                errands, self._errands = self._errands, []
            for errand in errands:
                errand()
            if self._closed:
                return
            if self._batch.busy:
                self._step()

    def _step(self) -> None:
        try:
            tokens = self._batch.step()
        except Exception as error:  # out of memory, say: those who waited are told, and the next ones find a new batch
            _log.exception("A step of the model failed")
            waiting = [job for job in list(self._jobs) if job.writings and all(map(self._batch.waits, job.writings))]
            self._batch = self._new_batch()
            for job in self._ended([job for job in self._jobs if job.writings and job not in waiting]):
                job.tell(error)
            for job in sorted(waiting, key=lambda job: job.asked):
                self._add(job)
            return
        jobs = list(self._jobs)
        for writing, token in tokens:
            for job in jobs:
                if (number := job.writings.get(writing)) is not None:
                    self._tell(job, writing, number, token)

    def _tell(self, job: Job, writing: Writing | Stream, number: int, token: int | Exception) -> None:
        if isinstance(token, Exception):
            if self._ended([job]):
                self._drop(job)
                job.tell(token)
            return
        job.began = job.began or time.monotonic()
        job.tell((number, token))
        if token != self.decoder.legal.end_of_turn:
            return
        job.left -= 1
        if not job.left and self._ended([job]):
            self._seconds += _NEWEST * (time.monotonic() - job.began - self._seconds)
            job.tell(None)

    def _add(self, job: Job) -> None:
        if job not in self._jobs:  # cancelled meanwhile
            return
        try:
            job.writings = {self._batch.add(request): number for number, request in enumerate(job.requests)}
        except Exception as error:
            self._ended([job])
            job.tell(error)

    def _drop(self, job: Job) -> None:
        for writing in job.writings:
            self._batch.cancel(writing)

    def _ended(self, jobs: Sequence[Job]) -> list[Job]:
        """Those of `jobs` that were not cancelled; none of them is under way any more."""
        with self._changed:
            ended = [job for job in jobs if job in self._jobs]
            self._jobs.difference_update(ended)
        return ended
