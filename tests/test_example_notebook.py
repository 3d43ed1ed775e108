"""docs/example.ipynb: its code runs from top to bottom, here with a tiny random model."""

import json
from pathlib import Path

import pytest
from chat.tiny_model import tiny_model

import vimotion
from vimotion.chat import Model

NOTEBOOK = Path(__file__).parents[1] / "docs" / "example.ipynb"


def test_its_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len([line for line in cells[0].splitlines() if line]) <= 5 and cells[0].startswith("import vimotion")
    assert not any(cell.get("outputs") for cell in notebook["cells"]), "it is kept without what it printed"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(vimotion, "load", lambda: Model(tiny_model(), "tiny"))
    names: dict = {}
    for number, cell in enumerate(cells):
        exec(compile(cell, f"example.ipynb, code cell {number}", "exec"), names)
    written = {path.name for path in tmp_path.iterdir()}
    assert written == {"handshake.glb", "handshake.png", "gentler.fbx", "gentler.npz"}
    assert names["positions"].shape[1:] == (2, 22, 3) and "30" in capsys.readouterr().out
