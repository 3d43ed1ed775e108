"""The client: nothing lost, nothing asked twice, limits obeyed, whatever the server does."""

import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from fake_server import BREAKS_OFF, HALF_JSON, HANGS, Act, FakeServer, refuses, says, serving
from hypothesis import given
from hypothesis import strategies as st

from vimotion.errors import UserError
from vimotion.llm.budget import Budget, BudgetSpent, Prices, Tokens, most_tokens
from vimotion.llm.client import Client, NoAnswer, Pace, Refusal, ServerConfig, _allow_files, _rest_wanted
from vimotion.llm.replies import Reply, read_completion


def config_for(server: FakeServer, cache: Path, **changes: Any) -> ServerConfig:
    return ServerConfig(**{"model": "m", "base_url": server.url, "cache": cache, "pause": 0.01, "timeout": 5.0} | changes)


def asking(text: str) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": text}], "max_tokens": 100, "seed": 3}


def asked_of(request: dict[str, Any]) -> str:
    return str(request["messages"][-1]["content"])


def ask_all(config: ServerConfig, texts: Sequence[str], budget: Budget | None = None) -> list[Any]:
    """The replies' texts, or what was raised."""

    async def ask() -> list[Any]:
        async with Client(config, budget) as client:
            return await asyncio.gather(*(client.complete(asking(text)) for text in texts), return_exceptions=True)

    return [reply.text if isinstance(reply, Reply) else reply for reply in asyncio.run(ask())]


def echo(number: int, request: dict[str, Any]) -> Act:
    return says(f"re: {asked_of(request)}")


def test_one_request_outlives_every_fault_and_is_never_sent_again(tmp_path: Path) -> None:
    acts = [
        refuses(429, Retry_After="0.05"),
        refuses(500),
        HALF_JSON,
        BREAKS_OFF,
        HANGS,
        refuses(503),
        Act(b"[]"),
        says("hello"),
    ]
    with serving(lambda number, _: acts[number]) as server:
        config = config_for(server, tmp_path, timeout=1.5, tries=8)
        assert ask_all(config, ["hi"]) == ["hello"]
        assert server.requests == [asking("hi")] * len(acts)
        assert ask_all(config, ["hi"]) == ["hello"]
        assert len(server.requests) == len(acts)


def test_of_many_requests_none_is_lost_or_doubled(tmp_path: Path) -> None:
    answered: Counter[str] = Counter()
    draw = random.Random(1)

    def play(number: int, request: dict[str, Any]) -> Act:
        if draw.random() < 0.4:
            return draw.choice([refuses(500), refuses(429), HALF_JSON, BREAKS_OFF, refuses(429, retry_after="0.01")])
        answered[asked_of(request)] += 1
        return says(f"re: {asked_of(request)}", seconds=0.02)

    texts = [f"question {number}" for number in range(60)]
    with serving(play) as server:
        config = config_for(server, tmp_path, in_flight=12, tries=20, pause=0.001)
        assert ask_all(config, texts) == [f"re: {text}" for text in texts]
        assert answered == Counter(texts)
        assert server.most_here <= 12
        sent = len(server.requests)
        assert sent > len(texts)
        assert ask_all(config, texts) == [f"re: {text}" for text in texts]
        assert len(server.requests) == sent


def test_as_many_are_in_flight_as_allowed_and_no_more(tmp_path: Path) -> None:
    texts = [str(number) for number in range(18)]
    with serving(lambda number, request: says("yes", seconds=0.8)) as server:
        assert ask_all(config_for(server, tmp_path, in_flight=9), texts) == ["yes"] * 18
        assert server.most_here == 9


def test_the_request_goes_out_as_it_is_with_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "sesame")
    request = asking("hi") | {"response_format": {"type": "json_object"}, "chat_template_kwargs": {"enable_thinking": False}}
    with serving(echo) as server:
        client = Client(config_for(server, tmp_path, api_key_variable="MY_KEY"))
        assert asyncio.run(client.complete(request)) == Reply(text="re: hi", finish="stop", tokens=Tokens(input=100, output=50))
        assert server.requests == [request]
        assert server.headers[0]["authorization"] == "Bearer sesame"
        assert server.headers[0]["path"] == "/v1/chat/completions"


