"""From a capture's own skeleton to ours: joint positions are kept, and rotations are told against our T-pose.

A file's joint axes are its maker's choice. For each of our joints a constant turn from our T-pose's axes to the file's is
found; our orientation is the file's times that turn, so that twist is kept as captured. In T-pose axes the file's bones
become the skeleton's offsets, so that forward kinematics gives back the file's joint positions. The turn comes from

- the zero pose, where that is a person standing upright with straight limbs (T-pose, A-pose, arms down), else
- the motion: bones give directions; hips and shoulders give left and right; elbows and knees bend about one axis only.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from vimotion.errors import UserError
from vimotion.formats.capture import Capture, check_bones
from vimotion.formats.joint_names import JointTable
from vimotion.motion import FPS, JOINT, NUM_JOINTS, PARENTS, Interaction, Skeleton
from vimotion.motion.kinematics import local_from_global
from vimotion.motion.rotations import kabsch, normalize, rotation_between

_X, _Y, _Z = np.eye(3)
# The joint that a joint's own bone leads to; head, feet and wrists have none.
_NEXT = {
    JOINT[joint]: JOINT[child]
    for joint, child in [("pelvis", "spine1"), ("spine1", "spine2"), ("spine2", "spine3"), ("spine3", "neck"), ("neck", "head")]
    + [(f"{side}_{joint}", f"{side}_{child}") for side in ("left", "right") for joint, child in (
        ("hip", "knee"), ("knee", "ankle"), ("ankle", "foot"),
        ("collar", "shoulder"), ("shoulder", "elbow"), ("elbow", "wrist"),
    )]
}  # fmt: skip
# legs first, then arms
_LIMBS = [JOINT[f"{side}_{joint}"] for joint in ("hip", "knee", "shoulder", "elbow") for side in ("left", "right")]
_TRUNK = [JOINT[joint] for joint in ("spine1", "spine2", "spine3", "neck", "head")]
_COLLARS = [JOINT["left_collar"], JOINT["right_collar"]]
_ANKLES = [JOINT["left_ankle"], JOINT["right_ankle"]]
# Several bones leave these joints stiffly, so no single one of them may turn the joint.
_BRANCHING = (JOINT["pelvis"], JOINT["spine3"])
# metres in a file's unit of length: m, cm, CMU's 1 / 0.45 inch, mm. No two of them make the same body a plausible person.
_UNITS = (1.0, 0.01, 0.0254 / 0.45, 0.001)
_HEIGHTS = (0.9, 2.6)
_STANDARD_HEIGHT = 1.7
_MAX_DISTANCE = 10_000.0
_SHORTEST_BONE = 0.01
# How far the toes are below the ankle in a foot that stands flat, in lengths of the bone between.
_FOOT_DROP = (0.1, 0.75)
# How much a limb that never bends believes in the body's axes; a bend by this sine weighs as much.
_STRAIGHT = 0.1


def to_interaction(capture: Capture, table: JointTable, name: str) -> Interaction:
    """The captured person in our skeleton: metres, 30 fps, in the file's world frame; `name` is the file's, for messages.

    Raises:
        UserError: the bones make no person of plausible size, or something lies kilometres away.
    """
    at = {JOINT[joint]: index for joint, index in table.find(capture.names).items()}
    capture = _in_metres(_y_up(capture, at), at, name)
    targets = _targets(capture, at)
    orientations = _orientations(capture, at, table, targets)
    scale = body_height(capture, at) / _STANDARD_HEIGHT
    for joint in set(range(NUM_JOINTS)) - targets.keys():  # ends that the file lacks
        parent = PARENTS[joint]
        targets[joint] = targets[parent] + orientations[:, parent] @ (Skeleton.standard().offsets[joint] * scale)
    target = np.stack([targets[joint] for joint in range(NUM_JOINTS)], axis=1)
    offsets = _offsets(target, orientations)
    check_bones(name, offsets)
    _aim(orientations, offsets, target)
    motion = Interaction(target[:, :1], local_from_global(orientations)[:, None], (Skeleton(offsets),), capture.fps)
    return motion.resampled(FPS)


def is_t_pose(capture: Capture, table: JointTable) -> bool:
    """Whether frame 0 is a T-pose put before the motion: arms straight out, legs straight down, and a jump to frame 1."""
    at = table.find(capture.names)
    first = capture.positions[0]
    across = normalize(first[at["left_shoulder"]] - first[at["right_shoulder"]])
    for side, outward in (("left", across), ("right", -across)):
        upper = normalize(first[at[f"{side}_elbow"]] - first[at[f"{side}_shoulder"]])
        thigh = normalize(first[at[f"{side}_knee"]] - first[at[f"{side}_hip"]])
        shin = normalize(first[at[f"{side}_ankle"]] - first[at[f"{side}_knee"]])
        if upper @ outward < 0.9 or thigh @ shin < 0.9 or abs(thigh @ across) > 0.4:
            return False
    local = capture.positions[:3] - capture.positions[:3, at["pelvis"], None]
    steps = np.linalg.norm(np.diff(local, axis=0), axis=-1).max(axis=-1)
    size = np.linalg.norm(capture.offsets, axis=-1).sum()
    return bool(steps[0] > 0.02 * size and (len(steps) < 2 or steps[0] > 5 * steps[1]))


def _y_up(capture: Capture, at: dict[int, int]) -> Capture:
    """The same with +Y up, where the zero pose shows a person who stands up along +Z (as Blender writes)."""
    if _standing(capture.zero_pose, at, _Y) is not None or _standing(capture.zero_pose, at, _Z) is None:
        return capture
    turn = rotation_between(_Z, _Y)
    return replace(
        capture,
        offsets=capture.offsets @ turn.T,
        positions=capture.positions @ turn.T,
        orientations=turn @ capture.orientations @ turn.T,
    )


def _in_metres(capture: Capture, at: dict[int, int], name: str) -> Capture:
    height = body_height(capture, at)
    units = [capture.unit, *_UNITS] if capture.unit else _UNITS
    unit = next((unit for unit in units if _HEIGHTS[0] <= height * unit <= _HEIGHTS[1]), None)
    if unit is None:
        raise UserError(
            f"The bones in {name} make nobody in metres, centimetres, millimetres or CMU's unit (height {height:.3g} units); "
            "scale the file to one of these."
        )
    positions = capture.positions * unit
    if not (np.abs(positions) < _MAX_DISTANCE).all():
        raise UserError(f"Something in {name} is kilometres away; the file is damaged.")
    return replace(capture, offsets=capture.offsets * unit, positions=positions, unit=1.0)


def body_height(capture: Capture, at: dict[int, int]) -> float:
    """A person's height in the capture's unit, by the bones of legs and trunk in some of the frames."""
    some = capture.positions[np.linspace(0, len(capture.positions) - 1, 20).astype(int)]
    rest = Skeleton.standard().rest_positions
    trunk = [joint for joint in (0, *_TRUNK) if joint in at]
    bones = [(1.0, a, b) for a, b in pairwise(trunk)]
    bones += [(0.5, joint, _NEXT[joint]) for joint in _LIMBS[:4]]
    measured = sum(weight * np.median(_distance(some[:, at[a]], some[:, at[b]])) for weight, a, b in bones)
    standard = sum(weight * _distance(rest[a], rest[b]) for weight, a, b in bones)
    return float(_STANDARD_HEIGHT * measured / standard)


def _targets(capture: Capture, at: dict[int, int]) -> dict[int, np.ndarray]:
    """Where our joints should be: (T, 3) for each joint but an end that the file lacks.

    A joint that the file lacks, or that lies on its parent there, comes on the line to the next one below, at the standard
    skeleton's proportion.
    """
    lengths = Skeleton.standard().bone_lengths
    targets = {0: capture.positions[:, at[0]]}
    for joint in range(1, NUM_JOINTS):
        parent, below, length = targets[PARENTS[joint]], joint, lengths[joint]
        while below not in at or np.median(_distance(capture.positions[:, at[below]], parent)) < _SHORTEST_BONE:
            if below not in _NEXT:
                break
            below = _NEXT[below]
            length += lengths[below]
        else:
            targets[joint] = parent + (capture.positions[:, at[below]] - parent) * (lengths[joint] / length)
    return targets


def _orientations(capture: Capture, at: dict[int, int], table: JointTable, targets: dict[int, np.ndarray]) -> np.ndarray:
    """World orientations (T, 22, 3, 3) of our joints against our T-pose, before `_aim`."""
    turning = {JOINT[joint]: index for joint, index in table.find_turning(capture.names).items()}
    body = _standing(capture.zero_pose, at, _Y)
    turns = None if body is None else _turns_of_zero_pose(capture.zero_pose, at, body)
    up = _head_end(capture, turning)
    orientations = np.empty((len(capture.positions), NUM_JOINTS, 3, 3))
    for joint in range(NUM_JOINTS):
        if joint not in turning:
            orientations[:, joint] = orientations[:, PARENTS[joint]]
            continue
        source = capture.orientations[:, turning[joint]]
        turn = _turn_of_motion(joint, source, targets, orientations, up) if turns is None else turns[joint]
        orientations[:, joint] = source @ turn
    return orientations


def _head_end(capture: Capture, turning: dict[int, int]) -> np.ndarray | None:
    """Direction of the end below the head, in the head's own axes."""
    head = turning.get(JOINT["head"])
    ends = [index for index, parent in enumerate(capture.parents) if parent == head and not capture.names[index]]
    return capture.offsets[ends[0]] if head is not None and len(ends) == 1 and capture.offsets[ends[0]].any() else None


