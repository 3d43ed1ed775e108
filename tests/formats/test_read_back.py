"""One motion in every format, each read by a program that is not ours: all joints of all frames are within a millimetre, and
both people stand where they stood to each other.

FBX by ufbx, USD by usd-core, BVH by bvhio and pybvh, GLB by pygltflib, npz by NumPy.
"""

import struct
from pathlib import Path

import bvhio
import numpy as np
import pybvh
import pytest
from gltf import rotation
from made_motions import dance
from test_amass import PELVIS
from test_fbx import joints_in
from test_usd import posed

from vimotion.formats import ExportOptions, save_motion
from vimotion.formats.bone_names import rig_names
from vimotion.formats.human import load_human
from vimotion.formats.joint_names import MIXAMO
from vimotion.motion import JOINTS, NUM_JOINTS, Interaction, Skeleton

pygltflib = pytest.importorskip("pygltflib", reason="pygltflib is not installed")
Usd = pytest.importorskip("pxr.Usd", reason="usd-core is not installed")
MILLIMETRE = 1e-3
FRAMES = 24


@pytest.fixture(scope="module")
def motion() -> Interaction:
    """A tall and a short person, two metres apart, who face each other."""
    tall, short = (dance(FRAMES, skeleton=Skeleton.standard().scaled(size), seed=seed) for size, seed in ((1.1, 0), (0.85, 5)))
    return tall.joined(short.moved(np.pi, (0.4, 0.0, 2.0)))


def close(found: np.ndarray, motion: Interaction, lift: float = 0.0) -> None:
    assert found.shape == (FRAMES, 2, NUM_JOINTS, 3)
    assert np.linalg.norm(found - motion.joint_positions - [0, lift, 0], axis=-1).max() < MILLIMETRE


def lift_of(motion: Interaction) -> float:
    lift = load_human().lift(motion.skeletons)
    assert 0 < lift < 0.05
    return lift


@pytest.mark.parametrize("skin", [True, False])
def test_glb(motion: Interaction, tmp_path: Path, skin: bool) -> None:
    [path] = save_motion(motion, tmp_path / "motion.glb", ExportOptions(skin=skin))
    file = pygltflib.GLTF2().load(str(path))
    binary = file.binary_blob()

    def numbers(accessor: int) -> np.ndarray:
        described = file.accessors[accessor]
        assert described.componentType == pygltflib.FLOAT
        width = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}[described.type]
        start = (file.bufferViews[described.bufferView].byteOffset or 0) + (described.byteOffset or 0)
        return np.array(struct.unpack_from(f"<{described.count * width}f", binary, start)).reshape(described.count, width)

    tracks = {}
    for channel in file.animations[0].channels:
        sampler = file.animations[0].samplers[channel.sampler]
        assert np.allclose(numbers(sampler.input)[:, 0], np.arange(FRAMES) / 30, atol=1e-6)
        tracks[channel.target.node, channel.target.path] = numbers(sampler.output)
    found = np.empty((FRAMES, 2, NUM_JOINTS, 3))
    places = [{name: joint for joint, name in enumerate(rig_names("mixamo", person))} for person in range(2)]

    def walk(index: int, frame: int, turn: np.ndarray, place: np.ndarray) -> None:
        node = file.nodes[index]
        shift = tracks[index, "translation"][frame] if (index, "translation") in tracks else node.translation or [0, 0, 0]
        place = place + turn @ np.array(shift)
        if (index, "rotation") in tracks:
            turn = turn @ rotation(tracks[index, "rotation"][frame])
        for person in range(2):
            if node.name in places[person]:
                found[frame, person, places[person][node.name]] = place
        for child in node.children or []:
            walk(child, frame, turn, place)

    for frame in range(FRAMES):
        for root in file.scenes[file.scene].nodes:
            walk(root, frame, np.eye(3), np.zeros(3))
    close(found, motion, lift_of(motion) if skin else 0.0)
    assert len(file.meshes or []) == (2 if skin else 0)


@pytest.mark.parametrize("skin", [True, False])
def test_fbx(motion: Interaction, tmp_path: Path, skin: bool) -> None:
    [path] = save_motion(motion, tmp_path / "motion.fbx", ExportOptions(skin=skin))
    names = [rig_names("mixamo", person) for person in range(2)]
    close(joints_in(path, np.arange(FRAMES) / 30, names), motion, lift_of(motion) if skin else 0.0)


@pytest.mark.parametrize("skin", [True, False])
def test_usd(motion: Interaction, tmp_path: Path, skin: bool) -> None:
    [path] = save_motion(motion, tmp_path / "motion.usdz", ExportOptions(skin=skin))
    stage = Usd.Stage.Open(str(path))
    found = np.array([[posed(stage, person, frame)[1] for person in range(2)] for frame in range(FRAMES)])
    close(found, motion, lift_of(motion) if skin else 0.0)


def test_bvh(motion: Interaction, tmp_path: Path) -> None:
    paths = save_motion(motion, tmp_path / "motion.bvh")
    by_pybvh, by_bvhio = np.empty((2, FRAMES, 2, NUM_JOINTS, 3))
    for person, path in enumerate(paths):
        file = pybvh.read_bvh_file(path)
        columns = [list(file.joint_names).index(MIXAMO[joint]) for joint in JOINTS]
        by_pybvh[:, person] = file.joint_positions()[:, columns] / 100
        root = bvhio.readAsHierarchy(str(path))
        joints = {joint.Name: joint for joint, *_ in root.layout()}
        for frame in range(FRAMES):
            root.loadPose(frame)
            by_bvhio[frame, person] = [list(joints[MIXAMO[joint]].PositionWorld) for joint in JOINTS]
    close(by_pybvh, motion)
    close(by_bvhio / 100, motion)


def test_npz(motion: Interaction, tmp_path: Path) -> None:
    [path] = save_motion(motion, tmp_path / "motion.npz")
    with np.load(path, allow_pickle=False) as arrays:
        close(arrays["posed_joints"], motion)
    for person, one in enumerate(save_motion(motion, tmp_path / "motion.amass.npz")):
        with np.load(one, allow_pickle=False) as arrays:  # the rest of it: test_amass.py
            x, y, z = (arrays["trans"] + PELVIS).T
            assert np.abs(np.stack([x, z, -y], axis=-1) - motion.root_positions[:, person]).max() < MILLIMETRE
