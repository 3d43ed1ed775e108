"""Benchmarks tell broken answers: contestants that spoil the real ones, measured by the extractor that ships."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from vimotion.corpora import Store
from vimotion.evaluation.contestants import Answer
from vimotion.evaluation.evaluate import EvaluateRecipe, evaluate
from vimotion.evaluation.examples import Example
from vimotion.motion import FEATURES, Interaction, from_features, to_features

NAMES = ("real", "reconstruction", "vimotion", "intergen", "retrieval")
# One example of each scene of the store, so that no two show nearly the same.
SIZE = 12


class Spoilt:
    """The real answers after `spoil`, which is told the position of an example in its batch."""

    tasks = ("text_to_motion", "reaction", "motion_to_text")
    drawn = varied = ()

    def __init__(self, name: str, spoil: Callable[[int, Interaction | str], Answer]) -> None:
        self.name, self._spoil = name, spoil

    def answers(self, examples: Sequence[Example], seed: int) -> list[Answer]:
        return [self._spoil(number, example.truth) for number, example in enumerate(examples)]


def measured(
    task: str, contestants: Sequence[Spoilt], store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, dict[str, float]]:
    """Contestant → measure → mean."""
    by_name = {contestant.name: contestant for contestant in contestants}
    monkeypatch.setattr("vimotion.evaluation.evaluate.make_contestant", lambda name, *_: by_name[name])
    monkeypatch.setattr("vimotion.evaluation.evaluate.folders_of", lambda *_: {})
    monkeypatch.setattr("vimotion.evaluation.evaluate.write_page", lambda *_: None)
    recipe = EvaluateRecipe(
        corpus=store.folder, contestants=tuple(by_name), tasks=(task,), examples=SIZE, samples=0, likeness=False, seeds=(0,)
    )
    found = evaluate(recipe, folder)["summary"][task]
    return {name: {k: v["mean"] for k, v in entry["measures"].items()} for name, entry in found.items()}


def noisy(metres: float, slow: bool) -> Callable[[int, Interaction | str], Answer]:
    """Every joint is moved by normal noise of so many metres along each axis: anew each frame, or drifting over each second."""

    def spoil(number: int, truth: Interaction | str) -> Answer:
        assert isinstance(truth, Interaction)
        features = to_features(truth)
        positions = features[..., FEATURES["positions"]]
        random = np.random.default_rng(number)
        noise = random.normal(size=positions.shape)
        if slow:
            second, left = np.divmod(np.arange(len(positions)), 30)
            noise = noise[second] + (noise[second + 1] - noise[second]) * (left / 30)[:, None, None]
        positions += metres * noise
        return from_features(features, truth.skeletons, follow_positions=True)

    return spoil


def half(number: int, truth: Interaction | str) -> Answer:
    return truth if number % 2 else ValueError("nothing came out")


@pytest.mark.parametrize(
    ("steps", "slow"), [((0.0, 0.001, 0.002, 0.005, 0.01), False), ((0.0, 0.02, 0.05, 0.1, 0.2), True)], ids=["jitter", "drift"]
)
def test_noise_in_joints_raises_fid_step_by_step(steps, slow, store, tmp_path, monkeypatch):
    contestants = [Spoilt(name, noisy(metres, slow)) for name, metres in zip(NAMES, steps, strict=True)]
    found = measured("text_to_motion", contestants, store, tmp_path, monkeypatch)
    distances = [found[name]["fid"] for name in NAMES]
    assert all(before < after for before, after in pairwise(distances)), distances
    assert distances[0] < 0.05 and distances[-1] > 10
    assert found[NAMES[-1]]["r_precision_1"] < found["real"]["r_precision_1"]
    assert found[NAMES[-1]]["jerk"] > found["real"]["jerk"]


@pytest.mark.parametrize("task", ["text_to_motion", "motion_to_text"])
def test_half_the_answers_removed_halves_success_and_precision(task, store, tmp_path, monkeypatch):
    contestants = [Spoilt("real", lambda _, truth: truth), Spoilt("vimotion", half)]
    found = measured(task, contestants, store, tmp_path, monkeypatch)
    whole, spoilt = found["real"], found["vimotion"]
    assert whole["failed"] == 0 and spoilt["failed"] == 0.5
    assert spoilt["success"] == whole["success"] / 2
    for k in (1, 2, 3):
        name = f"r_precision_{k}"
        assert whole[name] > 0.8
        assert spoilt[name] == pytest.approx(whole[name] / 2, abs=0.1), name  # fewer motions are easier to tell apart
    for name in ("bleu_1", "rouge_l", "meteor", "cider") if task == "motion_to_text" else ():
        assert 0 < spoilt[name] < 0.7 * whole[name], name


def test_persons_exchanged_hurt_a_reaction(store, tmp_path, monkeypatch):
    def exchanged(_: int, truth: Interaction | str) -> Answer:
        assert isinstance(truth, Interaction)
        return truth.swapped()

    contestants = [Spoilt("real", lambda _, truth: truth), Spoilt("vimotion", exchanged)]
    found = measured("reaction", contestants, store, tmp_path, monkeypatch)
    assert found["real"]["mpjpe"] == found["real"]["relation_error"] == 0 and found["real"]["success"] == 1
    assert found["vimotion"]["mpjpe"] > 0.5 and found["vimotion"]["relation_error"] > 0.3
    assert found["vimotion"]["success"] < 0.1
    assert found["vimotion"]["fid"] > found["real"]["fid"] + 1


def test_nobody_who_makes_nothing_has_a_figure_of_motions(store, tmp_path, monkeypatch):
    contestants = [Spoilt("real", lambda *_: ValueError("nothing came out"))]
    found = measured("text_to_motion", contestants, store, tmp_path, monkeypatch)["real"]
    assert found == {"success": 0, "failed": 1, "r_precision_1": 0, "r_precision_2": 0, "r_precision_3": 0}
    told = (tmp_path / "results.md").read_text()
    assert "| real | 0.0 [0.0, 24.3] | 100.0 [75.7, 100.0] |" in told and "text to motion, real: nothing came out (12)" in told
