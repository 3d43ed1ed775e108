"""What is told of a scene as data: whole, always in the same words, different for different scenes, and right."""

import json
import re
from dataclasses import asdict, replace
from itertools import pairwise

import numpy as np
import pytest
from told import draw

from vimotion.choreography import KINDS, possible_edits, sample_parameters
from vimotion.choreography.kind import Mood
from vimotion.choreography.manner import MANNERS
from vimotion.choreography.parameters import Act, SceneParameters
from vimotion.choreography.telling import stories, tell


def told(parameters: SceneParameters, seed: int = 0) -> dict:
    return tell(parameters, KINDS, np.random.default_rng(seed))


def plain(kind: str, **more) -> SceneParameters:
    return SceneParameters((Act(kind, count=KINDS[kind].counts[0]),), postures=KINDS[kind].postures[0], **more)


def exchanged(text: str) -> str:
    return re.sub(r"\{(first|second)\}", lambda slot: {"first": "{second}", "second": "{first}"}[slot[1]], text)


def test_plain_words_are_unique_among_kinds():
    acts = [told(plain(kind))["acts"][0] for kind in KINDS]
    for word in ("do", "does", "did", "doing", "happens", "led", "told", "noun", "does_it", "doing_it"):
        said = [act[word] for act in acts]
        assert len(set(said)) == len(KINDS), sorted(text for text in said if said.count(text) > 1)
    units = [act["units"] for act in acts if "units" in act]
    assert len(set(units)) == len(units), sorted(units)


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_kind_has_is_told(kind):
    random = np.random.default_rng(0)
    for _ in range(20):
        parameters = draw(random, kind)
        act, declared = told(parameters)["acts"][0], KINDS[kind]
        assert ("side" in act) == declared.sided and ("count" in act) == (len(declared.counts) > 1)
        assert act["mutual"] == declared.mutual == ("start" in act)
        assert act["actor"] == {"a": "{first}", "b": "{second}"}[parameters.acts[0].actor] != act["other"]
        if declared.sided and kind != "massage_leg":  # a left hand lies on a right leg
            assert act["side"] == parameters.acts[0].side
        text = json.dumps(act)
        assert not re.search(r"[~|\[\]]|\{(?!first|second|\")|  ", text.strip("[]")), text
        assert not re.search(r"\b(left|right)\b", act["happens"] + act["do"]), text


@pytest.mark.parametrize("kind", KINDS)
def test_the_account_follows_from_the_scene_and_tells_scenes_apart(kind):
    accounts: dict[str, dict] = {}
    random = np.random.default_rng(0)
    for seed in range(150):
        parameters = sample_parameters(random, kind)
        account = told(parameters, seed)["account"]
        seen = asdict(replace(parameters, seed=0))
        assert accounts.setdefault(account, seen) == seen, account
        assert account == told(parameters, seed + 1)["account"]


def test_accounts_of_different_scenes_differ():
    accounts: dict[str, SceneParameters] = {}
    random = np.random.default_rng(1)
    for _ in range(800):
        parameters = replace(sample_parameters(random), seed=0)
        assert accounts.setdefault(told(parameters)["account"], parameters) == parameters
        for edit in possible_edits(parameters)[:3]:
            assert told(edit.parameters)["account"] != told(parameters)["account"], edit.name


@pytest.mark.parametrize("kind", KINDS)
def test_other_names_for_the_two_exchange_them_everywhere(kind):
    parameters = draw(np.random.default_rng(3), kind, 2)
    acts = tuple(replace(act, actor={"a": "b", "b": "a"}[act.actor]) for act in parameters.acts)
    other = replace(parameters, acts=acts, manners=parameters.manners[::-1], postures=parameters.postures[::-1])
    mine, yours = told(parameters), told(other)
    for name in ("acts", "leader", "follower", "account", "past", "continuation", "people", "sitting", "moves"):
        assert exchanged(json.dumps(mine[name])) == json.dumps(yours[name]), name


def test_the_account_says_what_is_asked_for():
    parameters = SceneParameters(
        (Act("push", "b", count=2), Act("handshake", "a", "left", 3)), ("shy", "tired"), "slow", "far", ending="part"
    )
    assert told(parameters)["account"] == (
        "{second} walks up to {first}, then {second} pushes {first} twice, and {first} steps back, then "
        "{first} shakes {second}'s left hand three times, then they turn away and part, slowly. "
        "{second} is tired and {first} is shy."
    )
    seated = SceneParameters((Act("help_up"),), postures=("stand", "ground"))
    assert told(seated)["account"].startswith(
        "{first} stands and {second} sits on the ground. {first} pulls {second} up by the arm"
    )
    assert told(replace(plain("chase"), distance="far"))["account"].startswith("They start far apart. {first} chases")


def test_stories_are_many_and_about_these_two():
    moods = Mood.__args__
    assert {kind.mood for kind in KINDS.values()} == set(moods)
    for mood in moods:
        for mutual in ((), ("mutual",)):
            for part in ("cause", "past", "continuation"):
                assert len(set(stories().ways(f"{mood}-{part}", mutual, {"actor": "A", "other": "B"}))) >= 5, (mood, part)
    assert stories().slots() == {"actor", "other", "happened", "before"}
    assert stories().facts() <= {"mutual", *MANNERS}
    random = np.random.default_rng(0)
    for _ in range(300):
        scene = told(sample_parameters(random), int(random.integers(1000)))
        for text in (scene["past"], scene["continuation"], *(act["cause"] for act in scene["acts"])):
            assert re.match(r"[a-z{]", text) and not text.endswith("."), text
        assert " will " in scene["continuation"] and not re.search(r"\{(?!first|second)", json.dumps(scene["past"]))


def test_who_is_pushed_has_a_reason_to_push_back():
    causes = {told(SceneParameters((Act("push"), Act("kick", "b"))), seed)["acts"][1]["cause"] for seed in range(40)}
    assert "{first} pushed {second}" in causes
    assert all("push" in cause for cause in causes)
    assert told(SceneParameters((Act("push"), Act("hug", "b"))))["acts"][1]["cause"].startswith(
        ("{second} wants", "{second} is")
    )


def test_scenes_are_told_once_and_go_on_as_stories_do():
    random = np.random.default_rng(0)
    pairs = set()
    for _ in range(3000):
        kinds = [act.kind for act in sample_parameters(random).acts]
        assert len(set(kinds)) == len(kinds)
        pairs |= {(KINDS[one].mood, KINDS[two].mood) for one, two in pairwise(kinds)}
    assert ("conflict", "conflict") in pairs and ("conflict", "company") not in pairs and ("greeting", "conflict") not in pairs
