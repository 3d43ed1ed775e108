"""Measures over all answers of a contestant, on embeddings and texts made for it."""

from dataclasses import dataclass

import numpy as np
import pytest

from vimotion.evaluation.bodies import ContactCounts
from vimotion.evaluation.captions import caption_scores
from vimotion.evaluation.crowd import (
    Truth,
    contact_measures,
    found_by_text,
    judged_measures,
    motion_measures,
    text_measures,
    variety,
)
from vimotion.evaluation.distribution import Protocol, fid, mm_distance
from vimotion.evaluation.examples import Example
from vimotion.evaluation.llm_judge import Asked, Verdict

PROTOCOL = Protocol(batch=10, repeats=4, diversity_pairs=5, multimodality_pairs=3)
MOTIONS = np.random.default_rng(0).normal(size=(20, 4))
TRUTH = Truth(MOTIONS + 0.01, MOTIONS)
TEXTS = [f"They shake hands {number} times, and the {'first' if number % 3 else 'second'} one leaves." for number in range(12)]
EXAMPLES = [
    Example(
        f"reasoning:{text}", "reasoning", ("handshake",), "{motion} What happens?", text,
        caption=text, references=(text, "They hug."),
    )
    for text in TEXTS
]  # fmt: skip


def test_measures_of_motions_are_those_of_their_embeddings():
    answers = MOTIONS[None] + np.random.default_rng(1).normal(0, 0.3, (2, 20, 4))
    found = motion_measures(TRUTH, answers, PROTOCOL)
    assert set(found) == {"r_precision_1", "r_precision_2", "r_precision_3", "fid", "mm_distance", "diversity"}
    both = [fid(MOTIONS, drawn) for drawn in answers]  # two batches hold all twenty
    assert found["fid"]["mean"] == pytest.approx(np.mean(both))
    assert found["mm_distance"]["mean"] == pytest.approx(np.mean([mm_distance(TRUTH.texts, drawn) for drawn in answers]))
    low, high = found["fid"]["interval"]
    assert high - low == pytest.approx(2 * 1.96 * np.std(both) / 2)  # each seed twice in four repeats
    assert "fid" not in motion_measures(Truth(TRUTH.texts, None), answers, PROTOCOL)


def test_multimodality_of_few_seeds_is_over_all_pairs_and_leaves_failures_out():
    answers = np.stack([MOTIONS, MOTIONS + [3.0, 0, 0, 0]])
    answers[1, :4] = np.nan
    assert variety(answers, PROTOCOL)["multimodality"]["mean"] == pytest.approx(3.0)
    assert variety(answers[:1], PROTOCOL) == {}
    drawn = variety(np.concatenate([answers, answers]), PROTOCOL)["multimodality"]["mean"]
    assert 0 < drawn < 3.0  # as the protocol draws, a sample may meet itself


def test_measures_of_texts():
    answers = [*TEXTS[:6], *[""] * 6]
    found = text_measures(EXAMPLES, [answers], None)
    whole = caption_scores(answers, [example.references for example in EXAMPLES])
    assert {name: measure["mean"] for name, measure in found.items()} == whole
    assert found["rouge_l"]["mean"] == 0.5
    low, high = found["rouge_l"]["interval"]
    assert (low + high) / 2 == pytest.approx(0.5) and 0.1 < high - low < 0.9
    assert text_measures(EXAMPLES[:1], [answers[:1]], None) == {}

    def letters(texts):
        counts = np.array([[text.count(letter) for letter in "aeiouhst"] for text in texts], dtype=float)
        return counts / np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1)

    assert text_measures(EXAMPLES, [answers], letters)["sentence_likeness"]["mean"] == pytest.approx(0.5)
    # of two trainings the mean, and as many examples as before
    both = text_measures(EXAMPLES, [answers, TEXTS], None)["rouge_l"]
    assert both["mean"] == 0.75 and both["interval"] == pytest.approx([(low + 1) / 2, (high + 1) / 2])


def test_motions_are_found_by_the_texts_that_were_written():
    class Known:
        """Embeds a text that is a number as the motion of that number."""

        def embed_texts(self, texts):
            return MOTIONS[[int(text) for text in texts]] + 0.001 if texts else np.zeros((0, 4))

    right = [str(number) for number in range(20)]
    assert found_by_text([right], TRUTH, Known(), PROTOCOL)["r_precision_1"]["mean"] == 1
    half = ["" if number < 10 else text for number, text in enumerate(right)]
    found = found_by_text([half], TRUTH, Known(), PROTOCOL)
    assert found["r_precision_1"]["mean"] == found["r_precision_3"]["mean"] == 0.5
    assert found["mm_distance"]["mean"] == pytest.approx(0.002)
    both = found_by_text([right, half], TRUTH, Known(), PROTOCOL)
    assert both["r_precision_1"]["mean"] == 0.75
    none = found_by_text([[""] * 20], TRUTH, Known(), PROTOCOL)
    assert {name: measure["mean"] for name, measure in none.items()} == {f"r_precision_{k}": 0 for k in (1, 2, 3)}


def test_contacts_are_added_up():
    found = contact_measures([ContactCounts(3, 4, 6), ContactCounts(1, 4, 2), ContactCounts(0, 0, 0)])
    assert found["contact_precision"]["mean"] == 0.5 and found["contact_recall"]["mean"] == 0.5
    low, high = found["contact_recall"]["interval"]
    assert low <= 0.5 <= high
    assert contact_measures([ContactCounts(0, 0, 2)] * 3) == {"contact_recall": {"mean": 0.0, "interval": [0.0, 0.0]}}


def test_the_judge_sees_all_answers_to_an_example_at_once():
    @dataclass
    class Fair:
        seen: list

        def judge(self, asked, answers):
            self.seen += zip(asked, answers, strict=True)
            return [{name: Verdict(10.0 * bool(text), 5.0, 1.0) for name, text in given.items()} for given in answers]

    judge = Fair([])
    answers = {"real": [TEXTS], "vimotion": [[*TEXTS[:3], *[""] * 9]]}
    found = judged_measures(EXAMPLES, answers, judge)
    assert found["real"]["logic"]["mean"] == 10 and found["vimotion"]["logic"]["mean"] == 2.5
    assert found["vimotion"]["naturalness"]["interval"] == [1.0, 1.0]
    twice = judged_measures(EXAMPLES, answers | {"vimotion": [TEXTS, [""] * 12]}, Fair([]))
    assert twice["real"]["logic"]["mean"] == 10 and twice["vimotion"]["logic"]["mean"] == 5
    assert judge.seen[4] == (Asked(TEXTS[4], "What happens?", TEXTS[4]), {"real": TEXTS[4], "vimotion": ""})
