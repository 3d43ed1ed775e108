"""The codec that comes with the package, on scenes that it was not trained on."""

import numpy as np

from vimotion.chat.model import SHIPPED
from vimotion.choreography import KINDS, SceneParameters, make_scene
from vimotion.motion import place, split_features, to_features
from vimotion.tokenizer import MotionTokenizer
from vimotion.tokenizer.quality import reconstruct


def test_it_tells_every_kind_of_scene_to_a_hands_breadth() -> None:
    tokenizer = MotionTokenizer.load(SHIPPED / "motion_codec")
    errors = []
    for kind, allowed in KINDS.items():
        parameters = SceneParameters(kind, count=allowed.counts[0], distance=allowed.distances[0], seed=987_654)
        features = to_features(place(make_scene(parameters).interaction))
        difference = split_features(reconstruct(tokenizer, features))[0] - split_features(features)[0]
        errors.append(float(np.linalg.norm(difference, axis=-1).mean()))
    assert np.mean(errors) < 0.04 and max(errors) < 0.09, dict(zip(KINDS, np.round(errors, 3), strict=True))
