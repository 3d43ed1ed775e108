"""Animated WebP, drawn without GL."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from vimotion.artifacts import atomic_path
from vimotion.errors import UserError
from vimotion.formats.painter import Painter
from vimotion.motion import Interaction

PICTURES_A_SECOND = 15.0
# Pillow's and libwebp's words: effort 2 of 6 is twice as fast as the default 4, for files 6 % larger.
_QUALITY, _EFFORT = 50, 2
# Seconds; all pictures are held at once, half a megabyte each.
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
    painter = Painter(interaction, size)
    save_images([painter.frame(frame) for frame in frames_at(interaction, fps)], path, fps)


def frames_at(interaction: Interaction, fps: float) -> list[int]:
    """The nearest frame at each tick of `fps` a second, at least one."""
    count = max(1, round(interaction.duration * fps))
    return np.minimum((np.arange(count) * interaction.fps / fps).astype(int), interaction.num_frames - 1).tolist()


def save_images(images: Sequence[Image.Image], path: str | Path, fps: float, hold: float = 0.0) -> None:
    """An animated WebP of pictures, `fps` a second, that loops; the last one stays `hold` seconds longer."""
    # whole milliseconds that do not drift away from the clock
    durations = np.diff(np.round(np.arange(len(images) + 1) * 1000 / fps).astype(int))
    durations[-1] += round(1000 * hold)
    with atomic_path(Path(path)) as partial:
        images[0].save(
            partial, "WEBP", save_all=True, append_images=images[1:], duration=durations.tolist(), loop=0,
            quality=_QUALITY, method=_EFFORT,
        )  # fmt: skip
