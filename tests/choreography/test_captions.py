"""Captions: grammatical, true of the scene, many."""

import re

import numpy as np
import pytest

from vimotion.choreography.captions import caption, captions_for, scene_facts, vocabulary, wordings
from vimotion.choreography.cast import name_people
from vimotion.choreography.parameters import KINDS, SceneParameters, sample_parameters

NAMED = re.compile(r"\b[Tt]he (first|second)\b|\b[Pp]erson ([AB12]|one|two)\b")
SAMPLES = 120
FACTS = {"left", "right", "1", "2", "3", "4", "slow", "normal", "fast", "gentle", "neutral", "forceful", "near", "far"}
OPPOSITE = {"left": "right", "right": "left"}
COUNTS = {
    1: ["once", "one time", "single"],
    2: ["twice", "two times", "2 times", "second time"],
    3: ["three", "3 times"],
    4: ["four", "4 times"],
}
SLOW = r"\b(slow|slowly|unhurried\w*|leisurely|rushing|in no hurry|without any hurry|take their time)\b"
FAST = r"\b(quick|quickly|fast|rapid|rapidly|swiftly|brisk|briskly|hurried\w*|in a hurry|in a rush|at high speed)\b"
GENTLE = r"\b(gentle|gently|soft|softly|careful|carefully|without much force|timid\w*|tender\w*|shy|shyly)\b"
FORCEFUL = r"\b(forceful|forcefully|energetic\w*|vigorous\w*|vigour|powerfully|violent\w*|aggressive\w*|enthusiastic\w*)\b"
WALKED = r"walk(s|ing)? up to|walk(s|ing)? over to|approach|a few steps|come close|comes? (over|up) to|come from"


def scenes(kind: str, number: int = SAMPLES):
    random = np.random.default_rng(sum(map(ord, kind)))
    for index in range(number):
        parameters = sample_parameters(random, kind)
        naming = "named" if index % 2 else "neutral"
        yield parameters, naming, caption(parameters, random, held_out=index % 5 == 0, naming=naming)


@pytest.mark.parametrize("kind", KINDS)
def test_there_are_many_wordings_and_none_is_in_both_parts(kind):
    grammar = wordings(kind)
    training, held_out = grammar.rules["training"], grammar.rules["held-out"]
    assert len(set(training)) == len(training) >= 50
    assert len(set(held_out)) == len(held_out) >= 10
    assert not set(training) & set(held_out)
    plain = SceneParameters(kind, count=KINDS[kind].counts[-1], distance=KINDS[kind].distances[-1])
    rich = SceneParameters(kind, "a", "right", plain.count, "fast", "forceful", plain.distance)
    # ways to say it, before any name of people is chosen: there are about a hundred casts
    assert grammar.count("training", scene_facts(rich)) > 30_000
    assert grammar.count("training", scene_facts(plain)) > 300


@pytest.mark.parametrize("kind", KINDS)
def test_every_slot_and_fact_is_known(kind):
    grammar = wordings(kind)
    assert grammar.slots() == set()
    assert grammar.facts() <= FACTS
    assert set(grammar.rules) >= {"training", "held-out", "manner", "firm"}


@pytest.mark.parametrize("kind", KINDS)
def test_people_slots_are_known_and_both_come_first(kind):
    pattern = re.compile(r"\{[^}]*\}")
    known = re.compile(r"\{(TWO|[AB]('s|\.(obj|he|him|his|himself|s|es|is|has|does))?)\}")
    random = np.random.default_rng(1)
    for index in range(SAMPLES):
        text = wordings(kind).say(("training", "held-out")[index % 2], random, scene_facts(sample_parameters(random, kind)))
        slots = pattern.findall(text)
        assert all(known.fullmatch(slot) for slot in slots), text
        assert slots.count("{TWO}") <= 1
        assert "{TWO}" not in slots[1:] or not re.search(r"\{[AB][.'}]", text.split("{TWO}")[0]), text


@pytest.mark.parametrize("kind", KINDS)
def test_captions_read_as_english(kind):
    for parameters, _, text in scenes(kind):
        where = f"{parameters}: {text}"
        assert text[0].isupper() and text[-1] != ",", where
        assert not re.search(r"  | [.,;:]|[.,;:]{2}|[{}\[\]|]|\.\S", text), where
        assert not re.search(r"\ba (?=[aeio])(?!one)|\ban (?=[^aeiou])", text), where
        assert not re.search(r"\b(\w+) \1\b", text), where
        assert all(sentence[0].isupper() for sentence in text.split(". ")), where
        assert not re.search(r"\b(he|she) (raise|offer|bow|step|push|wave|hug|open|start)\b", text), where
        assert not re.search(r"\bthey (raises|offers|bows|steps|pushes|waves|hugs|opens|starts)\b", text), where
        assert not re.search(r"\b(he|she)'s\b|\b(at|to|with|by|between|of|from) (he|she|they)\b", text), where
        if not text.endswith("."):
            assert text.split()[0].lower() not in ("he", "she", "they"), where


