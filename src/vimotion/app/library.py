"""Motions between the database, the model and files."""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from vimotion.app.storage import MotionRow, Storage, new_id
from vimotion.chat.motions import Frame, Motion, MotionTokenizer, read_motion
from vimotion.errors import UserError
from vimotion.formats import WRITABLE, ExportOptions, save_motion
from vimotion.formats.npz import parse_npz, save_npz
from vimotion.motion import Interaction

MEDIA_TYPES = {
    ".npz": "application/zip", ".amass.npz": "application/zip", ".bvh": "text/plain; charset=utf-8",
    ".glb": "model/gltf-binary", ".fbx": "application/octet-stream", ".usd": "model/vnd.usd", ".usda": "model/vnd.usda",
    ".usdc": "model/vnd.usd", ".usdz": "model/vnd.usdz+zip", ".mp4": "video/mp4", ".png": "image/png", ".webp": "image/webp",
}  # fmt: skip
_FIRST_DATE = (1980, 1, 1, 0, 0, 0)


class Library:
    """The motions of a database as a model with this codec sees them. Slow, so not for the event loop."""

    def __init__(self, storage: Storage, codec: MotionTokenizer) -> None:
        self.storage, self.codec = storage, codec
        self.codec_hash = _fingerprint(codec)

    def read(self, interaction: Interaction, name: str) -> tuple[MotionRow, bytes]:
        """A user's motion, ready to be kept.

        Raises:
            UserError: the codec cannot read it.
        """
        return self.row(read_motion(interaction, self.codec, "motion_0"), new_id("motion"), name, None)

    def row(self, motion: Motion, motion_id: str, name: str, source: str | None) -> tuple[MotionRow, bytes]:
        """What the database keeps of a motion, and its file."""
        seen = {
            "codes": motion.codes.tolist(), "first": motion.first, "yaw": motion.frame.yaw,
            "translation": motion.frame.translation,
        }  # fmt: skip
        row = MotionRow(
            motion_id, time.time(), name, motion.people, motion.interaction.num_frames, motion.made, source, self.codec_hash,
            json.dumps(seen),
        )  # fmt: skip
        return row, _npz(motion.interaction)

    def motion(self, motion_id: str, name: str) -> Motion:
        """A motion under the name that it has in a conversation. One that another codec read is read anew.

        Raises:
            Missing: there is none.
        """
        row = self.storage.motion(motion_id)
        interaction = self.interaction(motion_id)
        if row.codec != self.codec_hash:
            return read_motion(interaction, self.codec, name)
        seen = json.loads(row.seen)
        codes = np.array(seen["codes"], dtype=np.int64)
        return Motion(name, interaction, codes, seen["first"], Frame(seen["yaw"], tuple(seen["translation"])), row.made)

    def interaction(self, motion_id: str) -> Interaction:
        """
        Raises:
            Missing: there is no such motion.
        """
        return parse_npz(io.BytesIO(self.storage.motion_file(motion_id)), motion_id)

    def export(
        self, motion_id: str, ending: str, person: str | None = None, clean: bool | None = None, **options: Any
    ) -> tuple[bytes, str, str]:
        """A motion, or one person of it, as a file: content, media type, name. Several files come as a zip.

        Args:
            clean: by default motions that the model made.
            options: the other fields of `ExportOptions`.

        Raises:
            Missing: there is no such motion.
            UserError: the format or the person does not exist, or the options do not fit.
        """
        if ending not in WRITABLE:
            raise UserError(f"A motion comes as {', '.join(WRITABLE)}, not as {ending}.")
        row = self.storage.motion(motion_id)
        wanted = ExportOptions(clean=row.made if clean is None else clean, **options)
        if person and person not in row.people:
            raise UserError(f"There is one person in this motion, so nobody is {person!r}.")
        interaction = self.interaction(motion_id)
        if person:
            interaction = interaction.person("ab".index(person))
        name = motion_id + (f".{person}" if person else "") + ending
        with tempfile.TemporaryDirectory() as folder:
            files = save_motion(interaction, Path(folder) / name, wanted)
            if len(files) > 1:
                return _zip(files), "application/zip", f"{name}.zip"
            return files[0].read_bytes(), MEDIA_TYPES.get(ending, "application/octet-stream"), name


def _npz(interaction: Interaction) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "motion.npz"
        save_npz(interaction, path)
        return path.read_bytes()


def _zip(files: list[Path]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.writestr(zipfile.ZipInfo(file.name, _FIRST_DATE), file.read_bytes(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _fingerprint(codec: MotionTokenizer) -> str:
    """SHA-256 of the codec's settings and weights: codes mean something to this codec alone."""
    digest = hashlib.sha256(codec.spec.model_dump_json().encode())
    for name, values in sorted(codec.codec.state_dict().items()):
        digest.update(name.encode())
        digest.update(values.cpu().numpy().tobytes())
    return digest.hexdigest()
