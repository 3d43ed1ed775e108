"""The feature extractor of the evaluation: motions and captions brought together by a symmetric contrastive loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from accelerate import PartialState
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from vimotion.artifacts import run_folder, vimotion_home, write_manifest
from vimotion.config import Config, save_config
from vimotion.corpora.realism import acts_of
from vimotion.corpora.store import Record, Store, open_store
from vimotion.errors import UserError
from vimotion.evaluation.distribution import mm_distance, r_precision
from vimotion.evaluation.extractor import NUM_INPUTS, PEOPLE, Extractor, ExtractorConfig, InterCLIP, pad_motions
from vimotion.evaluation.text_tokens import TextTokens, learn_tokens
from vimotion.training.checkpoints import check_free
from vimotion.training.loop import LoopConfig, run_loop

Batch = tuple[Tensor, Tensor, Tensor, Tensor]

# The learned length of the embeddings, squared, sharpens the softmax; beyond 100 (CLIP's limit) it only chases noise.
_SHARPEST = 10.0
# Pairs that retrieval is measured among, as in InterGen's protocol.
_CANDIDATES = 96


class ExtractorRecipe(Config):
    """How an extractor is trained.

    Attributes:
        name: of the run folder.
        corpus: folder of the prepared store; a relative one lies under the VIMotion home.
        max_clips: clips of the training split that are held in memory (float16, about 150 kB each), chosen evenly.
        batch_size: pairs a batch and process: each is told from all others of its batch.
        longest: frames of a clip that are seen at most; of a longer one a random stretch.
        evaluated_clips: clips of the validation split, and of the test split, behind the figures.
    """

    name: str = "extractor"
    corpus: Path = Path("corpora/scripted")
    max_clips: int = Field(default=12000, gt=1)
    batch_size: int = Field(default=128, gt=1)
    longest: int = Field(default=300, gt=0)
    evaluated_clips: int = Field(default=960, gt=1)
    extractor: ExtractorConfig = ExtractorConfig()
    loop: LoopConfig = LoopConfig()


@dataclass(frozen=True, eq=False)
class Clip:
    """What training keeps of a record: frame vectors (T, 2, 262) float16, its captions, and what happens in it."""

    features: np.ndarray
    captions: tuple[str, ...]
    held_out_captions: tuple[str, ...]
    kinds: tuple[str, ...]


def train_extractor(recipe: ExtractorRecipe, output: Path | None = None, resume: bool = False) -> Path:
    """Train and write an extractor folder: weights, `config.json`, `tokenizer.json`, `recipe.yaml`, `metrics.jsonl`,
    `manifest.json` with the extractor's hash and its retrieval figures.

    Args:
        output: the folder; default: the run folder `recipe.name`.
        resume: go on with an interrupted run.
    """
    config = recipe.extractor
    if config.max_frames < recipe.longest:
        raise UserError(f"The extractor reads at most {config.max_frames} frames; `longest` must not be more.")
    folder = output or run_folder(recipe.name)
    check_free(folder, resume)
    corpus = vimotion_home() / recipe.corpus
    store = open_store(corpus)
    clips = load_clips(store, "train", recipe.max_clips)
    held_out = {split: load_clips(store, split, recipe.evaluated_clips) for split in ("val", "test")}
    captions = (caption for clip in clips for caption in clip.captions)
    # of CLIP's tokenizer nothing is learned
    tokens = TextTokens(config.context, None)
    if config.tokenizer == "learned":
        tokens = learn_tokens(captions, config.vocabulary, config.context)
    torch.manual_seed(recipe.loop.seed)
    model = InterCLIP(config)
    fit_normalisation(model, clips)
    if PartialState().is_main_process:
        save_config(recipe, folder / "recipe.yaml")

    def evaluate(model: nn.Module) -> dict[str, float]:
        assert isinstance(model, InterCLIP)
        copy = InterCLIP(config)
        copy.load_state_dict(model.state_dict())
        return retrieval(Extractor(copy, tokens), held_out["val"], recipe.loop.seed)

    result = run_loop(
        model, contrastive_loss, Pairs(clips, tokens, recipe), recipe.loop, folder, resume,
        count=lambda batch: len(batch[0]), unit="pairs", evaluate=evaluate,
    )  # fmt: skip
    if PartialState().is_main_process:
        extractor = Extractor(model.cpu(), tokens)
        extractor.save(folder)
        test = retrieval(extractor, held_out["test"], recipe.loop.seed)
        figures = {"hash": extractor.hash} | result.metrics | {f"test_{name}": value for name, value in test.items()}
        write_manifest(folder, "extractor", recipe.model_dump(mode="json"), recipe.loop.seed, {"corpus": corpus}, figures)
    PartialState().wait_for_everyone()
    return folder


def load_clips(store: Store, split: str, most: int) -> list[Clip]:
    """At most so many clips of a split, chosen evenly: those of two people that have captions."""
    indices = store.split(split)
    chosen = np.linspace(0, len(indices) - 1, min(most, len(indices))).astype(int)
    records = (store[indices[i]] for i in chosen)
    clips = [_clip(record) for record in records if record.features.shape[1] == PEOPLE and record.captions]
    if not clips:
        raise UserError(f"{store.folder} has no captioned clip of two people in its split {split!r}; use a larger corpus.")
    return clips


def _clip(record: Record) -> Clip:
    kinds = tuple(act["kind"] for act in acts_of(record.facts or {}))
    return Clip(record.features.astype(np.float16), tuple(record.captions), tuple(record.held_out_captions), kinds)


def fit_normalisation(model: InterCLIP, clips: Sequence[Clip]) -> None:
    """Set the mean and deviation of what the motion tower reads, the same for both people."""
    rows = [clip.features[::8].astype(np.float32)[..., :NUM_INPUTS].reshape(-1, NUM_INPUTS) for clip in clips]
    vectors = torch.from_numpy(np.concatenate(rows))
    deviation = vectors.std(0)
    model.mean.copy_(vectors.mean(0))
    # a number that hardly changes in the corpus must not become huge where it does
    model.std.copy_(deviation.clamp_min(0.1 * float(deviation.median())))


class Pairs:
    """Batches by index: frame vectors (B, T, 2, 262), lengths (B,), text tokens (B, n), and which motion and caption of two
    different pairs belong together all the same (B, B).

    The people are never exchanged and nothing is mirrored: captions name who does it, and with which hand.
    """

    def __init__(self, clips: Sequence[Clip], tokens: TextTokens, recipe: ExtractorRecipe) -> None:
        self._clips, self._tokens, self._recipe = clips, tokens, recipe
        self._captions = [frozenset(map(_key, clip.captions)) for clip in clips]

    def __call__(self, index: int) -> Batch:
        random = np.random.default_rng([self._recipe.loop.seed, index])
        chosen = random.choice(len(self._clips), min(self._recipe.batch_size, len(self._clips)), replace=False)
        captions = [str(random.choice(self._clips[i].captions)) for i in chosen]
        motions, lengths = pad_motions([self._stretch(self._clips[i].features, random) for i in chosen])
        also = [[_key(caption) in self._captions[i] for caption in captions] for i in chosen]
        return motions, lengths, self._tokens(captions), torch.tensor(also) & ~torch.eye(len(chosen), dtype=torch.bool)

    def _stretch(self, features: np.ndarray, random: np.random.Generator) -> np.ndarray:
        start = int(random.integers(max(len(features) - self._recipe.longest, 0) + 1))
        return features[start : start + self._recipe.longest]


def _key(caption: str) -> str:
    return " ".join(caption.lower().split()).rstrip(".")


def contrastive_loss(model: nn.Module, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
    """Symmetric cross-entropy (Radford et al., 2021) over the pairs of this process, which `run_loop` takes.

    A caption that is also one of another clip's is no wrong answer for that clip: such pairs (`false_negatives`, how many of
    them a clip has) are left out.
    """
    *inputs, also = batch
    motions, texts = model(*inputs)
    # lengths are the learned scale, so the products are sharpened by its square, as in InterCLIP
    sharpness = (motions.norm(dim=-1).mean() * texts.norm(dim=-1).mean()).clamp(max=_SHARPEST**2)
    unit = nn.functional.normalize
    logits = (sharpness * unit(motions, dim=-1) @ unit(texts, dim=-1).T).masked_fill(also, -torch.inf)
    right = torch.arange(len(logits), device=logits.device)
    loss = (cross_entropy(logits, right) + cross_entropy(logits.T, right)) / 2
    hits = (logits.argmax(-1) == right).float().mean()
    return loss, {"top_1": hits, "sharpness": sharpness, "false_negatives": also.float().sum(-1).mean()}


def retrieval(extractor: Extractor, clips: Sequence[Clip], seed: int) -> dict[str, float]:
    """How well clips are found by a caption among 96, mean over batches: R-precision and distance for captions (`r_1` …) and
    for wordings that no training clip has (`held_out_r_1` …), and the same with captions dealt out at random (`shuffled_r_3`).

    `same_kind`: other clips of the 96 in which the same happens, which a caption that tells no more fits as well.
    """
    random = np.random.default_rng([seed, len(clips)])
    order = random.permutation(len(clips))
    size = min(_CANDIDATES, len(clips))
    batches = [order[start : start + size] for start in range(0, len(order) - size + 1, size)]
    used = [clips[index] for index in np.concatenate(batches)]
    longest = extractor.config.max_frames
    motions = extractor.embed_motions([clip.features[:longest].astype(np.float32) for clip in used])
    rows = [slice(start, start + size) for start in range(0, len(used), size)]
    figures: dict[str, float] = {}
    for name, wordings in (("", [clip.captions for clip in used]), ("held_out_", [clip.held_out_captions for clip in used])):
        if not all(wordings):
            continue
        texts = extractor.embed_texts([str(random.choice(several)) for several in wordings])
        found = np.mean([r_precision(texts[row], motions[row]) for row in rows], axis=0)
        figures |= {f"{name}r_{k}": float(value) for k, value in enumerate(found, start=1)}
        figures[f"{name}mm_distance"] = mm_distance(texts, motions)
        dealt = [r_precision(texts[row][random.permutation(size)], motions[row]) for row in rows]
        figures[f"{name}shuffled_r_3"] = float(np.mean(dealt, axis=0)[2])
    kinds = [[clip.kinds for clip in used[row]] for row in rows]
    figures["same_kind"] = float(np.mean([several.count(one) - 1 for several in kinds for one in several]))
    return figures
