"""The generator that comes with VIMotion."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from vimotion.artifacts import vimotion_home
from vimotion.intergen import GeneratorConfig, MotionGenerator
from vimotion.intergen.generator import SHIPPED
from vimotion.intergen.text import MINILM

RECIPE = Path(__file__).parents[2] / "recipes" / "intergen" / "refined.yaml"


def test_it_is_what_the_recipe_makes() -> None:
    wanted = GeneratorConfig.model_validate(yaml.safe_load(RECIPE.read_text())["generator"])
    assert GeneratorConfig.model_validate_json((SHIPPED / "config.json").read_text()) == wanted
    assert json.loads((SHIPPED / "manifest.json").read_text())["kind"] == "intergen"


def test_people_who_shake_hands_meet() -> None:
    if not (vimotion_home() / "downloads" / MINILM.file).is_file():
        pytest.skip("all-MiniLM-L6-v2 has not been fetched")
    generator = MotionGenerator.load(SHIPPED)
    for motion in generator.sample(["Two people walk up to each other and shake hands."] * 3, 120, steps=20, solver="dpm++"):
        palms = np.stack([motion.palm_positions(side) for side in ("left", "right")], axis=2)
        apart = np.linalg.norm(palms[:, 0, :, None] - palms[:, 1, None], axis=-1).min(axis=(1, 2))
        pelvises = np.linalg.norm(np.diff(motion.root_positions, axis=1)[:, 0], axis=-1)
        assert apart.min() < 0.25 < 1.0 < apart[0] and 0.4 < pelvises.min() < 1.5 < pelvises[0]
