"""The denoiser and its losses."""

import pytest
import torch
from small_generator import pairs, random_generator
from torch import Tensor

from vimotion.config import load_config
from vimotion.errors import UserError
from vimotion.intergen import GeneratorConfig
from vimotion.intergen.denoiser import Attention, Denoiser
from vimotion.intergen.diffusion import add_noise, signal_share
from vimotion.intergen.losses import LossWeights, joints_of, masked_mean, regularisers, simple_loss, standard_offsets
from vimotion.motion import FEATURES, Skeleton


def parts(predicted: Tensor, target: Tensor, mask: Tensor | None = None) -> dict[str, float]:
    mask = torch.ones(2, target.shape[2]) if mask is None else mask
    made = regularisers(predicted, target, mask, standard_offsets(), kinematics=True)
    return {name: float(value) for name, value in made.items()}


def with_joints(features: Tensor, joints: Tensor) -> Tensor:
    changed = features.clone()
    changed[..., FEATURES["positions"]] = joints.flatten(-2)
    return changed


def test_padding_changes_nothing() -> None:
    generator = random_generator()
    text, steps = generator.text(["two people hug"]), torch.tensor([300])
    noisy = torch.randn(1, 2, 12, 262)
    mask = torch.ones(1, 12)
    alone = generator.denoiser(noisy, steps, mask, text)
    longer = torch.cat([noisy, torch.randn(1, 2, 8, 262)], dim=2)
    padded = generator.denoiser(longer, steps, torch.cat([mask, torch.zeros(1, 8)], dim=1), text)
    torch.testing.assert_close(padded[:, :, :12], alone, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(generator.denoiser(longer, steps, torch.ones(1, 20), text)[:, :, :12], alone, atol=0.05)


def test_people_who_change_places_change_places_in_the_answer() -> None:
    generator = random_generator()
    text, steps, mask = generator.text(["two people hug"]), torch.tensor([300]), torch.ones(1, 8)
    noisy = torch.randn(1, 2, 8, 262)
    answer = generator.denoiser(noisy, steps, mask, text)
    torch.testing.assert_close(generator.denoiser(noisy.flip(1), steps, mask, text), answer.flip(1), atol=1e-5, rtol=1e-5)
    # unless it is told who is who
    apart = random_generator(told_apart=True).denoiser
    assert not torch.allclose(apart(noisy.flip(1), steps, mask, text), apart(noisy, steps, mask, text).flip(1), atol=0.05)
    # and each looks at the other
    other = torch.stack([noisy[0, 0], torch.randn(8, 262)])[None]
    assert not torch.allclose(generator.denoiser(other, steps, mask, text)[:, 0], answer[:, 0], atol=0.05)


@pytest.mark.parametrize("reads_words", [False, True])
def test_step_and_caption_count_and_an_untold_caption_does_not(reads_words: bool) -> None:
    generator = random_generator(reads_words=reads_words)
    noisy, mask = torch.randn(2, 2, 8, 262)[:1].repeat(2, 1, 1, 1), torch.ones(2, 8)
    text, steps = generator.text(["two people hug .", "one person waves ."]), torch.tensor([300, 300])
    told = generator.denoiser(noisy, steps, mask, text)
    assert not torch.allclose(told[0], told[1], atol=0.05)
    untold = generator.denoiser(noisy, steps, mask, text, torch.zeros(2))
    torch.testing.assert_close(untold[0], untold[1])
    stepped = generator.denoiser(noisy, torch.tensor([300, 301]), mask, text, torch.zeros(2))
    assert not torch.allclose(stepped[0], stepped[1], atol=1e-3)


def test_an_estimate_counts_where_the_denoiser_is_self_conditioned() -> None:
    noisy, steps, mask = torch.randn(1, 2, 8, 262), torch.tensor([300]), torch.ones(1, 8)
    said = torch.randn(1, 2, 8, 262)
    for conditioned in (False, True):
        generator = random_generator(self_conditioned=conditioned)
        text = generator.text(["two people hug"])
        plain = generator.denoiser(noisy, steps, mask, text)
        assert torch.equal(generator.denoiser(noisy, steps, mask, text, estimate=torch.zeros_like(noisy)), plain)
        told = generator.denoiser(noisy, steps, mask, text, estimate=said)
        assert torch.equal(told, plain) != conditioned
        turned = generator.denoiser(noisy.flip(1), steps, mask, text, estimate=said.flip(1))
        torch.testing.assert_close(turned, told.flip(1), atol=1e-5, rtol=1e-5)


def test_attention_is_the_same_in_training() -> None:
    """There it takes another way on a CPU."""
    torch.manual_seed(0)
    attention = Attention(32, 4, dropout=0.0)
    hidden, words = torch.randn(3, 2, 7, 32), torch.randn(3, 1, 5, 32)
    for attended in (hidden, words):
        mask = torch.rand(3, 1, 1, 1, attended.shape[2] + 1) < 0.6
        mask[..., -1] = True
        found = []
        for training in (True, False):
            answer = attention.train(training)(hidden, attended, mask)
            (gradient,) = torch.autograd.grad(answer.square().sum(), attention.inputs.weight)
            found.append((answer, gradient))
        for one, other in zip(*found, strict=True):
            torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)
    with_dropout = Attention(32, 4, dropout=0.5)
    mask = torch.ones(3, 1, 1, 1, 8, dtype=torch.bool)
    assert not torch.equal(with_dropout(hidden, hidden, mask), with_dropout.eval()(hidden, hidden, mask))


