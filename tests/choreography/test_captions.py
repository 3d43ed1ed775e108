"""Captions: grammatical, true of the scene, many, at three depths."""

import re
from dataclasses import replace

import numpy as np
import pytest
from told import draw

from vimotion.choreography import KINDS
from vimotion.choreography.captions import (
    DEPTHS,
    HELD_OUT_EVERY,
    caption,
    captions_for,
    held_out,
    held_out_combinations,
    vocabulary,
)
from vimotion.choreography.cast import name_people
from vimotion.choreography.manner import MANNERS
from vimotion.choreography.parameters import Act, SceneParameters
from vimotion.choreography.verbs import VERB
from vimotion.choreography.wording import ActWords, act_facts, manners, templates, words_of
from vimotion.grammar import Grammar

NAMED = re.compile(r"\b[Tt]he (first|second)\b|\b[Pp]erson ([AB12]|one|two)\b")
SAMPLES = 60
OPPOSITE = {"left": "right", "right": "left"}
COUNTS = {2: ["twice", "two times", "2 times"], 3: ["three", "3 times"], 4: ["four", "4 times"]}
SLOW = r"\b(slow|slowly|unhurried\w*|leisurely|rushing|in no hurry|without any hurry|take their time)\b"
FAST = r"\b(quick|quickly|fast|rapid|rapidly|swiftly|brisk|briskly|hurried\w*|in a hurry|in a rush|at high speed)\b"
WALKED = r"\b(walks?|walking|comes?|coming|goes|go|going) (up|over) to\b|\bapproach"
# What must not be lost from a kind's words, and what stands for a value of the templates.
RULES = {"do", "both", "start", "answer", "seen", "noun", "units", "limb", "opposite"}


def scenes(kind: str, number: int = SAMPLES, acts: int = 1):
    random = np.random.default_rng(sum(map(ord, kind)))
    for index in range(number):
        parameters = draw(random, kind, acts)
        naming = "named" if index % 2 else "neutral"
        yield parameters, naming, caption(parameters, KINDS, random, DEPTHS[index % 3], naming, index % 5 == 0)


def plain(kind: str) -> SceneParameters:
    """The scene of which least can be said."""
    return SceneParameters((Act(kind),), postures=KINDS[kind].postures[0], distance="near")


def sayable(kind: str, rule: str) -> int:
    """How many templates of a rule tell some scene of a kind."""
    random, grammar, said = np.random.default_rng(0), templates(), set()
    for _ in range(40):
        words = ActWords(draw(random, kind), 0, KINDS[kind], random)
        names = [name for name in grammar.slots() if words.value(name)]
        said |= {at for at, template in enumerate(grammar.rules[rule]) if grammar._count(template, words.facts, names)}
    return len(said)


@pytest.mark.parametrize("kind", KINDS)
def test_there_are_many_wordings_and_a_tenth_is_held_out(kind):
    phrases, sentences, apart, apart_phrases = (
        sayable(kind, rule) for rule in ("phrase", "sentence", "held-out-sentence", "held-out-phrase")
    )
    do = words_of(KINDS[kind]).count("do", act_facts(plain(kind), 0, KINDS[kind]))
    print(f"\n{kind}: {phrases} phrases, {sentences} sentences, {apart_phrases + apart} held out, {do} verb phrases")
    assert sentences >= 30 and phrases >= 15 and do >= 2
    assert 0.08 < (apart + apart_phrases) / (phrases + sentences + apart + apart_phrases) < 0.2


def test_a_tenth_of_all_templates_is_held_out():
    rules = templates().rules
    apart = {name: ways for name, ways in rules.items() if name.startswith("held-out-")}
    pairs = [(set(rules[name.removeprefix("held-out-")]), set(ways)) for name, ways in apart.items()]
    assert not any(training & held for training, held in pairs)
    sentences = [pairs[list(apart).index(f"held-out-{depth}")] for depth in ("phrase", "sentence")]
    share = sum(len(held) for _, held in sentences) / sum(len(training | held) for training, held in sentences)
    assert 0.08 < share < 0.15, share


