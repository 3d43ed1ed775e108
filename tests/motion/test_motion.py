import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from poses import random_interaction

from vimotion.motion import (
    FEATURES,
    JOINT,
    JOINTS,
    NUM_FEATURES,
    PARENTS,
    Interaction,
    Skeleton,
    differentiable,
    foot_contacts,
    forward_kinematics,
    from_features,
    place,
    split_features,
    to_features,
)  # fmt: skip
from vimotion.motion.features import joint_features
from vimotion.motion.kinematics import local_from_global
from vimotion.motion.placing import place_joints
from vimotion.motion.rotations import matrix_to_6d
from vimotion.motion.skeleton import MIRRORED

seeds = st.integers(0, 10_000)
quick = settings(max_examples=25, deadline=None)


def test_skeleton_is_a_symmetric_t_pose() -> None:
    skeleton = Skeleton.standard()
    assert np.allclose(skeleton.mirrored().offsets, skeleton.offsets)
    rest = skeleton.rest_positions
    assert rest[JOINT["left_wrist"], 0] > rest[JOINT["left_shoulder"], 0] > 0
    assert abs(rest[JOINT["left_wrist"], 1] - rest[JOINT["left_shoulder"], 1]) < 0.03
    assert rest[JOINT["left_foot"], 2] > rest[JOINT["left_ankle"], 2] + 0.05
    assert rest[JOINT["head"], 1] > rest[JOINT["neck"], 1] > rest[JOINT["spine3"], 1] > 0
    assert all(parent < joint for joint, parent in enumerate(PARENTS))
    assert [MIRRORED[MIRRORED[joint]] for joint in range(22)] == list(range(22))
    assert skeleton.scaled(1.1).scale == pytest.approx(1.1)


