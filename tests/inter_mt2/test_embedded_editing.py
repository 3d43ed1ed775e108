"""Conversations about changes: every motion is the one that was asked for."""

import re

import pytest
from scripted_seeds import ACTS, draft_for, drafts, scene_of, seed_for, shown, turns

from vimotion.choreography import KINDS, possible_edits
from vimotion.inter_mt2.motions import scene_parameters
from vimotion.inter_mt2.schema import SOURCE, Bracket

COUNTS = {
    1: r"\bonce\b|\bone time\b|\bsingle\b",
    2: r"\btwice\b|\b(two|2) times\b",
    3: r"\b(three|3) times\b",
    4: r"\b(four|4) times\b",
}
EVERY = [
    *drafts("editing"),
    *((seed_for(act, "editing", n), draft_for(act, "editing", n)) for n in (1, 2) for act in ACTS[n::2]),
]


def names_of(edits) -> set[str]:
    return {"edit: manner" if edit.who else f"edit: {edit.name.replace('_', ' ')}" for edit in edits}


def test_each_motion_is_what_its_turn_asks_for():
    """Edits are of the present motion, and "undo" and "the first one" show exactly what they mean."""
    seen = set()
    for seed, draft in EVERY:
        source = scene_parameters(seed.facts["parameters"])
        versions, shown_before = [source], {source: SOURCE}
        for asked, _, answer in turns(draft):
            seen.add(asked)
            bracket = shown(answer)
            if bracket is None:
                assert asked == "show" or asked.startswith(("ask: ", "cannot: "))
                continue
            assert not bracket.start and bracket.stop is None
            scene = scene_of(bracket, seed, draft)
            if asked == "undo":
                versions.pop()
                assert scene == versions[-1] and bracket.name == shown_before[scene]
                continue
            if asked in ("first again", "first, but"):
                versions = [source]
            if asked in ("first again", "make"):
                assert (scene, bracket.name) == (source, SOURCE)
                continue
            edits = [edit for edit in possible_edits(versions[-1]) if edit.parameters == scene]
            assert edits, (seed.id, asked)
            assert not asked.startswith("edit: ") or asked in names_of(edits)
            assert bracket.name not in shown_before.values()
            versions.append(scene)
            shown_before[scene] = bracket.name
    assert {"undo", "first again", "first, but", "accept", "make", "show", "edit: manner", "edit: faster"} <= seen
    assert any(asked.startswith("cannot: ") for asked in seen)


def test_a_caption_says_what_was_changed():
    for seed, draft in EVERY:
        for motion in draft.motions:
            assert motion.edited
            scene = scene_of(Bracket(name=motion.caption), seed, draft)
            if len(scene.acts) > 1:
                continue
            act, kind, text = scene.acts[0], KINDS[scene.acts[0].kind], motion.caption
            if len(kind.counts) > 1:
                assert act.count == 1 or re.search(COUNTS[act.count], text), text
                assert not any(re.search(COUNTS[count], text) for count in (2, 3, 4) if count != act.count), text
            if kind.sided and kind.name != "massage_leg":  # whose side is that of the other
                assert re.search(rf"\b{act.side}\b", text), text


def test_what_cannot_be_done_cannot_be_done():
    found = 0
    for seed, draft in EVERY:
        scene = scene_parameters(seed.facts["parameters"])
        for asked, said, answer in turns(draft):
            if asked.startswith("cannot: "):
                found += 1
                impossible = asked.removeprefix("cannot: ")
                if impossible == "speed":
                    impossible = "faster" if scene.speed == "fast" else "slower"
                assert f"edit: {impossible}" not in names_of(possible_edits(scene))
                assert shown(answer) is None
                assert re.search(r"\b(could|can|shall|how about|would you like)\b", answer, re.I), "something else is offered"
                assert said
            elif bracket := shown(answer):
                scene = scene_of(bracket, seed, draft)
    assert found > 5


def test_clips_of_the_corpus_stand_for_the_edits_that_they_are():
    found = 0
    for seed, draft in EVERY:
        edits = {
            edit.parameters: edit.name for edit in possible_edits(scene_parameters(seed.facts["parameters"])) if not edit.who
        }
        for motion in draft.motions:
            name = edits.get(scene_of(Bracket(name=motion.caption), seed, draft))
            assert motion.clip == seed.edits.get(name or "", "")
            found += bool(motion.clip)
    assert found > 5


def test_the_two_keep_their_names_when_they_change_roles():
    swapped = 0
    for seed, draft in EVERY:
        for asked, said, answer in turns(draft):
            if asked != "edit: other person":
                continue
            scene = scene_of(shown(answer), seed, draft)
            act = scene.acts[0]
            told = answer[: answer.index("[")]
            steps = told.replace("They walk up to each other, then", "").replace("Both sit on chairs.", "")
            first = re.search(r"[Tt]he (first|second) person (?!sits|stands)", steps)
            assert first and first[1] == ("first" if act.actor == "a" else "second"), told
            names = re.findall(r"\b(?:the )?(first person|second person|person A|person B)\b", said)
            if len(set(names)) == 1 and not re.search(r"\bnot\b|instead of", said):
                assert (names[0] in ("first person", "person A")) == (act.actor == "a") or "'s" in said
            swapped += 1
    assert swapped > 5


@pytest.mark.parametrize("act", ["hug", "wave", "push"])
def test_a_question_is_about_the_motion_that_was_shown_last(act):
    for number in range(6):
        draft = draft_for(act, "editing", number)
        speeds = {"slow": r"slow|time", "normal": r"normal|[Nn]either", "fast": r"[Qq]uick|fast|hurry"}
        for (_, _, before), (asked, _, answer) in zip(turns(draft), turns(draft)[1:], strict=False):
            if asked == "ask: speed":
                scene = scene_of(shown(before), seed_for(act, "editing", number), draft)
                assert re.search(speeds[scene.speed], answer)
