import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vimotion.language.layout import Layout, MalformedMotion
from vimotion.language.vocabulary import WHO, MotionVocabulary
from vimotion.tokenizer.spec import CodecSpec

SPECS = st.builds(
    CodecSpec, levels=st.integers(1, 5), codebook_size=st.integers(2, 40), placement_bins=st.just(16),
    segment_steps=st.none() | st.integers(1, 5),
)  # fmt: skip


def _codes(spec: CodecSpec, people: str, steps: int, seed: int = 0) -> np.ndarray:
    """Random codes (people, rows, levels)."""
    random = np.random.default_rng(seed)
    is_step = spec.step_rows(spec.rows(steps * spec.step_frames))
    codes = random.integers(0, spec.codebook_size, (len(people), len(is_step), spec.levels))
    heads = np.zeros((len(people), 1 + spec.segments(steps), spec.placement_rows * spec.levels), dtype=np.int64)
    heads[:, :1, :4] = random.integers(0, spec.placement_bins, (len(people), 1, 4))
    heads[:, 1:, :3] = random.integers(0, spec.placement_bins, (len(people), heads.shape[1] - 1, 3))
    codes[:, ~is_step] = heads.reshape(len(people), -1, spec.levels)
    return codes


@given(SPECS, st.sampled_from(list(WHO)), st.integers(1, 9), st.integers(0, 7), st.integers(0, 2**32 - 1))
def test_parsing_undoes_flattening(spec: CodecSpec, people: str, steps: int, before: int, seed: int) -> None:
    layout = Layout(spec, first_id=100)
    codes = _codes(spec, people, before + steps, seed)[:, spec.rows_between(before * spec.step_frames, None)]
    ids = layout.flatten(codes, people, before)
    found = layout.parse(ids)
    assert (found.people, found.placed, found.steps) == (people, not before, steps) and np.array_equal(found.codes, codes)
    assert before or len(ids) == layout.length(people, steps)
    assert all(layout.is_motion(i) for i in ids)


@given(SPECS, st.sampled_from(list(WHO)), st.integers(1, 9), st.integers(0, 7))
def test_slots_tell_what_each_token_is(spec: CodecSpec, people: str, steps: int, before: int) -> None:
    layout = Layout(spec, first_id=100)
    codes = _codes(spec, people, before + steps)
    inside = layout.flatten(codes[:, spec.rows_between(before * spec.step_frames, None)], people, before)[2:-1]
    lone = [layout.flatten(codes[[number]], "ab"[number])[2:-1] for number in range(len(people))]
    passed = len(layout.flatten(codes[:, : spec.rows(before * spec.step_frames)], people)) - 3 if before else 0
    for index, token in enumerate(inside):
        slot = layout.slot(passed + index, people)
        person = people[slot.person]
        if slot.kind == "seen":
            assert people == "ab" and token in layout.place_ids(slot.number)
            continue
        if slot.kind == "code":
            assert token in layout.level_ids(slot.number, person)
            row = slot.step + spec.placement_rows * (1 + spec.segments(slot.step))
            assert token == layout.level_ids(slot.number, person)[codes[slot.person, row, slot.number]]
        else:
            assert token in layout.place_ids(slot.number)
        if not before and people != "b":  # as the tokens of the first person are given where the second answers
            assert slot.person or token == lone[0][layout.lone_index(slot)]
    end = layout.slot(passed + len(inside), people)
    assert end.between_steps and end.step == before + steps


def test_the_order_is_placements_then_persons_in_a_step_and_levels_in_a_person() -> None:
    layout = Layout(CodecSpec(levels=2, codebook_size=10), first_id=0)
    codes = np.array([[[30, 31], [32, 33], [1, 2], [5, 6]], [[34, 35], [36, 37], [3, 4], [7, 8]]])
    spelled = layout.spell(codes, "ab")
    inside = "<|m0_1|><|m1_2|><|n0_3|><|n1_4|><|m0_5|><|m1_6|><|n0_7|><|n1_8|>"
    places = "<|x_30|><|z_31|><|yaw_32|><|size_33|><|x_34|><|z_35|><|yaw_36|><|size_37|>"
    assert spelled == f"<|motion_start|><|ab|>{places}{inside}<|motion_end|>"
    assert layout.spell(codes[:, 2:], "ab", before=1) == f"<|motion_start|><|ab|>{inside}<|motion_end|>"
    tokens = MotionVocabulary(layout.spec).tokens
    assert [tokens[i] for i in layout.level_ids(1)] == [f"<|m1_{i}|>" for i in range(10)]
    assert [tokens[i] for i in layout.level_ids(0, "b")] == [f"<|n0_{i}|>" for i in range(10)]
    assert len(layout.code_ids) == 40 and layout.code_ids.stop == len(tokens)


