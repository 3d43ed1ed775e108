"""MP4 (H.264), drawn without GL, encoded by the ffmpeg that comes with imageio-ffmpeg."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np

from vimotion.artifacts import atomic_path
from vimotion.errors import UserError
from vimotion.formats.animation import frames_at
from vimotion.formats.painter import Painter
from vimotion.motion import Interaction

# H.264 in this form, which every player knows, has its colours in blocks of two by two pixels.
_CODEC = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p", "-movflags", "+faststart"]


def save_mp4(interaction: Interaction, path: str | Path, size: tuple[int, int] = (640, 480), fps: float | None = None) -> None:
    """A film at the motion's own pace, `fps` pictures a second (by default the motion's frames).

    `size` is width and height in pixels, even numbers. Pictures are encoded while they are drawn.

    Raises:
        UserError: ffmpeg fails, or the size or the rate is none.
    """
    from imageio_ffmpeg import get_ffmpeg_exe

    fps = fps or interaction.fps
    if not 1 <= fps <= 240 or not all(16 <= side <= 4096 and side % 2 == 0 for side in size):
        raise UserError(f"A film needs 1 to 240 pictures a second and even sides of 16 to 4096 pixels, not {fps:g} and {size}.")
    painter = Painter(interaction, size)
    with atomic_path(Path(path)) as partial:
        source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{size[0]}x{size[1]}", "-r", f"{fps:.6f}", "-i", "-"]
        command = [get_ffmpeg_exe(), "-v", "error", *source, "-an", *_CODEC, "-f", "mp4", "-y", str(partial)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as encoder:
            assert encoder.stdin and encoder.stderr
            try:
                for frame in frames_at(interaction, fps):
                    encoder.stdin.write(np.asarray(painter.frame(frame)).tobytes())
                encoder.stdin.close()
                said = encoder.stderr.read()
            except BrokenPipeError:
                said = encoder.stderr.read()
            except BaseException:
                encoder.kill()
                raise
        if encoder.returncode:
            raise UserError(f"{Path(path).name} was not encoded: {' '.join(said.decode(errors='replace').split())[:200]}.")
