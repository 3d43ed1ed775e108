"""Training of the motion generator on a small corpus."""

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
from vimotion.corpora.sides import mirrored_caption
from vimotion.corpora.store import Record, Store, finish_store, write_clips
from vimotion.errors import UserError
from vimotion.intergen import MotionGenerator
from vimotion.intergen.denoiser import Denoiser
from vimotion.intergen.text import Spelled
from vimotion.language.backbone import tiny_backbone
from vimotion.motion.vectors import place_features
from vimotion.training.captioned import CaptionedClips, CaptionedConfig, Clip, load_captioned
from vimotion.training.intergen import (
    Averaged,
    Batches,
    IntergenRecipe,
    embeddings_of,
    first_denoiser,
    intergen_loss,
    text_encoder,
    train_intergen,
    validation,
)
from vimotion.training.loop import TrainingStopped

RECIPES = Path(__file__).parents[2] / "recipes" / "intergen"


@pytest.fixture(scope="module")
def words(home: Path) -> Path:
    """A tiny language model whose embeddings captions are read with."""
    folder = home / "words"
    model, tokenizer = tiny_backbone()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def recipe(words: Path, *overrides: str) -> IntergenRecipe:
    return load_config(
        IntergenRecipe, RECIPES / "tiny.yaml", [f"words={words}", "generator.text.width=64", "loop.steps=8", *overrides]
    )


def placed(clip: Clip) -> np.ndarray:
    return place_features(clip.features.astype(np.float32))


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_recipe_loads(path: Path) -> None:
    assert load_config(IntergenRecipe, path).loop.steps > 0


def test_training_lowers_the_loss_and_leaves_a_generator(words: Path, store: Store, tmp_path: Path) -> None:
    longer = recipe(words, "loop.steps=60", "loop.log_steps=1", "average=0.9", "generator.max_frames=120")
    folder = train_intergen(longer, tmp_path / "run")
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    losses = [line["loss"] for line in lines if "loss" in line]
    assert np.median(losses[-12:]) < 0.6 * np.mean(losses[:3])
    manifest = read_manifest(folder)
    assert manifest["kind"] == "intergen" and set(manifest["parents"]) == {"corpus", "words"}
    assert manifest["metrics"]["joints_mm_at_300"] > 0 and manifest["metrics"]["validation"] > 0
    assert load_config(IntergenRecipe, folder / "recipe.yaml") == longer
    [motion] = MotionGenerator.load(folder).sample(["Two people shake hands."], 30, steps=3)
    assert motion.num_frames == 30
    with pytest.raises(UserError, match="already holds a run"):
        train_intergen(longer, folder)


