"""Sample motions as small moving pictures that can be compared: one camera, one scale, one clock for all of an example."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from vimotion.formats.animation import frames_at, save_images
from vimotion.formats.painter import Painter
from vimotion.motion import Interaction

SIZE, RATE = (320, 240), 15.0
# Seconds that everyone stands still before all begin again.
_PAUSE = 0.8
# Pixels: the bar below a picture that tells the time; grey as long as what was given lasts.
_BAR = 4
_PASSED, _GIVEN, _LEFT = (0, 114, 178), (150, 150, 156), (226, 226, 224)


def draw_clips(motions: Mapping[str, Interaction], folder: Path, one_world: bool, seconds_given: float = 0.0) -> None:
    """`NAME.webp`, which moves, and `NAME.still.webp`, its middle, of every motion.

    Args:
        motions: the answers to one example by name, and whatever was given with them.
        one_world: they stand where they stand; else they are turned and shifted so that their people begin alike.
        seconds_given: of each of them that are not the answer.
    """
    first = next(iter(motions.values()))
    shown = {name: motion if one_world else _placed_like(first, motion) for name, motion in motions.items()}
    # a pair first: the camera looks at how they stand
    together = sorted(shown.values(), key=lambda motion: -motion.num_people)
    longest = max(motion.duration for motion in together)
    folder.mkdir(parents=True, exist_ok=True)
    for name, motion in shown.items():
        painter = Painter(motion, SIZE, together)
        images = [painter.frame(frame) for frame in frames_at(motion, RATE)]
        for number, image in enumerate(images, start=1):
            _draw_bar(image, number / RATE, seconds_given, longest)
        save_images(images, folder / f"{name}.webp", RATE, hold=longest - motion.duration + _PAUSE)
        images[len(images) // 2].save(folder / f"{name}.still.webp", quality=60)


def _placed_like(first: Interaction, motion: Interaction) -> Interaction:
    """The motion turned and shifted on the ground so that its people begin where those of `first` do."""
    (middle, across), (_, own) = _stand(first), _stand(motion)
    turned = motion.moved(np.arctan2(across[0], across[2]) - np.arctan2(own[0], own[2]))
    return turned.moved(translation=middle - _stand(turned)[0])


def _stand(motion: Interaction) -> tuple[np.ndarray, np.ndarray]:
    """The middle of everyone at the start, on the ground, and the way from the first to the last; of one alone, that faced."""
    roots = motion.root_positions[0] * (1.0, 0.0, 1.0)
    return roots.mean(axis=0), roots[-1] - roots[0] if len(roots) > 1 else motion.facing()[0, 0]


def _draw_bar(image: Image.Image, seconds: float, seconds_given: float, longest: float) -> None:
    """A bar at the bottom: how much of the longest motion has passed."""
    draw, (width, height) = ImageDraw.Draw(image), image.size
    for end, colour in ((longest, _LEFT), (seconds, _PASSED), (min(seconds, seconds_given), _GIVEN)):
        if end > 0:
            draw.rectangle((0, height - _BAR, round(width * min(end / longest, 1.0)) - 1, height), fill=colour)
