"""Properties that every scripted body keeps, in scenes of every kind."""

from collections import Counter
from dataclasses import asdict, replace
from functools import cache

import numpy as np
import pytest

from vimotion.choreography import KINDS, Act, SceneParameters, make_scene, sample_parameters
from vimotion.corpora.anatomy import beyond_limit, joint_angles
from vimotion.corpora.realism import contact_error, overlap
from vimotion.motion import FPS, JOINT, Skeleton
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


def test_joints_keep_their_limits(scene):
    for part, angles in joint_angles(scene.interaction).items():
        assert np.mean(beyond_limit(part, angles) > 5.0) < 0.01, part


# who walks in haste, backs off, turns round, bends until the chest faces the ground
_EXTREMES = [
    SceneParameters((Act("grab", side="left"), Act("blow_kiss", "b")), speed="fast", seed=1228838612),
    SceneParameters((Act("pass_by", side="left"), Act("whisper", "b")), ("neutral", "forceful"), "fast", seed=3),
    SceneParameters((Act("pat_cheek", count=3),), ("aggressive", "aggressive"), "fast", "far", seed=4),
    SceneParameters((Act("tap_shoulder"), Act("handshake")), ("excited", "excited"), "fast", "far", ending="part", seed=5),
    SceneParameters((Act("bend"),), ("elderly", "elderly"), seed=1877764275),
]


@pytest.mark.parametrize("parameters", _EXTREMES, ids=lambda parameters: parameters.acts[0].kind)
def test_joints_keep_their_limits_in_haste_and_in_deep_bends(parameters):
    for part, angles in joint_angles(make(parameters).interaction).items():
        assert beyond_limit(part, angles).max() < 8.0, part


def test_nobody_turns_their_back_to_make_room():
    motion = make(_EXTREMES[0]).interaction
    facing = motion.joint_orientations[:, :, 0, :, 2]
    assert (facing[:, 0, 2] * facing[:, 1, 2] < -0.5).all()  # towards each other along z


def test_nobody_passes_through_the_other(scene):
    torsos, _ = overlap(scene.interaction)
    assert torsos.max() < 0.03


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


def test_what_touches_is_together_for_the_whole_contact(scene):
    for event in scene.events:
        if event.name == "contact":
            errors = contact_error(scene.interaction, asdict(event))
            assert np.median(errors) < 0.03 and errors.max() < 0.08, event


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_parameters_give_the_same_scene(kind):
    one, two = make_scene(drawn(kind, 1)), make_scene(drawn(kind, 1))
    assert one.events == two.events
    assert np.array_equal(one.interaction.joint_positions, two.interaction.joint_positions)


@pytest.mark.parametrize("kind", KINDS)
def test_the_other_actor_has_the_other_role_and_bodies_stay(kind):
    parameters = drawn(kind, 2)
    other = replace(parameters.acts[0], actor="b" if parameters.acts[0].actor == "a" else "a")
    swapped = replace(parameters, acts=(other,), postures=parameters.postures[::-1], manners=parameters.manners[::-1])
    one, two = make(parameters), make(swapped)
    swap = {"a": "b", "b": "a"}
    assert Counter((e.name, e.who, e.part) for e in one.events) == Counter((e.name, swap[e.who], e.part) for e in two.events)
    for before, after in zip(one.interaction.skeletons, two.interaction.skeletons, strict=True):
        assert np.array_equal(before.offsets, after.offsets)


@pytest.mark.parametrize("kind", KINDS)
def test_speed_shows(kind):
    normal = drawn(kind, 3, speed="normal")
    length = make(normal).interaction.duration
    assert make(replace(normal, speed="slow")).interaction.duration == pytest.approx(1.4 * length, rel=0.02)
    assert make(replace(normal, speed="fast")).interaction.duration == pytest.approx(0.7 * length, rel=0.02)


def peak_hand_speed(parameters: SceneParameters) -> float:
    """Of the actor's faster hand against the own pelvis, metres a second."""
    motion, who = make(parameters).interaction, "ab".index(parameters.acts[0].actor)
    hands = [motion.palm_positions(side)[:, who] - motion.root_positions[:, who] for side in SIDES]
    return max(np.linalg.norm(np.diff(hand, axis=0), axis=-1).max() * FPS for hand in hands)


@pytest.mark.parametrize("kind", ["handshake", "high_five", "push", "tap_shoulder", "touch_head", "wave", "pass_object"])
def test_force_shows(kind):
    act = Act(kind, count=KINDS[kind].counts[0])
    gentle, neutral, forceful = (
        peak_hand_speed(SceneParameters((act,), manners=(manner, manner))) for manner in ("gentle", "neutral", "forceful")
    )
    assert forceful > 1.3 * neutral and gentle < 0.8 * neutral


@pytest.mark.parametrize("kind", ["handshake", "high_five"])
def test_the_actor_starts_clearly_earlier(kind):
    for seed in range(4):
        motion = make(SceneParameters((Act(kind, count=2),), seed=seed)).interaction
        hands = motion.palm_positions("right") - motion.palm_positions("right")[0]
        begins = [int(np.argmax(np.linalg.norm(hands[:, person], axis=-1) > 0.1)) for person in (0, 1)]
        assert begins[1] - begins[0] >= 0.25 * FPS


def test_who_sits_plays_rock_paper_scissors_in_turn():
    play = SceneParameters((Act("rock_paper_scissors", "a", "right", 2),), postures=("chair", "chair"), seed=3)
    motion = make_scene(play).interaction
    palms, pelvis = motion.joint_positions[:, :, JOINT["right_wrist"]], motion.joint_positions[:, :, JOINT["pelvis"]]
    aside = np.abs(palms - pelvis)[..., 0] > 0.3  # they face each other along z
    assert np.count_nonzero(np.diff(aside.astype(int), axis=0) == 1, axis=0).tolist() == [2, 2]
    assert not aside.all(axis=1).any()
    assert aside[:, 0].argmax() < aside[:, 1].argmax()


def test_who_is_dragged_down_ends_on_the_ground():
    motion = make_scene(SceneParameters((Act("drag_down", "a", "left"),), seed=3)).interaction
    assert motion.joint_positions[-1, :, JOINT["pelvis"], 1].max() < 0.2
