"""Cutting, placing and mirroring frame vectors is the same as doing it to the motion."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vimotion.motion import place, to_features
from vimotion.motion.vectors import mirror_features, place_features
from vimotion.training.windows import cut_window, mirrored, placed

sys.path.insert(0, str(Path(__file__).parents[1] / "motion"))
from poses import random_interaction


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), people=st.sampled_from([1, 2]))
def test_placing(seed: int, people: int) -> None:
    interaction = random_interaction(seed, 9, people)
    # the last frame has no vector of its own, so it must not be the one that the floor is put under
    interaction = interaction.frames(0, 8).followed_by(interaction.frames(7, 8))
    expected = to_features(place(interaction))
    contacts = expected[..., -4:]  # they were found before, at another height
    placed = place_features(to_features(interaction))
    placed[..., -4:] = contacts
    np.testing.assert_allclose(placed, expected, atol=1e-4)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_mirroring(seed: int) -> None:
    interaction = random_interaction(seed, 6)
    mirrored = mirror_features(to_features(interaction))
    np.testing.assert_allclose(mirrored, to_features(interaction.mirrored()), atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), people=st.sampled_from([1, 2]))
def test_many_at_once_are_placed_and_mirrored_like_one_after_another(seed: int, people: int) -> None:
    clips = np.stack([to_features(random_interaction(seed + one, 7, people)) for one in range(4)])
    chosen = np.random.default_rng(seed).random(4) < 0.5
    together = placed(mirrored(torch.from_numpy(clips).transpose(1, 2), torch.from_numpy(chosen))).transpose(1, 2)
    alone = [place_features(mirror_features(clip) if mirror else clip) for clip, mirror in zip(clips, chosen, strict=True)]
    np.testing.assert_allclose(together.numpy(), np.stack(alone), atol=1e-5)


@pytest.mark.parametrize(("length", "frames"), [(40, 16), (16, 16), (10, 16)])
def test_windows_are_padded_by_standing_still(length: int, frames: int) -> None:
    clip = to_features(random_interaction(3, length + 1))
    for seed in range(8):
        window, mask = cut_window(clip, frames, np.random.default_rng(seed))
        assert window.shape == (frames, 2, 262)
        assert mask.sum() == min(length, frames)
        if length < frames:
            assert (window[length:, :, :66] == window[length - 1, :, :66]).all()
            assert (window[length:, :, 66:132] == 0).all()
