"""The animated WebP: it plays at the motion's own pace, and a wrong request leaves no file."""

import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from poses import random_interaction

from vimotion.errors import UserError
from vimotion.formats.animation import save_images, save_webp


@pytest.mark.parametrize(("frames", "fps"), [(60, 15.0), (1, 15.0), (45, 10.0), (10, 60.0)])
def test_lasts_as_long_as_the_motion(tmp_path: Path, frames: int, fps: float) -> None:
    motion = random_interaction(0, frames=frames)
    save_webp(motion, tmp_path / "motion.webp", size=(160, 120), fps=fps)
    with Image.open(tmp_path / "motion.webp") as image:
        assert image.format == "WEBP" and image.size == (160, 120)
        milliseconds = 0
        for index in range(image.n_frames):
            image.seek(index)
            image.load()
            milliseconds += image.info["duration"] if image.n_frames > 1 else 1000 / fps
        assert milliseconds == pytest.approx(1000 * motion.duration, abs=500 / fps + 1)


def test_is_small_and_moves(tmp_path: Path) -> None:
    save_webp(random_interaction(1, frames=60, bend=0.3), tmp_path / "motion.webp")
    assert (tmp_path / "motion.webp").stat().st_size < 300_000
    with Image.open(tmp_path / "motion.webp") as image:
        first = np.asarray(image.convert("RGB")).astype(int)
        image.seek(image.n_frames // 2)
        assert np.abs(np.asarray(image.convert("RGB")) - first).max() > 60
    assert [path.name for path in tmp_path.iterdir()] == ["motion.webp"]


def test_no_more_than_one_picture_is_held_at_a_time(tmp_path: Path) -> None:
    held: list[weakref.ref[Image.Image]] = []
    most = 0

    def pictures() -> Iterator[Image.Image]:
        nonlocal most
        for grey in range(50):
            picture = Image.new("RGB", (32, 32), (255 * (grey % 2), 5 * grey, 0))
            held.append(weakref.ref(picture))
            most = max(most, sum(one() is not None for one in held))
            yield picture
            del picture

    save_images(pictures(), tmp_path / "motion.webp", 15.0, count=50)
    assert most <= 3  # the first, the last, and the one that is being drawn
    with Image.open(tmp_path / "motion.webp") as image:
        assert image.n_frames == 50


@pytest.mark.parametrize("arguments", [{"fps": 0}, {"fps": 1000}, {"size": (0, 100)}, {"size": (100_000, 100)}])
def test_nonsense_gives_one_sentence(tmp_path: Path, arguments: dict) -> None:
    with pytest.raises(UserError):
        save_webp(random_interaction(0, frames=2), tmp_path / "motion.webp", **arguments)
    assert not list(tmp_path.iterdir())
