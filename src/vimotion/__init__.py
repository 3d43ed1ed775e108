"""VIMotion: talk with a model that understands and makes the motion of two people.

import vimotion

model = vimotion.load()
motion = model.generate("Two people walk up to each other and shake hands.", duration=4, seed=1)
motion.save("handshake.glb")
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vimotion.chat import Model

__version__ = "0.1.0"


def load(model: str | Path | None = None) -> Model:
    """A model ready to talk: the one that comes with VIMotion, a model folder, or a training run by its name.

    Raises:
        vimotion.errors.UserError: there is none, or it cannot be loaded.
    """
    from vimotion.chat import load_model

    return load_model(model)
