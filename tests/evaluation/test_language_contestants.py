"""VIMotion as a contestant, with a tiny random model."""

from dataclasses import replace

import numpy as np
import pytest
from tiny_model import tiny_model

from vimotion.chat import Model
from vimotion.corpora import Store
from vimotion.errors import UserError
from vimotion.evaluation.contestants import Answer
from vimotion.evaluation.examples import IN_WORDS, Example, make_examples
from vimotion.evaluation.language_contestants import VIMotion
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
    contestant, examples = VIMotion("vimotion", [lambda: model]), examples_of(task, store)
    together = contestant.answers(examples, 5)
    assert all(isinstance(answer, str if task in IN_WORDS else Interaction) for answer in together)
    for example, answer in zip(examples, together, strict=True):
        assert same(contestant.answers([example], 5)[0], answer)


def test_what_a_model_cannot_take_fails_alone(store: Store, model: Model) -> None:
    [first, second] = examples_of("editing", store)
    assert first.given is not None
    answers = VIMotion("vimotion", [lambda: model]).answers([replace(first, given=first.given.frames(0, 5)), second], 0)
    assert isinstance(answers[0], UserError) and isinstance(answers[1], Interaction)


def test_several_trainings_take_turns_over_the_seeds_and_speak_for_themselves(store: Store, model: Model) -> None:
    asked = list[str]()

    def load(name: str) -> Model:
        asked.append(name)
        return model

    trained = VIMotion("without", [lambda name=name: load(name) for name in "abc"], seeds=(5, 6, 7))  # type: ignore[misc]
    for seed in (6, 5, 7):
        trained.answers(examples_of("reasoning", store), seed)
    assert asked == ["b", "a", "c"] and set(trained.drawn) == set(VIMotion.tasks) and not trained.varied
    assert set(VIMotion("vimotion", [lambda: model]).drawn) == set(VIMotion.tasks) - set(IN_WORDS)