def test_a_stopped_run_ends_as_if_it_had_not_been(
    words: Path, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight = train_intergen(recipe(words), tmp_path / "straight")
    call = CaptionedClips.__call__

    def interrupted(self: CaptionedClips, index: int):  # type: ignore[no-untyped-def]
        if index == 5 and self._config.mirrored:
            calls.append(index)
            if len(calls) == 2:  # the first time it was for the normalisation
                os.kill(os.getpid(), signal.SIGINT)
        return call(self, index)

    calls: list[int] = []
    monkeypatch.setattr(CaptionedClips, "__call__", interrupted)
    with pytest.raises(TrainingStopped):
        train_intergen(recipe(words), tmp_path / "broken")
    monkeypatch.undo()
    resumed = train_intergen(recipe(words), tmp_path / "broken", resume=True)
    for name in ("generator.safetensors", "config.json", "text/embeddings.safetensors"):
        assert (resumed / name).read_bytes() == (straight / name).read_bytes()


def test_a_run_starts_from_the_weights_of_another(words: Path, store: Store, tmp_path: Path) -> None:
    first = train_intergen(recipe(words), tmp_path / "first")
    still = train_intergen(recipe(words, f"start={first}", "loop.steps=1", "loop.learning_rate=1e-12"), tmp_path / "still")
    assert set(read_manifest(still)["parents"]) == {"corpus", "words", "start"}
    begun, kept = (MotionGenerator.load(folder).denoiser.state_dict() for folder in (first, still))
    assert all(torch.allclose(begun[name], kept[name], atol=1e-6) for name in begun)
    with pytest.raises(UserError, match="other settings"):
        train_intergen(recipe(words, f"start={first}", "generator.layers=1"), tmp_path / "other")


def test_what_is_kept_is_the_running_average(words: Path) -> None:
    averaged = Averaged(Denoiser(recipe(words).generator), decay=0.5)
    weight, kept = averaged.denoiser.motion_input.weight, averaged.average.motion_input.weight
    assert not list(averaged.average.parameters())
    start = weight.detach().clone()
    with torch.no_grad():
        weight += 1.0
    averaged.update()
    # early steps count more: 1 − 2 / 11 of the first, then half
    torch.testing.assert_close(kept, start + 9 / 11)
    for _ in range(20):
        averaged.update()
    torch.testing.assert_close(kept, weight.detach(), atol=1e-4, rtol=0)
    assert {name for name, _ in averaged.average.named_buffers()} >= {name for name, _ in averaged.denoiser.named_parameters()}


def test_batches_follow_from_their_index_and_an_epoch_sees_each_clip(store: Store) -> None:
    clips = load_captioned(store, "train", 1000, 300)
    source = CaptionedClips(clips, CaptionedConfig(batch_size=3, mirrored=0, exchanged=0))
    for index in range(len(source)):
        features, mask, captions = source(index).features(), source(index).mask, source(index).captions
        again = source(index)
        assert torch.equal(features, again.features()) and captions == again.captions
        assert features.shape[:2] == (3, 2) and features.shape[2] % 16 == 0 and features.shape[2] == mask.shape[1]
        for row, caption in enumerate(captions):
            frames = int(mask[row].sum())
            cut = features[row, :, :frames].transpose(0, 1).numpy()
            alike = [clip for clip in clips if len(clip.features) == frames and np.allclose(placed(clip), cut, atol=1e-4)]
            assert any(caption in clip.captions for clip in alike)
            still = features[row, :, frames:]
            assert not still[..., 66:132].any()
            assert torch.equal(still[..., :66], features[row, :, frames - 1 : frames, :66].expand_as(still[..., :66]))
    drawn = source._shuffled(0).ravel().tolist()
    assert len(set(drawn)) == len(drawn) == len(clips) // 3 * 3
    assert source(0).captions != source(len(source)).captions or not torch.equal(source(0).mask, source(len(source)).mask)


def test_people_who_change_places_change_their_names(tmp_path: Path) -> None:
    features = np.random.default_rng(0).normal(size=(20, 2, 262)).astype(np.float32)
    named, free, unclear = "Person A waves at the second person.", "One person waves at the other.", "The girl waves first."
    renamed = "Person B waves at the first person."

    record = Record("1", "train", "1", features, (named, free, unclear))

    def loaded(name: str, *records: Record) -> list[Clip]:
        write_clips(records, tmp_path / name / "clips-000000.parquet")
        return load_captioned(finish_store(tmp_path / name, {"corpus": "test"}), "train", 5, 12)

    [clip] = loaded("pair", record)
    assert len(clip.features) == 12 and clip.captions == (named, free, unclear)
    drawn = CaptionedClips([clip], CaptionedConfig(batch_size=64, mirrored=0, exchanged=1))(0)
    vectors, captions = drawn.features(), drawn.captions
    assert set(captions) == {renamed, free, unclear}
    for row, caption in enumerate(captions):
        first = 0 if caption == unclear else 1
        np.testing.assert_allclose(vectors[row, 0, :12, 132:], clip.features[:, first, 132:], atol=1e-6)
    alone = replace(record, features=features[:, :1])
    with pytest.raises(UserError, match="no clip of two people"):
        loaded("others", alone, replace(record, id="2", captions=()))


@pytest.mark.parametrize("begins", [0, 1])
def test_of_a_caption_that_names_nobody_the_first_person_is_the_one_who_begins(begins: int) -> None:
    features = np.random.default_rng(0).normal(size=(12, 2, 262)).astype(np.float32)
    named, free = "Person A waves at the second person.", "First, one person waves at the other."
    records = [Record("1", "train", "1", features, (named, free))]
    config = CaptionedConfig(batch_size=64, mirrored=0, exchanged=0.5, actor_first=True)
    drawn = CaptionedClips([Clip(records, 0, 12, (named, free), begins)], config)(0)
    vectors, captions = drawn.features(), drawn.captions
    assert set(captions) == {named, free, "Person B waves at the first person."}
    for row, caption in enumerate(captions):
        first = begins if caption == free else int(caption != named)
        np.testing.assert_allclose(vectors[row, 0, :12, 132:], features[:, first, 132:], atol=1e-6)
    # where nobody knows who begins, the share is what is asked for
    always = config.model_copy(update={"exchanged": 1.0})
    drawn = CaptionedClips([Clip(records, 0, 12, (free,))], always)(0)
    vectors, captions = drawn.features(), drawn.captions
    assert set(captions) == {free}
    np.testing.assert_allclose(vectors[0, 0, :12, 132:], features[:, 1, 132:], atol=1e-6)


@pytest.mark.parametrize(
    ("caption", "other"),
    [
        ("He waves his left hand at her.", "He waves his right hand at her."),
        ("Left hands meet; they turn clockwise.", "Right hands meet; they turn counterclockwise."),
        ("Counterclockwise, right then left", "Clockwise, left then right"),
        ("They stand upright.", "They stand upright."),
        ("She answers right away with the left hand.", None),
        ("One person is left alone.", None),
    ],
)
def test_captions_in_the_mirror(caption: str, other: str | None) -> None:
    assert mirrored_caption(caption) == other


def test_mirrored_clips_have_mirrored_captions(store: Store) -> None:
    clips = load_captioned(store, "train", 1000, 300)
    plain = CaptionedClips(clips, CaptionedConfig(batch_size=4, mirrored=0, exchanged=0))
    mirror = CaptionedClips(clips, CaptionedConfig(batch_size=4, mirrored=1, exchanged=0))
    mask, features = plain(0).mask, mirror(0).features()
    assert [mirrored_caption(caption) for caption in plain(0).captions] == mirror(0).captions
    # the feet that stand change sides
    first = plain(0).features()
    turned = first[..., [260, 261, 258, 259]] * mask[:, None, :, None]
    assert torch.equal(features[..., 258:] * mask[:, None, :, None], turned) and not torch.equal(first, features)


def test_words_come_from_a_language_model(words: Path, tmp_path: Path) -> None:
    text = embeddings_of(words)
    assert text.width == 64
    assert int(text(["hug"]).mask.sum()) == 3  # it reads bytes
    with pytest.raises(UserError, match="no language model"):
        embeddings_of(tmp_path)


def test_captions_are_read_for_many_batches_and_as_they_would_be_alone(words: Path, store: Store) -> None:
    clips = CaptionedClips(load_captioned(store, "train", 40, 60), CaptionedConfig(batch_size=4))
    text = embeddings_of(words)
    straight, resumed = Batches(clips, text, "fp32"), Batches(clips, text, "fp32")
    for index in range(13):
        pairs, mask, mirror, said = straight(index)
        alone = text(clips(index).captions)
        assert torch.equal(said.mask, alone.mask) and torch.equal(said.end, alone.end)
        assert torch.equal(said.tokens[said.mask], alone.tokens[alone.mask])
        assert all(map(torch.equal, (pairs, mask, mirror), clips(index)))
        if index >= 7:  # a run that goes on from here
            assert all(map(torch.equal, resumed(index).text, said))


def test_captions_may_be_read_where_they_are_used(words: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on an accelerator, which is faster at it than the CPU beside it."""
    clips = CaptionedClips(load_captioned(store, "train", 4, 60), CaptionedConfig(batch_size=4))
    chosen = recipe(words, "generator.max_frames=60", "loop.precision=fp32")
    denoiser, text = first_denoiser(chosen, clips), text_encoder(chosen)
    torch.nn.init.normal_(denoiser.motion_output.weight)  # a fresh one says nothing, whatever it reads
    model = Averaged(denoiser, 0.9).eval()
    read, spelled = Batches(clips, text, "fp32"), Batches(clips, text, "fp32")
    monkeypatch.setattr(spelled, "_reads_ahead", False)
    assert isinstance(spelled(0).text, Spelled)
    losses = []
    for batches in (read, spelled):
        torch.manual_seed(0)
        losses.append(intergen_loss(model, chosen, text)(model, batches(0))[1]["simple"])
        losses.append(torch.tensor(validation(model.average, [batches(0)], text)["validation"]))
    torch.testing.assert_close(losses[:2], losses[2:])
    other = spelled(0)._replace(text=text.spell(["two people hug"] * 4))
    assert abs(validation(model.average, [other], text)["validation"] - float(losses[1])) > 1e-4


def test_the_regularisers_see_pairs_in_little_noise(words: Path, store: Store) -> None:
    clips = CaptionedClips(load_captioned(store, "train", 4, 60), CaptionedConfig(batch_size=4))
    for t_bar, wanted in ((0, False), (999, True)):
        chosen = recipe(words, "generator.max_frames=60", f"t_bar={t_bar}")
        model = Averaged(first_denoiser(chosen, clips), 0.9)
        torch.manual_seed(0)
        with torch.no_grad():
            text = text_encoder(chosen)
            _, parts = intergen_loss(model, chosen, text)(model, Batches(clips, text, "fp32")(0))
        assert (float(parts["world"]) > 0) == wanted and float(parts["simple"]) > 0


def test_self_conditioning_begins_with_weights_that_knew_none_of_it(words: Path, home: Path, store: Store) -> None:
    clips = CaptionedClips(load_captioned(store, "train", 4, 60), CaptionedConfig(batch_size=4))
    before = recipe(words, "generator.max_frames=60")
    trained = first_denoiser(before, clips)
    torch.nn.init.normal_(trained.motion_output.weight)
    MotionGenerator(trained, text_encoder(before)).save(home / "runs/unconditioned")
    chosen = recipe(words, "generator.max_frames=60", "generator.self_conditioned=true", "start=runs/unconditioned")
    model = Averaged(first_denoiser(chosen, clips), 0.9).eval()  # without dropout
    text = text_encoder(chosen)
    loss_fn, batch = intergen_loss(model, chosen, text), Batches(clips, text, "fp32")(0)
    torch.manual_seed(0)
    loss, parts = loss_fn(model, batch)
    old = Averaged(MotionGenerator.load(home / "runs/unconditioned").denoiser.requires_grad_(True), 0.9).eval()
    torch.manual_seed(0)
    torch.testing.assert_close(parts["simple"], intergen_loss(old, before, text)(old, batch)[1]["simple"])
    loss.backward()
    gradient = model.denoiser.estimate_input.outer.weight.grad
    assert gradient is not None and gradient.any()


def test_settings_that_do_not_fit_are_named(words: Path, home: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="frames_per_token"):
        recipe(words, "generator.frames_per_token=5")
    with pytest.raises(UserError, match="must be 64"):
        train_intergen(recipe(words, "generator.text.width=32"), tmp_path / "a")
    with pytest.raises(UserError, match="official checkpoint"):
        train_intergen(recipe(words, "generator.text.encoder=clip"), tmp_path / "b")
