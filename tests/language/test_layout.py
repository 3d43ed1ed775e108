import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vimotion.language.layout import Layout, MalformedMotion
from vimotion.language.vocabulary import WHO, MotionVocabulary
from vimotion.tokenizer.spec import CodecSpec

SPECS = st.builds(CodecSpec, levels=st.integers(1, 5), codebook_size=st.integers(2, 40), placement_bins=st.just(16))


def _codes(spec: CodecSpec, people: str, steps: int, seed: int = 0, placed: bool = True) -> np.ndarray:
    """Random codes (people, rows, levels)."""
    random = np.random.default_rng(seed)
    codes = random.integers(0, spec.codebook_size, (len(people), steps, spec.levels))
    if not placed:
        return codes
    head = np.zeros((len(people), spec.placement_rows * spec.levels), dtype=np.int64)
    head[:, :4] = random.integers(0, spec.placement_bins, (len(people), 4))
    return np.concatenate([head.reshape(len(people), -1, spec.levels), codes], axis=1)


@given(SPECS, st.sampled_from(list(WHO)), st.integers(1, 9), st.integers(0, 2**32 - 1), st.booleans())
def test_parsing_undoes_flattening(spec: CodecSpec, people: str, steps: int, seed: int, placed: bool) -> None:
    layout = Layout(spec, first_id=100)
    codes = _codes(spec, people, steps, seed, placed)
    ids = layout.flatten(codes, people, placed)
    found = layout.parse(ids)
    assert found.people == people and found.placed == placed and np.array_equal(found.codes, codes)
    assert len(ids) == layout.length(people, steps) - (0 if placed else layout.placement_length(people))
    assert all(layout.is_motion(i) for i in ids)


def test_the_order_is_placements_then_persons_in_a_step_and_levels_in_a_person() -> None:
    layout = Layout(CodecSpec(levels=2, codebook_size=10), first_id=0)
    codes = np.array([[[30, 31], [32, 33], [1, 2], [5, 6]], [[34, 35], [36, 37], [3, 4], [7, 8]]])
    spelled = layout.spell(codes, "ab")
    inside = "<|m0_1|><|m1_2|><|n0_3|><|n1_4|><|m0_5|><|m1_6|><|n0_7|><|n1_8|>"
    places = "<|x_30|><|z_31|><|yaw_32|><|size_33|><|x_34|><|z_35|><|yaw_36|><|size_37|>"
    assert spelled == f"<|motion_start|><|ab|>{places}{inside}<|motion_end|>"
    assert layout.spell(codes[:, 2:], "ab", placed=False) == f"<|motion_start|><|ab|>{inside}<|motion_end|>"
    tokens = MotionVocabulary(layout.spec).tokens
    assert [tokens[i] for i in layout.level_ids(1)] == [f"<|m1_{i}|>" for i in range(10)]
    assert [tokens[i] for i in layout.level_ids(0, "b")] == [f"<|n0_{i}|>" for i in range(10)]
    assert len(layout.code_ids) == 40 and layout.code_ids.stop == len(tokens)


@given(st.data())
def test_a_damaged_span_is_refused(data: st.DataObject) -> None:
    layout = Layout(CodecSpec(levels=3, codebook_size=8), first_id=7)
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