def test_words_are_read_by_every_block() -> None:
    denoiser, text = random_generator(reads_words=True).denoiser, random_generator().text
    caption = denoiser.caption(text(["two people hug ."]))
    other = caption._replace(words=denoiser.caption(text(["two people waves ."])).words)
    noisy, steps, mask = torch.randn(1, 2, 8, 262), torch.tensor([300]), torch.ones(1, 8)
    told = denoiser.denoise(noisy, steps, mask, caption)
    assert not torch.allclose(denoiser.denoise(noisy, steps, mask, other), told, atol=0.05)
    # but those that only fill a batch
    padded = other._replace(
        words=torch.cat([caption.words, torch.randn(1, 3, 16)], 1), mask=torch.tensor([[True] * 4 + [False] * 3])
    )
    torch.testing.assert_close(denoiser.denoise(noisy, steps, mask, padded), told, atol=1e-5, rtol=1e-5)
    twice = caption.followed_by_none()
    assert twice.mask.tolist() == [[True] * 4, [False] * 4] and not twice.whole[1].any()


def test_a_fresh_denoiser_says_the_mean() -> None:
    config = random_generator().config
    denoiser = Denoiser(config)
    said = denoiser(torch.randn(1, 2, 4, 262), torch.tensor([5]), torch.ones(1, 4), random_generator().text(["hug"]))
    assert not said.any()


def test_a_fresh_preconditioned_denoiser_makes_the_best_linear_guess() -> None:
    """Against the regression of what is diffused on its noisy version, number by number."""
    generator = random_generator(preconditioned=True, frames_per_token=4, components=8)
    denoiser = Denoiser(generator.config)
    denoiser.space.scale.uniform_(0.5, 2.0)
    deviation = denoiser.space.variance.sqrt()
    clean = torch.randn(64, 2, 200, 8) * deviation
    text = generator.text(["hug"] * 64)
    for step in (0, 100, 500, 999):
        steps = torch.full((64,), step)
        noisy = add_noise(clean, torch.randn(clean.shape), steps, signal_share())
        guess = denoiser(noisy, steps, torch.ones(64, 200), text)
        slopes = (noisy * clean).mean((0, 1, 2)) / noisy.square().mean((0, 1, 2))
        torch.testing.assert_close(guess, noisy * slopes, atol=0.1, rtol=0.05)
    steps = torch.zeros(64, dtype=torch.int64)
    barely = add_noise(clean, torch.randn(clean.shape), steps, signal_share())
    assert float((generator.denoiser(barely, steps, torch.ones(64, 200), text) - clean).square().mean()) < 0.01


def test_sizes_that_do_not_fit_are_named() -> None:
    with pytest.raises(UserError, match="heads"):
        load_config(GeneratorConfig, None, ["width=100"])


def test_the_truth_costs_nothing_but_its_own_sliding_and_touching() -> None:
    target = pairs()
    made = parts(target, target)
    assert all(made[name] < 1e-9 for name in ("velocity", "bones", "pose", "facing", "distances", "world"))
    assert made["kinematics"] < 1e-6
    assert float(simple_loss(target, target, torch.ones(2, 12))) == 0


