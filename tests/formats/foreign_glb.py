"""Writes GLB files as other programs do, straight from glTF's specification: odd joint axes, armatures that turn and scale,
bind poses in other axes, keys of every kind."""

import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from vimotion.formats.bone_names import bone_names
from vimotion.motion import JOINT, NUM_JOINTS, PARENTS, Interaction
from vimotion.motion.rotations import axis_angle_to_matrix, matrix_to_quaternion

_COMPONENTS = {"i1": 5120, "u1": 5121, "i2": 5122, "u2": 5123, "f4": 5126}
ARMATURE = {"name": "Armature", "rotation": [-(0.5**0.5), 0.0, 0.0, 0.5**0.5], "scale": [0.01] * 3}  # as Blender's
_STILL = {"name": "Armature"}


class Writer:
    """A document that grows, and its binary chunk."""

    def __init__(self) -> None:
        self.binary = bytearray()
        self.document: dict[str, Any] = {
            "asset": {"version": "2.0", "generator": "somebody's"}, "scene": 0, "scenes": [{"nodes": []}],
            "nodes": [], "skins": [], "animations": [], "accessors": [], "bufferViews": [],
        }  # fmt: skip

    def add(self, values: np.ndarray, kind: str, dtype: str = "f4", gap: int = 0) -> int:
        """An accessor; integers stand for fractions; `gap` bytes lie between its elements."""
        values = np.asarray(values)
        if dtype != "f4":
            values = np.round(values * np.iinfo(dtype).max)
        rows = values.reshape(len(values), -1).astype(f"<{dtype}").view("u1").reshape(len(values), -1)
        rows = np.pad(rows, ((0, 0), (0, gap)), constant_values=7)
        self.binary += bytes(-len(self.binary) % 4)
        view = {"buffer": 0, "byteOffset": len(self.binary), "byteLength": rows.size}
        self.document["bufferViews"].append(view | ({"byteStride": rows.shape[1]} if gap else {}))
        self.binary += rows.tobytes()
        accessor = {"bufferView": len(self.document["bufferViews"]) - 1, "count": len(values), "type": kind}
        accessor |= {"componentType": _COMPONENTS[dtype]} | ({} if dtype == "f4" else {"normalized": True})
        self.document["accessors"].append(accessor)
        return len(self.document["accessors"]) - 1

    def node(self, under: int | None, **what: Any) -> int:
        nodes = self.document["nodes"]
        nodes.append(dict(what))
        above = self.document["scenes"][0]["nodes"] if under is None else nodes[under].setdefault("children", [])
        above.append(len(nodes) - 1)
        return len(nodes) - 1

    def animation(self, name: str = "motion") -> dict[str, Any]:
        self.document["animations"].append({"name": name, "channels": [], "samplers": []})
        return self.document["animations"][-1]

    def track(
        self, animation: dict[str, Any], node: int, path: str, times: np.ndarray, values: np.ndarray, how: str = "LINEAR",
        dtype: str = "f4", gap: int = 0,
    ) -> None:  # fmt: skip
        sampler = {"input": self.add(times, "SCALAR"), "interpolation": how}
        sampler["output"] = self.add(values, "VEC4" if path == "rotation" else "VEC3", dtype, gap)
        animation["channels"].append({"sampler": len(animation["samplers"]), "target": {"node": node, "path": path}})
        animation["samplers"].append(sampler)

    def bytes(self) -> bytes:
        return packed(self.document | {"buffers": [{"byteLength": len(self.binary)}]}, bytes(self.binary))


def packed(document: Any, binary: bytes) -> bytes:
    """The container; a text is taken as the JSON itself."""
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    text, binary = text + b" " * (-len(text) % 4), binary + bytes(-len(binary) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(binary), b"BIN\0") + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def unpacked(data: bytes) -> tuple[Any, bytes]:
    """The JSON and the binary chunk of a file."""
    size = struct.unpack_from("<I", data, 12)[0]
    return json.loads(data[20 : 20 + size]), data[28 + size :]


