"""A language model behind a server with OpenAI's chat completions: asked everything once, thousands of requests at a time.

Every reply is kept the moment it comes, by the content of what was asked, so a run that was killed asks for nothing again.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from pydantic import Field

from vimotion.artifacts import vimotion_home
from vimotion.config import Config
from vimotion.errors import UserError
from vimotion.llm.budget import Budget, Prices, Request, Tokens, count_tokens, most_tokens
from vimotion.llm.replies import Replies, Reply, never_answered, read_completion, request_key

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI

Item = TypeVar("Item")
Result = TypeVar("Result")
# {"role": "system" | "user" | "assistant", "content": text}
Message = Mapping[str, str]

# What a server says when it stumbles, beside 500 and above, and may do better later.
_PASSING = {408, 409, 425, 429}
# Seconds: between two tries at most, and for how long a server may ask to wait before the run is better ended.
_LONGEST_PAUSE = 60.0
_LONGEST_WAIT = 600.0
# Seconds between requests to a server that has had too many: at first, and at most.
_FIRST_GAP = 0.01
_LONGEST_GAP = 5.0
# What is left of that with every reply: where less than a quarter of the requests are sent away, they come closer again.
_RECOVERY = 0.8
# Connections of one pool; it looks through all of them for every request.
_POOL = 200
# Files that a process has open beside its connections.
_OTHER_FILES = 128


class ServerConfig(Config):
    """A model behind a server, and how it is asked.

    Attributes:
        model: its name at the server.
        base_url: of the server, up to and with "/v1".
        api_key_variable: the environment variable that holds the key, if the server wants one.
        temperature, max_tokens, seed: of a reply.
        request: more fields of a request, as the server wants them; null takes one away. For a model that thinks:
            {max_tokens: null, max_completion_tokens: 8000, temperature: null}.
        in_flight: requests at a time.
        requests_per_minute: None where the server's own refusals are limit enough.
        tries: times that a request is sent before it is given up.
        pause: seconds before the second try; doubled for each one after.
        timeout: seconds to wait for a whole reply.
        cache: folder of the replies; a relative one lies under the VIMotion home.
    """

    model: str
    base_url: str = "http://127.0.0.1:8000/v1"
    api_key_variable: str = "OPENAI_API_KEY"
    temperature: float = Field(default=0.0, ge=0)
    max_tokens: int = Field(default=500, gt=0)
    seed: int = 0
    request: dict[str, Any] = Field(default_factory=dict)
    in_flight: int = Field(default=16, gt=0)
    requests_per_minute: float | None = Field(default=None, gt=0)
    tries: int = Field(default=4, gt=0)
    pause: float = Field(default=1.0, ge=0)
    timeout: float = Field(default=300.0, gt=0)
    cache: Path = Path("cache/llm")

    def asking(self, messages: Sequence[Message], seed: int, **more: Any) -> Request:
        """The request for the next message of a conversation; `more` fields are of this one alone."""
        fields: Request = {
            "model": self.model,
            "messages": [dict(message) for message in messages],
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
            "seed": seed,
        }
        return {name: value for name, value in (fields | more | self.request).items() if value is not None}


class NoAnswer(UserError):
    """A request got no reply, and may get one another day."""


class Refusal(UserError):
    """The server refuses, and would refuse the same request again."""


class Pace:
    """When the next request may go out: so many a minute, and none while the server wants a rest.

    A server that has had too many gets half as many a minute, and then, reply by reply, more again.
    """

    def __init__(self, per_minute: float | None = None) -> None:
        self._least = self._gap = 60.0 / per_minute if per_minute else 0.0
        self._next = self._rested = 0.0
        self._queue = asyncio.Lock()

    async def turn(self) -> None:
        """Wait until the next request may go out; first come, first served."""
        async with self._queue:
            while (wait := self._next - time.monotonic()) > 0:  # it may have been put off meanwhile
                await asyncio.sleep(wait)
            self._next = time.monotonic() + self._gap

    def rest(self, seconds: float) -> None:
        """The server has had too many: nothing goes out for so long."""
        now = time.monotonic()
        if now >= self._rested:  # those that were in flight together are one reason to slow down, not many
            self._gap = min(max(2 * self._gap, _FIRST_GAP), _LONGEST_GAP)
        self._rested = max(self._rested, now + seconds)
        self._next = max(self._next, self._rested)

    def answered(self) -> None:
        """The server keeps up."""
        faster = self._gap * _RECOVERY
        self._gap = max(self._least, faster if faster > _FIRST_GAP / 10 else 0.0)


class _Fault(Exception):
    """A try that failed and may do better later.

    Attributes:
        billed: whether the reply may have been written all the same.
        rest: seconds that the server wants to be left alone; None where it did not ask for fewer requests.
    """

    def __init__(self, reason: str, billed: bool = False, rest: float | None = None) -> None:
        super().__init__(reason)
        self.billed, self.rest = billed, rest


class Client:
    """Asks a server, from within one event loop; `async with` closes its connections."""

    def __init__(self, config: ServerConfig, budget: Budget | None = None) -> None:
        self.config = config
        self.replies = Replies(vimotion_home() / config.cache)
        self.budget = budget or Budget(Prices())
        self._pace = Pace(config.requests_per_minute)
        self._answers = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if "_slots" in self.__dict__:
            for api in {self._slots.get_nowait() for _ in range(self._slots.qsize())}:
                await api.close()

    async def complete(self, request: Request) -> Reply:
        """The reply to a request, from the kept ones or from the server.

        Raises:
            BudgetSpent: it may not be sent.
            NoAnswer: it was sent as often as allowed, and no reply came.
            Refusal: the server refuses for good.
            UserError: a kept reply cannot be read, openai is not installed, or the system allows too few connections.
        """
        if kept := self.replies.get(request):
            return kept
        reply = await self._ask(request)
        # nothing is awaited between the coming of a reply and its keeping: a run that is stopped loses none
        self.replies.keep(request_key(request), reply)
        return reply

    async def each(self, work: Callable[[Item], Awaitable[Result]], items: Iterable[Item]) -> list[Result]:
        """What `work` makes of each item, in their order, with as many begun as may be in flight.

        When one raises a UserError, no other is begun, but what is under way is finished before that is raised.
        """
        waiting, stopped = enumerate(items), list[UserError]()
        results = dict[int, Result]()

        async def worker() -> None:
            while not stopped:
                try:
                    if (item := next(waiting, None)) is None:
                        return
                    results[item[0]] = await work(item[1])
                except UserError as error:
                    stopped.append(error)

        async with asyncio.TaskGroup() as group:
            for _ in range(self.config.in_flight):
                group.create_task(worker())
        if stopped:
            raise stopped[0]
        return [results[number] for number in range(len(results))]

    async def _ask(self, request: Request) -> Reply:
        tries, reason = 0, ""
        while tries < self.config.tries:
            answers = self._answers
            try:
                return await self._send(request)
            except _Fault as fault:
                reason = str(fault)
                # being sent away by a server that serves others is no failure, only a matter of time
                if fault.rest is None or answers == self._answers:
                    tries += 1
                if fault.rest is None and tries < self.config.tries:
                    pause = min(self.config.pause * 2 ** (tries - 1), _LONGEST_PAUSE)
                    await asyncio.sleep(pause * random.uniform(0.5, 1.0))
        raise NoAnswer(f"The language model {self.config.model} at {self.config.base_url} gave no answer ({reason}).")

    async def _send(self, request: Request) -> Reply:
        """One try, in one of the slots and paid for."""
        most = used = most_tokens(request)
        api = await self._slots.get()
        try:
            await self.budget.reserve(most)
            try:
                await self._pace.turn()
                reply = await self._post(api, request)
                used = reply.tokens or Tokens(input=most.input, output=count_tokens(reply.text))
            except _Fault as fault:
                used = most if fault.billed else Tokens()
                if fault.rest is not None:
                    self._pace.rest(fault.rest)
                raise
            except UserError:
                used = Tokens()
                raise
            finally:
                self.budget.settle(most, used)
        finally:
            self._slots.put_nowait(api)
        self._answers += 1
        self._pace.answered()
        return reply

    async def _post(self, api: AsyncOpenAI, request: Request) -> Reply:
        import openai

        fields = dict(request)
        model, messages = fields.pop("model"), fields.pop("messages")
        completions = api.chat.completions.with_raw_response  # loads much of the package the first time
        try:
            async with asyncio.timeout(self.config.timeout):
                response = await completions.create(model=model, messages=messages, extra_body=fields)
            return read_completion(json.loads(response.content))
        except TimeoutError:
            raise _Fault(f"no reply within {self.config.timeout:g} s", billed=True) from None
        except openai.APIStatusError as error:
            return self._refused(error)
        except openai.APIConnectionError as error:
            raise _Fault(f"{error} {error.__cause__ or ''}".strip()) from None
        except ValueError as error:
            raise _Fault(f"the reply cannot be read: {error}", billed=True) from None

    def _refused(self, error: APIStatusError) -> Reply:
        """What to make of another status than 200: an empty reply, a fault, or the end."""
        status, said = error.status_code, " ".join(error.message.split())[:300]
        if reply := never_answered(status, {"code": error.code, "type": error.type, "message": error.message}):
            return reply
        rest = _rest_wanted(error.response.headers)
        if (status in _PASSING or status >= 500) and error.code != "insufficient_quota":
            if rest is not None and rest > _LONGEST_WAIT:
                raise Refusal(f"The server at {self.config.base_url} wants no requests for {rest:.0f} s; run again then.")
            if status == 429 or rest is not None:
                raise _Fault(said, rest=self.config.pause if rest is None else rest)
            raise _Fault(said)
        raise Refusal(f"The server at {self.config.base_url} refuses: {said}.")

    @cached_property
    def _slots(self) -> asyncio.LifoQueue[AsyncOpenAI]:
        """As many as may be in flight, each with the connections that it uses."""
        _allow_files(self.config.in_flight + _OTHER_FILES)
        slots: asyncio.LifoQueue[AsyncOpenAI] = asyncio.LifoQueue()
        for first in range(0, self.config.in_flight, _POOL):
            connections = min(_POOL, self.config.in_flight - first)
            api = self._connect(connections)
            for _ in range(connections):
                slots.put_nowait(api)
        return slots

    def _connect(self, connections: int) -> AsyncOpenAI:
        try:
            import openai
        except ImportError:
            raise UserError("Asking a language model's server needs openai; install vimotion[eval] or [synthesis].") from None
        # of whichever HTTP library this version of openai stands on
        limits = type(openai.DEFAULT_CONNECTION_LIMITS)(max_connections=connections, max_keepalive_connections=connections)
        return openai.AsyncOpenAI(
            base_url=self.config.base_url,
            api_key=os.environ.get(self.config.api_key_variable) or "none",
            max_retries=0,  # tries and time are counted here
            timeout=None,
            http_client=openai.DefaultAsyncHttpxClient(limits=limits, timeout=None),
        )


def _rest_wanted(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server wants to be left alone; None where it does not say so in a way that can be read."""
    try:
        if milliseconds := headers.get("retry-after-ms"):
            return float(milliseconds) / 1000
        return _retry_after(headers.get("retry-after", ""))
    except ValueError:
        return None


def _retry_after(value: str) -> float | None:
    """Seconds of a Retry-After header: a number, or a date.

    Raises:
        ValueError: it is neither.
    """
    if not value:
        return None
    if not value[:1].isalpha():
        return float(value)
    date = parsedate_to_datetime(value)
    return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _allow_files(number: int) -> None:
    """Let this process have so many files and connections open.

    Raises:
        UserError: the system does not allow so many.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= number:
        return
    if hard != resource.RLIM_INFINITY and hard < number:
        raise UserError(f"So many requests in flight need {number} open files; lower in_flight, or allow more by ulimit -n.")
    resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))
