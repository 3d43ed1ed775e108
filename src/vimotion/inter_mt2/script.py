"""A conversation while the embedded author composes it: who speaks of what, and the motions that it has shown."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from vimotion.choreography import Act, Edit, SceneParameters, possible_edits
from vimotion.errors import UserError
from vimotion.inter_mt2.motions import scene_parameters
from vimotion.inter_mt2.phrasing import phrase
from vimotion.inter_mt2.scenes import LONGEST, Take, alone, bonds, fits, new_take, scenes_after
from vimotion.inter_mt2.schema import SOURCE, Bracket, Draft, Line, Planned, Seed, brackets
from vimotion.tasks.templates import MOTION, Words, beside, can_say, grammar, names_drawn, words_for

AUTHOR = "embedded"
SLOTS: dict[str, str] = {"a": "{first}", "b": "{second}"}
# The two people as values of a grammar, to be called by their names when the text is made.
_PEOPLE = {"first": "{first}", "second": "{second}"}
# What a manner makes of a scene.
_SCENE_FACTS = {"playful": "game", "elderly": "old"}
# How often an answer says something before it tells what will be seen.
_LEAD = 0.3


class Script:
    """A conversation about the clip of a seed, written line by line.

    Attributes:
        random: everything that is drawn.
        test: whether the seed is of the test split, where wordings and scenes are used that no training example has.
        source: the scene of the seed's clip.
        setting: values for the turns: {pair}, {where}.
        calling: how the two are called throughout, by "ordinals" or by "letters".
        names: what {first} and {second} are called instead, where they have roles.
    """

    def __init__(self, seed: Seed) -> None:
        self.seed = seed
        self.random = np.random.default_rng(int.from_bytes(hashlib.sha256(seed.id.encode()).digest()[:8]))
        self.test = seed.split == "test"
        self.source = _source(seed)
        self.calling = names_drawn(self.random)
        self.names: tuple[str, str] | None = None
        self.setting: dict[str, str] = {}
        self.setting = {name: self.part("edit", f"{name}s", self.words(self.source)) for name in ("pair", "where")}
        self._lines: list[Line] = []
        self._asked: list[str] = []
        self._planned: dict[str, Planned] = {}
        self._clips = {edit.parameters: clip for edit, clip in _known_edits(seed, self.source.parameters)}

    # -- lines -------------------------------------------------------------------------------------------------------------

    def system(self, text: str) -> None:
        self._lines.append(Line(role="system", text=text))

    def user(self, asked: str, text: str, motion: Bracket | None = None) -> None:
        """What the user says; `motion` stands where the text has {MOTION}, else beside the text."""
        if motion:
            text = beside(text, self.random).replace(MOTION, str(motion))
        self._lines.append(Line(role="user", text=text))
        self._asked.append(asked)

    def answer(self, *pieces: str | Bracket) -> None:
        """What the assistant says: sentences and motions in order; empty ones are left out."""
        self._lines.append(Line(role="assistant", text=" ".join(str(piece) for piece in pieces if piece)))

    def show(self, take: Take, people: str = "ab", first: int = 0, last: int | None = None) -> Bracket:
        """The bracket for a motion, or for its steps from `first` to before `last`."""
        if take.name != SOURCE and take.name not in self._planned:
            self._planned[take.name] = Planned(
                caption=take.name, edited=take.edited, clip=take.clip, scene=asdict(take.parameters), seconds=take.seconds
            )
        begins = take.begins if first or last is not None else [0.0]
        stop = None if last is None or last >= len(begins) else begins[last]
        return Bracket(name=take.name, people=people, start=begins[first], stop=stop)  # type: ignore[arg-type]

    @property
    def turns(self) -> int:
        """How many turns of the user there are."""
        return len(self._asked)

    @property
    def just_moved(self) -> bool:
        """Whether the assistant answered with a motion just now."""
        return bool(self._lines) and self._lines[-1].role == "assistant" and bool(brackets(self._lines[-1].text))

    def draft(self) -> Draft:
        return Draft(
            id=self.seed.id,
            kind=self.seed.kind,
            author=AUTHOR,
            messages=tuple(self._lines),
            motions=tuple(self._planned.values()),
            asked=tuple(self._asked),
        )

    # -- words -------------------------------------------------------------------------------------------------------------

    def words(self, take: Take, act: int = 0, person: str = "", facts: Iterable[str] = ()) -> Words:
        """What may be said of an act of a scene and of a person ("{first}", "{second}"; by default the act's actor)."""
        words = words_for(take.record, act, person, self.calling)
        moods = set(take.moods)
        more = {"mixed"} if len(moods) > 1 else moods
        more |= {take.moods[act], take.acts[act].kind, *facts}
        more |= {"active"} if words.values["person"] == words.values["actor"] else set()
        more |= {fact for manner, fact in _SCENE_FACTS.items() if manner in take.parameters.manners}
        more |= bonds(take.told)
        words = replace(words, facts=words.facts | more, values={**words.values, **_PEOPLE, **self.setting})
        if self.names:
            words = replace(words, names=self.names, facts=words.facts - {self.calling})
        return words

    def phrase(self, turn: str, rule: str, words: Words, values: Mapping[str, str] | None = None, template: str = "") -> str:
        """One way to say a rule of a turn."""
        return phrase(turn, rule, self.random, words, values, template)

    def part(self, turn: str, rule: str, words: Words, values: Mapping[str, str] | None = None) -> str:
        """The same as a part of a sentence: without a capital and a full stop."""
        text = self.phrase(turn, rule, words, values)
        return text[:1].lower() + text[1:].removesuffix(".")

    def asking(self, turn: str, words: Words, values: Mapping[str, str] | None = None, template: str = "") -> str:
        """One way in which a user says a turn."""
        return self.phrase(turn, "held-out" if self.test else "training", words, values, template)

    def lead(self, rule: str, share: float = _LEAD) -> str:
        """Some words before an answer, or none."""
        return self.phrase("lead", f"lead-{rule}", self.words(self.source)) if self.happens(share) else ""

    # -- questions in words --------------------------------------------------------------------------------------------------

    def questions(self, take: Take, names: Iterable[str]) -> list[tuple[str, Words]]:
        """Those of the tasks' questions that can be asked of a scene, with whom and what they may be asked about."""
        about = [self.words(take, act, person) for act in range(len(take.acts)) for person in take.told["people"]]
        return [
            (name, words)
            for name in names
            for words in about
            if can_say(f"questions/{name}", words.facts, frozenset(words.values))
        ]

    def ask(self, name: str, words: Words, turn: str = "ask") -> None:
        """A question in words and its answer in words."""
        self.user(f"ask: {name}", self.asking(turn, words, template=f"questions/{name}"))
        answer = grammar(f"questions/{name}").say("answer", self.random, words.facts, words.values)
        self.answer(words.named(str(answer)))

    def described(self, take: Take) -> str:
        words = self.words(take)
        return words.named(str(grammar("describe").say("describe", self.random, words.facts, words.values)))

    # -- new motions ---------------------------------------------------------------------------------------------------------

    def new(self, parameters: SceneParameters, edited: bool = False) -> Take:
        """A new scene; the source where it is the same."""
        if parameters == self.source.parameters:
            return self.source
        take = new_take(parameters, self.random, self._planned, edited)
        return replace(take, clip=self._clips.get(parameters, ""))

    def continued(self, take: Take, wanted: Callable[[Act], bool] = lambda act: True) -> tuple[Take, int] | None:
        """A scene that goes on where this one ends with an act that is `wanted`, and the step at which that act begins.

        Where both together are too long, the act is a scene of its own.
        """
        for parameters in scenes_after(take.parameters, self.random, LONGEST - take.seconds, wanted):
            if self.fitting(parameters):
                return self.new(parameters), len(take.steps)
        for longer in scenes_after(take.parameters, self.random, LONGEST, wanted):
            if (single := alone(longer)) and self.fitting(single):
                return self.new(single), 0
        return None

    def is_known(self, parameters: SceneParameters) -> bool:
        """Whether a clip of the corpus is this scene."""
        return parameters in self._clips

    def fitting(self, parameters: SceneParameters) -> bool:
        return fits(parameters, self.test)

    # -- draws ---------------------------------------------------------------------------------------------------------------

    def happens(self, share: float) -> bool:
        return bool(self.random.random() < share)

    def pick(self, options: Iterable[Any]) -> Any:
        every = list(options)
        return every[int(self.random.integers(len(every)))]

    def weighted(self, shares: Mapping[Any, float]) -> Any:
        weights = np.array(list(shares.values()))
        return list(shares)[int(self.random.choice(len(shares), p=weights / weights.sum()))]

    def shuffled(self, options: Iterable[Any]) -> list[Any]:
        every = list(options)
        return [every[int(number)] for number in self.random.permutation(len(every))]


def _source(seed: Seed) -> Take:
    if not seed.facts.get("told") or not seed.facts.get("parameters"):
        raise UserError(
            f"{seed.clip} is no scripted scene, and the embedded author knows no others; take a language model as the author."
        )
    return Take(scene_parameters(seed.facts["parameters"]), seed.facts["told"], SOURCE, seed.seconds)


def _known_edits(seed: Seed, parameters: SceneParameters) -> list[tuple[Edit, str]]:
    if not seed.edits:
        return []
    named = [(f"{edit.name} {edit.who}".strip(), edit) for edit in possible_edits(parameters)]
    return [(edit, seed.edits[name]) for name, edit in named if name in seed.edits]