def _standing(pose: np.ndarray, at: dict[int, int], up: np.ndarray) -> np.ndarray | None:
    """Body axes (3, 3), columns left, up, forward, of a pose (J, 3) that stands upright with straight limbs; else None."""

    def direction(joint: int, child: int) -> np.ndarray:
        return normalize(pose[at[child]] - pose[at[joint]])

    left = pose[at[JOINT["left_hip"]]] - pose[at[JOINT["right_hip"]]]
    left = normalize(left - (left @ up) * up)
    body = np.stack([left, up, np.cross(left, up)], axis=-1)
    top = JOINT["head"] if JOINT["head"] in at else JOINT["neck"]
    upright = direction(0, top) @ up > 0.8 and left @ left > 0.5
    for side, outward in (("left", left), ("right", -left)):
        hip, knee, ankle, foot = (JOINT[f"{side}_{joint}"] for joint in ("hip", "knee", "ankle", "foot"))
        shoulder, elbow, wrist = (JOINT[f"{side}_{joint}"] for joint in ("shoulder", "elbow", "wrist"))
        upright &= direction(hip, knee) @ up < -0.8 and direction(knee, ankle) @ up < -0.8
        upright &= direction(shoulder, elbow) @ outward > -0.3 and direction(shoulder, elbow) @ up < 0.5
        if wrist in at:
            upright &= direction(shoulder, elbow) @ direction(elbow, wrist) > 0.8
        if foot in at:
            upright &= direction(ankle, foot) @ body[:, 2] > 0.3
    return body if upright else None


