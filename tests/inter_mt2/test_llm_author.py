"""Conversations by a language model: what is asked of it, what passes for an answer, and that none is lost or doubled."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from fake_server import Act, FakeServer, refuses, says, serving
from hypothesis import given
from hypothesis import strategies as st

from vimotion.errors import UserError
from vimotion.inter_mt2.estimate import estimate
from vimotion.inter_mt2.llm_author import AuthorConfig, LLMAuthor, Refused
from vimotion.inter_mt2.llm_replies import BadReply, Conversation, read_draft
from vimotion.inter_mt2.schema import KINDS, SOURCE, Draft, Kind, Seed, brackets
from vimotion.llm.budget import Budget, BudgetSpent, Prices, Tokens
from vimotion.llm.client import NoAnswer
from vimotion.llm.replies import Reply

PROMPTS = files("vimotion.inter_mt2") / "prompts"
NUDGE = "One person nudges the other with an elbow, and the other person steps aside and laughs with raised arms."
SHOVE = "One person shoves the other with both hands, and the other person stumbles back and catches themselves."
ROLE = [
    "user: I am the host. [source | a]",
    "assistant: Hello. [source | b]",
    f"user: Go on! [{NUDGE} | a]",
    f"assistant: Hey! [{NUDGE} | b]",
]
GOOD: dict[Kind, list[str]] = {
    "editing": ["user: As in [source], but rougher?", f"assistant: [{NUDGE}]", "user: Rougher.", f"assistant: So. [{SHOVE}]"],
    "reasoning": ["user: Why? [source]", "assistant: They are friends.", "user: And then?", f"assistant: This. [{NUDGE}]"],
    "story": ["user: Two men meet.", "assistant: [source]", "user: They quarrel!", f"assistant: [{SHOVE}]"],
    "role": ["system: You are a guest.", *ROLE],
}


def seed_for(kind: Kind = "editing", number: int = 0, **changes: Any) -> Seed:
    facts = {"parameters": {"kind": "SECRET"}}
    fields = {"id": f"clip-{number}-{kind}", "kind": kind, "clip": f"clip-{number}", "source": "s", "split": "train"}
    told = {"captions": (f"They shake {number} hands.", "Two people greet."), "seconds": 3.25, "facts": facts}
    return Seed(**{**fields, **told, **changes})


def reply_of(lines: list[str], seconds: dict[str, float] | None = None) -> str:
    messages = [dict(zip(("role", "text"), line.split(": ", 1), strict=True)) for line in lines]
    lengths = {NUDGE: 2.5, SHOVE: 4.0} if seconds is None else seconds
    return json.dumps({"messages": messages, "motions": [{"caption": c, "seconds": s} for c, s in lengths.items()]})


def draft_of(kind: Kind, text: str, finish: str = "stop") -> Draft:
    return read_draft(seed_for(kind), Reply(text=text, finish=finish), "m")


def author_for(server: FakeServer, cache: Path, budget: Budget | None = None, **changes: Any) -> LLMAuthor:
    settings = {"model": "m", "base_url": server.url, "cache": cache, "pause": 0.01, "timeout": 5.0} | changes
    return LLMAuthor(AuthorConfig(**settings), budget)


async def write_all(author: LLMAuthor, seeds: list[Seed], done: list[Draft | Refused]) -> None:
    async with author.client:
        await author.write_all(seeds, done.append)


# what passes for an answer


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_in_a_prompt_is_what_is_asked_for(kind: Kind) -> None:
    [example] = [line for line in (PROMPTS / f"{kind}.txt").read_text().splitlines() if line.startswith("{")]
    draft = draft_of(kind, example)
    assert all(motion.seconds for motion in draft.motions)
    messages = Conversation.model_validate_json(example).messages
    assert [line.text.replace(" | b]", "]") for line in messages] == [line.text for line in draft.messages]


@pytest.mark.parametrize("kind", KINDS)
def test_a_good_reply_is_a_draft(kind: Kind) -> None:
    draft = draft_of(kind, reply_of(GOOD[kind]))
    assert (draft.id, draft.kind, draft.author) == (f"clip-0-{kind}", kind, "m")
    # the answer to one person is both, as the task `reaction` has it, and as a chat may answer
    assert [f"{line.role}: {line.text}" for line in draft.messages] == [line.replace(" | b]", "]") for line in GOOD[kind]]
    named = [name for line in draft.messages for name in brackets(line.text) if name.name != SOURCE]
    assert [motion.caption for motion in draft.motions] == list(dict.fromkeys(bracket.name for bracket in named))
    assert {motion.caption: motion.seconds for motion in draft.motions}.items() <= {NUDGE: 2.5, SHOVE: 4.0}.items()
    assert all(motion.edited == (kind == "editing") for motion in draft.motions)


def test_a_reply_may_be_wrapped_and_its_lengths_loosely_written() -> None:
    text = reply_of(GOOD["story"], {SHOVE.upper().rstrip("."): 3.0})
    draft = draft_of("story", f"<think>What about {{this}}?</think> Here it is:\n```json\n{text}\n```")
    assert draft.motions[0].seconds == 3.0
    assert draft_of("story", reply_of(GOOD["story"], {})).motions[0].seconds is None


def with_line(kind: Kind, number: int, line: str) -> list[str]:
    return [*GOOD[kind][:number], line, *GOOD[kind][number + 1 :]]


WRONG: list[tuple[Kind, list[str], str]] = [
    ("editing", GOOD["editing"][:3], "must take turns"),
    ("editing", GOOD["editing"][1:], "must take turns"),
    ("editing", GOOD["editing"][:2], "There are 1 user messages"),
    ("editing", GOOD["editing"] * 2, "There are 4 user messages"),
    ("editing", ["system: Look: [source]", *GOOD["editing"]], "system message shows a motion"),
    ("editing", with_line("editing", 0, "user: [source]"), "Message 1 has no words"),
    ("editing", with_line("editing", 1, "assistant:  "), "Message 2 is empty"),
    ("editing", with_line("editing", 1, "assistant: [source"), "does not close"),
    ("editing", with_line("editing", 1, "assistant: []"), "bracket is empty"),
    ("editing", with_line("editing", 1, f"assistant: [{NUDGE} | both]"), "none of: a, b"),
    ("editing", with_line("editing", 0, "user: As in [source | until 2 s]"), "part of a motion by time"),
    ("editing", with_line("editing", 0, "user: As in [source | a]"), "one person alone"),
    ("editing", with_line("editing", 0, "user: As in a hug."), "must show [source]"),
    ("editing", with_line("editing", 3, f"assistant: [{NUDGE}]"), "The answer to user message 2 must show the changed motion"),
    ("editing", with_line("editing", 1, "assistant: No."), "The answer to user message 1 must show the changed motion"),
    ("editing", with_line("editing", 2, f"user: Like [{SHOVE}]"), "User message 2 shows a new motion"),
    ("editing", with_line("editing", 0, "user: [source] and [source], but rougher?"), "show 3 motions"),
    ("editing", with_line("editing", 1, "assistant: [They hug now]"), "has 3 words"),
    ("editing", with_line("editing", 1, f"assistant: [{'They hug and hug. ' * 11}]"), "has 44 words"),
    ("editing", with_line("editing", 1, "assistant: [source motion but much slower]"), "leans on another motion"),
    ("editing", with_line("editing", 1, "assistant: [The same motion, with a hug]"), "leans on another motion"),
    ("reasoning", with_line("reasoning", 1, "assistant: [source]"), "in words alone"),
    ("reasoning", with_line("reasoning", 0, "user: Why?"), "A user message must show [source]"),
    ("story", with_line("story", 1, f"assistant: [{NUDGE}]"), "[source] must be shown"),
    ("story", with_line("story", 3, "assistant: [source]"), "must show a new motion"),
    ("story", [*GOOD["story"], "user: Then?", "assistant: They do."], "The answer to user message 3 must show a motion"),
    ("role", with_line("role", 1, "user: Hello. [source]"), "must show the user alone"),
    ("role", with_line("role", 2, "assistant: Hello. [source]"), "must show the assistant alone"),
    ("role", with_line("role", 4, f"assistant: Hey! [{SHOVE} | b]"), "the other person of the same motion"),
    ("role", [*ROLE[:2], "user: Who are you?", "assistant: A guest."], "one later user message must show a new"),
    ("role", [*ROLE[2:], *ROLE[:2]], "first user message must show [source | a]"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "lines", "said"), WRONG, ids=[f"{kind}-{said}" for kind, _, said in WRONG])
def test_a_wrong_conversation_is_told_what_is_wrong(kind: Kind, lines: list[str], said: str) -> None:
    with pytest.raises(BadReply) as caught:
        draft_of(kind, reply_of(lines))
    assert len(caught.value.problems) == 1, caught.value.problems
    assert said in caught.value.problems[0]


@pytest.mark.parametrize(
    ("text", "finish", "said"),
    [
        ("", "content_filter", "is empty (it ended by content_filter)"),
        (" \n", "", "is empty"),
        (reply_of(GOOD["editing"])[:-30], "length", "cut off"),
        (reply_of(GOOD["editing"])[:-30], "stop", "JSON is wrong"),
        ("I cannot do that.", "stop", "JSON is wrong"),
        (reply_of(GOOD["editing"]).replace('"user"', '"human"'), "stop", "JSON is wrong at messages.0.role"),
        (reply_of(GOOD["editing"]).replace('"motions"', '"movements"'), "stop", "JSON is wrong at motions: Field required"),
        (reply_of(GOOD["editing"], {NUDGE: 40.0}), "stop", "lasts 40 s; it must last 1 to 10 s"),
        (reply_of(GOOD["editing"], {NUDGE: 0.0}), "stop", "lasts 0 s"),
        (reply_of(GOOD["editing"]).replace("2.5", "NaN"), "stop", "lasts nan s"),
    ],
)
def test_a_broken_reply_is_told_what_is_wrong(text: str, finish: str, said: str) -> None:
    with pytest.raises(BadReply) as caught:
        draft_of("editing", text, finish)
    assert said in caught.value.problems[0]


@given(st.sampled_from(KINDS), st.data())
def test_no_reply_breaks_the_reader_and_what_it_lets_pass_is_whole(kind: Kind, data: st.DataObject) -> None:
    """Lines of good replies of all kinds, shuffled, dropped, doubled and cut."""
    pool = [line for lines in GOOD.values() for line in lines]
    lines = data.draw(
        st.one_of(st.just(GOOD[kind]), st.lists(st.sampled_from([*pool, "user: ]", "assistant: [ | a]"]), max_size=7))
    )
    text = reply_of(lines, data.draw(st.dictionaries(st.sampled_from([NUDGE, SHOVE, ""]), st.floats(0, 20))))
    text = text[: data.draw(st.one_of(st.just(len(text)), st.integers(0, len(text))))]
    try:
        draft = draft_of(kind, text)
    except BadReply as bad:
        assert bad.problems and all(bad.problems)
        return
    shown = [brackets(line.text) for line in draft.messages]
    names = {bracket.name for motions in shown for bracket in motions}
    assert SOURCE in names and {motion.caption for motion in draft.motions} == names - {SOURCE}
    assert [line.role for line in draft.messages if line.role != "system"][::2] == ["user"] * (len(draft.messages) // 2)
    assert draft.messages[-1].role == "assistant" and len(draft.messages) // 2 in (2, 3)


# what is asked


def test_a_request_tells_the_captions_and_nothing_else_of_the_seed(tmp_path: Path) -> None:
    author = LLMAuthor(AuthorConfig(model="m", cache=tmp_path, temperature=0.5))
    request = author.look(seed_for("role", 7))
    assert isinstance(request, dict)
    system, user = (message["content"] for message in request["messages"])
    assert "CAPTIONS OF NEW MOTIONS" in system and "ROLE-PLAY" in system and "EDITING" not in system
    assert "- They shake 7 hands.\n- Two people greet.\n" in user and "3.2 seconds" in user
    assert "SECRET" not in json.dumps(request) and "clip-7" not in json.dumps(request) and "{" not in user
    assert (request["model"], request["temperature"], request["max_tokens"]) == ("m", 0.5, 1500)
    schema = request["response_format"]["json_schema"]["schema"]
    # OpenAI's strict schemas: every field required, no others
    objects = [schema, *schema["$defs"].values()]
    assert all(one["additionalProperties"] is False and set(one["required"]) == set(one["properties"]) for one in objects)
    # a server that is held to it comes to an end: two or three turns, perhaps a system message, two motions a turn
    messages, motions = (schema["properties"][name] for name in ("messages", "motions"))
    assert (messages["minItems"], messages["maxItems"], motions["maxItems"]) == (4, 7, 6)


def test_requests_differ_by_seed_and_stay_the_same(tmp_path: Path) -> None:
    author = LLMAuthor(AuthorConfig(model="m", cache=tmp_path))
    alike = [seed_for(number=number, captions=("They hug.",), seconds=2.0) for number in range(60)]
    requests = [author.look(seed) for seed in alike]
    assert requests == [author.look(seed) for seed in alike]
    assert len({request["seed"] for request in requests if isinstance(request, dict)}) == 60
    asked = Counter(request["messages"][1]["content"] for request in requests if isinstance(request, dict))
    assert len(asked) > 20  # voices and numbers of turns
    assert author.look(seed_for()) != LLMAuthor(AuthorConfig(model="m", cache=tmp_path, seed=1)).look(seed_for())


def test_fields_of_a_request_can_be_added_and_taken_away(tmp_path: Path) -> None:
    changes = {"max_tokens": None, "max_completion_tokens": 9000, "response_format": {"type": "json_object"}}
    config = AuthorConfig(model="m", cache=tmp_path, structured=False, request=changes)
    request = LLMAuthor(config).look(seed_for())
    assert isinstance(request, dict)
    assert request["max_completion_tokens"] == 9000 and "max_tokens" not in request
    assert request["response_format"] == {"type": "json_object"}


def test_every_voice_can_be_said() -> None:
    voices = (PROMPTS / "voices.txt").read_text().splitlines()
    assert len(set(voices)) == len(voices) > 10 and all(voice == voice.strip() != "" for voice in voices)


def test_an_estimate_counts_and_prices() -> None:
    request = {"messages": [{"role": "user", "content": "x" * 400}], "max_tokens": 100, "response_format": {"type": "text"}}
    found = estimate([request] * 10, Prices(input=1e6, output=2e6))
    assert found.requests == 10 and found.tokens == Tokens(input=1040, output=1000)
    assert found.usd == 1040 + 2000
    # each prompt again for its repair, with the reply in it, and two replies
    assert found.usd_at_most == 2 * 1040 + 1000 + 2 * 2000
    assert str(found) == "10 requests, about 1,040 tokens in and 1,000 out: about 3040.00 USD, 7080.00 USD at most."
    assert "prices are not known" in str(estimate([request], Prices(output=1.0)))


# a bad answer


def test_a_bad_answer_gets_one_repair_turn(tmp_path: Path) -> None:
    bad = reply_of(GOOD["editing"][:2])
    acts = [says(bad), says(reply_of(GOOD["editing"]))]
    with serving(lambda number, _: acts[number]) as server:
        draft = asyncio.run(author_for(server, tmp_path).write(seed_for()))
        assert isinstance(draft, Draft)
        first, second = (request["messages"] for request in server.requests)
        assert second[:2] == first and second[2] == {"role": "assistant", "content": bad}
        assert (
            second[3]["role"] == "user" and "- There are 1 user messages; there must be two or three." in second[3]["content"]
        )
        assert server.requests[1]["seed"] == server.requests[0]["seed"] + 1
        assert asyncio.run(author_for(server, tmp_path).write(seed_for())) == draft
        assert len(server.requests) == 2


def test_a_repair_turn_has_a_seed_of_its_own_where_there_is_one(tmp_path: Path) -> None:
    def seeds(**request: Any) -> list[int | None]:
        with serving(lambda *_: says("sorry")) as server:
            asyncio.run(author_for(server, tmp_path / str(request), request=request).write(seed_for()))
            return [asked.get("seed") for asked in server.requests]

    assert seeds(seed=7) == [7, 8]
    assert seeds(seed=2**31 - 1) == [2**31 - 1, 0]  # more is too much for some servers
    assert seeds(seed=None) == [None, None]


@pytest.mark.parametrize("text", ["", None, "sorry", reply_of(GOOD["editing"])[:100]])
def test_a_second_bad_answer_is_set_aside_with_its_reason(tmp_path: Path, text: str | None) -> None:
    with serving(lambda *_: says(text)) as server:
        refused = asyncio.run(author_for(server, tmp_path).write(seed_for()))
        assert isinstance(refused, Refused)
        assert (refused.id, refused.author, refused.reply) == ("clip-0-editing", "m", text or "")
        assert "JSON is wrong" in refused.reason or "is empty" in refused.reason
        assert asyncio.run(author_for(server, tmp_path).write(seed_for())) == refused
        assert len(server.requests) == 2
        assert server.requests[1]["messages"][2]["content"] == (text or "(nothing)")


# many


def good_for(number: int, request: dict[str, Any], seconds: float = 0.0) -> Act:
    [kind] = [kind for kind in KINDS if (PROMPTS / f"{kind}.txt").read_text() in request["messages"][0]["content"]]
    return says(reply_of(GOOD[kind]), seconds=seconds)


def test_all_seeds_are_written_whatever_the_server_does(tmp_path: Path) -> None:
    def play(number: int, request: dict[str, Any]) -> Act:
        stumbles = {1: refuses(429, Retry_After="0.05"), 2: refuses(500), 4: says(""), 5: says("{"), 6: Act(b'{"choi')}
        return stumbles.get(number % 9) or good_for(number, request)

    seeds = [seed_for(kind, number) for number in range(10) for kind in KINDS]
    with serving(play) as server:
        done: list[Draft | Refused] = []
        asyncio.run(write_all(author_for(server, tmp_path, in_flight=5, tries=12), seeds, done))
        assert sorted(draft.id for draft in done) == sorted(seed.id for seed in seeds)
        assert sum(isinstance(draft, Draft) for draft in done) > 30
        sent, again = len(server.requests), list[Draft | Refused]()
        asyncio.run(write_all(author_for(server, tmp_path), seeds, again))
        assert len(server.requests) == sent
        assert {one.id: one for one in again} == {one.id: one for one in done}


def test_a_spent_budget_stops_in_order(tmp_path: Path) -> None:
    seeds = [seed_for(number=number) for number in range(20)]
    with serving(partial(good_for, seconds=0.02)) as server:
        first: list[Draft | Refused] = []
        author = author_for(server, tmp_path, Budget(AuthorConfig(model="m").prices, max_requests=7), in_flight=3)
        with pytest.raises(BudgetSpent):
            asyncio.run(write_all(author, seeds, first))
        assert len(first) == len(server.requests) == 7
        assert [name for name, _ in author.requests(seeds)] == [
            seed.id for seed in seeds if seed.id not in {one.id for one in first}
        ]
        asyncio.run(write_all(author_for(server, tmp_path), seeds, first))
        assert len(server.requests) == 20 and len(first) == 27


def test_a_seed_without_an_answer_does_not_stop_the_others(tmp_path: Path) -> None:
    def play(number: int, request: dict[str, Any]) -> Act:
        return refuses(500) if "shake 3 hands" in request["messages"][1]["content"] else good_for(number, request)

    with serving(play) as server:
        done: list[Draft | Refused] = []
        with pytest.raises(NoAnswer, match="Seeds without an answer: 1; run again"):
            asyncio.run(write_all(author_for(server, tmp_path, tries=2), [seed_for(number=n) for n in range(8)], done))
        assert {one.id for one in done} == {f"clip-{n}-editing" for n in range(8) if n != 3}


def test_a_seed_that_is_too_long_for_the_server_does_not_stop_the_others(tmp_path: Path) -> None:
    def play(number: int, request: dict[str, Any]) -> Act:
        if "shake 3 hands" in request["messages"][1]["content"]:
            return refuses(400, "request (9000 tokens) exceeds the context", 400, "exceed_context_size_error")
        return good_for(number, request)

    seeds = [seed_for(number=number) for number in range(8)]
    with serving(play) as server:
        done: list[Draft | Refused] = []
        asyncio.run(write_all(author_for(server, tmp_path, in_flight=1), seeds, done))
        [refused] = [one for one in done if isinstance(one, Refused)]
        assert len(done) == 8 and refused.id == "clip-3-editing" and refused.reply == ""
        assert "exceed_context_size_error" in refused.reason and "9000 tokens" in refused.reason
        sent, again = len(server.requests), list[Draft | Refused]()
        asyncio.run(write_all(author_for(server, tmp_path, in_flight=1), seeds, again))
        assert again == done and len(server.requests) == sent


def test_a_server_that_is_gone_or_refuses_ends_the_run(tmp_path: Path) -> None:
    seeds = [seed_for(number=number) for number in range(60)]
    with serving(lambda *_: refuses(500)) as server:
        with pytest.raises(NoAnswer, match="gave no answer"):
            asyncio.run(write_all(author_for(server, tmp_path, tries=1, in_flight=2), seeds, []))
        assert len(server.requests) < 15
    with serving(lambda *_: refuses(401, "wrong key")) as server:
        with pytest.raises(UserError, match="wrong key"):
            asyncio.run(write_all(author_for(server, tmp_path, in_flight=2), seeds, []))
        assert len(server.requests) <= 2
    with (
        serving(lambda *_: refuses(400, "unknown field response_format")) as server,
        pytest.raises(UserError, match=r"unknown field response_format\. If .* set structured to false\."),
    ):
        asyncio.run(write_all(author_for(server, tmp_path), seeds, []))


RUN = """
import asyncio, sys
from pathlib import Path
from test_llm_author import author_for, seed_for, write_all
class Server: url = sys.argv[1]
asyncio.run(write_all(author_for(Server, Path(sys.argv[2]), in_flight=4), [seed_for(number=n) for n in range(40)], []))
"""
# Where a process of its own finds this file and the server.
HERE = os.environ | {"PYTHONPATH": os.pathsep.join(str(Path(__file__).parents[1] / room) for room in ("inter_mt2", "llm"))}


def test_a_run_that_was_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    with serving(partial(good_for, seconds=0.05)) as server:
        run = subprocess.Popen([sys.executable, "-c", RUN, server.url, tmp_path], env=HERE)
        while len(server.requests) < 15 and run.poll() is None:
            time.sleep(0.01)
        run.kill()
        assert run.wait() < 0
        time.sleep(0.3)  # what it had sent is still read
        killed_at, kept = len(server.requests), len(list(tmp_path.rglob("[!.]*.json")))
        assert 0 < killed_at - 4 <= kept <= killed_at < 40
        done: list[Draft | Refused] = []
        seeds = [seed_for(number=number) for number in range(40)]
        asyncio.run(write_all(author_for(server, tmp_path), seeds, done))
        assert sorted(one.id for one in done) == sorted(seed.id for seed in seeds)
        assert all(isinstance(one, Draft) for one in done)
        assert len(server.requests) == killed_at + 40 - kept
