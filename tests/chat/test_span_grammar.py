"""The grammar that servers are given says what `chat.legal` does."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_legal import RULES
from tiny_model import SPEC

from vimotion.chat import Model
from vimotion.chat.legal import LegalTokens, Rules
from vimotion.chat.span_grammar import _below, grammar, spots_ahead
from vimotion.language.layout import Layout


def as_regex(text: str) -> str:
    """A grammar without recursion as a regular expression of Python's."""
    rules = dict(line.split(" ::= ") for line in text.splitlines())

    def expand(rule: str) -> str:
        parts = re.findall(r'"[^"]*"|\[[^\]]*\]|\||[a-z0-9]+', rule)
        return "(?:" + "".join(
            re.escape(part[1:-1]) if part[0] == '"' else part if part[0] in "[|" else expand(rules[part]) for part in parts
        ) + ")"  # fmt: skip

    return expand(rules["root"])


@pytest.mark.parametrize("size", [2, 10, 11, 16, 100, 512, 1024, 1000])
def test_the_numbers_of_a_grammar_are_those_below(size: int) -> None:
    pattern = re.compile(as_regex(f"root ::= {_below(size)}"))
    assert [number for number in range(3000) if pattern.fullmatch(str(number))] == list(range(size))
    assert not any(pattern.fullmatch(text) for text in ("", "00", "01", "-1", "1.", "007"))


@settings(max_examples=150, deadline=None)
@given(rules=RULES, seed=st.integers(0, 2**32))
def test_the_grammar_of_a_span_is_what_is_legal(model: Model, rules: Rules, seed: int) -> None:
    choose, vocabulary = random.Random(seed), model.tokenizer.convert_ids_to_tokens
    draft = model.decoder.legal.begin(rules)
    while not draft.done and (draft.place.kind == "text" or choose.random() < 0.7):
        ids = draft.legal.ids(*draft.at).tolist()
        draft.push(model.layout.start if model.layout.start in ids else choose.choice(ids))
    if draft.done or not (spots := spots_ahead(draft)):
        return
    pattern = re.compile(as_regex(grammar(spots, SPEC)))
    written: list[int] = []
    might: list[list[int]] = []
    for _ in spots:
        might.append(draft.legal.ids(*draft.at).tolist())
        written.append(choose.choice(might[-1]))
        draft.push(written[-1])
        if written[-1] == model.layout.end:
            break
    assert pattern.fullmatch("".join(vocabulary(written)))
    at = choose.randrange(len(written))
    motion = range(model.layout.first_id, model.layout.first_id + len(model.layout.vocabulary))
    illegal = choose.choice([token for token in motion if token not in might[at]])
    assert not pattern.fullmatch("".join(vocabulary([*written[:at], illegal, *written[at + 1 :]])))
    assert written[-1] == model.layout.end or not pattern.fullmatch("".join(vocabulary(written[:-1])))


def test_the_grammar_of_the_longest_motion_is_short(model: Model) -> None:
    spec = SPEC.model_copy(update={"segment_steps": None})
    legal = LegalTokens(Layout(spec, model.layout.first_id), model.tokenizer, model.codec)
    draft = legal.begin(Rules("must", ("ab",), max_steps=75, max_text=0))
    draft.push(model.layout.start)
    draft.push(model.layout.who["ab"])
    assert len(spots_ahead(draft)) == 8 + 75 * 4
    assert len(grammar(spots_ahead(draft), SPEC)) < 4000


def test_a_grammar_leads_to_the_end_of_a_segment(model: Model) -> None:
    draft = model.decoder.legal.begin(Rules("must", ("ab",), max_steps=75, max_text=0))
    draft.push(model.layout.start)
    draft.push(model.layout.who["ab"])
    assert len(spots_ahead(draft)) == 8 + 3 * 4
