"""Conversations in words alone, beside those about motion."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from vimotion.artifacts import fingerprint
from vimotion.errors import UserError
from vimotion.language.backbone import tiny_backbone
from vimotion.language.layout import Layout
from vimotion.language.rendering import IGNORED
from vimotion.language.vocabulary import MotionVocabulary
from vimotion.training.examples import Examples, ExamplesConfig
from vimotion.training.motion_codes import MotionCodes
from vimotion.training.talk import TALK, Talk

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
import make_talk


def line(*turns: str, **more: str) -> str:
    roles = ("user", "assistant")
    return json.dumps({"messages": [{"role": roles[at % 2], "content": said} for at, said in enumerate(turns)], **more})


def talk(tmp_path: Path, *lines: str) -> Talk:
    (tmp_path / "talk.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return Talk(tmp_path / "talk.jsonl")


def test_examples_are_the_conversations_of_the_file(tmp_path: Path, codes: MotionCodes) -> None:
    said = talk(tmp_path, *(line(f"Question {number}?", f"Answer {number}.", id="kept out") for number in range(41)))
    assert said.split("val") == [0, 20, 40] and len(said.split("train")) == 38
    _, tokenizer = tiny_backbone()
    layout = Layout(codes.spec, MotionVocabulary(codes.spec).add_to(tokenizer))
    config = ExamplesConfig(tasks={TALK: 1}, rows=1, row_tokens=400)
    for split, numbers in (("train", {*range(41)} - {0, 20, 40}), ("val", {0, 20, 40})):
        examples, random, found = (
            Examples(codes, tokenizer, layout, config, 0, split, talk=said),
            np.random.default_rng(0),
            set(),
        )
        for _ in range(400):
            ids, labels = examples.example(random)
            answered = tokenizer.decode([label for label in labels if label != IGNORED])
            number = int(answered.removeprefix("Answer ").partition(".")[0])
            assert f"Question {number}?" in tokenizer.decode(ids)
            found.add(number)
        assert found == numbers


def test_a_recipe_without_talk_cannot_ask_for_it(codes: MotionCodes) -> None:
    _, tokenizer = tiny_backbone()
    layout = Layout(codes.spec, MotionVocabulary(codes.spec).add_to(tokenizer))
    with pytest.raises(UserError, match="talk"):
        Examples(codes, tokenizer, layout, ExamplesConfig(tasks={TALK: 1}), 0)


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("{", "Line 2 .* no conversation"),
        ("[]", "Line 2 .* no conversation"),
        (line("alone"), "Line 2 .* no conversation"),
        (line("a", "b", "c"), "line 2 .* does not end with an answer"),
        (line("a", ""), "Line 2 .* no conversation"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, bad: str, why: str) -> None:
    with pytest.raises(UserError, match=why):
        talk(tmp_path, line("a", "b"), bad)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="make_talk"):
        Talk(tmp_path / "none.jsonl")


def test_the_fingerprint_of_a_file_is_that_of_its_content(tmp_path: Path) -> None:
    talk(tmp_path, line("a", "b"))
    one = fingerprint(tmp_path / "talk.jsonl")
    talk(tmp_path, line("a", "c"))
    assert fingerprint(tmp_path / "talk.jsonl") != one


def test_the_tool_goes_on_where_it_was_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output, part = tmp_path / "talk.jsonl", tmp_path / "talk.jsonl.part"
    monkeypatch.setattr(sys, "argv", ["make_talk", str(output), "--answered", "7", "--own", "5", "--backbone", "tiny"])
    monkeypatch.setattr(make_talk, "BATCH", 3)
    # the tiny backbone writes no sentences
    given: list[str] = []

    def answers(model: object, tokenizer: object, batch: list[str]) -> list[str]:
        given.extend(batch)
        return [f"{len(request)}." for request in batch]

    monkeypatch.setattr(make_talk, "answers", answers)
    make_talk.main()
    undisturbed, asked = output.read_bytes(), given.copy()
    assert len(asked) == 7 and not part.exists()
    assert len(Talk(output).conversations) == 12
    batches = [json.dumps([[request, f"{len(request)}."] for request in asked[at : at + 3]]) for at in (0, 3)]
    part.write_text(f"{batches[0]}\n{batches[1][:20]}")
    given.clear()
    make_talk.main()
    assert given == asked[3:] and output.read_bytes() == undisturbed
    part.write_text(f"{batches[1]}\n")  # of another seed
    given.clear()
    make_talk.main()
    assert given == asked and output.read_bytes() == undisturbed


def test_a_sentence_may_hold_any_separator(tmp_path: Path) -> None:
    said = talk(tmp_path, json.dumps(json.loads(line("a", "b\u2028c")), ensure_ascii=False))
    assert len(said.conversations) == 1
