"""Properties that every scripted body keeps, in scenes of every kind."""

from collections import Counter
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from vimotion.choreography import KINDS, SceneParameters, make_scene, sample_parameters
from vimotion.choreography.targets import PALM_THICKNESS
from vimotion.motion import FPS, JOINT, SURFACE, Interaction, Skeleton
from vimotion.motion.rotations import matrix_to_axis_angle

SIDES = ("left", "right")
CASES = [(kind, seed) for kind in KINDS for seed in range(2)]


make = cache(make_scene)


def drawn(kind: str, seed: int, **fixed) -> SceneParameters:
    """A scene of one act of a kind."""
    parameters = sample_parameters(np.random.default_rng([seed, 5]), kind)
    return replace(parameters, **({"acts": parameters.acts[:1], "ending": "stay"} | fixed))


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def scene(request):
    return make(drawn(*request.param))


def foot_height(skeleton: Skeleton, joint: str) -> float:
    rest = skeleton.rest_positions
    return rest[JOINT[joint], 1] - rest[:, 1].min()


def test_lasts_as_long_as_a_clip_may(scene):
    assert 1.5 <= scene.interaction.duration <= 20.0
    assert all(0.0 <= event.start < event.end <= scene.interaction.duration for event in scene.events)


def test_nobody_is_below_the_floor_or_above_it(scene):
    lowest = scene.interaction.joint_positions[..., 1].min()
    assert -0.002 < lowest < 0.005


def test_a_standing_foot_does_not_slide(scene):
    motion = scene.interaction
    for person, skeleton in enumerate(motion.skeletons):
        for side in SIDES:
            ankle, toe = (motion.joint_positions[:, person, JOINT[f"{side}_{part}"]] for part in ("ankle", "foot"))
            down = toe[:, 1] < 0.001
            flat = down & (abs(ankle[:, 1] - foot_height(skeleton, f"{side}_ankle")) < 0.001)
            for joint, still in ((ankle, flat), (toe, down)):
                moved = np.linalg.norm(np.diff(joint, axis=0)[:, [0, 2]], axis=-1)
                assert moved[still[1:] & still[:-1]].max(initial=0.0) < 0.0025


def test_knees_and_elbows_bend_the_right_way_and_are_never_locked(scene):
    motion = scene.interaction
    for person, skeleton in enumerate(motion.skeletons):
        for side in SIDES:
            knee = motion.local_rotations[:, person, JOINT[f"{side}_knee"]]
            shin = knee @ skeleton.offsets[JOINT[f"{side}_ankle"]]
            assert (np.arctan2(-shin[:, 2], -shin[:, 1]) > np.radians(4)).all()  # backwards
            elbow = motion.local_rotations[:, person, JOINT[f"{side}_elbow"]]
            forearm = elbow @ skeleton.offsets[JOINT[f"{side}_wrist"]]
            assert (np.arctan2(forearm[:, 2], abs(forearm[:, 0])) > np.radians(4)).all()  # forwards


def test_wrists_and_neck_keep_their_limits(scene):
    turns = np.linalg.norm(matrix_to_axis_angle(scene.interaction.local_rotations), axis=-1)
    for joint, limit in (("left_wrist", 1.9), ("right_wrist", 1.9), ("neck", 0.9), ("head", 0.9), ("spine2", 0.7)):
        assert turns[:, :, JOINT[joint]].max() < limit, joint


def test_nothing_jumps(scene):
    rotations = scene.interaction.local_rotations
    steps = np.linalg.norm(matrix_to_axis_angle(np.swapaxes(rotations[:-1], -1, -2) @ rotations[1:]), axis=-1)
    arms = [JOINT[f"{side}_{part}"] for side in SIDES for part in ("shoulder", "elbow", "wrist")]
    assert steps[:, :, arms].max() < np.radians(95)  # the fastest punch takes four frames
    assert np.delete(steps, arms, axis=2).max() < np.radians(45)
    trunk = [JOINT[name] for name in ("pelvis", "spine1", "spine2", "spine3", "neck", "head")]
    assert steps[:, :, trunk].max() < np.radians(14)


