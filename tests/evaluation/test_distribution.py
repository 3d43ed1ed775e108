"""Measures on embeddings: by hand, against scipy and plain formulas, and what broken inputs do to them."""

import numpy as np
import pytest
from scipy import linalg

from vimotion.evaluation.distribution import (
    OFFICIAL_PROTOCOL,
    Protocol,
    diversity,
    fid,
    measure,
    mm_distance,
    multimodality,
    r_precision,
    summary,
)

RANDOM = np.random.default_rng(0)


def _pairs(number: int, noise: float, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    texts = random.normal(size=(number, 8))
    return texts, texts + noise * random.normal(size=texts.shape)


def test_retrieval_by_hand() -> None:
    texts = np.array([[0.0], [10.0], [20.0], [30.0]])
    # nearer than their own motion are none to the first two, one to the third (14), all to the last
    motions = np.array([[0.0], [14.0], [27.0], [-100.0]])
    np.testing.assert_allclose(r_precision(texts, motions), [2 / 4, 3 / 4, 3 / 4])
    np.testing.assert_allclose(r_precision(texts, motions, most=4), [2 / 4, 3 / 4, 3 / 4, 1])
    assert mm_distance(texts, motions) == pytest.approx((0 + 4 + 7 + 130) / 4)


def test_retrieval_by_a_second_formula() -> None:
    texts, motions = _pairs(96, 0.7)
    squared = (texts**2).sum(1)[:, None] + (motions**2).sum(1) - 2 * texts @ motions.T
    order = np.argsort(squared, axis=1)
    hits = [np.mean([i in order[i, :k] for i in range(96)]) for k in (1, 2, 3)]
    np.testing.assert_allclose(r_precision(texts, motions), hits)
    assert 0.3 < hits[0] < hits[2] < 1


def test_equally_near_motions_score_chance() -> None:
    same = np.ones((96, 4))
    np.testing.assert_allclose(r_precision(RANDOM.normal(size=(96, 4)), same), [1 / 96, 2 / 96, 3 / 96])
    twice = np.array([[0.0], [0.0], [5.0]])
    np.testing.assert_allclose(r_precision(np.array([[0.0], [0.0], [5.0]]), twice), [2 / 3, 1.0, 1.0])


def test_a_motion_that_failed_is_never_found() -> None:
    texts, motions = _pairs(96, 0.01)
    motions[:48] = np.nan
    np.testing.assert_allclose(r_precision(texts, motions), 0.5)
    np.testing.assert_allclose(r_precision(texts, np.full_like(motions, np.nan)), 0.0)
    assert mm_distance(texts, motions) == pytest.approx(mm_distance(texts[48:], motions[48:]))
    with pytest.raises(ValueError, match="No motion was made"):
        mm_distance(texts, np.full_like(motions, np.nan))
    assert fid(texts, motions) == pytest.approx(fid(texts, motions[48:]))


def test_fid_by_hand() -> None:
    first, second = np.array([[0.0], [2.0]]), np.array([[3.0], [11.0]])
    # means 1 and 7; deviations √2 and √32
    assert fid(first, second) == pytest.approx(36 + (np.sqrt(2) - np.sqrt(32)) ** 2)
    assert fid(first, first + 5) == pytest.approx(25)
    wide = RANDOM.normal(size=(50, 3)) * [1, 2, 3]
    assert fid(wide, wide[::-1]) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("number", "other"), [(500, 300), (7, 500), (7, 5)])
def test_fid_agrees_with_scipy(number: int, other: int) -> None:
    mix = np.random.default_rng(5).normal(size=(12, 12))
    first = RANDOM.normal(size=(number, 12)) @ mix + 1
    second = RANDOM.normal(size=(other, 12))
    one, two = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    root = linalg.sqrtm(one @ two)
    apart = first.mean(0) - second.mean(0)
    expected = apart @ apart + np.trace(one) + np.trace(two) - 2 * np.trace(root).real
    # scipy's root of a singular product is itself only good to 1e-5
    assert fid(first, second) == pytest.approx(expected, rel=1e-9 if min(number, other) > 12 else 1e-4)


def test_fid_is_float64_for_float32_embeddings() -> None:
    far = (RANDOM.normal(size=(200, 4)) + 3000).astype(np.float32)
    assert fid(far, far.astype(np.float64) + 0.5) == pytest.approx(1.0, rel=1e-9)


