"""Batch files: as the Batch API wants them, and their replies where the ordinary run finds them."""

import asyncio
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fake_server import refuses, says, serving
from hypothesis import given
from hypothesis import strategies as st
from test_llm_author import GOOD, author_for, reply_of, seed_for

from vimotion.errors import UserError
from vimotion.inter_mt2.batch_files import Kept, _portions, keep_batches, write_batches
from vimotion.inter_mt2.schema import KINDS, Draft
from vimotion.llm.replies import Replies


def answer(name: str, text: str) -> dict[str, Any]:
    """An output line of the Batch API and of `vllm run-batch`."""
    completion = json.loads(says(text).body)
    response = {"status_code": 200, "request_id": "r", "body": completion}
    return {"id": "batch_1", "custom_id": name, "response": response, "error": None}


def write_lines(path: Path, lines: list[Any]) -> Path:
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


def test_a_batch_takes_the_place_of_the_server(tmp_path: Path) -> None:
    seeds = [seed_for(kind, number) for number in range(3) for kind in KINDS]
    with serving(lambda *_: refuses(500)) as server:
        author = author_for(server, tmp_path / "cache", tries=1)
        [file] = write_batches(author.requests(seeds), tmp_path / "drafts.jsonl")
        assert file.name == "drafts-0001.jsonl"
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        assert [line["custom_id"] for line in lines] == [seed.id for seed in seeds]
        assert {(line["method"], line["url"]) for line in lines} == {("POST", "/v1/chat/completions")}
        assert [line["body"] for line in lines] == [author.look(seed) for seed in seeds]

        # the replies come in any order; the first one is bad, and a second round of files repairs it
        texts = {seed.id: reply_of(GOOD[seed.kind]) for seed in seeds}
        output = [answer(seed.id, texts[seed.id] if seed is not seeds[0] else "sorry") for seed in reversed(seeds)]
        kept = keep_batches([write_lines(tmp_path / "out.jsonl", output)], [file], author.client.replies)
        assert (kept.replies, kept.known, kept.problems) == (12, 0, ())
        [second] = write_batches(author.requests(seeds), tmp_path / "repairs.jsonl")
        assert [json.loads(line)["custom_id"] for line in second.read_text().splitlines()] == [seeds[0].id]
        repaired = write_lines(tmp_path / "repaired.jsonl", [answer(seeds[0].id, texts[seeds[0].id])])
        assert keep_batches([repaired], [second], author.client.replies).replies == 1

        assert write_batches(author.requests(seeds), tmp_path / "more.jsonl") == []
        drafts = [asyncio.run(author.write(seed)) for seed in seeds]
        assert all(isinstance(draft, Draft) for draft in drafts) and not server.requests


def requests(count: int) -> list[tuple[str, dict[str, Any]]]:
    return [(f"s{number}", {"model": "m", "messages": [], "seed": number}) for number in range(count)]


def test_every_line_that_is_no_reply_is_named(tmp_path: Path) -> None:
    [file] = write_batches(requests(9), tmp_path / "in.jsonl")
    failed = {"status_code": 400, "request_id": "r", "body": {"error": {"message": "too long"}}}
    half = {"custom_id": "s3", "response": {"status_code": 200, "body": {"choices": []}}, "error": None}
    lines = [
        answer("s0", "zero"),
        '{"custom_id": "s1", "resp',
        answer("stranger", "?"),
        {"custom_id": "s2", "response": failed, "error": None},
        half,
        {"custom_id": "s4", "response": None, "error": {"code": "batch_expired", "message": "late"}},
        "[]",
        {"custom_id": "s6", "response": [1], "error": None},
        "",
        answer("s0", "nought"),
        answer("s5", "five"),
    ]
    output, replies = write_lines(tmp_path / "out.jsonl", lines), Replies(tmp_path / "cache")
    kept = keep_batches([output], [file], replies)
    assert (kept.replies, kept.known) == (2, 1)
    reply = replies.get(requests(1)[0][1])
    assert reply is not None and reply.text == "zero" and reply.tokens is not None and reply.tokens.output == 50
    told = [problem.removeprefix(f"{output}, line ") for problem in kept.problems]
    assert [problem.split(":")[0] for problem in told] == ["2", "3", "4", "5", "6", "7", "8", "Without any line"]
    for number, said in enumerate(
        ["", "nobody asked for 'stranger'", "too long", "no chat completion", "late", "nobody asked", "no chat completion"]
    ):
        assert said in told[number]
    assert told[-1] == "Without any line: 3 of 9 requests (s1, s7, s8)"
    again = keep_batches([output], [file], replies)
    assert (again.replies, again.known, again.problems) == (0, 3, kept.problems)


