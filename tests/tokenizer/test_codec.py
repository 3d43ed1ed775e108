"""What the language side relies on."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from small import SMALL, people, small_codec, walking

from vimotion.errors import UserError
from vimotion.motion import Skeleton, from_features, split_features
from vimotion.tokenizer import CodecConfig, CodecSpec, MotionTokenizer


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), steps=st.integers(1, 7))
def test_the_codes_of_a_beginning_are_the_beginning_of_the_codes(tokenizer: MotionTokenizer, seed: int, steps: int) -> None:
    features = people(seed)
    whole = tokenizer.encode(features)
    assert whole.shape == (2, 3 * 2 + 8, 3) and whole.dtype == np.int64
    np.testing.assert_array_equal(tokenizer.encode(features[:, : 8 * steps]), whole[:, : tokenizer.spec.rows(8 * steps)])


def test_codes_are_of_each_person_alone(tokenizer: MotionTokenizer) -> None:
    features = people(3)
    both = tokenizer.encode(features)
    for person in range(2):
        np.testing.assert_array_equal(tokenizer.encode(features[person : person + 1])[0], both[person])
    assert (both[0] != both[1]).any()


def test_exchanging_the_people_exchanges_the_codes_and_the_motion(tokenizer: MotionTokenizer) -> None:
    features = people(4)
    codes = tokenizer.encode(features)
    np.testing.assert_array_equal(tokenizer.encode(features[::-1]), codes[::-1])
    np.testing.assert_allclose(tokenizer.decode(codes[::-1]), tokenizer.decode(codes)[::-1], atol=1e-5)


def test_the_decoder_sees_the_other_person(tokenizer: MotionTokenizer) -> None:
    codes = tokenizer.encode(people(5))
    alone, pair = tokenizer.decode(codes[:1]), tokenizer.decode(codes)
    assert alone.shape == (1, 64, 262)
    assert np.abs(alone[0] - pair[0]).max() > 1e-4


def test_what_is_decoded_is_a_body(tokenizer: MotionTokenizer) -> None:
    decoded = tokenizer.decode(tokenizer.encode(people(6)))
    assert decoded.shape == (2, 64, 262) and decoded.dtype == np.float32
    positions, velocities, _, contacts = split_features(decoded)
    np.testing.assert_allclose(velocities[:, :-1], positions[:, 1:] - positions[:, :-1], atol=1e-6)
    assert set(np.unique(contacts)) <= {0.0, 1.0}
    # the joints are those of the rotations, and each person keeps one size
    interaction = from_features(decoded.swapaxes(0, 1))
    np.testing.assert_allclose(interaction.joint_positions, positions.swapaxes(0, 1), atol=1e-4)
    bones = np.linalg.norm(positions[:, :, 4] - positions[:, :, 1], axis=-1)
    assert np.ptp(bones, axis=1).max() < 1e-5
    assert 0.7 < bones[0, 0] / Skeleton.standard().bone_lengths[4] < 1.4


@pytest.mark.parametrize("frames", [1, 2, 7, 8, 9])
def test_any_length_fills_whole_steps(tokenizer: MotionTokenizer, frames: int) -> None:
    codes = tokenizer.encode(people(7, frames))
    steps = tokenizer.spec.steps(frames)
    assert codes.shape == (2, tokenizer.spec.rows(frames), 3) and tokenizer.spec.frames(codes.shape[1]) == 8 * steps
    assert tokenizer.decode(codes).shape == (2, 8 * steps, 262)


def test_the_same_input_gives_the_same_output(tokenizer: MotionTokenizer) -> None:
    codes = tokenizer.encode(people(8))
    np.testing.assert_array_equal(tokenizer.decode(codes), tokenizer.decode(codes))


def test_fewer_levels_of_the_same_codec(tokenizer: MotionTokenizer) -> None:
    coarse = tokenizer.with_levels(2)
    assert coarse.spec == CodecSpec(step_frames=8, levels=2, codebook_size=32, segment_steps=3)
    codes = coarse.encode(people(9))
    assert codes.shape == (2, 3 * 2 + 8, 2)
    assert coarse.decode(codes).shape == (2, 64, 262)


def test_a_segment_is_told_from_where_its_person_has_come() -> None:
    codec = small_codec()
    features = torch.from_numpy(walking(people(11)))[None]
    placement = codec.placement(codec.placement_codes(features))
    assert placement.shape == (1, 2, 3, 4)
    ways = (features[:, :, 24 * 2 - 1, :3:2] - features[:, :, 0, :3:2]).norm(dim=-1)
    assert float(ways.min()) > 2
    roots = codec.in_own_frames(features, placement)[..., 0, :3:2]
    assert roots.shape == (1, 2, 3, 2) and float(roots.norm(dim=-1).max()) < 0.15
    # how somebody came to be there does not matter: only the placement tells
    elsewhere = features.clone()
    elsewhere[:, :, :23] = features[:, :, :23].flip(2)
    tokenizer = MotionTokenizer(codec)
    codes, other = (tokenizer.encode(motion[0].numpy()) for motion in (features, elsewhere))
    second = tokenizer.spec.rows(24)
    assert (codes[:, :second] != other[:, :second]).any() and np.array_equal(codes[:, second:], other[:, second:])


def test_who_is_told_to_be_elsewhere_is_there(tokenizer: MotionTokenizer) -> None:
    codes = tokenizer.encode(people(13))
    moved = codes.copy()
    retold = tokenizer.spec.rows(24) - tokenizer.spec.placement_rows
    moved[0, retold, 0] += 80  # bins of 2.5 cm
    change = (tokenizer.decode(moved) - tokenizer.decode(codes))[0, :, 0]
    assert np.abs(change[:12]).max() < 0.5 and np.abs(change[30:42] - 2.0).max() < 0.5


def test_a_last_segment_may_lack_where_it_ends(tokenizer: MotionTokenizer) -> None:
    codes = tokenizer.encode(people(14, 48))
    without = tokenizer.decode(codes[:, : -tokenizer.spec.placement_rows])
    assert without.shape == (2, 48, 262) and np.abs(without - tokenizer.decode(codes))[:, :24, :66].max() < 0.3


def test_a_codec_gets_segments_without_another_change() -> None:
    once = MotionTokenizer(
        small_codec(SMALL.model_copy(update={"spec": SMALL.spec.model_copy(update={"segment_steps": None})}))
    )
    anew = once.with_segments(5)
    features = people(15, 40)
    codes = once.encode(features)
    assert codes.shape[1] == 2 + 5 and np.array_equal(anew.encode(features)[:, :-2], codes)
    np.testing.assert_allclose(anew.decode(anew.encode(features)), once.decode(codes), atol=1e-4)


@pytest.mark.parametrize(
    "features",
    [np.zeros((3, 8, 262)), np.zeros((2, 8, 200)), np.zeros((2, 0, 262)), np.zeros((8, 262)), np.full((1, 8, 262), np.nan)],
)
def test_what_cannot_be_encoded(tokenizer: MotionTokenizer, features: np.ndarray) -> None:
    with pytest.raises(UserError):
        tokenizer.encode(features)


def test_somebody_too_far_away_is_refused_in_words(tokenizer: MotionTokenizer) -> None:
    features = people(2)
    features[1, :, :3] += 9.0
    with pytest.raises(UserError, match="bring the people nearer"):
        tokenizer.encode(features)


def test_a_motion_that_is_too_long_is_refused_in_words(tokenizer: MotionTokenizer) -> None:
    with pytest.raises(UserError, match="30 seconds"):
        tokenizer.encode(np.zeros((2, 901, 262)))


@pytest.mark.parametrize(
    "codes",
    [
        np.zeros((2, 3, 4), int), np.zeros((3, 3, 3), int), np.zeros((2, 2, 3), int), np.full((2, 3, 3), 32),
        np.full((2, 3, 3), -1), np.zeros((2, 3, 3)), np.array([[[0, 0, 0], [512, 0, 0], [0, 0, 0]]]),
        np.zeros((2, 2 + 3 + 1, 3), int),
    ],
)  # fmt: skip
def test_what_cannot_be_decoded(tokenizer: MotionTokenizer, codes: np.ndarray) -> None:
    with pytest.raises(UserError):
        tokenizer.decode(codes)


def test_saving_and_loading_changes_no_bit(tokenizer: MotionTokenizer, tmp_path: Path) -> None:
    tokenizer.save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"codec.safetensors", "config.json"}
    loaded = MotionTokenizer.load(tmp_path)
    assert loaded.spec == tokenizer.spec
    codes = tokenizer.encode(people(10))
    np.testing.assert_array_equal(loaded.encode(people(10)), codes)
    np.testing.assert_array_equal(loaded.decode(codes), tokenizer.decode(codes))


def test_weights_must_fit_exactly(tokenizer: MotionTokenizer, tmp_path: Path) -> None:
    tokenizer.save(tmp_path)
    state = load_file(tmp_path / "codec.safetensors")
    save_file({name: tensor for name, tensor in state.items() if name != "quantizer.codebook"}, tmp_path / "codec.safetensors")
    with pytest.raises(UserError, match=r"quantizer\.codebook"):
        MotionTokenizer.load(tmp_path)


@pytest.mark.parametrize("damage", ["config.json", "codec.safetensors"])
def test_missing_and_damaged_files_are_named(tokenizer: MotionTokenizer, tmp_path: Path, damage: str) -> None:
    tokenizer.save(tmp_path)
    (tmp_path / damage).write_bytes(b"{")
    with pytest.raises(UserError, match="cannot be read"):
        MotionTokenizer.load(tmp_path)
    (tmp_path / damage).unlink()
    with pytest.raises(UserError, match=damage):
        MotionTokenizer.load(tmp_path)


def test_settings_may_not_hold_unknown_keys(tmp_path: Path, tokenizer: MotionTokenizer) -> None:
    tokenizer.save(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(path.read_text().replace('"width"', '"widht"'))
    with pytest.raises(UserError):
        MotionTokenizer.load(tmp_path)


def test_two_persons_tokens_stay_within_sixty_a_second() -> None:
    spec = CodecConfig().spec
    assert 2 * spec.steps_per_second * spec.levels <= 60


def test_gradients_reach_every_weight() -> None:
    codec = small_codec(SMALL).train()
    pose, _, quantized = codec(torch.from_numpy(people(1))[None])
    (pose.square().sum() + quantized.commitment).backward()
    silent = [name for name, p in codec.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not silent


def test_moving_the_latents_mean_to_zero_changes_nothing_else() -> None:
    codec = small_codec().eval()
    features = torch.from_numpy(people(5))[None]
    codec.quantizer.centre.normal_(std=3.0)
    with torch.no_grad():
        before, _, quantized = codec(features)
        codec.centre_latents()
        after, _, moved = codec(features)
    assert not codec.quantizer.centre.any()
    assert torch.equal(moved.codes, quantized.codes)
    torch.testing.assert_close(after, before, atol=1e-5, rtol=1e-5)
