"""`MotionGenerator`: what it makes, and from what."""

from pathlib import Path

import numpy as np
import pytest
import torch
from small_generator import random_generator

from vimotion.errors import UserError
from vimotion.intergen import MotionGenerator
from vimotion.intergen.diffusion import add_noise, signal_share
from vimotion.motion import from_features
from vimotion.weights import from_int8, to_int8

CAPTIONS = ["two people hug .", "one person waves at the other .", "two people ."]
LENGTHS = [20, 33, 8]


@pytest.mark.parametrize("changes", [{}, {"frames_per_token": 4, "around_pelvis": True}])
def test_a_motion_depends_on_its_own_caption_length_and_seed(changes: dict[str, object]) -> None:
    generator = random_generator(**changes)
    together = generator.sample_features(CAPTIONS, LENGTHS, seed=5, steps=4)
    assert [made.shape for made in together] == [(frames, 2, 262) for frames in LENGTHS]
    for number in range(3):
        for batch_size in (1, 2):
            some = generator.sample_features(
                CAPTIONS[number:], LENGTHS[number:], seed=5 + number, steps=4, batch_size=batch_size
            )
            np.testing.assert_allclose(some[0], together[number], atol=1e-3 * np.abs(together[number]).max())
    seeds = generator.sample_features(CAPTIONS, LENGTHS, seed=[7, 6, 7], steps=4)
    np.testing.assert_allclose(seeds[1], together[1], atol=1e-3 * np.abs(together[1]).max())
    assert np.abs(seeds[0] - together[0]).max() > 0.1
    again = generator.sample_features(CAPTIONS, LENGTHS, seed=5, steps=4)
    assert all(np.array_equal(a, b) for a, b in zip(again, together, strict=True))


def test_of_several_drafts_the_one_is_kept_that_the_denoiser_changes_least() -> None:
    generator = random_generator(preconditioned=True)
    kept = generator.sample_features(CAPTIONS, LENGTHS, seed=5, steps=3, drafts=3)
    alone = generator.sample_features(CAPTIONS[1:2], LENGTHS[1], seed=6, steps=3, drafts=3)[0]
    np.testing.assert_allclose(alone, kept[1], atol=1e-3 * np.abs(alone).max())
    chosen = []
    for number, (caption, frames) in enumerate(zip(CAPTIONS, LENGTHS, strict=True)):
        own = torch.Generator().manual_seed(5 + number)
        noise = [torch.randn(1, 2, frames, 262, generator=own) for _ in range(3 + 4)]
        told, mask = generator.denoiser.caption(generator.text([caption])), torch.ones(1, frames)
        drafts = [generator.denoise(noise[draft], mask, told, steps=3) for draft in range(3)]
        changes = []
        for draft in map(generator.denoiser.space.tokens, drafts):
            step = torch.tensor([100])
            noisy = [add_noise(draft, look, step, signal_share()) for look in noise[3:]]
            changes.append(sum(float((generator.denoiser.denoise(n, step, mask, told) - draft).square().sum()) for n in noisy))
        chosen.append(int(np.argmin(changes)))
        expected = drafts[chosen[-1]][0].transpose(0, 1).numpy()
        np.testing.assert_allclose(kept[number], expected, atol=2e-3 * np.abs(expected).max())
    assert len(set(chosen)) > 1
    with pytest.raises(UserError, match="1 draft or more"):
        generator.sample(CAPTIONS, 15, drafts=0)


def test_motions_are_two_people_at_30_frames_a_second() -> None:
    generator = random_generator()
    told: list[tuple[int, int]] = []
    made = generator.sample(CAPTIONS, 15, seed=1, steps=2, batch_size=2, progress=lambda *step: told.append(step))
    assert [(motion.num_frames, motion.num_people, motion.fps) for motion in made] == [(15, 2, 30.0)] * 3
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    features = generator.sample_features(CAPTIONS[2:], 15, seed=3, steps=2)[0]
    np.testing.assert_allclose(made[2].root_positions, features[..., :3], atol=1e-3)
    np.testing.assert_allclose(
        made[2].local_rotations, from_features(features, follow_positions=True).local_rotations, atol=1e-2
    )


