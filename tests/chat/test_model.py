import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import vimotion
from vimotion.chat import Model, Wish, load_model
from vimotion.chat import model as model_module
from vimotion.chat.speed import measure
from vimotion.errors import UserError
from vimotion.language.model_folder import ModelFolder
from vimotion.language.packing import pack


def test_a_model_is_found_by_folder_run_or_not_named_at_all(
    folder: ModelFolder, model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIMOTION_HOME", str(tmp_path))
    folder.save(tmp_path / "runs" / "mine")
    expected = model.generate("They bow.", duration=0.5, seed=2).codes
    assert np.array_equal(vimotion.load("mine").generate("They bow.", duration=0.5, seed=2).codes, expected)
    assert load_model(tmp_path / "runs" / "mine").name == str(tmp_path / "runs" / "mine")
    monkeypatch.setattr(model_module, "SHIPPED", tmp_path / "shipped")
    with pytest.raises(UserError, match="--model"):
        vimotion.load()
    pack(tmp_path / "runs" / "mine", tmp_path / "shipped")
    shipped = vimotion.load()
    assert shipped.name == "default"
    # packed and decoded in the same 8 bits a row; the choice among a random model's drafts would be too close
    turns = [one.chat().turn("They bow.", Wish(0.5, "must", seed=2, max_words=0)) for one in (model, shipped)]
    drafts = [list(turn.session.model.decoder.stream(turn.request)) for turn in turns]
    assert drafts[0] == drafts[1]
    with pytest.raises(UserError, match="no model"):
        vimotion.load("nowhere")


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, vimotion, vimotion.cli; sys.exit(any(n in sys.modules for n in ('torch', 'numpy', 'transformers')))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_bench_measures(model: Model) -> None:
    figures = measure(model, duration=0.5)
    assert figures["tokens_per_motion_second"] > 0 and figures["ratio"] > 0 and figures["memory_megabytes"] > 50
