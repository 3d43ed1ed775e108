"""The embedded author: drafts of every kind are sound, varied, and follow from their seeds alone."""

import re
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
from scripted_seeds import ACTS, ASKED, draft_for, drafts, scene_of, seed_for, shown, turns

import vimotion.inter_mt2
from vimotion.choreography.captions import held_out
from vimotion.errors import UserError
from vimotion.inter_mt2.embedded import can_write, write
from vimotion.inter_mt2.phrasing import count_phrasings, turn_grammar, turn_names
from vimotion.inter_mt2.schema import KINDS, SOURCE, Seed, brackets

PHRASINGS = Path(vimotion.inter_mt2.__file__).parent / "phrasings"
# What a text must not hold: open slots, words twice in a row, a sentence that begins small.
BLUNDERS = re.compile(
    r"[{}]|  | [.,]|[.,?!][.,?]|\b(the|a|an|is|are|to|of|and|you|I) \1\b|\ba [aeio]|[a-z][.?!] [a-z]|^[a-z]|"
    r"\b(they|you|I) (is|has|does|wants)\b"
)


@pytest.fixture(scope="module")
def said():
    """What users were made to say in all these drafts."""
    for kind in KINDS:
        drafts(kind)
    for number in range(1, 7):
        for act in ACTS[number % 2 :: 2]:
            draft_for(act, "editing", number)
    return ASKED


@pytest.mark.parametrize("kind", KINDS)
def test_a_draft_is_sound(kind):
    for seed, draft in drafts(kind):
        roles = [line.role for line in draft.messages]
        spoken = roles[1:] if roles[0] == "system" else roles
        assert spoken == ["user", "assistant"] * len(draft.asked)
        assert 2 <= len(draft.asked) <= 4
        assert (draft.id, draft.kind, draft.author) == (seed.id, kind, "embedded")
        every = [bracket for line in draft.messages for bracket in brackets(line.text)]
        captions = [motion.caption for motion in draft.motions]
        assert len(set(captions)) == len(captions) <= 2
        assert {bracket.name for bracket in every} == {SOURCE, *captions}
        lasts = {SOURCE: seed.seconds, **{motion.caption: motion.seconds for motion in draft.motions}}
        for bracket in every:
            stop = lasts[bracket.name] + 0.05 if bracket.stop is None else bracket.stop
            assert 0.6 <= stop - bracket.start <= 10.05


@pytest.mark.parametrize("kind", KINDS)
def test_new_motions_are_scenes_that_their_split_may_have(kind):
    for seed, draft in drafts(kind):
        for motion in draft.motions:
            assert 2.0 <= motion.seconds <= 10.0
            assert len(motion.caption.split()) <= 60
            assert seed.split == "test" or not held_out(scene_of(shown(f"[{motion.caption}]"), seed, draft))


@pytest.mark.parametrize("kind", KINDS)
def test_texts_are_free_of_blunders(kind):
    for seed, draft in drafts(kind):
        for line in draft.messages:
            text = line.text
            for caption in (*(motion.caption for motion in draft.motions), *seed.captions):
                text = text.replace(caption, "C").replace(caption[:1].lower() + caption[1:].rstrip("."), "c")
            assert not BLUNDERS.search(re.sub(r"\[[^\]]*\]", "M", text)), line.text


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_tells_the_motion_that_it_shows(kind):
    """Each act that is seen, and no other one."""
    for seed, draft in drafts(kind):
        for _, _, answer in turns(draft):
            bracket = shown(answer)
            if bracket is None or bracket.start or bracket.stop is not None:
                continue
            parameters = scene_of(bracket, seed, draft)
            told = answer[: answer.index("[")]
            assert told.count(", then ") == len(parameters.acts) - 1 + (parameters.ending == "part") + _walks_up(told)
            for person, manner in zip(("first", "second"), parameters.manners, strict=True):
                alike = f"Both are {manner}." in told
                assert manner == "neutral" or alike or re.search(rf"The {person} person is {manner}\b", told, re.I)
            assert ("slowly" in told, "quickly" in told) == (parameters.speed == "slow", parameters.speed == "fast")


def _walks_up(told: str) -> bool:
    return re.search(r"\bwalks? up to\b", told) is not None


def test_a_draft_follows_from_its_seed():
    seed = seed_for("hug", "story")
    assert write(seed) == write(seed)
    others = [write(seed.model_copy(update={"id": f"{seed.id}-{number}"})) for number in range(5)]
    assert len({tuple(line.text for line in draft.messages) for draft in others}) == 5


def test_clips_without_facts_need_another_author():
    seed = Seed(
        id="x", kind="story", clip="c", source="c", split="train", captions=("Two people hug.",), seconds=3.0
    )  # fmt: skip
    with pytest.raises(UserError, match="language model"):
        write(seed)
    assert not can_write(seed.facts) and can_write(seed_for("hug", "story").facts)


def test_every_turn_can_be_said_in_forty_ways(said):
    for (turn, template), calls in said.items():
        if turn == "role_system":  # no turn of a user
            continue
        words, values = min(calls[:6], key=lambda call: _count(turn, call, template))
        assert _count(turn, (words, values), template) >= 40, (turn, template)
        ways = turn_grammar(turn, template).ways("training", words.facts, {**words.values, **values})
        assert len(set(islice(ways, 2_000))) >= 40, (turn, template)


def _count(turn, call, template):
    words, values = call
    return count_phrasings(turn, replace(words, values={**words.values, **values}), template)


def test_all_kinds_of_turns_come_up(said):
    assert {turn for turn, _ in said} == set(turn_names())


def test_what_is_held_out_is_in_no_training_turn(said):
    for (turn, template), calls in said.items():
        grammar, (words, values) = turn_grammar(turn, template), calls[0]
        training, held_out = (
            set(islice(grammar.ways(rule, words.facts, {**words.values, **values}), 500)) for rule in ("training", "held-out")
        )
        assert len(held_out) >= 3, (turn, template)
        assert not training & held_out, (turn, template)


def test_only_turns_of_the_test_split_are_held_out(said):
    found = set()
    for seed, draft in drafts("editing"):
        for asked, text, _ in turns(draft):
            if asked in ("undo", "accept", "first again"):
                rule = "held-out" if seed.split == "test" else "training"
                found.add(rule)
                assert text in set(turn_grammar(asked.replace("first again", "first_again")).ways(rule))
    assert found == {"held-out", "training"}


@pytest.mark.parametrize("turn", turn_names())
def test_no_rule_hides_a_value(turn, said):
    values = {
        name for (name, _), calls in said.items() if name == turn for words, more in calls for name in (*words.values, *more)
    }
    assert not values & set(turn_grammar(turn).rules)
    assert "{place}" not in (PHRASINGS / f"{turn}.txt").read_text(), "an act has a place of its own, such as its hand"


def test_every_value_is_known(said):
    known = {name for calls in said.values() for words, more in calls for name in (*words.values, *more)}
    answers = {"happened-so-far", "offered", "i_did", "i_cause", "you_do", "you_did", "you_short"}
    for turn in turn_names():
        assert turn_grammar(turn).slots() <= known | answers | _of_templates(), turn


def _of_templates():
    return turn_grammar("show", "motion_to_text").slots() | turn_grammar("ask").slots()