def test_guidance_of_one_is_the_caption_alone() -> None:
    generator = random_generator()
    captions = generator.denoiser.caption(generator.text(["two people hug ."]))
    noise, mask = torch.randn(1, 2, 8, 262), torch.ones(1, 8)
    told = generator.denoise(noise, mask, captions, guidance=1.0, steps=3)
    nearly = generator.denoise(noise, mask, captions, guidance=1.0 + 1e-6, steps=3)
    torch.testing.assert_close(told, nearly, atol=1e-3, rtol=1e-3)
    # with no caption to follow, guidance does not matter
    without = [generator.denoise(noise, mask, captions.kept(torch.zeros(1)), guidance=weight, steps=3) for weight in (1.0, 3.5)]
    torch.testing.assert_close(*without, atol=1e-3, rtol=1e-3)
    assert not torch.allclose(generator.denoise(noise, mask, captions, guidance=3.5, steps=3), told, atol=0.1)


@pytest.mark.parametrize("guidance", [1.0, 2.0])
def test_a_self_conditioned_generator_sees_what_it_said_a_step_before(guidance: float) -> None:
    generator = random_generator(self_conditioned=True)
    caption = generator.denoiser.caption(generator.text(["two people hug ."]))
    noise, mask, share = torch.randn(1, 2, 8, 262), torch.ones(1, 8), signal_share()
    noisy, said = noise, torch.zeros_like(noise)
    for step, then in ((666, share[333]), (333, share[0]), (0, torch.tensor(1.0))):
        seen = [
            generator.denoiser.denoise(noisy, torch.tensor([step]), mask, each, said)
            for each in (caption, caption.kept(torch.zeros(1)))
        ]
        said = guidance * seen[0] + (1 - guidance) * seen[1]
        rest = (noisy - share[step].sqrt() * said) / (1 - share[step]).sqrt()
        noisy = then.sqrt() * said + (1 - then).sqrt() * rest
    expected = generator.denoiser.space.features(noisy)
    made = generator.denoise(noise, mask, caption, guidance=guidance, steps=3)
    torch.testing.assert_close(made, expected, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.int8])
def test_a_saved_generator_loads(dtype: torch.dtype, tmp_path: Path) -> None:
    generator = random_generator(frames_per_token=4, components=24, around_pelvis=True)
    for parameter in generator.denoiser.parameters():
        small = from_int8(to_int8({"weight": parameter}))["weight"] if dtype == torch.int8 else parameter.to(dtype)
        parameter.copy_(small)
    generator.save(tmp_path, dtype)
    again = MotionGenerator.load(tmp_path)
    assert again.config == generator.config
    made, expected = (one.sample_features(CAPTIONS[:1], 9, steps=2)[0] for one in (again, generator))
    np.testing.assert_allclose(made, expected, atol=1e-4 * np.abs(expected).max())


def test_a_damaged_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no config\.json"):
        MotionGenerator.load(tmp_path)
    random_generator().save(tmp_path)
    (tmp_path / "config.json").write_text(
        (tmp_path / "config.json").read_text().replace('"layers":2', '"layers":3').replace('"layers": 2', '"layers": 3')
    )
    with pytest.raises(UserError, match=r"do not fit.*blocks\.2"):
        MotionGenerator.load(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UserError, match="cannot be read"):
        MotionGenerator.load(tmp_path)


@pytest.mark.parametrize(
    ("captions", "frames", "seed", "message"),
    [
        (["hug", " "], 20, 0, "empty"),
        (["hug"], 1, 0, "2 to 60"),
        (["hug"], 61, 0, "2 to 60"),
        (["hug"], [20, 30], 0, "as many lengths"),
        (["hug", "hug"], 20, [1], "as many lengths"),
    ],
)
def test_what_cannot_be_made_is_one_sentence(captions: list[str], frames: int, seed: int, message: str) -> None:
    with pytest.raises(UserError, match=message):
        random_generator().sample(captions, frames, seed)


def test_nothing_asked_for_is_nothing() -> None:
    assert random_generator().sample([], 20) == []
