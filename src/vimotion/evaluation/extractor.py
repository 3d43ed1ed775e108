"""The feature extractor behind R-precision, FID and their like: InterCLIP's architecture, two towers into one space.

A motion tower reads both people of a motion together, a text tower reads a sentence; both end in a vector of the same length.
Names of modules and weights are those of InterGen's `interclip.ckpt`, so that `interclip.convert_interclip` is a renaming.

Figures of two extractors are figures of two scales. `Extractor.hash` therefore stands in every report, and `check_comparable`
refuses reports that differ in it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field, model_validator
from safetensors.torch import save
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn.functional import gelu, linear, normalize

from vimotion.artifacts import atomic_path, run_folder
from vimotion.config import Config
from vimotion.errors import UserError
from vimotion.evaluation.text_tokens import TextTokens
from vimotion.intergen.text import sinusoid
from vimotion.motion import FEATURES, FPS, NUM_FEATURES, Interaction, place, to_features
from vimotion.weights import CONFIG, check_fit, read_folder

SHIPPED = Path(__file__).parent / "shipped_extractor"
WEIGHTS, TOKENIZER = "extractor.safetensors", "tokenizer.json"
PEOPLE = 2
# A person's vector without the contacts.
NUM_INPUTS = FEATURES["contacts"].start
# Rows of a batch that are encoded together. On a CPU 32 of 128 took two thirds of the time that all at once did.
_GROUP = 32


class TowerConfig(Config):
    """A transformer's size."""

    width: int = Field(default=192, gt=0, multiple_of=2)
    layers: int = Field(default=4, gt=0)
    heads: int = Field(default=6, gt=0)
    feed_forward: int = Field(default=384, gt=0)

    @model_validator(mode="after")
    def _fits(self) -> TowerConfig:
        if self.width % self.heads:
            raise ValueError(f"heads must divide the width, and {self.heads} does not divide {self.width}")
        return self


class ExtractorConfig(Config):
    """An extractor's size and what it reads. The defaults are ours, for a CPU; `OFFICIAL` is InterCLIP.

    Attributes:
        motion, text: the two transformers.
        embedding: numbers of a motion's or a text's vector.
        fold: frames that one token of the motion tower stands for (InterCLIP: 1).
        max_frames: the longest motion that is taken.
        floor: how a motion is placed before its vectors are read, see `motion.place`.
        vocabulary, context: text tokens that there are, and that are read of a text.
        end_token: at which the text's vector is taken.
        pad_masked: the text tower does not look at padding. InterCLIP's does: each text is padded to `context`.
        first_scale: what the learned length of the vectors starts from.
        precision: in which the weights are kept.
    """

    motion: TowerConfig = TowerConfig()
    text: TowerConfig = TowerConfig()
    embedding: int = Field(default=192, gt=0)
    fold: int = Field(default=8, gt=0)
    max_frames: int = Field(default=600, gt=0)
    floor: Literal["together", "each"] = "together"
    vocabulary: int = Field(default=2048, ge=300)
    context: int = Field(default=96, gt=2)
    end_token: int = Field(default=2, ge=0)
    pad_masked: bool = True
    first_scale: float = Field(default=3.8, gt=0)
    dropout: float = Field(default=0.1, ge=0, lt=1)
    precision: Literal["float16", "float32"] = "float16"


# `interclip.ckpt` of tr3e/InterGen (configs/eval_model.yaml and the evaluator's code); text as in CLIP ViT-L/14@336px.
OFFICIAL = ExtractorConfig(
    motion=TowerConfig(width=1024, layers=8, heads=8, feed_forward=2048),
    text=TowerConfig(width=768, layers=8, heads=8, feed_forward=2048),
    embedding=512, fold=1, max_frames=1999, floor="each",
    vocabulary=49408, context=77, end_token=49407, pad_masked=False,
    first_scale=1.0, dropout=0.1, precision="float32",
)  # fmt: skip


class Layer(nn.TransformerEncoderLayer):
    """torch's post-norm layer with its weights, attention written out: on a CPU it trains a third faster."""

    def __init__(self, tower: TowerConfig, dropout: float) -> None:
        super().__init__(tower.width, tower.heads, tower.feed_forward, dropout, batch_first=True)

    def forward(self, x: Tensor, padded: Tensor | None) -> Tensor:  # type: ignore[override]
        """(B, T, width) and, where there is padding, (B, T) True at it → (B, T, width)."""
        attention = self.self_attn
        heads = linear(x, attention.in_proj_weight, attention.in_proj_bias).unflatten(-1, (3, attention.num_heads, -1))
        query, key, value = heads.permute(2, 0, 3, 1, 4)
        scores = query @ key.transpose(-1, -2) * key.shape[-1] ** -0.5
        if padded is not None:
            scores = scores.masked_fill(padded[:, None, None], -torch.inf)
        mixed = (scores.softmax(-1) @ value).transpose(1, 2).flatten(2)
        x = self.norm1(x + self.dropout1(attention.out_proj(mixed)))
        return self.norm2(x + self.dropout2(self.linear2(self.dropout(gelu(self.linear1(x))))))


