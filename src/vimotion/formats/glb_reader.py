"""GLB files read as motion: the people that an animation of a glTF 2.0 scene moves. `glb.py` writes them.

A person is the smallest branch of the node tree that holds a whole body under names that a table knows (`joint_names.py`), be
it skinned or not; numbers at the end of names, by which 3D programs tell equal names apart, do not count. Everything above a
joint counts, such as an armature that is turned or a hundredth as large. Meshes, morph targets, cameras and lights do not.

The zero pose of a skin is that in which it was bound to its joints (`inverseBindMatrices`). Where there is no skin, or its
matrices also stretch the mesh, it is the pose of the nodes without animation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vimotion.errors import UserError
from vimotion.formats.capture import MAX_JOINTS, Capture, check_length, read_file
from vimotion.formats.glb_container import Glb, open_glb
from vimotion.formats.glb_nodes import (
    MAX_NODES,
    Track,
    Tree,
    combined,
    inverse,
    is_flat,
    nearest_rotation,
    place_nodes,
    read_tracks,
    read_tree,
    targets,
)
from vimotion.formats.joint_names import REQUIRED, JointTable, choose_table, plain, shipped_tables
from vimotion.formats.retarget import to_interaction
from vimotion.motion import FPS, JOINT, JOINTS, PARENTS, Interaction
from vimotion.motion.rotations import rotation_between

_MAX_BYTES = 100_000_000
# What `glb.py` writes as the generator.
_OURS = "VIMotion"
# "Hips.001" (Blender), "Hips_1" (three.js), "Hips_05" (Sketchfab)
_NUMBER = re.compile(r"[._]\d+$")
# How far bind matrices may be from turning and scaling alike in all directions.
_STRETCH = 0.02


_Tracks = Mapping[tuple[int, str], Track]


@dataclass(frozen=True, eq=False)
class _Body:
    """One body in the tree: J joints, each after the one above it in our skeleton.

    Attributes:
        table: knows the joints.
        names: of the joints.
        joints: their nodes.
        above: for each the index of the joint above it, −1 for the pelvis.
        path: the joints' nodes and all nodes over them, each after its parent.
    """

    table: JointTable
    names: list[str]
    joints: list[int]
    above: list[int]
    path: list[int]


def load_glb(path: str | Path, *, joint_map: JointTable | None = None) -> Interaction:
    """One or two people at 30 fps, in metres, in the file's world frame.

    Each person plays the first animation in the file that turns a joint of theirs, all on one clock from the first key to the
    last; a body that no animation turns is passed over. Our own files raise everyone by `Human.lift`, so that soles and not
    toe joints stand on the ground: it is taken off again, and the joints are where the written motion had them.

    Raises:
        UserError: as in `formats.load_motion`.
    """
    path = Path(path)
    return parse_glb(read_file(path, _MAX_BYTES), path.name, joint_map)


def parse_glb(data: bytes, name: str, joint_map: JointTable | None = None) -> Interaction:
    """As `load_glb`, from the content of a file; `name` is used in messages."""
    glb = open_glb(data, name)
    tree = read_tree(glb)
    people = _people(glb, _bodies(glb, tree, joint_map))
    clock = _clock(name, people)
    motions = [to_interaction(_capture(glb, tree, body, tracks, clock), body.table, name) for body, tracks in people]
    return motions[0] if len(motions) == 1 else motions[0].joined(motions[1])


def _people(glb: Glb, bodies: Sequence[_Body]) -> list[tuple[_Body, _Tracks]]:
    """The bodies that are moved, each with the tracks of the animation that it plays."""
    owner = {node: index for index, body in enumerate(bodies) for node in body.joints}
    plays: dict[int, dict[str, Any]] = {}
    for animation in glb.lists["animations"]:
        for node, path, _ in targets(glb, animation):
            if path == "rotation" and node in owner:
                plays.setdefault(owner[node], animation)
    if not plays:
        raise UserError(f"{glb.name} holds no animation that turns the joints of a skeleton; export it with one.")
    if len(plays) > 2:
        raise UserError(f"{glb.name} holds {len(plays)} people who move; export one or two of them.")
    return [(bodies[index], read_tracks(glb, plays[index], set(bodies[index].path))) for index in sorted(plays)]


def _bodies(glb: Glb, tree: Tree, joint_map: JointTable | None) -> list[_Body]:
    """All bodies in the scene, in its order."""
    roots = _roots(tree, joint_map)
    if not roots:
        if names := list(dict.fromkeys(tree.names[node] for node in tree.order if tree.names[node])):
            choose_table(names, glb.name, joint_map)  # says what is missing
        raise UserError(f"{glb.name} holds no skeleton whose joints have names.")
    skinned = {joint for skin in glb.lists["skins"] for joint in glb.indices(skin, "joints", "nodes")}
    # of equal names that of a skin's joint counts: a mesh may be called "Head" as well
    branches = (sorted(tree.branch(root), key=lambda node: node not in skinned) for root in roots)
    return [_body(glb.name, tree, branch, joint_map) for branch in branches]


def _roots(tree: Tree, joint_map: JointTable | None) -> list[int]:
    """The roots of the smallest branches with a whole body; −1 is the scene, where joints lie beside each other in it."""
    names = [{plain(name), plain(_NUMBER.sub("", name))} for name in tree.names]
    whole: set[int] = set()
    for table in shipped_tables():
        wanted = {**table.joints, **(joint_map.joints if joint_map else {})}
        bits: dict[str, int] = {}
        for bit, joints in enumerate([*([joint] for joint in REQUIRED), ["neck", "head"]]):
            for name in (plain(name) for joint in joints for name in wanted.get(joint, ())):
                bits[name] = bits.get(name, 0) | 1 << bit
        held = [0] * (len(names) + 1)  # the last one is the scene's: −1 is its index
        for node in reversed(tree.order):
            for name in names[node]:
                held[node] |= bits.get(name, 0)
            held[tree.parents[node]] |= held[node]
        whole |= {node for node in (-1, *tree.order) if held[node] == (2 << len(REQUIRED)) - 1}
    larger = {tree.parents[node] for node in whole if node >= 0}
    return [node for node in (-1, *tree.order) if node in whole and node not in larger]


def _body(name: str, tree: Tree, branch: Sequence[int], joint_map: JointTable | None) -> _Body:
    """The body in a branch of the tree; `name` is the file's."""
    names = [tree.names[node] for node in branch]
    unnumbered = [_NUMBER.sub("", name) for name in names]
    names = max((names, unnumbered), key=lambda some: max(len(table.find(some)) for table in shipped_tables()))
    table = choose_table(names, name, joint_map)
    found = table.find(names)
    chosen = [found[joint] for joint in JOINTS if joint in found]
    above = [-1] + [chosen.index(_above(joint, found)) for joint in JOINTS[1:] if joint in found]
    for joint, index in table.find_turning(names).items():
        if index not in chosen:
            above.append(chosen.index(found.get(joint, found["pelvis"])))
            chosen.append(index)
    nodes = [branch[index] for index in chosen]
    needed: set[int] = set()
    for node in nodes:
        while node >= 0 and node not in needed:
            needed.add(node)
            node = tree.parents[node]
    if len(needed) > MAX_JOINTS:
        raise UserError(f"{name} has {len(needed)} nodes over the joints of a person; export only the people.")
    path = [node for node in tree.order if node in needed]
    return _Body(table, [names[index] for index in chosen], nodes, above, path)


