"""The judge on scripted scenes: the true kind and no other, and spoiled scenes are refused."""

from dataclasses import replace

import numpy as np
import pytest

from vimotion.choreography.parameters import KINDS
from vimotion.evaluation.edits import edit_failure, effort_measure, speed_measure, start_distance
from vimotion.evaluation.judge import find, is_kind, recognise
from vimotion.evaluation.plausibility import implausible

TOUCHING = ("handshake", "hug", "high_five", "push", "pat_back")


def kind_of(record):
    return record.facts["parameters"]["kind"]


@pytest.mark.parametrize("number", range(12))
def test_the_true_kind_and_no_other(scenes, number):
    record = scenes[number][0]
    motion, kind, parameters = record.interaction(), kind_of(record), record.facts["parameters"]
    assert implausible(motion) is None
    found = recognise(motion)
    assert {name for name, finding in found.items() if finding} == {kind}
    assert found[kind].actor == parameters["actor"]
    if KINDS[kind].sided:
        assert found[kind].side == parameters["side"]
    if len(KINDS[kind].counts) > 1:
        assert found[kind].count == parameters["count"]
    assert find(motion.swapped(), kind).actor != parameters["actor"]


@pytest.mark.parametrize("number", range(12))
def test_the_edit_is_seen_and_a_copy_is_not(scenes, number):
    source, edited = scenes[number]
    before, after, kind = source.interaction(), edited.interaction(), kind_of(source)
    assert edit_failure(before, after, kind, edited.edit) is None
    assert edit_failure(before, before, kind, edited.edit) is not None
    other = scenes[(number + 1) % 12][0].interaction()
    assert edit_failure(before, other, kind, edited.edit) == "the interaction is gone"


def test_each_direction_of_an_edit(scenes):
    motion = scenes[0][0].interaction()  # a handshake
    quick = replace(motion.resampled(20.0), fps=30.0)
    assert speed_measure(quick) > 1.3 * speed_measure(motion)
    assert effort_measure(quick, "a") > effort_measure(motion, "a")
    assert edit_failure(motion, quick, "handshake", "faster") is None
    assert edit_failure(motion, quick, "handshake", "slower") == "not slower"
    assert edit_failure(quick, motion, "handshake", "slower") is None
    assert edit_failure(quick, motion, "handshake", "gentler") is None
    assert edit_failure(motion, motion.mirrored(), "handshake", "other_hand") is None
    assert edit_failure(motion, motion.swapped(), "handshake", "other_person") is None
    assert edit_failure(motion, motion, "hug", "faster") == "the interaction is not in the motion before"
    assert start_distance(motion) == pytest.approx(start_distance(motion.swapped()))
    with pytest.raises(ValueError, match="no edit"):
        edit_failure(motion, motion, "handshake", "sadder")


def test_people_in_the_wrong_place_do_nothing_together(scenes):
    for record, _ in scenes:
        kind = kind_of(record)
        if kind in TOUCHING or kind == "punch_dodge":
            motion = record.interaction()
            aside = np.array([[0.0, 0.0, 0.0], [0.8, 0.0, 0.0]])
            assert not is_kind(motion.moved(translation=aside), kind), kind


def test_the_other_person_of_another_scene_does_not_do(scenes):
    wrong = 0
    for number, (record, _) in enumerate(scenes):
        motion, stranger = record.interaction(), scenes[(number + 4) % 12][0].interaction()
        frames = min(motion.num_frames, stranger.num_frames)
        mixed = motion.person(0).frames(0, frames).joined(stranger.person(1).frames(0, frames))
        wrong += is_kind(mixed, kind_of(record))
    assert wrong <= 2  # a wave only asks that the other stands and looks


def test_noise_and_frozen_motion_are_refused(scenes):
    random = np.random.default_rng(0)
    for record, _ in scenes:
        motion, kind = record.interaction(), kind_of(record)
        shaken = motion.root_positions + random.normal(0, 0.3, motion.root_positions.shape)
        assert not is_kind(replace(motion, root_positions=shaken), kind)
        assert not is_kind(_frozen(motion), kind)


def _frozen(motion):
    return replace(
        motion,
        root_positions=np.repeat(motion.root_positions[:1], 90, axis=0),
        local_rotations=np.repeat(motion.local_rotations[:1], 90, axis=0),
    )
