"""The judge on scripted scenes: the true kind and no other, and spoiled scenes are refused."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from vimotion.choreography import make_scene
from vimotion.choreography.kinds import KINDS
from vimotion.choreography.manner import MANNERS
from vimotion.choreography.parameters import Act, SceneParameters
from vimotion.choreography.sampling import possible_edits, sample_parameters
from vimotion.evaluation.edits import edit_failure, speed_measure, start_distance
from vimotion.evaluation.judge import CONTAINS, RULES, find, find_acts, recognise, shows
from vimotion.evaluation.manners import SHOWN, bearing, takes_on
from vimotion.evaluation.plausibility import implausible

EDITS = {
    "faster": "handshake", "slower": "block", "more_often": "pat_cheek", "less_often": "tap_shoulder", "other_hand": "slap",
    "other_person": "handshake", "start_near": "bow", "start_far": "point_at", "more_forceful": "wave", "gentler": "high_five",
}  # fmt: skip
TOUCHING = (
    "handshake", "hug", "high_five", "push", "pat_back", "punch_dodge", "grab", "dance", "kick", "slap", "step_on_foot",
    "carry_on_back", "sit_on_leg", "arm_wrestle", "touch_head", "pass_object", "block", "comfort",
)  # fmt: skip
FIRST = 5  # of the numbers that scenes are drawn with


@cache
def scene(kind, number=FIRST):
    parameters = sample_parameters(np.random.default_rng([43, number]), kind)
    return make_scene(replace(parameters, acts=parameters.acts[:1], ending="stay"))


def details(scene, finding):
    """What was asked and what was found, as far as it can be seen: who, side, count."""
    act, kind = scene.parameters.acts[0], KINDS[scene.parameters.acts[0].kind]
    seen = (
        act.kind != "collide_arms",  # both set off at once
        kind.sided and not (act.kind == "help_up" and "ground" in scene.parameters.postures),  # both hands take both arms
        len(kind.counts) > 1,
    )
    pairs = zip((act.actor, act.side, act.count), (finding.actor, finding.side, finding.count), seen, strict=True)
    return [(asked, found) for asked, found, visible in pairs if visible]


def test_there_is_a_rule_for_every_kind():
    assert set(RULES) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_the_true_kind_and_no_other(kind):
    for number in (FIRST, FIRST + 1):
        motion = scene(kind, number).interaction
        assert implausible(motion) is None
        findings = recognise(motion)
        assert {kind} <= {name for name, finding in findings.items() if finding} <= {kind, *CONTAINS.get(kind, ())}
        for asked, found in details(scene(kind, number), findings[kind]):
            assert asked == found


def test_several_acts_are_found_one_after_the_other():
    acts = (Act("wave", "a", "right", 2), Act("handshake", "b", "left", 3), Act("hug"))
    motion = make_scene(SceneParameters(acts, seed=5)).interaction
    found = find_acts(motion, ["wave", "handshake", "hug"])
    assert [(act.actor, act.side, act.count) for act in found[:2]] == [("a", "right", 2), ("b", "left", 3)]
    assert found[0].end < found[1].start and found[1].end < found[2].start
    assert find_acts(motion, ["hug", "handshake", "wave"]) is None
    assert find_acts(motion, ["wave", "kick", "hug"]) is None
    assert find_acts(motion, ["handshake"]) == [find(motion, "handshake")]


def changed(source, name, who=""):
    """The scene with an edit; None where there is no such edit of it."""
    found = [edit.parameters for edit in possible_edits(source.parameters) if (edit.name, edit.who) == (name, who)]
    return make_scene(found[0]).interaction if found else None


@pytest.mark.parametrize("edit", EDITS)
def test_the_edit_is_seen_and_a_copy_is_not(edit):
    kind = EDITS[edit]
    source = next(source for number in range(FIRST, FIRST + 30) if (source := scene(kind, number)) and changed(source, edit))
    before, after, manners = source.interaction, changed(source, edit), source.parameters.manners
    assert edit_failure(before, after, [kind], edit, manners) is None
    assert edit_failure(before, before, [kind], edit, manners) is not None
    assert edit_failure(before, scene("chase").interaction, [kind], edit, manners) == "the interaction is gone"


@pytest.mark.parametrize("manner", [manner for manner in MANNERS if manner not in ("neutral", "gentle", "forceful")])
def test_whoever_takes_on_a_manner_is_seen_to_and_nobody_else(manner):
    act = Act("handshake", "a", "right", 2)
    before = make_scene(SceneParameters((act,), distance="far", seed=3)).interaction
    after = make_scene(SceneParameters((act,), ("neutral", manner), distance="far", seed=3)).interaction
    assert edit_failure(before, after, ["handshake"], f"{manner} b") is None
    assert edit_failure(before, after, ["handshake"], f"{manner} a") == f"not {manner} a"
    assert edit_failure(before, after, ["handshake"], f"{manner} ab") == f"not {manner} ab"
    assert edit_failure(before, before, ["handshake"], f"{manner} b") == f"not {manner} b"
    opposite = "confident" if manner in ("shy", "tired", "sad", "elderly") else "elderly"
    assert edit_failure(before, after, ["handshake"], f"{opposite} b") == f"not {opposite} b"
    assert takes_on(after, before, 1, manner, "neutral")


def test_how_people_hold_themselves_does_not_hang_on_where_they_are():
    motion = scene("hug").interaction
    assert set(SHOWN) == set(MANNERS)
    assert bearing(motion.moved(yaw=2.0, translation=[3.0, 0.0, -7.0])) == pytest.approx(bearing(motion))
    assert bearing(motion.swapped()) == pytest.approx(bearing(motion)[::-1])
    assert bearing(motion.mirrored()) == pytest.approx(bearing(motion), abs=0.2)


def test_each_direction_of_an_edit():
    motion = scene("handshake").interaction
    quick = replace(motion.resampled(20.0), fps=30.0)
    assert speed_measure(quick) > 1.3 * speed_measure(motion)
    shake = ["handshake"]
    assert edit_failure(motion, quick, shake, "faster") is None
    assert edit_failure(motion, quick, shake, "slower") == "not slower"
    assert edit_failure(quick, motion, shake, "slower") is None
    assert edit_failure(motion, motion.mirrored(), shake, "other_hand") is None
    assert edit_failure(motion, motion.swapped(), shake, "other_person") is None
    assert edit_failure(motion, motion, ["hug"], "faster") == "the interaction is not in the motion before"
    assert start_distance(motion) == pytest.approx(start_distance(motion.swapped()))
    for unknown in ("sadder", "sad", "sad c", "faster b"):
        with pytest.raises(ValueError, match="no edit"):
            edit_failure(motion, motion, shake, unknown)


def test_people_who_sit_fall_ride_or_run_are_plausible_and_statues_of_them_do_not_glide():
    slide = np.linspace(0.0, 2.0, 90)[:, None, None] * np.array([1.0, 0.0, 0.0])
    for kind in ("help_up", "knock_over", "carry_on_back", "chase", "drag_down", "massage_leg", "sit_on_leg"):
        motion = scene(kind).interaction
        assert implausible(motion) is None
        statue = _frozen(motion)
        assert implausible(replace(statue, root_positions=statue.root_positions + slide)) == "feet slide"
        assert implausible(motion.moved(translation=[0.0, 0.6, 0.0])) == "floats"
        assert implausible(motion.moved(translation=[0.0, -0.3, 0.0])) == "under the ground"


def test_other_people_and_the_mirror_change_only_who_and_which_side():
    for kind in ("slap", "kick", "sit_on_leg", "whisper", "look_back", "point_at"):
        motion = scene(kind).interaction
        plain, swapped, mirrored = (find(m, kind) for m in (motion, motion.swapped(), motion.mirrored()))
        assert (plain.actor, plain.side) != (swapped.actor, swapped.side) and plain.side == swapped.side
        assert plain.actor == mirrored.actor and plain.side != mirrored.side


@pytest.mark.parametrize("kind", TOUCHING)
def test_people_in_the_wrong_place_do_nothing_together(kind):
    aside = np.array([[0.0, 0.0, 0.0], [0.8, 0.0, 0.0]])
    assert not shows(scene(kind).interaction.moved(translation=aside), [kind])


def test_the_other_person_of_another_scene_does_not_do():
    wrong = 0
    for number, kind in enumerate(TOUCHING):
        motion, stranger = scene(kind).interaction, scene(TOUCHING[number - 7]).interaction
        frames = min(motion.num_frames, stranger.num_frames)
        mixed = motion.person(0).frames(0, frames).joined(stranger.person(1).frames(0, frames))
        wrong += shows(mixed, [kind])
    assert wrong <= 5  # a back, a cheek or a leg may be where the other one had it


def test_noise_and_frozen_motion_are_refused():
    random = np.random.default_rng(0)
    for kind in list(KINDS)[::3]:
        motion = scene(kind).interaction
        shaken = motion.root_positions + random.normal(0, 0.3, motion.root_positions.shape)
        assert not shows(replace(motion, root_positions=shaken), [kind])
        assert not shows(_frozen(motion), [kind])


def _frozen(motion):
    return replace(
        motion,
        root_positions=np.repeat(motion.root_positions[:1], 90, axis=0),
        local_rotations=np.repeat(motion.local_rotations[:1], 90, axis=0),
    )
