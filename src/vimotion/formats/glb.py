"""GLB, the binary form of glTF 2.0 (Khronos): both people as skinned, animated meshes in one world frame.

Metres, Y-up, a node "a" and a node "b" over the two skeletons. What glTF asks for and is easily
missed: matrices are stored column by column, buffer views start at multiples of four bytes, quaternions are (x, y, z, w),
and a skinned mesh stands at the root of the scene because only its joints place it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vimotion.artifacts import atomic_path
from vimotion.formats.bone_names import rig_names
from vimotion.formats.human import PALETTES, REGIONS, load_human, srgb_to_linear
from vimotion.motion import NUM_JOINTS, PARENTS, Interaction
from vimotion.motion.rotations import continuous, matrix_to_quaternion

_UNSIGNED_BYTE, _UNSIGNED_SHORT, _FLOAT = 5121, 5123, 5126
_VERTICES, _INDICES = 34962, 34963
_PEOPLE = "ab"


class _Buffer:
    """Collects the arrays of the file, and describes them."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []

    def add(self, array: np.ndarray, kind: str, target: int | None = None, bounds: bool = False) -> int:
        """The index of a new accessor; `kind` is glTF's "SCALAR", "VEC3", …; `bounds` adds the smallest and largest value."""
        component = {"u1": _UNSIGNED_BYTE, "u2": _UNSIGNED_SHORT, "f4": _FLOAT}[array.dtype.str[1:]]
        view: dict[str, Any] = {"buffer": 0, "byteOffset": len(self.data), "byteLength": array.nbytes}
        if target is not None:
            view["target"] = target
        accessor: dict[str, Any] = {
            "bufferView": len(self.views), "componentType": component, "count": len(array), "type": kind,
        }  # fmt: skip
        if bounds:
            flat = array.reshape(len(array), -1)
            accessor |= {"min": flat.min(axis=0).tolist(), "max": flat.max(axis=0).tolist()}
        self.data += array.tobytes()
        self.data += bytes(-len(self.data) % 4)
        self.views.append(view)
        self.accessors.append(accessor)
        return len(self.accessors) - 1


def save_glb(interaction: Interaction, path: str | Path, bones: str = "mixamo", skin: bool = True) -> None:
    """Writes the people of an interaction with the human that ships with VIMotion.

    The bones have the lengths of each person's own skeleton, and the mesh is fitted to them. Everyone is raised by the same
    few centimetres, `Human.lift`: our motions stand on the ground with the toe *joints* at y = 0, and the lift (the
    translation of the nodes "a" and "b") brings the soles of the mesh there. A joint in the file is therefore at its place
    in `Interaction.joint_positions` plus the lift. Without `skin` there are only the joints, and no lift.
    """
    buffer = _Buffer()
    document: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "VIMotion"},
        "scene": 0, "scenes": [{"nodes": []}], "nodes": [], "skins": [],
        "animations": [{"name": "motion", "channels": [], "samplers": []}],
    }  # fmt: skip
    times = (np.arange(interaction.num_frames) / interaction.fps).astype(np.float32)
    clock = buffer.add(times, "SCALAR", bounds=True)
    if skin:
        document |= {"meshes": [], "materials": []}
    primitives = _add_human(buffer) if skin else []
    lift = load_human().lift(interaction.skeletons) if skin else 0.0
    for person in range(interaction.num_people):
        _add_bones(document, buffer, interaction, person, rig_names(bones, person), lift)
        if skin:
            _add_body(document, primitives, person)
        _add_motion(document, buffer, clock, interaction, person)
    document |= {
        "buffers": [{"byteLength": len(buffer.data)}], "bufferViews": buffer.views, "accessors": buffer.accessors,
    }  # fmt: skip
    with atomic_path(Path(path)) as partial:
        partial.write_bytes(_container(document, bytes(buffer.data)))


