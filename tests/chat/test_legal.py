import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_model import SPEC, random_codes, tiny_model

from vimotion.chat import Model
from vimotion.chat.legal import Draft, Place, Rules
from vimotion.language.layout import MotionCodes
from vimotion.language.rendering import parse_answer
from vimotion.tasks.messages import TextPart

PEOPLE = ("ab", "a", "b")


def inside(people: str, steps: int) -> tuple[int, ...]:
    """What a span of so many steps holds between its head and its end."""
    folder = tiny_model()
    return tuple(folder.layout.flatten(random_codes(folder.codec, len(people), steps), people)[2:-1])


BEFORE = {(people, steps): inside(people, steps) for people in PEOPLE for steps in range(1, 8)}
PLACED = st.builds(
    lambda motion, people, steps, more, motions, text: Rules(
        motion, tuple(people), steps, (steps or 1) + more, motions, max(text, motion == "no")
    ),
    st.sampled_from(["any", "must", "no"]),
    st.lists(st.sampled_from(PEOPLE), min_size=1, unique=True),
    st.none() | st.integers(1, 5),
    st.integers(0, 4),
    st.integers(1, 3),
    st.integers(0, 8),
)
GOING_ON = st.builds(
    lambda rules, placed, before: replace(rules, people=(before[0],), placed=placed, before=BEFORE[before]),
    PLACED,
    st.sampled_from([False, None]),
    st.sampled_from(sorted(BEFORE)),
)
RULES = PLACED | GOING_ON


def written(model: Model, rules: Rules, choose: random.Random) -> Draft:
    """An answer whose every token is drawn from the legal ones, motion tokens more often than they stand among all."""
    draft = model.decoder.legal.begin(rules)
    while not draft.done:
        ids = draft.legal.ids(*draft.at).tolist()
        marks = [i for i in ids if model.layout.is_motion(i) or i == draft.legal.end_of_turn]
        draft.push(choose.choice(marks if marks and choose.random() < 0.5 else ids))
    return draft


@settings(max_examples=1000, deadline=None)
@given(rules=RULES, seed=st.integers(0, 2**32))
def test_whatever_is_legal_parses(model: Model, rules: Rules, seed: int) -> None:
    passed = next((steps for (_, steps), before in BEFORE.items() if before == rules.before), 0)
    draft = written(model, rules, random.Random(seed))
    assert len(draft.tokens) <= draft.legal.longest(rules)
    parts = parse_answer(draft.tokens, model.tokenizer, model.layout)
    motions = [part for part in parts if isinstance(part, MotionCodes)]
    assert len(motions) <= (0 if rules.motion == "no" else rules.max_motions)
    for motion in motions:
        before, steps = 0 if motion.placed else passed, motion.steps
        rows = [SPEC.rows(SPEC.step_frames * count) for count in (before, before + steps)]
        assert motion.codes.shape[1] == rows[1] - (0 if motion.placed else rows[0])
        assert rules.placed in (motion.placed, None)
        assert motion.people in rules.people
        assert steps == rules.steps if rules.steps else 1 <= steps <= rules.max_steps
    if rules.motion == "must":
        assert len(motions) == 1 and isinstance(parts[-1], MotionCodes)


def test_every_legal_set_is_what_its_place_names(model: Model) -> None:
    legal, layout = model.decoder.legal, model.layout
    assert legal.ids(Place("begin"), ()).tolist() == [*layout.place_ids(0), *layout.level_ids(0)]
    assert legal.ids(Place("place", 2), ()).tolist() == list(layout.place_ids(2))
    assert legal.ids(Place("code", 1), ()).tolist() == list(layout.level_ids(1))
    assert legal.ids(Place("code", 1, "b"), ()).tolist() == list(layout.level_ids(1, "b"))
    assert legal.ids(Place("step"), ()).tolist() == [layout.end, *layout.level_ids(0)]
    assert legal.ids(Place("end"), ()).tolist() == [layout.end]
    assert set(legal.ids(Place("who"), ("a", "ab")).tolist()) == {layout.who["a"], layout.who["ab"]}
    text = set(legal.ids(Place("text", 1), ()).tolist())
    assert not text & set(model.tokenizer.all_special_ids)
    assert not any(layout.is_motion(i) for i in text)
    assert set(legal.ids(Place("text", 7), ()).tolist()) == text | {layout.start, legal.end_of_turn}


def test_a_span_of_codes_is_accepted_and_nothing_else_in_its_place(model: Model) -> None:
    layout = model.layout
    span = layout.flatten(random_codes(model.codec, 2, 4), "ab")
    draft = model.decoder.legal.begin(Rules("must", ("ab",), steps=4))
    for token in span:
        for other in (layout.start, layout.end, layout.who["b"], 5, *layout.level_ids(0)[:1], *layout.level_ids(1)[:1]):
            if other not in draft.legal.ids(*draft.at):
                with pytest.raises(ValueError, match="not legal"):
                    draft.push(other)
        draft.push(token)
    draft.push(draft.legal.end_of_turn)
    assert draft.done and draft.tokens[:-1] == span


@pytest.mark.parametrize("passed", range(5))
def test_the_model_may_choose_whether_it_goes_on(model: Model, passed: int) -> None:
    codes = random_codes(model.codec, 2, 9)
    cut = SPEC.rows(passed * SPEC.step_frames) if passed else 0
    before = model.layout.flatten(codes[:, :cut], "ab")[2:-1] if passed else BEFORE["ab", 5]
    draft = model.decoder.legal.begin(Rules("any", ("ab",), placed=None, before=tuple(before)))
    for token in model.layout.flatten(codes[:, cut:], "ab", passed):
        draft.push(token)
    assert draft.place.kind == "text"


def test_where_people_are_after_a_segment_is_what_the_codec_makes_of_it(model: Model) -> None:
    told = model.layout.flatten(random_codes(model.codec, 2, 4), "ab")
    draft = model.decoder.legal.begin(Rules("must", ("ab",), steps=4))
    at = 2 + 8 + 3 * 4
    for token in told[:at]:
        draft.push(token)
    for token in told[at : at + 9]:
        assert draft.legal.ids(*draft.at).tolist() == [token]
        draft.push(token)


def test_of_a_given_person_it_is_what_was_given(model: Model) -> None:
    given = random_codes(model.codec, 1, 3)
    given[:, -2:] = np.array([[1, 2], [3, 0]])  # elsewhere than the codec finds them
    first = model.layout.flatten(given, "a")[2:-1]
    choose = random.Random(0)
    draft = written(model, Rules("must", ("ab",), max_text=0, first_person=tuple(first)), choose)
    codes = model.layout.parse(draft.tokens[:-1]).codes
    assert np.array_equal(codes[:1], given)
    assert np.array_equal(codes[1, -2:].reshape(-1)[:3], model.codec.places(codes[:, :-2])[1])


def test_an_empty_answer_is_none(model: Model) -> None:
    draft = model.decoder.legal.begin(Rules("no"))
    assert draft.legal.end_of_turn not in draft.legal.ids(*draft.at)
    draft.push(int(model.tokenizer("x")["input_ids"][0]))
    assert draft.legal.end_of_turn in draft.legal.ids(*draft.at)
    draft.push(draft.legal.end_of_turn)
    assert isinstance(parse_answer(draft.tokens, model.tokenizer, model.layout)[0], TextPart)


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 9, "max_steps": 8},
        {"steps": 0},
        {"max_text": 0, "motion": "no"},
        {"max_text": -1},
        {"people": ()},
        {"placed": None},
    ],
)
def test_rules_that_nothing_can_follow_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match=r"step|person|who|goes on"):
        Rules(**wrong)
