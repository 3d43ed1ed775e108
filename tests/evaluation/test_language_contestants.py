"""VIMotion as a contestant, with a tiny random model."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from tiny_model import tiny_model

from vimotion.chat import Model
from vimotion.corpora import Store
from vimotion.errors import UserError
from vimotion.evaluation.contestants import Answer
from vimotion.evaluation.examples import IN_WORDS, Example, make_examples
from vimotion.evaluation.language_contestants import AlignedVIMotion, VIMotion
from vimotion.motion import Interaction


@pytest.fixture(scope="module")
def model() -> Model:
    return Model(tiny_model(), "tiny")


def same(one: Answer, other: Answer) -> bool:
    if isinstance(one, Interaction) and isinstance(other, Interaction):
        return np.array_equal(one.joint_positions, other.joint_positions)
    return type(one) is type(other) and str(one) == str(other)


def examples_of(task: str, store: Store) -> list[Example]:
    return make_examples(task, store, 2, seed=1)


@pytest.mark.parametrize("task", [task for task in VIMotion.tasks if task not in ("free_text", "role")])
def test_an_answer_does_not_depend_on_the_batch(store: Store, model: Model, task: str) -> None:
    contestant, examples = VIMotion(lambda: model), examples_of(task, store)
    together = contestant.answers(examples, 5)
    assert all(isinstance(answer, str if task in IN_WORDS else Interaction) for answer in together)
    for example, answer in zip(examples, together, strict=True):
        assert same(contestant.answers([example], 5)[0], answer)


def test_what_a_model_cannot_take_fails_alone(store: Store, model: Model) -> None:
    [first, second] = examples_of("editing", store)
    assert first.given is not None
    answers = VIMotion(lambda: model).answers([replace(first, given=first.given.frames(0, 5)), second], 0)
    assert isinstance(answers[0], UserError) and isinstance(answers[1], Interaction)


def test_without_stage_3_it_is_asked_alike(store: Store, model: Model) -> None:
    seen: list[Sequence[int]] = []
    tokens = model.tokens

    def watched(turns, at_once=16):  # type: ignore[no-untyped-def]
        seen.extend(turn.request.prompt for turn in turns)
        return tokens(turns, at_once)

    model.tokens = watched  # type: ignore[method-assign]
    for contestant in (VIMotion, AlignedVIMotion):
        contestant(lambda: model).answers(examples_of("prediction", store), 0)
    assert seen[:2] == seen[2:] and AlignedVIMotion.name == "vimotion_aligned"