def _above(joint: str, found: Mapping[str, int]) -> int:
    """The nearest joint above one of ours that a file has."""
    parent = PARENTS[JOINT[joint]]
    while JOINTS[parent] not in found:
        parent = PARENTS[parent]
    return found[JOINTS[parent]]


def _clock(name: str, people: Sequence[tuple[_Body, _Tracks]]) -> np.ndarray:
    """Times (T,) in seconds, 30 a second, from the first key that moves somebody to the last."""
    times = [track.times for _, tracks in people for track in tracks.values()]
    start, end = min(some[0] for some in times), max(some[-1] for some in times)
    frames = int(np.floor((end - start) * FPS + 0.01)) + 1
    check_length(name, frames, FPS, sum(len(body.path) for body, _ in people))
    return start + np.arange(frames) / FPS


def _capture(glb: Glb, tree: Tree, body: _Body, tracks: _Tracks, clock: np.ndarray) -> Capture:
    """The joints of a person in the world, against their zero pose put upright."""
    moving = place_nodes(glb, tree, body.path, tracks, clock)
    still = place_nodes(glb, tree, body.path, {}, clock)
    unbind = _unbind(glb, body, np.concatenate([still[node] for node in body.joints]))
    zero = inverse(unbind)[..., 3]
    upright = _upright(zero, body)
    positions = np.empty((len(clock), len(zero), 3))
    orientations = np.empty((*positions.shape, 3))
    for joint, node in enumerate(body.joints):
        positions[:, joint] = moving[node][..., 3]
        turned = combined(moving[node], unbind[joint])
        if is_flat(turned) or not (np.linalg.det(turned[..., :3]) > 0).all():
            raise UserError(f"{glb.name} mirrors a joint or scales it to nothing; apply the scale in your 3D program.")
        orientations[:, joint] = nearest_rotation(turned) @ upright.T
    over = tree.parents[body.joints[0]]
    if over >= 0 and glb.content["asset"].get("generator") == _OURS:
        positions[..., 1] -= still[over][0, 1, 3]  # the lift
    offsets = (zero - zero[body.above]) @ upright.T
    offsets[0] = 0.0
    return Capture(body.names, body.above, offsets * _size(positions[0], zero, body), positions, orientations, FPS, 1.0)


