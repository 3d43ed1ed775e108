"""`Streams`: what `chat.batching.Batch` is for a model of this process, for one that another server runs."""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable
from contextlib import closing
from typing import Any

from vimotion.chat.decode import Request
from vimotion.chat.served import ServedDecoder

_log = logging.getLogger(__name__)
# Seconds that a step waits for news, before who calls it may see to other things.
_PATIENCE = 0.1
# Threads for each slot, those included that still wait for a server that does not answer: nobody else waits for them.
_THREADS = 8


class Failed(Exception):
    """The other server did not answer as it should."""

    def __init__(self) -> None:
        super().__init__("The server that runs the model did not answer as it should; ask again, or with another seed.")


class Stream:
    """One answer on its way."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.cancelled = threading.Event()
        self._shut: Callable[[], None] | None = None

    def opened(self, shut: Callable[[], None]) -> None:
        """The other server answers; `shut` breaks that off, from any thread."""
        self._shut = shut
        if self.cancelled.is_set():
            shut()

    def cancel(self) -> None:
        self.cancelled.set()
        if shut := self._shut:
            shut()


class Streams:
    """Answers that come side by side, `slots` at a time. For one thread at a time."""

    def __init__(self, decoder: ServedDecoder, slots: int) -> None:
        self._decoder, self._slots = decoder, slots
        self._news: queue.SimpleQueue[tuple[Stream, int | Exception]] = queue.SimpleQueue()
        self._waiting: deque[Stream] = deque()
        self._open: set[Stream] = set()
        self._threads: list[threading.Thread] = []

    def add(self, request: Request) -> Stream:
        """Ask for an answer."""
        stream = Stream(request)
        self._waiting.append(stream)
        self._begin()
        return stream

    def cancel(self, stream: Stream) -> None:
        """Nobody waits for it any more. Its place is free, even if the other server hangs."""
        if stream in self._waiting:
            self._waiting.remove(stream)
        stream.cancel()
        self._ended(stream)

    def waits(self, stream: Stream) -> bool:
        """Whether an answer was not asked for yet."""
        return stream in self._waiting

    @property
    def busy(self) -> bool:
        """Whether an answer is on its way."""
        return bool(self._open or self._waiting)

    def step(self) -> list[tuple[Stream, int | Exception]]:
        """The tokens that came since, after a moment's waiting; an error where an answer breaks off."""
        told: list[tuple[Stream, int | Exception]] = []
        self._begin()
        try:
            stream, news = self._news.get(timeout=_PATIENCE)
            while True:
                if stream in self._open:
                    told.append((stream, news))
                    if isinstance(news, Exception) or news == self._decoder.legal.end_of_turn:
                        self._ended(stream)
                stream, news = self._news.get_nowait()
        except queue.Empty:
            return told

    def _begin(self) -> None:
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        while self._waiting and len(self._open) < self._slots and len(self._threads) < _THREADS * self._slots:
            stream = self._waiting.popleft()
            self._open.add(stream)
            # no pool: that one's threads would keep this process from ending as long as the other server hangs
            thread = threading.Thread(target=self._follow, args=(stream,), name="stream", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _ended(self, stream: Stream) -> None:
        self._open.discard(stream)
        self._begin()

    def _follow(self, stream: Stream) -> None:
        """In a thread of its own; closing the iterator tells the other server that nobody listens."""
        try:
            tokens: Any = self._decoder.stream(stream.request, stream.opened)
            with closing(tokens):
                for token in tokens:
                    if stream.cancelled.is_set():
                        return
                    self._news.put((stream, token))
            self._fail(stream, "it broke off in the middle of an answer")
        except Exception as error:
            self._fail(stream, str(error))

    def _fail(self, stream: Stream, reason: str) -> None:
        """Who asked us need not know where the other server is."""
        if not stream.cancelled.is_set():
            _log.warning("The server of the model failed", extra={"fields": {"reason": reason}})
        self._news.put((stream, Failed()))
