"""Animated WebP, drawn without GL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vimotion.artifacts import atomic_path
from vimotion.errors import UserError
from vimotion.formats.painter import Painter
from vimotion.motion import Interaction

PICTURES_A_SECOND = 15.0
# Pillow's and libwebp's words: effort 2 of 6 is twice as fast as the default 4, for files 6 % larger.
_QUALITY, _EFFORT = 50, 2
# Seconds; a longer one is more than a browser plays.
_LONGEST = 120


def save_webp(
    interaction: Interaction, path: str | Path, size: tuple[int, int] = (480, 360), fps: float = PICTURES_A_SECOND
) -> None:
    """An animated WebP that loops at the motion's own pace, with the nearest frame at each tick of `fps` a second.

    `size` is width and height in pixels. A second takes about 100 kB at the default size and rate.
    """
    if not 1 <= fps <= 60 or not all(16 <= side <= 4096 for side in size):
        raise UserError(f"An animation needs 1 to 60 frames a second and sides of 16 to 4096 pixels, not {fps:g} and {size}.")
    if interaction.duration > _LONGEST:
        raise UserError(f"An animation can last {_LONGEST} seconds, this motion lasts {interaction.duration:.0f}; use .glb.")
    painter, frames = Painter(interaction, size), frames_at(interaction, fps)
    save_images(map(painter.frame, frames), path, fps, count=len(frames))


def frames_at(interaction: Interaction, fps: float) -> list[int]:
    """The nearest frame at each tick of `fps` a second, at least one."""
    count = max(1, round(interaction.duration * fps))
    return np.minimum((np.arange(count) * interaction.fps / fps).astype(int), interaction.num_frames - 1).tolist()


def save_images(
    images: Iterable[Image.Image], path: str | Path, fps: float, hold: float = 0.0, count: int | None = None
) -> None:  # fmt: skip
    """An animated WebP of pictures, `fps` a second, that loops; the last one stays `hold` seconds longer.

    Each picture is taken when the one before is encoded. `count` of them there are; it may be left out where `images` has a
    length.
    """
    if count is None:
        assert isinstance(images, Sized), "pictures without a length have to be counted"
        count = len(images)
    pictures = iter(images)
    first = next(pictures)
    # whole milliseconds that do not drift away from the clock
    durations = np.diff(np.round(np.arange(count + 1) * 1000 / fps).astype(int))
    durations[-1] += round(1000 * hold)
    with atomic_path(Path(path)) as partial:
        first.save(
            partial, "WEBP", save_all=True, append_images=[_Film(pictures, count - 1)], duration=durations.tolist(), loop=0,
            quality=_QUALITY, method=_EFFORT,
        )  # fmt: skip


class _Film:
    """Pictures one after another, for Pillow's writer, as an image with many frames: of images it would make a list."""

    def __init__(self, pictures: Iterator[Image.Image], count: int) -> None:
        self.n_frames = count
        self._pictures = pictures
        self._picture: Image.Image

    def seek(self, _: int) -> None:
        self._picture = next(self._pictures)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._picture, name)
