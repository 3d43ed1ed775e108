"""The interactions that the choreography knows: one function a kind, from parameters to a finished scene."""

from __future__ import annotations

from collections.abc import Callable

from vimotion.choreography.kinds.blows import punch_dodge
from vimotion.choreography.kinds.embraces import hug, pat_back
from vimotion.choreography.kinds.greetings import handshake, high_five
from vimotion.choreography.kinds.passing import chase, pass_by
from vimotion.choreography.kinds.shoving import push
from vimotion.choreography.kinds.signals import bow, rock_paper_scissors, wave
from vimotion.choreography.kinds.walking import walk_together
from vimotion.choreography.parameters import SceneParameters
from vimotion.choreography.scene import Scene

MAKERS: dict[str, Callable[[SceneParameters], Scene]] = {
    "handshake": handshake,
    "hug": hug,
    "high_five": high_five,
    "bow": bow,
    "wave": wave,
    "push": push,
    "punch_dodge": punch_dodge,
    "pat_back": pat_back,
    "walk_together": walk_together,
    "pass_by": pass_by,
    "chase": chase,
    "rock_paper_scissors": rock_paper_scissors,
}
