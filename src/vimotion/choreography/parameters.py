"""What a scripted scene is asked to be: its kind and the parameters that each kind allows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np

Person = Literal["a", "b"]
Side = Literal["left", "right"]
Speed = Literal["slow", "normal", "fast"]
Manner = Literal["gentle", "neutral", "forceful"]
Distance = Literal["near", "far"]


@dataclass(frozen=True)
class Kind:
    """One kind of interaction and the parameters that change what can be seen of it.

    Attributes:
        name: how it is called in the corpus.
        mutual: both do the same thing (handshake); otherwise the actor does it to, or before, the other.
        sided: the actor's `side` arm does it.
        counts: how often it can be done, (1,) where counting makes no sense.
        distances: "near" starts within reach, "far" starts with a walk up.
    """

    name: str
    mutual: bool = False
    sided: bool = True
    counts: tuple[int, ...] = (1,)
    distances: tuple[Distance, ...] = ("near", "far")


# "actor" of a mutual kind is the one who starts (offers the hand, bows first, leads the walk).
KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("handshake", mutual=True, counts=(2, 3, 4)),
        Kind("hug", mutual=True),
        Kind("high_five", mutual=True, counts=(1, 2, 3)),
        Kind("bow", mutual=True, sided=False, counts=(1, 2)),
        Kind("wave", counts=(2, 3, 4)),
        Kind("push", sided=False, counts=(1, 2)),
        Kind("punch_dodge", counts=(1, 2)),
        Kind("pat_back", counts=(2, 3, 4)),
        Kind("walk_together", mutual=True, sided=False, distances=("near",)),
        Kind("pass_by", mutual=True, distances=("far",)),
        Kind("chase", sided=False, distances=("near", "far")),
        Kind("rock_paper_scissors", mutual=True, counts=(1, 2)),
    )
}


@dataclass(frozen=True)
class SceneParameters:
    """Everything that a scene follows from. A parameter that the kind does not use keeps its default.

    Attributes:
        kind: a key of `KINDS`.
        actor: who acts or starts.
        side: the actor's arm; in `hug` the arm that goes on top, in `pass_by` the side on which they pass each other.
        count: how often (shakes, claps, bows, waves, pushes, punches, pats, rounds).
        speed, manner: how the whole scene is moved.
        distance: near or far at the start.
        seed: everything random: bodies, stance, timing, small habits.
    """

    kind: str
    actor: Person = "a"
    side: Side = "right"
    count: int = 1
    speed: Speed = "normal"
    manner: Manner = "neutral"
    distance: Distance = "near"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"There is no interaction {self.kind!r}; the choreography knows {', '.join(KINDS)}.")
        if self.count not in KINDS[self.kind].counts:
            raise ValueError(f"{self.kind} can be done {KINDS[self.kind].counts} times, not {self.count}.")
        if self.distance not in KINDS[self.kind].distances:
            raise ValueError(f"{self.kind} can start {' or '.join(KINDS[self.kind].distances)}, not {self.distance}.")


@dataclass(frozen=True)
class Edit:
    """A change of one parameter: `name` is what a person would ask for ("faster", "other_hand", "more_often", …)."""

    name: str
    parameter: str
    parameters: SceneParameters


def sample_parameters(random: np.random.Generator, kind: str | None = None) -> SceneParameters:
    """Parameters drawn evenly from what the kind (or any kind) allows."""
    chosen = KINDS[kind or str(random.choice(list(KINDS)))]
    return SceneParameters(
        kind=chosen.name,
        actor=_choice(random, get_args(Person)),
        side=_choice(random, get_args(Side)) if chosen.sided else "right",
        count=_choice(random, chosen.counts),
        speed=_choice(random, get_args(Speed)),
        manner=_choice(random, get_args(Manner)),
        distance=_choice(random, chosen.distances),
        seed=int(random.integers(2**31)),
    )


def _choice(random: np.random.Generator, values: tuple[Any, ...]) -> Any:
    return values[int(random.integers(len(values)))]


def possible_edits(parameters: SceneParameters) -> list[Edit]:
    """Every one-parameter change that can be seen; the seed stays, so that everything else stays as it was."""
    kind = KINDS[parameters.kind]
    edits = []
    changes: tuple[tuple[str, str, tuple[Any, ...], int], ...] = (
        ("faster", "speed", get_args(Speed), 1),
        ("slower", "speed", get_args(Speed), -1),
        ("more_forceful", "manner", get_args(Manner), 1),
        ("gentler", "manner", get_args(Manner), -1),
        ("more_often", "count", kind.counts, 1),
        ("less_often", "count", kind.counts, -1),
    )
    for name, parameter, order, step in changes:
        at = order.index(getattr(parameters, parameter)) + step
        if 0 <= at < len(order):
            change: dict[str, Any] = {parameter: order[at]}
            edits.append(Edit(name, parameter, replace(parameters, **change)))
    if kind.sided:
        edits.append(Edit("other_hand", "side", replace(parameters, side="left" if parameters.side == "right" else "right")))
    edits.append(Edit("other_person", "actor", replace(parameters, actor="b" if parameters.actor == "a" else "a")))
    if len(kind.distances) > 1:
        far = parameters.distance == "far"
        name = "start_near" if far else "start_far"
        edits.append(Edit(name, "distance", replace(parameters, distance="near" if far else "far")))
    return edits