def _turns_of_zero_pose(pose: np.ndarray, at: dict[int, int], body: np.ndarray) -> np.ndarray:
    """The constant turns (22, 3, 3) when the zero pose (J, 3) is a person: limbs go the shortest way into the T-pose."""
    turns = np.repeat(body[None], NUM_JOINTS, axis=0)
    for joint in _LIMBS:
        child = _NEXT[joint]
        if child in at:
            bone = body.T @ (pose[at[child]] - pose[at[joint]])
            turns[joint] = body @ rotation_between(Skeleton.standard().offsets[child], bone)
    for side in ("left", "right"):
        turns[JOINT[f"{side}_wrist"]] = turns[JOINT[f"{side}_elbow"]]  # a hand goes on straight
    return turns


def _turn_of_motion(
    joint: int, source: np.ndarray, targets: dict[int, np.ndarray], orientations: np.ndarray, up: np.ndarray | None
) -> np.ndarray:
    """The constant turn (3, 3) of one joint from the motion itself: its bone, and a direction across it, in its own axes.

    `source` (T, 3, 3) are the joint's orientations in the file, `orientations` holds ours of the joints above it; `up` is
    the head's direction in its own axes where the file has an end for it.
    """
    own = np.swapaxes(source, -1, -2)
    child = _NEXT.get(joint)
    if joint == JOINT["head"] and up is not None:
        bone, bone_in_rest = up, _Y
    elif child is None or child not in targets or joint in _COLLARS:  # straight on, on the average
        return kabsch(np.eye(3), np.mean(own @ orientations[:, PARENTS[joint]], axis=0).T)
    else:
        bone = np.mean((own @ (targets[child] - targets[joint])[..., None])[..., 0], axis=0)
        bone_in_rest = _bone_in_rest(joint, child, targets)
    direction, in_rest = _across(joint, targets, orientations)
    across = np.mean((own @ direction[..., None])[..., 0], axis=0)
    return _axes(bone, across) @ _axes(bone_in_rest, in_rest).T


