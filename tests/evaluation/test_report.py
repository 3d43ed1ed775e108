"""From outcomes to figures and tables."""

import pytest

from vimotion.errors import UserError
from vimotion.evaluation.evaluate import EvaluateRecipe
from vimotion.evaluation.metrics import mean_interval, wilson_interval
from vimotion.evaluation.report import MEASURES, check_alike, compare, differences, summarise, table


def line(example, seed=0, task="reaction", contestant="vimotion", success=True, **values):
    base = {
        "task": task,
        "contestant": contestant,
        "kind": "hug",
        "example": example,
        "seed": seed,
        "text": "",
        "success": success,
    }
    return base | values


def results(lines, crowds=None, **changes):
    header = {
        "recipe": EvaluateRecipe().model_dump(mode="json"), "corpus": {"folder": "scripted", "sha256": "c"},
        "judge": "j", "measures": "m",
        "extractor": "e", "protocol": {"batch": 96, "repeats": 20},
    }  # fmt: skip
    return {**header, "summary": summarise(lines, crowds), **changes}


def test_failed_answers_count_as_wrong_in_shares_and_not_at_all_in_numbers():
    lines = [
        line("1", mpjpe=0.2, plausible=True, told_side_where_recognised=True),
        line("2", mpjpe=0.4, plausible=True, success=False, reason="not the interaction"),
        line("3", success=False, failed=True, reason="nothing came out"),
        line("4", mpjpe=0.6, plausible=False, success=False, reason="floats"),
    ]
    entry = summarise(lines)["reaction"]["vimotion"]
    means = {name: measure["mean"] for name, measure in entry["measures"].items()}
    assert means == pytest.approx(
        {"success": 0.25, "failed": 0.25, "mpjpe": 0.4, "plausible": 0.5, "told_side_where_recognised": 1.0}
    )
    assert entry["success_interval"] == list(wilson_interval(1, 4)) and (entry["answers"], entry["failed"]) == (4, 1)
    assert entry["reasons"] == {"floats": 1, "not the interaction": 1, "nothing came out": 1}
    assert entry["kinds"] == {"hug": 0.25}


def test_what_was_not_asked_of_a_text_is_not_held_against_it():
    lines = [
        line("1", task="motion_to_text", answer="a", said_side=True),
        line("2", task="motion_to_text", answer="b"),  # a kind without sides
        line("3", task="motion_to_text", success=False, failed=True, reason="The answer is empty."),
    ]
    measures = summarise(lines)["motion_to_text"]["vimotion"]["measures"]
    assert measures["said_side"]["mean"] == 0.5
    assert "answer" not in measures


def test_seeds_are_averaged_and_an_example_counts_once():
    lines = [line(str(n), seed, success=n < 2 + seed, jerk=float(10 * seed + n)) for seed in (0, 1) for n in range(4)]
    measures = summarise(lines)["reaction"]["vimotion"]["measures"]
    success = measures["success"]
    assert (success["mean"], success["lowest"], success["highest"]) == (0.625, 0.5, 0.75)
    assert success["interval"] == list(wilson_interval(2.5, 4))
    assert measures["jerk"]["mean"] == 6.5 and measures["jerk"]["lowest"] == 1.5


def test_tables_have_a_row_a_contestant_and_a_column_a_measure():
    lines = [line(str(n), contestant=who, contacts=[1, 2, 4], mpjpe=0.1 * n) for who in ("real", "vimotion") for n in range(3)]
    crowds = {"reaction": {"vimotion": {"fid": {"mean": 1.23456, "interval": [1.2, 1.3]}}}}
    text = table(results(lines, crowds), EvaluateRecipe(tasks=("reaction",)))
    assert "|  | success ↑ % | failed ↓ % | FID ↓ |" in text
    assert "| vimotion | 100.0 [43.8, 100.0] | 0.0 [0.0, 56.2] | 1.235 ±0.050 |" in text
    assert "| real | 100.0 [43.8, 100.0] | 0.0 [0.0, 56.2] | – |" in text
    assert "|  | MPJPE ↓ m | contact precision ↑ % | contact recall ↑ % |" in text
    assert "| 0.100 ±0.113 | 50.0 [50.0, 50.0] | 25.0 [25.0, 25.0] |" in text
    assert "as judge" not in text


def test_a_judge_that_was_not_asked_is_told():
    lines = [line("1", task="reasoning", answer="yes"), line("2", task="reasoning", answer="no")]
    assert "The recipe names none (`judge`)" in table(results(lines), EvaluateRecipe(tasks=("reasoning",)))


def test_differences_are_told_of_runs_that_were_measured_alike():
    now = results([line("1", mpjpe=0.5), line("2", mpjpe=0.5)])
    before = results([line("1", mpjpe=0.2), line("2", mpjpe=0.2, success=False)])
    check_alike(now, before)
    found = differences(now, before)["reaction"]["vimotion"]["measures"]
    assert found["mpjpe"]["mean"] == pytest.approx(0.3) and found["success"]["mean"] == 0.5
    for change, words in (
        ({"extractor": "f"}, "different scales"), ({"protocol": {"batch": 32}}, "different scales"),
        ({"judge": "k"}, "judged by two versions"),
        ({"measures": "n"}, "measured by two versions"), ({"corpus": {"sha256": "d"}}, "two corpora"),
        ({"recipe": before["recipe"] | {"examples": 3}}, "other examples"), ({"extractor": None}, "does not say"),
    ):  # fmt: skip
        with pytest.raises(UserError, match=words):
            check_alike(now, before | change)


def test_two_contestants_are_compared_on_the_same_examples():
    """Right by halves of the examples at three seeds: what others are right in does not matter."""
    lines = [line(str(n), seed, contestant="with", success=n < 4 + seed) for seed in (0, 1, 2) for n in range(8)]
    lines += [line(str(n), seed, contestant="without", success=n < 2) for seed in (0, 1, 2) for n in range(8)]
    found = compare(lines, [("with", "without"), ("with", "nobody")])
    difference = found["with − without"]["reaction"]
    assert difference["mean"] == pytest.approx(3 / 8) and difference["seeds"] == pytest.approx([2 / 8, 3 / 8, 4 / 8])
    low, high = difference["seed_interval"]
    half = 4.302652729749464 * 0.125 / 3**0.5  # Student's t with two degrees of freedom
    assert (low, high) == pytest.approx((3 / 8 - half, 3 / 8 + half))
    changes = [0, 0, 1, 1, 2 / 3, 1 / 3, 0, 0]
    assert difference["interval"] == pytest.approx(mean_interval(changes))
    assert found["with − nobody"] == {}
    text = table(results(lines, compared=found), EvaluateRecipe(tasks=("reaction",)))
    assert "| reaction | +37.5 | [+6.2, +68.8] | +25.0, +37.5, +50.0 | [+6.4, +68.6] |" in text
    assert "| with | 62.5 [30.6, 86.3] (50.0 to 75.0) |" in text


def test_every_measure_says_what_is_better():
    assert {shown.better for shown in MEASURES.values()} == {"higher", "lower", "real"}
    assert MEASURES["fid"].head == "FID ↓" and MEASURES["mpjpe"].head == "MPJPE ↓ m" and MEASURES["jerk"].head == "jerk → m/s³"
