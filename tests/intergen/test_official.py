"""Import of the official checkpoint, on made-up weights of its names and shapes."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from official_state import official_shapes, official_state
from straight_intergen import sample
from torch import Tensor

from vimotion.artifacts import read_manifest
from vimotion.cli import main
from vimotion.errors import UserError
from vimotion.intergen import GeneratorConfig, MotionGenerator, TextConfig, official
from vimotion.intergen.official import CLIP_SIZE, convert_checkpoint, from_official, read_checkpoint

# Two layers of every kind at an eighth of the width.
SMALL = GeneratorConfig(width=128, layers=2, feed_forward=64, text=TextConfig(width=128))
# 512 bytes and ends of words, six merges, start and end
SMALL_CLIP = (520, 12, 128, 2)
MERGES = ["t w", "tw o</w>", "h u", "hu g</w>", "o n", "on e</w>"]
VOCABULARY = gzip.compress(("#version\n" + "\n".join(MERGES) + "\n").encode())


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    return official_state(SMALL, SMALL_CLIP)


@pytest.fixture
def statistics(tmp_path: Path) -> tuple[Tensor, Tensor]:
    """Mean and deviation, which also lie in the folder of the checkpoint."""
    random = np.random.default_rng(0)
    mean, std = random.normal(size=262), random.uniform(0.5, 2, 262)
    np.save(tmp_path / "global_mean.npy", mean)
    np.save(tmp_path / "global_std.npy", std)
    return torch.from_numpy(mean).float(), torch.from_numpy(std).float()


def small_generator(state: dict[str, Tensor], mean: Tensor, std: Tensor) -> MotionGenerator:
    return from_official(state, mean, std, SMALL, SMALL_CLIP, VOCABULARY)


def write(path: Path, state: dict[str, Tensor]) -> Path:
    """As Lightning writes it: with what else it keeps, numpy numbers included."""
    rest = {"epoch": 299, "optimizer_states": [{"state": {}}], "lr_schedulers": [{"_last_lr": [np.float64(1e-4)]}]}
    torch.save({"state_dict": {f"model.{name}": tensor for name, tensor in state.items()}} | rest, path)
    return path


def test_the_published_sizes_are_the_defaults() -> None:
    shapes = official_shapes(GeneratorConfig(), CLIP_SIZE)
    assert shapes["decoder.net.blocks.7.ffn.linear1.weight"] == (2048, 1024) and len(shapes) == 346
    assert shapes["clip_transformer.resblocks.11.attn.in_proj_weight"] == (2304, 768)
    assert {name: tuple(shape) for name, shape in official.official_shapes(GeneratorConfig(), CLIP_SIZE).items()} == shapes


def test_same_noise_and_caption_give_what_the_straight_line_gives(
    state: dict[str, Tensor], statistics: tuple[Tensor, Tensor]
) -> None:
    generator = small_generator(state, *statistics)
    made = generator.sample_features(["Two hug one"], 9, seed=3, steps=5)[0]
    noise = torch.randn(2, 9, 262, generator=torch.Generator().manual_seed(3))
    # start, "two", "hug", "one", end, and zeros
    ids = [518, 513, 515, 517, 519] + [0] * 7
    expected = sample(state, torch.cat([*noise], -1), ids, *statistics, steps=5, guidance=3.5, heads=8, clip_heads=2)
    torch.testing.assert_close(torch.from_numpy(made).flatten(1), expected, rtol=0, atol=1e-5 * float(expected.abs().max()))
    # not because everything is the same: another caption gives something else
    other = generator.sample_features(["one hug"], 9, seed=3, steps=5)[0]
    assert np.abs(other - made).max() > 0.1


def test_the_same_at_the_published_size(statistics: tuple[Tensor, Tensor]) -> None:
    """306 million weights; the vocabulary alone is made up."""
    state = official_state(GeneratorConfig(), CLIP_SIZE)
    generator = from_official(state, *statistics, vocabulary=VOCABULARY)
    made = generator.sample_features(["Two hug one"], 3, seed=3, steps=2)[0]
    noise = torch.randn(2, 3, 262, generator=torch.Generator().manual_seed(3))
    ids = [518, 513, 515, 517, 519] + [0] * 72
    expected = sample(state, torch.cat([*noise], -1), ids, *statistics, steps=2, guidance=3.5, heads=8, clip_heads=12)
    torch.testing.assert_close(torch.from_numpy(made).flatten(1), expected, rtol=0, atol=2e-5 * float(expected.abs().max()))


def test_a_converted_folder_loads_and_gives_the_same(
    state: dict[str, Tensor], statistics: tuple[Tensor, Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = write(tmp_path / "intergen.ckpt", state)
    loaded = official.from_official
    monkeypatch.setattr(official, "from_official", lambda *given: loaded(*given, SMALL, SMALL_CLIP, VOCABULARY))
    convert_checkpoint(checkpoint, tmp_path / "out")
    again = MotionGenerator.load(tmp_path / "out")
    first = small_generator(state, *statistics)
    np.testing.assert_array_equal(again.sample_features(["hug"], 6, steps=2)[0], first.sample_features(["hug"], 6, steps=2)[0])


def test_a_missing_or_unknown_weight_is_named(state: dict[str, Tensor], statistics: tuple[Tensor, Tensor]) -> None:
    lost = "decoder.net.blocks.1.ca_block.xf_norm.emb_layers.1.bias"
    with pytest.raises(UserError, match=f"has no '{lost}'"):
        small_generator({name: tensor for name, tensor in state.items() if name != lost}, *statistics)
    with pytest.raises(UserError, match=r"unknown 'decoder\.net\.extra'"):
        small_generator(state | {"decoder.net.extra": torch.zeros(1)}, *statistics)
    with pytest.raises(UserError, match=r"'clip_ln.bias'.*\(5,\) instead of \(128,\)"):
        small_generator(state | {"clip_ln.bias": torch.zeros(5)}, *statistics)
    places = "decoder.net.sequence_pos_encoder.pe"
    with pytest.raises(UserError, match="table of places"):
        small_generator(state | {places: state[places].flip(0)}, *statistics)


def test_what_is_no_checkpoint_is_one_sentence(state: dict[str, Tensor], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no file"):
        read_checkpoint(tmp_path / "nothing.ckpt")
    (tmp_path / "text.ckpt").write_text("hello")
    with pytest.raises(UserError, match="read safely"):
        read_checkpoint(tmp_path / "text.ckpt")
    torch.save({"weights": {}}, tmp_path / "other.ckpt")
    with pytest.raises(UserError, match="state_dict"):
        read_checkpoint(tmp_path / "other.ckpt")
    with pytest.raises(UserError, match="--statistics"):
        convert_checkpoint(write(tmp_path / "intergen.ckpt", state), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_code_in_a_checkpoint_is_not_run(tmp_path: Path) -> None:
    class Harmful:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (Path(tmp_path / "harm"),))  # type: ignore[return-value]

    torch.save({"state_dict": {}, "hyper_parameters": Harmful()}, tmp_path / "harmful.ckpt")
    with pytest.raises(UserError, match="read safely"):
        read_checkpoint(tmp_path / "harmful.ckpt")
    assert not (tmp_path / "harm").exists()


def test_the_command_says_what_is_missing_and_where_the_folder_is(
    state: dict[str, Tensor], statistics: tuple[Tensor, Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    checkpoint = write(tmp_path / "intergen.ckpt", state)
    loaded = official.from_official
    monkeypatch.setattr(official, "from_official", lambda *given: loaded(*given, SMALL, SMALL_CLIP, VOCABULARY))
    with pytest.raises(SystemExit) as ended:
        main(["convert", str(checkpoint), str(tmp_path / "made"), "--statistics", str(tmp_path / "elsewhere")])
    assert ended.value.code == 2 and "global_mean.npy" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main(["convert", str(checkpoint), str(tmp_path / "made"), "--json"])
    assert not ended.value.code
    assert json.loads(capsys.readouterr().out) == {"folder": str(tmp_path / "made"), "kind": "intergen"}
    assert read_manifest(tmp_path / "made")["config"]["source"] == "intergen.ckpt"
    assert MotionGenerator.load(tmp_path / "made").config == SMALL