@pytest.mark.parametrize(
    "error",
    [
        {"error": {"message": "Your input exceeds the limit.", "code": "context_length_exceeded"}},
        {"object": "error", "message": "This model's maximum context length is 9 tokens.", "code": 400},
        {"error": {"message": "Invalid prompt.", "type": "invalid_prompt"}},
    ],
)
def test_what_is_never_answered_is_kept_as_an_empty_reply(tmp_path: Path, error: dict[str, object]) -> None:
    [file] = write_batches(requests(1), tmp_path / "in.jsonl")
    line = {"custom_id": "s0", "response": {"status_code": 400, "body": error}, "error": None}
    replies = Replies(tmp_path / "cache")
    assert keep_batches([write_lines(tmp_path / "out.jsonl", [line])], [file], replies) == Kept(1, 0, ())
    reply = replies.get(requests(1)[0][1])
    assert reply is not None and not reply.text and reply.finish


def test_files_are_split(tmp_path: Path) -> None:
    files = write_batches(requests(10), tmp_path / "in.jsonl", max_requests=4)
    assert [file.name for file in files] == ["in-0001.jsonl", "in-0002.jsonl", "in-0003.jsonl"]
    names = [json.loads(line)["custom_id"] for file in files for line in file.read_text().splitlines()]
    assert names == [name for name, _ in requests(10)]
    assert keep_batches([], files, Replies(tmp_path)).problems == ("Without any line: 10 of 10 requests (s0, s1, s2, …)",)


@given(st.lists(st.binary(min_size=1, max_size=20)), st.integers(1, 5), st.integers(20, 50))
def test_portions_are_whole_ordered_and_within_limits(lines: list[bytes], most: int, size: int) -> None:
    portions = list(_portions(lines, most, size))
    assert [line for portion in portions for line in portion] == lines
    assert all(0 < len(portion) <= most and len(b"".join(portion)) <= size for portion in portions)
    # none could have taken the line after it
    for portion, after in pairwise(portions):
        assert len(portion) == most or len(b"".join(portion)) + len(after[0]) > size


def test_mistakes_are_one_sentence(tmp_path: Path) -> None:
    replies = Replies(tmp_path / "cache")
    with pytest.raises(UserError, match="id s0"):
        write_batches(requests(2) + requests(1), tmp_path / "a.jsonl")
    with pytest.raises(UserError, match="larger than a batch file"):
        write_batches(requests(1), tmp_path / "b.jsonl", max_bytes=20)
    [file] = write_batches(requests(2), tmp_path / "c.jsonl")
    with pytest.raises(UserError, match=r"c-0001\.jsonl already"):
        write_batches(requests(2), tmp_path / "c.jsonl")
    with pytest.raises(UserError, match="asks for s0 again"):
        keep_batches([], [file, file], replies)
    with pytest.raises(UserError, match="line 1 is no request"):
        keep_batches([], [write_lines(tmp_path / "out.jsonl", [answer("s0", "a")])], replies)
    with pytest.raises(UserError, match="cannot be read"):
        keep_batches([tmp_path / "none.jsonl"], [file], replies)