def test_a_server_is_left_alone_as_long_as_it_wants(tmp_path: Path) -> None:
    acts = [refuses(429, Retry_After="0.3"), says("a"), refuses(503, Retry_After="0.3"), says("b")]
    with serving(lambda number, _: acts[number]) as server:
        assert sorted(ask_all(config_for(server, tmp_path, in_flight=1), ["1", "2"])) == ["a", "b"]
        first, second, third, fourth = server.times
        assert second - first >= 0.3 and fourth - third >= 0.3


def test_a_rest_holds_everybody_who_waits() -> None:
    async def turns() -> list[float]:
        pace, start = Pace(per_minute=6000), time.monotonic()

        async def turn() -> float:
            await pace.turn()
            return time.monotonic() - start

        early = [asyncio.create_task(turn()) for _ in range(5)]
        await early[0]
        pace.rest(0.2)
        return [await task for task in early[1:]]

    times = asyncio.run(turns())
    assert times == sorted(times) and times[0] >= 0.2


def test_requests_a_minute_are_spaced(tmp_path: Path) -> None:
    with serving(echo) as server:
        texts = list("abcdefgh")
        start = time.monotonic()
        assert ask_all(config_for(server, tmp_path, requests_per_minute=1500), texts) == [f"re: {text}" for text in texts]
        assert time.monotonic() - start >= 7 * 0.04  # 1500 a minute are 40 ms apart


def test_being_sent_away_by_a_server_that_serves_others_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vimotion.llm.client._LONGEST_GAP", 0.02)
    served: list[str] = []

    def play(number: int, request: dict[str, Any]) -> Act:
        """Serves one after the other, the last one first, and sends everybody else away."""
        if asked_of(request) != str(11 - len(served)):
            return refuses(429)
        served.append(asked_of(request))
        return echo(number, request)

    texts = [str(number) for number in range(12)]
    with serving(play) as server:
        config = config_for(server, tmp_path, in_flight=12, tries=4, pause=0.02)
        assert ask_all(config, texts) == [f"re: {text}" for text in texts]
        sent = Counter(map(asked_of, server.requests))
        assert sent["0"] > 4 and sent["11"] == 1


@pytest.mark.parametrize("act", [refuses(429), refuses(500), HALF_JSON, BREAKS_OFF], ids=["429", "500", "half", "broken"])
def test_a_request_is_given_up_after_its_tries(tmp_path: Path, act: Act) -> None:
    with serving(lambda *_: act) as server:
        [error] = ask_all(config_for(server, tmp_path, tries=3), ["hi"])
        assert isinstance(error, NoAnswer) and "gave no answer (" in str(error)
        assert len(server.requests) == 3 and not list(tmp_path.rglob("*.json"))


def test_a_server_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    config = ServerConfig(model="m", base_url="http://127.0.0.1:9/v1", cache=tmp_path, pause=0.0, tries=2)
    [error] = ask_all(config, ["hi"])
    assert isinstance(error, NoAnswer) and "m at http://127.0.0.1:9/v1 gave no answer (Connection error." in str(error)


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (refuses(401, "wrong key"), "wrong key"),
        (refuses(400, "unknown field response_format"), "unknown field response_format"),
        (refuses(429, "pay first", "insufficient_quota"), "pay first"),
        (refuses(429, Retry_After="86400"), "wants no requests for 86400 s"),
    ],
)
def test_a_refusal_for_good_is_not_tried_again(tmp_path: Path, act: Act, said: str) -> None:
    with serving(lambda *_: act) as server:
        [error] = ask_all(config_for(server, tmp_path), ["hi"])
        assert isinstance(error, Refusal) and said in str(error)
        assert len(server.requests) == 1


def test_unwanted_content_is_an_empty_reply_with_its_reason(tmp_path: Path) -> None:
    with serving(lambda *_: refuses(400, "no violence", "content_filter")) as server:
        client = Client(config_for(server, tmp_path))
        reply = asyncio.run(client.complete(asking("hi")))
        assert reply.text == "" and "content_filter" in reply.finish and "no violence" in reply.finish
        assert client.replies.get(asking("hi")) == reply


# How servers say that a request and its reply do not fit into the context.
TOO_LONG = {
    "llama.cpp": refuses(
        400, "request (4390 tokens) exceeds the available context size (4096 tokens)", 400, "exceed_context_size_error"
    ),
    "openai": refuses(400, "Your input exceeds the limit.", "context_length_exceeded", "invalid_request_error"),
    "vllm": refuses(400, "This model's maximum context length is 4096 tokens. However, …", 400, "BadRequestError"),
    "vllm 1": refuses(400, "The decoder prompt (length 4390) is longer than the maximum model length of 4096.", 400),
    "vllm before": Act(
        b'{"object": "error", "message": "This model\'s maximum context length is 9 tokens.", "code": 400}', 400
    ),
}


