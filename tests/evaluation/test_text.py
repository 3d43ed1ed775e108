"""Reading answers: hand-made ones, and the free sentences, which name exactly their own kind."""

from dataclasses import asdict
from importlib.resources import files

import numpy as np
import pytest
import yaml

from vimotion.choreography.parameters import KINDS, sample_parameters
from vimotion.corpora import Record
from vimotion.evaluation.actor import named_actor
from vimotion.evaluation.text import (
    named_count,
    named_distance,
    named_kind,
    named_kinds,
    named_manner,
    named_side,
    named_speed,
    names_kind,
)
from vimotion.tasks.templates import account

FREE = yaml.safe_load((files("vimotion.evaluation") / "free_sentences.yaml").read_text())


def test_there_are_free_sentences_for_every_kind():
    from vimotion.choreography.parameters import KINDS

    assert set(FREE) == set(KINDS)
    assert all(len(sentences) >= 14 and len(set(sentences)) == len(sentences) for sentences in FREE.values())


@pytest.mark.parametrize("kind", FREE)
def test_free_sentences_name_their_kind_alone(kind):
    assert [sentence for sentence in FREE[kind] if not names_kind(sentence, kind)] == []


def test_naming_two_kinds_names_none():
    text = "They hug, or maybe they shake hands."
    assert named_kinds(text) == {"hug", "handshake"}
    assert not names_kind(text, "hug")
    assert not names_kind("They do something.", "hug")


def test_walking_up_is_no_walk_together():
    assert names_kind("Two people walk up to each other and shake hands.", "handshake")
    assert names_kind("A walks up to B and gives him a hug.", "hug")
    assert names_kind("The first person comes closer and claps the second on the back twice.", "pat_back")


@pytest.mark.parametrize(
    ("text", "actor"),
    [
        ("The first person pushes the second.", "a"),
        ("The second person waves at the first person.", "b"),
        ("Person B is pushed by person A.", "a"),
        ("Person 1 gets patted on the back by person 2.", "b"),
        ("A waves at B.", "a"),
        ("B does.", "b"),
        ("It is the second person.", "b"),
        ("Person A.", "a"),
        ("B", "b"),
        ("A.", "a"),
        ("The first.", "a"),
        ("One person gives the other person a quick high five.", None),
        ("The second person gives the other person a push.", "b"),
        ("Person A pushes person B.", "a"),
        ("A man waves.", None),
        ("They hug.", None),
        ("First they walk, then they hug.", None),
    ],
)
def test_actor(text, actor):
    assert named_actor(text) == actor


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("with the left hand", "left"), ("He uses his right arm.", "right"), ("Left.", "left"),
        ("left and right", None), ("They walk right past.", None), ("right behind him", None), ("No hand.", None),
        ("The right-handed one", "right"),
    ],
)  # fmt: skip
def test_side(text, side):
    assert named_side(text) == side


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("They shake hands three times.", 3), ("He pats twice.", 2), ("once", 1), ("Four.", 4), ("2", 2), ("two firm pats", 2),
        ("a single wave", 1), ("Two people hug.", None), ("twice or three times", None), ("3 times", 3),
        ("Two people bow twice.", 2), ("They play two rounds of rock paper scissors.", 2), ("They high five.", None),
        ("Two people high five.", None), ("a couple of pats", 2),
    ],
)  # fmt: skip
def test_count(text, count):
    assert named_count(text) == count


def test_manner_and_speed():
    assert named_manner("They shake hands gently.") == "gentle"
    assert named_manner("a hard shove") == "forceful"
    assert named_manner("In a normal way.") == "neutral"
    assert named_manner("Neither gently nor hard.") == "neutral"
    assert named_manner("Without much force.") == "gentle"
    assert named_manner("gently but with force") is None
    assert named_manner("They hug.") is None
    assert named_speed("slowly") == "slow"
    assert named_speed("at a brisk pace") == "fast"
    assert named_speed("at a normal speed") == "normal"
    assert named_speed("fast, then slow") is None
    assert named_speed("They are in no hurry.") == "slow"
    assert named_speed("They are in a hurry.") == "fast"
    assert named_distance("Close together, not far apart.") == "near"
    assert named_distance("A few metres apart.") == "far"
    assert named_kind("They hug or shake hands.") is None


@pytest.mark.parametrize("kind", FREE)
def test_everything_that_an_account_tells_is_read(kind):
    for seed in range(60):
        parameters = sample_parameters(np.random.default_rng(seed), kind)
        record = Record("scene", "train", "scene", np.empty((60, 2, 0)), (), facts={"parameters": asdict(parameters)})
        told = account(record, np.random.default_rng(seed))
        assert (named_kind(told), named_actor(told)) == (kind, parameters.actor), told
        assert named_side(told) in (parameters.side if KINDS[kind].sided else None, None), told
        assert len(KINDS[kind].counts) == 1 or named_count(told) == parameters.count, told
        manner, speed = named_manner(told) or "neutral", named_speed(told) or "normal"
        assert (manner, speed) == (parameters.manner, parameters.speed), told
