"""The human: the asset against the skeleton, and skinning against a plain loop."""

from pathlib import Path

import numpy as np
import pytest
from poses import random_interaction

import vimotion.formats.human
from vimotion.formats.human import REGIONS, load_human, vertex_normals
from vimotion.motion import JOINT, NUM_JOINTS, Skeleton

STILL = np.tile(np.eye(3), (NUM_JOINTS, 1, 1))
ASSET = Path(vimotion.formats.human.__file__).parent / "assets" / "human.npz"
HUMAN = load_human()
STANDARD = Skeleton.standard()


def other_build(seed: int) -> Skeleton:
    """Every bone up to 20 % shorter or longer, and bent by a few degrees."""
    random = np.random.default_rng(seed)
    return Skeleton(STANDARD.offsets * random.uniform(0.8, 1.2, (NUM_JOINTS, 1)) + random.normal(size=(NUM_JOINTS, 3)) * 0.005)


def test_asset_and_skeleton_are_the_same_numbers() -> None:
    with np.load(ASSET, allow_pickle=False) as asset:
        np.testing.assert_array_equal(asset["offsets"], STANDARD.offsets)


def test_skeleton_is_a_symmetric_t_pose_in_millimetres() -> None:
    offsets = STANDARD.offsets
    np.testing.assert_array_equal(offsets, STANDARD.mirrored().offsets)
    np.testing.assert_array_equal(offsets, np.round(offsets, 3))
    for joint in ("left_elbow", "left_wrist"):
        assert offsets[JOINT[joint], 0] > 0.2 and not offsets[JOINT[joint], 1:].any()
    assert offsets[JOINT["left_foot"], 2] > 0.1 and offsets[JOINT["left_foot"], 0] == 0
    assert not offsets[JOINT["pelvis"]].any()


def test_mesh_is_a_person_who_faces_z_on_two_soles() -> None:
    vertices = HUMAN.vertices
    assert np.ptp(vertices[:, 1]) == pytest.approx(1.70, abs=0.02)
    assert 0.01 < HUMAN.lift([STANDARD]) < 0.05
    assert HUMAN.lift([STANDARD, STANDARD.scaled(1.1)]) == pytest.approx(1.1 * HUMAN.lift([STANDARD]))
    assert vertices[np.abs(vertices[:, 0]).argmax(), 1] == pytest.approx(
        STANDARD.rest_positions[JOINT["left_wrist"], 1], abs=0.06
    )
    nose = vertices[vertices[:, 1] > STANDARD.rest_positions[JOINT["head"], 1]][:, 2].max()
    assert nose > 0.1
    # both feet stand level and the mesh is closed enough to be lit: its normals point outwards
    for side in (-1, 1):
        foot = vertices[side * vertices[:, 0] > 0]
        assert foot[:, 1].min() == pytest.approx(vertices[:, 1].min(), abs=0.003)
    volume = (
        np.einsum("fi,fi->", vertices[HUMAN.faces[:, 0]], np.cross(vertices[HUMAN.faces[:, 1]], vertices[HUMAN.faces[:, 2]]))
        / 6
    )
    assert 0.04 < volume < 0.12


def test_arrays_are_lawful() -> None:
    assert 1000 < len(HUMAN.vertices) < 1300
    assert HUMAN.weights.shape == HUMAN.joints.shape == (len(HUMAN.vertices), 4)
    np.testing.assert_allclose(HUMAN.weights.sum(axis=1), 1.0, atol=1e-6)
    assert (HUMAN.weights >= 0).all() and HUMAN.joints.max() < NUM_JOINTS and not HUMAN.joints[HUMAN.weights == 0].any()
    assert set(HUMAN.faces.ravel()) == set(range(len(HUMAN.vertices)))
    np.testing.assert_allclose(np.linalg.norm(HUMAN.normals, axis=1), 1.0)
    assert set(HUMAN.regions) == set(range(len(REGIONS)))