@pytest.mark.parametrize("act", TOO_LONG.values(), ids=list(TOO_LONG))
def test_a_request_that_is_too_long_is_an_empty_reply_with_its_reason(tmp_path: Path, act: Act) -> None:
    body = json.loads(act.body)
    with serving(lambda *_: act) as server:
        client = Client(config_for(server, tmp_path))
        reply = asyncio.run(client.complete(asking("hi")))
        assert reply.text == "" and body.get("error", body)["message"] in reply.finish
        assert reply.finish.split(":")[0] in ("exceed_context_size_error", "context_length_exceeded")
        assert reply.tokens == Tokens() and client.replies.get(asking("hi")) == reply
        assert len(server.requests) == 1


def test_what_a_wait_may_be_written_as() -> None:
    assert _rest_wanted({}) is None
    assert _rest_wanted({"retry-after": "1.5"}) == 1.5
    assert _rest_wanted({"retry-after": "7", "retry-after-ms": "250"}) == 0.25
    assert _rest_wanted({"retry-after": "soon"}) is None
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert _rest_wanted({"retry-after": date}) == pytest.approx(29.5, abs=1.5)
    assert _rest_wanted({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0.0


def test_what_a_completion_may_be() -> None:
    message = {"content": None, "refusal": "I will not"}
    refused = read_completion({"choices": [{"message": message, "finish_reason": "stop"}]})
    assert refused == Reply(text="", finish="refusal: I will not", tokens=None)
    for broken in ([], {}, {"choices": []}, {"choices": [{"message": None}]}, {"error": {"message": "busy"}}, None):
        with pytest.raises(ValueError, match="no chat completion"):
            read_completion(broken)


def test_a_damaged_reply_is_named(tmp_path: Path) -> None:
    with serving(echo) as server:
        config = config_for(server, tmp_path)
        ask_all(config, ["hi"])
        [path] = tmp_path.rglob("*.json")
        path.write_text(path.read_text()[:10])
        [error] = ask_all(config, ["hi"])
        assert isinstance(error, UserError) and str(path) in str(error)


def test_a_number_of_requests_is_a_limit(tmp_path: Path) -> None:
    with serving(echo) as server:
        config = config_for(server, tmp_path, in_flight=4)
        texts = [str(number) for number in range(20)]
        got = ask_all(config, texts, Budget(Prices(), max_requests=5))
        assert len(server.requests) == 5
        assert [reply for reply in got if isinstance(reply, str)] == [f"re: {number}" for number in range(5)]
        assert all(isinstance(reply, BudgetSpent) for reply in got[5:])
        assert "budget of 5 requests is spent" in str(got[5])
        got = ask_all(config, texts, Budget(Prices(), max_requests=15))
        assert len(server.requests) == 20 and got == [f"re: {text}" for text in texts]


def test_tries_count_as_requests(tmp_path: Path) -> None:
    with serving(lambda *_: refuses(500)) as server:
        config = config_for(server, tmp_path, tries=9)
        [error] = ask_all(config, ["hi"], Budget(Prices(), max_requests=3))
        assert isinstance(error, BudgetSpent) and len(server.requests) == 3


def test_dollars_are_a_limit_that_requests_in_flight_cannot_break(tmp_path: Path) -> None:
    # a reply of 100 tokens at most is 0.5 USD, one of 25 is 0.125: the seventh could be too much
    prices = Prices(input=0.0, output=5000.0)
    with serving(lambda number, request: says("yes", usage=(10, 25), seconds=0.01)) as server:
        config = config_for(server, tmp_path)
        budget = Budget(prices, max_usd=1.125)
        got = ask_all(config, [str(number) for number in range(20)], budget)
        assert len(server.requests) == got.count("yes") == 6
        assert budget.usd == 0.75
        assert sum(isinstance(reply, BudgetSpent) for reply in got) == 14


def test_what_may_have_been_written_is_paid_for(tmp_path: Path) -> None:
    prices = Prices(input=0.0, output=5000.0)
    acts = [HANGS, refuses(500), HALF_JSON, says("four", usage=None)]
    with serving(lambda number, _: acts[number]) as server:
        budget = Budget(prices, max_usd=10)
        assert ask_all(config_for(server, tmp_path, timeout=1.5), ["hi"], budget) == ["four"]
        assert budget.usd == pytest.approx(0.5 + 0.5 + 0.005)


def test_a_limit_in_dollars_needs_prices() -> None:
    with pytest.raises(UserError, match=r"prices\.input"):
        Budget(Prices(input=1.0), max_usd=1.0)


@given(st.lists(st.tuples(st.integers(1, 100), st.floats(0, 1), st.integers(0, 3)), max_size=30), st.integers(0, 400))
def test_no_order_of_replies_spends_more_than_there_is(costs: list[tuple[int, float, int]], limit: int) -> None:
    async def run() -> Budget:
        budget = Budget(Prices(input=0.0, output=1e6), max_usd=limit)  # a dollar a token

        async def pay(longest: int, share: float, steps: int) -> bool:
            try:
                await budget.reserve(Tokens(output=longest))
            except BudgetSpent:
                return False
            for _ in range(steps):
                await asyncio.sleep(0)
            budget.settle(Tokens(output=longest), Tokens(output=int(longest * share)))
            return True

        paid = await asyncio.gather(*(pay(*cost) for cost in costs))
        # who was refused was so for a reason that still stands
        assert all(done or budget.usd + cost[0] > limit for done, cost in zip(paid, costs, strict=True))
        return budget

    assert asyncio.run(run()).usd <= limit


def test_tokens_are_counted_before_a_request_is_sent() -> None:
    assert most_tokens(asking("x" * 400) | {"response_format": {"type": "text"}}) == Tokens(input=104, output=100)
    assert most_tokens({"messages": [], "max_completion_tokens": 7}).output == 7


def test_too_many_connections_for_the_system_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    allowed: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 1024))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: allowed.append(limits))
    _allow_files(200)
    assert not allowed
    _allow_files(1000)
    assert allowed == [(1000, 1024)]
    with pytest.raises(UserError, match="lower in_flight"):
        _allow_files(1025)


