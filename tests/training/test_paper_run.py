"""`runs/paper.sh` with commands that only say that they were called, its recipes, and the page about it."""

import re
import subprocess
from pathlib import Path

import pytest

from vimotion.config import load_config
from vimotion.inter_mt2.pipeline import SynthesizeRecipe
from vimotion.training.align import AlignRecipe
from vimotion.training.extractor import ExtractorRecipe
from vimotion.training.instruct import InstructRecipe
from vimotion.training.planner import plan
from vimotion.training.tokenizer import TokenizerRecipe

ROOT = Path(__file__).parents[2]
STAGES = {"tokenizer": TokenizerRecipe, "align": AlignRecipe, "instruct": InstructRecipe}


def called(root: Path, home: Path) -> list[str]:
    """The commands that the run calls, in a checkout that has nothing but its script."""
    (root / "runs").mkdir(parents=True)
    (root / "runs" / "paper.sh").write_text((ROOT / "runs" / "paper.sh").read_text())
    (root / ".venv" / "bin").mkdir(parents=True)
    (root / "called").write_text("")
    for name in ("vimotion", "accelerate"):
        command = root / ".venv" / "bin" / name
        command.write_text(f'#!/bin/sh\necho "{name} $*" >> "{root}/called"\n')
        command.chmod(0o755)
    (home / "corpora").mkdir(parents=True, exist_ok=True)
    data = {"INTERHUMAN": "/data/interhuman", "INTERX": "/data/interx", "MOTIONX": "/data/motionx"}
    environment = {"PATH": "/usr/bin:/bin", "VIMOTION_HOME": str(home), **data}
    subprocess.run(["bash", str(root / "runs" / "paper.sh")], check=True, env=environment)
    return (root / "called").read_text().splitlines()


def steps(commands: list[str]) -> list[str]:
    """What each command does, of what."""
    kinds = r"corpus (prepare \S+|join)|cli train (\S+)|vimotion (synthesize|export-model)"
    return [next(filter(None, found.groups())) for command in commands if (found := re.search(kinds, command))]


def test_every_step_comes_after_what_it_needs(tmp_path: Path) -> None:
    commands = called(tmp_path / "checkout", tmp_path / "home")
    prepared = ["prepare interhuman", "prepare interx", "prepare motionx", "join", "join"]
    trained = ["tokenizer", "align", "intergen", "extractor", "synthesize", "instruct", "export-model"]
    assert steps(commands) == prepared + trained
    recipe = load_config(SynthesizeRecipe, ROOT / "recipes" / "inter_mt2" / "paper.yaml")
    [extractor] = [command for command in commands if "train extractor" in command]
    trained_by = ROOT / re.findall(r"--recipe (\S+)", extractor)[0]
    assert str(recipe.extractor) == load_config(ExtractorRecipe, trained_by).name


def test_what_is_done_is_not_done_again_and_what_is_half_done_is(tmp_path: Path) -> None:
    root, home = tmp_path / "checkout", tmp_path / "home"
    for name in ("interhuman", "interhuman-interx", "interhuman-interx-motionx"):
        (home / "corpora" / name).mkdir(parents=True)
        (home / "corpora" / name / "stats.json").touch()  # as where it was stopped before info.json
    for name in ("paper-tokenizer", "interclip"):
        (home / "runs" / name).mkdir(parents=True)
        (home / "runs" / name / "manifest.json").touch()
    (home / "corpora" / "interhuman-interx" / "info.json").touch()
    found = steps(called(root, home))
    assert found.count("join") == 1 and "prepare interhuman" in found
    assert not {"tokenizer", "extractor"} & set(found)


@pytest.mark.parametrize("stage", STAGES)
def test_the_page_prints_the_plan(stage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIMOTION_HOME", str(tmp_path))
    planned = plan(load_config(STAGES[stage], ROOT / "recipes" / stage / "paper.yaml"))
    assert f"== {stage}\n{planned}\n" in (ROOT / "docs" / "paper.md").read_text(encoding="utf-8")


def test_the_page_names_the_commands_of_the_run() -> None:
    page, script = ((ROOT / path).read_text(encoding="utf-8") for path in ("docs/paper.md", "runs/paper.sh"))
    for stage, recipe in (("tokenizer", "paper"), ("align", "paper"), ("intergen", "paper"), ("extractor", "interclip")):
        assert re.search(rf"train {stage} +--recipe recipes/{stage}/{recipe}\.yaml", page), stage
        assert re.search(rf"^train (ddp|fsdp2) {stage}\b", script, re.MULTILINE), stage
