"""GLB files read as motion: our own come back, and others' come in as they were meant."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from foreign_glb import ARMATURE, Body, Writer, quaternions
from hypothesis import given, settings
from hypothesis import strategies as st
from made_motions import dance
from node import needs, three_js
from poses import random_interaction
from test_bvh import distance
from test_glb import odd_builds

from vimotion.errors import UserError
from vimotion.formats import ExportOptions, load_motion, save_motion
from vimotion.formats.bone_names import BONES
from vimotion.formats.glb_reader import parse_glb
from vimotion.formats.joint_names import JointTable
from vimotion.motion import JOINT, Interaction
from vimotion.motion.rotations import axis_angle_to_matrix, matrix_to_axis_angle

MILLIMETRE = 1e-3
_SCRIPT = """
const { GLTFLoader } = await import(modules + '/three/examples/jsm/loaders/GLTFLoader.js');
const gltf = await new GLTFLoader().parseAsync(bytes, '');
const mixer = new THREE.AnimationMixer(gltf.scene), answer = [], nodes = [], [times, joints] = given;
const action = mixer.clipAction(gltf.animations[0]);
action.clampWhenFinished = true; action.setLoop(THREE.LoopOnce); action.play();
for (const index of joints) nodes.push(await gltf.parser.getDependency('node', index));
for (const time of times) {
  mixer.setTime(time);
  gltf.scene.updateMatrixWorld(true);
  answer.push(nodes.map(node => new THREE.Vector3().setFromMatrixPosition(node.matrixWorld).toArray()));
}
console.log(JSON.stringify(answer));
"""


def read(writer: Writer, joint_map: JointTable | None = None) -> Interaction:
    return parse_glb(writer.bytes(), "made.glb", joint_map)


def alone(motion: Interaction, fps: float = 30.0, skin: bool = True, **how: Any) -> tuple[Writer, Body]:
    """A file of one person who moves; `how` as in `Body`."""
    writer = Writer()
    body = Body(writer, motion, **how)
    body.move(writer.animation(), fps)
    if skin:
        body.skin()
    return writer, body


def turned(a: Interaction, b: Interaction) -> float:
    """The largest angle between two motions' joints, radians."""
    between = np.swapaxes(a.joint_orientations, -1, -2) @ b.joint_orientations
    return float(np.linalg.norm(matrix_to_axis_angle(between), axis=-1).max())


@given(
    seed=st.integers(0, 10_000), people=st.integers(1, 2), frames=st.integers(1, 12), bend=st.floats(0, 2.5),
    bones=st.sampled_from(list(BONES)), skin=st.booleans(), in_place=st.booleans(), fps=st.sampled_from([None, 24, 30, 60]),
    odd=st.booleans(),
)  # fmt: skip
@settings(max_examples=25, deadline=None)
def test_ours_come_back(
    tmp_path_factory: pytest.TempPathFactory, seed: int, people: int, frames: int, bend: float, bones: Any, skin: bool,
    in_place: bool, fps: float | None, odd: bool,
) -> None:  # fmt: skip
    motion = random_interaction(seed, frames, people, bend)
    motion = odd_builds(motion) if odd else motion
    options = ExportOptions(bones=bones, skin=skin, in_place=in_place, fps=fps)
    [path] = save_motion(motion, tmp_path_factory.getbasetemp() / "ours.glb", options)
    back, truth = load_motion(path), options.apply(motion).resampled(30)
    assert (back.fps, back.num_people, back.num_frames) == (30, people, truth.num_frames)
    assert distance(back, truth) < 0.1 * MILLIMETRE
    assert odd or turned(back, truth) < 1e-4  # people of odd builds turn against a T-pose that is itself a little turned


def test_a_late_start() -> None:
    """Times near ten minutes in float32 are only right to a thirtieth of a millisecond."""
    motion = dance(90)
    writer = Writer()
    body = Body(writer, motion)
    body.move(writer.animation(), start=596.1)
    body.skin()
    back = read(writer)
    assert back.num_frames == 90 and distance(back, motion) < 0.1 * MILLIMETRE