def test_after_each_segment_places_are_told_anew() -> None:
    layout = Layout(CodecSpec(levels=2, codebook_size=10, segment_steps=1), first_id=0)
    codes = np.array([[[30, 31], [32, 33], [1, 2], [5, 6], [7, 0], [3, 4], [8, 9], [10, 0]]])
    steps = "<|m0_1|><|m1_2|><|x_5|><|z_6|><|yaw_7|>", "<|m0_3|><|m1_4|><|x_8|><|z_9|><|yaw_10|>"
    head, end = "<|motion_start|><|a|>", "<|motion_end|>"
    assert layout.spell(codes, "a") == f"{head}<|x_30|><|z_31|><|yaw_32|><|size_33|>{steps[0]}{steps[1]}{end}"
    assert layout.spell(codes[:, 5:], "a", before=1) == f"{head}{steps[1]}{end}"
    ids = layout.flatten(codes, "a")
    for wrong in ([*ids[:-4], ids[-1]], [*ids[:8], *ids[11:]], [*ids[:8], *ids[8:11], *ids[8:]], [*ids[:10], *ids[11:]]):
        with pytest.raises(MalformedMotion):
            layout.parse(wrong)


def test_of_two_it_is_also_told_where_the_first_sees_the_second() -> None:
    layout = Layout(CodecSpec(levels=4, codebook_size=4, segment_steps=1), first_id=0)
    # the first person faces +X, and the second one stands a metre before them and looks back
    codes = np.array(
        [[[256, 256, 256, 256], [0, 1, 2, 3], [256, 256, 384, 0]], [[9, 8, 7, 6], [0, 1, 2, 3], [296, 256, 128, 0]]]
    )
    spelled = layout.spell(codes, "ab")
    seen = "<|x_256|><|z_296|><|yaw_0|>"
    assert spelled.endswith(f"<|n3_3|><|x_256|><|z_256|><|yaw_384|><|x_296|><|z_256|><|yaw_128|>{seen}<|motion_end|>")
    ids = layout.flatten(codes, "ab")
    assert layout.is_retold(np.array(ids)).nonzero()[0].tolist() == list(range(len(ids) - 10, len(ids) - 1))
    ids[-2] += 1
    with pytest.raises(MalformedMotion, match="sees the second"):
        layout.parse(ids)


@given(st.data())
def test_a_damaged_span_is_refused(data: st.DataObject) -> None:
    layout = Layout(CodecSpec(levels=3, codebook_size=8, segment_steps=2), first_id=7)
    ids = layout.flatten(_codes(layout.spec, "ab", 4), "ab")
    damage = data.draw(st.sampled_from(["drop", "repeat", "cut"]))
    at = data.draw(st.integers(0, len(ids) - 1))
    damaged = {"drop": ids[:at] + ids[at + 1 :], "repeat": ids[:at] + ids[at : at + 1] + ids[at:], "cut": ids[:at]}[damage]
    with pytest.raises(MalformedMotion):
        layout.parse(damaged)


def test_codes_that_do_not_fit_are_refused() -> None:
    layout = Layout(CodecSpec(levels=3, codebook_size=8), first_id=7)
    for codes in (np.full((2, 4, 3), 8), np.full((2, 4, 3), -1), np.zeros((2, 4, 2), int), np.zeros((1, 4, 3), int)):
        with pytest.raises(ValueError):
            layout.flatten(codes, "ab")
    with pytest.raises(ValueError):
        layout.flatten(np.zeros((2, 0, 3), int), "ab")
