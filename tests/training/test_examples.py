import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from vimotion.corpora.store import Store, finish_store, write_clips
from vimotion.errors import UserError
from vimotion.language.backbone import tiny_backbone
from vimotion.language.layout import Layout
from vimotion.language.rendering import IGNORED
from vimotion.language.vocabulary import CODES, MotionVocabulary, add_motion_rows
from vimotion.tasks import TASKS, TextPart
from vimotion.tasks.naming import names_people
from vimotion.tasks.templates import account
from vimotion.training.answers import AnswerLoss, answer_loss, validation
from vimotion.training.examples import (
    Examples,
    ExamplesConfig,
    exchanged,
    learn_given_codes,
    replace_codes,
)
from vimotion.training.motion_codes import MotionCodes, prepare_codes
from vimotion.training.rows import pack_rows

ALL = ExamplesConfig(tasks=dict.fromkeys(TASKS, 1.0), rows=4, row_tokens=1536, first_frames=(0, 5))
TOKENIZER = tiny_backbone()[1]
VOCABULARY_START = len(TOKENIZER)


@pytest.fixture(scope="module")
def layout(codes: MotionCodes) -> Layout:
    return Layout(codes.spec, MotionVocabulary(codes.spec).add_to(TOKENIZER))


@pytest.fixture(scope="module")
def examples(codes: MotionCodes, layout: Layout) -> Examples:
    return Examples(codes, TOKENIZER, layout, ALL, seed=1)


@pytest.fixture(scope="module")
def loss(layout: Layout) -> AnswerLoss:
    model = tiny_backbone()[0]
    codebook = torch.randn(layout.spec.codebook_size, 8, generator=torch.Generator().manual_seed(0))
    add_motion_rows(model, layout.vocabulary, layout.first_id, codebook)
    return AnswerLoss(model.eval())


def _codes(layout: Layout, ids: torch.Tensor) -> torch.Tensor:
    """Where codes of any level stand."""
    return torch.isin(ids, torch.tensor(layout.code_ids))


def test_a_batch_follows_from_seed_and_index(codes: MotionCodes, layout: Layout, examples: Examples) -> None:
    first, again, other = examples(3), Examples(codes, TOKENIZER, layout, ALL, seed=1)(3), examples(4)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["input_ids"], other["input_ids"])


def test_some_motions_are_learned_without_the_words_that_led_to_them(codes: MotionCodes, layout: Layout) -> None:
    config = ALL.model_copy(update={"tasks": {"text_to_motion": 1.0, "editing": 1.0, "motion_to_text": 1.0}, "unsaid": 0.5})
    for split in ("train", "val"):
        drawn = Examples(codes, TOKENIZER, layout, config, seed=1, split=split)
        random = np.random.default_rng(0)
        silent = 0
        for _ in range(60):
            ids, labels = (np.array(row) for row in drawn.example(random))
            answer = TOKENIZER.decode(ids[labels != IGNORED], skip_special_tokens=False)
            told = ids[labels == IGNORED]
            words = TOKENIZER.decode([token for token in told if not layout.is_motion(token)], skip_special_tokens=True)
            made = layout.start in ids[labels != IGNORED]
            nothing = words.split("user", 1)[1].split("assistant")[0].strip() == ""
            silent += nothing
            assert made or not nothing
            assert not nothing or answer.startswith(layout.vocabulary.tokens[0])
        assert 10 < silent < 35 if split == "train" else silent == 0


def test_rows_hold_whole_examples(layout: Layout, examples: Examples) -> None:
    batch = examples(0)
    opening = TOKENIZER.convert_tokens_to_ids("<|im_start|>")
    filled = 0
    for ids, positions, labels in zip(*(batch[name] for name in ("input_ids", "position_ids", "labels")), strict=True):
        assert ids.shape == (1536,)
        starts = [i for i in range(len(ids)) if positions[i] == 0 and ids[i] == opening]
        for start, stop in zip(starts, [*starts[1:], len(ids)], strict=True):
            length = int(positions[start:stop].max()) + 1
            filled += length
            assert torch.equal(positions[start : start + length], torch.arange(length))
            whole = ids[start : start + length].tolist()
            assert whole.count(layout.start) == whole.count(layout.end)
            learned = labels[start : start + length]
            assert (learned != IGNORED).any() and int(learned[learned != IGNORED][-1]) == TOKENIZER.eos_token_id
    assert filled > 0.6 * batch["input_ids"].numel()


