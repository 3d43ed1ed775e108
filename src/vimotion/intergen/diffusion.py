"""Noise and how it is taken away: the cosine schedule of 1000 steps, guidance, DDIM, and faster solvers of diffusers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from vimotion.errors import UserError

DIFFUSION_STEPS = 1000
Solver = Literal["ddim", "dpm++", "unipc"]
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


def add_noise(clean: Tensor, noise: Tensor, steps: Tensor, share: Tensor) -> Tensor:
    """Clean (B, ...) with the noise of its step (B,) of diffusion; `share` is `signal_share()`."""
    left = share[steps].view(-1, *[1] * (clean.dim() - 1))
    return left.sqrt() * clean + (1 - left).sqrt() * noise


def guided(with_caption: Tensor, without: Tensor, guidance: float) -> Tensor:
    """Classifier-free guidance: 1 is what the caption says, more goes further away from what is likely without it."""
    return guidance * with_caption + (1 - guidance) * without


def solve(predict: Predict, noise: Tensor, steps: int, solver: Solver = "ddim", progress: Progress | None = None) -> Tensor:
    """From noise to motion in so many steps.

    Args:
        predict: (noisy, step of diffusion) → the motion without noise, of the shape of `noise`.
        noise: standard normal.
        steps: 1 to 1000.
        solver: "ddim", or "dpm++" or "unipc" of diffusers, which need fewer steps.
        progress: told (steps done, steps in all) after each.

    Raises:
        UserError: no such number of steps or solver, or diffusers is not installed.
    """
    if not 1 <= steps <= DIFFUSION_STEPS:
        raise UserError(f"Diffusion takes 1 to {DIFFUSION_STEPS} steps, not {steps}.")
    if solver not in SOLVERS:
        raise UserError(f"There is no solver {solver!r}; choose {', '.join(SOLVERS)}.")
    run = ddim if solver == "ddim" else lambda *job: _diffusers(solver, *job)
    return run(predict, noise, steps, progress or (lambda done, total: None))


def ddim(predict: Predict, noise: Tensor, steps: int, progress: Progress) -> Tensor:
    """Deterministic DDIM (Song et al. 2021, η = 0) over every n-th step, the last of them to no noise at all."""
    share = signal_share()
    visited = [turn * (DIFFUSION_STEPS // steps) for turn in reversed(range(steps))]
    noisy = noise
    for done, step in enumerate(visited, start=1):
        clean = predict(noisy, step)
        left = share[step]
        rest = (noisy - left.sqrt() * clean) / (1 - left).sqrt()
        then = share[visited[done]] if done < steps else torch.tensor(1.0)
        noisy = then.sqrt() * clean + (1 - then).sqrt() * rest
        progress(done, steps)
    return noisy


def _diffusers(solver: str, predict: Predict, noise: Tensor, steps: int, progress: Progress) -> Tensor:
    scheduler = diffusers_scheduler(solver)
    scheduler.set_timesteps(steps)
    noisy = noise
    for done, step in enumerate(scheduler.timesteps, start=1):
        noisy = scheduler.step(predict(noisy, int(step)), step, noisy, return_dict=False)[0]
        progress(done, steps)
    return noisy


def diffusers_scheduler(solver: str) -> Any:
    """A scheduler of diffusers over our schedule of noise.

    Raises:
        UserError: diffusers is not installed.
    """
    try:
        from diffusers import DPMSolverMultistepScheduler, UniPCMultistepScheduler
    except ImportError:
        raise UserError(f'The solver "{solver}" is one of diffusers; install vimotion[solvers], or take "ddim".') from None
    kind = DPMSolverMultistepScheduler if solver == "dpm++" else UniPCMultistepScheduler
    return kind(num_train_timesteps=DIFFUSION_STEPS, beta_schedule="squaredcos_cap_v2", prediction_type="sample")
