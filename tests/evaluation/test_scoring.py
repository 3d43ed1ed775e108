"""What makes an answer complete, and what is measured of its bodies."""

import numpy as np
import pytest

from vimotion.evaluation.bodies import contact_counts, ground_penetration, mutual_penetration, relation_error
from vimotion.evaluation.examples import make_examples
from vimotion.evaluation.metrics import foot_sliding, jerk, mpjpe
from vimotion.evaluation.scoring import complete, score


@pytest.fixture(scope="module")
def reaction(store):
    return make_examples("reaction", store, 12, seed=1)[0]


def test_an_answer_without_the_form_of_its_task_is_none(store, reaction):
    [told, *_] = make_examples("motion_to_text", store, 12, seed=1)
    truth = reaction.truth
    for example, answer, words in (
        (reaction, "They hug.", "no motion"),
        (reaction, truth.person(0), "two people"),
        (reaction, truth.frames(0, 3), "fewer than 4 frames"),
        (reaction, truth.frames(0, truth.num_frames // 2), "before the given person does"),
        (told, truth, "no text"),
        (told, " \n", "empty"),
    ):
        with pytest.raises(ValueError, match=words):
            complete(example, answer)
    assert complete(told, "They hug.") == "They hug."


def test_the_given_person_of_a_reaction_cannot_be_changed(reaction):
    moved = reaction.truth.moved(translation=np.array([[1.0, 0, 0], [0, 0, 0]]))
    np.testing.assert_array_equal(complete(reaction, moved).joint_positions, reaction.truth.joint_positions)


def test_a_reaction_is_measured_against_the_true_one(reaction):
    answer = complete(reaction, reaction.truth.moved(translation=np.array([[0, 0, 0], [0.1, 0, 0.0]])))
    outcome = score(reaction, answer)
    mine, true = answer.joint_positions, reaction.truth.joint_positions
    assert outcome["mpjpe"] == pytest.approx(0.1, abs=1e-5)  # of person b alone
    assert outcome["mpjpe_rooted"] == pytest.approx(0, abs=1e-5)
    assert outcome["relation_error"] == pytest.approx(relation_error(mine, true), abs=1e-5)
    counts = contact_counts(answer, reaction.truth)
    assert outcome["contacts"] == [counts.both, counts.predicted, counts.true]
    assert outcome["foot_sliding"] == pytest.approx(foot_sliding(mine, 30), abs=1e-5)
    assert outcome["jerk"] == pytest.approx(jerk(mine, 30), abs=1e-5)
    assert outcome["ground_penetration"] == pytest.approx(ground_penetration(mine), abs=1e-5)
    assert outcome["mutual_penetration"] == pytest.approx(mutual_penetration(answer), abs=1e-5)


def test_a_prediction_is_measured_after_its_beginning_and_an_edit_as_a_whole(store):
    [prediction, *_] = make_examples("prediction", store, 12, seed=1)
    start, truth = prediction.given.num_frames, prediction.truth
    later = truth.frames(start, truth.num_frames).moved(translation=[0, 0, 0.2])
    outcome = score(prediction, complete(prediction, truth.frames(0, start).followed_by(later)))
    assert outcome["mpjpe"] == pytest.approx(0.2, abs=1e-5) and "contacts" not in outcome
    [edit, *_] = make_examples("editing", store, 12, seed=1)
    frames = min(edit.given.num_frames, edit.truth.num_frames)
    outcome = score(edit, edit.given)
    mine, true = (motion.frames(0, frames).joint_positions for motion in (edit.given, edit.truth))
    assert outcome["mpjpe"] == pytest.approx(mpjpe(mine, true), abs=1e-5)
    assert "relation_error" not in outcome and len(outcome["contacts"]) == 3


def test_a_text_leaves_the_joints_open(store):
    [example, *_] = make_examples("text_to_motion", store, 12, seed=1)
    outcome = score(example, example.truth)
    assert outcome["success"] and not {"mpjpe", "contacts"} & set(outcome)
