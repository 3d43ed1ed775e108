"""Which generator a recipe means, and how it is sampled."""

from pathlib import Path

import numpy as np
import pytest
from small_generator import random_generator

from vimotion.config import load_config
from vimotion.errors import UserError
from vimotion.intergen import MotionGenerator, Sampler


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("generator")
    random_generator().save(folder)
    return folder


def test_a_sampler_asks_the_generator_as_the_recipe_says(folder: Path) -> None:
    asked = ["One person bows."], [40], [3]
    generator = MotionGenerator.load(folder)
    [made] = Sampler(model=str(folder), guidance=2.0, steps=4, solver="dpm++").load()(*asked)
    [wanted] = generator.sample(*asked, guidance=2.0, steps=4, solver="dpm++")
    np.testing.assert_array_equal(made.root_positions, wanted.root_positions)
    [other] = Sampler(model=str(folder), guidance=2.0, steps=4).load()(*asked)
    assert not np.allclose(made.root_positions, other.root_positions)
    [rounded] = Sampler(model=str(folder), guidance=2.0, steps=4, solver="dpm++", precision="bf16").load()(*asked)
    off = np.abs(made.root_positions - rounded.root_positions).max()
    assert 0 < off < 0.05 * np.abs(made.root_positions).max()
    [own] = Sampler(model=str(folder)).load()(*asked)
    np.testing.assert_array_equal(own.root_positions, generator.sample(*asked)[0].root_positions)


def test_what_is_missing_is_told_before_anything_is_made(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"no motion generator 'nothing'.*`vimotion train intergen`"):
        Sampler(model="nothing").folder()
    with pytest.raises(UserError, match="1000"):  # else each motion by itself would fail to be made
        load_config(Sampler, overrides=["steps=1001"])
    monkeypatch.setattr("vimotion.intergen.diffusion.find_spec", lambda name: None)
    assert Sampler(model=str(folder)).folder() == folder
    with pytest.raises(UserError, match=r"vimotion\[solvers\]"):
        Sampler(model=str(folder), solver="dpm++").folder()
