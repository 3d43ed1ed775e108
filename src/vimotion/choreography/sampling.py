"""Which scenes there are: parameters drawn at random, and the changes of them that can be asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, get_args

import numpy as np

from vimotion.choreography.kind import Arrangement, Kind, Mood
from vimotion.choreography.kinds import KINDS
from vimotion.choreography.manner import MANNERS
from vimotion.choreography.parameters import Act, Person, Posture, SceneParameters, Side, Speed

# How many interactions a scene has.
_ACTS = {1: 0.70, 2: 0.22, 3: 0.08}
# How often both people, only one of them, or neither has a manner; and how often they part at the end.
_MANNERED = {"neither": 0.4, "both": 0.25, "one": 0.35}
_PARTING = 0.2
# What may come next in a story, by the mood of what was before; what parts them has a way of its own and follows nothing.
_FOLLOWING: dict[Mood, tuple[Mood, ...]] = {
    "greeting": ("greeting", "affection", "praise", "contest", "help", "care", "talk", "company", "play"),
    "affection": ("affection", "care", "talk", "company", "play", "greeting"),
    "praise": ("praise", "affection", "greeting", "talk", "company", "play"),
    "conflict": ("conflict", "teasing", "affection", "greeting", "help", "care", "talk"),
    "teasing": ("teasing", "conflict", "affection", "play", "talk"),
    "mishap": ("help", "care", "conflict", "greeting", "talk"),
    "contest": ("contest", "praise", "greeting", "teasing", "talk"),
    "help": ("help", "care", "praise", "affection", "greeting", "talk"),
    "care": ("care", "affection", "help", "praise", "talk"),
    "talk": ("talk", "affection", "conflict", "contest", "greeting", "praise", "company", "play"),
    "company": ("company", "affection", "praise", "talk", "play", "greeting"),
    "play": ("play", "contest", "praise", "teasing", "talk", "company"),
    "parting": ("greeting", "affection", "talk"),
}
# Weaker and stronger forms of one way of doing things, in order.
FORCE = ("gentle", "neutral", "forceful")


def plain_scene(kind: str, seed: int = 0) -> SceneParameters:
    """A kind by itself, in no special manner."""
    allowed = KINDS[kind]
    return SceneParameters(
        (Act(kind, count=allowed.counts[0]),), distance=allowed.distances[0], postures=allowed.postures[0], seed=seed
    )


@dataclass(frozen=True)
class Edit:
    """A change that can be seen.

    Attributes:
        name: what a person would ask for: "faster", "other_hand", "more_often", or a manner ("shy").
        who: whom a manner is asked of, "a", "b" or "ab"; "" where nobody is meant.
        parameters: of the changed scene; the seed stays, so that everything else stays as it was.
    """

    name: str
    parameters: SceneParameters
    who: str = ""


def sample_parameters(random: np.random.Generator, kind: str | None = None) -> SceneParameters:
    """A scene that begins with `kind`, or with any."""
    first = KINDS[kind or str(random.choice(list(KINDS)))]
    actor: Person = _choice(random, get_args(Person))
    acts = [draw_act(random, first, actor)]
    begin = by_person(first.postures[int(random.integers(len(first.postures)))], actor)
    postures, last = postures_after(first, begin, actor), first
    for _ in range(_drawn(random, _ACTS) - 1):
        told = {act.kind for act in acts}  # each once, so that its name says which act is meant
        following = [(kind, who) for kind in KINDS.values() for who in get_args(Person) if kind.name not in told
                     and may_follow(kind, last, postures, who)]  # fmt: skip
        if last.ends or not following:
            break
        last, actor = following[int(random.integers(len(following)))]
        acts.append(draw_act(random, last, actor))
        postures = postures_after(last, postures, actor)
    parting = all(posture == "stand" for posture in postures) and not last.ends and random.random() < _PARTING
    parameters = SceneParameters(
        tuple(acts),
        manners=_manners(random),
        speed=_choice(random, get_args(Speed)),
        distance=_choice(random, first.distances),
        postures=begin,
        ending="part" if parting else "stay",
        seed=int(random.integers(2**31)),
    )
    return parameters if _has_distance(parameters, first) else replace(parameters, distance=first.distances[0])


def walks_up(parameters: SceneParameters, kind: Kind) -> bool:
    """Whether somebody comes walking where the scene, which begins with this kind, starts far apart."""
    standing = parameters.postures["ab".index(parameters.acts[0].actor)] == "stand"
    return isinstance(kind.start, Arrangement) and standing


def _has_distance(parameters: SceneParameters, kind: Kind) -> bool:
    """Whether near and far can be told apart."""
    return len(kind.distances) > 1 and (walks_up(parameters, kind) or not isinstance(kind.start, Arrangement))


def possible_edits(parameters: SceneParameters) -> list[Edit]:
    """Every change of one thing that can be seen; of several interactions the first is meant."""
    return list(_edits(parameters))


def _edits(parameters: SceneParameters) -> Iterator[Edit]:
    act, *later = parameters.acts
    kind = KINDS[act.kind]

    def acting(changed: Act) -> SceneParameters:
        return replace(parameters, acts=(changed, *later))

    for name, step in (("faster", 1), ("slower", -1)):
        if speed := _next(get_args(Speed), parameters.speed, step):
            yield Edit(name, replace(parameters, speed=speed))
    for name, step in (("more_often", 1), ("less_often", -1)):
        if count := _next(kind.counts, act.count, step):
            yield Edit(name, acting(replace(act, count=count)))
    if kind.sided:
        yield Edit("other_hand", acting(replace(act, side="left" if act.side == "right" else "right")))
    if len(parameters.acts) == 1 and (parameters.postures[0] == parameters.postures[1] or kind.mutual):
        yield Edit("other_person", acting(replace(act, actor=_other(act.actor))))
    if _has_distance(parameters, kind):
        far = parameters.distance == "far"
        yield Edit("start_near" if far else "start_far", replace(parameters, distance="near" if far else "far"))
    yield from _manner_edits(parameters)


def _manner_edits(parameters: SceneParameters) -> Iterator[Edit]:
    """Both gentler or more forceful; one of the two, or both, in another manner."""
    first, second = parameters.manners
    yielded = [parameters.manners]
    if first == second and first in FORCE:
        for name, step in (("more_forceful", 1), ("gentler", -1)):
            if manner := _next(FORCE, first, step):
                yielded.append((manner, manner))
                yield Edit(name, replace(parameters, manners=(manner, manner)))
    for manner in MANNERS:
        for who, changed in (("a", (manner, second)), ("b", (first, manner)), ("ab", (manner, manner))):
            if manner != "neutral" and changed not in yielded:
                yield Edit(manner, replace(parameters, manners=changed), who)


def draw_act(random: np.random.Generator, kind: Kind, actor: Person) -> Act:
    """An act of this kind, its side and count drawn."""
    side: Side = _choice(random, get_args(Side)) if kind.sided else "right"
    return Act(kind.name, actor, side, _choice(random, kind.counts))


def _manners(random: np.random.Generator) -> tuple[str, str]:
    which = _drawn(random, _MANNERED)
    one, two = (str(random.choice([name for name in MANNERS if name != "neutral"])) for _ in range(2))
    if which == "neither":
        return "neutral", "neutral"
    if which == "both":  # as often alike as not
        return (one, one) if random.random() < 0.5 else (one, two)
    return (one, "neutral") if random.random() < 0.5 else ("neutral", one)


# -- postures, of person a and of person b --------------------------------------------------------------------------------


def by_person(postures: tuple[Posture, Posture], actor: Person) -> tuple[Posture, Posture]:
    """Of the actor and the other → of a and b, and back."""
    return postures if actor == "a" else postures[::-1]


def postures_after(kind: Kind, postures: tuple[Posture, Posture], actor: Person) -> tuple[Posture, Posture]:
    """Postures of a and b when `actor` has done it."""
    return by_person(kind.after, actor) if kind.after else postures


def may_follow(kind: Kind, last: Kind, postures: tuple[Posture, Posture], actor: Person) -> bool:
    """Whether a story may go on with it, and `actor` can do it out of these postures of a and b.

    What has a way of its own only begins a scene. Two who sit stay where they are: only what is done from about there may
    follow.
    """
    if kind.mood not in _FOLLOWING[last.mood]:
        return False
    if not isinstance(kind.start, Arrangement) or by_person(postures, actor) not in kind.postures:
        return False
    if "stand" in postures:
        return True
    before = last.start
    return (
        isinstance(before, Arrangement) and before.facing and kind.start.facing and abs(before.ahead - kind.start.ahead) < 0.2
    )


def _other(person: Person) -> Person:
    return "b" if person == "a" else "a"


def _next(order: tuple[Any, ...], value: Any, step: int) -> Any:
    """What comes `step` further in an order; None beyond its ends."""
    at = order.index(value) + step
    return order[at] if 0 <= at < len(order) else None


def _choice(random: np.random.Generator, values: tuple[Any, ...]) -> Any:
    return values[int(random.integers(len(values)))]


def _drawn(random: np.random.Generator, shares: dict[Any, float]) -> Any:
    values = list(shares)
    return values[int(random.choice(len(values), p=np.array(list(shares.values()))))]
