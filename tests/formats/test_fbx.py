"""FBX files: read back by ufbx, which shares nothing with our writer, and by three.js where node has it."""

import ctypes
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gltf import rotation
from hypothesis import given, settings
from hypothesis import strategies as st
from node import needs, three_js
from poses import random_interaction
from test_glb import odd_builds

from vimotion.formats import ExportOptions, save_motion
from vimotion.formats.bone_names import BONES, rig_names
from vimotion.formats.fbx import save_fbx
from vimotion.formats.fbx_binary import Record, write_tree
from vimotion.formats.human import REGIONS, load_human
from vimotion.motion import JOINTS, NUM_JOINTS, PARENTS, Interaction

ufbx = pytest.importorskip("ufbx", reason="ufbx is not installed")

_SCRIPT = """
const { FBXLoader } = await import(modules + '/three/examples/jsm/loaders/FBXLoader.js');
const scene = new FBXLoader().parse(bytes, '');
const mixer = new THREE.AnimationMixer(scene), answer = [];
mixer.clipAction(scene.animations[0]).play();
for (const time of given[0]) {
  mixer.setTime(time);
  scene.updateMatrixWorld(true);
  const places = {};
  scene.traverse(node => { if (node.isBone) places[node.name] = new THREE.Vector3().setFromMatrixPosition(node.matrixWorld).toArray(); });
  answer.push(places);
}
console.log(JSON.stringify(answer));
"""  # noqa: E501


def kept(thing: Any) -> Any:
    """ufbx 0.0.5 hands out elements of a scene without counting the reference, and crashes at the second use of a freed one:
    every element that is taken is kept for ever."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))
    return thing


def read(path: Path) -> Any:
    return kept(ufbx.load_file(str(path)))


def nodes_of(scene: Any, names: list[str]) -> list[Any]:
    return [kept(ufbx.find_node(scene, name)) for name in names]


def vector(value: object) -> np.ndarray:
    return np.array([value.x, value.y, value.z])


def matrix(value: object) -> np.ndarray:
    """(3, 4) from ufbx's four columns."""
    return np.stack([vector(column) for column in (value.c0, value.c1, value.c2, value.c3)], axis=-1)


def bones_in(path: Path, times: np.ndarray, names: list[list[str]]) -> np.ndarray:
    """(T, P, 22, 3, 4): the bones in the world, in centimetres.

    ufbx evaluates each bone in its parent's axes, and the chain is walked here.
    """
    scene = read(path)
    assert kept(scene.settings).unit_meters == 0.01
    animation = kept(scene.anim)
    bones = np.empty((len(times), len(names), NUM_JOINTS, 3, 4))
    for person, rig in enumerate(names):
        nodes = nodes_of(scene, rig)
        assert [nodes[PARENTS[joint]].name for joint in range(1, NUM_JOINTS)] == [kept(n.parent).name for n in nodes[1:]]
        over = kept(nodes[0].parent)
        assert over.name == "ab"[person] and kept(over.parent).is_root
        for index, time in enumerate(times):
            world = bones[index, person]
            for joint, node in enumerate(nodes):
                local = ufbx.evaluate_transform(animation, node, float(time))
                above = world[PARENTS[joint]] if joint else np.eye(4)[:3]
                start = vector(kept(over.local_transform).translation) if not joint else above[:, 3]
                quaternion = local.rotation
                turn = rotation((quaternion.x, quaternion.y, quaternion.z, quaternion.w))
                world[joint, :, :3] = above[:, :3] @ turn
                world[joint, :, 3] = start + above[:, :3] @ vector(local.translation)
    return bones


def joints_in(path: Path, times: np.ndarray, names: list[list[str]]) -> np.ndarray:
    """(T, P, 22, 3) metres."""
    return bones_in(path, times, names)[..., 3] / 100


def check_joints(motion: Interaction, path: Path, bones: str = "mixamo", skin: bool = True) -> None:
    lift = load_human().lift(motion.skeletons) if skin else 0.0
    names = [rig_names(bones, person) for person in range(motion.num_people)]
    found = joints_in(path, np.arange(motion.num_frames) / motion.fps, names)
    np.testing.assert_allclose(found, motion.joint_positions + [0, lift, 0], atol=1e-4)


@given(seed=st.integers(0, 10_000), people=st.integers(1, 2), frames=st.integers(1, 8), bend=st.floats(0, 3))
@settings(max_examples=10, deadline=None)
def test_joints_are_where_the_interaction_has_them(
    tmp_path_factory: pytest.TempPathFactory, seed: int, people: int, frames: int, bend: float
) -> None:
    motion = random_interaction(seed, frames=frames, people=people, bend=bend)
    path = tmp_path_factory.mktemp("fbx") / "motion.fbx"
    save_fbx(motion, path)
    check_joints(motion, path)


@pytest.mark.parametrize("bones", BONES)
@pytest.mark.parametrize("skin", [True, False])
def test_bone_names_and_no_skin(tmp_path: Path, bones: str, skin: bool) -> None:
    motion = odd_builds(random_interaction(3, frames=4)).moved(1.0, (20.0, 0.0, -3.0))
    save_motion(motion, tmp_path / "motion.fbx", ExportOptions(bones=bones, skin=skin))
    check_joints(motion, tmp_path / "motion.fbx", bones, skin)
    scene = read(tmp_path / "motion.fbx")
    assert len(kept(scene.meshes)) == len(kept(scene.skin_deformers)) == (2 if skin else 0)
    names = [kept(node).name for node in kept(scene.nodes)]
    assert len(names) == len(set(names)), "three.js finds bones by name over both people"


