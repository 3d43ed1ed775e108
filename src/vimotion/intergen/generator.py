"""`MotionGenerator`: captions to motion. Others know only this."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from vimotion.artifacts import atomic_path, run_folder
from vimotion.errors import UserError
from vimotion.intergen.denoiser import Caption, Denoiser
from vimotion.intergen.diffusion import Progress, Solver, add_noise, guided, solve
from vimotion.intergen.spec import GeneratorConfig
from vimotion.intergen.text import TextEncoder, load_text_encoder
from vimotion.motion import Interaction, from_features
from vimotion.weights import CONFIG, check_fit, from_int8, read_folder, to_int8

# The generator that comes with VIMotion, and how it is called.
SHIPPED, NAME = Path(__file__).parent / "shipped", "intergen"
WEIGHTS, TEXT = "generator.safetensors", "text"
# A draft is judged by what the denoiser changes in it at this step of diffusion, in the mean over so many draws of noise.
_LOOKED_AT, _LOOKS = 100, 4


def find_generator(model: str | Path) -> Path | None:
    """The folder of a motion generator by its path or the name of its run; None where there is none.

    "intergen" is first of all the one that comes with VIMotion.
    """
    named = (Path(model).expanduser(), run_folder(str(model)))
    folders = (SHIPPED, *named) if str(model) == NAME else named
    return next((folder for folder in folders if (folder / WEIGHTS).is_file()), None)


class MotionGenerator:
    """A trained denoiser with its normalisation and its reader of captions. Float32, on the device it was given."""

    def __init__(self, denoiser: Denoiser, text: TextEncoder) -> None:
        self.denoiser = denoiser.eval().requires_grad_(False)
        self.text = text

    @property
    def config(self) -> GeneratorConfig:
        return self.denoiser.config

    def sample(
        self,
        captions: Sequence[str],
        num_frames: int | Sequence[int],
        seed: int | Sequence[int] = 0,
        guidance: float | None = None,
        steps: int | None = None,
        solver: Solver = "ddim",
        drafts: int = 1,
        batch_size: int = 16,
        progress: Progress | None = None,
    ) -> list[Interaction]:
        """Motions of two people, one a caption, at 30 fps.

        Args:
            captions: sentences.
            num_frames: how long each becomes, or all of them.
            seed: of each, or of the first; the others then take the numbers that follow. A motion depends on its own caption,
                length and seed, not on what is made beside it (but for the last bits of float32).
            guidance: how closely the caption is followed; 1 is as in training. Default: what the generator's settings say.
            steps: of diffusion; default: likewise.
            solver: "ddim"; "dpm++" needs fewer steps (about 20), and the extra `solvers`.
            drafts: so many are made of each, from its seed, and the one is kept that the denoiser would change least.
            batch_size: motions made at once, those of like length together.
            progress: told (steps done, steps in all).

        Raises:
            UserError: an empty caption, lengths or seeds that are not one each, a length that the generator cannot make, or no
                draft.
        """
        made = self.sample_features(captions, num_frames, seed, guidance, steps, solver, drafts, batch_size, progress)
        return [from_features(features, follow_positions=True) for features in made]

    def sample_features(
        self,
        captions: Sequence[str],
        num_frames: int | Sequence[int],
        seed: int | Sequence[int] = 0,
        guidance: float | None = None,
        steps: int | None = None,
        solver: Solver = "ddim",
        drafts: int = 1,
        batch_size: int = 16,
        progress: Progress | None = None,
    ) -> list[np.ndarray]:
        """`sample`, as frame vectors (T, 2, 262) float32 as they come from the denoiser."""
        lengths, seeds = self._checked(captions, num_frames, seed)
        if drafts < 1:
            raise UserError(f"A motion takes 1 draft or more, not {drafts}.")
        looks = _LOOKS if drafts > 1 else 0
        order = sorted(range(len(captions)), key=lambda index: lengths[index])
        batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
        made: dict[int, np.ndarray] = {}
        for number, batch in enumerate(batches):
            caption = self.denoiser.caption(self.text([captions[index] for index in batch]).to(self._device))
            noise, mask = self._noise([lengths[index] for index in batch], [seeds[index] for index in batch], drafts + looks)
            tokens = []
            for draft in range(drafts):

                def tell(done: int, total: int, before: int = number * drafts + draft) -> None:
                    if progress:
                        progress(before * total + done, len(batches) * drafts * total)

                tokens.append(self._tokens(noise[draft], mask, caption, guidance, steps, solver, tell))
            kept = self._least_changed(torch.stack(tokens), noise[drafts:], mask, caption) if looks else tokens[0]
            clean = self.denoiser.space.features(kept)
            for index, features in zip(batch, clean.transpose(1, 2).cpu().numpy(), strict=True):
                made[index] = features[: lengths[index]]
        return [made[index] for index in range(len(captions))]

    def denoise(
        self,
        noise: Tensor,
        mask: Tensor,
        caption: Caption,
        guidance: float | None = None,
        steps: int | None = None,
        solver: Solver = "ddim",
        progress: Progress | None = None,
    ) -> Tensor:
        """From noise (B, 2, N, numbers), mask (B, N) and captions to frame vectors (B, 2, T, 262)."""
        return self.denoiser.space.features(self._tokens(noise, mask, caption, guidance, steps, solver, progress))

    @torch.no_grad()
    def _tokens(
        self,
        noise: Tensor,
        mask: Tensor,
        caption: Caption,
        guidance: float | None,
        steps: int | None,
        solver: Solver,
        progress: Progress | None,
    ) -> Tensor:
        """`denoise`, as tokens (B, 2, N, numbers)."""
        guidance = self.config.guidance if guidance is None else guidance
        told = guidance == 1  # without guidance once is enough
        masks, captions = (mask, caption) if told else (torch.cat([mask, mask]), caption.followed_by_none())
        estimate = torch.zeros_like(noise)

        def predict(noisy: Tensor, step: int) -> Tensor:
            nonlocal estimate
            pairs, before = (noisy, estimate) if told else (torch.cat([noisy, noisy]), torch.cat([estimate, estimate]))
            steps_now = torch.full((len(pairs),), step, device=noisy.device)
            clean = self.denoiser.denoise(pairs, steps_now, masks, captions, before)
            estimate = clean if told else guided(clean[: len(noisy)], clean[len(noisy) :], guidance)
            return estimate

        return solve(predict, noise, self.config.steps if steps is None else steps, solver, progress, self.config.shift)

    @torch.no_grad()
    def _least_changed(self, drafts: Tensor, noise: Tensor, mask: Tensor, caption: Caption) -> Tensor:
        """Of drafts (D, B, 2, N, numbers) of each motion the one (B, 2, N, numbers) that the denoiser would change least.

        What it would change shows where some of the noise (looks, B, 2, N, numbers) is added and taken out again.
        """
        step = torch.full((len(mask),), _LOOKED_AT, device=mask.device)
        changes = torch.zeros(drafts.shape[:2], device=mask.device)
        for number, draft in enumerate(drafts):
            for look in noise:
                again = self.denoiser.denoise(add_noise(draft, look, step, self.denoiser.share), step, mask, caption)
                changes[number] += ((again - draft).square().mean((1, 3)) * mask).sum(-1)
        return drafts[changes.argmin(0), torch.arange(len(mask), device=mask.device)]

    def save(self, folder: Path | str, dtype: torch.dtype = torch.float32) -> None:
        """Write `generator.safetensors`, `config.json` and what the reader of captions needs, in `text/`.

        Args:
            dtype: of the weights; int8 as in `to_int8`. What is diffused is kept as it is.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.text.save(folder / TEXT)
        kept = {name for name, _ in self.denoiser.named_buffers()}
        state = self.denoiser.state_dict()
        weights = {name: tensor for name, tensor in state.items() if name not in kept}
        small = to_int8(weights) if dtype == torch.int8 else {name: tensor.to(dtype) for name, tensor in weights.items()}
        state |= small
        with atomic_path(folder / WEIGHTS) as temporary:
            save_file({name: tensor.contiguous().cpu() for name, tensor in state.items()}, temporary)
            temporary.chmod(0o644)
        with atomic_path(folder / CONFIG) as temporary:
            temporary.write_text(self.config.model_dump_json(indent=2) + "\n", encoding="utf-8")

    @staticmethod
    def load(folder: Path | str, device: str | torch.device = "cpu") -> MotionGenerator:
        """Read what `save` wrote.

        Raises:
            UserError: a file is missing or damaged, or the weights do not fit the settings.
        """
        folder = Path(folder)
        config, kept = read_folder(folder, WEIGHTS, GeneratorConfig, "motion generator")
        state = from_int8(kept)
        with torch.device("meta"):
            expected = Denoiser(config).state_dict()
        check_fit(expected, state, folder, "motion generator")
        denoiser = Denoiser.of(config, state)
        return MotionGenerator(denoiser.to(device), load_text_encoder(config.text, folder / TEXT))

    @property
    def _device(self) -> torch.device:
        return self.denoiser.space.mean.device

    def _checked(
        self, captions: Sequence[str], num_frames: int | Sequence[int], seed: int | Sequence[int]
    ) -> tuple[list[int], list[int]]:
        """A length and a seed for each caption."""
        lengths = [num_frames] * len(captions) if isinstance(num_frames, int) else list(num_frames)
        seeds = [seed + number for number in range(len(captions))] if isinstance(seed, int) else list(seed)
        if not len(captions) == len(lengths) == len(seeds):
            raise UserError(f"{len(captions)} captions need as many lengths and seeds, not {len(lengths)} and {len(seeds)}.")
        if not all(caption.strip() for caption in captions):
            raise UserError("A caption is empty; say something.")
        longest = self.config.max_frames
        if wrong := [length for length in lengths if not 2 <= length <= longest]:
            raise UserError(f"The generator makes 2 to {longest} frames, not {wrong[0]}.")
        return lengths, seeds

    def _noise(self, lengths: Sequence[int], seeds: Sequence[int], times: int) -> tuple[Tensor, Tensor]:
        """Noise (times, B, 2, N, numbers), of each motion from its own seed alone, and what of it is there (B, N)."""
        counts, numbers = [self.config.tokens(length) for length in lengths], self.denoiser.space.numbers
        noise = torch.zeros(times, len(lengths), 2, max(counts), numbers)
        mask = torch.zeros(len(lengths), max(counts))
        for row, tokens in enumerate(counts):
            own = torch.Generator().manual_seed(seeds[row])
            for time in range(times):
                noise[time, row, :, :tokens] = torch.randn(2, tokens, numbers, generator=own)
            mask[row, :tokens] = 1
        return noise.to(self._device), mask.to(self._device)
