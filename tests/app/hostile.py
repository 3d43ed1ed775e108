"""Files that are no motion, or were made to do harm."""

from __future__ import annotations

import io
import os
import pickle
import struct
import zlib
from pathlib import Path

import numpy as np
from chat.tiny_model import walk

from vimotion.formats import save_motion


def bvh(frames: int, tmp_path: Path, person: int = 0) -> bytes:
    [path] = save_motion(walk(frames).person(person), tmp_path / "person.bvh")
    return path.read_bytes()


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("/tmp/vimotion-evil",)


def hostile(tmp_path: Path) -> dict[str, bytes]:
    [good] = save_motion(walk(30), tmp_path / "good.npz")
    text = bvh(30, tmp_path)
    arrays = dict(np.load(good))
    files = {"empty.npz": b"", "text.npz": b"hello", "text.bvh": b"hello", "cut.npz": good.read_bytes()[:5000]}
    files["billion.bvh"] = text.replace(b"Frames: 30", b"Frames: 1000000000")
    files["nan.bvh"] = text.replace(text.split(b"\n")[-2].split()[3], b"nan")
    files["slow.bvh"] = text.replace(b"Frame Time: 0.033", b"Frame Time: 3000.033")
    for name, changes in {
        "nan.npz": {"root_positions": arrays["root_positions"] * np.nan},
        "point.npz": {"offsets": arrays["offsets"] * 0, "posed_joints": arrays["posed_joints"][:, :, :1].repeat(22, 2)},
        "pickled.npz": {"offsets": np.array([Evil()], dtype=object)},
        "people.npz": {"posed_joints": np.zeros((30, 9, 22, 3), np.float32)},
    }.items():
        buffer = io.BytesIO()
        np.savez(buffer, **(arrays | changes))
        files[name] = buffer.getvalue()
    files["pickle.npz"] = pickle.dumps(Evil())
    files["bomb.npz"] = bomb(arrays, megabytes=3000)
    return files


def bomb(arrays: dict[str, np.ndarray], megabytes: int) -> bytes:
    """An npz archive of these arrays, of which the first has so many zeros after its end; in a few megabytes."""
    whole, directory = b"", b""
    zeros = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = zeros.compress(bytes(1_000_000)) + zeros.flush(zlib.Z_FULL_FLUSH)  # may be repeated as it is
    for number, (key, array) in enumerate(arrays.items()):
        content = io.BytesIO()
        np.save(content, array)
        head = zlib.compressobj(9, zlib.DEFLATED, -15)
        data = head.compress(content.getvalue()) + head.flush(zlib.Z_FULL_FLUSH)
        repeats = 0 if number else megabytes
        data += packed * repeats + zlib.compressobj(9, zlib.DEFLATED, -15).flush()
        size = len(content.getvalue()) + repeats * 1_000_000
        # nobody comes to the end of the zeros, where the checksum counts
        check = 0 if repeats else zlib.crc32(content.getvalue())
        name = f"{key}.npy".encode()
        fields = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 33, check, len(data), size, len(name), 0)
        directory += b"PK\1\2\x14\0" + fields + struct.pack("<HHHII", 0, 0, 0, 0, len(whole)) + name
        whole += b"PK\3\4" + fields + name + data
    end = struct.pack("<HHHHIIH", 0, 0, len(arrays), len(arrays), len(directory), len(whole), 0)
    return whole + directory + b"PK\5\6" + end
