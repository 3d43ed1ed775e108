"""Stage 1 on a small corpus."""

import json
import os
import signal
import sys
from pathlib import Path

import numpy as np
import pytest

from vimotion.artifacts import read_manifest
from vimotion.config import load_config
from vimotion.corpora.store import Record, Store, finish_store, record_features, write_clips
from vimotion.errors import UserError
from vimotion.tokenizer import MotionTokenizer
from vimotion.tokenizer.quality import contact_distances, reconstruction_errors
from vimotion.training.loop import TrainingStopped
from vimotion.training.tokenizer import TokenizerRecipe, Windows, load_clips, train_tokenizer

sys.path.insert(0, str(Path(__file__).parents[1] / "motion"))
from poses import random_interaction

RECIPES = Path(__file__).parents[2] / "recipes" / "tokenizer"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("corpus")
    clips = [record_features(random_interaction(seed, 90, bend=0.3)) for seed in range(24)]
    records = [Record(str(i), "val" if i < 3 else "train", str(i), clip, ()) for i, clip in enumerate(clips)]
    write_clips(records, folder / "clips-00000.parquet")
    return finish_store(folder, {"corpus": "test"})


def _recipe(store: Store, *overrides: str) -> TokenizerRecipe:
    return load_config(TokenizerRecipe, RECIPES / "tiny.yaml", [f"corpus={store.folder}", *overrides])


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_recipe_loads(path: Path) -> None:
    recipe = load_config(TokenizerRecipe, path)
    assert 2 * recipe.codec.spec.steps_per_second * recipe.codec.spec.levels <= 60


def test_training_lowers_the_error_and_leaves_a_codec(store: Store, tmp_path: Path) -> None:
    folder = train_tokenizer(_recipe(store), tmp_path / "run")
    tokenizer = MotionTokenizer.load(folder)
    assert tokenizer.spec.levels == 2
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert lines[-2]["loss"] < 0.85 * lines[0]["loss"]
    manifest = read_manifest(folder)
    assert manifest["kind"] == "tokenizer" and "corpus" in manifest["parents"]
    assert manifest["metrics"]["world_mm"] > 0
    assert load_config(TokenizerRecipe, folder / "recipe.yaml") == _recipe(store)


def test_a_stopped_run_ends_as_if_it_had_not_been(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = _recipe(store, "loop.steps=8")
    straight = train_tokenizer(recipe, tmp_path / "straight")
    call = Windows.__call__

    def interrupted(self: Windows, index: int):  # type: ignore[no-untyped-def]
        if index == 5:
            os.kill(os.getpid(), signal.SIGINT)
        return call(self, index)

    monkeypatch.setattr(Windows, "__call__", interrupted)
    with pytest.raises(TrainingStopped):
        train_tokenizer(recipe, tmp_path / "broken")
    monkeypatch.undo()
    resumed = train_tokenizer(recipe, tmp_path / "broken", resume=True)
    assert (resumed / "codec.safetensors").read_bytes() == (straight / "codec.safetensors").read_bytes()


def test_a_codec_is_tuned_further_with_fewer_levels(store: Store, tmp_path: Path) -> None:
    wide = train_tokenizer(_recipe(store), tmp_path / "wide")
    clip = record_features(random_interaction(99, 90, bend=0.3)).swapaxes(0, 1)
    codes = MotionTokenizer.load(wide).with_levels(1).encode(clip)
    fewer = (f"start_from={wide}", "codec.spec.levels=1", "keep_all=1.0", "loop.steps=10")
    fixed = train_tokenizer(_recipe(store, *fewer, "fixed_codes=true"), tmp_path / "fixed")
    free = train_tokenizer(_recipe(store, *fewer), tmp_path / "free")
    assert set(read_manifest(fixed)["parents"]) == {"corpus", "start_from"}
    assert (MotionTokenizer.load(fixed).encode(clip) == codes).all()
    assert (MotionTokenizer.load(free).encode(clip) != codes).any()
    assert not np.allclose(MotionTokenizer.load(fixed).decode(codes), MotionTokenizer.load(wide).with_levels(1).decode(codes))


def test_a_codec_is_tuned_further_with_segments(store: Store, tmp_path: Path) -> None:
    once = train_tokenizer(_recipe(store, "loop.steps=2"), tmp_path / "once")
    anew = (f"start_from={once}", "codec.spec.segment_steps=2", "loop.steps=2")
    found = MotionTokenizer.load(train_tokenizer(_recipe(store, *anew), tmp_path / "anew"))
    assert found.spec.segment_steps == 2 and MotionTokenizer.load(once).spec.segment_steps is None
    with pytest.raises(UserError, match="not fixed"):
        train_tokenizer(_recipe(store, *anew, "fixed_codes=true"), tmp_path / "fixed")


def test_what_cannot_be_tuned_further_is_refused(store: Store, tmp_path: Path) -> None:
    codec = train_tokenizer(_recipe(store, "loop.steps=1"), tmp_path / "codec")
    with pytest.raises(UserError, match="fewer levels"):
        train_tokenizer(_recipe(store, f"start_from={codec}", "codec.width=16"), tmp_path / "other")
    with pytest.raises(UserError, match="start_from"):
        _recipe(store, "fixed_codes=true")


def test_windows_follow_from_their_index(store: Store) -> None:
    recipe = _recipe(store, "alone=0.5")
    windows = Windows(load_clips(store, "train", 100), recipe)
    people = set()
    for index in range(12):
        features, mask = windows(index).features(), windows(index).mask
        assert (features == windows(index).features()).all()
        if features.shape[1] == 2:  # placed by the first person
            np.testing.assert_allclose(features[:, 0, 0, [0, 2]], 0, atol=1e-5)
        assert features.shape[0] == 8 and features.shape[2] in (32, 48, 64) and mask.shape == (8, features.shape[2])
        people.add(features.shape[1])
    assert people == {1, 2}
    assert not np.array_equal(windows(0).features()[0, 0, :8], windows(-1).features()[0, 0, :8])


def test_a_corpus_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere"):
        train_tokenizer(load_config(TokenizerRecipe, None, [f"corpus={tmp_path / 'nowhere'}"]), tmp_path / "run")


def test_steps_must_fit_the_windows() -> None:
    with pytest.raises(UserError, match="step_frames"):
        load_config(TokenizerRecipe, None, ["codec.spec.step_frames=6"])


def test_errors_are_millimetres_and_contacts_are_between_the_named_parts(store: Store, tmp_path: Path) -> None:
    class Perfect:
        def encode(self, features: np.ndarray) -> np.ndarray:
            return features

        def decode(self, features: np.ndarray) -> np.ndarray:
            moved = features.copy()
            moved[1, :, 0:66:3] += 0.1
            return moved

    clip = store[0]
    event = {"name": "contact", "start": 0.5, "end": 1.0, "who": "b", "part": "right_palm", "target": "spine2"}
    errors = reconstruction_errors(Perfect(), [(clip.features, {"events": [event]})])  # type: ignore[arg-type]
    assert errors["world_mm"] == pytest.approx(50, rel=1e-3)
    assert errors["local_mm"] == pytest.approx(0, abs=0.1)
    interaction = clip.interaction()
    expected = np.linalg.norm(interaction.palm_positions("right")[15:31, 1] - interaction.joint_positions[15:31, 0, 6], axis=-1)
    np.testing.assert_allclose(contact_distances(interaction, event), expected)