def test_a_reply_that_came_is_kept_though_the_run_is_stopped(tmp_path: Path) -> None:
    """The first reply stops the run, as Ctrl-C would; whatever was answered is on the disk."""

    async def run(client: Client) -> None:
        tasks = [asyncio.create_task(client.complete(asking(str(number)))) for number in range(8)]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        done = [task for task in await asyncio.gather(*tasks, return_exceptions=True) if isinstance(task, Reply)]
        kept = [json.loads(path.read_text())["text"] for path in tmp_path.rglob("*.json")]
        assert done and sorted(kept) == sorted(reply.text for reply in done)

    with serving(lambda number, request: says(f"re: {asked_of(request)}", seconds=0.02 * number)) as server:
        asyncio.run(run(Client(config_for(server, tmp_path))))


def test_what_is_asked_can_be_added_to_and_taken_away() -> None:
    config = ServerConfig(model="m", max_tokens=9, request={"max_tokens": None, "top_p": 0.5})
    asked = config.asking([{"role": "user", "content": "hi"}], 7, response_format=None, stop="x")
    messages = [{"role": "user", "content": "hi"}]
    assert asked == {"model": "m", "messages": messages, "temperature": 0.0, "seed": 7, "stop": "x", "top_p": 0.5}
    assert config.asking(messages, 7, top_p=1.0)["top_p"] == 0.5  # what the user says counts


def each_of(work: Any, count: int, in_flight: int = 3) -> Any:
    return asyncio.run(Client(ServerConfig(model="m", in_flight=in_flight)).each(work, range(count)))


def test_each_keeps_the_order_and_the_bound() -> None:
    here, most = 0, 0

    async def work(number: int) -> int:
        nonlocal here, most
        here += 1
        most = max(most, here)
        await asyncio.sleep(0.001 * (number % 3))
        here -= 1
        return -number

    assert each_of(work, 10) == [-number for number in range(10)] and most == 3
    assert each_of(work, 0) == []


def test_after_an_error_no_other_is_begun_and_what_is_under_way_is_finished() -> None:
    begun, done = list[int](), list[int]()

    async def work(number: int) -> None:
        begun.append(number)
        await asyncio.sleep(0)
        if number == 1:
            raise UserError("no more")
        await asyncio.sleep(0.01)
        done.append(number)

    with pytest.raises(UserError, match="no more"):
        each_of(work, 10)
    assert begun == [0, 1, 2] and done == [0, 2]


def test_without_openai_one_sentence_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    [error] = ask_all(ServerConfig(model="m", cache=tmp_path), ["hi"])
    assert isinstance(error, UserError) and "install vimotion[eval]" in str(error)
