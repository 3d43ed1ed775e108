"""The nodes of a GLB file: how they hang together, and where an animation puts them.

Transforms are (..., 3, 4): three columns of axes, with scale and shear, and the origin. They come one for each time of a
clock, or a single one for a node that stays.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vimotion.errors import UserError
from vimotion.formats.capture import MAX_FRAMES
from vimotion.formats.glb_container import Glb
from vimotion.motion.rotations import kabsch, quaternion_to_matrix, slerp

MAX_NODES = 20_000
# Of all tracks that move people; what 10 minutes of two people at 60 fps need is below.
_MAX_KEYS = 10_000_000
_PATHS = {"translation": "VEC3", "rotation": "VEC4", "scale": "VEC3"}
_INTERPOLATIONS = ("LINEAR", "STEP", "CUBICSPLINE")
# Seconds: float32 does not tell times of ten minutes better.
_TICK = 1e-4
# Metres: where numbers lose their meaning.
_FAR = 1e9
_SMALL = 1e-9
# A quaternion that is shorter turns nowhere.
_SHORTEST = 1e-3


@dataclass(frozen=True, eq=False)
class Tree:
    """The nodes: each one's name, parent (−1 for none) and children; `order` are those of the scene, each after its parent."""

    names: list[str]
    parents: list[int]
    children: list[list[int]]
    order: list[int]

    def branch(self, root: int) -> list[int]:
        """A node and all below it, each after its parent; those of the scene for −1."""
        return _below(self.children, [root]) if root >= 0 else self.order


@dataclass(frozen=True, eq=False)
class Track:
    """How an animation moves one property of one node: (K,) seconds, the accessor of its values, and what is between them."""

    times: np.ndarray
    values: Any
    interpolation: str


def read_tree(glb: Glb) -> Tree:
    """The nodes of a file.

    Raises:
        UserError: there are too many, or they do not make trees.
    """
    nodes = glb.lists["nodes"]
    if len(nodes) > MAX_NODES:
        raise UserError(f"{glb.name} has {len(nodes)} nodes; export only the people, without the rest of the scene.")
    parents, children = [-1] * len(nodes), [glb.indices(node, "children", "nodes") for node in nodes]
    for index, below in enumerate(children):
        for child in below:
            if parents[child] >= 0:
                raise glb.wrong(f"its node {child} has two parents")
            parents[child] = index
    order = _below(children, [index for index, parent in enumerate(parents) if parent < 0])
    if len(order) < len(nodes):
        raise glb.wrong("nodes in it lie below themselves")
    if scenes := glb.lists["scenes"]:
        roots = glb.indices(scenes[glb.index(glb.content.get("scene", 0), "scenes")], "nodes", "nodes")
        if len(set(roots)) < len(roots) or any(parents[root] >= 0 for root in roots):
            raise glb.wrong("its scene shows a node twice")
        order = _below(children, roots)
    return Tree([_printable(node.get("name")) for node in nodes], parents, children, order)


def targets(glb: Glb, animation: Mapping[str, Any]) -> Iterator[tuple[int, str, Any]]:
    """What an animation moves, as node, property and sampler; morph targets and the like are passed over."""
    for channel in glb.objects(animation, "channels"):
        target = channel.get("target")
        if not isinstance(target, dict):
            raise glb.wrong("an animation in it has no target")
        path = target.get("path")
        if isinstance(path, str) and path in _PATHS and "node" in target:
            yield glb.index(target["node"], "nodes"), path, channel.get("sampler")


def read_tracks(glb: Glb, animation: Mapping[str, Any], nodes: Collection[int]) -> dict[tuple[int, str], Track]:
    """The tracks of some nodes by node and property.

    Raises:
        UserError: one of them is not as glTF has it, goes back in time, or they are too long.
    """
    samplers = glb.objects(animation, "samplers")
    tracks: dict[tuple[int, str], Track] = {}
    keys = 0
    for node, path, at in targets(glb, animation):
        if node not in nodes:
            continue
        if (node, path) in tracks or type(at) is not int or not 0 <= at < len(samplers):
            raise glb.wrong(f"its animation does not move the {path} of node {node} by one sampler")
        sampler = samplers[at]
        times = glb.numbers(sampler.get("input"), "SCALAR", MAX_FRAMES)[:, 0]
        if not (np.diff(times) > 0).all():
            raise UserError(f"{glb.name} has an animation whose time does not go on; export it again.")
        interpolation = sampler.get("interpolation", "LINEAR")
        if interpolation not in _INTERPOLATIONS:
            raise glb.wrong(f"its animation knows none of {', '.join(_INTERPOLATIONS)} between its keys")
        tracks[node, path] = Track(times, sampler.get("output"), interpolation)
        keys += len(times)
        if keys > _MAX_KEYS:
            raise UserError(f"{glb.name} has more than {_MAX_KEYS} keys; export fewer frames a second.")
    return tracks


def place_nodes(
    glb: Glb, tree: Tree, nodes: Sequence[int], tracks: Mapping[tuple[int, str], Track], clock: np.ndarray
) -> dict[int, np.ndarray]:
    """Transforms in the world of some nodes, each of which comes after its parent, at the times (T,) in seconds."""
    world: dict[int, np.ndarray] = {}
    for node in nodes:
        local = _local(glb, node, tracks, clock)
        parent = tree.parents[node]
        world[node] = combined(world[parent], local) if parent >= 0 else local
        if not (np.abs(world[node]) < _FAR).all():
            raise UserError(f"Something in {glb.name} is kilometres away or as large; the file is damaged.")
    return world


