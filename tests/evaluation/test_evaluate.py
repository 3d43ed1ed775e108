"""The benchmarks from end to end, on a tiny corpus with a tiny random model."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_extractor import save_small_extractor
from tiny_model import tiny_model

from vimotion.config import load_config
from vimotion.corpora.store import finish_store, write_clips
from vimotion.errors import UserError
from vimotion.evaluation.contestants import Real
from vimotion.evaluation.evaluate import EvaluateRecipe, evaluate
from vimotion.evaluation.examples import _ASKED, GIVEN, GIVEN_A, TASKS, make_examples
from vimotion.evaluation.extractor import Extractor
from vimotion.evaluation.judge import CONTAINS
from vimotion.evaluation.outcomes import unpack
from vimotion.evaluation.scoring import _left_alone, complete
from vimotion.evaluation.scoring import score as score_complete
from vimotion.evaluation.text import kinds_by_name
from vimotion.formats import load_motion
from vimotion.intergen import Sampler

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


@pytest.fixture(scope="module")
def extractor(tmp_path_factory):
    return save_small_extractor(tmp_path_factory.mktemp("extractor"))


def recipe(store, extractor, **changes):
    values = {
        "corpus": store.folder, "examples": 12, "seeds": (3, 4), "contestants": ("real", "retrieval"),
        "extractor": extractor, "likeness": False, "samples": 0,
    }  # fmt: skip
    return EvaluateRecipe(**(values | changes))


def score(example, answer):
    return score_complete(example, complete(example, answer))


def make(task, store, number, seed):
    return make_examples(task, store, number, seed, kinds=ALONE if task == "free_text" else ())


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.name)
def test_recipes_load(path):
    load_config(EvaluateRecipe, path)


@pytest.mark.parametrize("task", [task for task in TASKS if task != "role"])
def test_examples_are_the_same_each_time_and_cover_all_kinds(store, task):
    first, second = (make(task, store, 12, seed=5) for _ in range(2))
    assert [(example.id, example.text, example.wanted) for example in first] == [
        (example.id, example.text, example.wanted) for example in second
    ]
    assert len({example.kind for example in first}) == (len(ALONE) if task == "free_text" else 12)
    assert len({example.id for example in first}) == 12
    for example in first:
        assert (GIVEN_A in example.text) == (task == "reaction")
        assert (GIVEN in example.text) == (task in ("motion_to_text", "prediction", "editing", "reasoning", "explanation"))


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


@pytest.mark.parametrize("task", ["reaction", "prediction"])
def test_words_beside_a_given_motion_do_not_tell_what_happens(store, task):
    for example in [example for seed in range(4) for example in make_examples(task, store, 12, seed)]:
        assert kinds_by_name(example.text) <= {"pass_object"}, example.text  # as in "what comes to pass"
        assert not any(caption in example.text for caption in store.by_id(example.id.split(":")[1]).held_out_captions)


def test_too_few_clips_is_an_error(store):
    with pytest.raises(UserError, match="fewer than 500"):
        make_examples("reaction", store, 500, seed=0)
    with pytest.raises(UserError, match="no benchmark"):
        make_examples("cooking", store, 1, seed=0)


def test_every_true_answer_to_a_question_is_right_and_one_about_something_else_is_not(store):
    examples = {
        example.id + example.detail: example for seed in range(40) for example in make_examples("reasoning", store, 24, seed)
    }
    assert {example.detail for example in examples.values()} == set(_ASKED)
    for example in examples.values():
        assert score(example, example.truth)["success"], (example.detail, example.truth, example.wanted)
        assert not score(example, f"{example.truth} They hug.")["success"], (example.detail, example.truth)


def test_true_scenes_and_words_are_right(store):
    for task in (task for task in Real.tasks if task not in ("explanation", "role")):
        examples = make_examples(task, store, 12, seed=1)
        outcomes = [score(example, answer) for example, answer in zip(examples, Real().answers(examples, 0), strict=True)]
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


def test_results_are_whole(store, extractor, tmp_path):
    settings = recipe(store, extractor, tasks=("text_to_motion", "motion_to_text", "reaction"), samples=1)
    results = evaluate(settings, tmp_path)
    found = results["summary"]["text_to_motion"]["real"]
    assert found["measures"]["success"]["mean"] == 1.0 and found["measures"]["success"]["interval"] == found["success_interval"]
    assert found["answers"] == 12 and found["failed"] == 0 and found["seeds"] == [3]
    assert {"r_precision_1", "r_precision_3", "fid", "mm_distance", "diversity", "jerk"} <= set(found["measures"])
    assert found["measures"]["fid"]["mean"] == pytest.approx(0, abs=1e-6)
    assert results["summary"]["text_to_motion"]["retrieval"]["measures"]["fid"]["mean"] > 1e-3
    reaction = results["summary"]["reaction"]["real"]["measures"]
    assert reaction["mpjpe"]["mean"] == reaction["relation_error"]["mean"] == 0 and reaction["contact_recall"]["mean"] == 1
    written = json.loads((tmp_path / "results.json").read_text())
    assert written["summary"] == results["summary"]
    assert written["extractor"] == Extractor.load(extractor).hash and written["protocol"]["batch"] == 12
    lines = [json.loads(line) for line in (tmp_path / "outcomes.jsonl").read_text().splitlines()[1:]]
    assert len(lines) == 3 * 2 * 12
    assert all(len(unpack(line["vector"])) == 12 for line in lines if line["task"] != "motion_to_text")
    assert "| real | 100.0 [75.7, 100.0] | 0.0 [0.0, 24.3] |" in (tmp_path / "results.md").read_text()
    assert json.loads((tmp_path / "manifest.json").read_text())["kind"] == "evaluation"
    [made, told, reacted] = json.loads((tmp_path / "samples" / "samples.json").read_text())
    truth = make("text_to_motion", store, 12, settings.example_seed)[0].truth
    kept = load_motion(tmp_path / "samples" / made["answers"]["real"]["file"])
    np.testing.assert_allclose(kept.joint_positions, truth.joint_positions, atol=1e-5)
    assert told["answers"]["real"]["text"] and reacted["answers"]["real"]["success"]
    assert load_motion(tmp_path / "samples" / reacted["given"]).num_people == 1
    assert (tmp_path / "plots" / "success.png").exists() and (tmp_path / "page" / "index.html").exists()


class Jittered:
    """The true scenes, moved by what depends on the seed and on everything in the batch; it may be interrupted."""

    name, tasks, drawn, varied = "real", ("text_to_motion", "reaction"), ("text_to_motion", "reaction"), ("text_to_motion",)

    def __init__(self, batches=1000):
        self.left = batches

    def answers(self, examples, seed):
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        random = np.random.default_rng([seed, *b"".join(example.id.encode() for example in examples)])
        return [example.truth.moved(translation=random.normal(0, 0.05, (2, 3)) * [1, 0, 1]) for example in examples]


def test_an_interrupted_run_equals_an_uninterrupted_one(store, extractor, tmp_path, monkeypatch):
    settings = recipe(store, extractor, contestants=("real",), tasks=("text_to_motion", "reaction"), batch=5)

    def run(folder, contestant):
        monkeypatch.setattr("vimotion.evaluation.evaluate.make_contestant", lambda *_: contestant)
        return evaluate(settings, folder)

    whole = run(tmp_path / "whole", Jittered())
    for stop in (2, 4):
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "parts", Jittered(stop))
        # as when it is killed while it writes: the last batch lacks an answer and a half
        outcomes = tmp_path / "parts" / "outcomes.jsonl"
        lines = outcomes.read_text()
        assert len(lines.splitlines()) == {2: 11, 4: 26}[stop]
        outcomes.write_text("".join(lines.splitlines(keepends=True)[:-1])[:-100])
    parts = run(tmp_path / "parts", rest := Jittered())
    assert 1000 - rest.left == 12 - 4  # of 2 tasks × 2 seeds × 3 batches four were there, the last one not whole
    assert parts["summary"] == whole["summary"]
    assert (tmp_path / "parts" / "results.json").read_bytes() == (tmp_path / "whole" / "results.json").read_bytes()
    assert (tmp_path / "parts" / "results.md").read_bytes() == (tmp_path / "whole" / "results.md").read_bytes()
    again = run(tmp_path / "parts", Jittered(0))  # nothing is left to answer
    assert again["summary"] == whole["summary"]
    with pytest.raises(UserError, match="other settings"):
        evaluate(settings.model_copy(update={"examples": 11}), tmp_path / "parts")
    with pytest.raises(UserError, match="other settings"):
        evaluate(settings.model_copy(update={"generator": Sampler(steps=10)}), tmp_path / "parts")


def test_further_seeds_vary_motions_from_words_alone(store, extractor, tmp_path, monkeypatch):
    monkeypatch.setattr("vimotion.evaluation.evaluate.make_contestant", lambda *_: Jittered())
    changes = {"contestants": ("real",), "tasks": ("text_to_motion", "reaction"), "examples": 2, "seeds": (3,)}
    summary = evaluate(recipe(store, extractor, varied_seeds=(5, 6), **changes), tmp_path)["summary"]
    # only one seed counts for all else
    assert summary["text_to_motion"]["real"]["seeds"] == [3] and summary["reaction"]["real"]["seeds"] == [3]
    assert summary["text_to_motion"]["real"]["answers"] == 2
    assert summary["text_to_motion"]["real"]["measures"]["multimodality"]["mean"] > 0
    assert "multimodality" not in summary["reaction"]["real"]["measures"]


def test_runs_are_compared_only_where_they_were_measured_alike(store, extractor, tmp_path):
    settings = recipe(store, extractor, tasks=("text_to_motion",), contestants=("real",))
    evaluate(settings, tmp_path / "one")
    both = settings.model_copy(update={"contestants": ("retrieval", "real")})
    evaluate(both, tmp_path / "two", tmp_path / "one" / "results.json")
    told = (tmp_path / "two" / "results.md").read_text()
    assert "| real | +0.0 | +0.0 |" in told.split("# What is more or less")[1]
    other = settings.model_copy(update={"extractor": save_small_extractor(tmp_path / "other", seed=1)})
    with pytest.raises(UserError, match="different scales"):
        evaluate(other, tmp_path / "three", tmp_path / "one" / "results.json")
    with pytest.raises(UserError, match="other examples"):
        evaluate(settings.model_copy(update={"example_seed": 1}), tmp_path / "four", tmp_path / "one" / "results.json")
    with pytest.raises(UserError, match="no results"):
        evaluate(settings, tmp_path / "one", tmp_path / "nowhere.json")


def test_a_model_takes_part_in_everything(store, extractor, tmp_path, monkeypatch):
    monkeypatch.setattr("vimotion.evaluation.evaluate.SentenceEncoder", lambda: lambda texts: np.ones((len(texts), 1)))
    tiny_model().save(tmp_path / "model")
    contestants = ("vimotion", "reconstruction")
    changes = {"contestants": contestants, "examples": 2, "seeds": (0,), "kinds": ALONE, "batch": 2}
    results = evaluate(recipe(store, extractor, model=str(tmp_path / "model"), **changes), tmp_path / "out")
    assert set(results["summary"]) == set(TASKS) - {"role"}
    assert all(found["vimotion"]["answers"] == 2 for found in results["summary"].values())
    assert results["models"]["vimotion"]["model"]["sha256"]
    assert results["codec"]["world_mm"] > 0
    assert np.isfinite(results["summary"]["reaction"]["vimotion"]["measures"]["mpjpe"]["mean"])


class Trained:
    """Several trainings: the first always answers, the second fails at motions and says one word."""

    name, tasks, drawn, varied = "trained", ("text_to_motion", "motion_to_text"), ("text_to_motion", "motion_to_text"), ()

    def answers(self, examples, seed):
        fails = ValueError("no motion") if examples[0].task == "text_to_motion" else "They hug."
        return [example.truth if seed == 3 else fails for example in examples]


def test_of_several_trainings_every_measure_is_a_mean(store, extractor, tmp_path, monkeypatch):
    tiny_model().save(tmp_path / "model")
    made = {"real": Real(), "trained": Trained()}
    monkeypatch.setattr("vimotion.evaluation.evaluate.make_contestant", lambda name, *_: made[name])
    models, compared = {"trained": [str(tmp_path / "model")] * 2}, (("trained", "real"),)
    changes = {"models": models, "contestants": tuple(made), "compared": compared, "varied_seeds": (7,)}
    settings = recipe(store, extractor, tasks=Trained.tasks, **changes)
    results = evaluate(settings, tmp_path / "out")
    for task in Trained.tasks:
        whole, halved = (results["summary"][task][name]["measures"] for name in ("real", "trained"))
        assert halved["success"]["mean"] < whole["success"]["mean"] == 1
        success = halved["success"]
        assert (success["lowest"], success["highest"]) == pytest.approx((2 * success["mean"] - 1, 1))
        assert results["summary"][task]["trained"]["seeds"] == [3, 4]
        names = ("r_precision_3",) if task == "text_to_motion" else ("bleu_1", "rouge_l", "meteor", "cider")
        assert all(0 <= halved[name]["mean"] < whole[name]["mean"] for name in names)
        assert "multimodality" not in halved
    compared = results["compared"]["trained − real"]["text_to_motion"]
    assert compared["mean"] == -0.5 and "seed_interval" not in compared  # the truth is not drawn
    # another training in the place of one of them is another contestant; one more contestant is not
    evaluate(settings.model_copy(update={"contestants": ("real",), "models": {}, "compared": ()}), tmp_path / "out")
    tiny_model(seed=1).save(tmp_path / "other")
    other = {"trained": (str(tmp_path / "model"), str(tmp_path / "other"))}
    with pytest.raises(UserError, match="outcomes of another trained"):
        evaluate(settings.model_copy(update={"models": other}), tmp_path / "out")


def test_an_error_of_the_judge_is_no_failed_answer(store, extractor, tmp_path, monkeypatch):
    def broken(*_):
        raise ValueError("a rule that fails")

    monkeypatch.setattr("vimotion.evaluation.evaluate.score", broken)
    with pytest.raises(ValueError, match="a rule that fails"):
        evaluate(recipe(store, extractor, tasks=("text_to_motion",), contestants=("real",)), tmp_path)


def test_unknown_names_are_errors(store, extractor, tmp_path):
    with pytest.raises(UserError, match="no contestant 'oracle'"):
        evaluate(recipe(store, extractor, contestants=("oracle",)), tmp_path)
    with pytest.raises(UserError, match="no benchmark 'cooking'"):
        evaluate(recipe(store, extractor, tasks=("cooking",)), tmp_path)
    with pytest.raises(UserError, match="no kind 'cooking'"):
        evaluate(recipe(store, extractor, kinds=("cooking",)), tmp_path)
    with pytest.raises(UserError, match="one seed"):
        evaluate(recipe(store, extractor, seeds=()), tmp_path)
    with pytest.raises(UserError, match="named twice"):
        evaluate(recipe(store, extractor, varied_seeds=(4,)), tmp_path)
    with pytest.raises(UserError, match="reads 200 frames"):
        evaluate(recipe(store, save_small_extractor(tmp_path / "short", max_frames=200)), tmp_path)


def test_a_corpus_of_research_that_tells_no_kinds(scenes, extractor, tmp_path):
    """Such as InterHuman: captions and motions alone. The judge is left with what two bodies can do."""
    records = [replace(source, facts=None, split="test", held_out_captions=()) for source, _ in scenes]
    records += [replace(record, id="train-" + record.id, split="train") for record in records[:2]]
    write_clips(records, tmp_path / "corpus" / "clips-00000.parquet")
    plain = finish_store(tmp_path / "corpus", {"corpus": "interhuman"})
    tasks = ("text_to_motion", "motion_to_text", "reaction", "prediction")
    results = evaluate(recipe(plain, extractor, tasks=tasks, examples=10, protocol="official"), tmp_path / "out")
    assert set(results["summary"]) == set(tasks)
    for task in tasks:
        entry = results["summary"][task]["real"]
        assert entry["measures"]["success"]["mean"] == 1 and entry["kinds"] == {}
        assert "recognised" not in entry["measures"] and entry["measures"]["r_precision_3"]["mean"] > 0
    assert results["protocol"]["fid_scale"] == 6.0
    with pytest.raises(UserError, match="0 clips for editing"):
        evaluate(recipe(plain, extractor, tasks=("editing",), contestants=("real",)), tmp_path / "editing")
    with pytest.raises(UserError, match="0 clips for reaction"):
        evaluate(recipe(plain, extractor, tasks=("reaction",), contestants=("real",), kinds=("hug",)), tmp_path / "kinds")
