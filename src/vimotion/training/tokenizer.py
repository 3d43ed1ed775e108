"""Stage 1: the motion tokenizer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from vimotion.artifacts import run_folder, vimotion_home, write_manifest
from vimotion.config import Config, save_config
from vimotion.corpora.store import Store, open_store
from vimotion.errors import UserError
from vimotion.tokenizer.codec import MotionTokenizer
from vimotion.tokenizer.losses import LossWeights, reconstruction_losses
from vimotion.tokenizer.network import Codec
from vimotion.tokenizer.quality import reconstruction_errors
from vimotion.tokenizer.representation import POSE_PARTS, body_from_features, encoder_inputs, standard_body
from vimotion.tokenizer.spec import CodecConfig
from vimotion.training.checkpoints import check_free
from vimotion.training.loop import LoopConfig, run_loop
from vimotion.training.plan_config import PlanConfig
from vimotion.training.processes import processes
from vimotion.training.windows import cut_window, seen

_NORMALISATION_BATCHES = 32
# Validation clips that are looked at while training goes on.
_WATCHED_CLIPS = 50
# A codec that is tuned further has to keep its codes, and is nearly as it will be used: slower averages, a wider search.
_LATE_DECAY, _LATE_BEAM = 0.99, 4


class Batch(NamedTuple):
    """Windows of motion.

    Attributes:
        windows: (B, 2, T, 262) float16, as the corpus has them.
        mask: (B, T) float32, 1 where a frame is real.
        mirror: (B,) bool, which of them are seen in the mirror.
        people: (B, P) int64, who of the pair is there.
    """

    windows: Tensor
    mask: Tensor
    mirror: Tensor
    people: Tensor

    def features(self) -> Tensor:
        """Frame vectors (B, P, T, 262) float32, placed."""
        return seen(self.windows, self.mirror).take_along_dim(self.people[..., None, None], dim=1)


class TokenizerRecipe(Config):
    """How a tokenizer is trained.

    Attributes:
        name: of the run folder.
        corpus: folder of the prepared store; a relative one lies under the VIMotion home.
        max_clips: clips of the training split that are held in memory (float16, about 150 kB each), chosen evenly.
        batch_size: pairs a batch and process.
        shortest, longest: frames of the windows, in steps of 16.
        keep_all: share of the pairs for which all levels are kept; the others keep a random number of them.
        start_from: folder of a codec to go on from, with its first `codec.spec.levels` levels, and placements told anew where
            they were told once; a relative one lies under the VIMotion home.
        fixed_codes: only the decoder of that codec is tuned, so that a language model that knows its codes stays right.
        alone: share of the batches in which nobody has a partner.
        evaluated_clips: clips of the validation split behind the figures.
    """

    name: str = "tokenizer"
    corpus: Path = Path("corpora/scripted")
    max_clips: int = Field(default=8000, gt=0)
    batch_size: int = Field(default=32, gt=0)
    shortest: int = Field(default=64, gt=0, multiple_of=16)
    longest: int = Field(default=160, gt=0, multiple_of=16)
    keep_all: float = Field(default=0.5, ge=0, le=1)
    start_from: Path | None = None
    fixed_codes: bool = False
    alone: float = Field(default=0.1, ge=0, le=1)
    evaluated_clips: int = Field(default=200, gt=0)
    codec: CodecConfig = CodecConfig()
    loss: LossWeights = LossWeights()
    loop: LoopConfig = LoopConfig()
    plan: PlanConfig = PlanConfig()

    @model_validator(mode="after")
    def _fits(self) -> TokenizerRecipe:
        spec = self.codec.spec
        if 16 % spec.step_frames:
            raise ValueError(f"step_frames must divide 16, and {spec.step_frames} does not")
        if self.longest < self.shortest:
            raise ValueError("longest must not be less than shortest")
        if self.fixed_codes and self.start_from is None:
            raise ValueError("fixed_codes needs a codec in start_from")
        return self


def train_tokenizer(recipe: TokenizerRecipe, output: Path | None = None, resume: bool = False) -> Path:
    """Train and write a codec folder: `codec.safetensors`, `config.json`, `recipe.yaml`, `metrics.jsonl`, `manifest.json`.

    Args:
        output: the folder; default: the run folder `recipe.name`.
        resume: go on with an interrupted run.
    """
    folder = output or run_folder(recipe.name)
    check_free(folder, resume)
    corpus = vimotion_home() / recipe.corpus
    store = open_store(corpus)
    windows = Windows(load_clips(store, "train", recipe.max_clips), recipe)
    validation = load_clips(store, "val", min(recipe.evaluated_clips, _WATCHED_CLIPS))
    torch.manual_seed(recipe.loop.seed)
    if recipe.start_from is None:
        codec = Codec(recipe.codec)
        fit_normalisation(codec, [windows(-1 - index).features() for index in range(_NORMALISATION_BATCHES)])
    else:
        codec = started_from(vimotion_home() / recipe.start_from, recipe.codec, recipe.fixed_codes)
    if processes().is_main_process:
        save_config(recipe, folder / "recipe.yaml")

    def evaluate(model: nn.Module) -> dict[str, float]:
        assert isinstance(model, Codec)
        copy = Codec(recipe.codec)
        copy.load_state_dict(model.state_dict())
        return reconstruction_errors(MotionTokenizer(copy), ((clip.astype(np.float32), None) for clip in validation))

    result = run_loop(
        codec, tokenizer_loss(recipe), windows, recipe.loop, folder, resume,
        count=lambda batch: len(batch.mask), unit="pairs", evaluate=evaluate,
    )  # fmt: skip
    if processes().is_main_process:
        tokenizer = MotionTokenizer(codec.cpu())
        tokenizer.save(folder)
        indices = _evenly(store.split("val"), recipe.evaluated_clips)
        figures = reconstruction_errors(tokenizer, ((store[i].features, store[i].facts) for i in indices))
        config = recipe.model_dump(mode="json")
        parents = {"corpus": corpus} | ({"start_from": vimotion_home() / recipe.start_from} if recipe.start_from else {})
        write_manifest(folder, "tokenizer", config, recipe.loop.seed, parents, result.metrics | figures)
    processes().wait_for_everyone()
    return folder


def started_from(folder: Path, config: CodecConfig, fixed_codes: bool) -> Codec:
    """The codec in a folder with its first `config.spec.levels` levels and the segments of `config`, to be tuned further.

    Raises:
        UserError: it differs from `config` in more than that, has fewer levels, or other segments.
    """
    found, wanted = MotionTokenizer.load(folder), config.spec
    if wanted.levels <= found.spec.levels:
        found = found.with_levels(wanted.levels)
    if wanted.segment_steps and not found.spec.segment_steps and not fixed_codes:
        found = found.with_segments(wanted.segment_steps)
    if found.codec.config != config:
        raise UserError(
            f"The codec in {folder} is {found.codec.config}; `codec` of the recipe may only ask for fewer levels, and for "
            "segments where it has none and its codes are not fixed."
        )
    codec = found.codec.train().requires_grad_(True)
    codec.encoder.requires_grad_(not fixed_codes)
    codec.quantizer.learns = not fixed_codes
    codec.quantizer.decay = _LATE_DECAY
    codec.quantizer.beam = _LATE_BEAM
    return codec


def load_clips(store: Store, split: str, most: int) -> list[np.ndarray]:
    """Frame vectors (T, P, 262) float16 of at most so many clips of a split, chosen evenly."""
    indices = _evenly(store.split(split), most)
    if not indices:
        raise UserError(f"{store.folder} has no clip in its split {split!r}; make the corpus from more scenes.")
    return store.motions(indices)


def _evenly(indices: Sequence[int], most: int) -> list[int]:
    return [indices[i] for i in np.linspace(0, len(indices) - 1, min(most, len(indices))).astype(int)]


class Windows:
    """Batches by index."""

    def __init__(self, clips: Sequence[np.ndarray], recipe: TokenizerRecipe) -> None:
        self._clips, self._recipe = clips, recipe

    def __call__(self, index: int) -> Batch:
        recipe = self._recipe
        # negative indices (used before training starts) have streams of their own
        random = np.random.default_rng([recipe.loop.seed, int(index < 0), abs(index)])
        frames = 16 * int(random.integers(recipe.shortest // 16, recipe.longest // 16 + 1))
        first = self._draw(random)
        alone = first.shape[1] == 1 or random.random() < recipe.alone
        clips = [first]
        while len(clips) < recipe.batch_size:
            clip = self._draw(random)
            if alone or clip.shape[1] == 2:
                clips.append(clip)
        cut = [cut_window(clip, frames, random) for clip in clips]
        # somebody alone has nobody beside them, but is placed by whom the pair is placed by
        pairs = [np.repeat(window, 2, axis=1) if alone and window.shape[1] == 1 else window for window, _ in cut]
        features = torch.from_numpy(np.stack(pairs)).transpose(1, 2)
        people = torch.tensor([[int(random.integers(2))] if alone else [0, 1] for _ in pairs])
        mirror = torch.from_numpy(random.random(len(pairs)) < 0.5)
        return Batch(features, torch.from_numpy(np.stack([real for _, real in cut])), mirror, people)

    def _draw(self, random: np.random.Generator) -> np.ndarray:
        return self._clips[int(random.integers(len(self._clips)))]


def fit_normalisation(codec: Codec, batches: Sequence[Tensor]) -> None:
    """Set the means and deviations of what the networks read and write from frame vectors (B, P, T, 262)."""
    inputs, poses = [], []
    for features in batches:
        own = codec.in_own_frames(features, codec.placement(codec.placement_codes(features)))
        inputs.append(encoder_inputs(own).flatten(0, -2))
        body = body_from_features(own, codec.standard)
        poses.append(torch.cat([body.positions[..., 0, :], body.rotations[..., :2].flatten(-3)], dim=-1).flatten(0, -2))
    _fit(codec.input_mean, codec.input_std, torch.cat(inputs))
    # contacts are logits and stay as they are
    moving = POSE_PARTS["root"] + POSE_PARTS["rotations"]
    _fit(codec.pose_mean[:moving], codec.pose_std[:moving], torch.cat(poses))


def _fit(mean: Tensor, std: Tensor, rows: Tensor) -> None:
    mean.copy_(rows.mean(0))
    # a number that hardly changes in the corpus must not become huge where it does
    deviation = rows.std(0)
    std.copy_(deviation.clamp_min(0.1 * float(deviation.median())))


def tokenizer_loss(recipe: TokenizerRecipe):  # type: ignore[no-untyped-def]
    """The loss function that `run_loop` takes."""
    weights, levels, standard = recipe.loss.model_dump(), recipe.codec.spec.levels, standard_body()

    def loss_fn(model: nn.Module, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        features, mask = batch.features(), batch.mask
        pairs, people = features.shape[:2]
        some = torch.randint(1, levels + 1, (pairs,), device=features.device)
        kept = torch.where(torch.rand(pairs, device=features.device) < recipe.keep_all, levels, some)
        pose, size, quantized = model(features, kept.repeat_interleave(people))
        offset = int(torch.randint(4, ()))
        parts = reconstruction_losses(pose, size, features, mask, standard.to(pose), offset) | {
            "commitment": quantized.commitment
        }
        loss = torch.stack([weights[name] * value for name, value in parts.items()]).sum()
        return loss, parts | {"usage": quantized.usage}

    return loss_fn