def test_wrong_codes_stand_in_what_is_read_and_keep_their_level(layout: Layout, examples: Examples) -> None:
    random = np.random.default_rng(0)
    shares = []
    for index in range(5):
        clean = examples(index)
        wrong = {name: tensor.clone() for name, tensor in clean.items()}
        replace_codes(wrong, layout, 0.4, random)
        assert torch.equal(wrong["labels"], clean["labels"]) and torch.equal(wrong["position_ids"], clean["position_ids"])
        changed = wrong["input_ids"] != clean["input_ids"]
        answered = _codes(layout, clean["labels"])
        assert not (changed & ~answered).any()
        shares.append(float(changed.sum() / answered.sum()))
        for before, after in zip(clean["input_ids"][changed].tolist(), wrong["input_ids"][changed].tolist(), strict=True):
            blocks = [layout.level_ids(level, person) for level in range(layout.spec.levels) for person in CODES]
            assert any({before, after} <= set(block) for block in blocks)
    assert 0.1 < np.mean(shares) < 0.3, shares


def test_a_share_of_the_given_codes_is_learned(layout: Layout, examples: Examples) -> None:
    clean = examples(0)
    more = {name: tensor.clone() for name, tensor in clean.items()}
    learn_given_codes(more, layout, 0.5, np.random.default_rng(0))
    assert torch.equal(more["input_ids"], clean["input_ids"])
    added = more["labels"] != clean["labels"]
    given = _codes(layout, clean["input_ids"]) & (clean["labels"] == IGNORED)
    assert torch.equal(more["labels"][added], clean["input_ids"][added]) and not (added & ~given).any()
    assert 0.35 < float(added.sum() / given.sum()) < 0.6


def test_tasks_come_as_often_as_they_should(codes: MotionCodes, layout: Layout) -> None:
    config = ALL.model_copy(update={"tasks": {"text_to_motion": 3.0, "editing": 1.0, "reaction": 0.0}})
    examples = Examples(codes, TOKENIZER, layout, config, seed=1)
    random = np.random.default_rng(0)
    seen: Counter[bool] = Counter()
    for _ in range(200):
        ids, labels = examples.example(random)
        # the user shows a motion when it is to be edited
        seen[any(i == layout.start and label == IGNORED for i, label in zip(ids, labels, strict=True))] += 1
    assert 0.15 < seen[True] / 200 < 0.35


def test_a_corpus_of_lone_people_fills_batches(home: Path, store: Store, layout: Layout) -> None:
    folder = home / "corpora" / "lone"
    folder.mkdir()
    alone = (replace(record, features=record.features[:, :1], facts=None, edit_of="", edit="") for record in store)
    write_clips(alone, folder / "clips-00000.parquet")
    lone = prepare_codes(finish_store(folder, {"corpus": "lone"}), home / "runs" / "tiny-tokenizer", (0,))
    config = ALL.model_copy(update={"tasks": {"text_to_motion": 1.0, "motion_to_text": 1.0}, "first_frames": (0,)})
    ids = Examples(lone, TOKENIZER, layout, config, seed=1)(0)["input_ids"]
    assert int((ids == layout.who["a"]).sum()) == int((ids == layout.start).sum()) > 3
    assert not torch.isin(ids, torch.tensor([layout.who["ab"], layout.who["b"]])).any()


def test_people_change_names_in_words_and_motion_alike(codes: MotionCodes, examples: Examples) -> None:
    random = np.random.default_rng(0)
    changed, renamed = Counter(), 0
    for task in ("text_to_motion", "editing", "conversation"):
        for _ in range(150):
            if not (drawn := examples.conversation(task, random)):
                continue
            conversation, codes_of = drawn
            first = codes_of.keywords["first"]
            changed[first] += 1
            for asked, answer in zip(conversation.messages[::2], conversation.messages[1::2], strict=True):
                told, *motions = answer.parts
                if not motions:
                    continue
                record = codes.record(codes.index_of(motions[0].motion))
                assert told.text == account(exchanged(record) if first else record)
                leader = record.facts["parameters"]["acts"][0]["actor"]
                steps = told.text.split("chairs. ")[-1].split("chair. ")[-1].split("ground. ")[-1]
                led = re.search(r"first|second", steps.replace("They walk up to each other, then the ", ""))
                assert led and led[0] == ("first", "second")[("ab".index(leader) + first) % 2], told.text
                if task == "text_to_motion" and first:
                    text = "".join(part.text for part in asked.parts if isinstance(part, TextPart))
                    said = [one for one in exchanged(record).captions if one[1:].rstrip(".") in text]
                    assert said, text
                    renamed += any(map(names_people, said))
    assert renamed
    assert 0.3 < changed[1] / sum(changed.values()) < 0.55


