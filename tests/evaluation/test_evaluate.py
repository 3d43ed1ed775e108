"""The benchmarks from end to end, on a tiny corpus with a tiny random model."""

import json
from pathlib import Path

import numpy as np
import pytest
from tiny_model import tiny_model

from vimotion.config import load_config
from vimotion.errors import UserError
from vimotion.evaluation.contestants import Retrieval, Scripted
from vimotion.evaluation.evaluate import EvaluateRecipe, evaluate
from vimotion.evaluation.examples import _ASKED, GIVEN, GIVEN_A, TASKS, make_examples
from vimotion.evaluation.judge import CONTAINS
from vimotion.evaluation.scoring import _left_alone, score
from vimotion.evaluation.tf_idf import TfIdf

RECIPES = Path(__file__).parents[2] / "recipes" / "evaluate"
# Kinds that are alone in a scene of the store: a free sentence needs one, to know how long the kind lasts.
ALONE = (
    "arm_wrestle",
    "block",
    "block_counter",
    "blow_kiss",
    "carry_on_back",
    "clap_hands",
    "hit",
    "kick",
    "pat_cheek",
    "walk_towards",
)


def recipe(store, **changes):
    values = {"corpus": store.folder, "examples": 12, "seeds": (3, 4), "contestants": ("scripted", "retrieval")}
    return EvaluateRecipe(**(values | changes))


def make(task, store, number, seed):
    return make_examples(task, store, number, seed, kinds=ALONE if task == "free_text" else ())


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.name)
def test_recipes_load(path):
    load_config(EvaluateRecipe, path)


@pytest.mark.parametrize("task", TASKS)
def test_examples_are_the_same_each_time_and_cover_all_kinds(store, task):
    first, second = (make(task, store, 12, seed=5) for _ in range(2))
    assert [(example.id, example.text, example.wanted) for example in first] == [
        (example.id, example.text, example.wanted) for example in second
    ]
    assert len({example.kind for example in first}) == (len(ALONE) if task == "free_text" else 12)
    assert len({example.id for example in first}) == 12
    for example in first:
        assert (GIVEN_A in example.text) == (task == "reaction")
        assert (GIVEN in example.text) == (task in ("motion_to_text", "prediction", "editing", "question"))


def test_examples_use_held_out_captions_only(store):
    for example in make_examples("text_to_motion", store, 12, seed=5):
        record = store.by_id(example.id.split(":")[1])
        assert example.text in record.held_out_captions
        assert record.split == "test"


def test_examples_of_chosen_kinds_have_no_others(store):
    chosen = ("block", "kick", "pat_cheek", "thumb_up", "bend")
    examples = make_examples("text_to_motion", store, 6, seed=5, kinds=chosen)
    assert {kind for example in examples for kind in example.kinds} == set(chosen)
    assert {example.kinds for example in examples} == {("block",), ("kick",), ("pat_cheek",), ("bend", "thumb_up", "pat_cheek")}
    with pytest.raises(UserError, match="no held-out clip of thumb_up"):
        make_examples("free_text", store, 4, seed=5, kinds=("block", "thumb_up"))


def test_too_few_clips_is_an_error(store):
    with pytest.raises(UserError, match="fewer than 500"):
        make_examples("reaction", store, 500, seed=0)
    with pytest.raises(UserError, match="no benchmark"):
        make_examples("cooking", store, 1, seed=0)


def test_every_true_answer_to_a_question_is_right_and_one_about_something_else_is_not(store):
    examples = {
        example.id + example.detail: example for seed in range(40) for example in make_examples("question", store, 24, seed)
    }
    assert {example.detail for example in examples.values()} == set(_ASKED)
    for example in examples.values():
        assert score(example, example.truth)["success"], (example.detail, example.truth, example.wanted)
        assert not score(example, f"{example.truth} They hug.")["success"], (example.detail, example.truth)


def test_true_scenes_and_words_are_right(store):
    for task in Scripted.tasks:
        examples = make_examples(task, store, 12, seed=1)
        outcomes = [score(example, answer) for example, answer in zip(examples, Scripted().answers(examples, 0), strict=True)]
        assert [outcome.get("reason") for outcome in outcomes if not outcome["success"]] == []


def test_wrong_answers_are_wrong(store):
    for task in ("text_to_motion", "reaction", "editing"):
        examples = make_examples(task, store, 12, seed=1)
        for example, other in zip(examples, [*examples[1:], examples[0]], strict=True):
            if example.kind in CONTAINS.get(other.kind, ()):  # who blocks and counters has blocked
                continue
            try:
                assert not score(example, other.truth)["success"], (task, example.kind, other.kind)
            except ValueError as error:
                assert "ends before" in str(error)
    for example in make_examples("motion_to_text", store, 12, seed=1):
        assert not score(example, "Two people do something together.")["success"]
        assert not score(example, f"{example.truth} Then they hug.")["success"]
    for edit in make_examples("editing", store, 12, seed=1):
        assert not score(edit, edit.given)["success"]
    [prediction, *_] = make_examples("prediction", store, 12, seed=1)
    assert score(prediction, prediction.given)["reason"] == "nothing is added"
    with pytest.raises(ValueError, match="two people"):
        score(edit, edit.given.person(0))


