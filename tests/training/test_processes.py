"""Several processes do what one does: the loss curve of the language stages, and how they go on with fewer of them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from language_chain import RECIPES, train
from safetensors.torch import load_file

from vimotion.errors import UserError
from vimotion.training.loop import LoopConfig, _batches_each
from vimotion.training.processes import make_accelerator

STAGES = ("align", "instruct")


@pytest.fixture(scope="module")
def alone(home: Path) -> Path:
    """The chain on one process, two batches a step."""
    train(home / "alone", False, ["loop.gradient_accumulation=2"])
    return home / "alone"


@pytest.fixture(scope="module", params=["ddp", "fsdp2"])
def together(request: pytest.FixtureRequest, home: Path) -> Path:
    """The chain on two processes, a batch each; those that share their weights keep few activations."""
    folder = home / request.param
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--main_process_port", "0"]
    launch += ["--config_file", str(RECIPES / "accelerate" / f"{request.param}_cpu.yaml")]
    chain = [str(Path(__file__).with_name("language_chain.py")), str(folder)]
    chain += ["gradient_checkpointing=true"] if request.param == "fsdp2" else []
    environment = os.environ | {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1", "VIMOTION_HOME": str(home)}
    done = subprocess.run([*launch, *chain], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def _losses(run: Path) -> list[float]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [line["loss"] for line in lines if "loss" in line]


def _figures(run: Path) -> dict[str, float]:
    figures: dict[str, float] = json.loads((run / "manifest.json").read_text())["metrics"]
    return {name: value for name, value in figures.items() if name.startswith("validation")}


def _same_weights(one: Path, other: Path) -> None:
    expected, found = (load_file(run / "model.safetensors") for run in (one, other))
    assert expected.keys() == found.keys()
    for name, tensor in expected.items():
        # in its first steps AdamW turns a gradient that is nearly zero into a whole step of either sign
        assert float((tensor - found[name]).abs().mean()) < 1e-4, name


def test_two_processes_learn_what_one_does(alone: Path, together: Path) -> None:
    for stage in STAGES:
        expected = _losses(alone / stage)
        assert len(expected) == 6 and expected[-1] < expected[0] - 0.3
        assert _losses(together / stage) == pytest.approx(expected, abs=1e-4)
        assert _figures(together / stage) == pytest.approx(_figures(alone / stage), abs=1e-4)
        _same_weights(alone / stage, together / stage)


def test_one_process_goes_on_where_two_were_killed(alone: Path, together: Path, tmp_path: Path) -> None:
    for stage in STAGES:  # what is on disk when they are killed after their third step
        shutil.copytree(together / stage, tmp_path / stage, ignore=shutil.ignore_patterns("step-000000006"))
        (tmp_path / stage / "model.safetensors").unlink()
    train(tmp_path, True, ["gradient_checkpointing=true"] if together.name == "fsdp2" else [])
    for stage in STAGES:
        assert _losses(tmp_path / stage) == pytest.approx(_losses(together / stage), abs=1e-4)
        assert _losses(tmp_path / stage)[:3] == _losses(together / stage)[:3]
        _same_weights(together / stage, tmp_path / stage)


def test_a_number_of_processes_that_cannot_share_a_step_is_refused() -> None:
    two: Any = SimpleNamespace(num_processes=2)
    assert _batches_each(two, LoopConfig(gradient_accumulation=3), {}) == 3
    assert _batches_each(two, LoopConfig(gradient_accumulation=3), {"batches": 8}) == 4
    with pytest.raises(UserError, match="9 batches a step"):
        _batches_each(two, LoopConfig(), {"batches": 9})


def test_processes_that_would_train_alone_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    make_accelerator(bf16=False)  # this process is connected to no other
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UserError, match="do not know of one another"):
        make_accelerator(bf16=False)
