"""Bodies in torch are the bodies of `motion`."""

import numpy as np
import pytest
import torch
from poses import random_interaction
from small import people

from vimotion.motion import JOINT, NUM_JOINTS, from_features, place, to_features
from vimotion.motion.rotations import matrix_to_6d
from vimotion.tokenizer.losses import TOUCHING, reconstruction_losses, vectors_between
from vimotion.tokenizer.representation import (
    NUM_INPUTS,
    NUM_POSE,
    body_from_features,
    encoder_inputs,
    features_from_pose,
    standard_body,
)


def _pose_of(seed: int, frames: int) -> tuple[torch.Tensor, torch.Tensor, np.ndarray]:
    """Pose (P, T, 138) and sizes (P,) that a perfect decoder would write, and the frame vectors (P, T, 262) they stand for."""
    interaction = place(random_interaction(seed, frames + 1))
    features = to_features(interaction).swapaxes(0, 1)
    pose = torch.zeros(2, frames, NUM_POSE)
    pose[..., :3] = torch.from_numpy(interaction.root_positions[:-1].swapaxes(0, 1))
    six = matrix_to_6d(interaction.local_rotations[:-1]).swapaxes(0, 1).reshape(2, frames, -1)
    pose[..., 3 : 3 + 6 * NUM_JOINTS] = torch.from_numpy(six)
    pose[..., -4:] = torch.from_numpy(np.where(features[..., -4:] > 0, 9.0, -9.0))
    return pose, torch.tensor([skeleton.scale for skeleton in interaction.skeletons], dtype=torch.float32), features


def test_a_perfect_decoder_gives_the_features_back() -> None:
    pose, size, features = _pose_of(1, 20)
    decoded = features_from_pose(pose, size, standard_body()).numpy()
    np.testing.assert_allclose(decoded[:, :-1], features[:, :-1], atol=1e-5)
    np.testing.assert_allclose(decoded[..., :66], features[..., :66], atol=1e-5)


@pytest.mark.parametrize("offset", [0, 1, 2, 3])
def test_a_perfect_decoder_has_no_loss(offset: int) -> None:
    pose, size, features = _pose_of(2, 16)
    features[..., -4:] = 0
    pose[..., -4:] = -20
    target = torch.from_numpy(features)[None]
    parts = reconstruction_losses(pose[None], size[None], target, torch.ones(1, 16), standard_body(), offset)
    assert {name for name, value in parts.items() if value > 1e-4} == set()


def test_a_jump_between_any_two_frames_is_seen() -> None:
    pose, size, features = _pose_of(2, 16)
    target, mask = torch.from_numpy(features)[None], torch.ones(1, 16)
    for frame in range(1, 16):
        jumped = pose.clone()
        jumped[:, frame:, 0] += 0.05
        parts = [reconstruction_losses(jumped[None], size[None], target, mask, standard_body(), k) for k in range(4)]
        assert sum(bool(part["velocity"] > 1e-3) for part in parts) == 1, frame


def test_every_joint_of_one_is_compared_with_every_joint_of_the_other() -> None:
    interaction = place(random_interaction(6, 9))
    body = body_from_features(torch.from_numpy(to_features(interaction).swapaxes(0, 1))[None], standard_body())
    vectors = vectors_between(body)
    assert vectors.shape == (1, 8, 13, 13, 3)
    wrist, palm = TOUCHING.index(JOINT["right_wrist"]), -1
    expected = interaction.palm_positions("right")[:-1, 1] - interaction.joint_positions[:-1, 0, JOINT["right_wrist"]]
    np.testing.assert_allclose(vectors[0, :, wrist, palm].numpy(), expected, atol=1e-4)


def test_padding_has_no_weight() -> None:
    pose, size, features = _pose_of(3, 16)
    target, mask = torch.from_numpy(features)[None], torch.ones(1, 16)
    mask[:, 8:] = 0
    before = reconstruction_losses(pose[None] * 1.1, size[None], target, mask, standard_body())
    changed = pose * 1.1
    changed[:, 8:] += 1
    after = reconstruction_losses(changed[None], size[None], target, mask, standard_body())
    for name, value in before.items():
        torch.testing.assert_close(after[name], value)


def test_a_bearing_that_is_off_all_the_time_is_told_from_trembling() -> None:
    pose, size, features = _pose_of(3, 16)
    target, mask = torch.from_numpy(features)[None], torch.ones(1, 16)
    rotations = slice(3, 3 + 6 * NUM_JOINTS)
    off, trembling = pose.clone(), pose.clone()
    off[..., rotations] += 0.1
    trembling[:, 0::2, rotations] += 0.1
    trembling[:, 1::2, rotations] -= 0.1
    parts = [reconstruction_losses(one[None], size[None], target, mask, standard_body()) for one in (off, trembling)]
    assert float(parts[0]["rotation"]) == pytest.approx(float(parts[1]["rotation"]), abs=0.01)
    assert float(parts[0]["carriage"]) == pytest.approx(0.1, abs=1e-3)
    assert float(parts[1]["carriage"]) < 1e-3


def test_the_body_of_frame_vectors() -> None:
    interaction = place(random_interaction(4, 13))
    features = to_features(interaction)
    body = body_from_features(torch.from_numpy(features), standard_body())
    rebuilt = from_features(features)
    np.testing.assert_allclose(body.rotations.numpy(), rebuilt.local_rotations, atol=1e-4)
    for index, side in enumerate(("left", "right")):
        np.testing.assert_allclose(body.palms[..., index, :].numpy(), interaction.palm_positions(side)[:-1], atol=1e-4)
    np.testing.assert_allclose(body.size[0].numpy(), [skeleton.scale for skeleton in interaction.skeletons], atol=1e-5)


def test_the_heading_frame_does_not_depend_on_where_one_stands() -> None:
    interaction = random_interaction(5, 11)
    moved = interaction.moved(yaw=1.2, translation=(3.0, 0.0, -2.0))
    here, there = (encoder_inputs(torch.from_numpy(to_features(who))) for who in (interaction, moved))
    assert here.shape[-1] == NUM_INPUTS
    torch.testing.assert_close(here[..., 262:-2], there[..., 262:-2], atol=1e-5, rtol=0)
    assert (here[..., -2:] - there[..., -2:]).abs().max() > 0.5


def test_in_the_heading_frame_the_left_hip_is_to_the_left() -> None:
    inputs = encoder_inputs(torch.from_numpy(people(6, 9)))
    joints = inputs[..., 262 : 262 + 66].unflatten(-1, (NUM_JOINTS, 3))
    left, right = joints[..., JOINT["left_hip"], :], joints[..., JOINT["right_hip"], :]
    assert (left[..., 0] > right[..., 0]).all()
    torch.testing.assert_close(left[..., 2], right[..., 2], atol=1e-5, rtol=0)
    torch.testing.assert_close(joints[..., 0, [0, 2]], torch.zeros(2, 9, 2), atol=1e-5, rtol=0)
