"""Which generator makes motions, and how: the part of recipes that others share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol

import torch
from pydantic import Field

from vimotion.config import Config
from vimotion.errors import UserError
from vimotion.intergen.diffusion import DIFFUSION_STEPS, Solver, check_solver
from vimotion.intergen.generator import NAME, MotionGenerator, find_generator
from vimotion.motion import Interaction


class Sample(Protocol):
    """What makes motions of captions, of these lengths and from these seeds, such as `MotionGenerator.sample`."""

    def __call__(self, captions: Sequence[str], num_frames: Sequence[int], seed: Sequence[int], /) -> list[Interaction]: ...


class Sampler(Config):
    """A motion generator with how it is sampled.

    Attributes:
        model: a generator's folder, the name of its run, or "intergen".
        guidance, steps, solver: see `MotionGenerator.sample`; without the first two the generator's own.
        precision: of the networks. In bf16 a motion differs in more than its last bits by what is made beside it; on CPUs that
            know bf16 it takes two thirds of the time.
    """

    model: str = NAME
    guidance: float | None = None
    steps: int | None = Field(default=None, gt=0, le=DIFFUSION_STEPS)
    solver: Solver = "ddim"
    precision: Literal["bf16", "fp32"] = "fp32"

    def folder(self) -> Path:
        """Where the generator lies, to be asked before it is needed.

        Raises:
            UserError: there is none of this name, or its solver is not installed.
        """
        check_solver(self.solver)
        folder = find_generator(self.model)
        if folder is None:
            raise UserError(
                f"There is no motion generator {self.model!r}: name its folder or its run, or make one with "
                "`vimotion train intergen`."
            )
        return folder

    def load(self) -> Sample:
        """The generator, read from its folder.

        Raises:
            UserError: as `folder`, or the generator cannot be loaded.
        """
        generator = MotionGenerator.load(self.folder())
        device = generator.denoiser.share.device.type

        def sample(captions: Sequence[str], num_frames: Sequence[int], seed: Sequence[int]) -> list[Interaction]:
            with torch.autocast(device, torch.bfloat16, enabled=self.precision == "bf16"):
                return generator.sample(captions, num_frames, seed, self.guidance, self.steps, self.solver)

        return sample
