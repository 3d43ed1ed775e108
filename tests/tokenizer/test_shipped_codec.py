"""The codec that comes with the package, on scenes that it was not trained on."""

from pathlib import Path

import numpy as np
import yaml

from vimotion.chat.model import SHIPPED
from vimotion.choreography import KINDS, SceneParameters, make_scene
from vimotion.choreography.parameters import Act
from vimotion.motion import place, split_features, to_features
from vimotion.tokenizer import MotionTokenizer
from vimotion.tokenizer.quality import reconstruct

# The shipped model is older than most kinds; its recipe of evaluation lists those that it was taught.
TAUGHT = yaml.safe_load((Path(__file__).parents[2] / "recipes" / "evaluate" / "first_twelve.yaml").read_text())["kinds"]


def test_it_tells_every_kind_of_scene_to_a_hands_breadth() -> None:
    tokenizer = MotionTokenizer.load(SHIPPED / "motion_codec")
    errors = []
    for name in TAUGHT:
        kind = KINDS[name]
        acts = (Act(name, count=kind.counts[0]),)
        parameters = SceneParameters(acts, distance=kind.distances[0], postures=kind.postures[0], seed=987_654)
        features = to_features(place(make_scene(parameters).interaction))
        difference = split_features(reconstruct(tokenizer, features))[0] - split_features(features)[0]
        errors.append(float(np.linalg.norm(difference, axis=-1).mean()))
    assert np.mean(errors) < 0.04 and max(errors) < 0.09, dict(zip(TAUGHT, np.round(errors, 3), strict=True))
