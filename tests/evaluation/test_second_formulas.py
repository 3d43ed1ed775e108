"""Measures of bodies once more, as plain loops in float64."""

import math

import numpy as np
import pytest
from poses import random_interaction

from vimotion.evaluation.bodies import ground_penetration, relation_error
from vimotion.evaluation.metrics import foot_sliding, jerk, mpjpe
from vimotion.motion import JOINT


@pytest.fixture(scope="module")
def positions() -> tuple[np.ndarray, np.ndarray]:
    first, second = (random_interaction(seed, 12, bend=0.4).joint_positions for seed in (1, 2))
    return first - [0, first[..., 1].min() + 0.05, 0], second


def _length(vector) -> float:  # type: ignore[no-untyped-def]
    return math.sqrt(sum(float(part) ** 2 for part in vector))


def test_joint_errors(positions) -> None:  # type: ignore[no-untyped-def]
    mine, theirs = positions
    frames, people, joints = mine.shape[:3]
    where = [(t, p, j) for t in range(frames) for p in range(people) for j in range(joints)]
    world = [_length(mine[t, p, j] - theirs[t, p, j]) for t, p, j in where]
    rooted = [_length((mine[t, p, j] - mine[t, p, 0]) - (theirs[t, p, j] - theirs[t, p, 0])) for t, p, j in where]
    assert mpjpe(mine, theirs) == pytest.approx(sum(world) / len(world), rel=1e-12)
    assert mpjpe(mine, theirs, rooted=True) == pytest.approx(sum(rooted) / len(rooted), rel=1e-12)


def test_relation(positions) -> None:  # type: ignore[no-untyped-def]
    mine, theirs = positions
    errors = [
        abs(_length(mine[t, 0, i] - mine[t, 1, j]) - _length(theirs[t, 0, i] - theirs[t, 1, j]))
        for t in range(len(mine))
        for i in range(22)
        for j in range(22)
    ]
    assert relation_error(mine, theirs) == pytest.approx(sum(errors) / len(errors), rel=1e-12)


def test_jerk(positions) -> None:  # type: ignore[no-untyped-def]
    mine, _ = positions
    third = [
        _length(mine[t + 3, p, j] - 3 * mine[t + 2, p, j] + 3 * mine[t + 1, p, j] - mine[t, p, j]) * 30.0**3
        for t in range(len(mine) - 3)
        for p in range(2)
        for j in range(22)
    ]
    assert jerk(mine, 30.0) == pytest.approx(sum(third) / len(third), rel=1e-9)


def test_foot_sliding(positions) -> None:  # type: ignore[no-untyped-def]
    mine, _ = positions
    feet = (JOINT["left_foot"], JOINT["right_foot"])
    speeds = []
    for p in range(2):
        lowest = min(mine[t, p, foot, 1] for t in range(len(mine)) for foot in feet)
        for t in range(1, len(mine)):
            low = [foot for foot in feet if max(mine[t, p, foot, 1], mine[t - 1, p, foot, 1]) < lowest + 0.05]
            if low:
                speeds.append(min(_length(mine[t, p, foot, ::2] - mine[t - 1, p, foot, ::2]) * 30.0 for foot in low))
    assert speeds and foot_sliding(mine, 30.0) == pytest.approx(sum(speeds) / len(speeds), rel=1e-9)


def test_ground_penetration(positions) -> None:  # type: ignore[no-untyped-def]
    mine, _ = positions
    depths = [max(0.0, -min(mine[t, p, j, 1] for j in range(22))) for t in range(len(mine)) for p in range(2)]
    assert max(depths) == pytest.approx(0.05)
    assert ground_penetration(mine) == pytest.approx(sum(depths) / len(depths), rel=1e-12)
