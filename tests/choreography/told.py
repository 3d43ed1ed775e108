"""Scenes of a given number of acts, for tests of what is said of them."""

from dataclasses import replace

import numpy as np

from vimotion.choreography import KINDS, SceneParameters, sample_parameters
from vimotion.choreography.kind import Arrangement
from vimotion.choreography.parameters import Act

_FOLLOWING = [name for name, kind in KINDS.items() if isinstance(kind.start, Arrangement)]


def draw(random: np.random.Generator, kind: str, acts: int = 1) -> SceneParameters:
    """Parameters of a scene that begins with an act of this kind; whether bodies could do it is not asked."""
    parameters = sample_parameters(random, kind)
    later = [
        Act(name, "ab"[int(random.integers(2))], "right", KINDS[name].counts[0])  # type: ignore[arg-type]
        for name in random.choice(_FOLLOWING, acts - 1)
    ]
    return replace(parameters, acts=(parameters.acts[0], *later))
