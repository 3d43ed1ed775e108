"""The binary container of FBX 7.4: a tree of records.

A record is its end's offset in the file, the number and the byte length of its values, its name, the values, and the records
below it with an empty record after the last. Each value has a letter for its type. Offsets and lengths are 32 bits wide up to
version 7.4 (7500 and later have 64).
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field

import numpy as np

VERSION = 7400
# Readers of Autodesk's compare the file's id and the time of creation with the footer's code; these three fit each other.
CREATED = "1970-01-01 10:00:00:000"
FILE_ID = bytes.fromhex("28b32aebb624ccc2bfc8b02aa92bfcf1")
_FOOTER = bytes.fromhex("fabcab09d0c8d466b176fb831cf7267e")
_HEADER = b"Kaydara FBX Binary  \x00\x1a\x00"
_END = bytes.fromhex("f85a8c6adef5d97eece90ce3758f290b")
_EMPTY = bytes(13)
_ARRAYS = {"f8": b"d", "f4": b"f", "i8": b"l", "i4": b"i"}
_SMALLEST_PACKED = 128  # bytes of an array that is worth compressing

# int is written with 32 bits and float with 64; an id or a time is an `np.int64`.
Value = bool | int | float | str | bytes | np.int64 | np.ndarray


@dataclass
class Record:
    """One record: `Record("Version", [101])`."""

    name: str
    values: list[Value] = field(default_factory=list)
    below: list[Record] = field(default_factory=list)

    def add(self, name: str, *values: Value) -> Record:
        """A new record below this one."""
        self.below.append(Record(name, list(values)))
        return self.below[-1]

    def add_property(self, name: str, kind: str, label: str, flags: str, *values: Value) -> None:
        """A line of this object's `Properties70`, which is made with the first one."""
        if not self.below or self.below[-1].name != "Properties70":
            self.add("Properties70")
        self.below[-1].add("P", name, kind, label, flags, *values)


def write_tree(records: list[Record]) -> bytes:
    """The whole file."""
    data = bytearray(_HEADER + struct.pack("<I", VERSION))
    for record in records:
        data += _encoded(record, len(data))
    data += _EMPTY + _FOOTER + bytes(4)
    data += bytes(16 - len(data) % 16)
    return bytes(data + struct.pack("<I", VERSION) + bytes(120) + _END)


def _encoded(record: Record, start: int) -> bytes:
    """A record that begins `start` bytes into the file."""
    values = b"".join(_value(value) for value in record.values)
    name = record.name.encode("ascii")
    body = bytearray(struct.pack("<B", len(name)) + name + values)
    for below in record.below:
        body += _encoded(below, start + 12 + len(body))
    if record.below or not record.values:
        body += _EMPTY
    return struct.pack("<III", start + 12 + len(body), len(record.values), len(values)) + bytes(body)


def _value(value: Value) -> bytes:
    if isinstance(value, bool):
        return struct.pack("<cB", b"C", value)
    if isinstance(value, np.int64):
        return struct.pack("<cq", b"L", value)
    if isinstance(value, int):
        return struct.pack("<ci", b"I", value)
    if isinstance(value, float):
        return struct.pack("<cd", b"D", value)
    if isinstance(value, np.ndarray):
        return _array(value)
    kind, content = (b"R", value) if isinstance(value, bytes) else (b"S", value.encode())
    return struct.pack("<cI", kind, len(content)) + content


def _array(array: np.ndarray) -> bytes:
    content, packed = np.ascontiguousarray(array).tobytes(), 0
    if len(content) >= _SMALLEST_PACKED:
        content, packed = zlib.compress(content), 1
    return struct.pack("<cIII", _ARRAYS[array.dtype.str[1:]], array.size, packed, len(content)) + content
