"""Reading answers: hand-made ones, the free sentences, which name exactly their own kind, and captions of scripted scenes."""

from functools import cache
from importlib.resources import files

import numpy as np
import pytest
import yaml

from vimotion.choreography import KINDS, sample_parameters
from vimotion.choreography.captions import captions_for
from vimotion.choreography.manner import MANNERS
from vimotion.choreography.wording import manners
from vimotion.evaluation.actor import named_actor
from vimotion.evaluation.people_in_text import mentions
from vimotion.evaluation.text import (
    kinds_in_order,
    named_count,
    named_distance,
    named_kind,
    named_kinds,
    named_side,
    named_speed,
    names_kind,
)
from vimotion.evaluation.told_of_people import named_manner, named_manners, named_postures

FREE = yaml.safe_load((files("vimotion.evaluation") / "free_sentences.yaml").read_text())


def test_there_are_free_sentences_for_every_kind():
    assert set(FREE) == set(KINDS)
    assert all(len(sentences) >= 6 and len(set(sentences)) == len(sentences) for sentences in FREE.values())


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


def test_several_kinds_in_the_order_of_the_text():
    assert kinds_in_order("They shake hands, then hug, and finally the first person waves.") == ["handshake", "hug", "wave"]
    assert kinds_in_order("A blocks B's punch and punches back, then pushes B.") == ["block_counter", "push"]
    assert kinds_in_order("She pulls him up by the arm and pats him on the back.") == ["help_up", "pat_back"]
    assert kinds_in_order("They walk up to each other and stand there.") == ["walk_towards"]


@pytest.mark.parametrize(
    ("text", "each"),
    [
        ("The first person is shy and the second person is tired.", ("shy", "tired")),
        ("Both are sad.", ("sad", "sad")),
        ("Person B angrily pushes person A.", (None, "aggressive")),
        ("A playful wave by the second person.", (None, "playful")),
        ("The first person hugs the second person, looking deeply moved.", ("touched", None)),
        ("Two people bow politely.", ("respectful", "respectful")),
        ("The second person moves like an old person. The first person pats the second person's back.", (None, "elderly")),
        ("The first person comforts the second person, who hangs their head.", (None, None)),
        ("The first person hugs the second person.", (None, None)),
    ],
)
def test_whose_manner(text, each):
    assert named_manners(text) == each


@pytest.mark.parametrize(
    ("text", "each"),
    [
        ("The first person sits on a chair and the second person stands.", ("chair", "stand")),
        ("Both sit on the ground.", ("ground", "ground")),
        ("The second person sits down on the first person's lap.", (None, None)),
    ],
)
def test_whose_posture(text, each):
    assert named_postures(text) == each


@pytest.mark.parametrize("manner", [manner for manner in MANNERS if manner != "neutral"])
def test_all_words_for_a_manner_name_it(manner):
    rules = [rule for rule in manners().rules if rule.startswith(f"{manner}-")]
    values = {"your": "their", "yourself": "themselves"}
    said = {manners().say(rule, np.random.default_rng(seed), (), values) for rule in rules for seed in range(30)}
    assert len(said) > 6
    assert [text for text in said if named_manner(text.replace("~", "")) != manner] == []


@cache
def captions():
    """(parameters, caption) of scenes of all kinds that no reader was written with, held-out ones too."""
    told = []
    for number, kind in enumerate(KINDS):
        random = np.random.default_rng([77, number])
        for _ in range(4):
            parameters = sample_parameters(random, kind)
            told += [(parameters, text) for texts in captions_for(parameters, KINDS, random) for text in texts]
    return told


def test_captions_name_their_kinds_alone_and_in_order():
    """Some do not say what happens: two hands are raised, and two people come towards each other."""
    right, ordered = [], []
    for parameters, text in captions():
        kinds = [act.kind for act in parameters.acts]
        said = kinds_in_order(text)
        if len(kinds) > 1:  # whoever does something walks up to it
            kinds, said = ([kind for kind in each if kind != "walk_towards"] for each in (kinds, said))
        right.append(set(kinds) == set(said))
        if right[-1]:
            ordered.append(list(dict.fromkeys(kinds)) == said)
    assert np.mean(right) > 0.98
    assert np.mean(ordered) > 0.98


def test_captions_say_who_acts_how_often_and_with_which_side():
    right = {"actor": [], "side": [], "count": []}
    for parameters, text in captions():
        if len(parameters.acts) > 1:
            continue
        act = parameters.acts[0]
        if mentions(text):
            right["actor"].append(named_actor(text) == act.actor)
        if (side := named_side(text)) and act.kind != "massage_leg":  # there it is the leg
            right["side"].append(side == act.side)
        if count := named_count(text):
            right["count"].append(count == act.count)
    assert all(len(answers) > 40 for answers in right.values())
    assert {name: np.mean(answers) > 0.95 for name, answers in right.items()} == dict.fromkeys(right, True)


def test_captions_say_whose_manner_it_is():
    right = []
    for parameters, text in captions():
        if mentions(text):
            said = zip(named_manners(text), parameters.manners, strict=True)
            right += [manner == true for manner, true in said if manner is not None]
    assert len(right) > 100
    assert np.mean(right) > 0.95
