"""`Streams`: what `chat.batching.Batch` is for a model of this process, for one that another server runs."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

from vimotion.chat.decode import Request
from vimotion.chat.served import ServedDecoder

# Seconds that a step waits for news, before who calls it may see to other things.
_PATIENCE = 0.1


class Failed(Exception):
    """The other server did not answer as it should."""


class Stream:
    """One answer on its way."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.cancelled = threading.Event()


class Streams:
    """Answers that come side by side, `slots` at a time. For one thread at a time."""

    def __init__(self, decoder: ServedDecoder, slots: int) -> None:
        self._decoder = decoder
        self._threads = ThreadPoolExecutor(slots, "stream")
        self._news: queue.SimpleQueue[tuple[Stream, int | Exception]] = queue.SimpleQueue()
        self._open: set[Stream] = set()

    def add(self, request: Request) -> Stream:
        """Ask for an answer."""
        stream = Stream(request)
        self._open.add(stream)
        self._threads.submit(self._follow, stream)
        return stream

    def cancel(self, stream: Stream) -> None:
        """Nobody waits for it any more."""
        stream.cancelled.set()
        self._open.discard(stream)

    @property
    def busy(self) -> bool:
        """Whether an answer is on its way."""
        return bool(self._open)

    def step(self) -> list[tuple[Stream, int | Exception]]:
        """The tokens that came since, after a moment's waiting; an error where an answer breaks off."""
        told: list[tuple[Stream, int | Exception]] = []
        try:
            stream, news = self._news.get(timeout=_PATIENCE)
            while True:
                if stream in self._open:
                    told.append((stream, news))
                    if isinstance(news, Exception) or news == self._decoder.legal.end_of_turn:
                        self._open.discard(stream)
                stream, news = self._news.get_nowait()
        except queue.Empty:
            return told

    def _follow(self, stream: Stream) -> None:
        """In a thread of the pool; closing the iterator tells the other server that nobody listens."""
        try:
            if stream.cancelled.is_set():
                return
            tokens: Any = self._decoder.stream(stream.request)
            with closing(tokens):
                for token in tokens:
                    if stream.cancelled.is_set():
                        return
                    self._news.put((stream, token))
            self._news.put((stream, Failed("The server of the model broke off in the middle of an answer.")))
        except Exception as error:
            self._news.put((stream, Failed(str(error))))