@pytest.mark.parametrize("kind", KINDS)
def test_the_words_of_a_kind_are_few_and_complete(kind):
    grammar, declared = words_of(KINDS[kind]), KINDS[kind]
    own = {line[1:] for line in declared.words.splitlines() if line.startswith("@")}
    assert {"do", "noun"} <= own <= RULES
    assert declared.mutual == ("both" in own) and (not declared.mutual or {"start", "answer"} <= own)
    assert (len(declared.counts) > 1) == ("units" in own)
    assert len(declared.words.splitlines()) <= 26
    assert Grammar.of({kind: declared.words}).slots() <= {"side", "number"}
    for rule in {"do", "both", "start", "answer", "seen"} & own:
        text = grammar.say(rule, np.random.default_rng(0), act_facts(plain(kind), 0, declared))
        assert text and VERB.search(text), (rule, text)


@pytest.mark.parametrize("manner", [name for name in MANNERS if name != "neutral"])
def test_every_manner_can_be_told(manner):
    for rule in ("adverb", "adjective", "clause", "look"):
        assert manners().count(f"{manner}-{rule}", (), ("your", "yourself")) >= 1
        assert not any(re.search(SLOW + "|" + FAST, word) for word in manners().words())


@pytest.mark.parametrize("acts", [1, 2, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_captions_read_as_english(kind, acts):
    for parameters, _, text in scenes(kind, SAMPLES // acts, acts):
        where = f"{parameters}: {text}"
        assert text[0].isupper() and text[-1] not in ",:", where
        assert not re.search(r"  | [.,;:]|[.,;:]{2}|[{}\[\]|~/]|\.\S", text), where
        assert not re.search(r"\ba (?=[aeio])(?!one)|\ban (?=[^aeiou])", text), where
        assert not re.search(r"\b(\w+),? \1\b", text), where
        assert not re.search(r"[a-z0-9][A-Z]|\b(their|her|his) (and|,|\.)", text.replace("her and", "").replace("her.", "")), (
            where
        )
        assert all(sentence[0].isupper() for sentence in text.split(". ")), where
        assert not re.search(r"\b(he|she) (raise|offer|bow|step|push|wave|hug|open|start|walk|turn)\b", text), where
        assert not re.search(r"\b[Tt]hey (raises|offers|bows|steps|pushes|waves|hugs|opens|walks|turns|shakes)\b", text), where
        assert not re.search(r"\b(he|she)'s\b|\b(at|to|with|by|between|of|from) (he|she|they)\b", text), where
        if not text.endswith("."):
            assert text.split()[0].lower() not in ("he", "she", "they"), where


@pytest.mark.parametrize("kind", KINDS)
def test_captions_are_true(kind):
    for parameters, _, text in scenes(kind):
        where, low, act = f"{parameters}: {text}", text.lower(), parameters.acts[0]
        assert not re.search(rf"\b{OPPOSITE[act.side]}\b", low) or kind == "massage_leg", where
        for count, words in COUNTS.items():
            if count != act.count:
                assert not any(re.search(rf"\b{word}\b", low) for word in words), where
        if parameters.speed != "slow":
            assert not re.search(SLOW, low), where
        if parameters.speed != "fast":
            assert not re.search(FAST, low.replace("nobody is in a hurry", "")), where
        if parameters.distance == "near":
            assert not re.search(WALKED, low) or kind in ("walk_towards", "pass_by", "collide_arms"), where
        for manner in set(MANNERS) - {"neutral", *parameters.manners}:
            for adverb in manners().rules[f"{manner}-adverb"]:
                assert not re.search(rf"\b{adverb[0].text}\b", low), where


@pytest.mark.parametrize("kind", KINDS)
def test_accounts_say_side_and_count_and_keep_their_order(kind):
    random = np.random.default_rng(1)
    for _ in range(12):
        parameters = replace(draw(random, kind), ending="part", postures=("stand", "stand"))
        text = caption(parameters, KINDS, random, "account", "named")
        act = parameters.acts[0]
        side = OPPOSITE[act.side] if kind == "massage_leg" else act.side
        assert side in text or not KINDS[kind].sided, text
        assert act.count == 1 or any(word in text for word in COUNTS[act.count]), text
        assert re.search(r"(turn away|walk away|walk off|and go|part)\b[^.]*\.$", text), text


def test_acts_of_the_other_person_are_told_the_other_way_round():
    parameters = SceneParameters((Act("push", "b"), Act("wave", "a", "left")))
    for seed in range(20):
        text = caption(parameters, KINDS, np.random.default_rng(seed), "sentence", "named")
        assert re.match(r"(The second|Person (B|2|two))", text), text
        assert re.search(r"(the first \w+|person (A|1|one)) (wave|raise|lift)s", text), text


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


def test_verbs_agree_with_their_subjects():
    random = np.random.default_rng(0)
    for _ in range(200):
        text = name_people("{A} ~push {B.obj}. {TWO} ~fall, then {A.he} ~get up and they ~be well.", "neutral", "a", random)
        assert " pushes " in text and " fall, " in text and text.endswith("they are well.")
        assert re.search(r"then (they get|he gets|she gets) up", text), text


@pytest.mark.parametrize("kind", KINDS)
def test_named_captions_name_somebody(kind):
    for _, naming, text in scenes(kind):
        assert (naming == "named") == bool(NAMED.search(text)), text


def test_the_cast_follows_the_order_of_mention():
    random = np.random.default_rng(0)
    for _ in range(200):
        text = name_people("{B} ~be pushed by {A.obj}.", "neutral", "a", random)
        first, second = text[:-1].split(" is pushed by ")
        assert not re.match(r"(the other|another|someone else|his|her|their)\b", first), text
        assert first != second


def test_captions_for_a_corpus_are_different_and_half_of_them_named():
    random = np.random.default_rng(0)
    for kind in KINDS:
        training, apart = captions_for(draw(random, kind, acts=2), KINDS, random)
        assert len(set(training)) == 6 and len(set(apart)) == 2
        assert [bool(NAMED.search(text)) for text in training + apart] == [False, True] * 4
        assert [text.endswith(".") for text in training] == [False] * 2 + [True] * 4


def test_the_same_random_state_gives_the_same_caption():
    parameters = SceneParameters((Act("hug"),))
    assert caption(parameters, KINDS, np.random.default_rng(5)) == caption(parameters, KINDS, np.random.default_rng(5))


def test_distinct_captions_are_plentiful():
    random = np.random.default_rng(0)
    for kind in ("bow", "hug", "kick"):
        texts = {caption(draw(random, kind), KINDS, random) for _ in range(400)}
        assert len(texts) > 340


def test_whole_combinations_are_held_out_and_every_part_of_them_is_in_training():
    apart = held_out_combinations(KINDS)
    every = [(name, manner, side) for name, kind in KINDS.items() for manner in MANNERS
             for side in (("left", "right") if kind.sided else ("right",))]  # fmt: skip
    assert 0.5 / HELD_OUT_EVERY < len(apart) / len(every) < 1.5 / HELD_OUT_EVERY
    training = set(every) - set(apart)
    assert {kind for kind, _, _ in training} == set(KINDS) and {manner for _, manner, _ in training} == set(MANNERS)
    assert {(kind, side) for kind, _, side in training} == {(kind, side) for kind, _, side in every}
    kind, manner, side = apart[0]
    assert held_out(SceneParameters((Act("no kind"), Act(kind, "b", side)), ("neutral", manner)))
    assert not held_out(SceneParameters((Act("hug"),))) or ("hug", "neutral", "right") in apart


def test_vocabulary_report():
    words = vocabulary(KINDS)
    print(f"\nThe captions use {len(words)} different words.")
    assert 600 < len(words) < 2000
    assert {"handshake", "slowly", "colleague", "right"} <= words