def test_noise_raises_fid_step_by_step() -> None:
    real, other = RANDOM.normal(size=(400, 8)), RANDOM.normal(size=(400, 8))
    steps = [fid(real, other + noise * RANDOM.normal(size=other.shape)) for noise in (0.0, 0.3, 0.6, 1.2)]
    assert steps == sorted(steps) and steps[0] < 0.3 < steps[-1]


def test_diversity_and_multimodality() -> None:
    motions = np.array([[0.0, 0.0], [3.0, 4.0]])
    seen = {diversity(motions, 2, np.random.default_rng(seed)) for seed in range(20)}
    assert seen == {0.0, 5.0}  # two draws without replacement: the same order or the other one
    cloud = RANDOM.normal(size=(4000, 3))
    # two normal points in space are 4 / √π apart on the average
    assert diversity(cloud, 4000, np.random.default_rng(0)) == pytest.approx(4 / np.sqrt(np.pi), rel=0.02)
    with pytest.raises(ValueError, match="300 pairs"):
        diversity(motions, 300, RANDOM)
    samples = np.array([[[0.0], [1.0]], [[0.0], [3.0]]])
    seen = {multimodality(samples, 1, np.random.default_rng(seed)) for seed in range(20)}
    assert seen == {0.0, 2.0}
    with pytest.raises(ValueError, match="at least 3"):
        multimodality(samples, 3, RANDOM)


def test_mean_and_interval() -> None:
    values = [1.0, 2.0, 3.0, 6.0]
    found = summary(values)
    assert found.mean == 3.0
    assert found.interval == pytest.approx(1.96 * np.sqrt((4 + 1 + 0 + 9) / 4) / 2)
    assert summary([2.0] * 20).interval == 0.0


def test_a_whole_measurement_repeats_and_scales() -> None:
    texts, motions = _pairs(400, 1.0)
    real = _pairs(400, 1.0, seed=2)[1]
    protocol = Protocol(repeats=5)
    found = measure([(texts, motions)], real, protocol, seed=3)
    assert found == measure([(texts, motions)], real, protocol, seed=3)
    assert list(found) == ["r_1", "r_2", "r_3", "mm_distance", "fid", "diversity"]
    assert found["r_1"].interval > 0 and found["r_1"] != measure([(texts, motions)], real, protocol, seed=4)["r_1"]
    official = measure([(texts, motions)], real, OFFICIAL_PROTOCOL.model_copy(update={"repeats": 5}), seed=3)
    factors = {"fid": 36, "diversity": 3}
    for name, figure in found.items():
        assert official[name].mean == pytest.approx(factors.get(name, 1) * figure.mean)
    shuffled = measure([(texts, RANDOM.permutation(motions))], real, protocol)
    assert shuffled["r_3"].mean == pytest.approx(3 / 96, abs=0.03)
    assert (OFFICIAL_PROTOCOL.batch, OFFICIAL_PROTOCOL.repeats, OFFICIAL_PROTOCOL.diversity_pairs) == (96, 20, 300)


def test_each_repeat_may_bring_motions_of_its_own() -> None:
    good, bad = _pairs(96, 0.01), _pairs(96, 50.0)
    found = measure([good, bad], good[1], Protocol(repeats=4))
    assert 0.45 < found["r_1"].mean < 0.6 and found["r_1"].interval > 0.4
    # each as often as the other, also where the protocol's repeats are odd
    assert measure([good, bad], good[1], Protocol(repeats=3))["r_1"] == found["r_1"]


def test_true_motions_are_at_no_distance_from_themselves_also_where_a_batch_leaves_some_out() -> None:
    texts, motions = _pairs(100, 0.5)
    assert measure([(texts, motions)], motions, Protocol(repeats=2))["fid"].mean == pytest.approx(0, abs=1e-9)


def test_half_the_answers_removed_count_as_failures() -> None:
    texts, motions = _pairs(192, 0.5)
    whole = measure([(texts, motions)], motions, Protocol(repeats=3))
    motions = motions.copy()
    motions[::2] = np.nan
    half = measure([(texts, motions)], motions, Protocol(repeats=3))
    assert half["r_3"].mean == pytest.approx(0.5, abs=0.02) and whole["r_3"].mean > 0.95
    with pytest.raises(ValueError, match="only 50"):
        measure([(texts[:50], motions[:50])], motions, Protocol())
