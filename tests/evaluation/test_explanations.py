"""Questions of cause, past and future: what is true, what is true of other scenes, and which of them an answer is nearer to."""

import json
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from small_extractor import save_small_extractor

from vimotion.choreography import KINDS
from vimotion.corpora import Store
from vimotion.evaluation.evaluate import EvaluateRecipe, evaluate
from vimotion.evaluation.examples import Example, make_examples
from vimotion.evaluation.explanations import EXPLAINING, chosen
from vimotion.evaluation.scoring import score


@pytest.fixture(scope="module")
def examples(store: Store) -> list[Example]:
    return [example for seed in range(3) for example in make_examples("explanation", store, 12, seed)]


def embed(texts: tuple[str, ...]) -> np.ndarray:
    """Which letters are in a text, and how often two follow each other: unit vectors (N, 676)."""
    vectors = np.zeros((len(texts), 26, 26))
    for vector, text in zip(vectors, texts, strict=True):
        codes = [ord(letter) - ord("a") for letter in text.lower() if "a" <= letter <= "z"]
        for pair in pairwise(codes):
            vector[pair] += 1
    flat = vectors.reshape(len(texts), -1) + 1e-9
    found: np.ndarray = flat / np.linalg.norm(flat, axis=1, keepdims=True)
    return found


def test_they_ask_for_cause_past_and_future(examples: list[Example]) -> None:
    assert {example.detail for example in examples} == set(EXPLAINING)
    for example in examples:
        assert isinstance(example.truth, str) and example.references[0] == example.truth
        assert len(set(example.references)) == len(example.references)
    made_up = [example for example in examples if example.detail == "cause"]
    assert all(len(example.references) > 1 for example in made_up)
    assert all(example.truth in example.references for example in examples if example.detail == "why")


def test_other_answers_are_of_three_scenes_and_say_nothing_that_is_true(store: Store, examples: list[Example]) -> None:
    said_of: dict[str, set[str]] = {}  # in the words of the corpus: causes by mood
    for record in store:
        assert record.facts
        for act in record.facts["told"]["acts"]:
            said_of.setdefault(act["cause"], set()).add(KINDS[act["kind"]].mood)
    for example in examples:
        assert len(example.others) == 3
        every = [text for one in (example.references, *example.others) for text in one]
        assert len(set(every)) == len(every)
        assert {len(one) > 1 for one in example.others} == {len(example.references) > 1}
        # people are called alike, so that the calling gives nothing away
        letters = [re.search(r"erson [AB]\b", text) for text in every]
        ordinals = [re.search("(first|second) person", text) for text in every]
        assert not (any(letters) and any(ordinals))
        moods = {KINDS[kind].mood for kind in example.kinds}
        for text in (text for one in example.others for text in one if example.detail == "cause"):
            known = [found for cause, found in said_of.items() if cause in text and "{" not in cause]
            assert all(not found & moods for found in known)


def test_the_nearest_is_chosen_and_a_tie_is_wrong() -> None:
    true, others = ("Because they are friends.", "They like each other."), (("Because it rains.",), ("They fell.",), ("No.",))
    assert chosen("They like each other.", true, others, embed)
    assert chosen("they LIKE each other", true, others, embed)
    assert not chosen("Because it rains.", true, others, embed)
    assert not chosen("Because they are friends.", true, (*others[:2], ("Because they are friends!",)), embed)


def test_true_answers_are_right_and_those_about_other_scenes_are_wrong(examples: list[Example]) -> None:
    for example in examples:
        for text in example.references:
            assert score(example, text, embed) == {"success": True, "answer": text}
        for text in (text for one in example.others for text in one):
            assert not score(example, text, embed)["success"]


class Silent:
    """True answers, but none to the first question."""

    name, tasks, drawn, varied = "real", ("explanation",), (), ()

    def answers(self, examples: list[Example], seed: int) -> list[object]:
        return ["" if number == 0 else example.truth for number, example in enumerate(examples)]


def test_the_share_is_told_with_its_interval(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vimotion.evaluation.evaluate.SentenceEncoder", lambda: embed)
    monkeypatch.setattr("vimotion.evaluation.evaluate.make_contestant", lambda *_: Silent())
    recipe = EvaluateRecipe(
        corpus=store.folder, examples=12, seeds=(0,), contestants=("real",), tasks=("explanation",), likeness=False, samples=2,
        extractor=save_small_extractor(tmp_path / "extractor"),
    )  # fmt: skip
    entry = evaluate(recipe, tmp_path / "run")["summary"]["explanation"]["real"]
    assert (entry["answers"], entry["failed"]) == (12, 1)
    assert entry["measures"]["success"]["mean"] == pytest.approx(11 / 12) and set(entry["details"]) <= set(EXPLAINING)
    assert "| real | 91.7 [64.6, 98.5] | 8.3 [1.5, 35.4] |" in (tmp_path / "run" / "results.md").read_text()
    assert "nearer to a true one" in (tmp_path / "run" / "page" / "index.html").read_text()
    [first, second] = json.loads((tmp_path / "run" / "samples" / "samples.json").read_text())
    assert "text" not in first["answers"]["real"] and second["answers"]["real"]["text"] == second["reference"]