def _bone_in_rest(joint: int, child: int, targets: dict[int, np.ndarray]) -> np.ndarray:
    """Where a joint's bone points in the T-pose: a trunk is upright, a foot stands flat, limbs are as in our skeleton."""
    if joint == 0 or joint in _TRUNK:
        return _Y
    if joint not in _ANKLES:
        return Skeleton.standard().offsets[child]
    # A foot is flat where the toes are down and the ankle is as low as it gets.
    ankle, toes = targets[joint][:, 1], targets[child][:, 1]
    down = toes < np.percentile(toes, 5) + 0.02
    length = np.median(_distance(targets[joint], targets[child]))
    drop = np.clip(np.percentile((ankle - toes)[down], 10) / length, *_FOOT_DROP)
    return np.array([0.0, -drop, np.sqrt(1 - drop**2)])


def _across(joint: int, targets: dict[int, np.ndarray], orientations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A world direction (T, 3) that tells how the joint is turned about its bone, and the same direction in the T-pose.

    An elbow or knee tells its axis the better the more it bends: such frames weigh more.
    """
    hips = normalize(targets[JOINT["left_hip"]] - targets[JOINT["right_hip"]])
    if joint in (0, JOINT["spine1"]):
        return hips, _X
    if joint in _TRUNK:
        return normalize(targets[JOINT["left_shoulder"]] - targets[JOINT["right_shoulder"]]), _X
    if joint in _ANKLES:
        return orientations[:, PARENTS[joint], :, 0], _X
    upper = PARENTS[joint] if PARENTS[joint] in _LIMBS else joint
    first, second = _bone(targets, upper), _bone(targets, _NEXT[upper])
    if upper in _LIMBS[:4]:
        return np.cross(first, second) + _STRAIGHT * hips, _X
    axis = -_Y if upper == JOINT["left_shoulder"] else _Y
    chest = orientations[:, JOINT["spine3"]]
    in_chest = (np.swapaxes(chest, -1, -2) @ first[..., None])[..., 0]
    lifted = rotation_between(Skeleton.standard().offsets[_NEXT[upper]], in_chest)
    return np.cross(first, second) + _STRAIGHT * (chest @ lifted @ axis), axis


def _bone(targets: dict[int, np.ndarray], joint: int) -> np.ndarray:
    """Unit vector (T, 3) along a joint's bone; zero where the file does not know its end."""
    return normalize(targets[_NEXT[joint]] - targets[joint]) if _NEXT[joint] in targets else np.zeros_like(targets[joint])


def _axes(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Right-handed axes (3, 3), in columns: along `first`, towards `second`, square to both."""
    x = normalize(first)
    y = normalize(second - (second @ x) * x)
    return np.stack([x, y, np.cross(x, y)], axis=-1)


def _offsets(target: np.ndarray, orientations: np.ndarray) -> np.ndarray:
    """Constant offsets (22, 3) in T-pose axes that fit the joints (T, 22, 3) best: mean direction, median length."""
    offsets = np.zeros((NUM_JOINTS, 3))
    for joint in range(1, NUM_JOINTS):
        parent = PARENTS[joint]
        bones = target[:, joint] - target[:, parent]
        local = (np.swapaxes(orientations[:, parent], -1, -2) @ bones[..., None])[..., 0]
        offsets[joint] = normalize(local.mean(axis=0)) * np.median(np.linalg.norm(bones, axis=-1))
    return offsets


def _aim(orientations: np.ndarray, offsets: np.ndarray, target: np.ndarray) -> None:
    """Turn each bone the shortest way onto the joint that it leads to, so that errors do not add up along a limb.

    It changes nothing where the file's bones are stiff; `orientations` (T, 22, 3, 3) are changed in place.
    """
    reached = np.empty_like(target)
    reached[:, 0] = target[:, 0]
    for joint in range(NUM_JOINTS):
        if joint:
            parent = PARENTS[joint]
            reached[:, joint] = reached[:, parent] + orientations[:, parent] @ offsets[joint]
        if joint in _NEXT and joint not in _BRANCHING:
            child = _NEXT[joint]
            missed = rotation_between(orientations[:, joint] @ offsets[child], target[:, child] - reached[:, joint])
            orientations[:, joint] = missed @ orientations[:, joint]


def _distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.linalg.norm(a - b, axis=-1)