def _unbind(glb: Glb, body: _Body, rest: np.ndarray) -> np.ndarray:
    """From the zero pose into each joint's own axes, (J, 3, 4); `rest` are the joints without animation."""
    if is_flat(rest):
        raise UserError(f"{glb.name} has a joint that is scaled to nothing; give it its size.")
    unbind = inverse(rest)
    bound = _bound(glb, body)
    if bound:
        for joint, above in enumerate(body.above):
            # a joint that the skin lacks lies to the one above it as it does without animation
            unbind[joint] = bound.get(joint, combined(combined(unbind[joint], rest[above]), unbind[above]))
    return unbind


def _bound(glb: Glb, body: _Body) -> dict[int, np.ndarray]:
    """Inverse bind matrices (3, 4), by joint, of the skin that holds most of a person's joints; none if they tell no pose."""
    held, bound = 0, {}
    for skin in glb.lists["skins"]:
        slots = {node: slot for slot, node in enumerate(glb.indices(skin, "joints", "nodes"))}
        joints = [joint for joint, node in enumerate(body.joints) if node in slots]
        if len(joints) > held and "inverseBindMatrices" in skin:
            matrices = glb.numbers(skin["inverseBindMatrices"], "MAT4", MAX_NODES).reshape(-1, 4, 4)
            if len(matrices) < len(slots):
                raise glb.wrong("a skin in it has fewer matrices than joints")
            held = len(joints)
            bound = {joint: matrices[slots[body.joints[joint]]].T[:3] for joint in joints}
    return bound if 0 in bound and all(map(_turns_and_scales, bound.values())) else {}


def _turns_and_scales(transform: np.ndarray) -> bool:
    """Whether a transform (3, 4) keeps all angles."""
    squares = transform[:, :3].T @ transform[:, :3]
    size = np.trace(squares) / 3
    return not is_flat(transform) and bool(np.abs(squares / size - np.eye(3)).max() < _STRETCH)


def _upright(zero: np.ndarray, body: _Body) -> np.ndarray:
    """The quarter turns (3, 3) that let the zero pose (J, 3) stand up along +Y: a mesh may have been bound in other axes."""
    found = body.table.find(body.names)
    trunk = zero[found.get("head", found.get("neck", 0))] - zero[0]
    axis = np.zeros(3)
    axis[np.abs(trunk).argmax()] = np.copysign(1.0, trunk[np.abs(trunk).argmax()])
    return rotation_between(axis, np.array([0.0, 1.0, 0.0]))


def _size(placed: np.ndarray, zero: np.ndarray, body: _Body) -> float:
    """How large joints (J, 3) in the world are against those in the zero pose, by their bones."""
    lengths = [np.linalg.norm(pose - pose[body.above], axis=-1)[1:].sum() for pose in (placed, zero)]
    return float(lengths[0] / max(lengths[1], 1e-12))