def test_skin_is_that_of_the_human(tmp_path: Path) -> None:
    motion, human = random_interaction(2, frames=3), load_human()
    save_fbx(motion, tmp_path / "motion.fbx")
    scene = read(tmp_path / "motion.fbx")
    bones = bones_in(tmp_path / "motion.fbx", np.array([2 / 30]), [rig_names("mixamo", 0), rig_names("mixamo", 1)])[0]
    for person, mesh in enumerate(map(kept, kept(scene.meshes))):
        rest = np.array([vector(value) for value in kept(kept(mesh.vertex_position).values)])
        points = np.concatenate([rest, np.ones((len(rest), 1))], axis=1)
        skinned = np.zeros_like(rest)
        worlds = dict(zip(rig_names("mixamo", person), bones[person], strict=True))
        for cluster in map(kept, kept(kept(kept(mesh.skin_deformers)[0]).clusters)):
            in_bone = np.concatenate([points @ matrix(cluster.geometry_to_bone).T, np.ones((len(rest), 1))], axis=1)
            moved = in_bone @ worlds[kept(cluster.bone_node).name].T
            vertices = np.array(list(kept(cluster.vertices)), dtype=int)
            skinned[vertices] += np.array(list(kept(cluster.weights)))[:, None] * moved[vertices]
        joints = motion.joint_positions[2, person], motion.joint_orientations[2, person]
        expected = human.skin(human.binding(motion.skeletons[person]), *joints) + [0, human.lift(motion.skeletons), 0]
        np.testing.assert_allclose(skinned / 100, expected, atol=1e-4)
        assert [kept(material).name for material in kept(mesh.materials)] == [f"{'ab'[person]} {region}" for region in REGIONS]
        assert mesh.num_faces == len(human.faces) and 0 <= rest[:, 1].min() + 1e-3 < 2


@pytest.mark.parametrize("fps", [30.0, 29.97])
def test_rate_and_length(tmp_path: Path, fps: float) -> None:
    motion = random_interaction(0, frames=31)
    motion = Interaction(motion.root_positions, motion.local_rotations, motion.skeletons, fps)
    save_fbx(motion, tmp_path / "motion.fbx")
    scene = read(tmp_path / "motion.fbx")
    assert kept(scene.settings).frames_per_second == pytest.approx(fps)
    assert kept(kept(scene.anim_stacks)[0]).time_end == pytest.approx(30 / fps)
    assert not list(kept(kept(scene.metadata).warnings))
    check_joints(motion.frames(30, 31), _last_frame(motion, tmp_path))


def _last_frame(motion: Interaction, folder: Path) -> Path:
    save_fbx(motion.frames(30, 31), folder / "last.fbx")
    return folder / "last.fbx"


def test_angles_do_not_jump_between_keys(tmp_path: Path) -> None:
    """Between keys a player blends angles: half a frame later a joint must be between its places, not a turn away."""
    motion = random_interaction(4, frames=20, people=1, bend=3.0).resampled(120.0)
    save_fbx(motion, tmp_path / "motion.fbx")
    between = (np.arange(motion.num_frames - 1) + 0.5) / motion.fps
    found = joints_in(tmp_path / "motion.fbx", between, [rig_names("mixamo")])
    middle = (motion.joint_positions[1:] + motion.joint_positions[:-1]) / 2 + [0, load_human().lift(motion.skeletons), 0]
    assert np.linalg.norm(found - middle, axis=-1).max() < 0.02


def test_records_by_a_reader_of_the_layout() -> None:
    """The offsets, by which every reader skips from record to record."""
    tree = [Record("A", [7, "é", np.int64(-1), 1.5, True, b"\x00"]), Record("B")]
    tree[1].add("C", np.arange(100, dtype=np.float64)).add("D")
    data = write_tree(tree)
    assert data[:23] == b"Kaydara FBX Binary  \x00\x1a\x00" and data[23:27] == struct.pack("<I", 7400)

    def names(at: int) -> tuple[list, int]:
        found = []
        while True:
            end, values, length, size = struct.unpack_from("<IIIB", data, at)
            if end == 0:
                return found, at + 13
            name = data[at + 13 : at + 13 + size].decode()
            inner = at + 13 + size + length
            below, after = names(inner) if inner < end else ([], inner)
            assert after == end
            found.append((name, values, below))
            at = end

    top, after = names(27)
    assert top == [("A", 6, []), ("B", 0, [("C", 1, [("D", 0, [])])])]
    assert data[after:].startswith(bytes.fromhex("fabcab09"))
    assert (len(data) - 4 - 120 - 16) % 16 == 0, "the version in the footer begins at a multiple of 16"


@needs("three")
def test_three_js_reads_it(tmp_path: Path) -> None:
    motion = random_interaction(6, frames=10)
    save_fbx(motion, tmp_path / "motion.fbx")
    frames = [0, 4, 9]
    answer = three_js(_SCRIPT, tmp_path / "motion.fbx", [frame / 30 for frame in frames])
    lift = [0, load_human().lift(motion.skeletons), 0]
    for frame, places in zip(frames, answer, strict=True):
        assert len(places) == 2 * NUM_JOINTS
        for person in range(2):
            found = [places[name.replace(":", "")] for name in rig_names("mixamo", person)]
            np.testing.assert_allclose(np.array(found) / 100, motion.joint_positions[frame, person] + lift, atol=1e-3)


def test_every_bone_has_a_name_of_its_own() -> None:
    for names in BONES.values():
        assert list(names) != [] and set(names) == set(JOINTS) and len(set(names.values())) == NUM_JOINTS
