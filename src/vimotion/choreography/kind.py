"""What a kind of interaction is: one file under `kinds/` declares a `Kind`, and nothing else knows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from vimotion.choreography.parameters import Distance, Posture

if TYPE_CHECKING:
    from vimotion.choreography.stage import Stage


@dataclass(frozen=True)
class Arrangement:
    """Where the actor stands when an interaction begins, in the other's axes: metres for people of standard size.

    Attributes:
        ahead, left: of the other's middle, along and across the way that the other faces.
        turn: the actor's yaw against the other's, radians.
        handed: written for the right hand; `left` and `turn` change their signs for the left one.
    """

    ahead: float
    left: float = 0.0
    turn: float = np.pi
    handed: bool = False

    @property
    def facing(self) -> bool:
        """Whether they stand face to face, so that each may turn to the other instead of one walking round."""
        return self.left == 0.0 and self.ahead > 0.0 and abs(abs(self.turn) - np.pi) < 0.2

    def of(self, side: str, scale: float) -> tuple[float, float, float]:
        """ahead, left and turn for a hand and for people of this size."""
        sign = -1.0 if self.handed and side == "left" else 1.0
        return self.ahead * scale, sign * self.left * scale, sign * self.turn


Mood = Literal[
    "greeting", "affection", "praise", "conflict", "teasing", "mishap", "contest", "help", "care", "talk", "company", "play",
    "parting",
]  # fmt: skip

Postures = tuple[tuple[Posture, Posture], ...]
# What a kind that has a way of its own draws: from its random stream and whether they start far apart.
DrawnArrangement = Callable[[np.random.Generator, bool], Arrangement]


@dataclass(frozen=True)
class Kind:
    """One kind of interaction and what may be asked of it.

    Attributes:
        name: how it is called in the corpus.
        play: `play(stage, begin)` writes it into the scripts of the two performers from `begin` (script seconds) on, and
            returns when it is over.
        start: where they stand when it begins. A function draws that by itself, and then nobody walks up.
        mutual: both do the same thing (handshake); otherwise the actor does it to, or before, the other.
        sided: the actor's `side` arm does it.
        counts: how often it can be done, (1,) where counting makes no sense.
        distances: "near" starts within reach, "far" starts with a walk up.
        postures: what the actor and the other may be doing when it begins: "stand", "chair", "ground".
        after: and what they do when it is over, where that is not the same.
        ends: nothing can follow it.
        words: how it is told; see `wording.py`.
        mood: what it is a sign of between two people: why it is done, and what comes before and after; see `telling.py`.
    """

    name: str
    play: Callable[[Stage, float], float]
    start: Arrangement | DrawnArrangement
    words: str
    mood: Mood
    mutual: bool = False
    sided: bool = True
    counts: tuple[int, ...] = (1,)
    distances: tuple[Distance, ...] = ("near", "far")
    postures: Postures = (("stand", "stand"),)
    after: tuple[Posture, Posture] | None = None
    ends: bool = False
