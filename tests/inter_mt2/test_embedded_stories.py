"""What comes before and after, stories and roles: new scenes join what was shown, parts of scenes are told as they are seen."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_seeds import ACTS, draft_for, drafts, parameters_for, scene_of, shown, turns

from vimotion.choreography import KINDS, SceneParameters, make_scene, sample_parameters, scene_seconds
from vimotion.choreography.telling import stories, tell
from vimotion.inter_mt2.scenes import Take, alone, end_postures, scenes_after, scenes_before
from vimotion.inter_mt2.schema import SOURCE, Bracket
from vimotion.inter_mt2.spoken import spoken
from vimotion.tasks.templates import NOTHING

FIRST, SECOND = "{first}", "{second}"


def take_of(parameters: SceneParameters) -> Take:
    told = tell(parameters, KINDS, np.random.default_rng(0))
    return Take(parameters, told, SOURCE, scene_seconds(parameters))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_parts_of_a_scene_make_up_the_whole(number):
    take = take_of(sample_parameters(np.random.default_rng(number)))
    assert take.account() == NOTHING.named(take.told["account"])
    assert len(take.begins) == len(take.steps) and take.begins == sorted(take.begins)
    for step in take.cuts():
        first, second = take.account(0, step), take.account(step)
        for number, told in enumerate(take.steps):
            assert (NOTHING.named(told).rstrip(".").lower() in first.lower()) == (number < step) or told in take.steps[step:]
            assert number < step or NOTHING.named(told).lower() in second.lower()
        assert 0.8 <= take.begins[step] <= take.seconds - 0.8


def test_what_follows_begins_where_the_scene_ended():
    base = replace(parameters_for("push", 3), speed="fast", ending="stay", manners=("neutral", "neutral"))
    base = replace(base, acts=base.acts[:1])
    longer = next(scenes_after(base, np.random.default_rng(0), 10.0, lambda act: True))
    assert longer.acts[:-1] == base.acts
    short, whole = make_scene(base).interaction, make_scene(longer).interaction
    last = short.num_frames - 1
    assert whole.num_frames > short.num_frames
    assert np.allclose(whole.root_positions[last], short.root_positions[last], atol=0.05)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_acts_before_and_after_fit_the_postures(number):
    random = np.random.default_rng(number)
    parameters = sample_parameters(random)
    for longer in scenes_after(parameters, random, 20.0, lambda act: act.actor == "a"):
        act = longer.acts[-1]
        assert act.kind not in {act.kind for act in parameters.acts} and act.actor == "a"
        postures = end_postures(parameters)
        assert postures in KINDS[act.kind].postures
        if single := alone(longer):
            assert (single.postures, single.distance, single.acts) == (postures, "near", (act,))
    for before in scenes_before(parameters, random):
        assert end_postures(before) == parameters.postures
        assert len(before.acts) == 1 and not KINDS[before.acts[0].kind].ends


@pytest.mark.parametrize("kind", ["story", "reasoning", "role"])
def test_a_continuation_is_the_scene_so_far_and_one_thing_more(kind):
    longer = 0
    for seed, draft in drafts(kind):
        known = [scene_of(Bracket(name=SOURCE), seed, draft)]
        for motion in draft.motions:
            scene = scene_of(Bracket(name=motion.caption), seed, draft)
            if motion.edited:
                assert kind == "role"
                continue
            begins = {bracket.start for line in draft.messages for bracket in _named(line.text, motion.caption)}
            assert len(begins) == 1
            start = begins.pop()
            if start:
                before = next(
                    one for one in known if one in (replace(scene, ending="stay"), replace(scene, acts=scene.acts[:-1]))
                )
                assert start == round(scene_seconds(before), 1)
                longer += 1
            else:
                assert len(scene.acts) == 1
            known.append(scene)
    assert longer or kind != "story"


def _named(text: str, name: str) -> list[Bracket]:
    bracket = shown(text)
    return [bracket] if bracket and bracket.name == name else []


def test_a_motion_is_found_and_a_reason_is_given():
    for _, draft in drafts("reasoning"):
        motions = [asked for asked, _, answer in turns(draft) if shown(answer)]
        words = [asked for asked, _, answer in turns(draft) if not shown(answer)]
        assert motions and set(motions) <= {"motion before", "motion after"}
        assert "why" in words


def test_nobody_is_asked_about_what_is_not_shown():
    """Where the user shows a part of the source, the answer is the rest of it."""
    for _, draft in drafts("reasoning"):
        first, *later = turns(draft)
        part = shown(first[1])
        assert part and part.name == SOURCE
        if part.start or part.stop is not None:
            rest = next(bracket for _, _, answer in (first, *later) if (bracket := shown(answer)))
            assert rest.name == SOURCE
            assert (rest.start, rest.stop) == ((part.stop, None) if part.stop is not None else (0.0, part.start))


def test_in_a_role_the_user_is_person_a_and_the_assistant_answers_with_both():
    for _, draft in drafts("role"):
        for asked, said, answer in turns(draft):
            if asked in ("role", "next"):
                mine, both = shown(said), shown(answer)
                assert mine.people == "a" and both.people == "ab"
                assert (mine.name, mine.start) == (both.name, both.start)


def test_a_role_is_kept():
    """Whoever is asked who it is, says what the system message or the first turn said."""
    kept = 0
    for number in range(2):
        for act in ACTS[::2]:
            draft = draft_for(act, "role", number)
            if "who" not in draft.asked or {"manner", "manner of the user"} & set(draft.asked):
                continue
            given = draft.messages[0].text
            answer = next(answer for asked, _, answer in turns(draft) if asked == "who")
            mine = answer.rstrip(".").split(", and you")[0].split(";")[0].rsplit("the ", 1)[-1]
            assert mine in given, (given, answer)
            kept += 1
    assert kept > 1


def test_what_is_told_can_be_said_by_one_to_the_other():
    assert spoken("{second} pushed {first}", SECOND) == "I pushed you"
    assert spoken("{second} pushed {first}", FIRST) == "you pushed me"
    assert (
        spoken("{second} has been in love with {first} for a long time", SECOND)
        == "I have been in love with you for a long time"
    )
    assert spoken("{first} wants to know what {second} thinks", FIRST) == "I want to know what you think"
    assert spoken("{first} and {second} have a quarrel", FIRST) == "we have a quarrel"
    assert (
        spoken("{first} comforted {second} with an arm round their back", SECOND)
        == "you comforted me with an arm round my back"
    )
    assert spoken("{second} rolled their head", SECOND) == "I rolled my head"
    assert spoken("{second} watched them go", SECOND) == "I watched you go"
    assert spoken("{first} loses balance", FIRST) == "I lose balance"


def test_no_word_of_the_stories_stays_in_the_third_person():
    grammar = stories()
    causes = [rule for rule in grammar.rules if rule.endswith("-cause")]
    for rule in causes:
        for facts in ((), ("mutual",), ("sad",), ("shy",), ("playful",)):
            values = {"actor": FIRST, "other": SECOND, "happened": "{second} pushed {first}", "before": "push"}
            for way in grammar.ways(rule, facts, values):
                text = spoken(way[:1].lower() + way[1:], FIRST)
                words = text.split()
                assert "{" not in text and not {"they", "their", "them"} & set(words)
                for subject, verb in pairwise(words):
                    assert subject not in ("I", "you") or verb not in (
                        "is",
                        "has",
                        "does",
                        "wants",
                        "likes",
                        "needs",
                        "feels",
                    ), text
