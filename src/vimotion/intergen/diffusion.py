"""Noise and how it is taken away: the cosine schedule of 1000 steps, guidance, DDIM, and a faster solver of diffusers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from vimotion.errors import UserError

DIFFUSION_STEPS = 1000
Solver = Literal["ddim", "dpm++"]
SOLVERS: tuple[str, ...] = get_args(Solver)
# (noisy, step of diffusion) → the motion without noise
Predict = Callable[[Tensor, int], Tensor]
Progress = Callable[[int, int], None]

# No step takes away more than this share of what is left of the signal.
_MAX_BETA = 0.999


def signal_share() -> Tensor:
    """(1000,) float32: the share of the signal's variance that is left after each step (ᾱ of Nichol & Dhariwal's cosine)."""

    def left(step: int) -> float:
        return math.cos((step / DIFFUSION_STEPS + 0.008) / 1.008 * math.pi / 2) ** 2

    kept = [max(left(step + 1) / left(step), 1 - _MAX_BETA) for step in range(DIFFUSION_STEPS)]
    return torch.tensor(kept, dtype=torch.float64).cumprod(0).float()


def shifted(part: Tensor, shift: float) -> Tensor:
    """Parts of the way into noise, 0 to 1, moved towards 1 (Esser et al. 2024, equation 23, written for noise in general)."""
    return shift * part / (1 + (shift - 1) * part)


def visited_steps(steps: int, shift: float = 1.0) -> list[int]:
    """So many of the 1000 steps of diffusion, from noise to 0; without `shift` every n-th, as in DDIM's paper."""
    evenly = torch.arange(steps, dtype=torch.float64).flip(0) * (DIFFUSION_STEPS // steps)
    return (shifted(evenly / DIFFUSION_STEPS, shift) * DIFFUSION_STEPS).round().long().tolist()


def add_noise(clean: Tensor, noise: Tensor, steps: Tensor, share: Tensor) -> Tensor:
    """Clean (B, ...) with the noise of its step (B,) of diffusion; `share` is `signal_share()`."""
    left = share[steps].view(-1, *[1] * (clean.dim() - 1))
    return left.sqrt() * clean + (1 - left).sqrt() * noise


def guided(with_caption: Tensor, without: Tensor, guidance: float) -> Tensor:
    """Classifier-free guidance: 1 is what the caption says, more goes further away from what is likely without it."""
    return guidance * with_caption + (1 - guidance) * without


def solve(
    predict: Predict, noise: Tensor, steps: int, solver: Solver = "ddim", progress: Progress | None = None, shift: float = 1.0
) -> Tensor:
    """From noise to motion in so many steps.

    Args:
        predict: (noisy, step of diffusion) → the motion without noise, of the shape of `noise`.
        noise: standard normal.
        steps: 1 to 1000.
        solver: "ddim", or "dpm++" of diffusers (DPM-Solver++), which needs fewer steps.
        progress: told (steps done, steps in all) after each.
        shift: as in `visited_steps`.

    Raises:
        UserError: no such number of steps or solver, or diffusers is not installed.
    """
    if not 1 <= steps <= DIFFUSION_STEPS:
        raise UserError(f"Diffusion takes 1 to {DIFFUSION_STEPS} steps, not {steps}.")
    check_solver(solver)
    run = ddim if solver == "ddim" else _dpm
    return run(predict, noise, visited_steps(steps, shift), progress or (lambda done, total: None))


def check_solver(solver: str) -> None:
    """Whether there is a solver of this name on this machine.

    Raises:
        UserError: there is none, or diffusers is not installed.
    """
    if solver not in SOLVERS:
        raise UserError(f"There is no solver {solver!r}; choose {', '.join(SOLVERS)}.")
    if solver != "ddim" and find_spec("diffusers") is None:
        raise UserError(f'The solver "{solver}" is one of diffusers; install vimotion[solvers], or take "ddim".')


def ddim(predict: Predict, noise: Tensor, visited: Sequence[int], progress: Progress) -> Tensor:
    """Deterministic DDIM (Song et al. 2021, η = 0), the last step to no noise at all."""
    share = signal_share()
    noisy = noise
    for done, step in enumerate(visited, start=1):
        clean = predict(noisy, step)
        left = share[step]
        rest = (noisy - left.sqrt() * clean) / (1 - left).sqrt()
        then = share[visited[done]] if done < len(visited) else torch.tensor(1.0)
        noisy = then.sqrt() * clean + (1 - then).sqrt() * rest
        progress(done, len(visited))
    return noisy


def _dpm(predict: Predict, noise: Tensor, visited: Sequence[int], progress: Progress) -> Tensor:
    scheduler = dpm_scheduler()
    # from the strongest noise, and to none by its own last step
    scheduler.set_timesteps(timesteps=[DIFFUSION_STEPS - 1, *visited[:-1]])
    noisy = noise
    for done, step in enumerate(scheduler.timesteps, start=1):
        noisy = scheduler.step(predict(noisy, int(step)), step, noisy, return_dict=False)[0]
        progress(done, len(visited))
    return noisy


def dpm_scheduler() -> Any:
    """DPM-Solver++ of diffusers over our schedule of noise."""
    from diffusers import DPMSolverMultistepScheduler

    return DPMSolverMultistepScheduler(
        num_train_timesteps=DIFFUSION_STEPS, beta_schedule="squaredcos_cap_v2", prediction_type="sample"
    )
