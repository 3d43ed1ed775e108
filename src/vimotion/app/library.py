"""Motions between the database, the model and files."""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from vimotion.app.storage import MotionRow, Storage, new_id
from vimotion.chat.motions import Frame, Motion, MotionTokenizer, read_motion
from vimotion.formats.npz import parse_npz, save_npz
from vimotion.motion import Interaction


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
            "translation": motion.frame.translation, "given": motion.given,
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
            return replace(read_motion(interaction, self.codec, name), made=row.made, given=given_frames(row))
        seen = json.loads(row.seen)
        codes = np.array(seen["codes"], dtype=np.int64)
        frame = Frame(seen["yaw"], tuple(seen["translation"]))
        return Motion(name, interaction, codes, seen["first"], frame, row.made, given_frames(row))

    def interaction(self, motion_id: str) -> Interaction:
        """
        Raises:
            Missing: there is no such motion.
        """
        return parse_npz(io.BytesIO(self.storage.motion_file(motion_id)), motion_id)


def _npz(interaction: Interaction) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "motion.npz"
        save_npz(interaction, path)
        return path.read_bytes()


def given_frames(row: MotionRow) -> tuple[int, ...]:
    """As `Motion.given`; rows of before that was kept have none."""
    return tuple(json.loads(row.seen).get("given", ()))


def _fingerprint(codec: MotionTokenizer) -> str:
    """SHA-256 of the codec's settings and weights: codes mean something to this codec alone."""
    digest = hashlib.sha256(codec.spec.model_dump_json().encode())
    for name, values in sorted(codec.codec.state_dict().items()):
        digest.update(name.encode())
        digest.update(values.cpu().numpy().tobytes())
    return digest.hexdigest()