def test_both_people_move(scene):
    motion = scene.interaction.joint_positions
    for person in (0, 1):
        path = np.linalg.norm(np.diff(motion[:, person, JOINT["head"]], axis=0), axis=-1).sum()
        assert path > 0.04


def touching(motion: Interaction, person: int, part: str) -> np.ndarray:
    """A palm, a joint, or where a palm lies that touches a place of the body."""
    if part.endswith("palm"):
        return motion.palm_positions(part.split("_")[0])[:, person]
    if part in JOINT:
        return motion.joint_positions[:, person, JOINT[part]]
    place = SURFACE[part]
    axes = motion.joint_orientations[:, person, JOINT[place.joint]]
    normal = axes @ np.array(place.normal)
    skin = axes @ (np.array(place.offset) * motion.skeletons[person].scale)
    lift = PALM_THICKNESS * normal / np.linalg.norm(normal, axis=-1, keepdims=True)
    return motion.joint_positions[:, person, JOINT[place.joint]] + skin + lift


def test_what_touches_is_together_for_the_whole_contact(scene):
    motion = scene.interaction
    for event in scene.events:
        if event.name == "contact":
            who = "ab".index(event.who)
            frames = slice(int(np.ceil(event.start * FPS - 1e-6)), int(event.end * FPS + 1e-6) + 1)
            apart = touching(motion, who, event.part)[frames] - touching(motion, 1 - who, event.target)[frames]
            distance = np.linalg.norm(apart, axis=-1)
            assert len(distance)
            assert distance.max() < (0.12 if event.part.endswith("palm") else 0.3), event
            # hands that knead or stroke come off the skin by centimetres
            assert np.median(distance) < (0.04 if event.part.endswith("palm") else 0.3), event


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_parameters_give_the_same_scene(kind):
    parameters = sample_parameters(np.random.default_rng(1), kind)
    one, two = make_scene(parameters), make_scene(parameters)
    assert one.events == two.events
    assert np.array_equal(one.interaction.joint_positions, two.interaction.joint_positions)


@pytest.mark.parametrize("kind", KINDS)
def test_the_other_actor_has_the_other_role_and_bodies_stay(kind):
    parameters = replace(sample_parameters(np.random.default_rng(2), kind), actor="a")
    one, two = make_scene(parameters), make_scene(replace(parameters, actor="b", speed="slow"))
    swap = {"a": "b", "b": "a"}
    assert Counter((e.name, e.who, e.part) for e in one.events) == Counter((e.name, swap[e.who], e.part) for e in two.events)
    for before, after in zip(one.interaction.skeletons, two.interaction.skeletons, strict=True):
        assert np.array_equal(before.offsets, after.offsets)


def peak_hand_speed(parameters: SceneParameters) -> float:
    """Of the actor's faster hand against the own pelvis, metres a second."""
    motion, who = make(parameters).interaction, "ab".index(parameters.actor)
    hands = [motion.palm_positions(side)[:, who] - motion.root_positions[:, who] for side in SIDES]
    return max(np.linalg.norm(np.diff(hand, axis=0), axis=-1).max() * FPS for hand in hands)


@pytest.mark.parametrize("kind", KINDS)
def test_speed_and_manner_show(kind):
    base = replace(sample_parameters(np.random.default_rng(3), kind), speed="normal", manner="neutral")
    length = make(base).interaction.duration
    assert make(replace(base, speed="slow")).interaction.duration == pytest.approx(1.4 * length, rel=0.12)
    assert make(replace(base, speed="fast")).interaction.duration == pytest.approx(0.7 * length, rel=0.12)
    neutral = peak_hand_speed(base)
    assert peak_hand_speed(replace(base, manner="forceful")) > 1.35 * neutral
    assert peak_hand_speed(replace(base, manner="gentle")) < 0.78 * neutral


@pytest.mark.parametrize("kind", ["handshake", "high_five"])
def test_the_actor_starts_clearly_earlier(kind):
    for seed in range(4):
        scene = make(SceneParameters(kind, count=2, seed=seed))
        motion = scene.interaction
        hands = motion.palm_positions("right") - motion.palm_positions("right")[0]
        begins = [int(np.argmax(np.linalg.norm(hands[:, person], axis=-1) > 0.1)) for person in (0, 1)]
        assert begins[1] - begins[0] >= 0.25 * FPS
