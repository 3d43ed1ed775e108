"""A GLB file opened (glTF 2.0, Khronos): the lists of its JSON, and the numbers of its accessors.

Everything is read from the one file. What a number leads to is looked up before it is used, and room is only made for what
the file truly holds.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from reprlib import repr as short
from typing import Any

import numpy as np

from vimotion.errors import UserError
from vimotion.formats.capture import MAX_NUMBER

_HEADER, _CHUNK = struct.Struct("<4sII"), struct.Struct("<I4s")
_MAX_JSON = 8_000_000
_LISTS = ("accessors", "animations", "buffers", "bufferViews", "nodes", "scenes", "skins")
# Without these extensions a file cannot be drawn as it is meant, but its skeletons can be read.
_LOOKS = (
    "EXT_texture_",
    "KHR_draco_mesh_compression",
    "KHR_lights_",
    "KHR_materials_",
    "KHR_mesh_quantization",
    "KHR_texture_",
)
_WIDTHS = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}
_COMPONENTS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5126: "<f4"}


@dataclass(frozen=True, eq=False)
class Glb:
    """What a GLB file holds: its JSON and its binary chunk. `name` is the file's, for messages."""

    name: str
    content: Mapping[str, Any]
    binary: memoryview

    @cached_property
    def lists(self) -> dict[str, list[dict[str, Any]]]:
        """The objects in each list that matters here, such as "nodes"; empty where the file has none."""
        return {key: self.objects(self.content, key) for key in _LISTS}

    def wrong(self, what: str) -> UserError:
        """The refusal of a file that breaks the rules of glTF."""
        return UserError(f"{self.name} is no valid glTF: {what}; export it again.")

    def objects(self, owner: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
        """A list of objects; empty where there is none."""
        found = owner.get(key, [])
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise self.wrong(f"its `{key}` are no list of objects")
        return found

    def index(self, value: Any, key: str) -> int:
        """An index into one of `lists`."""
        if type(value) is not int or not 0 <= value < len(self.lists[key]):
            raise self.wrong(f"it speaks of number {short(value)} of its {len(self.lists[key])} {key}")
        return value

    def indices(self, owner: Mapping[str, Any], key: str, of: str) -> list[int]:
        """A list of indices; empty where there is none."""
        found = owner.get(key, [])
        if not isinstance(found, list):
            raise self.wrong(f"its `{key}` are no list")
        return [self.index(value, of) for value in found]

    def vector(self, owner: Mapping[str, Any], key: str, default: list[float]) -> np.ndarray:
        """As many sensible numbers as `default` has."""
        values = owner.get(key, default)
        if not isinstance(values, list) or len(values) != len(default) or not all(map(_is_sensible, values)):
            raise self.wrong(f"a `{key}` in it is not {len(default)} sensible numbers")
        return np.array(values, dtype=np.float64)

    def numbers(self, accessor: Any, kind: str, most: int) -> np.ndarray:
        """The content (count, width) of an accessor of the type `kind`; integers are read as the fractions they stand for.

        Raises:
            UserError: it holds nothing, more than `most` values, something else, or lies outside of the file.
        """
        described = self.lists["accessors"][self.index(accessor, "accessors")]
        component, count = described.get("componentType"), self._whole(described, "count")
        normalized = described.get("normalized") is True
        if "sparse" in described:
            raise UserError(f"{self.name} keeps its motion in sparse accessors, which VIMotion cannot read; write it without.")
        if not isinstance(component, int) or component not in _COMPONENTS or described.get("type") != kind:
            raise self.wrong(f"its accessor {accessor} does not hold numbers of the type {kind} as motion has them")
        if component != 5126 and not normalized:
            raise self.wrong(f"its accessor {accessor} holds integers that are not normalized")
        if not 1 <= count <= most:
            raise UserError(f"{self.name} has {count} values in its accessor {accessor}; VIMotion reads 1 to {most} of such.")
        with np.errstate(invalid="ignore"):  # of what is not a number, which is refused below
            values = self._stored(described, np.dtype(_COMPONENTS[component]), count, _WIDTHS[kind]).astype(np.float64)
        if component != 5126:
            values = np.maximum(values / np.iinfo(_COMPONENTS[component]).max, -1.0)
        if not (np.abs(values) < MAX_NUMBER).all():
            raise UserError(f"{self.name} holds a number in its motion that is not finite or absurdly large.")
        return values

    def _stored(self, described: Mapping[str, Any], dtype: np.dtype[Any], count: int, width: int) -> np.ndarray:
        """The elements (count, width) where they lie in the binary chunk."""
        view = self.lists["bufferViews"][self.index(described.get("bufferView"), "bufferViews")]
        buffer = self.index(view.get("buffer"), "buffers")
        if buffer or "uri" in self.lists["buffers"][0]:
            raise UserError(f"{self.name} keeps numbers outside of the file; export it as one binary file (.glb).")
        size = dtype.itemsize * width
        stride = self._whole(view, "byteStride", size)
        start, length = self._whole(view, "byteOffset", 0), self._whole(view, "byteLength")
        offset = self._whole(described, "byteOffset", 0)
        if stride < size or start + length > len(self.binary) or offset + stride * (count - 1) + size > length:
            raise self.wrong("an accessor leaves the part of the file that it is in")
        return np.ndarray((count, width), dtype, self.binary, start + offset, (stride, dtype.itemsize))

    def _whole(self, owner: Mapping[str, Any], key: str, default: int | None = None) -> int:
        value = owner.get(key, default)
        if type(value) is not int or not 0 <= value < 2**32:
            raise self.wrong(f"a `{key}` in it is {short(value)}")
        return value


def open_glb(data: bytes, name: str) -> Glb:
    """The content of a file; `name` is used in messages.

    Raises:
        UserError: it is no GLB file of glTF 2.0, is cut off, or needs an extension that VIMotion does not know.
    """
    text, binary = _chunks(data, name)
    try:
        content = json.loads(str(text, "utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise UserError(f"{name} is no valid glTF: its JSON cannot be read; export it again.") from None
    asset = content.get("asset") if isinstance(content, dict) else None
    if not isinstance(asset, dict):
        raise UserError(f"{name} is no valid glTF: it has no `asset`; export it again.")
    version = asset.get("version")
    if not isinstance(version, str) or not version.startswith("2."):
        raise UserError(f"{name} is glTF {short(version)}; VIMotion reads glTF 2.0.")
    required = content.get("extensionsRequired", [])
    for extension in required if isinstance(required, list) else [required]:
        if not isinstance(extension, str) or not extension.startswith(_LOOKS):
            raise UserError(
                f"{name} needs the extension {short(extension)}, which VIMotion does not read; export it without compression "
                "and the like."
            )
    return Glb(name, content, binary)


def _chunks(data: bytes, name: str) -> tuple[memoryview, memoryview]:
    """The JSON and the binary chunk, empty where there is none; what follows them is passed over."""
    if len(data) < _HEADER.size or data[:4] != b"glTF":
        raise UserError(f"{name} is not a GLB file: it does not begin with glTF; export it as glTF binary (.glb).")
    _, version, length = _HEADER.unpack_from(data)
    if version != 2:
        raise UserError(f"{name} is glTF {version}; VIMotion reads glTF 2.0.")
    if length != len(data):
        raise UserError(f"{name} should have {length} bytes and has {len(data)}; it was cut off, so copy or export it again.")
    view = memoryview(data)[_HEADER.size :]
    text, view = _chunk(view, b"JSON", name)
    if len(text) > _MAX_JSON:
        raise UserError(f"{name} describes a scene that is too large; export only the people, without the rest.")
    return text, _chunk(view, b"BIN\0", name)[0] if view else view


def _chunk(view: memoryview, kind: bytes, name: str) -> tuple[memoryview, memoryview]:
    """The content of the chunk that `view` begins with, and what follows it."""
    size, found = _CHUNK.unpack_from(view) if len(view) >= _CHUNK.size else (0, b"")
    content = view[_CHUNK.size : _CHUNK.size + size]
    if found != kind or len(content) < size:
        what = kind.decode().rstrip("\0")
        raise UserError(f"{name} is no valid GLB file: it has no whole {what} chunk; export it again.")
    return content, view[_CHUNK.size + size :]


def _is_sensible(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < MAX_NUMBER


def _refuse_constant(word: str) -> float:
    raise ValueError(f"{word} is no JSON.")