def test_all_acts_have_to_be_told_and_made_in_order(store):
    def of_several(task):
        examples = make_examples(task, store, 24, seed=1)
        return next(example for example in examples if example.kinds == ("bend", "thumb_up", "pat_cheek"))

    told = of_several("motion_to_text")
    text = "They bend down, then the first person gives a thumbs-up and pats the second person's cheek."
    assert score(told, text)["success"] and score(told, text)["right_order_where_said"]
    assert not score(told, "They bend down, then the first person gives a thumbs-up.")["success"]
    turned = score(told, "The first person gives a thumbs-up and pats the second person's cheek, then they bend down.")
    assert turned["success"] and not turned["right_order_where_said"]
    made = of_several("text_to_motion")
    assert score(made, made.truth)["success"]
    half = made.truth.num_frames // 2
    assert score(made, made.truth.frames(0, half))["reason"] == "not the interaction"
    assert score(made, made.truth.frames(half, 2 * half).followed_by(made.truth.frames(0, half)))["success"] is False


def test_an_edit_of_one_person_leaves_the_other_alone(store):
    edits = make_examples("editing", store, 12, seed=1)
    example = next(example for example in edits if example.detail.endswith((" a", " b")))
    outcome = score(example, example.truth)
    assert outcome["changed"] and outcome["changed_and_kept"]
    one = example.truth.person("ab".index(example.detail[-1]))
    assert not _left_alone(example, one.joined(one))


def test_retrieval_finds_the_clip_itself(store):
    retrieval = Retrieval(store, clips=10)
    examples = make_examples("reaction", store, 12, seed=1)
    training = [store[index] for index in store.split("train")]
    record = training[0]
    assert retrieval._nearest(record.interaction().person(0)).id == record.id
    assert len(retrieval.answers(examples, 0)) == 12
    assert TfIdf(["they hug", "they shake hands", "one waves"]).nearest("please shake hands") == 1


def test_results_are_whole_and_resumed(store, tmp_path, capsys):
    settings = recipe(store, tasks=("text_to_motion", "motion_to_text"))
    results = evaluate(settings, tmp_path)
    assert results["summary"]["text_to_motion"]["scripted"]["measures"]["success"]["median"] == 1.0
    assert results["summary"]["motion_to_text"]["scripted"]["answers"] == 12
    written = json.loads((tmp_path / "results.json").read_text())
    assert written["summary"] == results["summary"]
    assert len(written["outcomes"]) == 48
    assert "| text_to_motion | success | 100.0 % |" in (tmp_path / "results.md").read_text()
    assert json.loads((tmp_path / "manifest.json").read_text())["kind"] == "evaluation"
    # an interrupted run, its last line cut off, goes on and ends the same
    lines = (tmp_path / "outcomes.jsonl").read_text()
    (tmp_path / "outcomes.jsonl").write_text(lines[: len(lines) * 2 // 3])
    capsys.readouterr()
    again = evaluate(settings, tmp_path)
    assert again["summary"] == results["summary"]
    assert "scripted, text_to_motion" not in capsys.readouterr().err  # was complete
    with pytest.raises(UserError, match="other settings"):
        evaluate(recipe(store, tasks=("text_to_motion",)), tmp_path)


def test_a_model_takes_part_in_everything(store, tmp_path):
    tiny_model().save(tmp_path / "model")
    contestants = ("model", "reconstruction")
    settings = recipe(
        store, model=str(tmp_path / "model"), contestants=contestants, examples=1, seeds=(0,), kinds=ALONE, batch=1
    )
    results = evaluate(settings, tmp_path / "out")
    assert set(results["summary"]) == set(TASKS)
    assert all(found["model"]["answers"] == 1 for found in results["summary"].values())
    assert sum(found["model"]["malformed"] for found in results["summary"].values()) == 0
    assert results["model"]["sha256"]
    assert results["codec"]["world_mm"] > 0
    assert np.isfinite(results["summary"]["reaction"]["model"]["measures"]["joint_error"]["median"])


def test_unknown_names_are_errors(store, tmp_path):
    with pytest.raises(UserError, match="no contestant 'oracle'"):
        evaluate(recipe(store, contestants=("oracle",)), tmp_path)
    with pytest.raises(UserError, match="no benchmark 'cooking'"):
        evaluate(recipe(store, tasks=("cooking",)), tmp_path)
    with pytest.raises(UserError, match="no kind 'cooking'"):
        evaluate(recipe(store, kinds=("cooking",)), tmp_path)
    with pytest.raises(UserError, match="one seed"):
        evaluate(recipe(store, seeds=()), tmp_path)