def quaternions(matrices: np.ndarray) -> np.ndarray:
    """(..., 3, 3) → (..., 4) as (x, y, z, w)."""
    return np.roll(matrix_to_quaternion(matrices), -1, axis=-1)


class Body:
    """One person of a motion in a file: where its nodes are, and what moves them.

    Each joint has axes of its own, `axes` (22, 3, 3), and hangs below `armature` and an empty node "Root". Without animation
    the joints stand as in the frame `rest`, or in the T-pose where that is None.
    """

    def __init__(
        self, writer: Writer, motion: Interaction, person: int = 0, armature: Mapping[str, Any] = _STILL, bones: str = "mixamo",
        axes_seed: int | None = 3, rest: int | None = 0, ending: str = "",
    ) -> None:  # fmt: skip
        self.writer, self.skeleton = writer, motion.skeletons[person]
        random = np.random.default_rng(axes_seed)
        self.axes = axis_angle_to_matrix(random.normal(size=(22, 3)) if axes_seed is not None else np.zeros((22, 3)))
        self.scale = armature.get("scale", [1.0])[0]
        turned = "rotation" in armature
        self.turn = axis_angle_to_matrix(np.array([-np.pi / 2 if turned else 0.0, 0.0, 0.0]))
        root = writer.node(writer.node(None, **armature), name="Root", translation=[0.0, 0.0, 3.0 / self.scale])
        self.shift = np.array([0.0, 0.0, 3.0]) @ self.turn.T
        places = (motion.root_positions[:, person] - self.shift) @ self.turn / self.scale
        turns = motion.local_rotations[:, person] @ self.axes
        turns[:, 0] = self.turn.T @ turns[:, 0]
        for joint in range(1, NUM_JOINTS):
            turns[:, joint] = self.axes[PARENTS[joint]].T @ turns[:, joint]
        self.places, self.turns = places, quaternions(turns)
        still = self._t_pose_turns() if rest is None else self.turns[rest]
        self.joints: list[int] = []
        for joint, name in enumerate(bone_names(bones)):
            offset = self.axes[PARENTS[joint]].T @ self.skeleton.offsets[joint] / self.scale if joint else places[rest or 0]
            under = self.joints[PARENTS[joint]] if joint else root
            self.joints.append(
                writer.node(under, name=name + ending, translation=offset.tolist(), rotation=still[joint].tolist())
            )

    def _t_pose_turns(self) -> np.ndarray:
        above = np.concatenate([self.turn[None], self.axes[list(PARENTS[1:])]])
        return quaternions(np.swapaxes(above, -1, -2) @ self.axes)

    def skin(self) -> None:
        """Bound in the T-pose, in the armature's axes and unit of length, with a mesh node that is called as a joint is."""
        bind = np.tile(np.eye(4), (NUM_JOINTS, 1, 1))
        bind[:, :3, :3] = self.turn.T @ self.axes
        bind[:, :3, 3] = self.skeleton.rest_positions @ self.turn / self.scale
        # the skin tells its joints in another order than the tree does
        matrices = self.writer.add(np.linalg.inv(bind)[::-1].swapaxes(-1, -2), "MAT4")
        skins = self.writer.document["skins"]
        skins.append({"joints": self.joints[::-1], "inverseBindMatrices": matrices})
        self.writer.node(None, name="Head", skin=len(skins) - 1)

    def node(self, joint: str) -> int:
        return self.joints[JOINT[joint]]

    def move(self, animation: dict[str, Any], fps: float = 30.0, start: float = 0.0, **how: Any) -> None:
        """The pelvis' way and all joints' rotations; `how` as in `Writer.track`."""
        times = start + np.arange(len(self.turns)) / fps
        self.writer.track(animation, self.joints[0], "translation", times, self.places)
        for joint in range(NUM_JOINTS):
            self.writer.track(animation, self.joints[joint], "rotation", times, self.turns[:, joint], **how)
