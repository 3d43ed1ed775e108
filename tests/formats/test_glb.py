"""GLB files: read back with an independent reader, and judged by Khronos' validator."""

from pathlib import Path

import numpy as np
import pytest
from gltf import Gltf
from hypothesis import given, settings
from hypothesis import strategies as st
from node import check_glb, needs
from poses import random_interaction

from vimotion.formats.glb import save_glb
from vimotion.formats.human import REGIONS, load_human
from vimotion.motion import NUM_JOINTS, Interaction, Skeleton


def odd_builds(motion: Interaction) -> Interaction:
    """The same motion on people whose bones are not scaled alike."""
    random = np.random.default_rng(1)
    skeletons = [Skeleton(s.offsets * random.uniform(0.8, 1.2, (NUM_JOINTS, 1))) for s in motion.skeletons]
    return Interaction(motion.root_positions, motion.local_rotations, tuple(skeletons), motion.fps)


def check_joints(motion: Interaction, gltf: Gltf, frames: list[int]) -> None:
    lift = np.array([0.0, load_human().lift(motion.skeletons), 0.0])
    for frame in frames:
        world = gltf.world(frame)
        for person in range(motion.num_people):
            joints = [world[node][:3, 3] for node in gltf.document["skins"][person]["joints"]]
            np.testing.assert_allclose(joints, motion.joint_positions[frame, person] + lift, atol=1e-4)


@given(seed=st.integers(0, 10_000), people=st.integers(1, 2), frames=st.integers(1, 12), bend=st.floats(0, 3))
@settings(max_examples=25, deadline=None)
def test_joints_are_where_the_interaction_has_them(
    tmp_path_factory: pytest.TempPathFactory, seed: int, people: int, frames: int, bend: float
) -> None:
    motion = random_interaction(seed, frames=frames, people=people, bend=bend)
    path = tmp_path_factory.mktemp("glb") / "motion.glb"
    save_glb(motion, path)
    check_joints(motion, Gltf(path), [0, frames - 1])


def test_unlike_bones_far_away_and_long_after(tmp_path: Path) -> None:
    motion = odd_builds(random_interaction(5, frames=400)).moved(yaw=2.0, translation=(30.0, 0.5, -20.0))
    save_glb(motion, tmp_path / "motion.glb")
    check_joints(motion, Gltf(tmp_path / "motion.glb"), [0, 199, 399])


def test_skin_is_that_of_the_human(tmp_path: Path) -> None:
    motion, human = odd_builds(random_interaction(2, frames=3)), load_human()
    save_glb(motion, tmp_path / "motion.glb")
    gltf = Gltf(tmp_path / "motion.glb")
    for person, skeleton in enumerate(motion.skeletons):
        positions, orientations = motion.joint_positions[2, person], motion.joint_orientations[2, person]
        expected = human.skin(human.binding(skeleton), positions, orientations) + [0, human.lift(motion.skeletons), 0]
        np.testing.assert_allclose(gltf.skinned(person, 2), expected, atol=1e-5)


def test_soles_stand_on_the_ground_in_the_rest_pose(tmp_path: Path) -> None:
    skeleton = Skeleton.standard()
    root = np.array([[[0.0, skeleton.pelvis_height, 0.0]]])
    save_glb(Interaction(root, np.tile(np.eye(3), (1, 1, NUM_JOINTS, 1, 1)), (skeleton,)), tmp_path / "rest.glb")
    assert Gltf(tmp_path / "rest.glb").skinned(0, 0)[:, 1].min() == pytest.approx(0.0, abs=1e-6)


def test_structure(tmp_path: Path) -> None:
    motion = random_interaction(0, frames=31)
    save_glb(motion, tmp_path / "motion.glb")
    gltf = Gltf(tmp_path / "motion.glb")
    document, animation = gltf.document, gltf.document["animations"][0]
    assert len({sampler["input"] for sampler in animation["samplers"]}) == 1
    clock = document["accessors"][animation["samplers"][0]["input"]]
    assert clock["min"] == [0.0] and clock["max"] == [1.0]
    names = [document["nodes"][joint]["name"] for joint in document["skins"][1]["joints"]]
    assert names[0] == "mixamorig1:Hips" and names[20] == "mixamorig1:LeftHand"
    assert gltf.node("a") != gltf.node("b")
    first = [mesh["primitives"][0]["material"] for mesh in document["meshes"]]
    colours = [document["materials"][index]["pbrMetallicRoughness"]["baseColorFactor"] for index in first]
    assert colours[0][0] > colours[0][2] and colours[1][2] > colours[1][0], "a is warm, b is blue"
    assert [len(mesh["primitives"]) for mesh in document["meshes"]] == [len(REGIONS)] * 2
    # neighbouring keys are on one side of the sphere of quaternions, or a player would turn the long way round
    for sampler, channel in zip(animation["samplers"], animation["channels"], strict=True):
        if channel["target"]["path"] == "rotation":
            keys = gltf.array(sampler["output"])
            assert (np.sum(keys[1:] * keys[:-1], axis=1) > 0).all()


@needs("gltf-validator")
@pytest.mark.parametrize(("frames", "people"), [(1, 1), (90, 2)])
def test_khronos_validator_finds_nothing(tmp_path: Path, frames: int, people: int) -> None:
    save_glb(odd_builds(random_interaction(7, frames=frames, people=people, bend=2)), tmp_path / "motion.glb")
    check_glb(tmp_path / "motion.glb")
