"""InterGEN and the two-stage chain, with tiny random models."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from small_generator import random_generator
from tiny_model import tiny_model

from vimotion.chat import Model
from vimotion.corpora import Store
from vimotion.errors import UserError
from vimotion.evaluation.contestants import Answer
from vimotion.evaluation.examples import Example, make_examples
from vimotion.evaluation.generator_contestants import Chain, InterGEN, Prompt
from vimotion.intergen import MotionGenerator
from vimotion.llm.client import Message
from vimotion.motion import FPS, Interaction

ACROSS = [0, 2]


class Parrot:
    """A text model that keeps what it was asked and says something of it."""

    def __init__(self) -> None:
        self.asked: list[Sequence[Message]] = []

    def complete(self, asked: Sequence[Sequence[Message]]) -> list[str]:
        self.asked += asked
        return [f'\n "They hug {len(self.asked[-1][-1]["content"])} times." \nBecause I say so.' for _ in asked]


@pytest.fixture(scope="module")
def generator() -> MotionGenerator:
    return random_generator(max_frames=300, frames_per_token=4)


@pytest.fixture(scope="module")
def model() -> Model:
    return Model(tiny_model(), "tiny")


@pytest.fixture
def parrot() -> Parrot:
    return Parrot()


@pytest.fixture
def chain(model: Model, parrot: Parrot, generator: MotionGenerator) -> Chain:
    return Chain(lambda: model, lambda: parrot, lambda: generator.sample)


def two(task: str, store: Store) -> list[Example]:
    return make_examples(task, store, 2, seed=1)


def motions(answers: Sequence[Answer]) -> list[Interaction]:
    return [answer for answer in answers if isinstance(answer, Interaction)]


def frames_asked(example: Example) -> int:
    assert example.seconds is not None
    return round(example.seconds * FPS)


def test_intergen_makes_what_is_asked_whatever_stands_beside_it(store: Store, generator: MotionGenerator) -> None:
    contestant, examples = InterGEN(lambda: generator.sample), two("text_to_motion", store)
    together = motions(contestant.answers(examples, 3))
    assert [motion.num_frames for motion in together] == [frames_asked(example) for example in examples]
    for example, motion in zip(examples[::-1], together[::-1], strict=True):
        [alone] = motions(contestant.answers([example], 3))
        np.testing.assert_allclose(alone.joint_positions, motion.joint_positions, atol=1e-3)
        [other] = motions(contestant.answers([example], 4))
        assert np.abs(other.joint_positions - motion.joint_positions).max() > 0.01
    # the same words and length in another example are another draw
    [twin] = motions(contestant.answers([replace(examples[0], id="text_to_motion:twin")], 3))
    assert np.abs(twin.joint_positions - together[0].joint_positions).max() > 0.01


def test_what_intergen_cannot_make_fails_alone(store: Store, generator: MotionGenerator) -> None:
    contestant, [first, second] = InterGEN(lambda: generator.sample), two("text_to_motion", store)
    answers = contestant.answers([first, replace(second, seconds=60.0), replace(second, text=" "), second], 0)
    assert [type(answer) for answer in answers] == [Interaction, UserError, UserError, Interaction]
    assert contestant.answers([], 0) == []


def test_an_edit_of_the_chain_begins_where_the_given_motion_begins(store: Store, chain: Chain) -> None:
    for far, example in enumerate(two("editing", store)):
        assert example.given is not None
        given = example.given.moved(2.0, (far, 0.0, -3.0))
        [answer] = motions(chain.answers([replace(example, given=given)], 0))
        assert answer.num_frames == given.num_frames and answer.num_people == 2
        np.testing.assert_allclose(answer.root_positions[0, 0, ACROSS], given.root_positions[0, 0, ACROSS], atol=1e-6)
        np.testing.assert_allclose(answer.facing()[0, 0], given.facing()[0, 0], atol=1e-6)


def test_a_reaction_of_the_chain_stands_to_the_given_person_as_it_was_made(
    store: Store, chain: Chain, generator: MotionGenerator
) -> None:
    [example, _] = two("reaction", store)
    assert example.given is not None
    given = example.given.moved(-1.0, (1.0, 0.0, 2.0))
    [answer] = motions(chain.answers([replace(example, given=given)], 0))
    np.testing.assert_array_equal(answer.joint_positions[:, :1], given.joint_positions)
    # the second person is the one that was made, seen from the first pose of the first one
    [pair] = motions(InterGEN(lambda: generator.sample).answers([_caption_of(chain, example)], 0))
    np.testing.assert_allclose(_from_a(answer), _from_a(pair), atol=1e-3)


def _caption_of(chain: Chain, example: Example) -> Example:
    """The example as InterGEN sees it."""
    assert example.given is not None
    text = chain._said[example.id]
    assert isinstance(text, str)
    return replace(example, text=text, seconds=example.given.num_frames / FPS)


def _from_a(motion: Interaction) -> np.ndarray:
    """Where the second person's pelvis is, across the plane from where the first person begins: ahead and to the left."""
    ahead = motion.facing()[0, 0]
    left = np.cross([0.0, 1.0, 0.0], ahead)
    away = motion.root_positions[:, 1] - motion.root_positions[0, 0]
    return np.stack([away @ ahead, away @ left], axis=-1)


