"""Seeds of scripted scenes, and what the embedded author writes about them."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import asdict
from functools import cache

import numpy as np
import pytest

from vimotion.choreography import KINDS, SceneParameters, possible_edits, sample_parameters, scene_seconds
from vimotion.choreography.captions import captions_for, held_out
from vimotion.choreography.telling import tell
from vimotion.inter_mt2.embedded import write
from vimotion.inter_mt2.motions import scene_parameters
from vimotion.inter_mt2.schema import SOURCE, Bracket, Draft, Seed, brackets
from vimotion.inter_mt2.script import Script
from vimotion.tasks.templates import Words

ACTS = list(KINDS)


def parameters_for(act: str, number: int, test: bool = False) -> SceneParameters:
    """A scene that begins with this act, which a corpus could have in its split."""
    for draw in range(100):
        parameters = sample_parameters(np.random.default_rng([number, draw]), act)
        if scene_seconds(parameters) <= 10.0 and (test or not held_out(parameters)):
            return parameters
    raise AssertionError(act)


@cache
def seed_for(act: str, kind: str, number: int = 0, split: str = "train") -> Seed:
    random = np.random.default_rng([number, ACTS.index(act)])
    parameters = parameters_for(act, number, split == "test")
    edits = [edit for edit in possible_edits(parameters) if not edit.who]
    # as it comes out of a store
    facts = json.loads(json.dumps({"parameters": asdict(parameters), "told": tell(parameters, KINDS, random)}, sort_keys=True))
    return Seed(
        id=f"{act}-{number}.{kind}", kind=kind, clip=f"{act}-{number}", source=f"{act}-{number}", split=split,
        captions=tuple(captions_for(parameters, KINDS, random)[0]), seconds=scene_seconds(parameters) - 1 / 30, facts=facts,
        edits={edits[0].name: f"{act}-{number}-edit"} if edits else {},
    )  # fmt: skip


@cache
def draft_for(act: str, kind: str, number: int = 0, split: str = "train") -> Draft:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Script, "asking", _asking)
        return write(seed_for(act, kind, number, split))


# What users were made to say: by turn and template, the words and values that there were.
ASKED: dict[tuple[str, str], list[tuple[Words, dict[str, str]]]] = defaultdict(list)
_original = Script.asking


def _asking(self: Script, turn: str, words: Words, values: dict[str, str] | None = None, template: str = "") -> str:
    ASKED[turn, template].append((words, dict(values or {})))
    return _original(self, turn, words, values, template)


def drafts(kind: str) -> list[tuple[Seed, Draft]]:
    """Of every act for the edits, else of some; every fourth of the test split."""
    acts = ACTS if kind == "editing" else ACTS[:: 3 if kind == "reasoning" else 2]
    splits = {act: "test" if number % 4 == 0 else "train" for number, act in enumerate(acts)}
    return [(seed_for(act, kind, 0, splits[act]), draft_for(act, kind, 0, splits[act])) for act in acts]


def scene_of(bracket: Bracket, seed: Seed, draft: Draft) -> SceneParameters:
    """What a bracket stands for."""
    if bracket.name == SOURCE:
        return scene_parameters(seed.facts["parameters"])
    planned = {motion.caption: motion for motion in draft.motions}[bracket.name]
    assert planned.scene is not None
    return scene_parameters(planned.scene)


def turns(draft: Draft) -> list[tuple[str, str, str]]:
    """(what was asked, what the user said, what the assistant said) of each turn."""
    lines = [line for line in draft.messages if line.role != "system"]
    return [(asked, lines[2 * n].text, lines[2 * n + 1].text) for n, asked in enumerate(draft.asked)]


def shown(text: str) -> Bracket | None:
    """The one motion of a message."""
    found = brackets(text)
    assert len(found) <= 1, text
    return found[0] if found else None
