"""The extractor's training on a small corpus."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from vimotion.artifacts import read_manifest
from vimotion.config import load_config
from vimotion.corpora.store import Record, Store, finish_store, write_clips
from vimotion.errors import UserError
from vimotion.evaluation.extractor import Extractor, InterCLIP
from vimotion.evaluation.text_tokens import TextTokens, learn_tokenizer
from vimotion.training.captioned import CaptionedConfig, Clip, load_captioned
from vimotion.training.extractor import (
    ExtractorRecipe,
    Pairs,
    contrastive_loss,
    fit_normalisation,
    load_cases,
    retrieval,
    train_extractor,
)
from vimotion.training.loop import TrainingStopped

RECIPES = Path(__file__).parents[2] / "recipes" / "extractor"


@pytest.fixture(scope="module")
def corpus(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The small corpus, with its first clips as validation and as test split too."""
    folder = tmp_path_factory.mktemp("extractor-corpus")
    records = [replace(record, split="train") for record in store]
    records += [replace(record, split=split, id=f"{split}-{record.id}") for split in ("val", "test") for record in records[:8]]
    write_clips(records, folder / "clips-00000.parquet")
    return finish_store(folder, {"corpus": "scripted"})


def _recipe(corpus: Store, *overrides: str) -> ExtractorRecipe:
    return load_config(ExtractorRecipe, RECIPES / "tiny.yaml", [f"corpus={corpus.folder}", *overrides])


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_recipe_loads(path: Path) -> None:
    recipe = load_config(ExtractorRecipe, path)
    assert recipe.extractor.max_frames >= recipe.longest


def test_training_brings_motions_and_captions_together(corpus: Store, tmp_path: Path) -> None:
    folder = train_extractor(_recipe(corpus), tmp_path / "run")
    manifest, extractor = read_manifest(folder), Extractor.load(folder)
    figures = manifest["metrics"]
    assert manifest["kind"] == "extractor" and "corpus" in manifest["parents"]
    assert figures["hash"] == extractor.hash
    # eight clips: chance is 3/8
    assert min(figures["r_3"], figures["test_r_3"]) > max(0.5, figures["shuffled_r_3"])
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert lines[-2]["loss"] < 0.7 * lines[0]["loss"]
    assert load_config(ExtractorRecipe, folder / "recipe.yaml") == _recipe(corpus)
    cases = load_cases(corpus, "test", 8, 300)
    again = retrieval(extractor, cases, 0)
    assert {f"test_{name}": value for name, value in again.items()}.items() <= figures.items()


def test_a_stopped_run_ends_as_if_it_had_not_been(corpus: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = _recipe(corpus, "loop.steps=6", "batch_size=6")
    straight = train_extractor(recipe, tmp_path / "straight")
    call = Pairs.__call__

    def interrupted(self: Pairs, index: int):  # type: ignore[no-untyped-def]
        if index == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return call(self, index)

    monkeypatch.setattr(Pairs, "__call__", interrupted)
    with pytest.raises(TrainingStopped):
        train_extractor(recipe, tmp_path / "broken")
    monkeypatch.undo()
    resumed = train_extractor(recipe, tmp_path / "broken", resume=True)
    assert Extractor.load(resumed).hash == Extractor.load(straight).hash


def test_batches_hold_pairs_and_follow_from_their_index(corpus: Store) -> None:
    clips = load_captioned(corpus, "train", 100, 300)
    tokens = TextTokens(learn_tokenizer((caption for clip in clips for caption in clip.captions), 400), 96, padded=False)
    pairs = Pairs(clips, tokens, CaptionedConfig(batch_size=8, mirrored=0.0, exchanged=0.0))
    motions, lengths, rows, also = pairs(3)
    assert all(torch.equal(one, other) for one, other in zip(pairs(3), (motions, lengths, rows, also), strict=True))
    assert motions.shape[0] == len(lengths) == len(rows) == 8 and motions.shape[2:] == (2, 262) and also.shape == (8, 8)
    for motion, length, row in zip(motions, lengths, rows, strict=True):
        own = [
            clip
            for clip in clips
            if len(clip.features) == length and np.allclose(clip.features, motion[:length].numpy(), atol=1e-2)
        ]
        assert own and any(torch.equal(tokens([caption])[0], row[row != 0]) for caption in own[0].captions)


def test_the_same_caption_of_two_clips_is_no_wrong_answer() -> None:
    features = np.zeros((8, 2, 262), dtype=np.float32)
    captions = ("They hug.", "they  hug.", "They wave.")
    record = Record("1", "train", "1", features, captions)
    clips = [Clip([record], 0, 8, (caption,), ()) for caption in captions]
    tokens = TextTokens(learn_tokenizer(captions * 3, 300), 20, padded=False)
    *_, rows, also = Pairs(clips, tokens, CaptionedConfig(batch_size=3))(0)
    wave = tokens(["They wave."])[0]
    hugs = torch.tensor([not torch.equal(row[row != 0], wave) for row in rows])
    assert hugs.sum() == 2
    assert torch.equal(also, hugs & hugs[:, None] & ~torch.eye(3, dtype=torch.bool))


class _Given(torch.nn.Module):
    """Hands out embeddings as they are."""

    def forward(self, motions: torch.Tensor, texts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return motions, texts


def test_the_loss_by_a_second_formula() -> None:
    torch.manual_seed(0)
    motions, texts = (2.0 * torch.nn.functional.normalize(torch.randn(4, 3), dim=-1) for _ in range(2))
    also = torch.zeros(4, 4, dtype=torch.bool)
    also[0, 2] = also[2, 0] = True
    loss, parts = contrastive_loss(_Given(), (motions, texts, also))  # type: ignore[arg-type]
    products = (motions @ texts.T).double().numpy()  # lengths 2 and 2: cosines times 4
    allowed = ~also.numpy()
    terms = []
    for i in range(4):
        for line, may in ((products[i], allowed[i]), (products[:, i], allowed[:, i])):
            terms.append(np.log(np.exp(line[may]).sum()) - line[i])
    assert float(loss) == pytest.approx(np.mean(terms), rel=1e-5)
    assert float(parts["sharpness"]) == pytest.approx(4.0, rel=1e-5)
    assert float(parts["false_negatives"]) == pytest.approx(0.5)


def test_inputs_are_normalised_for_both_people_alike(corpus: Store) -> None:
    recipe = _recipe(corpus)
    model, clips = InterCLIP(recipe.extractor), load_captioned(corpus, "train", 100, 300)
    fit_normalisation(model, clips)
    rows = np.concatenate([clip.features[::8].astype(np.float64)[..., :258].reshape(-1, 258) for clip in clips])
    np.testing.assert_allclose(model.mean, rows.mean(axis=0), atol=1e-3)
    moving = rows.std(axis=0) > 0.2
    np.testing.assert_allclose(model.std[moving], rows.std(axis=0)[moving], rtol=1e-2)
    assert float(model.std.min()) > 0


def test_what_cannot_be_trained_is_said(corpus: Store, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere"):
        train_extractor(_recipe(corpus, f"corpus={tmp_path / 'nowhere'}"), tmp_path / "run")
    with pytest.raises(UserError, match="at most 100 frames"):
        train_extractor(_recipe(corpus, "extractor.max_frames=100"), tmp_path / "run")
