"""A reader of our GLB files for tests, written from glTF's specification with json, struct and plain loops."""

import json
import struct
from pathlib import Path

import numpy as np

_SHAPES = {"SCALAR": (), "VEC3": (3,), "VEC4": (4,), "MAT4": (4, 4)}
_TYPES = {5121: np.uint8, 5123: np.uint16, 5126: np.float32}


class Gltf:
    def __init__(self, path: Path) -> None:
        data = path.read_bytes()
        magic, version, length = struct.unpack_from("<4sII", data)
        assert (magic, version, length) == (b"glTF", 2, len(data))
        size, kind = struct.unpack_from("<I4s", data, 12)
        assert kind == b"JSON"
        self.document = json.loads(data[20 : 20 + size])
        binary_size, kind = struct.unpack_from("<I4s", data, 20 + size)
        assert kind == b"BIN\0" and 28 + size + binary_size == length
        self.binary = data[28 + size :]

    def array(self, accessor: int) -> np.ndarray:
        described = self.document["accessors"][accessor]
        view = self.document["bufferViews"][described["bufferView"]]
        kind, shape = _TYPES[described["componentType"]], _SHAPES[described["type"]]
        count = described["count"] * int(np.prod(shape))
        values = np.frombuffer(self.binary, kind, count, view["byteOffset"]).reshape(described["count"], *shape)
        return values.swapaxes(-1, -2) if described["type"] == "MAT4" else values

    def node(self, name: str) -> int:
        return [node.get("name") for node in self.document["nodes"]].index(name)

    def world(self, frame: int) -> dict[int, np.ndarray]:
        """The 4 × 4 matrix of each node in the world at a key frame of the only animation."""
        animated: dict[tuple[int, str], np.ndarray] = {}
        animation = self.document["animations"][0]
        for channel in animation["channels"]:
            sampler = animation["samplers"][channel["sampler"]]
            animated[channel["target"]["node"], channel["target"]["path"]] = self.array(sampler["output"])[frame]
        matrices: dict[int, np.ndarray] = {}

        def visit(index: int, above: np.ndarray) -> None:
            node = self.document["nodes"][index]
            local = np.eye(4)
            local[:3, 3] = animated.get((index, "translation"), node.get("translation", [0, 0, 0]))
            local[:3, :3] = rotation(animated.get((index, "rotation"), node.get("rotation", [0, 0, 0, 1])))
            matrices[index] = above @ local
            for child in node.get("children", []):
                visit(child, matrices[index])

        for root in self.document["scenes"][self.document["scene"]]["nodes"]:
            visit(root, np.eye(4))
        return matrices

    def skinned(self, person: int, frame: int) -> np.ndarray:
        """The mesh's vertices in the world, as a viewer places them."""
        skin, world = self.document["skins"][person], self.world(frame)
        inverse_bind = self.array(skin["inverseBindMatrices"])
        attributes = self.document["meshes"][person]["primitives"][0]["attributes"]
        points = np.concatenate([self.array(attributes["POSITION"]), np.ones((self.vertices(person), 1))], axis=1)
        moved = np.stack([points @ (world[joint] @ inverse_bind[slot]).T for slot, joint in enumerate(skin["joints"])])
        slots, weights = self.array(attributes["JOINTS_0"]), self.array(attributes["WEIGHTS_0"])
        rows = np.arange(len(points))
        return sum(weights[:, k, None] * moved[slots[:, k], rows, :3] for k in range(4))

    def vertices(self, person: int) -> int:
        attributes = self.document["meshes"][person]["primitives"][0]["attributes"]
        return self.document["accessors"][attributes["POSITION"]]["count"]


def rotation(quaternion: np.ndarray) -> np.ndarray:
    """(x, y, z, w) → 3 × 3, by turning the three axes one at a time: v + 2w(u × v) + 2u × (u × v)."""
    x, y, z, w = (float(value) for value in quaternion)
    u = np.array([x, y, z])
    columns = [v + 2 * w * np.cross(u, v) + 2 * np.cross(u, np.cross(u, v)) for v in np.eye(3)]
    return np.stack(columns, axis=-1)
