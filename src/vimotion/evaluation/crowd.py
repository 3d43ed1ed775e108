"""Measures over all answers of a contestant to one benchmark: by their embeddings, and of texts against references.

Each measure is {"mean", "interval"}: the figure and its 95 % interval (low, high), None where there is none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from vimotion.evaluation.bodies import ContactCounts
from vimotion.evaluation.captions import caption_scores
from vimotion.evaluation.distribution import Measured, Protocol, measure, multimodality, summary
from vimotion.evaluation.examples import GIVEN, Example
from vimotion.evaluation.extractor import Extractor
from vimotion.evaluation.llm_judge import ASPECTS, Asked, Judge
from vimotion.evaluation.metrics import jackknife, mean_interval
from vimotion.evaluation.sentences import SentenceEncoder

Measures = dict[str, dict[str, Any]]


@dataclass(frozen=True, eq=False)
class Truth:
    """What the answers to one benchmark are held against, in its order of examples.

    Attributes:
        texts: (N, D) embeddings of each example's caption.
        motions: (N, D) embeddings of the true scenes; None where there are none.
    """

    texts: np.ndarray
    motions: np.ndarray | None

    @staticmethod
    def of(examples: Sequence[Example], extractor: Extractor) -> Truth:
        scenes = [example.scene for example in examples]
        texts = extractor.embed_texts([example.caption for example in examples])
        return Truth(texts, None if None in scenes else extractor.embed_interactions(scenes))


def motion_measures(truth: Truth, answers: np.ndarray, protocol: Protocol) -> Measures:
    """R-precision of the captions, FID, MM-distance and diversity.

    Args:
        answers: (seeds, N, D) embeddings, NaN where an answer failed.

    The repeats of the protocol take the seeds in turn.
    """
    draws = [(truth.texts, drawn) for drawn in answers]
    measured = _as_measures(measure(draws, truth.texts if truth.motions is None else truth.motions, protocol))
    if truth.motions is None:  # nothing to compare with
        measured.pop("fid", None)
    return measured


def variety(answers: np.ndarray, protocol: Protocol) -> Measures:
    """Multimodality of what one model answered to the same texts: (seeds, N, D) embeddings, NaN where an answer failed.

    With fewer seeds than the protocol wants, all pairs of different ones are taken, and the interval is over texts.
    """
    samples = protocol.multimodality_scale * answers.transpose(1, 0, 2)
    if len(answers) < protocol.multimodality_pairs:
        return _multimodality(samples) if len(answers) > 1 else {}
    draws = [
        multimodality(samples, protocol.multimodality_pairs, np.random.default_rng([0, repeat]))
        for repeat in range(protocol.repeats)
    ]
    return _as_measures({"multimodality": summary(draws)})


def text_measures(
    examples: Sequence[Example], answers: Sequence[Sequence[str]], encoder: SentenceEncoder | None, groups: int = 10
) -> Measures:
    """BLEU, ROUGE-L, METEOR, CIDEr-D and, with an encoder, the likeness of sentences; the mean over trainings.

    One example is none to weigh words over: it is not measured.

    Args:
        answers: of each training, to each example; "" is a failed answer.
    """
    if len(examples) < 2:
        return {}
    references = [example.references for example in examples]
    texts = list(dict.fromkeys(text for several in (*answers, *references) for text in several))
    vectors = dict(zip(texts, encoder(texts), strict=True)) if encoder else {}

    def embed(texts: Sequence[str]) -> np.ndarray:
        return np.stack([vectors[text] for text in texts])

    def figures(chosen: Sequence[int]) -> dict[str, float]:
        meant = [references[i] for i in chosen]
        each = [caption_scores([said[i] for i in chosen], meant, embed if encoder else None) for said in answers]
        return {name: float(np.mean([one[name] for one in each])) for name in each[0]}

    intervals = jackknife(figures, len(examples), groups)
    return {name: _measure(figure, intervals.get(name)) for name, figure in figures(range(len(examples))).items()}


def found_by_text(answers: Sequence[Sequence[str]], truth: Truth, extractor: Extractor, protocol: Protocol) -> Measures:
    """R-precision and MM-distance of the texts that each training wrote with the motions that they describe; "" is a failed
    answer."""
    assert truth.motions is not None
    draws = []
    for said in answers:
        texts = np.full_like(truth.texts, np.nan)
        written = [index for index, text in enumerate(said) if text]
        texts[written] = extractor.embed_texts([said[index] for index in written])
        draws.append((texts, truth.motions))
    measured = _as_measures(measure(draws, truth.motions, protocol))
    return {name: figure for name, figure in measured.items() if name.startswith("r_") or name == "mm_distance"}


def contact_measures(counts: Sequence[ContactCounts]) -> Measures:
    """Precision and recall of contacts, from the counts of each example added up."""

    def figures(chosen: Sequence[int]) -> dict[str, float]:
        total = sum((counts[i] for i in chosen), ContactCounts())
        found = {"contact_precision": total.precision, "contact_recall": total.recall}
        return {name: np.nan if value is None else value for name, value in found.items()}

    intervals = jackknife(figures, len(counts))
    measures = {}
    for name, figure in figures(range(len(counts))).items():
        low, high = intervals.get(name, (np.nan, np.nan))
        if np.isfinite(figure):
            measures[name] = _measure(figure, (max(low, 0.0), min(high, 1.0)) if np.isfinite(low) else None)
    return measures


def judged_measures(
    examples: Sequence[Example], answers: Mapping[str, Sequence[Sequence[str]]], judge: Judge
) -> dict[str, Measures]:
    """Contestant → logic, content and naturalness as a language model sees them, of all contestants' answers at once.

    Of several trainings all first ones stand beside one another, then all second ones; who has one stands beside each.
    """
    asked = [
        Asked(example.caption, " ".join(example.text.replace(GIVEN, "").split()), example.references[0]) for example in examples
    ]
    rounds = [
        judge.judge(
            asked, [{name: given[turn % len(given)][number] for name, given in answers.items()} for number in range(len(asked))]
        )
        for turn in range(max(map(len, answers.values())))
    ]
    scores = {
        name: {
            aspect: [float(np.mean([getattr(one[name], aspect) for one in verdicts])) for verdicts in zip(*rounds, strict=True)]
            for aspect in ASPECTS
        }
        for name in answers
    }
    return {
        name: {aspect: _measure(float(np.mean(values)), mean_interval(values)) for aspect, values in found.items()}
        for name, found in scores.items()
    }


def _multimodality(samples: np.ndarray) -> Measures:
    """(texts, samples, D) → the mean distance of two different samples of one text, of the texts that have two."""
    pairs = list(combinations(range(samples.shape[1]), 2))
    distances = np.stack([np.linalg.norm(samples[:, i] - samples[:, j], axis=-1) for i, j in pairs], axis=1)
    there = distances[np.isfinite(distances).any(axis=1)]
    if not len(there):
        return {}
    means = np.nanmean(there, axis=1)
    return {"multimodality": _measure(float(means.mean()), mean_interval(means.tolist()))}


def _as_measures(measured: Mapping[str, Measured]) -> Measures:
    """With R-precision under its whole name."""
    named = {re.sub(r"^r_(\d)", r"r_precision_\1", name): one for name, one in measured.items()}
    return {name: _measure(one.mean, (one.mean - one.interval, one.mean + one.interval)) for name, one in named.items()}


def _measure(mean: float, interval: tuple[float, float] | None) -> dict[str, Any]:
    return {"mean": mean, "interval": None if interval is None else list(interval)}
