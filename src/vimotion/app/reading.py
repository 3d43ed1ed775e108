"""Reads uploaded motion files, in a process of its own: `processes.py` starts it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vimotion.app.processes import answer
from vimotion.errors import UserError
from vimotion.formats import load_motion
from vimotion.formats.npz import save_npz
from vimotion.motion import FPS, Interaction

RESULT = "result.npz"


def read(folder: Path, names: list[str], fps: float | None, max_frames: int) -> Interaction:
    """The motion in one or two files of a folder; ASF skeletons may lie beside them.

    Raises:
        UserError: it cannot be read, or is too long.
    """
    paths = [folder / name for name in names if not name.lower().endswith(".asf")]
    if not paths:
        raise UserError(f"{names[0]} is a skeleton without motion; send the .amc file that moves it along.")
    motion = load_motion(paths[0] if len(paths) == 1 else paths, fps=fps)
    if motion.num_frames > max_frames:
        raise UserError(
            f"The motion lasts {motion.duration:.0f} seconds, and this server takes {max_frames / FPS:g}; send a part of it."
        )
    return motion


def _work(folder: Path, **wish: Any) -> None:
    save_npz(read(folder, **wish), folder / RESULT)


if __name__ == "__main__":
    answer(_work)