def slow_forward_kinematics(root: np.ndarray, rotations: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """A second implementation: 4×4 matrices multiplied along the chain of each joint."""
    positions = []
    for joint in range(22):
        chain, at = [], joint
        while at != -1:
            chain.append(at)
            at = PARENTS[at]
        world = np.eye(4)
        for link in reversed(chain):
            step = np.eye(4)
            step[:3, :3] = rotations[link]
            step[:3, 3] = offsets[link] if link else root
            world = world @ step
        positions.append(world[:3, 3])
    return np.array(positions)


@quick
@given(seeds)
def test_kinematics_agree(seed: int) -> None:
    motion = random_interaction(seed, frames=3, bend=2.0)
    for person, skeleton in enumerate(motion.skeletons):
        slow = slow_forward_kinematics(motion.root_positions[1, person], motion.local_rotations[1, person], skeleton.offsets)
        assert np.allclose(motion.joint_positions[1, person], slow)
    offsets = torch.from_numpy(np.stack([skeleton.offsets for skeleton in motion.skeletons]))
    positions, orientations = differentiable.forward_kinematics(
        torch.from_numpy(motion.root_positions), torch.from_numpy(motion.local_rotations), offsets.expand(3, 2, 22, 3)
    )
    assert np.allclose(positions.numpy(), motion.joint_positions)
    assert np.allclose(orientations.numpy(), motion.joint_orientations)
    assert np.allclose(local_from_global(motion.joint_orientations), motion.local_rotations)


def test_torch_kinematics_gradient() -> None:
    motion = random_interaction(0, frames=2, people=1)
    root = torch.from_numpy(motion.root_positions).requires_grad_()
    rotations = torch.from_numpy(motion.local_rotations).requires_grad_()
    offsets = torch.from_numpy(motion.skeletons[0].offsets)
    assert torch.autograd.gradcheck(lambda *x: differentiable.forward_kinematics(*x, offsets)[0], (root, rotations))


def test_features_are_named_and_complete() -> None:
    assert NUM_FEATURES == 262
    stops = [(part.start, part.stop) for part in FEATURES.values()]
    assert stops == [(0, 66), (66, 132), (132, 258), (258, 262)]


@quick
@given(seeds)
def test_features_round_trip(seed: int) -> None:
    motion = random_interaction(seed)
    features = to_features(motion)
    assert features.shape == (39, 2, 262) and features.dtype == np.float32
    back = from_features(features, motion.skeletons)
    assert np.allclose(back.joint_positions, motion.joint_positions[:-1], atol=1e-4)
    estimated = from_features(features)
    assert [s.scale for s in estimated.skeletons] == pytest.approx([s.scale for s in motion.skeletons], rel=1e-4)
    positions, velocities, six, contacts = split_features(features)
    assert np.allclose(positions[:-1] + velocities[:-1], positions[1:], atol=1e-5)
    assert six.shape == (39, 2, 21, 6) and contacts.shape == (39, 2, 4)


@quick
@given(seeds)
def test_bones_may_follow_the_positions_where_rotations_are_off(seed: int) -> None:
    motion = random_interaction(seed)
    features = to_features(motion)
    features[..., FEATURES["rotations"]] += np.random.default_rng(seed).normal(
        0, 0.2, features[..., FEATURES["rotations"]].shape
    )
    by_rotations, by_positions = (from_features(features, motion.skeletons, follow) for follow in (False, True))
    assert np.allclose(by_positions.joint_positions, motion.joint_positions[:-1], atol=1e-4)
    assert np.abs(by_rotations.joint_positions - motion.joint_positions[:-1]).max() > 0.05
    # where both agree nothing changes, the roll of the bones neither
    plain = from_features(to_features(motion), motion.skeletons, follow_positions=True)
    assert np.allclose(plain.local_rotations, motion.local_rotations[:-1], atol=1e-3)


def test_root_orientation_survives_facing_backwards() -> None:
    motion = random_interaction(3).moved(np.pi)
    back = from_features(to_features(motion), motion.skeletons)
    assert np.allclose(back.local_rotations[:, :, 0], motion.local_rotations[:-1, :, 0], atol=1e-4)


@quick
@given(seeds, st.floats(-3, 3), st.floats(-5, 5))
def test_placing_does_not_depend_on_where_people_stood(seed: int, yaw: float, shift: float) -> None:
    motion = random_interaction(seed)
    moved = motion.moved(yaw, (shift, 0.3, -shift))
    for floor in ("together", "each"):
        placed = place(motion, floor)
        assert np.allclose(placed.joint_positions, place(moved, floor).joint_positions, atol=1e-6)
        assert np.allclose(place(placed, floor).joint_positions, placed.joint_positions, atol=1e-6)
        assert np.allclose(placed.root_positions[0, 0, [0, 2]], 0, atol=1e-9)
        assert np.allclose(placed.facing()[0, 0], [0, 0, 1], atol=1e-6)
    lowest = place(motion, "together").joint_positions[..., 1].min(axis=(0, 2))
    assert lowest.min() == pytest.approx(0, abs=1e-9)
    assert np.allclose(place(motion, "each").joint_positions[..., 1].min(axis=(0, 2)), 0)


@quick
@given(seeds, st.sampled_from([1, 2]))
def test_joints_alone_are_placed_and_described_like_the_motion(seed: int, people: int) -> None:
    motion = random_interaction(seed, people=people)
    six = matrix_to_6d(motion.local_rotations[:, :, 1:])
    for floor in ("together", "each"):
        positions = place_joints(motion.joint_positions, floor)
        expected = place(motion, floor)
        assert np.allclose(positions, expected.joint_positions, atol=1e-9)
        described = joint_features(positions, six)
        assert described.dtype == np.float64
        # without the contacts, which a rounding could change
        assert np.allclose(described[..., :258], to_features(expected)[..., :258], atol=1e-6)
    with pytest.raises(ValueError, match="together"):
        place_joints(motion.joint_positions, "none")


@quick
@given(seeds)
def test_placing_together_keeps_every_distance(seed: int) -> None:
    motion = random_interaction(seed)
    placed = place(motion)

    def distances(x: Interaction) -> np.ndarray:
        return np.linalg.norm(x.joint_positions[:, 0] - x.joint_positions[:, 1], axis=-1)

    assert np.allclose(distances(motion), distances(placed))


def official_placing(positions: np.ndarray) -> np.ndarray:
    """InterGen's canonicalisation of joint positions (T, 2, 22, 3), step by step as `formats.md` describes the loader."""
    people, roots, quaternions = [], [], []
    for person in range(2):
        p = positions[:, person].copy()
        p[..., 1] -= p[..., 1].min()
        root = p[0, 0] * np.array([1, 0, 1])
        across = p[0, JOINT["right_hip"]] - p[0, JOINT["left_hip"]]
        forward = np.cross([0, 1, 0], across)
        forward /= np.linalg.norm(forward)
        # quaternion between forward and +Z
        q = np.concatenate([[1 + forward @ [0, 0, 1]], np.cross(forward, [0, 0, 1])])
        q /= np.linalg.norm(q)
        people.append(rotate(q, p - root))
        roots.append(root)
        quaternions.append(q)
    q1, q2 = quaternions
    relative = multiply(q2, q1 * [1, -1, -1, -1])
    angle = np.arctan2(relative[2], relative[0])
    xz = rotate(q1, roots[1] - roots[0]) * np.array([1, 0, 1])
    inverse = np.array([np.cos(angle), 0, -np.sin(angle), 0])
    people[1] = rotate(inverse, people[1]) + xz
    return np.stack(people, axis=1)


def multiply(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    return np.concatenate([[p[0] * q[0] - p[1:] @ q[1:]], p[0] * q[1:] + q[0] * p[1:] + np.cross(p[1:], q[1:])])


def rotate(q: np.ndarray, points: np.ndarray) -> np.ndarray:
    axis = np.broadcast_to(q[1:], points.shape)
    twice = 2 * np.cross(axis, points)
    return points + q[0] * twice + np.cross(axis, twice)


@quick
@given(seeds)
def test_faithful_placing_equals_the_official_loader(seed: int) -> None:
    motion = random_interaction(seed)
    assert np.allclose(place(motion, "each").joint_positions, official_placing(motion.joint_positions), atol=1e-6)


@quick
@given(seeds)
def test_mirroring(seed: int) -> None:
    motion = random_interaction(seed)
    mirrored = motion.mirrored()
    assert np.allclose(mirrored.joint_positions, motion.joint_positions[:, :, list(MIRRORED)] * [-1, 1, 1])
    assert np.allclose(mirrored.mirrored().local_rotations, motion.local_rotations)
    assert np.allclose(mirrored.palm_positions("left"), motion.palm_positions("right") * [-1, 1, 1])
    assert np.allclose(place(mirrored).joint_positions, place(motion).mirrored().joint_positions, atol=1e-6)


@quick
@given(seeds)
def test_resampling_and_back(seed: int) -> None:
    motion = random_interaction(seed, frames=31)
    double = motion.resampled(60)
    assert double.num_frames == 61
    assert np.allclose(double.resampled(30).joint_positions, motion.joint_positions, atol=1e-8)


def test_people_and_time() -> None:
    motion = random_interaction(0)
    assert np.allclose(motion.swapped().joint_positions[:, 0], motion.joint_positions[:, 1])
    both = motion.person(0).joined(motion.person(1))
    assert np.allclose(both.joint_positions, motion.joint_positions)
    before = random_interaction(0).frames(10, 40).joint_positions  # by its own kinematics
    assert np.array_equal(motion.joint_positions[10:40], before)
    assert np.array_equal(motion.frames(10, 40).joint_positions, before)
    again = motion.frames(0, 10).followed_by(motion.frames(10, 40))
    assert np.allclose(again.root_positions, motion.root_positions) and again.duration == pytest.approx(40 / 30)
    with pytest.raises(ValueError, match="same number of frames"):
        motion.frames(0, 10).joined(motion)


def test_bad_interactions_are_refused() -> None:
    motion = random_interaction(0, frames=5)
    with pytest.raises(ValueError, match="not finite"):
        Interaction(motion.root_positions * np.nan, motion.local_rotations, motion.skeletons)
    with pytest.raises(ValueError, match="shape"):
        Interaction(motion.root_positions[:, :1], motion.local_rotations, motion.skeletons)
    with pytest.raises(ValueError, match="at least one frame"):
        motion.frames(5, 5)
    with pytest.raises(ValueError, match="resample"):
        to_features(motion.resampled(20))


def test_contacts_need_a_low_and_slow_foot() -> None:
    rest = Skeleton.standard().rest_positions + [0, Skeleton.standard().pelvis_height, 0]
    still = np.repeat(rest[None], 3, axis=0)
    assert foot_contacts(still).all() and foot_contacts(still).shape == (2, 4)
    assert not foot_contacts(still + [0, 0.2, 0]).any()
    sliding = still + np.arange(3)[:, None, None] * np.array([0.05, 0, 0])
    assert not foot_contacts(sliding).any()


def test_joint_names_follow_smpl() -> None:
    assert JOINTS[0] == "pelvis" and JOINTS[15] == "head" and JOINTS[21] == "right_wrist"
    positions, _ = forward_kinematics(np.zeros(3), np.tile(np.eye(3), (22, 1, 1)), Skeleton.standard().offsets)
    assert np.allclose(positions, Skeleton.standard().rest_positions)
