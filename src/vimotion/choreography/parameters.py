"""What a scripted scene is asked to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Person = Literal["a", "b"]
Side = Literal["left", "right"]
Speed = Literal["slow", "normal", "fast"]
Distance = Literal["near", "far"]
Posture = Literal["stand", "chair", "ground"]
Ending = Literal["stay", "part"]


@dataclass(frozen=True)
class Act:
    """One interaction of a scene. A parameter that its kind does not use keeps its default.

    Attributes:
        kind: a key of `kinds.KINDS`.
        actor: who acts or, where both do the same, starts.
        side: the actor's arm; in `hug` the arm that goes on top, in `pass_by` the side on which they pass each other.
        count: how often (shakes, claps, bows, waves, pushes, punches, pats, rounds).
    """

    kind: str
    actor: Person = "a"
    side: Side = "right"
    count: int = 1


@dataclass(frozen=True)
class SceneParameters:
    """Everything that a scene follows from.

    Attributes:
        acts: one to three interactions, one after the other.
        manners: of person a and of person b, keys of `manner.MANNERS`.
        speed: of the whole scene.
        distance: near or far at the start.
        postures: of person a and of person b at the start.
        ending: whether they stay, or turn away from each other at the end.
        seed: everything random: bodies, stance, timing, small habits.
    """

    acts: tuple[Act, ...]
    manners: tuple[str, str] = ("neutral", "neutral")
    speed: Speed = "normal"
    distance: Distance = "near"
    postures: tuple[Posture, Posture] = ("stand", "stand")
    ending: Ending = "stay"
    seed: int = 0
