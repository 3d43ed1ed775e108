"""What each of two people is told of where the other is."""

import numpy as np
import pytest
import torch
from small import people, small_codec

from vimotion.motion import split_features
from vimotion.tokenizer import CodecSpec, MotionTokenizer
from vimotion.tokenizer.sight import FARTHEST, NEAREST, sight_codes

SPEC = CodecSpec(step_frames=8, levels=3, codebook_size=32, sight_bins=32)


@pytest.fixture(scope="module")
def seeing() -> MotionTokenizer:
    codec = small_codec()
    return MotionTokenizer(type(codec)(codec.config.model_copy(update={"spec": SPEC})))


def standing(places: list[tuple[float, float]], frames: int = 8) -> torch.Tensor:
    """Two people who face +Z at these places (x, z)."""
    features = torch.from_numpy(np.repeat(people(0)[:1, :1], 2, axis=0)).repeat(1, frames, 1)
    positions = features[..., :66].unflatten(-1, (22, 3))
    positions -= positions[..., :1, :] * torch.tensor([1.0, 0.0, 1.0])
    positions += torch.tensor([[x, 0.0, z] for x, z in places])[:, None, None]
    return features


@pytest.mark.parametrize(("place", "direction"), [((0.0, 1.0), 0), ((1.0, 0.0), 8), ((0.0, -1.0), 16), ((-1.0, 0.0), 24)])
def test_directions_are_those_that_somebody_faces(place: tuple[float, float], direction: int) -> None:
    first, second = sight_codes(standing([(0.0, 0.0), place]), SPEC)[:, 0].tolist()
    assert first % 32 == direction and second % 32 == (direction + 16) % 32
    assert first // 32 == second // 32 == round(31 * np.log(1 / NEAREST) / np.log(FARTHEST / NEAREST))


def test_distances_are_told_to_a_twentieth() -> None:
    ratio = (FARTHEST / NEAREST) ** (1 / 31)
    for metres in (0.3, 0.77, 2.0, 5.5):
        code = int(sight_codes(standing([(0.0, 0.0), (0.0, metres)]), SPEC)[0, 0]) // 32
        assert NEAREST * ratio**code == pytest.approx(metres, rel=0.06)
    assert int(sight_codes(standing([(0.0, 0.0), (0.0, 0.01)]), SPEC)[0, 0]) // 32 == 0
    assert int(sight_codes(standing([(0.0, 0.0), (0.0, 90.0)]), SPEC)[0, 0]) // 32 == 31


def test_the_second_sees_the_first_where_this_step_has_brought_them() -> None:
    features = standing([(0.0, 0.0), (0.0, 4.0)], 24)
    positions = features[..., :66].unflatten(-1, (22, 3))
    positions[0, 8:, :, 2] += 2.0  # the first steps forward in the second step
    positions[1, 16:, :, 2] += 1.0  # the second goes away in the third
    first, second = sight_codes(features, SPEC) // 32
    bins = [round(31 * np.log(metres / NEAREST) / np.log(FARTHEST / NEAREST)) for metres in (4, 2)]
    assert first.tolist() == [bins[0], bins[0], bins[1]]
    assert second.tolist() == [bins[0], bins[1], bins[1]]


def test_sights_hang_on_nothing_that_is_told_later(seeing: MotionTokenizer) -> None:
    features = people(2, 64)
    whole = seeing.encode(features)
    assert whole.shape == (2, seeing.spec.placement_rows + 8, 4)
    for steps in (1, 3, 7):
        np.testing.assert_array_equal(seeing.encode(features[:, : 8 * steps]), whole[:, : seeing.spec.rows(8 * steps)])
    later = features.copy()
    later[1, 24:] = people(3, 64)[1, 24:]  # what the second does from the fourth step on
    rows = seeing.spec.placement_rows
    np.testing.assert_array_equal(seeing.encode(later)[:, rows : rows + 4, 0], whole[:, rows : rows + 4, 0])


def test_sights_are_those_of_the_joints(seeing: MotionTokenizer) -> None:
    features = people(5)
    pelvis = split_features(features)[0][:, :, 0, [0, 2]]
    metres = [np.linalg.norm(pelvis[1, at] - pelvis[0, at]) for at in (0, 7, 15, 23)]
    found = seeing.encode(features)[0, seeing.spec.placement_rows :][:4, 0] // 32
    expected = np.round(31 * np.log(np.maximum(metres, NEAREST) / NEAREST) / np.log(FARTHEST / NEAREST)).clip(0, 31)
    np.testing.assert_array_equal(found, expected)


def test_they_change_no_motion_and_somebody_alone_has_none(seeing: MotionTokenizer) -> None:
    features = people(6)
    codes = seeing.encode(features)
    blind = codes.copy()
    blind[:, seeing.spec.placement_rows :, 0] = 0
    np.testing.assert_array_equal(seeing.decode(blind), seeing.decode(codes))
    np.testing.assert_array_equal(seeing.encode(features[:1])[0], blind[0])
