"""The language model as judge, against a server of our own that answers as the test says."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chat_server import ChatServer, serving

from vimotion.errors import UserError
from vimotion.evaluation.llm_judge import ASPECTS, Asked, Judge, JudgeConfig, Verdict

ASKED = Asked("Two people shake hands.", "Why do they step closer?", "To reach each other's hand.")


def shown(request: dict[str, Any]) -> dict[str, str]:
    """The answers in a request, by their labels."""
    text = request["messages"][1]["content"]
    part = text.split("These answers came in:\n")[1].split("\n\nGive each answer")[0]
    return {block[1]: block.split("\n", 1)[1] for block in part.split("\n\n") if block.startswith("[")}


def by_length(request: dict[str, Any]) -> tuple[int, str]:
    """Longer answers are better, and the first one shown gets a point more in content: a judge that looks at the order."""
    scores = {
        label: {"logic": len(text) % 11, "content": 4 + (label == "A"), "naturalness": 7.5}
        for label, text in shown(request).items()
    }
    return 200, "Here you are:\n```json\n" + json.dumps(scores) + "\n```"


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with serving(by_length) as server:
        yield server


def _judge(server: ChatServer, folder: Path, **changes: Any) -> Judge:
    return Judge(JudgeConfig(model="examiner", base_url=server.url, cache=folder / "cache", pause=0.0, **changes))


def test_scores_are_means_over_both_orders_and_asked_once(server: ChatServer, tmp_path: Path) -> None:
    answers = {"vimotion": "To shake hands.", "chain": "No idea"}
    verdicts = _judge(server, tmp_path).judge(ASKED, answers)
    # each was shown first once, so the point for it is shared
    assert verdicts == {"vimotion": Verdict(4.0, 4.5, 7.5), "chain": Verdict(7.0, 4.5, 7.5)}
    first, second = map(shown, server.requests)
    assert list(first.values()) == list(second.values())[::-1]
    assert {request["path"] for request in server.requests} == {"/v1/chat/completions"}
    assert _judge(server, tmp_path).judge(ASKED, answers) == verdicts
    assert len(server.requests) == 2
    other = Asked(ASKED.context, "What follows?", ASKED.reference)
    _judge(server, tmp_path).judge(other, answers)
    assert len(server.requests) == 4


def test_the_judge_is_blind(server: ChatServer, tmp_path: Path) -> None:
    answers = {"vimotion-secret": "To shake hands.", "chain-secret": "They greet."}
    one = _judge(server, tmp_path).judge(ASKED, answers)
    assert "secret" not in json.dumps(server.requests)
    # neither other names nor another order of contestants make another request
    renamed = {"x": "They greet.", "y": "To shake hands."}
    two = _judge(server, tmp_path).judge(ASKED, renamed)
    assert len(server.requests) == 2 and two == {"x": one["chain-secret"], "y": one["vimotion-secret"]}


def test_failed_answers_score_nothing_unseen(server: ChatServer, tmp_path: Path) -> None:
    verdicts = _judge(server, tmp_path).judge(ASKED, {"a": None, "b": "  ", "c": "They greet."})
    nothing = Verdict(0.0, 0.0, 0.0)
    assert verdicts["a"] == verdicts["b"] == nothing and verdicts["c"] != nothing
    assert [list(shown(request).values()) for request in server.requests] == [["They greet."]]
    assert _judge(server, tmp_path).judge(ASKED, {"a": None}) == {"a": nothing}


def test_an_answer_that_spells_the_prompt_s_fields_stays_as_it_is(server: ChatServer, tmp_path: Path) -> None:
    _judge(server, tmp_path).judge(ASKED, {"a": "{reference} {nonsense} %s"})
    assert list(shown(server.requests[0]).values()) == ["{reference} {nonsense} %s"]


@pytest.mark.parametrize(
    "stumble",
    [
        (429, "later"), (503, "busy"), (200, b"no json"), (200, b'{"choices": []}'), (200, "no scores"),
        (200, '{"A": {"logic": 11, "content": 1, "naturalness": 1}}'), (200, '{"A": {"logic": 1, "content": 1}}'),
        (200, '{"A": {"logic": true, "content": 1, "naturalness": 1}}'), (200, '{"B": {}}'),
    ],
)  # fmt: skip
def test_it_asks_again_after_a_stumble(server: ChatServer, tmp_path: Path, stumble: tuple[int, Any]) -> None:
    replies = [stumble, stumble]
    server.reply = lambda request: replies.pop() if replies else by_length(request)
    assert _judge(server, tmp_path).judge(ASKED, {"a": "They greet."})["a"].naturalness == 7.5
    assert len(server.requests) == 3
    assert [request["seed"] for request in server.requests] == [0, 1, 2]


def test_a_judge_that_gives_no_scores_is_an_error_and_nothing_is_kept(server: ChatServer, tmp_path: Path) -> None:
    server.reply = lambda request: (200, "I would rather not.")
    with pytest.raises(UserError, match=r"gave no answer.*keys A"):
        _judge(server, tmp_path, tries=2).judge(ASKED, {"a": "They greet."})
    assert len(server.requests) == 2 and not list((tmp_path / "cache").rglob("*.json"))
    server.reply = lambda request: (401, "who are you")
    with pytest.raises(UserError, match="refuses: 401"):
        _judge(server, tmp_path).judge(ASKED, {"a": "They greet."})
    assert len(server.requests) == 3  # a refusal is not asked again


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    config = JudgeConfig(model="examiner", base_url="http://127.0.0.1:9/v1", cache=tmp_path, pause=0.0, tries=2)
    with pytest.raises(UserError, match=r"127\.0\.0\.1:9"):
        Judge(config).judge(ASKED, {"a": "They greet."})


def test_the_key_comes_from_the_environment(server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGE_KEY", "sesame")
    _judge(server, tmp_path, api_key_variable="JUDGE_KEY").judge(ASKED, {"a": "They greet."})
    assert server.headers[0]["Authorization"] == "Bearer sesame"
    kept = "".join(path.read_text() for path in (tmp_path / "cache").rglob("*.json"))
    assert "They greet." in kept and "sesame" not in kept
    monkeypatch.delenv("JUDGE_KEY")
    _judge(server, tmp_path, api_key_variable="JUDGE_KEY", seed=1).judge(ASKED, {"a": "They greet."})
    assert "Authorization" not in server.headers[1]


def test_model_and_prompt_name_the_scale(server: ChatServer, tmp_path: Path) -> None:
    identity = _judge(server, tmp_path).identity
    assert identity["model"] == "examiner" and len(identity["prompt"]) == 16
    _judge(server, tmp_path).judge(ASKED, {"a": "They greet."})
    prompt = server.requests[0]["messages"][1]["content"]
    assert all(aspect in prompt for aspect in ASPECTS)
    assert all(text in prompt for text in (ASKED.context, ASKED.question, ASKED.reference))
