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
from vimotion.evaluation.distribution import Measured, Protocol, measure
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


def motion_measures(truth: Truth, answers: np.ndarray, protocol: Protocol, varied: bool) -> Measures:
    """R-precision of the captions, FID, MM-distance and diversity; multimodality of varied answers.

    Args:
        answers: (seeds, N, D) embeddings, NaN where an answer failed.
        varied: the seeds are samples of one text.

    The repeats of the protocol take the seeds in turn. With fewer seeds than it wants for the multimodality, all pairs of
    different ones are taken, and the interval is over texts.
    """
    samples = answers.transpose(1, 0, 2)
    enough = varied and len(answers) >= protocol.multimodality_pairs
    draws = [(truth.texts, drawn) for drawn in answers]
    real = truth.texts if truth.motions is None else truth.motions
    measured = _as_measures(measure(draws, real, protocol, samples=samples if enough else None))
    if truth.motions is None:  # nothing to compare with
        measured.pop("fid", None)
    if varied and not enough and len(answers) > 1:
        measured |= _multimodality(protocol.multimodality_scale * samples)
    return measured


def text_measures(
    examples: Sequence[Example], answers: Sequence[str], encoder: SentenceEncoder | None, groups: int = 10
) -> Measures:
    """BLEU, ROUGE-L, METEOR, CIDEr-D and, with an encoder, the likeness of sentences; "" is a failed answer.

    One example is none to weigh words over: it is not measured.
    """
    if len(examples) < 2:
        return {}
    references = [example.references for example in examples]
    texts = list(dict.fromkeys([*answers, *(text for several in references for text in several)]))
    vectors = dict(zip(texts, encoder(texts), strict=True)) if encoder else {}

    def embed(texts: Sequence[str]) -> np.ndarray:
        return np.stack([vectors[text] for text in texts])

    def figures(chosen: Sequence[int]) -> dict[str, float]:
        said, meant = [answers[i] for i in chosen], [references[i] for i in chosen]
        return caption_scores(said, meant, embed if encoder else None)

    intervals = jackknife(figures, len(examples), groups)
    return {name: _measure(figure, intervals.get(name)) for name, figure in figures(range(len(examples))).items()}


def found_by_text(answers: Sequence[str], truth: Truth, extractor: Extractor, protocol: Protocol) -> Measures:
    """R-precision and MM-distance of the written texts with the motions that they describe; "" is a failed answer."""
    assert truth.motions is not None
    texts = np.full_like(truth.texts, np.nan)
    written = [index for index, text in enumerate(answers) if text]
    texts[written] = extractor.embed_texts([answers[index] for index in written])
    measured = _as_measures(measure([(texts, truth.motions)], truth.motions, protocol))
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


def judged_measures(examples: Sequence[Example], answers: Mapping[str, Sequence[str]], judge: Judge) -> dict[str, Measures]:
    """Contestant → logic, content and naturalness as a language model sees them, of all contestants' answers at once."""
    asked = [
        Asked(example.caption, " ".join(example.text.replace(GIVEN, "").split()), example.references[0]) for example in examples
    ]
    verdicts = judge.judge(asked, [{name: given[number] for name, given in answers.items()} for number in range(len(examples))])
    scores = {name: {aspect: [getattr(one[name], aspect) for one in verdicts] for aspect in ASPECTS} for name in answers}
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
