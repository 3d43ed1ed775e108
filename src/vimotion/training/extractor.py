"""The feature extractor of the evaluation: motions and captions brought together by a symmetric contrastive loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from vimotion.artifacts import run_folder, vimotion_home, write_manifest
from vimotion.config import Config, save_config
from vimotion.corpora.realism import acts_of
from vimotion.corpora.store import Record, Store, open_store
from vimotion.errors import UserError
from vimotion.evaluation.distribution import mm_distance, r_precision
from vimotion.evaluation.extractor import NUM_INPUTS, PEOPLE, Extractor, ExtractorConfig, InterCLIP
from vimotion.evaluation.text_tokens import TextTokens, learn_tokenizer
from vimotion.training.captioned import CaptionedClips, CaptionedConfig, Clip, load_captioned
from vimotion.training.checkpoints import check_free
from vimotion.training.loop import LoopConfig, run_loop
from vimotion.training.processes import processes

Batch = tuple[Tensor, Tensor, Tensor, Tensor]

# The learned length of the embeddings, squared, sharpens the softmax; beyond 100 (CLIP's limit) it only chases noise.
_SHARPEST = 10.0
# Pairs that retrieval is measured among, as in InterGen's protocol.
_CANDIDATES = 96
_DRAWING = {"batch_size", "mirrored", "exchanged"}


class ExtractorRecipe(Config):
    """How an extractor is trained.

    Attributes:
        name: of the run folder.
        corpus: folder of the prepared store; a relative one lies under the VIMotion home.
        max_clips: at most so many clips of the training split, chosen evenly.
        longest: frames of a clip that are seen at most; of a longer one its beginning.
        evaluated_clips: clips of the validation split, and of the test split, behind the figures.
        batch_size: pairs a batch and process: each is told from all others of its batch.
        mirrored, exchanged: shares of the clips that are seen in the mirror, and with the people in each other's place, where
            their captions allow it.
    """

    name: str = "extractor"
    corpus: Path = Path("corpora/scripted")
    max_clips: int = Field(default=12000, gt=1)
    longest: int = Field(default=300, gt=0)
    evaluated_clips: int = Field(default=960, gt=1)
    batch_size: int = Field(default=128, gt=1)
    mirrored: float = Field(default=0.5, ge=0, le=1)
    exchanged: float = Field(default=0.5, ge=0, le=1)
    extractor: ExtractorConfig = ExtractorConfig()
    loop: LoopConfig = LoopConfig()


@dataclass(frozen=True, eq=False)
class Case:
    """A clip to be found by what is said of it: frame vectors (T, 2, 262) float16, captions, wordings that no training clip
    has, and what happens in it."""

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
    clips = load_captioned(store, "train", recipe.max_clips, recipe.longest)
    cases = {split: load_cases(store, split, recipe.evaluated_clips, recipe.longest) for split in ("val", "test")}
    captions = (caption for clip in clips for caption in clip.captions)
    tokenizer = learn_tokenizer(captions, config.vocabulary)
    tokens = TextTokens(tokenizer, config.context, padded=not config.pad_masked)
    drawing = CaptionedConfig(**recipe.model_dump(include=_DRAWING), seed=recipe.loop.seed)
    pairs = Pairs(clips, tokens, drawing)
    torch.manual_seed(recipe.loop.seed)
    model = InterCLIP(config)
    fit_normalisation(model, clips)
    if processes().is_main_process:
        save_config(recipe, folder / "recipe.yaml")

    def evaluate(model: nn.Module) -> dict[str, float]:
        assert isinstance(model, InterCLIP)
        copy = InterCLIP(config)
        copy.load_state_dict(model.state_dict())
        return retrieval(Extractor(copy, tokenizer), cases["val"], recipe.loop.seed)

    result = run_loop(
        model, contrastive_loss, pairs, recipe.loop, folder, resume,
        count=lambda batch: len(batch[0]), unit="pairs", evaluate=evaluate,
    )  # fmt: skip
    if processes().is_main_process:
        extractor = Extractor(model.cpu(), tokenizer)
        extractor.save(folder)
        test = retrieval(extractor, cases["test"], recipe.loop.seed)
        figures = {"hash": extractor.hash} | result.metrics | {f"test_{name}": value for name, value in test.items()}
        write_manifest(folder, "extractor", recipe.model_dump(mode="json"), recipe.loop.seed, {"corpus": corpus}, figures)
    processes().wait_for_everyone()
    return folder


def load_cases(store: Store, split: str, most: int, longest: int) -> list[Case]:
    """At most so many clips of a split, chosen evenly: those of two people that have captions, the beginning of long ones."""
    indices = store.split(split)
    chosen = np.linspace(0, len(indices) - 1, min(most, len(indices))).astype(int)
    records = [store[indices[i]] for i in chosen]
    cases = [_case(record, longest) for record in records if record.features.shape[1] == PEOPLE and record.captions]
    if len(cases) < 2:
        raise UserError(
            f"{store.folder} has too few captioned clips of two people in its split {split!r}; use a larger corpus."
        )
    return cases


def _case(record: Record, longest: int) -> Case:
    kinds = tuple(act["kind"] for act in acts_of(record.facts or {}))
    return Case(record.features[:longest].astype(np.float16), tuple(record.captions), tuple(record.held_out_captions), kinds)


def fit_normalisation(model: InterCLIP, clips: Sequence[Clip]) -> None:
    """Set the mean and deviation of what the motion tower reads, the same for both people."""
    rows = [clip.features[::8, :, :NUM_INPUTS].reshape(-1, NUM_INPUTS) for clip in clips]
    vectors = torch.from_numpy(np.concatenate(rows))
    deviation = vectors.std(0)
    model.mean.copy_(vectors.mean(0))
    # a number that hardly changes in the corpus must not become huge where it does
    model.std.copy_(deviation.clamp_min(0.1 * float(deviation.median())))


class Pairs:
    """Batches by index: frame vectors (B, T, 2, 262), lengths (B,), text tokens (B, n), and which two different pairs have the
    same caption (B, B)."""

    def __init__(self, clips: Sequence[Clip], tokens: TextTokens, config: CaptionedConfig) -> None:
        self._batches, self._tokens = CaptionedClips(clips, config), tokens

    def __call__(self, index: int) -> Batch:
        batch = self._batches(index)
        features, mask, captions = batch.features(), batch.mask, batch.captions
        said = np.array([" ".join(caption.lower().split()).rstrip(".") for caption in captions])
        also = torch.from_numpy(said[:, None] == said) & ~torch.eye(len(said), dtype=torch.bool)
        return features.transpose(1, 2), mask.sum(dim=1).long(), self._tokens(captions), also


def contrastive_loss(model: nn.Module, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
    """Symmetric cross-entropy (Radford et al., 2021) over the pairs of this process, which `run_loop` takes.

    A caption that another clip has too is no wrong answer for that clip: such pairs (`false_negatives`, how many of them a
    clip has) are left out.
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