def test_hands_follow_their_wrist_alone() -> None:
    far = np.abs(HUMAN.vertices[:, 0]) > STANDARD.rest_positions[JOINT["left_wrist"], 0] + 0.05
    wrists = HUMAN.dense_weights[far][:, [JOINT["left_wrist"], JOINT["right_wrist"]]]
    np.testing.assert_allclose(wrists.max(axis=1), 1.0, atol=0.01)
    np.testing.assert_array_equal(wrists.argmax(axis=1), (HUMAN.vertices[far, 0] < 0).astype(int))


def test_rest_pose_gives_the_rest_mesh() -> None:
    rest = HUMAN.skin(HUMAN.binding(STANDARD), STANDARD.rest_positions, STILL)
    np.testing.assert_allclose(rest, HUMAN.vertices, atol=1e-6)
    double = STANDARD.scaled(2)
    np.testing.assert_allclose(HUMAN.skin(HUMAN.binding(double), double.rest_positions, STILL), 2 * HUMAN.vertices, atol=1e-6)


def test_skinning_equals_a_plain_loop() -> None:
    motion = random_interaction(seed=3, frames=2, bend=0.8)
    bindings = np.stack([HUMAN.binding(skeleton) for skeleton in motion.skeletons])
    vertices = HUMAN.skin(bindings, motion.joint_positions, motion.joint_orientations)
    assert vertices.shape == (2, 2, len(HUMAN.vertices), 3)
    rest = STANDARD.rest_positions
    for person in range(2):
        size = motion.skeletons[person].scale
        for vertex in range(0, len(HUMAN.vertices), 17):
            expected = np.zeros(3)
            for weight, joint in zip(HUMAN.weights[vertex], HUMAN.joints[vertex], strict=True):
                arm = (HUMAN.vertices[vertex] - rest[joint]) * size
                turned = motion.joint_orientations[1, person, joint] @ arm
                expected += weight * (turned + motion.joint_positions[1, person, joint])
            np.testing.assert_allclose(vertices[1, person, vertex], expected, atol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_mesh_is_fitted_to_the_bones_of_another_build(seed: int) -> None:
    skeleton = other_build(seed)
    binding = HUMAN.binding(skeleton)
    rest = HUMAN.skin(binding, skeleton.rest_positions, STILL)
    assert np.abs(rest - HUMAN.vertices).max() < 0.3
    for start, end in (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist")):
        for side in ("left", "right"):  # where a bone ends in the standard mesh, it ends in the fitted one
            child = JOINT[f"{side}_{end}"]
            reached = binding[JOINT[f"{side}_{start}"]] @ [*STANDARD.rest_positions[child], 1.0]
            np.testing.assert_allclose(reached, skeleton.offsets[child], atol=1e-9)
    # one smooth trunk, wherever a rig puts its spine: in the T-pose all its joints move a point alike
    point = [*STANDARD.rest_positions[JOINT["neck"]], 1.0]
    for joint in ("pelvis", "spine1", "spine2", "spine3", "left_collar", "right_collar"):
        reached = binding[JOINT[joint]] @ point + skeleton.rest_positions[JOINT[joint]]
        np.testing.assert_allclose(reached, skeleton.rest_positions[JOINT["neck"]], atol=1e-9)


def test_bone_without_length_is_no_error() -> None:
    offsets = STANDARD.offsets.copy()
    offsets[[JOINT["spine2"], JOINT["left_collar"], JOINT["left_wrist"]]] = 0
    assert np.isfinite(HUMAN.binding(Skeleton(offsets))).all()


def test_normals_of_a_cube_corner() -> None:
    vertices = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    faces = np.array([[0, 2, 1], [0, 3, 2], [0, 1, 3]])
    np.testing.assert_allclose(vertex_normals(vertices, faces)[0], -np.ones(3) / np.sqrt(3))