def test_a_continuation_of_the_chain_follows_where_the_beginning_ends(
    store: Store, chain: Chain, generator: MotionGenerator
) -> None:
    examples = two("prediction", store)
    for example, answer in zip(examples, motions(chain.answers(examples, 0)), strict=True):
        assert example.given is not None
        shown = example.given.num_frames
        assert answer.num_frames == shown + frames_asked(example)
        np.testing.assert_array_equal(answer.root_positions[:shown], example.given.root_positions)
        # the first person's way goes on with the step that was made
        asked = replace(example, text=str(chain._said[example.id]))
        [made] = motions(InterGEN(lambda: generator.sample).answers([asked], 0))
        steps = [np.diff(motion.root_positions[:, 0, ACROSS], axis=0) for motion in (answer, made)]
        assert np.linalg.norm(steps[0][shown - 1]) == pytest.approx(np.linalg.norm(steps[1][0]), rel=1e-3)


def test_the_chain_is_asked_in_words_alone_and_once_for_all_seeds(store: Store, chain: Chain, parrot: Parrot) -> None:
    examples = two("reasoning", store)
    answers = chain.answers(examples, 0)
    assert all(isinstance(answer, str) and answer.startswith("They hug") and answer.endswith("times.") for answer in answers)
    for example, messages in zip(examples, parrot.asked, strict=True):
        asked = messages[-1]["content"]
        said, after = example.text.split("{motion}")
        assert asked.startswith(f'{said}"') and asked.endswith(f'"{after}') and "{" not in asked
        assert [message["role"] for message in messages[:3]] == ["system", "user", "assistant"]
    assert chain.answers(examples[::-1], 1) == answers[::-1] and len(parrot.asked) == 2


def test_other_seeds_move_otherwise(store: Store, chain: Chain, parrot: Parrot) -> None:
    [example, _] = two("editing", store)
    one, two_, again = (motions(chain.answers([example], seed))[0].root_positions for seed in (0, 1, 0))
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - two_).max() > 0.01 and len(parrot.asked) == 1


def test_what_the_chain_cannot_take_fails_alone(store: Store, chain: Chain, parrot: Parrot) -> None:
    [first, second] = two("editing", store)
    assert first.given is not None
    answers = chain.answers([replace(first, given=first.given.frames(0, 5)), second], 0)
    assert isinstance(answers[0], UserError) and isinstance(answers[1], Interaction)
    parrot.complete = lambda asked: [" \n" for _ in asked]  # type: ignore[method-assign]
    [nothing] = chain.answers([replace(second, id="editing:other")], 0)
    assert isinstance(nothing, ValueError)


@pytest.mark.parametrize("task", Chain.tasks)
def test_prompts_are_whole(task: str) -> None:
    prompt = Prompt.of(task)
    assert len(prompt.shown) % 2 == 0 and len(prompt.shown) >= 2
    assert not any("{" in text for text in (prompt.system, *prompt.shown))
    messages = prompt.about("They {wave}.", "Why? {motion}")
    assert "They {wave}." in messages[-1]["content"] and "{motion}" not in messages[-1]["content"]
    assert ("Why?" in messages[-1]["content"]) == (task != "reaction")  # which tells nothing that the description does not