def test_people_who_change_names_change_them_in_all_facts(codes: MotionCodes) -> None:
    for index in range(len(codes)):
        record = codes.record(index)
        other = exchanged(record)
        assert exchanged(other).facts == {name: record.facts[name] for name in ("parameters", "told")}
        assert exchanged(other).edit == record.edit
        mine, yours = record.facts["parameters"], other.facts["parameters"]
        assert yours["manners"] == mine["manners"][::-1] and yours["postures"] == mine["postures"][::-1]
        assert all(one["actor"] != two["actor"] for one, two in zip(mine["acts"], yours["acts"], strict=True))
        assert other.facts["told"]["people"]["{first}"] == record.facts["told"]["people"]["{second}"]
        assert other.facts["told"]["leader"] != record.facts["told"]["leader"]
        if record.edit.endswith((" a", " b")):
            assert other.edit[-1] != record.edit[-1]


def test_what_cannot_be_sampled_is_refused(codes: MotionCodes, layout: Layout) -> None:
    for tasks in ({"dancing": 1.0}, {"reaction": 0.0}, {"reaction": -1.0}):
        with pytest.raises(UserError, match="tasks"):
            Examples(codes, TOKENIZER, layout, ALL.model_copy(update={"tasks": tasks}), seed=1)
    short = Examples(codes, TOKENIZER, layout, ALL.model_copy(update={"row_tokens": 20}), seed=1)
    with pytest.raises(UserError, match="longer rows"):
        short(0)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_examples_do_not_see_their_neighbours(examples: Examples, loss: AnswerLoss, attention: str) -> None:
    random = np.random.default_rng(0)
    alone = [examples.example(random) for _ in range(3)]
    loss.causal.set_attn_implementation(attention)
    with torch.no_grad():
        apart = torch.cat([loss(**pack_rows([[example]], len(example[0]), 0))[0] for example in alone])
        length = sum(len(ids) for ids, _ in alone) + 7
        together, labels = loss(**pack_rows([alone], length, 0))
        mean, _ = answer_loss(loss, pack_rows([alone, []], length, 0))
    assert torch.allclose(apart, together, atol=1e-4)
    assert torch.allclose(mean, apart.mean(), atol=1e-4)
    assert len(labels) == sum(label != IGNORED for _, example_labels in alone for label in example_labels)


def test_the_loss_is_that_of_transformers(examples: Examples, loss: AnswerLoss) -> None:
    ids, labels = examples.example(np.random.default_rng(5))
    batch = pack_rows([[(ids, labels)]], len(ids), 0)
    with torch.no_grad():
        expected = loss.model(input_ids=batch["input_ids"], labels=batch["labels"]).loss
        assert torch.allclose(answer_loss(loss, batch)[0], expected, atol=1e-5)


def test_validation_tells_kinds_of_tokens_apart(examples: Examples, layout: Layout, loss: AnswerLoss) -> None:
    batches = [examples(0), examples(1)]
    with torch.no_grad():
        figures = validation(batches, layout)(loss)
        losses, labels = (torch.cat(found) for found in zip(*(loss(**batch) for batch in batches), strict=True))
    kinds = {"text", "frame", "place", "level_0", "level_1"}
    assert set(figures) == {f"validation_{name}" for name in kinds | {"loss"}}
    level = torch.tensor([any(i in layout.level_ids(1, person) for person in CODES) for i in labels.tolist()])
    assert figures["validation_level_1"] == pytest.approx(float(losses[level].mean()), rel=1e-5)
    assert figures["validation_loss"] == pytest.approx(float(losses.mean()), rel=1e-5)
