"""What the stage is told of a motion is the motion."""

from __future__ import annotations

import base64
import json
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from chat.tiny_model import walk

from vimotion.app.page.examples import EXAMPLES, example_motion
from vimotion.app.page.takes import FOOT, HAND, human, picture, take
from vimotion.formats.human import load_human
from vimotion.motion import NUM_JOINTS, Interaction
from vimotion.motion.contacts import foot_contacts
from vimotion.motion.kinematics import forward_kinematics
from vimotion.motion.rotations import quaternion_to_matrix


def poses(told: dict) -> tuple[np.ndarray, np.ndarray]:
    """Roots (T, P, 3) and rotations (T, P, 22, 3, 3) as a browser reads them."""
    rows = np.frombuffer(base64.b64decode(told["poses"]), "<f4").reshape(-1, told["people"], 3 + 4 * NUM_JOINTS)
    quaternions = rows[..., 3:].reshape(*rows.shape[:2], NUM_JOINTS, 4)
    return rows[..., :3], quaternion_to_matrix(np.roll(quaternions, 1, axis=-1).astype(np.float64))


@pytest.mark.parametrize("people", [1, 2])
@pytest.mark.parametrize("start", [0, 20])
def test_the_joints_are_where_they_were(people: int, start: int) -> None:
    motion = walk(60, people=people, seed=3, size=1.1)
    told = json.loads(json.dumps(take(motion, start)))
    roots, rotations = poses(told)
    assert (told["start"], told["frames"], len(roots), len(told["marks"])) == (start, 60, 60 - start, 60 - start)
    for person, skeleton in enumerate(told["skeletons"]):
        offsets = np.array(skeleton["offsets"]).reshape(NUM_JOINTS, 3)
        positions, orientations = forward_kinematics(roots[:, person], rotations[:, person], offsets)
        np.testing.assert_allclose(positions, motion.joint_positions[start:, person], atol=1e-4)
        # the mesh that a browser skins with these matrices is ours
        binding = np.array(skeleton["binding"]).reshape(NUM_JOINTS, 3, 4)
        ours = load_human().binding(motion.skeletons[person])
        worn = load_human().skin(ours, motion.joint_positions[-1, person], motion.joint_orientations[-1, person])
        np.testing.assert_allclose(load_human().skin(binding, positions[-1], orientations[-1]), worn, atol=2e-4)


def marks(told: dict, kind: int) -> list[list[tuple[float, float, float]]]:
    frames = [np.array(numbers).reshape(-1, 4) for numbers in told["marks"]]
    return [[(x, y, z) for x, y, z, what in frame if what == kind] for frame in frames]


def test_feet_are_marked_where_they_stand() -> None:
    motion = example_motion()
    standing = foot_contacts(motion.joint_positions).sum(axis=(1, 2))
    feet = marks(take(motion), FOOT)
    assert [len(frame) for frame in feet[:-1]] == standing.astype(int).tolist() and sum(standing)
    assert all(height == 0 for frame in feet for _, height, _ in frame)


def test_hands_are_marked_while_they_meet() -> None:
    motion = example_motion()
    touching = [len(frame) for frame in marks(take(motion), HAND)]
    palms = [motion.palm_positions("right")[:, person] for person in (0, 1)]
    apart = np.linalg.norm(palms[0] - palms[1], axis=-1)
    assert touching[int(apart.argmin())] >= 2  # a handshake: each hand is on the other
    assert touching[0] == 0 and apart[0] > 0.3


def test_a_lone_person_touches_nobody() -> None:
    assert not any(marks(take(walk(40, people=1)), HAND))


def test_the_human_is_whole() -> None:
    told, mesh = human(), load_human()
    faces = np.frombuffer(base64.b64decode(told["faces"]), "<u2")
    assert sum(told["regions"]) == len(faces) == 3 * len(mesh.faces)
    assert {*map(tuple, faces.reshape(-1, 3).tolist())} == {*map(tuple, mesh.faces.tolist())}
    assert len(base64.b64decode(told["joints"])) == 4 * len(mesh.vertices)


@pytest.mark.parametrize("people", [1, 2])
def test_a_picture_is_svg_with_everybody_in_it(people: int) -> None:
    motion = walk(20, people=people)
    drawn = ElementTree.fromstring(picture(motion))
    left, top, width, height = map(float, drawn.attrib["viewBox"].split())
    heads = drawn.findall(".//{*}circle")
    assert len(heads) == people
    for head in heads:
        assert left < float(head.attrib["cx"]) < left + width and top < float(head.attrib["cy"]) < top + height


def test_people_in_one_place_can_be_drawn() -> None:
    motion = walk(10)
    same = Interaction(np.zeros_like(motion.root_positions), motion.local_rotations, motion.skeletons)
    assert "nan" not in picture(same)


def test_there_is_an_example_of_each_task() -> None:
    assert [example.task for example in EXAMPLES] == ["Make", "Describe", "React", "Edit", "Ask", "Continue", "Role"]
    assert example_motion().num_people == 2 and example_motion().fps == 30
