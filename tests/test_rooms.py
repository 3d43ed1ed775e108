"""The table of rooms: what each may import of ours."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "vimotion"

_DATA = {"motion"}
_EVERYTHING_ABOVE = {
    "motion", "formats", "choreography", "corpora", "tokenizer", "tasks", "language", "intergen", "chat", "llm",
    "inter_mt2",
}  # fmt: skip
MAY_IMPORT = {
    "motion": set(),
    "formats": _DATA,
    "choreography": _DATA,
    "corpora": _DATA | {"formats", "choreography"},
    "tokenizer": _DATA,
    "tasks": _DATA | {"corpora"},
    "language": _DATA | {"tokenizer", "tasks"},
    "intergen": _DATA,
    "chat": _DATA | {"tokenizer", "tasks", "language", "formats"},
    "llm": set(),
    "inter_mt2": _DATA | {"corpora", "tasks", "intergen", "choreography", "llm"},
    "evaluation": _EVERYTHING_ABOVE,
    "training": _EVERYTHING_ABOVE | {"evaluation"},
    "app": _DATA | {"chat", "formats"},
}
# Files at the package root that any room may use.
ROOT_FILES = {"errors", "config", "artifacts", "grammar", "weights", "wheels"}


def imported_rooms(path: Path) -> set[str]:
    """First name after `vimotion.` of every import in a file, also those inside functions."""
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            rooms |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("vimotion.")}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "vimotion":
            names = node.module.split(".")
            rooms |= {names[1]} if len(names) > 1 else {alias.name for alias in node.names}
    return rooms - ROOT_FILES


def rooms_on_disk() -> list[str]:
    return sorted(path.name for path in PACKAGE.iterdir() if path.is_dir() and any(path.glob("*.py")))


@pytest.mark.parametrize("room", rooms_on_disk())
def test_room_imports_only_what_its_row_names(room: str) -> None:
    assert room in MAY_IMPORT, f"{room} is no room of the design"
    for path in (PACKAGE / room).rglob("*.py"):
        extra = imported_rooms(path) - MAY_IMPORT[room] - {room}
        assert not extra, f"{path.relative_to(PACKAGE)} imports {sorted(extra)}"


def test_files_are_short_and_named_after_what_they_do() -> None:
    for path in PACKAGE.rglob("*.py"):
        assert path.name not in {"utils.py", "common.py", "helpers.py", "misc.py"}, path
        assert len(path.read_text().splitlines()) <= 600, f"{path} is too long"


@pytest.mark.parametrize("room", ["motion", "formats", "choreography", "corpora", "tasks", "llm"])
def test_data_rooms_start_without_torch(room: str) -> None:
    for path in (PACKAGE / room).rglob("*.py"):
        if path.name == "differentiable.py":
            continue
        for node in ast.parse(path.read_text()).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {name.split(".")[0] for name in names} & {"torch", "transformers"}, path
