"""The files that data sets come in, read so that a damaged or hostile one is refused in words."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from vimotion.errors import UserError
from vimotion.formats.archive import BROKEN_ARCHIVE
from vimotion.motion import PARENTS, Skeleton

# What a pickle of dicts, numbers and numpy arrays names, under the names of numpy 1 and 2 and of every protocol.
_ALLOWED = {
    ("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode"),
    *((f"numpy.{core}.{module}", name) for core in ("core", "_core")
      for module, name in [("multiarray", "_reconstruct"), ("multiarray", "scalar"), ("numeric", "_frombuffer")]),
}  # fmt: skip
_STANDARD_SIZE = Skeleton.standard().bone_lengths.sum()
# A body is between these shares of the standard skeleton's size, and within this many metres of its world's origin.
_SIZES, _FARTHEST = (0.4, 2.0), 1000.0


def load_array(path: Path, *sizes: int) -> np.ndarray:
    """The numbers of a `.npy` file, (T, *sizes) float64.

    Raises:
        UserError: it is missing, cut off, holds pickled objects, has another shape, or numbers that are not finite.
    """
    try:
        with path.open("rb") as file:
            if file.read(1) == b"\x80":  # the first byte of a pickle
                raise UserError(f"{path} is a pickle, which could run code, and is not read; get the file again.")
        array = np.load(path, allow_pickle=False)
    except UserError:
        raise
    except (*BROKEN_ARCHIVE, MemoryError) as error:
        if "allow_pickle" in str(error):
            raise UserError(f"{path} holds pickled objects, which could run code, and is not read; get it again.") from None
        raise UserError(f"{path} is missing, cut off or no .npy file ({error}); get it again.") from None
    shape = ", ".join(["frames", *map(str, sizes)])
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f" or array.ndim == 0 or array.shape[1:] != sizes:
        raise UserError(f"{path} must hold floating-point numbers of the shape ({shape}), not {_describe(array)}.")
    return finite(array, path)


def finite(array: np.ndarray, path: Path) -> np.ndarray:
    """The numbers of a file as float64.

    Raises:
        UserError: there are none, or some are not finite.
    """
    if not len(array):
        raise UserError(f"{path} holds no frame.")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise UserError(f"{path} holds numbers that are not finite.")
    return array


def load_pickle(path: Path) -> Any:
    """A pickle of dicts, lists, texts, numbers and numpy arrays; one that names anything else is refused before it runs.

    Raises:
        UserError: it is missing, damaged, or names anything else.
    """
    try:
        return _Unpickler(io.BytesIO(path.read_bytes())).load()
    except UserError as error:
        raise UserError(f"{path} {error}") from None
    except FileNotFoundError:
        raise UserError(f"There is no {path}.") from None
    except Exception as error:  # a damaged pickle can fail in any way
        raise UserError(f"{path} is damaged or cut off ({type(error).__name__}); get it again.") from None


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise UserError(f"names {module}.{name}, and data of a motion does not; it could run code and is not read.")
        return super().find_class(module, name)


def check_joints(positions: np.ndarray, path: Path) -> None:
    """Refuse joint positions (..., 22, 3) that are nobody's.

    Raises:
        UserError: they are not in metres, or lie kilometres away.
    """
    bones = np.linalg.norm(positions[..., 1:, :] - positions[..., list(PARENTS[1:]), :], axis=-1)
    size = float(np.median(bones.sum(axis=-1)) / _STANDARD_SIZE)
    if not _SIZES[0] < size < _SIZES[1]:
        raise UserError(f"{path} shows a body {size:.3g} times as large as a person; positions must be in metres.")
    if np.abs(positions).max() > _FARTHEST:
        raise UserError(f"{path} puts somebody kilometres away; the file is damaged.")


def read_lines(path: Path) -> list[str]:
    """The lines of a text file without the space around them, empty ones left out; a last line needs no newline.

    Raises:
        UserError: it is not text.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{path} is not text in UTF-8; get it again.") from None
    # not `splitlines`, which also breaks at marks that a sentence may hold, such as U+2028
    return [line.strip() for line in text.split("\n") if line.strip()]


def oddity(what: str, names: Iterable[str]) -> list[str]:
    """One sentence with the number of these names and the first few of them; none where there is no name."""
    names = list(names)
    if not names:
        return []
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return [f"{what} ({len(names)}): {', '.join(names[:5])}{more}."]


def _describe(array: Any) -> str:
    return f"{array.dtype} of shape {array.shape}" if isinstance(array, np.ndarray) else "an archive"