@pytest.mark.parametrize("kind", KINDS)
def test_captions_are_true(kind):
    for parameters, _, text in scenes(kind):
        where, low = f"{parameters}: {text}", text.lower()
        sides = low.replace("from left to right", "").replace("right behind", "").replace("right after", "")
        sides = re.sub(r"\b(right (away|with)|left behind)\b", "", sides)
        assert not re.search(rf"\b{OPPOSITE[parameters.side]}\b", sides) or not KINDS[kind].sided, where
        for count, words in COUNTS.items():
            if len(KINDS[kind].counts) > 1 and count != parameters.count:
                assert not any(re.search(rf"\b{word}\b", low) for word in words), where
        if parameters.speed != "slow":
            assert not re.search(SLOW, low), where
        if parameters.speed != "fast":
            assert not re.search(FAST, low.replace("nobody is in a hurry", "")), where
        if parameters.manner != "gentle":
            assert not re.search(GENTLE, low), where
        if parameters.manner != "forceful":
            assert not re.search(FORCEFUL, low), where
        if parameters.distance == "near":
            assert not re.search(WALKED, low), where


@pytest.mark.parametrize("text", ["{A}|{B.obj}", "{B}|{A.obj}", "{TWO}|{A}|{B}", "{TWO}|{B}|{A}"])
@pytest.mark.parametrize("actor", ["a", "b"])
def test_named_captions_name_the_one_who_acts(text, actor):
    random = np.random.default_rng(0)
    people = {"a": r"the first \w+|person (A|1|one)", "b": r"the second \w+|person (B|2|two)"}
    for _ in range(200):
        names = dict(zip(re.findall(r"TWO|A|B", text), name_people(text, "named", actor, random).split("|"), strict=True))
        acts, answers = people[actor], people["b" if actor == "a" else "a"]
        leader = "A" if text.replace("{TWO}|", "").startswith("{A") else "B"
        for role, person in (("A", acts), ("B", answers)):
            # whoever comes second may be "the other"
            assert re.fullmatch(person if role == leader else rf"{person}|the other( person)?", names[role]), names


@pytest.mark.parametrize("kind", KINDS)
def test_named_captions_name_somebody(kind):
    for _, naming, text in scenes(kind, 100):
        assert naming == "neutral" or NAMED.search(text), text


def test_neutral_captions_leave_open_who_is_person_a():
    random = np.random.default_rng(3)
    for _ in range(500):
        text = caption(sample_parameters(random), random)
        assert not re.search(r"\b[Tt]he (first|second) (person|one|individual|character|figure)|[Pp]erson [AB12]", text), text


def test_the_cast_follows_the_order_of_mention():
    random = np.random.default_rng(0)
    for _ in range(200):
        text = name_people("{B} is pushed by {A.obj}.", "neutral", "a", random)
        first, second = text[:-1].split(" is pushed by ")
        assert not re.match(r"(the other|another|someone else|his|her|their)\b", first), text
        assert first != second


def test_captions_for_a_corpus_are_different_and_half_of_them_named():
    random = np.random.default_rng(0)
    for kind in KINDS:
        training, held_out = captions_for(sample_parameters(random, kind), random)
        assert len(set(training)) == 6 and len(set(held_out)) == 2
        assert sum(bool(NAMED.search(text)) for text in training) >= 3
        assert NAMED.search(held_out[1])


def test_the_same_random_state_gives_the_same_caption():
    parameters = SceneParameters("hug")
    assert caption(parameters, np.random.default_rng(5)) == caption(parameters, np.random.default_rng(5))


def test_distinct_captions_are_plentiful():
    random = np.random.default_rng(0)
    for kind in ("bow", "hug"):
        texts = {caption(sample_parameters(random, kind), random) for _ in range(1000)}
        assert len(texts) > 750


def test_vocabulary_report():
    words = vocabulary()
    print(f"\nThe captions use {len(words)} different words.")
    assert 600 < len(words) < 2000
    assert {"handshake", "slowly", "colleague", "right"} <= words
