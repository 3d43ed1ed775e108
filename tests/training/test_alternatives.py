"""What tokens of an answer are told apart from is what decoding may take in their place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from vimotion.chat.legal import LegalTokens, Rules
from vimotion.language.backbone import tiny_backbone
from vimotion.language.layout import Layout
from vimotion.language.rendering import IGNORED
from vimotion.language.vocabulary import MotionVocabulary, add_motion_rows
from vimotion.tasks import TASKS
from vimotion.tokenizer import MotionTokenizer
from vimotion.training.alternatives import Alternatives
from vimotion.training.answers import AnswerLoss
from vimotion.training.examples import Examples, ExamplesConfig
from vimotion.training.motion_codes import MotionCodes
from vimotion.training.rows import pack_rows

MODEL, TOKENIZER = tiny_backbone()


@pytest.fixture(scope="module")
def layout(codes: MotionCodes) -> Layout:
    layout = Layout(codes.spec, MotionVocabulary(codes.spec).add_to(TOKENIZER))
    codebook = torch.randn(layout.spec.codebook_size, 8, generator=torch.Generator().manual_seed(0))
    add_motion_rows(MODEL, layout.vocabulary, layout.first_id, codebook)
    return layout


@pytest.fixture(scope="module")
def answer(codes: MotionCodes, layout: Layout) -> tuple[list[int], list[int]]:
    """Ids and labels of examples of all tasks in a row."""
    examples = Examples(codes, TOKENIZER, layout, ExamplesConfig(tasks=dict.fromkeys(TASKS, 1.0), first_frames=(0, 5)), seed=1)
    random = np.random.default_rng(0)
    several = [examples.example(random) for _ in range(12)]
    return [i for ids, _ in several for i in ids], [i for _, labels in several for i in (IGNORED, *labels[1:])]


def families(layout: Layout, labels: torch.Tensor) -> dict[int, set[int]]:
    """Each label, and what it is told apart from."""
    # where each token's weight is its own number, so are the logits
    numbers = torch.arange(layout.first_id + len(layout.vocabulary), dtype=torch.float64)[:, None]
    told = Alternatives(layout).logits(numbers, torch.ones(len(labels), 1, dtype=torch.float64), labels)
    return {int(label): set(logits[0].long().tolist()) for logits, _, own in told for label in own}


@pytest.mark.parametrize("people", ["ab", "a", "b"])
def test_they_hold_what_decoding_may_take(layout: Layout, home: Path, people: str) -> None:
    legal = LegalTokens(layout, TOKENIZER, MotionTokenizer.load(home / "runs" / "tiny-tokenizer"))
    every = families(layout, torch.arange(layout.first_id + len(layout.vocabulary)))
    codes = np.random.default_rng(0).integers(
        0, 8, (len(people), layout.spec.rows(8 * layout.spec.step_frames), layout.spec.levels)
    )
    cut = layout.spec.rows(4 * layout.spec.step_frames)
    motion = tuple(layout.flatten(codes[:, :cut], people)[2:-1])
    for span in (layout.flatten(codes, people), layout.flatten(codes[:, cut:], people, before=4)):
        draft = legal.begin(Rules(placed=None, before=motion))
        for token in [5, *span, 6]:
            ids = legal.ids(*draft.at)
            assert set(ids.tolist()) <= every[token] | {legal.end_of_turn}, draft.at
            draft.push(int(ids) if draft.place.kind == "put" else token)


def test_later_codes_are_told_apart_from_those_of_their_level(layout: Layout) -> None:
    ids = layout.level_ids(1, "b")
    assert families(layout, torch.tensor([ids[3]])) == {ids[3]: set(ids)}


def test_the_loss_is_that_of_the_family(layout: Layout, answer: tuple[list[int], list[int]]) -> None:
    ids, labels = answer
    batch = pack_rows([[answer]], len(ids), 0)
    with torch.no_grad():
        losses, told = AnswerLoss(MODEL.eval(), Alternatives(layout))(**batch)
        logits = MODEL(input_ids=batch["input_ids"]).logits[0, :-1]
    targets = torch.tensor(labels[1:])
    logits, targets = logits[targets != IGNORED], targets[targets != IGNORED]
    rivals = families(layout, targets)
    for row, target in zip(logits, targets.tolist(), strict=True):
        outside = [i for i in range(len(row)) if i not in rivals[target]]
        row[outside] = -torch.inf
    expected = cross_entropy(logits, targets, reduction="none")
    assert sorted(told.tolist()) == sorted(targets.tolist())
    assert torch.allclose(losses.sort().values, expected.sort().values, atol=1e-4)
    for token in set(targets.tolist()):
        assert torch.allclose(losses[told == token].mean(), expected[targets == token].mean(), atol=1e-4)


def test_gradients_reach_the_head_and_the_states(layout: Layout) -> None:
    labels = torch.tensor([layout.start, layout.end, *layout.level_ids(1, "b")[:3], 7])
    weights = torch.randn(layout.first_id + len(layout.vocabulary), 4, requires_grad=True)
    states = torch.randn(len(labels), 4, requires_grad=True)
    sum(logits[: len(own)].sum() for logits, _, own in Alternatives(layout).logits(weights, states, labels)).backward()
    seen = set().union(*families(layout, labels).values())
    assert {int(i) for i in weights.grad.abs().sum(1).nonzero()[:, 0]} == seen
    assert (states.grad.abs().sum(1) > 0).all()
