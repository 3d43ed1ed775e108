"""Measures of motions by their embeddings: retrieval by text, distance of distributions, spread. float64 throughout.

Embeddings are (N, D) arrays of an `Extractor`, row i of texts and motions one pair. A row of NaN is a motion that a contestant
failed to make: it is never found, and has no part in distances and distributions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from vimotion.config import Config


class Protocol(Config):
    """How figures are taken.

    Attributes:
        batch: pairs among which a motion is looked for by its text; a last batch that is not full is left out.
        repeats: times that everything is measured, with other batches and pairs.
        diversity_pairs: pairs of motions behind the diversity.
        multimodality_pairs: pairs of samples of each caption behind the multimodality.
        fid_scale, diversity_scale, multimodality_scale: factors on the embeddings before the measure of that name.
    """

    batch: int = Field(default=96, gt=1)
    repeats: int = Field(default=20, gt=0)
    diversity_pairs: int = Field(default=300, gt=0)
    multimodality_pairs: int = Field(default=10, gt=0)
    fid_scale: float = Field(default=1.0, gt=0)
    diversity_scale: float = Field(default=1.0, gt=0)
    multimodality_scale: float = Field(default=1.0, gt=0)


# InterGen's evaluation as its code has it: embeddings times six for FID and diversity, whose distances are then halved.
# Multimodality is taken of the embeddings as they are (100 captions, 30 samples each).
OFFICIAL_PROTOCOL = Protocol(fid_scale=6.0, diversity_scale=3.0)


@dataclass(frozen=True)
class Measured:
    """Mean of a figure over the repeats, and half the width of its 95 % interval (1.96 σ / √repeats).

    The interval tells how much the drawing of batches and pairs moves the figure; not how another training or another test set
    would, unless the repeats bring motions of their own.
    """

    mean: float
    interval: float


def r_precision(texts: np.ndarray, motions: np.ndarray, most: int = 3) -> np.ndarray:
    """Share of texts (N, D) whose own motion (N, D) is among the nearest 1, 2, … `most` of the N: (most,).

    Of equally near motions each is equally likely to come first, so that constant embeddings score chance.
    """
    distances = _distances(texts, motions)
    own = np.diagonal(distances)[:, None]
    nearer = (distances < own).sum(axis=1)[:, None]
    level = (distances == own).sum(axis=1)[:, None]
    found = np.clip((np.arange(1, most + 1) - nearer) / np.maximum(level, 1), 0.0, 1.0)
    share: np.ndarray = np.where(np.isfinite(own), found, 0.0).mean(axis=0)
    return share


def mm_distance(texts: np.ndarray, motions: np.ndarray) -> float:
    """Mean distance of a text (N, D) to its motion (N, D)."""
    _check_pairs(texts, motions)
    distances = np.linalg.norm(np.asarray(texts, float) - np.asarray(motions, float), axis=-1)
    return _mean(distances)


def fid(first: np.ndarray, second: np.ndarray) -> float:
    """Fréchet distance of two sets of embeddings (N, D), (M, D), each taken for a normal distribution.

    |μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2 (Σ₁ Σ₂)^½). The trace of the root is the sum of the singular values of Σ₁^½ Σ₂^½, which exists
    and is real also where there are fewer motions than dimensions.
    """
    first, second = _made(first), _made(second)
    if min(len(first), len(second)) < 2:
        raise ValueError("The distance of two distributions needs at least two motions of each.")
    apart = first.mean(axis=0) - second.mean(axis=0)
    one, other = _factor(first), _factor(second)
    root = np.linalg.svd(one @ other.T, compute_uv=False).sum()
    # equal distributions may differ by −1e-13
    return max(0.0, float(apart @ apart + (one**2).sum() + (other**2).sum() - 2 * root))


def diversity(motions: np.ndarray, pairs: int, random: np.random.Generator) -> float:
    """Mean distance of randomly drawn pairs of motions (N, D): two draws of `pairs` of them, without replacement each."""
    made = _made(motions)
    if len(made) < pairs:
        raise ValueError(f"A diversity over {pairs} pairs needs as many motions, and there are {len(made)}.")
    first, second = (random.choice(len(made), pairs, replace=False) for _ in range(2))
    return float(np.linalg.norm(made[first] - made[second], axis=-1).mean())


def multimodality(samples: np.ndarray, pairs: int, random: np.random.Generator) -> float:
    """Mean distance of two samples of one caption. `samples`: (captions, samples, D); the same `pairs` for each caption."""
    samples = np.asarray(samples, dtype=float)
    if samples.ndim != 3 or samples.shape[1] < pairs:
        raise ValueError(f"Multimodality over {pairs} pairs needs (captions, at least {pairs}, D), not {samples.shape}.")
    first, second = (random.choice(samples.shape[1], pairs, replace=False) for _ in range(2))
    return _mean(np.linalg.norm(samples[:, first] - samples[:, second], axis=-1))


def measure(
    draws: Sequence[tuple[np.ndarray, np.ndarray]],
    real: np.ndarray,
    protocol: Protocol,
    seed: int = 0,
) -> dict[str, Measured]:
    """All figures of one contestant but its multimodality.

    Args:
        draws: (texts, motions), both (N, D). The repeats take them in turn, and are as many more than the protocol's as each
            draw needs to have equally many.
        real: embeddings (M, D) of real motions, which FID is measured against: of N of them, those of the same rows.

    Returns:
        `r_1`, `r_2`, `r_3`; `mm_distance`, `fid`, `diversity` (over all motions there are, if they are fewer than the
        protocol's pairs), where enough motions were made in every repeat.

    Raises:
        ValueError: there are fewer pairs than a batch holds.
    """
    each = -(-protocol.repeats // len(draws))
    repeats = [
        _once(*draws[repeat % len(draws)], real, protocol, np.random.default_rng([seed, repeat]))
        for repeat in range(each * len(draws))
    ]
    names = [name for name in repeats[0] if all(name in repeat for repeat in repeats)]
    return {name: summary([repeat[name] for repeat in repeats]) for name in names}


def summary(values: Sequence[float]) -> Measured:
    """Mean and 95 % interval of one figure over repeats."""
    return Measured(float(np.mean(values)), float(1.96 * np.std(values) / np.sqrt(len(values))))


def _once(
    texts: np.ndarray,
    motions: np.ndarray,
    real: np.ndarray,
    protocol: Protocol,
    random: np.random.Generator,
) -> dict[str, float]:
    order, size = random.permutation(len(texts)), protocol.batch
    if len(order) < size:
        raise ValueError(f"The protocol looks for a motion among {size}, and there are only {len(order)}.")
    batches = [order[start : start + size] for start in range(0, len(order) - size + 1, size)]
    found = np.mean([r_precision(texts[batch], motions[batch]) for batch in batches], axis=0)
    figures = {f"r_{k}": float(value) for k, value in enumerate(found, start=1)}
    drawn = np.concatenate(batches)
    real = real[drawn] if len(real) == len(texts) else real
    texts, motions = texts[drawn], motions[drawn]
    if len(_made(np.concatenate([texts, motions], axis=1))):
        figures["mm_distance"] = mm_distance(texts, motions)
    if (made := len(_made(motions))) > 1:
        figures["fid"] = fid(protocol.fid_scale * real, protocol.fid_scale * motions)
        pairs = min(protocol.diversity_pairs, made)
        figures["diversity"] = diversity(protocol.diversity_scale * motions, pairs, random)
    return figures


def _made(motions: np.ndarray) -> np.ndarray:
    """The rows of motions that were made, float64."""
    motions = np.asarray(motions, dtype=float)
    if motions.ndim != 2:
        raise ValueError(f"Embeddings are (motions, numbers), not {motions.shape}.")
    made: np.ndarray = motions[np.isfinite(motions).all(axis=1)]
    return made


def _mean(distances: np.ndarray) -> float:
    """Mean of the distances that exist."""
    if np.isnan(distances).all():
        raise ValueError("No motion was made, so there are no distances.")
    return float(np.nanmean(distances))


def _factor(motions: np.ndarray) -> np.ndarray:
    """A matrix F (at most D, D) with FᵀF the covariance of motions (N, D)."""
    deviations = (motions - motions.mean(axis=0)) / np.sqrt(len(motions) - 1)
    return np.asarray(np.linalg.qr(deviations, mode="r"))


def _distances(texts: np.ndarray, motions: np.ndarray) -> np.ndarray:
    """(N, N) from each text to each motion; infinite where the motion was not made."""
    _check_pairs(texts, motions)
    apart = np.asarray(texts, float)[:, None] - np.asarray(motions, float)[None]
    distances = np.linalg.norm(apart, axis=-1)
    return np.where(np.isnan(distances), np.inf, distances)


def _check_pairs(texts: np.ndarray, motions: np.ndarray) -> None:
    if texts.ndim != 2 or texts.shape != motions.shape or not len(texts):
        raise ValueError(f"Texts and motions are pairs of embeddings (N, D), not {texts.shape} and {motions.shape}.")