def _add_human(buffer: _Buffer) -> list[dict[str, Any]]:
    """The mesh that all people share, one primitive a region, still without materials."""
    human = load_human()
    attributes = {
        "POSITION": buffer.add(human.vertices.astype("<f4"), "VEC3", _VERTICES, bounds=True),
        "NORMAL": buffer.add(human.normals.astype("<f4"), "VEC3", _VERTICES),
        "JOINTS_0": buffer.add(human.joints.astype("u1"), "VEC4", _VERTICES),
        "WEIGHTS_0": buffer.add(human.weights.astype("<f4"), "VEC4", _VERTICES),
    }
    primitives = []
    for region in range(len(REGIONS)):
        faces = human.faces[human.regions == region].astype("<u2")
        primitives.append({"attributes": attributes, "indices": buffer.add(faces.ravel(), "SCALAR", _INDICES)})
    return primitives


def _add_bones(
    document: dict[str, Any], buffer: _Buffer, interaction: Interaction, person: int, names: Sequence[str], lift: float
) -> None:
    """Joint nodes in our order, the node over them, and the skin that makes joints of them."""
    name, skeleton, nodes = _PEOPLE[person], interaction.skeletons[person], document["nodes"]
    first = len(nodes)
    for joint in range(NUM_JOINTS):
        children = [first + child for child in range(NUM_JOINTS) if PARENTS[child] == joint]
        node: dict[str, Any] = {"name": names[joint], "translation": skeleton.offsets[joint].tolist()}
        nodes.append(node | ({"children": children} if children else {}))
    # without its animation a person stands in the T-pose where the motion begins
    nodes[first]["translation"] = interaction.root_positions[0, person].tolist()
    nodes.append({"name": name, "translation": [0.0, lift, 0.0], "children": [first]})
    document["scenes"][0]["nodes"].append(len(nodes) - 1)
    matrices = np.tile(np.eye(4, dtype="<f4"), (NUM_JOINTS, 1, 1))
    matrices[:, :3] = load_human().binding(skeleton)
    inverse_bind = buffer.add(np.ascontiguousarray(matrices.transpose(0, 2, 1)), "MAT4")
    document["skins"].append(
        {"inverseBindMatrices": inverse_bind, "skeleton": first, "joints": list(range(first, first + NUM_JOINTS))}
    )


def _add_body(document: dict[str, Any], primitives: list[dict[str, Any]], person: int) -> None:
    """The mesh on the skin, and its colours."""
    name = _PEOPLE[person]
    document["scenes"][0]["nodes"].append(len(document["nodes"]))
    document["nodes"].append({"name": f"{name} body", "mesh": person, "skin": person})
    coloured = [primitive | {"material": len(document["materials"]) + index} for index, primitive in enumerate(primitives)]
    document["meshes"].append({"name": name, "primitives": coloured})
    for region in REGIONS:
        factor = [*srgb_to_linear(PALETTES[person][region]), 1.0]
        look = {"baseColorFactor": factor, "metallicFactor": 0.0, "roughnessFactor": 0.85}
        document["materials"].append({"name": f"{name} {region}", "pbrMetallicRoughness": look})


def _add_motion(document: dict[str, Any], buffer: _Buffer, clock: int, interaction: Interaction, person: int) -> None:
    """The pelvis' path and every joint's rotation."""
    animation = document["animations"][0]
    first = document["skins"][person]["joints"][0]
    # continuous, so that players do not turn the long way round
    quaternions = continuous(matrix_to_quaternion(interaction.local_rotations[:, person]))
    turning = np.roll(quaternions, -1, axis=-1).astype("<f4")
    tracks = [("translation", 0, np.ascontiguousarray(interaction.root_positions[:, person], dtype="<f4"), "VEC3")]
    tracks += [("rotation", joint, np.ascontiguousarray(turning[:, joint]), "VEC4") for joint in range(NUM_JOINTS)]
    for what, joint, values, kind in tracks:
        target = {"node": first + joint, "path": what}
        animation["channels"].append({"sampler": len(animation["samplers"]), "target": target})
        animation["samplers"].append({"input": clock, "output": buffer.add(values, kind), "interpolation": "LINEAR"})


def _container(document: dict[str, Any], data: bytes) -> bytes:
    """The GLB container: a header, a JSON chunk padded with spaces, a binary chunk."""
    text = json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(data), b"BIN\0") + data
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks
