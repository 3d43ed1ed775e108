"""References that need no network: what they retrieve, and where motions are put."""

from dataclasses import replace

import numpy as np
import pytest
from tiny_model import walk

from vimotion.corpora import Record, Store
from vimotion.evaluation.contestants import Real, Retrieval, begun_at
from vimotion.evaluation.examples import TASKS, make_examples
from vimotion.motion import FPS, Interaction
from vimotion.tasks import questions


@pytest.fixture
def record(store: Store) -> Record:
    """A training clip."""
    return store[store.split("train")[0]]


def heading(motion: Interaction, frame: int = 0) -> np.ndarray:
    return motion.facing()[frame, 0]


def test_a_motion_is_put_where_another_begins() -> None:
    motion, other = walk(30, seed=1).moved(2.0, (5.0, 0.2, -3.0)), walk(40, people=1, seed=2)
    placed = begun_at(motion, other)
    across = [0, 2]
    np.testing.assert_allclose(placed.root_positions[0, 0, across], other.root_positions[0, 0, across], atol=1e-9)
    np.testing.assert_allclose(heading(placed), heading(other), atol=1e-9)
    # rigidly: heights stay, and so do all distances between the people
    np.testing.assert_allclose(placed.joint_positions[..., 1], motion.joint_positions[..., 1], atol=1e-9)
    apart = [
        np.linalg.norm(moving.joint_positions[:, 0] - moving.joint_positions[:, 1], axis=-1) for moving in (placed, motion)
    ]
    np.testing.assert_allclose(*apart, atol=1e-9)
    np.testing.assert_allclose(placed.local_rotations[:, :, 1:], motion.local_rotations[:, :, 1:])


def test_real_data_are_the_truth(store: Store) -> None:
    for task in (task for task in Real.tasks if task != "role"):
        examples = make_examples(task, store, 2, seed=1)
        assert Real().answers(examples, 0) == [example.truth for example in examples]
    assert set(TASKS) - set(Real.tasks) == {"free_text"}


def test_a_beginning_goes_on_as_the_clip_that_begins_so(store: Store, record: Record) -> None:
    [example, *_] = make_examples("prediction", store, 2, seed=1)
    whole = record.interaction()
    cut = whole.num_frames // 2
    seconds = (whole.num_frames - cut) / FPS
    [answer] = Retrieval(store, clips=10).answers([replace(example, given=whole.frames(0, cut), seconds=seconds)], 0)
    assert isinstance(answer, Interaction) and answer.num_frames == whole.num_frames
    np.testing.assert_allclose(answer.joint_positions, whole.joint_positions, atol=1e-6)
    # the same beginning elsewhere in the world of another clip goes on from where it ends
    [elsewhere] = Retrieval(store, clips=10).answers(
        [replace(example, given=whole.frames(0, cut).moved(0.1, (0.2, 0.0, 0.1)), seconds=seconds)], 0
    )
    assert isinstance(elsewhere, Interaction)
    np.testing.assert_allclose(elsewhere.joint_positions, whole.moved(0.1, (0.2, 0.0, 0.1)).joint_positions, atol=1e-6)


def test_no_clip_lasts_so_long(store: Store) -> None:
    [example, *_] = make_examples("prediction", store, 2, seed=1)
    [answer] = Retrieval(store, clips=10).answers([replace(example, seconds=60.0)], 0)
    assert isinstance(answer, ValueError)


def test_a_question_is_answered_as_it_is_true_of_the_likest_clip_that_has_an_answer(store: Store, record: Record) -> None:
    retrieval = Retrieval(store, clips=10)
    [example, *_] = make_examples("reasoning", store, 2, seed=1)
    assert record.facts
    told = record.facts["told"]["acts"][0]
    asked = replace(example, given=record.interaction(), detail="kind")
    [kind] = retrieval.answers([asked], 0)
    assert isinstance(kind, str) and (told["noun"] in kind or told["do"].split()[0] in kind)
    possible = {name for clip in store.split("train")[:10] for name in questions(store[clip])}
    for name in sorted(possible):
        [answer] = retrieval.answers([replace(asked, detail=name)], 0)
        assert isinstance(answer, str) and answer
    [none] = retrieval.answers([replace(asked, detail="weather")], 0)
    assert isinstance(none, ValueError)


@pytest.mark.parametrize("task", [task for task in Retrieval.tasks if task not in ("free_text", "role")])
def test_retrieval_answers_each_example_by_itself(store: Store, task: str) -> None:
    examples = make_examples(task, store, 3, seed=1)
    together = Retrieval(store, clips=10).answers(examples, 0)
    for example, answer in zip(examples, together, strict=True):
        [alone] = Retrieval(store, clips=10).answers([example], 1)
        if isinstance(answer, Interaction):
            assert isinstance(alone, Interaction)
            np.testing.assert_array_equal(alone.root_positions, answer.root_positions)
        elif isinstance(answer, str):
            assert alone == answer
        else:
            assert str(alone) == str(answer)
