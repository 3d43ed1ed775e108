"""Cleaning: what it takes away, and what it must not touch."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from poses import random_interaction

from vimotion.motion import JOINT, NUM_JOINTS, Interaction, Skeleton
from vimotion.motion.cleaning import clean
from vimotion.motion.rotations import axis_angle_to_matrix

TOES = [JOINT["left_foot"], JOINT["right_foot"]]


def standing(frames: int = 60, shift: np.ndarray | float = 0.0, fps: float = 30.0) -> Interaction:
    """Somebody who stands with slightly bent knees; `shift` (T, 3) moves the whole body."""
    turns = np.zeros((frames, 1, NUM_JOINTS, 3))
    for side in ("left", "right"):
        turns[:, :, JOINT[f"{side}_hip"], 0], turns[:, :, JOINT[f"{side}_knee"], 0] = -0.2, 0.4
        turns[:, :, JOINT[f"{side}_ankle"], 0] = -0.2
    motion = Interaction(np.zeros((frames, 1, 3)), axis_angle_to_matrix(turns), (Skeleton.standard(),), fps)
    height = -motion.joint_positions[..., 1].min()
    return replace(motion, root_positions=motion.root_positions + [0, height, 0] + np.broadcast_to(shift, (frames, 3))[:, None])


def shaken(motion: Interaction, seed: int = 0, angle: float = 0.02, metres: float = 0.004) -> Interaction:
    random = np.random.default_rng(seed)
    noise = axis_angle_to_matrix(random.normal(size=(*motion.local_rotations.shape[:3], 3)) * angle)
    roots = motion.root_positions + random.normal(size=motion.root_positions.shape) * metres
    return replace(motion, root_positions=roots, local_rotations=motion.local_rotations @ noise)


def jerk(motion: Interaction) -> float:
    return float(np.linalg.norm(np.diff(motion.joint_positions, n=3, axis=0), axis=-1).mean() * motion.fps**3)


def wave(frames: int, fps: float = 30.0) -> np.ndarray:
    """Once a second to one side and the other."""
    return np.sin(2 * np.pi * np.arange(frames) / fps)


def handshake(frames: int = 60) -> Interaction:
    """Two people a metre apart whose right palms meet and go up and down together."""
    pair = []
    for turn, place in ((0.0, -0.45), (np.pi, 0.45)):
        one = standing(frames)
        turns = np.zeros((frames, NUM_JOINTS, 3))
        turns[:, JOINT["right_shoulder"], 1] = 1.0
        turns[:, JOINT["right_shoulder"], 2] = 0.2 * wave(frames)
        turns[:, JOINT["right_elbow"], 1] = 0.5
        rotations = one.local_rotations.copy()
        rotations[:, 0] = rotations[:, 0] @ axis_angle_to_matrix(turns)
        pair.append(replace(one, local_rotations=rotations).moved(turn, (0.0, 0.0, place)))
    meeting = pair[0].joined(pair[1])
    gap = (meeting.palm_positions("right")[:, 1] - meeting.palm_positions("right")[:, 0])[0]
    return meeting.moved(translation=np.stack([gap / 2, -gap / 2]) * [1, 0, 1])


def test_jitter_goes_and_the_motion_stays() -> None:
    still = standing(90)
    arms = np.zeros((90, 1, NUM_JOINTS, 3))
    arms[:, 0, JOINT["left_shoulder"], 2] = wave(90)
    true = replace(still, local_rotations=still.local_rotations @ axis_angle_to_matrix(arms))
    noisy = shaken(true)
    cleaned = clean(noisy)
    assert jerk(cleaned) < 0.3 * jerk(noisy)
    far = [np.linalg.norm(motion.joint_positions - true.joint_positions, axis=-1)[5:-5].mean() for motion in (noisy, cleaned)]
    assert far[1] < 0.8 * far[0], "it is nearer to the truth than before"
    assert np.linalg.norm(clean(true).joint_positions - true.joint_positions, axis=-1).max() < 0.01, "and the truth stays"


def test_feet_that_slide_are_planted() -> None:
    slide = np.linspace(0, 0.06, 60)[:, None] * [1, 0, 0]
    cleaned = clean(standing(60, slide))
    toes = cleaned.joint_positions[:, 0, TOES]
    assert np.ptp(toes, axis=0).max() < 1e-4
    ankles = cleaned.joint_positions[:, 0, [JOINT["left_ankle"], JOINT["right_ankle"]]]
    assert np.ptp(ankles, axis=0).max() < 1e-4, "the foot keeps its orientation, so the heel stays too"
    np.testing.assert_allclose(cleaned.root_positions[..., 0], standing(60, slide).root_positions[..., 0], atol=1e-9)


def test_a_foot_that_walks_on_is_not_planted() -> None:
    """A person pushed along at walking pace with stiff legs: nothing rests, and nothing is pulled back."""
    moving = standing(60, np.arange(60)[:, None] * [0.04, 0, 0])
    assert np.abs(clean(moving).joint_positions - moving.joint_positions).max() < 1e-6


def test_a_long_slow_slide_becomes_places_with_steps_between() -> None:
    """0.3 m in two seconds is too far for one place: the foot goes from place to place, and never jumps."""
    sliding = standing(60, np.linspace(0, 0.3, 60)[:, None] * [1, 0, 0])
    toes = clean(sliding).joint_positions[:, 0, TOES]
    steps = np.linalg.norm(np.diff(toes, axis=0), axis=-1)
    assert (steps < 1e-4).mean() > 0.5 and steps.max() < 0.05
    assert np.linalg.norm(toes - sliding.joint_positions[:, 0, TOES], axis=-1).max() < 0.06


def test_feet_do_not_sink() -> None:
    sunk = standing(60, np.tile([0.0, -0.03, 0.0], (60, 1)))
    assert sunk.joint_positions[..., 1].min() < -0.02
    cleaned = clean(sunk)
    assert cleaned.joint_positions[..., TOES, 1].min() > -1e-6
    assert cleaned.root_positions[10, 0, 1] > sunk.root_positions[10, 0, 1] + 0.02, "the body comes up, the knees stay"


def test_another_ground_is_left_alone() -> None:
    """A file whose ground is not at 0: its feet are not pulled up to it."""
    low = standing(60, np.tile([0.0, -0.9, 0.0], (60, 1)))
    np.testing.assert_allclose(clean(low).joint_positions, low.joint_positions, atol=1e-6)


@pytest.mark.parametrize("fps", [20.0, 30.0, 120.0])
def test_rates(fps: float) -> None:
    frames = int(2 * fps)
    sliding = standing(frames, np.linspace(0, 0.06, frames)[:, None] * [1, 0, 0], fps)
    cleaned = clean(shaken(sliding, angle=0.005, metres=0.001))
    assert jerk(cleaned) < 0.7 * jerk(shaken(sliding, angle=0.005, metres=0.001))
    assert np.ptp(cleaned.joint_positions[:, 0, TOES][..., [0, 2]], axis=0).max() < 1e-3


def test_hands_that_touch_still_touch() -> None:
    true = handshake()
    palms = true.palm_positions("right")
    assert np.linalg.norm(palms[:, 0] - palms[:, 1], axis=-1).max() < 0.1, "the scene of this test"
    noisy = shaken(true, angle=0.01, metres=0.002)
    cleaned = clean(noisy)
    before, after = (motion.palm_positions("right") for motion in (noisy, cleaned))
    gaps = [np.linalg.norm(palm[:, 0] - palm[:, 1], axis=-1) for palm in (before, after)]
    assert np.abs(gaps[0] - gaps[1]).max() < 2e-3
    assert jerk(cleaned) < 0.5 * jerk(noisy)


def test_a_slap_reaches_what_it_hit() -> None:
    """A quick hand loses its peak to any smoothing; where it touches it is put back."""
    pair = handshake()
    turns = np.zeros((60, 2, NUM_JOINTS, 3))
    turns[:, 0, JOINT["right_shoulder"], 1] = -1.2 * (1 - np.exp(-(((np.arange(60) - 30) / 2.0) ** 2)))
    slap = replace(pair, local_rotations=pair.local_rotations @ axis_angle_to_matrix(turns))
    palms = [motion.palm_positions("right") for motion in (slap, clean(slap))]
    gap = [np.linalg.norm(palm[:, 0] - palm[:, 1], axis=-1) for palm in palms]
    assert gap[0][20] > 0.4 and gap[0].argmin() in (29, 30, 31)
    assert gap[1].min() == pytest.approx(gap[0].min(), abs=2e-3)


def test_some_people_and_some_frames_are_left_alone() -> None:
    noisy = shaken(handshake(), angle=0.01)
    cleaned = clean(noisy, people=[1])
    assert np.array_equal(cleaned.joint_positions[:, 0], noisy.joint_positions[:, 0])
    assert jerk(cleaned.person(1)) < 0.5 * jerk(noisy.person(1))
    cleaned = clean(noisy, start=30)
    assert np.array_equal(cleaned.local_rotations[:30], noisy.local_rotations[:30])
    assert np.array_equal(cleaned.root_positions[:30], noisy.root_positions[:30])
    whole = clean(noisy)
    np.testing.assert_allclose(cleaned.joint_positions[45:], whole.joint_positions[45:], atol=1e-9)


@given(seed=st.integers(0, 10_000), people=st.integers(1, 2), frames=st.integers(1, 60), bend=st.floats(0, 3))
@settings(max_examples=40, deadline=None)
def test_any_motion_stays_one(seed: int, people: int, frames: int, bend: float) -> None:
    motion = random_interaction(seed, frames, people, bend)
    motion = replace(motion, root_positions=motion.root_positions - [0, 0.3, 0])  # some feet on the ground, some below it
    cleaned = clean(motion)
    assert (cleaned.num_frames, cleaned.fps, cleaned.skeletons) == (frames, motion.fps, motion.skeletons)
    turns = cleaned.local_rotations
    assert np.abs(turns @ np.swapaxes(turns, -1, -2) - np.eye(3)).max() < 1e-9 and (np.linalg.det(turns) > 0).all()
    hips, knees = (cleaned.joint_positions[:, :, JOINT[joint]] for joint in ("left_hip", "left_knee"))
    bones = np.linalg.norm(knees - hips, axis=-1)
    for person in range(people):
        assert np.abs(bones[:, person] - motion.skeletons[person].bone_lengths[JOINT["left_knee"]]).max() < 1e-9
    if frames <= 6:
        assert cleaned is motion, "too short to say what is jitter"
