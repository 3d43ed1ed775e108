import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small import people

from vimotion.motion import split_features
from vimotion.motion.vectors import place_features
from vimotion.tokenizer.placement import (
    REACH,
    in_common_frame,
    in_own_frame,
    placement_codes,
    placement_values,
    relation,
    seen_codes,
    way,
)
from vimotion.tokenizer.representation import body_from_features, body_from_pose, standard_body

STANDARD = standard_body()


def _pose(features: torch.Tensor) -> torch.Tensor:
    """The pose that a perfect decoder would write for frame vectors."""
    body = body_from_features(features, STANDARD)
    six = body.rotations[..., :2].flatten(-3)
    return torch.cat([body.positions[..., 0, :], six, torch.zeros(*six.shape[:-1], 4)], dim=-1)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000))
def test_own_frame_and_back_is_where_it_was(seed: int) -> None:
    features = torch.from_numpy(people(seed))
    placement = placement_values(placement_codes(features[:, 0], STANDARD, 512), 512)
    own = in_own_frame(features, placement)
    back = in_common_frame(_pose(own), placement[:, None].expand(-1, features.shape[1], -1))
    torch.testing.assert_close(back, _pose(features), atol=1e-4, rtol=0)
    made = body_from_pose(back, placement[:, 3:].expand(back.shape[:-1]), STANDARD).positions
    true = torch.from_numpy(split_features(people(seed))[0])
    assert float((made - true).norm(dim=-1).max()) < 0.01  # the size's bins


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000))
def test_everybody_starts_alike_in_their_own_frame(seed: int) -> None:
    features = torch.from_numpy(people(seed))
    placement = placement_values(placement_codes(features[:, 0], STANDARD, 512), 512)
    again = placement_codes(in_own_frame(features, placement)[:, 0], STANDARD, 512)
    assert (again - 256).abs().max() <= 1
    # somebody else's place and heading does not change what is done
    exchanged = place_features(people(seed).swapaxes(0, 1)[:, ::-1]).swapaxes(0, 1)[::-1].copy()
    elsewhere = torch.from_numpy(exchanged)
    own = in_own_frame(elsewhere, placement_values(placement_codes(elsewhere[:, 0], STANDARD, 512), 512))
    heights = (
        split_features(np.asarray(own))[0][..., 1] - split_features(np.asarray(in_own_frame(features, placement)))[0][..., 1]
    )
    assert np.abs(heights - heights[:, :1, :1]).max() < 0.01


def test_codes_are_the_nearest_and_turn_round() -> None:
    codes = torch.arange(512)[:, None].expand(512, 4)
    values = placement_values(codes, 512)
    assert torch.equal(values[256], torch.tensor([0.0, 0.0, 0.0, 1.0]))
    assert float(values[:, 0].abs().max()) == pytest.approx(REACH) and float(values[:, 3].max()) < 2
    assert float(values[0, 2]) == pytest.approx(-math.pi)


def test_the_relation_is_seen_from_each_of_them() -> None:
    # a at the origin faces +Z; b stands two metres ahead and faces back
    placement = torch.tensor([[[0.0, 0.0, 0.0, 1.0], [0.0, 2.0, math.pi, 1.0]]])
    expected = torch.tensor([0.0, 0.0, 2.0, 0.0, -1.0, 0.0, 1.0])
    torch.testing.assert_close(relation(placement)[0], expected.expand(2, 7), atol=1e-6, rtol=0)
    assert torch.equal(relation(placement[:, :1])[0, 0], torch.zeros(7))


def test_the_way_is_seen_from_each_placement() -> None:
    # ahead by a metre while turning left, and then, facing +X, two metres to the left
    placement = torch.tensor([[0.0, 0.0, 0.0, 1.0], [0.0, 1.0, math.pi / 2, 1.0], [0.0, -1.0, math.pi / 2, 1.0]])
    none, first, second = [0.0] * 5, [0.0, 1.0, 1.0, 0.0, 1.0], [2.0, 0.0, 0.0, 1.0, 1.0]
    back = [1.0, 0.0, -1.0, 0.0, 1.0], [-2.0, 0.0, 0.0, 1.0, 1.0]
    expected = torch.tensor([[*none, *first], [*back[0], *second], [*back[1], *none]])
    torch.testing.assert_close(way(placement, 3), expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(way(placement, 2), expected[:2], atol=1e-6, rtol=0)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), frame=st.integers(0, 20))
def test_the_other_is_seen_where_a_motion_from_then_on_would_place_them(seed: int, frame: int) -> None:
    features = people(seed)
    now = placement_codes(torch.from_numpy(features[:, frame]), STANDARD, 512)
    placed = torch.from_numpy(place_features(features[:, frame:].swapaxes(0, 1)).swapaxes(0, 1).copy())
    expected = placement_codes(placed[1, 0], STANDARD, 512)[:3]
    away = (seen_codes(now[:, :3].numpy(), 512) - expected.numpy() + 256) % 512 - 256
    # the first person's heading is known to half a bin, by which far places turn
    assert int(np.abs(away[:2]).max()) <= 3 and abs(int(away[2])) <= 1