class Transformer(nn.Module):
    """A stack of layers, named as in torch's `nn.TransformerEncoder`."""

    def __init__(self, tower: TowerConfig, dropout: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList([Layer(tower, dropout) for _ in range(tower.layers)])

    def forward(self, x: Tensor, padded: Tensor | None) -> Tensor:
        for layer in self.layers:
            x = layer(x, padded)
        return x


class MotionEncoder(nn.Module):
    """Normalised inputs of both people (B, tokens, fold · 2 · 258) → (B, embedding), read at a learned query token."""

    positions: Tensor

    def __init__(self, config: ExtractorConfig) -> None:
        super().__init__()
        width = config.motion.width
        self.query_token = nn.Parameter(torch.randn(1, width))
        self.embed_motion = nn.Linear(config.fold * PEOPLE * NUM_INPUTS, width)
        self.register_buffer("positions", sinusoid(-(-config.max_frames // config.fold) + 1, width), persistent=False)
        self.dropout = nn.Dropout(config.dropout)
        self.transformer = Transformer(config.motion, config.dropout)
        self.out_ln = nn.LayerNorm(width)
        self.out = nn.Linear(width, config.embedding)

    def forward(self, inputs: Tensor, padded: Tensor) -> Tensor:
        query = self.query_token.expand(len(inputs), 1, -1)
        tokens = torch.cat([query, self.embed_motion(inputs)], dim=1)
        tokens = self.dropout(tokens + self.positions[: tokens.shape[1]])
        hidden = self.transformer(tokens, torch.cat([padded.new_zeros(len(padded), 1), padded], dim=1))
        embedding: Tensor = self.out(self.out_ln(hidden)[:, 0])
        return embedding


class InterCLIP(nn.Module):
    """Both towers. Forward: frame vectors, their lengths and text tokens → the two embeddings."""

    mean: Tensor
    std: Tensor

    def __init__(self, config: ExtractorConfig) -> None:
        super().__init__()
        self.config = config
        width = config.text.width
        self.motion_encoder = MotionEncoder(config)
        self.token_embedding = nn.Embedding(config.vocabulary, width)
        self.positional_embedding = nn.Parameter(0.01 * torch.randn(config.context, width))
        self.textTransEncoder = Transformer(config.text, config.dropout)
        self.text_ln = nn.LayerNorm(width)
        self.out = nn.Linear(width, config.embedding)
        self.latent_scale = nn.Parameter(torch.tensor([config.first_scale]))
        nn.init.normal_(self.token_embedding.weight, std=0.02)
        # InterCLIP reads raw numbers: 0 and 1 there
        self.register_buffer("mean", torch.zeros(NUM_INPUTS))
        self.register_buffer("std", torch.ones(NUM_INPUTS))

    def forward(self, motions: Tensor, lengths: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        return self.encode_motion(motions, lengths), self.encode_text(tokens)

    def encode_motion(self, motions: Tensor, lengths: Tensor) -> Tensor:
        """Frame vectors (B, T, 2, 262), of which `lengths` (B,) frames are real → (B, embedding) of length `latent_scale`."""
        fold = self.config.fold

        def encode(rows: Tensor, longest: int) -> Tensor:
            # (x − mean) / std in one pass
            inputs = torch.addcmul(-self.mean / self.std, motions[rows, :longest, :, :NUM_INPUTS], 1 / self.std)
            padded = torch.arange(longest, device=lengths.device) >= lengths[rows, None]
            inputs = inputs.masked_fill(padded[..., None, None], 0.0)
            if missing := -longest % fold:
                inputs = nn.functional.pad(inputs, (0, 0, 0, 0, 0, missing))
            embeddings: Tensor = self.motion_encoder(inputs.flatten(2).unflatten(1, (-1, fold)).flatten(2), padded[:, ::fold])
            return embeddings

        return self._scaled(_by_length(lengths, encode))

    def encode_text(self, tokens: Tensor) -> Tensor:
        """Tokens (B, n ≤ context), padded after `end_token` → (B, embedding) of length `latent_scale`."""
        ends = (tokens == self.config.end_token).int().argmax(-1)

        def encode(rows: Tensor, longest: int) -> Tensor:
            padded = None
            if self.config.pad_masked:
                padded = torch.arange(longest, device=tokens.device) > ends[rows, None]
            else:
                longest = tokens.shape[1]
            hidden = self.token_embedding(tokens[rows, :longest]) + self.positional_embedding[:longest]
            hidden = self.text_ln(self.textTransEncoder(hidden, padded))
            embeddings: Tensor = self.out(hidden[torch.arange(len(rows), device=tokens.device), ends[rows]])
            return embeddings

        return self._scaled(_by_length(ends + 1, encode))

    def _scaled(self, embeddings: Tensor) -> Tensor:
        return normalize(embeddings.float(), dim=-1, eps=1e-12) * self.latent_scale


def _by_length(lengths: Tensor, encode: Callable[[Tensor, int], Tensor]) -> Tensor:
    """`encode` rows in groups of like `lengths` (B,); most of a mixed batch would be padding."""
    order = lengths.argsort(stable=True)
    groups = [encode(rows, int(lengths[rows].max())) for rows in order.split(_GROUP)]
    return torch.cat(groups)[order.argsort()]


class Extractor:
    """A trained extractor. Deterministic; float32 on the device it was given, its weights as precise as they are kept."""

    def __init__(self, model: InterCLIP, tokenizer: Tokenizer) -> None:
        self.model = model.eval().requires_grad_(False)
        self.tokenizer = tokenizer
        self.tokens = TextTokens(tokenizer, self.config.context, padded=not self.config.pad_masked)
        if self.config.precision == "float16":
            for parameter in model.parameters():
                parameter.copy_(parameter.half().float())

    @property
    def config(self) -> ExtractorConfig:
        return self.model.config

    @cached_property
    def hash(self) -> str:
        """16 hexadecimal digits of the SHA-256 of settings, tokenizer and weights: the extractor's version."""
        digest = hashlib.sha256(json.dumps(self.config.model_dump(mode="json"), sort_keys=True).encode())
        digest.update(self.tokenizer.to_str().encode())
        for name, tensor in sorted(self._state().items()):
            digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
            digest.update(tensor.numpy().tobytes())
        return digest.hexdigest()[:16]

    def features(self, interaction: Interaction) -> np.ndarray:
        """(T, 2, 262) float32: the frame vectors of a motion of two people as this extractor reads them."""
        if interaction.num_people != PEOPLE:
            raise ValueError(f"The extractor reads two people together, not {interaction.num_people}.")
        return to_features(place(interaction.resampled(FPS), self.config.floor))

    @torch.no_grad()
    def embed_motions(self, motions: Sequence[np.ndarray], batch: int = 96) -> np.ndarray:
        """Frame vectors (T, 2, 262) of each motion, as `features` gives them → (N, embedding) float64.

        Raises:
            ValueError: not such an array, not finite, or longer than `max_frames`.
        """
        for motion in motions:
            if motion.ndim != 3 or motion.shape[1:] != (PEOPLE, NUM_FEATURES) or not len(motion):
                raise ValueError(f"The extractor reads (frames, 2, {NUM_FEATURES}) numbers, not {motion.shape}.")
            if len(motion) > self.config.max_frames:
                raise ValueError(f"The extractor reads at most {self.config.max_frames} frames, not {len(motion)}.")
            if not np.isfinite(motion).all():
                raise ValueError("The motion holds numbers that are not finite.")

        def encode(rows: slice) -> Tensor:
            padded, lengths = pad_motions(motions[rows])
            return self.model.encode_motion(padded.to(self._device), lengths.to(self._device))

        return self._embed(len(motions), batch, encode)

    def embed_interactions(self, motions: Sequence[Interaction | None]) -> np.ndarray:
        """(N, embedding) float64; a row of NaN for None, a motion that could not be made."""
        embeddings = np.full((len(motions), self.config.embedding), np.nan)
        made = [index for index, motion in enumerate(motions) if motion is not None]
        embeddings[made] = self.embed_motions([self.features(motion) for motion in motions if motion is not None])
        return embeddings

    @torch.no_grad()
    def embed_texts(self, texts: Sequence[str], batch: int = 96) -> np.ndarray:
        """(N, embedding) float64."""

        def encode(rows: slice) -> Tensor:
            return self.model.encode_text(self.tokens(texts[rows]).to(self._device))

        return self._embed(len(texts), batch, encode)

    def save(self, folder: Path | str) -> None:
        """Write `extractor.safetensors`, `config.json` and `tokenizer.json` into `folder`."""
        folder = Path(folder)
        with atomic_path(folder / WEIGHTS) as temporary:
            temporary.write_bytes(save(self._state()))  # `save_file` would let the owner alone read it
        with atomic_path(folder / CONFIG) as temporary:
            temporary.write_text(self.config.model_dump_json(indent=2) + "\n", encoding="utf-8")
        with atomic_path(folder / TOKENIZER) as temporary:
            temporary.write_text(self.tokenizer.to_str(), encoding="utf-8")

    @staticmethod
    def load(folder: Path | str, device: str | torch.device = "cpu") -> Extractor:
        """Read what `save` wrote.

        Raises:
            UserError: a file is missing or damaged, or the weights do not fit the settings.
        """
        folder = Path(folder)
        config, state = read_folder(folder, WEIGHTS, ExtractorConfig, "feature extractor")
        if not (folder / TOKENIZER).is_file():
            raise UserError(f"{folder} holds no feature extractor: it has no {TOKENIZER}.")
        try:
            tokenizer = Tokenizer.from_str((folder / TOKENIZER).read_text(encoding="utf-8"))
        except Exception as error:  # tokenizers raises nothing more special
            first = str(error).splitlines()[0]
            raise UserError(f"The feature extractor in {folder} cannot be read: {first}.") from None
        model = InterCLIP(config)
        check_fit(model.state_dict(), state, folder, "feature extractor")
        model.load_state_dict(state)
        return Extractor(model.to(device), tokenizer)

    @property
    def _device(self) -> torch.device:
        return self.model.latent_scale.device

    def _state(self) -> dict[str, Tensor]:
        parameters = {name for name, _ in self.model.named_parameters()}
        half = self.config.precision == "float16"
        return {
            name: (tensor.half() if half and name in parameters else tensor).contiguous().cpu()
            for name, tensor in self.model.state_dict().items()
        }

    def _embed(self, number: int, batch: int, encode: Callable[[slice], Tensor]) -> np.ndarray:
        embeddings = np.zeros((number, self.config.embedding))
        for rows in (slice(start, start + batch) for start in range(0, number, batch)):
            embeddings[rows] = encode(rows).double().cpu().numpy()
        return embeddings


def load_extractor(extractor: str | Path | None = None) -> Extractor:
    """The extractor in a folder, that of a training run by its name, or the one that comes with VIMotion.

    Raises:
        UserError: there is none, or it cannot be loaded.
    """
    if extractor is None:
        if not (SHIPPED / CONFIG).is_file():
            raise UserError(
                "No extractor comes with this copy of VIMotion: train one (`vimotion train extractor`) or name a folder."
            )
        return Extractor.load(SHIPPED)
    folder = next((path for path in (Path(extractor).expanduser(), run_folder(str(extractor))) if path.is_dir()), None)
    if folder is None:
        raise UserError(f"There is no extractor {str(extractor)!r}: name its folder, or a run under {run_folder('')}.")
    return Extractor.load(folder)


def check_comparable(reports: Iterable[Mapping[str, Any]]) -> None:
    """Refuse to set figures beside each other that were not measured alike.

    Args:
        reports: what evaluations wrote; each has the `hash` of its extractor under "extractor", and "protocol".

    Raises:
        UserError: two reports differ in one of them, or one does not tell.
    """
    reports = list(reports)
    for key in ("extractor", "protocol"):
        if any(report.get(key) is None for report in reports):
            raise UserError(f"A report does not say its {key}, so its figures stand for themselves; measure it again.")
        scales = sorted({json.dumps(report[key], sort_keys=True) for report in reports})
        if len(scales) > 1:
            raise UserError(
                f"These figures come from different scales ({key} {' and '.join(scales)}) and must not be compared; "
                "measure all of them with one."
            )


def pad_motions(motions: Sequence[np.ndarray]) -> tuple[Tensor, Tensor]:
    """Motions (T, 2, 262) → (B, longest, 2, 262) with zeros after each one's end, and their lengths (B,)."""
    padded = torch.zeros(len(motions), max(map(len, motions)), PEOPLE, NUM_FEATURES)
    for row, motion in enumerate(motions):
        padded[row, : len(motion)] = torch.from_numpy(np.ascontiguousarray(motion, dtype=np.float32))
    return padded, torch.tensor([len(motion) for motion in motions])
