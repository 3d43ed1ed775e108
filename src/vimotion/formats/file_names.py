"""Endings of motion files, and the names of files that belong together."""

from __future__ import annotations

from pathlib import Path

AMASS = ".amass.npz"
USD = (".usd", ".usda", ".usdc", ".usdz")


def ending_of(path: Path) -> str:
    """In small letters; the one ending with two dots counts as one."""
    return AMASS if path.name.lower().endswith(AMASS) else path.suffix.lower()


def inserted(path: Path, text: str) -> Path:
    """The path with `text` before its ending: `take.bvh` and ".a" give `take.a.bvh`."""
    at = len(path.name) - len(ending_of(path))
    return path.with_name(path.name[:at] + text + path.name[at:])


def person_files(path: Path, people: int) -> list[Path]:
    """The files of one person each: the path itself for one, `name.a.bvh` and `name.b.bvh` for two."""
    return [path] if people == 1 else [inserted(path, f".{letter}") for letter in "ab"]
