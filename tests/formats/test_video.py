"""MP4: ffmpeg reads it back, it plays at the motion's own pace and shows what the painter drew."""

import sys
from pathlib import Path

import numpy as np
import pytest
from poses import random_interaction

from vimotion.errors import UserError
from vimotion.formats import ExportOptions, save_motion
from vimotion.formats.painter import Painter
from vimotion.formats.video import save_mp4

ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="imageio-ffmpeg is not installed")


def test_pictures_and_pace(tmp_path: Path) -> None:
    motion, size = random_interaction(1, frames=12, bend=0.3), (160, 120)
    save_mp4(motion, tmp_path / "motion.mp4", size)
    film = ffmpeg.read_frames(str(tmp_path / "motion.mp4"))
    facts = next(film)
    assert facts["size"] == size and facts["fps"] == 30 and facts["codec"].startswith("h264")
    assert facts["duration"] == pytest.approx(12 / 30, abs=0.02) and "yuv420p" in facts["pix_fmt"]
    pictures = [np.frombuffer(picture, np.uint8).reshape(120, 160, 3).astype(int) for picture in film]
    assert len(pictures) == 12
    painter = Painter(motion, size)
    for frame in (0, 11):
        assert np.abs(pictures[frame] - np.asarray(painter.frame(frame)).astype(int)).mean() < 4
    assert [path.name for path in tmp_path.iterdir()] == ["motion.mp4"]


def test_other_rate(tmp_path: Path) -> None:
    save_motion(random_interaction(1, frames=9, people=1), tmp_path / "motion.mp4", ExportOptions(fps=12))
    assert ffmpeg.count_frames_and_secs(str(tmp_path / "motion.mp4"))[0] == 4


def test_nonsense_gives_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    motion = random_interaction(1, frames=2, people=1)
    for size, fps in (((161, 120), 30), ((0, 120), 30), ((160, 120), 1000)):
        with pytest.raises(UserError, match="even sides"):
            save_mp4(motion, tmp_path / "motion.mp4", size, fps)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", "false")
    with pytest.raises(UserError, match="not encoded"):
        save_mp4(motion, tmp_path / "motion.mp4")
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(UserError, match=r"vimotion\[video\]"):
        save_motion(motion, tmp_path / "motion.mp4")
    assert not list(tmp_path.iterdir())
