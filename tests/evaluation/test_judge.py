"""The judge on hand-made motions: each rule says yes to its own, no to others, and no to a spoiled motion."""

from dataclasses import replace

import numpy as np
import pytest
from bodies import body, bow, chase, handshake, pair, pass_by, rock_paper_scissors, standing, walk_together, wave

from vimotion.evaluation.judge import RULES, find, recognise, shows
from vimotion.evaluation.plausibility import implausible
from vimotion.evaluation.signals import extremes, runs, smooth
from vimotion.motion import JOINT
from vimotion.motion.rotations import axis_angle_to_matrix

HAND_MADE = {
    "handshake": handshake, "wave": wave, "bow": bow, "walk_together": walk_together, "pass_by": pass_by, "chase": chase,
    "rock_paper_scissors": rock_paper_scissors,
}  # fmt: skip


@pytest.mark.parametrize("kind", HAND_MADE)
def test_a_motion_is_recognised_as_itself_alone(kind):
    findings = recognise(HAND_MADE[kind]())
    assert {name for name, finding in findings.items() if finding} == {kind}


def test_two_who_stand_do_nothing():
    assert not any(recognise(standing()).values())
    assert implausible(standing()) is None


def test_hands_that_miss_are_no_handshake():
    assert find(handshake(), "handshake")
    assert not find(handshake(apart=0.3), "handshake")


def test_hands_that_meet_without_a_shake_are_no_handshake():
    assert not find(handshake(shakes=0), "handshake")


def test_a_nod_is_no_bow():
    assert not find(bow(degrees=8.0), "bow")


def test_details_of_a_wave():
    left = find(wave(side="left", swings=3), "wave")
    assert (left.actor, left.side, left.count) == ("a", "left", 3)
    right = find(wave(side="right", swings=2).swapped(), "wave")
    assert (right.actor, right.side, right.count) == ("b", "right", 2)
    assert 0.2 < left.start < 1.2 < left.end < 3.0


def test_nobody_waves_at_a_back():
    assert not find(pair(wave().person(0), body(z=1.2)), "wave")


def test_who_begins_and_who_pursues():
    assert find(handshake(), "handshake").actor == "a"
    assert find(handshake().swapped(), "handshake").actor == "b"
    assert find(bow(), "bow").actor == "a"
    assert find(chase(), "chase").actor == "a"
    assert find(chase().swapped(), "chase").actor == "b"


@pytest.mark.parametrize("kind", HAND_MADE)
def test_the_world_frame_and_the_mirror_do_not_matter(kind):
    motion = HAND_MADE[kind]()
    assert find(motion.moved(yaw=2.0, translation=[3.0, 0.0, -7.0]), kind) == find(motion, kind)
    mirrored = find(motion.mirrored(), kind)
    assert mirrored is not None
    if find(motion, kind).side and kind != "pass_by":
        assert mirrored.side != find(motion, kind).side


def test_another_rate_is_the_same_motion():
    assert find(wave().resampled(60), "wave").count == find(wave(), "wave").count


def test_people_who_are_near_for_one_frame_walk_towards_nobody():
    motion = standing(distance=2.0)
    away = motion.root_positions.copy()
    away[30, 1] += (away[30, 0] - away[30, 1]) / 2
    assert find(replace(motion, root_positions=away), "walk_towards") is None


def test_unknown_kind_is_an_error():
    with pytest.raises(ValueError, match="no rule"):
        find(standing(), "sneeze")
    assert len(RULES) == 53


def test_gate_names_what_is_impossible():
    motion = standing()
    assert implausible(motion.person(0)) == "not two people"
    assert implausible(motion.frames(0, 5)) == "too short"
    assert implausible(motion.moved(translation=[0, 0.5, 0])) == "floats"
    assert implausible(motion.moved(translation=[0, -0.4, 0])) == "under the ground"
    slide = np.zeros((motion.num_frames, 2, 3))
    slide[:, 0, 0] = np.linspace(0, 2.0, motion.num_frames)
    assert implausible(replace(motion, root_positions=motion.root_positions + slide)) == "feet slide"
    assert implausible(standing(distance=0.05)) == "torsos overlap"
    wild = motion.local_rotations.copy()
    wild[::2, 0, JOINT["left_shoulder"]] = axis_angle_to_matrix(np.array([0.0, 0.0, 2.5]))
    assert implausible(replace(motion, local_rotations=wild)) == "limbs fly"
    for height in (0.0, 0.1):  # statues that glide, on the ground and above it
        assert not shows(walk_together().moved(translation=[0, height, 0]), ["walk_together"])


def test_runs_and_turning_points():
    mask = np.array([0, 1, 1, 0, 1, 1, 0, 0, 0, 0, 0, 1], dtype=bool)
    assert runs(mask, shortest=2, gap=1) == [(1, 6)]
    assert runs(mask, gap=0) == [(1, 3), (4, 6), (11, 12)]
    wiggle = np.sin(np.linspace(0, 6 * np.pi, 91))
    lows, highs = extremes(wiggle, 0.5)
    assert (wiggle[lows] < -0.9).sum() == 3 and (wiggle[highs] > 0.9).sum() == 3
    assert [len(turns) for turns in extremes(wiggle, 0.5, margin=2)] == [3, 3]
    assert extremes(wiggle * 0.1, 0.5) == ([], [])


def test_smoothing_keeps_length_and_means():
    assert smooth(np.arange(10.0), 5)[2:-2] == pytest.approx(np.arange(10.0)[2:-2])
    assert len(smooth(np.zeros((1, 3)))) == 1