def test_ours_written_again_is_not_lifted_again(tmp_path: Path) -> None:
    [first] = save_motion(random_interaction(1, 4), tmp_path / "first.glb")
    [second] = save_motion(load_motion(first), tmp_path / "second.glb")
    assert distance(load_motion(first), load_motion(second)) < 1e-5


@pytest.mark.parametrize("skin", [True, False])
@pytest.mark.parametrize("armature", [{"name": "Armature"}, ARMATURE], ids=["plain", "blender"])
def test_odd_axes_below_an_armature(armature: dict[str, Any], skin: bool) -> None:
    """With a skin its bind pose tells the joints' axes, whatever the nodes stand like; without one the nodes' own pose."""
    motion = dance(12).moved(2.0, (1.0, 0.0, -3.0))
    writer, _ = alone(motion, armature=armature, skin=skin, rest=5 if skin else None)
    back = read(writer)
    assert distance(back, motion) < MILLIMETRE and turned(back, motion) < 1e-3


def test_no_zero_pose_at_all() -> None:
    """Neither a skin nor nodes that stand upright: the axes come from the motion, and the joints' places are exact."""
    motion = dance(40)
    writer, body = alone(motion, skin=False, rest=0)
    bent = quaternions(axis_angle_to_matrix(np.array([2.0, 1.0, 0.0])))
    writer.document["nodes"][body.node("left_knee")]["rotation"] = bent.tolist()
    back = read(writer)
    assert distance(back, motion) < MILLIMETRE and turned(back, motion) < 0.8


def test_matrix_nodes() -> None:
    motion = dance(6)
    writer, body = alone(motion, armature=ARMATURE)
    for node in writer.document["nodes"]:
        moved = {channel["target"]["node"] for channel in writer.document["animations"][0]["channels"]}
        if writer.document["nodes"].index(node) not in moved and "skin" not in node:
            matrix = np.eye(4)
            x, y, z, w = node.pop("rotation", [0, 0, 0, 1])
            matrix[:3, :3] = axis_angle_to_matrix(2 * np.arctan2(x, w) * np.array([1.0, 0, 0])) * node.pop("scale", [1.0])[0]
            assert y == z == 0
            matrix[:3, 3] = node.pop("translation", [0, 0, 0])
            node["matrix"] = matrix.T.ravel().tolist()
    assert sum("matrix" in node for node in writer.document["nodes"]) == 2
    assert distance(read(writer), motion) < MILLIMETRE
    # against the rules a node with a matrix is moved: the matrix is taken apart
    pelvis = writer.document["nodes"][body.joints[0]]
    matrix = np.diag([1.0, 1.0, 1.0, 1.0])
    matrix[:3, 3] = pelvis.pop("translation")
    del pelvis["rotation"]
    pelvis["matrix"] = matrix.T.ravel().tolist()
    assert distance(read(writer), motion) < MILLIMETRE


@pytest.mark.parametrize(("dtype", "gap", "most"), [("f4", 4, 1e-6), ("i2", 8, 5e-4), ("u2", 0, 2.0), ("i1", 0, 0.05)])
def test_integers_and_gaps(dtype: str, gap: int, most: float) -> None:
    motion = dance(5)
    writer = Writer()
    body = Body(writer, motion)
    body.skin()
    if dtype == "u2":  # unsigned numbers hold only quaternions without a minus
        body.turns = np.abs(body.turns)
    body.move(writer.animation(), dtype=dtype, gap=gap)
    back = read(writer)
    assert distance(back, motion) < most
    if dtype == "u2":
        exact = Writer()
        other = Body(exact, motion)
        other.skin()
        other.turns = body.turns
        other.move(exact.animation())
        assert distance(back, read(exact)) < MILLIMETRE


