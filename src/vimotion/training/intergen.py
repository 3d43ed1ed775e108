"""InterGEN: captions to motion, trained on a prepared store."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from accelerate.utils import send_to_device
from pydantic import Field, model_validator
from safetensors import safe_open
from tokenizers import Tokenizer
from torch import Tensor, nn

from vimotion.artifacts import run_folder, vimotion_home, write_manifest
from vimotion.chat.model import SHIPPED
from vimotion.config import Config, save_config
from vimotion.corpora import open_store
from vimotion.errors import UserError
from vimotion.intergen.denoiser import Denoiser
from vimotion.intergen.diffusion import DIFFUSION_STEPS, add_noise, shifted
from vimotion.intergen.generator import MotionGenerator
from vimotion.intergen.losses import LossWeights, joints_of, regularisers, simple_loss, standard_offsets
from vimotion.intergen.spec import GeneratorConfig
from vimotion.intergen.text import EmbeddedText, MiniLMText, Spelled, TextEncoder, TextFeatures
from vimotion.language.packing import PACKED_WEIGHTS, unpacked
from vimotion.training.captioned import GRID, CaptionedClips, CaptionedConfig, load_captioned
from vimotion.training.checkpoints import check_free
from vimotion.training.loop import LoopConfig, run_loop
from vimotion.training.processes import processes
from vimotion.training.windows import seen

# Clips behind the mean, the deviation and the principal components.
_FITTED_CLIPS = 1024
# Where a preconditioned denoiser has next to no noise left to see through, an error counts so many times and no more.
_MOST_COUNTED = 50.0
# Captions are read for so many batches together, so many at once.
_READ_TOGETHER, _READ_AT_ONCE = 10, 32
_WATCHED_STEPS = (300, 700, 900, 980)
_DRAWING = {"batch_size", "mirrored", "exchanged", "actor_first"}
_EMBEDDINGS = "model.embed_tokens.weight"


class Batch(NamedTuple):
    """Clips, mask and mirror as in `Captioned`, and what is said of the captions, or they themselves."""

    clips: Tensor
    mask: Tensor
    mirror: Tensor
    text: TextFeatures | Spelled


class IntergenRecipe(Config):
    """How a motion generator is trained.

    Attributes:
        name: of the run folder.
        corpus: folder of the prepared store; a relative one lies under the VIMotion home.
        max_clips: at most so many clips of the training split, chosen evenly.
        batch_size: pairs a batch and process.
        mirrored: share of the clips that are seen in the mirror, with left and right exchanged in their captions.
        exchanged: share of the clips whose people change places, and their names in the caption.
        actor_first: that a caption that does not say which of them is which has one meaning, see `CaptionedConfig`.
        untold: share of the clips whose caption is kept from the denoiser, for guidance.
        t_bar: the last step of diffusion at which the regularisers count.
        average: decay of the running average of the weights, which is what is kept; fewer steps are averaged at first.
        start: folder of a motion generator whose weights it starts from, and whose way to tell motion in numbers; a relative
            one lies under the VIMotion home. It may be one that was not self-conditioned. Default: from nothing.
        words: folder of the language model whose token embeddings captions are read with, where `generator.text.encoder` is
            "embeddings"; a relative one lies under the VIMotion home. Default: the model that ships with VIMotion.
        evaluated_clips: clips of the validation split behind the figures.
    """

    name: str = "intergen"
    corpus: Path = Path("corpora/scripted")
    max_clips: int = Field(default=100_000, gt=0)
    batch_size: int = Field(default=16, gt=0)
    mirrored: float = Field(default=0.5, ge=0, le=1)
    exchanged: float = Field(default=0.5, ge=0, le=1)
    actor_first: bool = False
    untold: float = Field(default=0.1, ge=0, le=1)
    t_bar: int = Field(default=700, ge=0, lt=DIFFUSION_STEPS)
    average: float = Field(default=0.999, ge=0, lt=1)
    start: Path | None = None
    words: Path | None = None
    evaluated_clips: int = Field(default=64, gt=0)
    generator: GeneratorConfig = GeneratorConfig()
    loss: LossWeights = LossWeights()
    loop: LoopConfig = LoopConfig()

    @model_validator(mode="after")
    def _fits(self) -> IntergenRecipe:
        if GRID % self.generator.frames_per_token:
            raise ValueError(f"generator.frames_per_token must divide {GRID}")
        return self


def train_intergen(recipe: IntergenRecipe, output: Path | None = None, resume: bool = False) -> Path:
    """Train and write a generator folder, see `MotionGenerator.save`; and `recipe.yaml`, `metrics.jsonl`, `manifest.json`.

    Args:
        output: the folder; default: the run folder `recipe.name`.
        resume: go on with an interrupted run.
    """
    folder = output or run_folder(recipe.name)
    check_free(folder, resume)
    corpus = vimotion_home() / recipe.corpus
    store = open_store(corpus)
    text = text_encoder(recipe)
    drawing = CaptionedConfig(**recipe.model_dump(include=_DRAWING), seed=recipe.loop.seed)
    longest = recipe.generator.max_frames
    clips = CaptionedClips(load_captioned(store, "train", recipe.max_clips, longest), drawing)
    plainly = drawing.model_copy(update={"mirrored": 0.0, "exchanged": 0.0})
    watched = Batches(
        CaptionedClips(load_captioned(store, "val", recipe.evaluated_clips, longest), plainly), text, recipe.loop.precision
    )
    torch.manual_seed(recipe.loop.seed)
    model = Averaged(first_denoiser(recipe, clips), recipe.average)
    if processes().is_main_process:
        save_config(recipe, folder / "recipe.yaml")

    def evaluate(trained: nn.Module) -> dict[str, float]:
        assert isinstance(trained, Averaged)
        return validation(trained.average, [watched(index) for index in range(len(watched))], text)

    result = run_loop(
        model, intergen_loss(model, recipe, text), Batches(clips, text, recipe.loop.precision), recipe.loop, folder, resume,
        count=lambda batch: len(batch.mask), unit="pairs", evaluate=evaluate,
    )  # fmt: skip
    if processes().is_main_process:
        denoiser = Denoiser(recipe.generator)
        denoiser.load_state_dict(model.average.state_dict())
        MotionGenerator(denoiser, text).save(folder, torch.float16)
        named = {"words": recipe.words, "start": recipe.start}
        parents = {"corpus": corpus} | {name: vimotion_home() / path for name, path in named.items() if path}
        config = recipe.model_dump(mode="json")
        write_manifest(folder, "intergen", config, recipe.loop.seed, parents, result.metrics)
    processes().wait_for_everyone()
    return folder


class Averaged(nn.Module):
    """A denoiser, and the running average of its weights as buffers, so that checkpoints hold them."""

    updates: Tensor

    def __init__(self, denoiser: Denoiser, decay: float) -> None:
        super().__init__()
        self.denoiser = denoiser
        self.average = copy.deepcopy(denoiser).eval()
        for module in self.average.modules():
            for name in list(module._parameters):
                if (parameter := module._parameters.pop(name)) is not None:
                    module.register_buffer(name, parameter.detach())
        self.register_buffer("updates", torch.zeros((), dtype=torch.int64))
        self._decay = decay

    def forward(self, *inputs: Any) -> Tensor:
        answer: Tensor = self.denoiser(*inputs)
        return answer

    @torch.no_grad()
    def update(self) -> None:
        """Take the weights as they are now into the average."""
        self.updates += 1
        count = int(self.updates)
        weight = 1 - min(self._decay, (1 + count) / (10 + count))
        mine = dict(self.denoiser.named_parameters())
        theirs = dict(self.average.named_buffers())
        torch._foreach_lerp_([theirs[name] for name in mine], list(mine.values()), weight)


class Batches:
    """Batches by index, with captions as the frozen encoder says them; for an accelerator spelled, to be read there."""

    def __init__(self, clips: CaptionedClips, text: TextEncoder, precision: str) -> None:
        """`precision` as in `LoopConfig`: a frozen encoder in float32 may cost as much as the denoiser."""
        self._clips, self._text, self._bf16 = clips, text, precision == "bf16"
        self._reads_ahead = processes().device.type == "cpu"
        self._read: dict[int, dict[str, Tensor]] = {}

    def __len__(self) -> int:
        return len(self._clips)

    def __call__(self, index: int) -> Batch:
        clips, mask, mirror, captions = self._clips(index)
        if not self._reads_ahead:
            return Batch(clips, mask, mirror, self._text.spell(captions))
        if index not in self._read:
            self._read_around(index)
        said = self._read.pop(index)
        rows = [said[caption] for caption in captions]
        lengths = torch.tensor([len(row) for row in rows])
        tokens = nn.utils.rnn.pad_sequence(rows, batch_first=True)
        return Batch(clips, mask, mirror, TextFeatures(tokens, torch.arange(tokens.shape[1]) < lengths[:, None], lengths - 1))

    def _read_around(self, index: int) -> None:
        """Read the captions of a batch and of those that this process makes around it: many at once, like lengths together,
        take less than half of the time. Which ones does not depend on where a run was resumed."""
        count = processes().num_processes
        own, rank = divmod(index, count)
        first = own - own % _READ_TOGETHER
        around = [number * count + rank for number in range(first, first + _READ_TOGETHER)]
        captions = {number: [one.caption for one in self._clips.drawn(number)] for number in around}
        ordered = sorted({caption for some in captions.values() for caption in some}, key=lambda one: (len(one), one))
        said: dict[str, Tensor] = {}
        for start in range(0, len(ordered), _READ_AT_ONCE):
            some = ordered[start : start + _READ_AT_ONCE]
            with torch.autocast("cpu", torch.bfloat16, enabled=self._bf16):
                tokens, mask, _ = self._text(some)
            said |= {caption: row[real].float() for caption, row, real in zip(some, tokens, mask, strict=True)}
        self._read = {number: {caption: said[caption] for caption in some} for number, some in captions.items()}


def text_encoder(recipe: IntergenRecipe) -> TextEncoder:
    """The frozen encoder that a recipe names.

    Raises:
        UserError: it cannot be had, or has another width than the recipe says.
    """
    config = recipe.generator.text
    if config.encoder == "clip":
        raise UserError("CLIP's weights come with the official checkpoint alone; train with minilm or embeddings.")
    text: TextEncoder = (
        MiniLMText()
        if config.encoder == "minilm"
        else embeddings_of(vimotion_home() / recipe.words if recipe.words else SHIPPED)
    )
    if text.width != config.width:
        raise UserError(f"generator.text.width must be {text.width}, the width of the encoder, not {config.width}.")
    return text


def embeddings_of(folder: Path) -> EmbeddedText:
    """The token embeddings of a language model, motion tokens left out.

    Raises:
        UserError: the folder holds no such model.
    """
    if (folder / PACKED_WEIGHTS).is_file():
        folder = unpacked(folder)
    if not (folder / "tokenizer.json").is_file():
        raise UserError(f"{folder} holds no language model to take words from: it has no tokenizer.json.")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    for shard in sorted(folder.glob("*.safetensors")):
        with safe_open(shard, framework="pt") as file:
            if _EMBEDDINGS in file.keys():  # noqa: SIM118 (not a dict)
                return EmbeddedText(tokenizer, file.get_tensor(_EMBEDDINGS)[: tokenizer.get_vocab_size(False)])
    raise UserError(f"{folder} holds no language model to take words from: it has no weight {_EMBEDDINGS!r}.")


def first_denoiser(recipe: IntergenRecipe, clips: CaptionedClips) -> Denoiser:
    """The denoiser that training begins with, the same on every process.

    Raises:
        UserError: the recipe's `start` is of other settings.
    """
    if recipe.start:
        started = MotionGenerator.load(vimotion_home() / recipe.start).denoiser
        unconditioned = recipe.generator.model_copy(update={"self_conditioned": False})
        if not any(started.config.same_network(fitting) for fitting in (recipe.generator, unconditioned)):
            raise UserError(f"{recipe.start} was made with other settings than the recipe's `generator`; make them the same.")
        # weights that were not self-conditioned do at first what they did
        denoiser = Denoiser(recipe.generator)
        denoiser.load_state_dict(denoiser.state_dict() | started.state_dict())
        return denoiser
    denoiser = Denoiser(recipe.generator)
    batches = [clips(index) for index in range(-(-_FITTED_CLIPS // clips.batch_size))]
    denoiser.space.fit([batch.features() for batch in batches], [batch.mask for batch in batches])
    return denoiser


def intergen_loss(
    model: Averaged, recipe: IntergenRecipe, text: TextEncoder
) -> Callable[[nn.Module, Batch], tuple[Tensor, dict[str, Tensor]]]:
    """The loss function that `run_loop` takes; it also keeps the average of the weights."""
    weights = {name: weight for name, weight in recipe.loss.model_dump().items() if weight}
    standard = standard_offsets()

    def loss_fn(wrapped: nn.Module, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        features, mask = seen(batch.clips, batch.mirror), batch.mask
        said = _said(batch.text, text, recipe.loop.precision)
        model.update()
        space, share = model.denoiser.space, model.denoiser.share
        clean, tokens = space.tokens(features), space.token_mask(mask)
        # one from each of so many equal parts of the way into noise: a batch has some of everything
        part = (torch.randperm(len(clean)) + torch.rand(len(clean))) / len(clean)
        drawn = shifted(part.to(clean), model.denoiser.config.shift)
        steps = (drawn * DIFFUSION_STEPS).long().clamp(max=DIFFUSION_STEPS - 1)
        keep = (torch.rand(len(clean), device=clean.device) >= recipe.untold).to(clean)
        noisy = add_noise(clean, torch.randn_like(clean), steps, share)
        estimate = torch.zeros_like(clean)
        if model.denoiser.config.self_conditioned and len(clean) > 1:
            # half of the pairs see what is said of them first, as in sampling they will
            half = slice(len(clean) // 2)
            of_half = TextFeatures(*(part[half] for part in said))
            with torch.no_grad():
                estimate[half] = wrapped(noisy[half], steps[half], tokens[half], of_half, keep[half]).float()
        predicted = wrapped(noisy, steps, tokens, said, keep, estimate).float()
        counted = (1 / (1 - share[steps])).clamp(max=_MOST_COUNTED) if model.denoiser.config.preconditioned else None
        parts = {"simple": simple_loss(predicted, clean, tokens, counted)}
        if weights.keys() - parts.keys():
            early = steps <= recipe.t_bar
            told = space.features(predicted[early])
            parts |= regularisers(told, features[early], mask[early], standard.to(clean), "kinematics" in weights)
        return torch.stack([weight * parts[name] for name, weight in weights.items()]).sum(), parts

    return loss_fn


def _said(captions: TextFeatures | Spelled, text: TextEncoder, precision: str) -> TextFeatures:
    if isinstance(captions, TextFeatures):
        return captions
    with torch.autocast(captions.ids.device.type, torch.bfloat16, enabled=precision == "bf16"):
        tokens, mask, end = text.read(captions)
    return TextFeatures(tokens.float(), mask, end)


@torch.no_grad()
def validation(denoiser: Denoiser, batches: Sequence[Batch], text: TextEncoder) -> dict[str, float]:
    """How well noise is seen through: the simple loss over some steps of diffusion, and the joint error in mm at each."""
    losses, errors, space = [], {}, denoiser.space
    for step in _WATCHED_STEPS:
        millimetres = []
        for number, batch in enumerate(batches):
            clips, mask, mirror, captions = send_to_device(batch, space.mean.device)
            features, said = seen(clips, mirror), _said(captions, text, "fp32")
            clean, tokens = space.tokens(features), space.token_mask(mask)
            noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(1000 * number + step)).to(clean)
            steps = torch.full((len(clean),), step, device=clean.device)
            predicted = denoiser(add_noise(clean, noise, steps, denoiser.share), steps, tokens, said).float()
            losses.append(float(simple_loss(predicted, clean, tokens)))
            distance = (joints_of(space.features(predicted)) - joints_of(features)).norm(dim=-1).mean((1, 3))
            millimetres.append(1000 * float((distance * mask).sum() / mask.sum()))
        errors[f"joints_mm_at_{step}"] = float(np.mean(millimetres))
    return {"validation": float(np.mean(losses))} | errors
