"""outcomes.jsonl: one line an answer, read at the start of a run and added to a batch at a time."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vimotion.artifacts import atomic_path
from vimotion.errors import UserError

OUTCOMES = "outcomes.jsonl"

Line = dict[str, Any]


class Outcomes:
    """The lines of one run, in the order in which they were first written.

    Raises:
        UserError: the folder holds outcomes of other settings, or they cannot be read.
    """

    def __init__(self, folder: Path, header: Line) -> None:
        self.header = header
        self._path = folder / OUTCOMES
        self._lines: dict[tuple[str, str, int], Line] = {}
        folder.mkdir(parents=True, exist_ok=True)
        settings = {"settings": hashlib.sha256(json.dumps(header, sort_keys=True).encode()).hexdigest()}
        if not self._path.exists() or not self._path.read_bytes().partition(b"\n")[1]:  # or killed before its first line
            self._path.unlink(missing_ok=True)
            self._write([settings])
            return
        first, *lines = _complete_lines(self._path)
        if first != settings:
            raise UserError(f"{folder} holds outcomes of other settings, model or corpus; choose a new folder (--output).")
        self._keep(lines)

    @property
    def lines(self) -> list[Line]:
        return list(self._lines.values())

    def find(self, contestant: str, example: str, seed: int) -> Line | None:
        return self._lines.get((contestant, example, seed))

    def add(self, lines: Sequence[Line]) -> None:
        """One batch; a line about the same answer as an older one replaces it."""
        self._write(lines)
        self._keep(lines)

    def _keep(self, lines: Sequence[Line]) -> None:
        self._lines |= {(line["contestant"], line["example"], line["seed"]): line for line in lines}

    def _write(self, lines: Sequence[Line]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write("".join(json.dumps(line) + "\n" for line in lines))


def pack(vector: np.ndarray) -> str:
    """An embedding (D,) as text: base64 of little-endian float32."""
    return base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii")


def unpack(text: str) -> np.ndarray:
    """What `pack` was given, float64."""
    return np.frombuffer(base64.b64decode(text), dtype="<f4").astype(float)


def _complete_lines(path: Path) -> list[Line]:
    """The lines of a file; one cut off by an interruption is removed from it."""
    content = path.read_text(encoding="utf-8")
    whole = content[: content.rfind("\n") + 1]
    if whole != content:
        with atomic_path(path) as temporary:
            temporary.write_text(whole, encoding="utf-8")
    try:
        return [json.loads(line) for line in whole.splitlines()]
    except ValueError:
        raise UserError(f"{path} is damaged; choose a new folder (--output).") from None
