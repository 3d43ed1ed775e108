"""`vimotion generate` with a motion generator."""

import json
from pathlib import Path

import numpy as np
import pytest
from small_generator import random_generator

from vimotion.cli import main
from vimotion.intergen import find_generator


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VIMOTION_HOME", str(tmp_path / "home"))
    random_generator().save(tmp_path / "home" / "runs" / "small")


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["generate", "two people hug", "--model", "small", *arguments])
    return int(ended.value.code or 0)


def test_a_run_is_found_by_its_name_and_a_folder_too(tmp_path: Path) -> None:
    run_folder = tmp_path / "home" / "runs" / "small"
    assert find_generator("small") == run_folder == find_generator(run_folder)
    assert find_generator("large") is None


def test_intergen_is_the_one_that_comes_along_or_else_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vimotion.intergen.generator.SHIPPED", tmp_path / "package")
    assert find_generator("intergen") is None
    random_generator().save(tmp_path / "home" / "runs" / "intergen")
    assert find_generator("intergen") == tmp_path / "home" / "runs" / "intergen"
    random_generator().save(tmp_path / "package")
    assert find_generator("intergen") == tmp_path / "package"


def test_motions_are_made_by_diffusion(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--duration", "1", "--seed", "4", "--num-samples", "2", "--output", "hug.npz", "--json") == 0
    content = json.loads(capsys.readouterr().out)
    assert content["model"] == "small"
    assert content["samples"] == [
        {"file": f"hug-{number}.npz", "files": [f"hug-{number}.npz"], "seconds": 1.0, "seed": seed}
        for number, seed in ((1, 4), (2, 5))
    ]
    assert run("--duration", "1", "--seed", "5", "--output", "alone.npz") == 0
    with np.load("hug-2.npz") as many, np.load("alone.npz") as alone:
        assert many["posed_joints"].shape == (30, 2, 22, 3)
        np.testing.assert_allclose(many["posed_joints"], alone["posed_joints"], atol=1e-2)


def test_a_length_that_cannot_be_made_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--duration", "9", "--output", "long.npz") == 2
    assert "2 to 60 frames" in capsys.readouterr().err
    assert not Path("long.npz").exists()
