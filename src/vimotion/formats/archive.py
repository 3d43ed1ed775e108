"""NumPy archives (`.npz`) in and out, without NumPy's own reader: nothing in a file is evaluated or unpickled, and room is made
only for what a checked header announces."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np
from numpy.lib import format as npy

from vimotion.artifacts import atomic_path
from vimotion.errors import UserError

MAX_BYTES = 400_000_000
_HEADER = re.compile(r"\{'descr': '([<>|=][fiub][1248])', 'fortran_order': (False|True), 'shape': \(([\d, ]{0,100})\), \}\s*")
# What `zipfile` and readers of its members raise over a damaged archive; `NotImplementedError` is its word for a compression or
# an encryption that it does not know.
BROKEN_ARCHIVE = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError, TypeError,
    KeyError, IndexError, OverflowError,
)  # fmt: skip
_WORD = re.compile(r"\{'descr': '([<>|=])([US])(\d{1,4})', 'fortran_order': (?:False|True), 'shape': \((?:1,)?\), \}\s*")
_FIRST_DATE = (1980, 1, 1, 0, 0, 0)


class Archive:
    """The arrays of an open archive. Anything wrong with it is one of `BROKEN_ARCHIVE`; see `opened`."""

    def __init__(self, file: BinaryIO) -> None:
        _check_directory(file)
        self._zip = zipfile.ZipFile(file)
        self._entries = {entry.filename.removesuffix(".npy"): entry for entry in self._zip.infolist()}

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def shape(self, key: str) -> tuple[int, ...]:
        """As the array's header tells it."""
        with self._member(key) as member:
            return _read_header(member)[1]

    def read(self, key: str) -> np.ndarray:
        """The array, as float64."""
        with self._member(key) as member:
            dtype, shape, columns_first = _read_header(member)
            count = prod(shape) * dtype.itemsize
            if count > MAX_BYTES:
                raise ValueError("a part of it is too large")
            content = member.read(count + 1)
        if len(content) != count:
            raise ValueError("a part of it is shorter or longer than it says")
        return np.frombuffer(content, dtype).reshape(shape, order="F" if columns_first else "C").astype(np.float64)

    def word(self, key: str) -> str:
        """A text of one element, such as a gender."""
        with self._member(key) as member:
            header = _WORD.fullmatch(_header(member))
            if not header:
                raise ValueError(f"{key} is no single word")
            order, kind, length = header[1], header[2], int(header[3])
            content = member.read(length * (4 if kind == "U" else 1))
        encoding = "utf-8" if kind == "S" else "utf-32-be" if order == ">" else "utf-32-le"
        return content.decode(encoding).rstrip("\0")

    def _member(self, key: str) -> IO[bytes]:
        entry = self._entries[key]
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError("it is packed in a way that NumPy does not use")
        return self._zip.open(entry)


@contextmanager
def opened(file: BinaryIO, name: str) -> Iterator[Archive]:
    """The archive in an open file; `name` is used in messages.

    Raises:
        UserError: the file, or what is read of it, is no whole archive of numbers.
    """
    try:
        yield Archive(file)
    except UserError:
        raise
    except BROKEN_ARCHIVE as error:
        told = "" if isinstance(error, OSError) else " ".join(str(error).split())[:120]
        reason = told or "it is cut off or was changed"
        raise UserError(f"{name} is not a whole npz archive: {reason}.") from None


def write_archive(arrays: Mapping[str, Any], path: Path) -> None:
    """The same arrays give the same bytes."""
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            npy.write_array(buffer, np.asanyarray(array), version=(1, 0), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=_FIRST_DATE)
            entry.create_system = 3  # else the bytes would tell the operating system
            archive.writestr(entry, buffer.getvalue())


def add_file(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    """Put a file into a zip archive; the same content gives the same bytes at any time."""
    archive.writestr(zipfile.ZipInfo(name, _FIRST_DATE), content, zipfile.ZIP_DEFLATED)


def _check_directory(file: BinaryIO) -> None:
    """Refuse a zip directory of absurd size, which `zipfile` would read into memory."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - 65_557))
    tail = file.read()
    at = tail.rfind(b"PK\5\6", 0, max(0, len(tail) - 18))
    if at < 0 or int.from_bytes(tail[at + 12 : at + 16], "little") > 65_536 or tail[max(0, at - 20) : at][:4] == b"PK\6\7":
        raise zipfile.BadZipFile("it has no directory of a plain zip file")


def _read_header(member: IO[bytes]) -> tuple[np.dtype, tuple[int, ...], bool]:
    """Type, shape and whether columns come first. Read by a pattern: NumPy's own reader evaluates it as Python."""
    header = _HEADER.fullmatch(_header(member))
    if not header:
        raise ValueError("a part of it is no array of numbers")
    shape = tuple(int(size) for size in header[3].replace(",", " ").split())
    return np.dtype(header[1]), shape, header[2] == "True"


def _header(member: IO[bytes]) -> str:
    magic = member.read(8)
    if magic[:6] != b"\x93NUMPY" or magic[6:7] not in (b"\1", b"\2", b"\3"):
        raise ValueError("a part of it is no NumPy array")
    length = int.from_bytes(member.read(2 if magic[6] == 1 else 4), "little")
    return member.read(length).decode("latin-1") if length <= 4096 else ""