def test_every_track_has_its_own_clock() -> None:
    """Rotations at 15 a second, the way at 60, one joint that only has a key in the middle, and a start that is not zero."""
    slow, fast = dance(9, fps=15), dance(33, fps=60)
    slow.local_rotations[:, :, JOINT["head"]] = slow.local_rotations[4, :, JOINT["head"]]
    writer = Writer()
    body = Body(writer, slow)
    animation = writer.animation()
    writer.track(animation, body.joints[0], "translation", 2 + np.arange(33) / 60, Body(Writer(), fast).places)
    for joint, node in enumerate(body.joints):
        kept = slice(4, 5) if joint == JOINT["head"] else slice(None)
        writer.track(animation, node, "rotation", (2 + np.arange(9) / 15)[kept], body.turns[kept, joint])
    body.skin()
    truth = Interaction(fast.root_positions[::2], slow.resampled(30).local_rotations, slow.skeletons)
    assert distance(read(writer), truth) < MILLIMETRE


def test_step_stays_until_the_next_key() -> None:
    motion = dance(5, fps=10)
    writer = Writer()
    body = Body(writer, motion)
    body.move(writer.animation(), fps=10, how="STEP")
    writer.document["animations"][0]["samplers"][0]["interpolation"] = "STEP"
    held = np.minimum(np.arange(13) // 3, 4)
    truth = Interaction(motion.root_positions[held], motion.local_rotations[held], motion.skeletons)
    body.skin()
    assert distance(read(writer), truth) < MILLIMETRE


def spline_file() -> tuple[Writer, Body, Interaction]:
    """Keys at 10 a second: a way that is a cubic polynomial with its true tangents, rotations with arbitrary ones."""
    motion = dance(4, fps=10)
    times = np.arange(4) / 10
    writer = Writer()
    body = Body(writer, motion, axes_seed=None)
    animation = writer.animation()
    way, speed = body.places[0] + polynomial(times), polynomial(times, derivative=True)
    keys = np.stack([speed, way, speed], axis=1).reshape(-1, 3)
    writer.track(animation, body.joints[0], "translation", times, keys, "CUBICSPLINE")
    tangents = np.random.default_rng(0).normal(size=(2, *body.turns.shape)) * 2
    for joint, node in enumerate(body.joints):
        keys = np.stack([tangents[0, :, joint], body.turns[:, joint], tangents[1, :, joint]], 1).reshape(-1, 4)
        writer.track(animation, node, "rotation", times, keys, "CUBICSPLINE")
    body.skin()
    return writer, body, motion


def polynomial(times: np.ndarray, derivative: bool = False) -> np.ndarray:
    powers = np.stack([times * 0 + 1, 2 * times, 3 * times**2] if derivative else [times, times**2, times**3], axis=-1)
    return powers @ np.array([[1.0, 0.5, -2.0], [3.0, 0.0, 4.0], [-6.0, 1.0, -9.0]])


def test_cubic_spline() -> None:
    writer, _, motion = spline_file()
    back = read(writer)
    way = motion.root_positions[0] + polynomial(np.arange(10) / 30)
    assert np.abs(back.root_positions[:, 0] - way).max() < 1e-5
    at_keys = Interaction(way[::3, None], motion.local_rotations, motion.skeletons)
    assert np.abs(back.joint_positions[::3] - at_keys.joint_positions).max() < MILLIMETRE
    assert np.abs(back.joint_positions[1, 0] - back.joint_positions[0, 0] - way[1] + way[0]).max() > 0.01, "it curves between"


@needs("three")
def test_three_js_has_the_joints_at_the_same_places(tmp_path: Path) -> None:
    writer, body, _ = spline_file()
    # a few joints by other kinds of keys
    for joint, how in (("left_elbow", "STEP"), ("right_knee", "LINEAR")):
        sampler = writer.document["animations"][0]["samplers"][1 + JOINT[joint]]
        sampler |= {"output": writer.add(body.turns[:, JOINT[joint]], "VEC4", "i2"), "interpolation": how}
    (tmp_path / "made.glb").write_bytes(writer.bytes())
    back = load_motion(tmp_path / "made.glb")
    times = [(frame + 0.01) / 30 for frame in range(back.num_frames - 1)]  # beside the jumps
    found = np.array(three_js(_SCRIPT, tmp_path / "made.glb", times, body.joints))
    # a hundredth of a frame is a few millimetres at these speeds
    assert np.linalg.norm(found - back.joint_positions[:-1, 0], axis=-1).max() < 5 * MILLIMETRE


def pair_file(**second: Any) -> tuple[Writer, Interaction]:
    """Two people who move in one animation each, as Blender writes two armatures, and somebody else who does not move."""
    motion = dance(10).joined(dance(10, seed=4).moved(3.0, (0.3, 0, 1.5)))
    writer = Writer()
    bodies = [Body(writer, motion, 0, ARMATURE), Body(writer, motion, 1, **second), Body(writer, motion, 0)]
    camera = writer.node(None, name="Camera", camera=0)
    finger = writer.node(bodies[0].node("left_wrist"), name="LeftHandIndex1")
    for node in (camera, finger):
        writer.track(writer.animation("no body"), node, "rotation", np.arange(2.0), np.tile([0, 0, 0, 1.0], (2, 1)))
    for body in bodies[:2]:
        body.move(writer.animation())
        body.skin()
    writer.document["animations"][2]["channels"].append({"sampler": 0, "target": {"node": camera, "path": "weights"}})
    bodies[0].turns = bodies[0].turns[::-1]
    bodies[0].move(writer.animation("another one, later in the file"))
    return writer, motion


@pytest.mark.parametrize(
    "second",
    [{}, {"bones": "vrm", "armature": ARMATURE}, {"bones": "unreal"}, {"ending": ".001"}, {"bones": "smpl", "ending": "_12"}],
    ids=lambda second: "-".join(str(value) for value in second.values() if isinstance(value, str)),
)  # fmt: skip
def test_two_people_each_with_the_first_animation_that_turns_them(second: dict[str, Any]) -> None:
    writer, motion = pair_file(**second)
    back = read(writer)
    assert back.num_people == 2 and distance(back, motion) < MILLIMETRE


def test_only_the_scene_that_is_shown_counts() -> None:
    writer, motion = pair_file()
    roots = writer.document["scenes"][0]["nodes"]
    writer.document |= {"scenes": [{"nodes": roots}, {"nodes": roots[1:]}], "scene": 1}  # without the first armature
    assert distance(read(writer), motion.person(1)) < MILLIMETRE
    del writer.document["scenes"], writer.document["scene"]
    assert distance(read(writer), motion) < MILLIMETRE


def test_joints_that_lie_beside_each_other() -> None:
    """No tree at all: each joint has its place in the world."""
    motion = dance(5)
    writer = Writer()
    animation = writer.animation()
    for joint, name in BONES["mixamo"].items():
        at = JOINT[joint]
        node = writer.node(None, name=name, translation=motion.skeletons[0].rest_positions[at].tolist())
        writer.track(animation, node, "translation", np.arange(5) / 30, motion.joint_positions[:, 0, at])
        writer.track(animation, node, "rotation", np.arange(5) / 30, quaternions(motion.joint_orientations[:, 0, at]))
    back = read(writer)
    assert distance(back, motion) < MILLIMETRE and turned(back, motion) < 1e-3


def test_a_skin_may_lack_joints() -> None:
    motion = dance(6)
    writer, body = alone(motion, rest=2)
    writer.document["skins"][0]["joints"] = [
        node if node not in (body.node("left_foot"), body.node("neck")) else 0 for node in writer.document["skins"][0]["joints"]
    ]
    assert distance(read(writer), motion) < MILLIMETRE


def test_a_joint_map_names_what_nobody_knows() -> None:
    motion = dance(4)
    writer, body = alone(motion)
    for joint, node in zip(BONES["mixamo"], [body.node(joint) for joint in BONES["mixamo"]], strict=True):
        writer.document["nodes"][node]["name"] = f"part {joint[::-1]}"
    with pytest.raises(UserError, match=r"no joint that is known as .*left_knee.* joint map"):
        read(writer)
    names = JointTable("own", {joint: (f"part {joint[::-1]}",) for joint in BONES["mixamo"]})
    assert distance(read(writer, names), motion) < MILLIMETRE
    with pytest.raises(UserError, match="leave the rate out"):
        load_motion(Path("motion.glb"), fps=60)
