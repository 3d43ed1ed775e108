"""Reads uploaded motion files in a process of its own: `python -m vimotion.app.reading FOLDER …`.

Files of strangers can cost memory and time before they turn out to be none. Here both have a bound, and what was taken is
given back when the process ends. It starts without torch.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

from vimotion.errors import UserError
from vimotion.formats import load_motion
from vimotion.formats.npz import save_npz
from vimotion.motion import FPS, Interaction

RESULT = "result.npz"
REFUSED = 2


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


def _limit_memory(most: int) -> None:
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _main(folder: Path, wish: dict) -> None:
    _limit_memory(wish["max_bytes"])
    warnings.simplefilter("ignore")
    try:
        motion = read(folder, wish["names"], wish["fps"], wish["max_frames"])
    except (UserError, MemoryError) as error:
        said = str(error) if isinstance(error, UserError) else "The motion is too large to be read; send a part of it."
        print(json.dumps(said.replace(f"{folder}/", "")))
        sys.exit(REFUSED)
    save_npz(motion, folder / RESULT)


if __name__ == "__main__":
    _main(Path(sys.argv[1]), json.loads(sys.argv[2]))
