"""Metrics against values worked out by hand."""

import numpy as np
import pytest

from vimotion.evaluation.metrics import foot_sliding, jackknife, jerk, mean_interval, mpjpe, wilson_interval
from vimotion.motion import JOINT


def test_joint_error_in_the_world_and_rooted():
    truth = np.zeros((2, 1, 3, 3))
    moved = truth + [0.3, 0.0, 0.4]
    assert mpjpe(moved, truth) == pytest.approx(0.5)
    assert mpjpe(moved, truth, rooted=True) == pytest.approx(0.0)
    moved[:, :, 2, 1] += 0.6
    assert mpjpe(moved, truth, rooted=True) == pytest.approx(0.2)  # one of three joints is 0.6 m off
    with pytest.raises(ValueError, match="one shape"):
        mpjpe(moved, truth[:1])


def test_only_the_supporting_foot_slides():
    positions = np.full((4, 1, 22, 3), 0.5)
    assert foot_sliding(positions, 30) == 0.0
    left, right = JOINT["left_foot"], JOINT["right_foot"]
    positions[:, 0, left, 1] = 0.02
    positions[:, 0, left, 0] = np.arange(4) * 0.01
    positions[:, 0, right, 2] = np.arange(4) * 1.0  # in the air
    assert foot_sliding(positions, 30) == pytest.approx(0.3)
    positions[:, 0, right, 1] = 0.03  # low, but swinging
    assert foot_sliding(positions, 30) == pytest.approx(0.3)
    positions[:, 0, right, 2] = 0.0  # planted
    assert foot_sliding(positions, 30) == 0.0


def test_jerk_of_a_cubic_is_constant():
    time = np.arange(10) / 30
    positions = np.stack([time**3, np.zeros(10), time**2], axis=-1)
    assert jerk(positions, 30) == pytest.approx(6.0)
    with pytest.raises(ValueError, match="four frames"):
        jerk(positions[:3], 30)


def test_interval_of_a_mean():
    values = [1.0, 2.0, 4.0, 5.0]  # standard deviation √(10 / 3)
    low, high = mean_interval(values)
    assert (low + high) / 2 == pytest.approx(3.0)
    assert (high - low) / 2 == pytest.approx(1.96 * np.sqrt(10 / 3) / 2)
    assert mean_interval([1.0]) is None


def test_jackknife_of_a_mean_is_its_interval_and_of_a_ratio_holds_the_true_one():
    values = np.random.default_rng(0).normal(3.0, 1.0, 40)
    found = jackknife(lambda chosen: {"mean": values[list(chosen)].mean()}, len(values), groups=40)
    assert found["mean"] == pytest.approx(mean_interval(values))

    def ratio(random):
        below = random.uniform(1, 3, 100)
        above = 0.4 * below + random.normal(0, 0.5, 100)
        return jackknife(lambda chosen: {"ratio": above[list(chosen)].sum() / below[list(chosen)].sum()}, 100)["ratio"]

    held = [low < 0.4 < high for low, high in (ratio(np.random.default_rng(seed)) for seed in range(200))]
    assert 0.88 <= np.mean(held) <= 0.98  # ten groups give slightly too narrow ones
    assert jackknife(lambda chosen: {"number": len(chosen)}, 2) == {}  # one would be left


def test_wilson_interval():
    low, high = wilson_interval(8, 10)
    assert (low, high) == (pytest.approx(0.4902, abs=1e-4), pytest.approx(0.9433, abs=1e-4))
    assert wilson_interval(0, 10)[0] == 0.0
    assert wilson_interval(10, 10)[1] == 1.0
    assert wilson_interval(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match="cannot be"):
        wilson_interval(3, 2)