def retrieval(extractor: Extractor, cases: Sequence[Case], seed: int) -> dict[str, float]:
    """How well clips are found by a caption among 96, mean over batches: R-precision and distance for captions (`r_1` …) and
    for wordings that no training clip has (`held_out_r_1` …), and the same with captions dealt out at random (`shuffled_r_3`).

    `same_kind`: other clips of the 96 in which the same happens, which a caption that tells no more fits as well.
    """
    random = np.random.default_rng([seed, len(cases)])
    order = random.permutation(len(cases))
    size = min(_CANDIDATES, len(cases))
    batches = [order[start : start + size] for start in range(0, len(order) - size + 1, size)]
    used = [cases[index] for index in np.concatenate(batches)]
    motions = extractor.embed_motions([case.features for case in used])
    rows = [slice(start, start + size) for start in range(0, len(used), size)]
    figures: dict[str, float] = {}
    for name, wordings in (("", [case.captions for case in used]), ("held_out_", [case.held_out_captions for case in used])):
        if not all(wordings):
            continue
        texts = extractor.embed_texts([str(random.choice(several)) for several in wordings])
        found = np.mean([r_precision(texts[row], motions[row]) for row in rows], axis=0)
        figures |= {f"{name}r_{k}": float(value) for k, value in enumerate(found, start=1)}
        figures[f"{name}mm_distance"] = mm_distance(texts, motions)
        dealt = [r_precision(texts[row][random.permutation(size)], motions[row]) for row in rows]
        figures[f"{name}shuffled_r_3"] = float(np.mean(dealt, axis=0)[2])
    kinds = [[case.kinds for case in used[row]] for row in rows]
    figures["same_kind"] = float(np.mean([several.count(one) - 1 for several in kinds for one in several]))
    return figures