def test_each_regulariser_sees_what_it_is_for() -> None:
    target = pairs()
    joints = joints_of(target)
    # both people 2 m further on: nothing between them, and nothing within them, changes
    moved = parts(with_joints(target, joints + torch.tensor([2.0, 0.0, 0.0])), target)
    assert all(moved[name] < 1e-6 for name in ("velocity", "bones", "pose", "facing", "distances"))
    assert moved["world"] == pytest.approx(2.0**2 / 3, rel=1e-3)
    # the second person 10 cm away along x
    apart = joints.clone()
    apart[:, 1, ..., 0] += 0.1
    seen = parts(with_joints(target, apart), target)
    assert 0 < seen["distances"] < 0.1**2 and max(seen[name] for name in ("velocity", "bones", "pose", "facing")) < 1e-6
    # everybody a tenth taller, on the spot: the mean square of the bones' lengths, by hand
    taller = joints[..., :1, :] + 1.1 * (joints - joints[..., :1, :])
    bones = torch.from_numpy(Skeleton.standard().scaled(1.1).bone_lengths[1:])
    assert parts(with_joints(target, taller), target)["bones"] == pytest.approx(float((0.1 * bones).square().mean()), rel=1e-3)
    # the whole pair turned by a right angle about the first pelvis: facing and pose stay
    turn = torch.tensor([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])
    turned = parts(with_joints(target, joints @ turn.T), target)
    assert max(turned[name] for name in ("bones", "pose", "facing", "distances")) < 1e-6
    # one of them alone turned on the spot: (cos, sin) of the angle between them moves by √2
    pelvis = joints[:, 1, :, :1]
    alone = joints.clone()
    alone[:, 1] = pelvis + (joints[:, 1] - pelvis) @ turn.T
    assert parts(with_joints(target, alone), target)["facing"] == pytest.approx(1.0, rel=1e-3)
    # a rotation alone: joints as told stay, those of the rotations do not
    bent = target.clone()
    bent[..., FEATURES["rotations"].start] += 0.5
    assert parts(bent, target)["kinematics"] > 1e-4 and parts(bent, target)["distances"] == 0


def test_feet_that_stand_must_not_move() -> None:
    target = pairs()
    joints = torch.zeros(2, 2, 12, 22, 3)
    joints[..., 1] = 1.0
    joints[..., [7, 10], 1] = 0.03
    joints[..., [7, 10], 0] = 0.01 * torch.arange(12)[:, None]
    assert parts(with_joints(target, joints), target)["feet"] == pytest.approx(0.01**2 / 3, rel=1e-3)
    joints[..., [7, 10], 0] *= 4  # 4 cm a frame is a step
    assert parts(with_joints(target, joints), target)["feet"] == 0


def test_touching_hands_are_drawn_together() -> None:
    target = pairs()
    joints = joints_of(target).clone()
    joints[:, 1, :, 20] = joints[:, 0, :, 21]
    joints[:, 1] += torch.tensor([0.0, 0.0, 3.0]) * (torch.arange(22) != 20)[:, None]
    truth = with_joints(target, joints)
    away = joints.clone()
    away[:, 1, :, 20, 0] += 0.5
    assert parts(with_joints(target, away), truth)["touching"] == pytest.approx(0.25, rel=1e-3)


def test_padding_is_left_out_and_no_pair_is_no_loss() -> None:
    target = pairs()
    wrong = target + torch.randn(target.shape, generator=torch.Generator().manual_seed(0)) * 0.1
    assert set(parts(wrong[:0], target[:0], torch.ones(0, 12)).values()) == {0.0}
    mask = torch.ones(2, 12)
    mask[:, 8:] = 0
    spoilt = wrong.clone()
    spoilt[:, :, 8:] = 9.0
    assert parts(spoilt, target, mask=mask) == pytest.approx(parts(wrong, target, mask=mask), rel=1e-5)
    assert float(simple_loss(spoilt, target, mask)) == pytest.approx(float(simple_loss(wrong, target, mask)))


def test_the_mean_of_nothing_is_nothing() -> None:
    values = torch.tensor([[1.0, 3.0], [5.0, 7.0]])
    assert masked_mean(values, torch.tensor([[1.0, 1.0], [0.0, 0.0]])).tolist() == [2.0, 0.0]


def test_the_first_guess_has_gradients() -> None:
    """At the mean of all places and headings hips face nowhere and bones have no length."""
    target = pairs()
    guess = torch.zeros_like(target)
    guess[..., FEATURES["rotations"]] = target[..., FEATURES["rotations"]].mean((0, 1, 2))
    guess.requires_grad_()
    made = regularisers(guess, target, torch.ones(2, 12), standard_offsets(), kinematics=True)
    weights = LossWeights(kinematics=1.0).model_dump()
    torch.stack([weights[name] * value for name, value in made.items()]).sum().backward()
    assert guess.grad is not None and bool(guess.grad.isfinite().all()) and float(guess.grad.norm()) < 100
