"""Answers that are written together while requests come and go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_model import SPEC, tiny_model

from vimotion.chat import Model, Sampling
from vimotion.chat.batching import Batch, Writing
from vimotion.chat.causal_lm import AnyCausalLM, SlottedLM
from vimotion.chat.decode import Decoder, Request
from vimotion.chat.events import Follower, follow
from vimotion.chat.legal import Rules
from vimotion.errors import UserError
from vimotion.language.layout import MotionCodes
from vimotion.language.rendering import parse_answer
from vimotion.tasks.messages import TextPart

WILD = Sampling(temperature=3.0, top_p=1.0)
GUIDED = Sampling(temperature=3.0, top_p=1.0, guidance=2.0)


@pytest.fixture(scope="module", params=["llama", "slotted", "any"])
def decoder(request: pytest.FixtureRequest, model: Model) -> Decoder:
    if request.param == "llama":
        return model.decoder
    folder = tiny_model()
    decoder = Decoder(folder.model, model.decoder.legal, int8=False)
    decoder.network = (SlottedLM if request.param == "slotted" else AnyCausalLM)(folder.model)
    return decoder


def request(seed: int) -> Request:
    kind = ("must", "any", "no")[seed % 3]
    rules = Rules(kind, max_steps=3, max_text=4 + seed % 5)
    motion = GUIDED if seed % 4 < 2 else WILD
    return Request([5] * (1 + 11 * seed % 40), rules, seed, motion=motion, words=WILD, unsaid=[5] * (1 + seed))


@pytest.fixture(scope="module")
def alone(decoder: Decoder) -> dict[int, list[int]]:
    return {seed: list(decoder.stream(request(seed))) for seed in range(12)}


# What happens before each step: a request comes (its seed), or the answer at a place in the list of all is cancelled.
happenings = st.lists(
    st.one_of(st.integers(0, 11).map(lambda seed: ("add", seed)), st.integers(0, 11).map(lambda place: ("cancel", place)))
    | st.just(("wait", 0)),
    max_size=30,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(happenings, st.integers(1, 5))
def test_whoever_comes_and_goes_each_answer_is_its_own(
    decoder: Decoder, alone: dict[int, list[int]], events: list[tuple[str, int]], slots: int
) -> None:
    batch = Batch(decoder, slots)
    added: list[tuple[int, Writing]] = []
    given_up: set[Writing] = set()
    told: dict[Writing, list[int]] = {}

    def step() -> None:
        tokens = batch.step()
        assert len(tokens) <= slots
        for writing, token in tokens:
            told.setdefault(writing, []).append(token)

    for kind, number in events:
        if kind == "add":
            added.append((number, batch.add(request(number))))
        elif kind == "cancel" and number < len(added):
            batch.cancel(added[number][1])
            given_up.add(added[number][1])
        step()
    while batch.busy:
        step()
    for seed, writing in added:
        if writing not in given_up:
            assert told[writing] == writing.draft.tokens == alone[seed] and writing.draft.done
        else:
            said = told.get(writing, [])
            assert said == alone[seed][: len(said)]


def test_a_cancelled_answer_leaves_its_slot_to_the_next(decoder: Decoder, alone: dict[int, list[int]]) -> None:
    batch = Batch(decoder, slots=1)
    first, second = batch.add(request(0)), batch.add(request(1))
    assert [writing for writing, _ in batch.step()] == [first]
    batch.cancel(first)
    batch.cancel(first)
    assert [writing for writing, _ in batch.step()] == [second]
    batch.cancel(second)
    assert not batch.busy and batch.step() == []
    third = batch.add(request(3))
    while batch.busy:
        batch.step()
    assert third.draft.tokens == alone[3]


def test_the_cache_has_as_many_slots_as_are_needed(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    new_cache = model.decoder.network.new_cache
    monkeypatch.setattr(model.decoder.network, "new_cache", lambda *size: sizes.append(size[:2]) or new_cache(*size))
    batch = Batch(model.decoder, slots=16)
    batch.add(replace(request(0), motion=WILD))
    batch.step()
    for seed in (3, 6, 9, 0):
        batch.add(replace(request(seed), motion=WILD))
        batch.step()
    assert [slots for slots, _ in sizes if slots] == sorted(slots for slots, _ in sizes)
    assert sizes[0][0] == 1 and sizes[-1][0] == 8
    while batch.busy:
        batch.step()
    sizes.clear()
    batch.add(replace(request(0), motion=WILD))
    batch.step()
    assert [slots for slots, _ in sizes] == [1]


def test_what_the_network_cannot_read_is_refused_before_it_waits(model: Model) -> None:
    batch = Batch(model.decoder, slots=2)
    with pytest.raises(UserError, match="reads 4096"):
        batch.add(Request([5] * 4000, Rules("no", max_text=200)))
    assert not batch.busy


def spoken(model: Model, *parts: str | int) -> Iterator[int]:
    """The tokens of texts and, for numbers, of motions with so many steps."""
    layout = model.layout
    for part in parts:
        if isinstance(part, str):
            yield from model.tokenizer(part, add_special_tokens=False)["input_ids"]
            continue
        codes = np.zeros((2, SPEC.rows(part * SPEC.step_frames), SPEC.levels), dtype=int)
        codes[:, SPEC.step_rows(codes.shape[1])] = 2
        yield from layout.flatten(codes, "ab")
    yield model.tokenizer.eos_token_id


@pytest.mark.parametrize("parts", [("They hug.",), (2,), ("They hug é 🙂.", 3, "And part."), (1, "So.")])
def test_what_is_told_on_the_way_adds_up_to_the_answer(model: Model, parts: tuple[str | int, ...]) -> None:
    tokens = list(spoken(model, *parts))
    told = list(follow(tokens, model.tokenizer, model.layout))
    whole = parse_answer(tokens, model.tokenizer, model.layout)
    texts = [part.text for part in whole if isinstance(part, TextPart)]
    assert "".join(piece for piece in told if isinstance(piece, str)) == " ".join(texts)
    steps = [piece.steps for piece in told if isinstance(piece, MotionCodes)]
    assert steps == [step for number in parts if isinstance(number, int) for step in range(1, number + 1)]
    follower = Follower(model.tokenizer, model.layout)
    pushed = [news for token in tokens if (news := follower.push(token)) is not None]
    assert len(pushed) + (follower.rest() is not None) == len(told)


@pytest.mark.parametrize("before", [1, 2, 3])
def test_what_goes_on_with_a_motion_is_told_step_by_step(model: Model, before: int) -> None:
    whole = np.zeros((2, SPEC.rows((before + 5) * SPEC.step_frames), SPEC.levels), dtype=int)
    passed, codes = np.split(whole, [SPEC.rows(before * SPEC.step_frames)], axis=1)
    tokens = model.layout.flatten(passed, "ab")[2:-1]
    told = list(follow(model.layout.flatten(codes, "ab", before), model.tokenizer, model.layout, tokens))
    assert [piece.steps for piece in told if isinstance(piece, MotionCodes)] == [1, 2, 3, 4, 5]
    assert isinstance(told[-1], MotionCodes) and np.array_equal(told[-1].codes, codes)


def test_a_guided_answer_finds_room_after_others_took_more(decoder: Decoder) -> None:
    guided = replace(request(0), motion=GUIDED, rules=Rules("must", steps=1, max_text=0))
    plain = replace(request(0), motion=WILD, rules=Rules("must", steps=3, max_text=0))
    alone = list(decoder.stream(guided))
    batch = Batch(decoder, slots=4)
    first, _ = batch.add(guided), batch.add(plain)
    while not first.draft.done:
        batch.step()
    for _ in range(2):  # the batch grows while nobody in it is guided
        batch.add(plain)
    batch.step()
    last = batch.add(guided)
    while batch.busy:
        batch.step()
    assert last.draft.tokens == alone
