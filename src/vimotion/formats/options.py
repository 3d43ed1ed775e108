"""What a motion file that we write should be like: bone names, frame rate, skin, in place, cleaned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np

from vimotion.errors import UserError
from vimotion.formats.bone_names import BONES
from vimotion.formats.file_names import USD, ending_of
from vimotion.motion import Interaction
from vimotion.motion.cleaning import clean

Bones = Literal["mixamo", "smpl", "unreal", "vrm"]
_RATES = (1.0, 240.0)
_NAMED = (".bvh", ".glb", ".fbx", *USD)
_PICTURES = (".mp4", ".png", ".webp")
_WEBP_RATE = 60.0
# What must be installed for an ending: module, package, our extra.
_PACKAGES = {".mp4": ("imageio_ffmpeg", "imageio-ffmpeg", "video")} | dict.fromkeys(USD, ("pxr", "usd-core", "usd"))


@dataclass(frozen=True)
class ExportOptions:
    """Options of `formats.save_motion`.

    Attributes:
        bones: whose names the bones get, see `bone_names.py`. Only names: the bones' axes are those of our T-pose.
        fps: frames per second of the file; the motion's own by default.
        skin: with the human's mesh, where the format has one. Without it the joints are exactly where the motion has them;
            with it everyone is raised by the few centimetres (`Human.lift`) that bring the soles to the ground.
        in_place: the middle of the pelvises stays over one point of the ground, and so does the pelvis of a lone person. The
            people of a pair keep their places to each other, so that hands still meet.
        clean: jitter filtered, feet planted, touches kept, see `motion.cleaning`. Meant for motions that a model made.
        given: frames of each person, from the first on, that somebody gave: they are never cleaned. By default none.

    Raises:
        UserError: no such bones, or a rate that is none.
    """

    bones: Bones = "mixamo"
    fps: float | None = None
    skin: bool = True
    in_place: bool = False
    clean: bool = False
    given: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.bones not in BONES:
            raise UserError(f"There are no bone names {self.bones!r}; known are {', '.join(BONES)}.")
        if self.fps is not None and not _RATES[0] <= self.fps <= _RATES[1]:
            raise UserError(f"A file can have {_RATES[0]:g} to {_RATES[1]:g} frames per second, not {self.fps:g}.")

    def check(self, path: Path) -> None:
        """Whether a file with this ending can be as the options say.

        Raises:
            UserError: it has no such thing, or the package that writes it is not installed.
        """
        ending = ending_of(path)
        if self.bones != "mixamo" and ending not in _NAMED:
            raise UserError(f"A {ending} file has no bone names to choose; write one of {', '.join(_NAMED)}.")
        if not self.skin and ending in _PICTURES:
            raise UserError(f"A {ending} file shows nothing without skin; write one of {', '.join(_NAMED)}.")
        if ending == ".webp" and (self.fps or 0) > _WEBP_RATE:
            raise UserError(f"A .webp file plays at most {_WEBP_RATE:g} frames a second, not {self.fps:g}; use .mp4 for more.")
        if not can_write(ending):
            _, package, extra = _PACKAGES[ending]
            raise UserError(f"Writing {ending} needs the package {package}: pip install 'vimotion[{extra}]'.")

    def apply(self, interaction: Interaction) -> Interaction:
        """The motion as the options say, apart from bones and skin."""
        motion = cleaned(interaction, self.given) if self.clean else interaction
        motion = in_place(motion) if self.in_place else motion
        return motion.resampled(self.fps) if self.fps else motion


def can_write(ending: str) -> bool:
    """Whether the package that writes this ending is installed."""
    return ending not in _PACKAGES or find_spec(_PACKAGES[ending][0]) is not None


def cleaned(interaction: Interaction, given: Sequence[int] = ()) -> Interaction:
    """The motion with what a model made of it cleaned, see `motion.cleaning`.

    Args:
        given: frames of each person, from the first on, that somebody gave: they stay exactly as they are. By default none.
    """
    starts = list(given) or [0] * interaction.num_people
    motion = interaction
    for start in sorted({start for start in starts if start < interaction.num_frames}):
        motion = clean(motion, [person for person, own in enumerate(starts) if own == start], start)
    return motion


def in_place(interaction: Interaction) -> Interaction:
    """The motion without its way over the ground: the middle of the pelvises stays where it is in the first frame."""
    way = interaction.root_positions.mean(axis=1, keepdims=True) * np.array([1.0, 0.0, 1.0])
    return replace(interaction, root_positions=interaction.root_positions - way + way[:1])
