from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vimotion.choreography.curves import Track, hermite, minimum_jerk, oscillation, smooth, strike, under
from vimotion.choreography.gait import RUN, WALK, Footwork, Stance
from vimotion.choreography.limbs import FOLDED, TURN_LIMIT, limit_wrist, two_bone
from vimotion.motion.rotations import axis_angle_to_matrix

X = np.linspace(-0.5, 1.5, 401)


@pytest.mark.parametrize("profile", [minimum_jerk, strike])
def test_profiles_rise_from_rest_to_rest(profile):
    y = profile(X)
    assert y[0] == 0.0 and y[-1] == 1.0
    assert (np.diff(y) >= -1e-12).all() and abs(np.gradient(y, X)[[100, 300]]).max() < 0.05


def test_a_track_adds_its_pieces_and_holds_its_ends():
    track = Track()
    track.add((0.0, 0.0), (1.0, 2.0))
    track.add((2.0, 0.0), (3.0, -1.0), (4.0, 0.0))
    assert np.allclose(track.sample(np.array([-1.0, 0.5, 1.0, 3.0, 9.0])), [0.0, 1.0, 2.0, 1.0, 2.0])


@given(st.integers(1, 5))
def test_an_oscillation_has_its_cycles(cycles):
    wave = oscillation(np.linspace(0.0, 3.0, 3001), 1.0, 2.0, cycles)
    assert np.sum((wave[:-1] <= 0) & (wave[1:] > 0)) == cycles
    assert not wave[:1000].any() and abs(wave[2001:]).max() < 1e-9


def test_smoothing_keeps_a_constant_and_under_is_below():
    values = np.random.default_rng(0).normal(size=(50, 2))
    assert np.allclose(smooth(np.full((20, 3), 4.0), 2.0), 4.0)
    assert (under(values, 3) <= values).all()


@given(st.integers(0, 1000))
def test_two_bones_reach_what_they_can(seed):
    random = np.random.default_rng(seed)
    root, pole = random.normal(size=(2, 8, 3))
    upper, lower = random.uniform(0.2, 0.4, (2, 8, 1))
    target = root + random.normal(size=(8, 3)) * 0.3
    middle, end, hinge = two_bone(root, target, pole, upper, lower)
    assert np.allclose(np.linalg.norm(middle - root, axis=-1), upper[:, 0])
    assert np.allclose(np.linalg.norm(end - middle, axis=-1), lower[:, 0])
    distance = np.linalg.norm(target - root, axis=-1)
    folded = np.sqrt(upper**2 + lower**2 - 2.0 * upper * lower * np.cos(FOLDED))
    inside = (distance < 0.99 * (upper + lower)[:, 0]) & (distance > 1.01 * folded[:, 0])
    assert np.allclose(end[inside], target[inside], atol=1e-9)
    assert np.allclose(np.sum(hinge * (end - root), axis=-1), 0.0, atol=1e-9)


def test_wrist_limits_leave_small_turns_alone():
    axis = np.array([1.0, 0.0, 0.0])
    small = axis_angle_to_matrix(np.array([0.5, 0.2, 0.4]))
    kept, _ = limit_wrist(small[None], axis[None])
    assert np.allclose(kept[0], small, atol=1e-9)
    wild, turn = limit_wrist(axis_angle_to_matrix(np.array([2.8, 0.0, 0.0]))[None], axis[None])
    assert turn[0, 0] == pytest.approx(TURN_LIMIT) and np.trace(wild[0]) > np.trace(axis_angle_to_matrix(np.array([2.8, 0, 0])))


@pytest.mark.parametrize("gait", [WALK, RUN])
def test_walks_end_where_they_should_and_feet_alternate(gait):
    feet = Footwork((0.0, 0.0), 0.0, Stance(0.1, 0.1, 0.0))
    end = feet.walk(0.2, (1.0, 4.0), via=[(0.2, 2.0)], yaw=1.0, gait=gait, speed=1.3 if gait is WALK else 3.0)
    assert np.allclose(feet.pose, [1.0, 4.0, 1.0])
    assert np.allclose(feet.root(np.array([end + 1.0]))[0], feet.pose)
    order = [step.foot for step in feet.steps]
    assert all(a != b for a, b in pairwise(order))
    strides = [np.linalg.norm(b.pose[:2] - a.pose[:2]) for a, b in pairwise(feet.steps)]
    assert max(strides) < 1.5 * gait.step_length(1.3 if gait is WALK else 3.0)


def test_setting_off_while_still_stepping_is_refused():
    feet = Footwork((0.0, 0.0), 0.0, Stance(0.1, 0.1, 0.0))
    feet.walk(0.0, (0.0, 2.0))
    with pytest.raises(ValueError, match="steps until"):
        feet.step(0.5, forward=0.2)


@given(st.floats(0.7, 1.4))
def test_a_late_curve_keeps_its_ends_and_speeds(late):
    start, start_speed, end, end_speed = (np.array([value]) for value in (0.2, -0.5, 1.0, 0.8))
    x = np.linspace(0.0, 1.0, 2001)
    y = hermite(x, start, start_speed, end, end_speed, late)[:, 0]
    speed = np.gradient(y, x)
    assert np.allclose(y[[0, -1]], [0.2, 1.0]) and np.allclose(speed[[1, -2]], [-0.5, 0.8], atol=0.02)
    even = hermite(x, start, start_speed, end, end_speed)[:, 0]
    assert np.all((y - even) * (1.0 - late) >= -1e-12)


def test_a_runner_takes_short_stands_and_quick_steps():
    feet = Footwork((0.0, 0.0), 0.0, Stance(0.1, 0.1, 0.0))
    feet.walk(0.0, (0.0, 12.0), gait=RUN, speed=4.5)
    middle = feet.steps[3:-3]
    assert max(np.linalg.norm(b.pose[:2] - a.pose[:2]) for a, b in pairwise(middle)) < 1.35
    later = {step.foot: step for step in middle[2:4]}
    stands = [later[step.foot].lift - step.land for step in middle[:2]]
    assert max(stands) * 4.5 < 1.1 * RUN.contact
