"""Scripted scenes as a conversation speaks of them: what is told of a scene, and the scenes that go before it or after it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import get_args

import numpy as np

from vimotion.choreography import KINDS, Act, Kind, SceneParameters, Stage, plain_scene, scene_seconds
from vimotion.choreography.captions import caption, held_out
from vimotion.choreography.manner import MANNERS, between
from vimotion.choreography.parameters import Person, Posture
from vimotion.choreography.sampling import by_person, draw_act, may_follow, postures_after
from vimotion.choreography.stage import TEMPO
from vimotion.choreography.telling import Told, tell
from vimotion.choreography.wording import manners, templates
from vimotion.corpora import Record
from vimotion.tasks.templates import NOTHING

# Seconds that a motion lasts, and a part of one that is shown alone.
SHORTEST, LONGEST = 2.0, 10.0
_SHORTEST_PART = 0.8
# What two people are to each other, by the words of a cause.
_BONDS = {"couple": r"\bthey are a couple\b|\bin love\b", "family": r"\bthey are family\b"}
# Draws of a caption until it says all that it should.
_DRAWS = 8
# Words of a caption: what the text encoder of a generator reads, and the validator lets pass.
_MOST_WORDS = 60


@dataclass(frozen=True, eq=False)
class Take:
    """A scripted scene in a conversation.

    Attributes:
        parameters: what the scene follows from.
        told: what can be said of it (see `choreography.telling`).
        name: what stands for it in brackets: its caption, or "source".
        seconds: how long it lasts.
        edited: whether it is a changed version of another one.
        clip: a clip of the corpus that is this scene, where there is one.
    """

    parameters: SceneParameters
    told: Told
    name: str
    seconds: float
    edited: bool = False
    clip: str = ""

    @property
    def record(self) -> Record:
        """What the words of the tasks are made from."""
        return Record("", "", "", np.empty((0, 2, 0)), (), facts={"told": self.told})

    @property
    def acts(self) -> tuple[Act, ...]:
        return self.parameters.acts

    @property
    def moods(self) -> list[str]:
        return [KINDS[act.kind].mood for act in self.acts]

    @cached_property
    def steps(self) -> list[str]:
        """The walk up, the acts and the parting, as the account tells them."""
        told = self.told
        acts = [
            act["told"] if act["mutual"] or "reacts" not in act else f"{act['told']}, and {act['other']} {act['reacts']}"
            for act in told["acts"]
        ]
        return [
            *([told["approach"]] if "approach" in told else []),
            *acts,
            *(["they turn away and part"] if told["ending"] == "part" else []),
        ]

    @property
    def first_act(self) -> int:
        """The number of the step that is the first act."""
        return 1 if "approach" in self.told else 0

    @cached_property
    def begins(self) -> list[float]:
        """When each step begins, seconds."""
        begins = [0.0]
        if "approach" in self.told:
            stage = Stage(self.parameters, KINDS[self.acts[0].kind])
            begins.append(stage.approach() * stage.tempo)
        begins += [seconds_of(replace(self.parameters, acts=self.acts[:n], ending="stay")) for n in range(1, len(self.acts))]
        if self.parameters.ending == "part":
            begins.append(seconds_of(replace(self.parameters, ending="stay")))
        return [round(begin, 1) for begin in begins]

    def account(self, first: int = 0, last: int | None = None) -> str:
        """What is seen in the steps from `first` to before `last`, always in the same words."""
        head, steps, tail = str(self.told["account"]).partition(", then ".join(self.steps))
        assert steps, f"the account of {self.told['account']!r} is told in other steps"
        text = ", then ".join(self.steps[first:last])
        return NOTHING.named((head if first == 0 else "") + text + tail)

    def cuts(self) -> list[int]:
        """The steps before which the scene can be cut, so that both parts are long enough to be seen."""
        return [number for number, begin in enumerate(self.begins) if _SHORTEST_PART <= begin <= self.seconds - _SHORTEST_PART]


def new_take(parameters: SceneParameters, random: np.random.Generator, used: Collection[str], edited: bool = False) -> Take:
    """A new scene; its caption, none of those `used`, says who acts and nearly always everything that an edit can ask for."""
    take = Take(parameters, told_anew(parameters, random), "", seconds_of(parameters), edited)
    return replace(take, name=next(text for text in _captions(take, random) if text not in used))


def _captions(take: Take, random: np.random.Generator) -> Iterator[str]:
    """Accounts that say everything, in words of the corpus and then in the plainest; where all are too long, shorter ones."""
    for _ in range(_DRAWS):
        text = caption(take.parameters, KINDS, random, "account", "named")
        if _says_all(text, take.parameters) and _short(text):
            yield text
    yield from filter(_short, (take.account(), NOTHING.named(", then ".join(take.steps) + ".")))
    while True:
        yield caption(take.parameters, KINDS, random, "sentence", "named")


def _short(text: str) -> bool:
    return len(text.split()) <= _MOST_WORDS


def told_anew(parameters: SceneParameters, random: np.random.Generator) -> Told:
    """What can be told of a new scene of the same two people: who they are to each other was settled before."""
    while bonds(told := tell(parameters, KINDS, random)):
        pass
    return told


def bonds(told: Told) -> set[str]:
    """What the causes of a scene say that the two are to each other: "couple", "family", or nothing."""
    causes = " ".join(act["cause"] for act in told["acts"])
    found = [bond for bond, words in _BONDS.items() if re.search(words, causes)]
    return set(found[:1])  # not both, whatever the causes of two acts say


def trait_of(person: Told) -> str:
    """The word for how a person of `told` is; "" where nothing is to be said of it."""
    trait = str(person.get("trait", ""))
    return str(person["manner"]) if trait == "soft" else trait  # hands are soft, people are gentle


def fits(parameters: SceneParameters, test: bool) -> bool:
    """Whether a scene is neither too short nor too long, and not one of those that only the test split may have."""
    return (test or not held_out(parameters)) and SHORTEST <= seconds_of(parameters) <= LONGEST


@lru_cache(maxsize=4096)
def seconds_of(parameters: SceneParameters) -> float:
    return scene_seconds(parameters)


# -- what comes before and after ---------------------------------------------------------------------------------------------


def scenes_after(
    parameters: SceneParameters, random: np.random.Generator, seconds: float, wanted: Callable[[Act], bool]
) -> Iterator[SceneParameters]:
    """This scene with one more act at its end that may follow, is wanted and takes about `seconds` at most; in random order."""
    last = KINDS[parameters.acts[-1].kind]
    if last.ends or parameters.ending == "part":
        return
    postures = end_postures(parameters)
    done = {act.kind for act in parameters.acts}
    for kind, actor in _shuffled(random):
        if kind.name in done or not may_follow(kind, last, postures, actor):
            continue
        act = draw_act(random, kind, actor)
        if wanted(act) and usual_seconds(parameters, kind) <= seconds:
            yield replace(parameters, acts=(*parameters.acts, act))


def alone(longer: SceneParameters) -> SceneParameters | None:
    """The last act of a scene as a scene of its own, of two who are within reach of each other; None where they cannot be."""
    act = longer.acts[-1]
    before = end_postures(replace(longer, acts=longer.acts[:-1]))
    if "near" not in KINDS[act.kind].distances:
        return None
    return replace(longer, acts=(act,), postures=before, distance="near")


def usual_seconds(parameters: SceneParameters, kind: Kind) -> float:
    """About how long an act of a kind takes such people at such a speed; worked out much faster than exactly."""
    manner = between(*(MANNERS[name] for name in parameters.manners))
    return _plain_seconds(kind.name) * TEMPO[parameters.speed] * manner.tempo


@lru_cache
def _plain_seconds(kind: str) -> float:
    return scene_seconds(plain_scene(kind))


def end_postures(parameters: SceneParameters) -> tuple[Posture, Posture]:
    """What person a and person b are doing when the acts are over."""
    postures = parameters.postures
    for act in parameters.acts:
        postures = postures_after(KINDS[act.kind], postures, act.actor)
    return postures


def scenes_before(parameters: SceneParameters, random: np.random.Generator) -> Iterator[SceneParameters]:
    """Scenes of one act after which this one, which begins within reach, may begin; in random order."""
    first = parameters.acts[0]
    begins = KINDS[first.kind]
    for kind, actor in _shuffled(random):
        if kind.ends or kind.name in {act.kind for act in parameters.acts}:
            continue
        if not (postures := _postures_before(kind, actor, parameters.postures)):
            continue
        if may_follow(begins, kind, parameters.postures, first.actor):
            distance = "near" if "near" in kind.distances else kind.distances[0]
            act = draw_act(random, kind, actor)
            yield replace(parameters, acts=(act,), postures=postures, distance=distance, ending="stay")


def _postures_before(kind: Kind, actor: Person, after: tuple[Posture, Posture]) -> tuple[Posture, Posture] | None:
    for postures in kind.postures:
        begin = by_person(postures, actor)
        if postures_after(kind, begin, actor) == after:
            return begin
    return None


def _shuffled(random: np.random.Generator) -> list[tuple[Kind, Person]]:
    every = [(kind, actor) for kind in KINDS.values() for actor in get_args(Person)]
    return [every[int(number)] for number in random.permutation(len(every))]


# -- what a caption says -----------------------------------------------------------------------------------------------------


def _says_all(text: str, parameters: SceneParameters) -> bool:
    """Whether a caption of an account tells the speed and the manners; sides and counts are in every account."""
    first, second = parameters.manners
    if first == second != "neutral" and not KINDS[parameters.acts[0].kind].mutual:
        return False  # it would tell the manner of the one who acts
    lowered = text.lower()
    speeds = [] if parameters.speed == "normal" else _speed_words(parameters.speed)
    every = [speeds, *(_manner_words(manner) for manner in set(parameters.manners) if manner != "neutral")]
    return all(not words or any(word in lowered for word in words) for words in every)


@lru_cache
def _speed_words(speed: str) -> list[str]:
    return [way.lower() for rule in ("slowly", "pace") for way in templates().ways(rule, (speed,))]


@lru_cache
def _manner_words(manner: str) -> list[str]:
    return [way.lower() for rule in ("adverb", "adjective", "trait") for way in manners().ways(f"{manner}-{rule}")]
