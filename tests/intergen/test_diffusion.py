"""The schedule, DDIM and the solvers, against diffusers."""

import math

import pytest
import torch
from diffusers import DDIMScheduler
from torch import Tensor

from vimotion.errors import UserError
from vimotion.intergen.diffusion import DIFFUSION_STEPS, add_noise, dpm_scheduler, guided, signal_share, solve, visited_steps


def oracle() -> DDIMScheduler:
    return DDIMScheduler(
        num_train_timesteps=1000, beta_schedule="squaredcos_cap_v2", prediction_type="sample", clip_sample=False,
        set_alpha_to_one=True, timestep_spacing="leading", steps_offset=0,
    )  # fmt: skip


def shrink(noisy: Tensor, step: int) -> Tensor:
    """A made-up denoiser that looks at the noise and the step."""
    return torch.tanh(noisy.roll(1, -1)) + 0.3 * math.cos(step / 100)


def test_the_schedule_is_the_cosine() -> None:
    share = signal_share()
    torch.testing.assert_close(share, oracle().alphas_cumprod, rtol=1e-4, atol=1e-8)
    # by hand, in the middle: cos²((0.5 + 0.008) / 1.008 · π / 2), over its value at 0
    expected = math.cos(0.508 / 1.008 * math.pi / 2) ** 2 / math.cos(0.008 / 1.008 * math.pi / 2) ** 2
    assert float(share[499]) == pytest.approx(expected, rel=1e-5)
    assert (share[1:] < share[:-1]).all()


def test_noise_is_added_as_diffusers_adds_it() -> None:
    torch.manual_seed(0)
    clean, noise, steps = torch.randn(5, 2, 7, 262), torch.randn(5, 2, 7, 262), torch.tensor([0, 10, 400, 800, 999])
    torch.testing.assert_close(
        add_noise(clean, noise, steps, signal_share()), oracle().add_noise(clean, noise, steps), rtol=0, atol=1e-5
    )


@pytest.mark.parametrize("steps", [50, 20, 7])
def test_ddim_is_that_of_diffusers(steps: int) -> None:
    noise = torch.randn(3, 2, 8, 262, generator=torch.Generator().manual_seed(0))
    scheduler = oracle()
    scheduler.set_timesteps(steps)
    noisy = noise
    for step in scheduler.timesteps:
        noisy = scheduler.step(shrink(noisy, int(step)), step, noisy, eta=0.0).prev_sample
    torch.testing.assert_close(solve(shrink, noise, steps), noisy, rtol=0, atol=1e-5)


def test_the_faster_solver_ends_where_many_steps_of_ddim_do() -> None:
    """Gaussian data, of which the best denoiser is known."""
    share = signal_share()

    def best(noisy: Tensor, step: int) -> Tensor:
        left = share[step]
        return 2.0 + 0.25 * left.sqrt() * (noisy - left.sqrt() * 2.0) / (0.25 * left + 1 - left)

    noise = torch.randn(50, 20, generator=torch.Generator().manual_seed(0))
    truth = solve(best, noise, 1000)
    errors = {steps: float((solve(best, noise, steps, "dpm++") - truth).abs().mean()) for steps in (10, 20)}
    assert errors[20] < 0.5 * float((solve(best, noise, 20) - truth).abs().mean())
    assert errors[20] < errors[10]
    assert float(truth.mean()) == pytest.approx(2.0, abs=0.05) and float(truth.std()) == pytest.approx(0.5, abs=0.05)


def test_guidance_goes_away_from_what_is_likely_without_a_caption() -> None:
    told, untold = torch.tensor([2.0]), torch.tensor([1.0])
    assert float(guided(told, untold, 1.0)) == 2.0
    assert float(guided(told, untold, 3.5)) == 1.0 + 3.5


def test_progress_is_told_after_each_step() -> None:
    told: list[tuple[int, int]] = []
    solve(shrink, torch.zeros(4), 3, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(
    ("steps", "solver", "message"), [(0, "ddim", "1 to 1000"), (1001, "ddim", "1 to"), (9, "dance", "ddim")]
)
def test_what_cannot_be_solved_is_one_sentence(steps: int, solver: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        solve(shrink, torch.zeros(4), steps, solver)  # type: ignore[arg-type]


def test_the_schedulers_share_the_schedule() -> None:
    assert DIFFUSION_STEPS == 1000
    torch.testing.assert_close(dpm_scheduler().alphas_cumprod, signal_share(), rtol=1e-4, atol=1e-8)


def test_a_shift_spends_steps_where_noise_is_strong() -> None:
    assert visited_steps(5) == [800, 600, 400, 200, 0]
    # 0.8 of the way becomes 4 · 0.8 / (1 + 3 · 0.8), and so on
    assert visited_steps(5, 4.0) == [941, 857, 727, 500, 0]
    assert visited_steps(1000, 1.0) == list(range(999, -1, -1))
