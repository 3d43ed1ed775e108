"""The language model as judge, against a server of our own that answers as the test says."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_server import HALF_JSON, Act, FakeServer, refuses, says, serving

from vimotion.errors import UserError
from vimotion.evaluation.llm_judge import ASPECTS, Asked, Judge, Verdict
from vimotion.llm.client import ServerConfig

ASKED = Asked("Two people shake hands.", "Why do they step closer?", "To reach each other's hand.")


def shown(request: dict[str, Any]) -> dict[str, str]:
    """The answers in a request, by their labels."""
    text = request["messages"][1]["content"]
    part = text.split("These answers came in:\n")[1].split("\n\nGive each answer")[0]
    return {block[1]: block.split("\n", 1)[1] for block in part.split("\n\n") if block.startswith("[")}


def by_length(number: int, request: dict[str, Any]) -> Act:
    """Longer answers are better, and the first one shown gets a point more in content: a judge that looks at the order."""
    scores = {
        label: {"logic": len(text) % 11, "content": 4 + (label == "A"), "naturalness": 7.5}
        for label, text in shown(request).items()
    }
    return says("Here you are:\n```json\n" + json.dumps(scores) + "\n```")


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with serving(by_length) as server:
        yield server


def _judge(server: FakeServer, folder: Path, **changes: Any) -> Judge:
    return Judge(ServerConfig(model="examiner", base_url=server.url, cache=folder / "cache", pause=0.01, **changes))


def judged(server: FakeServer, folder: Path, answers: dict[str, str | None], **changes: Any) -> dict[str, Verdict]:
    """Of answers to the one example."""
    [verdicts] = _judge(server, folder, **changes).judge([ASKED], [answers])
    return verdicts


def test_scores_are_means_over_both_orders_and_asked_once(server: FakeServer, tmp_path: Path) -> None:
    answers = {"vimotion": "To shake hands.", "chain": "No idea"}
    verdicts = judged(server, tmp_path, answers)
    # each was shown first once, so the point for it is shared
    assert verdicts == {"vimotion": Verdict(4.0, 4.5, 7.5), "chain": Verdict(7.0, 4.5, 7.5)}
    first, second = map(shown, server.requests)
    assert list(first.values()) == list(second.values())[::-1]
    assert judged(server, tmp_path, answers) == verdicts
    assert len(server.requests) == 2
    other = Asked(ASKED.context, "What follows?", ASKED.reference)
    _judge(server, tmp_path).judge([other], [answers])
    assert len(server.requests) == 4


def test_the_judge_is_blind(server: FakeServer, tmp_path: Path) -> None:
    answers = {"vimotion-secret": "To shake hands.", "chain-secret": "They greet."}
    one = judged(server, tmp_path, answers)
    assert "secret" not in json.dumps(server.requests)
    # neither other names nor another order of contestants make another request
    renamed = {"x": "They greet.", "y": "To shake hands."}
    two = judged(server, tmp_path, renamed)
    assert len(server.requests) == 2 and two == {"x": one["chain-secret"], "y": one["vimotion-secret"]}


def test_failed_answers_score_nothing_unseen(server: FakeServer, tmp_path: Path) -> None:
    verdicts = judged(server, tmp_path, {"a": None, "b": "  ", "c": "They greet."})
    nothing = Verdict(0.0, 0.0, 0.0)
    assert verdicts["a"] == verdicts["b"] == nothing and verdicts["c"] != nothing
    assert [list(shown(request).values()) for request in server.requests] == [["They greet."]]
    assert judged(server, tmp_path, {"a": None}) == {"a": nothing}


def test_an_answer_that_spells_the_prompt_s_fields_stays_as_it_is(server: FakeServer, tmp_path: Path) -> None:
    judged(server, tmp_path, {"a": "{reference} {nonsense} %s"})
    assert list(shown(server.requests[0]).values()) == ["{reference} {nonsense} %s"]


@pytest.mark.parametrize(
    ("stumble", "seeds"),
    [
        (refuses(429), [0, 0, 0]), (refuses(503), [0, 0, 0]), (HALF_JSON, [0, 0, 0]), (says("no scores"), [0, 1, 2]),
        (says('{"A": {"logic": 11, "content": 1, "naturalness": 1}}'), [0, 1, 2]), (says('{"B": {}}'), [0, 1, 2]),
        (says('{"A": {"logic": true, "content": 1, "naturalness": 1}}'), [0, 1, 2]), (says(None), [0, 1, 2]),
        (says('{"A": {"logic": 1, "content": 1}}'), [0, 1, 2]), (refuses(400, code="content_filter"), [0, 1, 2]),
    ],
)  # fmt: skip
def test_it_asks_again_after_a_stumble(server: FakeServer, tmp_path: Path, stumble: Act, seeds: list[int]) -> None:
    server.play = lambda number, request: stumble if number < 2 else by_length(number, request)
    assert judged(server, tmp_path, {"a": "They greet."})["a"].naturalness == 7.5
    assert [request["seed"] for request in server.requests] == seeds


def test_a_judge_that_gives_no_scores_is_an_error(server: FakeServer, tmp_path: Path) -> None:
    server.play = lambda number, request: says("I would rather not.")
    with pytest.raises(UserError, match=r"gave no answer.*keys A"):
        judged(server, tmp_path, {"a": "They greet."}, tries=2)
    assert len(server.requests) == 2
    server.play = lambda number, request: refuses(401, "who are you")
    with pytest.raises(UserError, match=r"refuses: .*who are you"):
        judged(server, tmp_path, {"a": "They bow."})
    assert len(server.requests) == 3  # a refusal is not asked again


def test_many_examples_are_judged_at_once(server: FakeServer, tmp_path: Path) -> None:
    asked = [Asked(ASKED.context, f"What is {number}?", ASKED.reference) for number in range(9)]
    answers = [{"vimotion": "x" * number, "chain": "They greet."} for number in range(9)]
    server.play = lambda number, request: replace(by_length(number, request), seconds=0.1)
    verdicts = _judge(server, tmp_path, in_flight=17).judge(asked, answers)
    # 0 characters are no answer
    assert [one["vimotion"].logic for one in verdicts] == [float(number) for number in range(9)]
    assert [one["chain"].content for one in verdicts] == [5.0] + [4.5] * 8
    assert len(server.requests) == 17 == server.most_here


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    config = ServerConfig(model="examiner", base_url="http://127.0.0.1:9/v1", cache=tmp_path, pause=0.0, tries=2)
    with pytest.raises(UserError, match=r"127\.0\.0\.1:9"):
        Judge(config).judge([ASKED], [{"a": "They greet."}])


def test_the_key_comes_from_the_environment(server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGE_KEY", "sesame")
    judged(server, tmp_path, {"a": "They greet."}, api_key_variable="JUDGE_KEY")
    assert server.headers[0]["authorization"] == "Bearer sesame"
    kept = "".join(path.read_text() for path in (tmp_path / "cache").rglob("*.json"))
    assert "naturalness" in kept and "sesame" not in kept
    monkeypatch.delenv("JUDGE_KEY")
    judged(server, tmp_path, {"a": "They greet."}, api_key_variable="JUDGE_KEY", seed=1)
    assert "sesame" not in str(server.headers[1])


def test_model_and_prompt_name_the_scale(server: FakeServer, tmp_path: Path) -> None:
    identity = _judge(server, tmp_path).identity
    assert identity["model"] == "examiner" and len(identity["prompt"]) == 16
    judged(server, tmp_path, {"a": "They greet."})
    prompt = server.requests[0]["messages"][1]["content"]
    assert all(aspect in prompt for aspect in ASPECTS)
    assert all(text in prompt for text in (ASKED.context, ASKED.question, ASKED.reference))