def combined(first: np.ndarray, then: np.ndarray) -> np.ndarray:
    """The transform that does `then` in the axes of `first`."""
    both = first[..., :3] @ then
    both[..., 3] += first[..., 3]
    return both


def inverse(transforms: np.ndarray) -> np.ndarray:
    """The transforms that undo others, none of which is flat."""
    back = np.linalg.inv(transforms[..., :3])
    return np.concatenate([back, -back @ transforms[..., 3:]], axis=-1)


def is_flat(transforms: np.ndarray) -> bool:
    """Whether one of them leaves no volume, or next to none."""
    size = np.linalg.norm(transforms[..., :3], axis=(-2, -1), keepdims=True)
    volume = np.linalg.det(transforms[..., :3] / np.maximum(size, _SMALL))
    return not (size > _SMALL).all() or not (np.abs(volume) > 1e-4).all()


def nearest_rotation(transforms: np.ndarray) -> np.ndarray:
    """The rotations (..., 3, 3) in transforms, without their scale and shear."""
    return kabsch(np.eye(3), np.swapaxes(transforms[..., :3], -1, -2))


def _local(glb: Glb, node: int, tracks: Mapping[tuple[int, str], Track], clock: np.ndarray) -> np.ndarray:
    """A node's own transform, against its parent."""
    described = glb.lists["nodes"][node]
    moved = {path: _sampled(glb, tracks[node, path], path, clock) for path in _PATHS if (node, path) in tracks}
    if "matrix" in described:
        matrix = glb.vector(described, "matrix", [0.0] * 16).reshape(4, 4).T[:3]
        if not moved:
            return matrix[None]
        # No file should move such a node. Who shows it nevertheless takes the matrix apart.
        still = {"translation": matrix[:, 3], "rotation": nearest_rotation(matrix)}
        still["scale"] = np.linalg.norm(matrix[:, :3], axis=0)
    else:
        still = {"translation": glb.vector(described, "translation", [0.0] * 3)}
        still["rotation"] = _rotations(glb, glb.vector(described, "rotation", [0.0, 0.0, 0.0, 1.0]))
        still["scale"] = glb.vector(described, "scale", [1.0] * 3)
    parts = {path: moved.get(path, still[path][None]) for path in _PATHS}
    local = np.empty((len(clock) if moved else 1, 3, 4))
    local[..., :3] = parts["rotation"] * parts["scale"][:, None]
    local[..., 3] = parts["translation"]
    return local


def _sampled(glb: Glb, track: Track, path: str, clock: np.ndarray) -> np.ndarray:
    """A track at the times (T,): (T, 3), of a rotation (T, 3, 3). Before its first and after its last key it stays."""
    cubic, keys = track.interpolation == "CUBICSPLINE", len(track.times)
    values = glb.numbers(track.values, _PATHS[path], 3 * MAX_FRAMES)
    if len(values) != keys * (3 if cubic else 1):
        raise glb.wrong(f"an animation in it has {len(values)} values at {keys} times")
    # a key of a spline is its tangent from before, itself, and its tangent to behind
    values = values.reshape(keys, 3 if cubic else 1, -1)
    points = values[:, 1 if cubic else 0]
    before = np.maximum(np.searchsorted(track.times, clock + _TICK, side="right") - 1, 0)
    after = np.minimum(before + 1, keys - 1)
    seconds, since = track.times[after] - track.times[before], clock - track.times[before]
    weight = np.where(since > _TICK, np.minimum(since / np.where(seconds > 0, seconds, 1.0), 1.0), 0.0)
    if track.interpolation == "STEP":
        after = before
    if cubic:
        spline = _hermite(points[before], values[before, 2], points[after], values[after, 0], weight[:, None], seconds[:, None])
        return spline if path != "rotation" else _rotations(glb, spline)
    if path != "rotation":
        return points[before] + (points[after] - points[before]) * weight[:, None]
    return slerp(_rotations(glb, points[before]), _rotations(glb, points[after]), weight)


def _hermite(
    start: np.ndarray, leaving: np.ndarray, end: np.ndarray, arriving: np.ndarray, t: np.ndarray, seconds: np.ndarray
) -> np.ndarray:
    """glTF's cubic spline, `t` from 0 to 1 between two points (T, n) with tangents in units a second."""
    square, cube = t**2, t**3
    points = (2 * cube - 3 * square + 1) * start + (3 * square - 2 * cube) * end
    return points + seconds * ((cube - 2 * square + t) * leaving + (cube - square) * arriving)


def _rotations(glb: Glb, quaternions: np.ndarray) -> np.ndarray:
    """glTF's quaternions (..., 4) as (x, y, z, w) → (..., 3, 3)."""
    if not (np.linalg.norm(quaternions, axis=-1) > _SHORTEST).all():
        raise glb.wrong("a rotation in it is zero")
    return quaternion_to_matrix(np.roll(quaternions, 1, axis=-1))


def _below(children: Sequence[Sequence[int]], roots: Sequence[int]) -> list[int]:
    """Nodes and all below them, each after its parent, as they come in the file."""
    found, waiting = [], list(reversed(roots))
    while waiting:
        found.append(waiting.pop())
        waiting += reversed(children[found[-1]])
    return found


def _printable(name: Any) -> str:
    """A node's name as it can be shown in one line."""
    return "".join(letter if letter.isprintable() else " " for letter in name[:100]) if isinstance(name, str) else ""
