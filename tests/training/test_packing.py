"""Rows filled with examples, and codes read from disk as they are needed."""

import shutil
from functools import partial
from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy

from vimotion.config import load_config
from vimotion.language.backbone import tiny_backbone
from vimotion.training import motion_codes
from vimotion.training.align import AlignRecipe
from vimotion.training.answers import AnswerLoss, _CrossEntropy
from vimotion.training.attention import _lengths
from vimotion.training.instruct import InstructRecipe
from vimotion.training.motion_codes import MotionCodes
from vimotion.training.rows import OFFERED, Example, _fullest, fill_rows, pack_rows

RECIPES = Path(__file__).parents[2] / "recipes"
LENGTHS = st.lists(st.integers(1, 30), max_size=9)
# Mean and deviation of the examples' tokens, measured on the corpus and codec of the default recipes.
MEASURED = {"align": (AlignRecipe, 173, 39), "instruct": (InstructRecipe, 201, 65)}


def _examples(lengths: list[int]) -> list[Example]:
    return [([number + 1] * length, [number + 1] * length) for number, length in enumerate(lengths)]


@given(LENGTHS, st.integers(0, 60))
def test_what_is_chosen_leaves_the_least_room(lengths: list[int], room: int) -> None:
    chosen = _fullest(lengths, room)
    sums = {sum(some) for size in range(len(lengths) + 1) for some in combinations(lengths, size)}
    assert sum(lengths[i] for i in chosen) == max(total for total in sums if total <= room)


@given(LENGTHS, st.integers(1, 4))
@settings(max_examples=50)
def test_rows_hold_whole_examples_once_and_leave_out_late_ones(lengths: list[int], rows: int) -> None:
    examples = _examples(lengths)
    filled = fill_rows(examples, rows, 30)
    assert len(filled) == rows and all(sum(len(ids) for ids, _ in row) <= 30 for row in filled)
    used = [ids[0] for row in filled for ids, _ in row]
    assert len(used) == len(set(used))
    left = sorted({ids[0] for ids, _ in examples} - set(used))
    # a row begins with the first that waits, so that none drawn before the last row's beginning is left
    assert not left or all(left[0] > row[0][0][0] for row in filled)
    batch = pack_rows(filled, 30, padding=0)
    assert int((batch["input_ids"] > 0).sum()) == sum(len(ids) for row in filled for ids, _ in row)


@pytest.mark.parametrize("stage", MEASURED)
def test_default_rows_are_full_and_take_long_and_short_alike(stage: str) -> None:
    kind, mean, deviation = MEASURED[stage]
    config = load_config(kind, RECIPES / stage / "default.yaml").examples
    random = np.random.default_rng(0)
    drawn: list[int] = []
    used: list[int] = []
    for _ in range(60):
        lengths: list[int] = []
        while sum(lengths) < OFFERED * config.rows * config.row_tokens:
            lengths.append(int(np.clip(random.normal(mean, deviation), 80, 370)))
        drawn += lengths
        used += [len(ids) for row in fill_rows(_examples(lengths), config.rows, config.row_tokens) for ids, _ in row]
    assert sum(used) > 0.97 * 60 * config.rows * config.row_tokens
    assert np.mean(used) == pytest.approx(np.mean(drawn), rel=0.03)


def test_codes_are_read_a_group_at_a_time(codes: MotionCodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(codes.folder / "info.json", tmp_path)
    pq.write_table(pq.read_table(codes.folder / "codes.parquet"), tmp_path / "codes.parquet", row_group_size=5)
    monkeypatch.setattr(motion_codes, "_GROUPS_KEPT", 2)
    found = MotionCodes(tmp_path)
    for index in np.random.default_rng(0).permutation(len(codes)).tolist():
        assert found.record(index).captions == codes.record(index).captions
        for variant in range(len(codes.first_frames)):
            one, other = found.codes(index, variant, 1), codes.codes(index, variant, 1)
            assert one.dtype == np.int16 and np.array_equal(one, other)
    kept = found._group.cache_info()
    assert kept.currsize == 2 and kept.misses > 5


def test_packed_attention_is_that_of_transformers_within_each_example() -> None:
    torch.manual_seed(0)
    loss = AnswerLoss(tiny_backbone()[0].eval())
    some = [(torch.randint(3, 250, (length,)).tolist(),) * 2 for length in (7, 20, 11, 2)]
    # padding within the batch and at its end, and an example that fills a row
    batch = pack_rows([[some[0], some[2]], [some[1]], [some[3]], []], 20, padding=2)
    found = {}
    for kind in ("eager", "packed"):
        loss.causal.set_attn_implementation(kind)
        losses, _ = loss(**batch)
        loss.zero_grad()
        losses.mean().backward()
        found[kind] = (losses.detach(), [parameter.grad.clone() for parameter in loss.parameters()])
    assert torch.allclose(found["eager"][0], found["packed"][0], atol=1e-5)
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(found["eager"][1], found["packed"][1], strict=True))
    assert _lengths(batch["position_ids"]) == [7, 11, 2, 20, 2, 38]


def test_cross_entropy_and_its_gradient_are_torchs() -> None:
    torch.manual_seed(0)
    logits = 5 * torch.randn(7, 90, dtype=torch.float64)
    targets, given = torch.randint(90, (7,)), torch.rand(7)
    found = []
    for function in (_CrossEntropy.apply, partial(cross_entropy, reduction="none")):
        own = logits.clone().requires_grad_(True)
        losses = function(own, targets)
        losses.backward(given.to(losses))
        found.append((losses.detach().double(), own.grad))
    assert torch.allclose(found[0][0], found[1][0], atol=1e-5)
    assert torch.allclose(found[0][1], found[1][1], atol=1e-6)
    # of what is next to impossible the loss is large, not infinite
    assert _CrossEntropy.apply(torch.tensor([[0.0, 500.0]]), torch.tensor([0])).isfinite().all()


def test_under_autocast_layers_pass_on_what_they_multiply_in() -> None:
    torch.manual_seed(0)
    loss = AnswerLoss(tiny_backbone()[0].eval())
    batch = pack_rows([[(torch.randint(3, 250, (40,)).tolist(),) * 2]], 40, padding=2)
    passed: list[torch.dtype] = []
    for layer in loss.causal.base_model.layers:
        layer.register_forward_pre_hook(lambda _, inputs: passed.append(inputs[0].dtype))
    losses, _ = loss(**batch)
    with torch.autocast("cpu", torch.bfloat16):
        rounded, _ = loss(**batch)
    half = len(passed) // 2
    assert set(passed[:half]) == {torch.float32} and set(passed[half:]) == {torch.bfloat16}
    assert rounded.dtype == torch.float32
    assert torch.allclose(losses, rounded, atol=0.05)
