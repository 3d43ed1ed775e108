"""The interactions that the choreography knows: one function a kind, from parameters to a finished scene."""

from __future__ import annotations

from collections.abc import Callable

from vimotion.choreography.kinds.greetings import handshake, high_five
from vimotion.choreography.kinds.shoving import push
from vimotion.choreography.kinds.walking import walk_together
from vimotion.choreography.parameters import SceneParameters
from vimotion.choreography.scene import Scene

MAKERS: dict[str, Callable[[SceneParameters], Scene]] = {
    "handshake": handshake,
    "high_five": high_five,
    "push": push,
    "walk_together": walk_together,
}
