"""What the two language stages share: preparing the corpus, tuning on answers, writing the model folder."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from peft import PeftModel
from pydantic import Field
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from vimotion.artifacts import vimotion_home, write_manifest
from vimotion.config import Config, save_config
from vimotion.corpora import Store
from vimotion.language.layout import Layout
from vimotion.language.model_folder import ModelFolder
from vimotion.training import attention  # noqa: F401  (registers "packed")
from vimotion.training.alternatives import Alternatives
from vimotion.training.answers import AnswerLoss, answer_loss, validation
from vimotion.training.checkpoints import check_free
from vimotion.training.dialogues import Dialogues
from vimotion.training.examples import Examples, ExamplesConfig
from vimotion.training.loop import LoopConfig, LoopResult, run_loop
from vimotion.training.motion_codes import MotionCodes, prepare_codes
from vimotion.training.plan_config import PlanConfig
from vimotion.training.processes import processes
from vimotion.training.talk import Talk

# Held-out examples come from another stream of random numbers than the training's.
_VALIDATION_SEED = 7_919


class LanguageRecipe(Config):
    """What both language stages are told.

    Attributes:
        name: of the run folder.
        corpus: folder of the prepared store; a relative one lies under the VIMotion home.
        attention: "packed" computes nothing across the examples of a row, see `packed_attention`: for CPUs; of the others
            "eager" is the fastest there on short rows (LOG.md); "flash_attention_2" is for GPUs.
        gradient_checkpointing: keep only what enters each layer and compute the rest again on the way back: a third more
            computing, and room for a large model.
        validation_batches: batches of the validation split behind the figures.
    """

    name: str
    corpus: Path = Path("corpora/scripted")
    attention: Literal["eager", "sdpa", "packed", "flash_attention_2"] = "sdpa"
    gradient_checkpointing: bool = False
    validation_batches: int = Field(default=8, gt=0)
    examples: ExamplesConfig
    loop: LoopConfig = LoopConfig()
    plan: PlanConfig = PlanConfig()

    @property
    def store(self) -> Path:
        return vimotion_home() / self.corpus


def codes_of(store: Store, recipe: LanguageRecipe, codec: Path) -> MotionCodes:
    """A prepared store in the codes of the codec in a folder; one process makes them, the others wait."""

    def show(done: int, total: int) -> None:
        print(f"\rencoding motions: {done} of {total} clips", end="\n" if done == total else "", file=sys.stderr, flush=True)

    with processes().main_process_first():
        return prepare_codes(store, codec, recipe.examples.first_frames, show, processes().device)


def tune(
    model: PreTrainedModel | PeftModel,
    tokenizer: PreTrainedTokenizerFast,
    layout: Layout,
    codes: MotionCodes,
    recipe: LanguageRecipe,
    groups: list[dict[str, Any]],
    folder: Path,
    resume: bool,
    told: Dialogues | None = None,
    talk: Talk | None = None,
    alternatives: Alternatives | None = None,
) -> LoopResult:
    """Train what `groups` hold on the answers of conversations: sampled about the corpus, and those of `told` and `talk`."""
    check_free(folder, resume)
    loss = AnswerLoss(model, alternatives)
    loss.causal.set_attn_implementation(recipe.attention)
    if recipe.gradient_checkpointing:
        loss.causal.gradient_checkpointing_enable({"use_reentrant": False})
    examples = Examples(codes, tokenizer, layout, recipe.examples, recipe.loop.seed, dialogues=told, talk=talk)
    held_out = Examples(codes, tokenizer, layout, recipe.examples, _VALIDATION_SEED, "val", told, talk)
    validate = validation([held_out(index) for index in range(recipe.validation_batches)], layout)
    if processes().is_main_process:
        save_config(recipe, folder / "recipe.yaml")
    return run_loop(
        loss, answer_loss, examples, recipe.loop, folder, resume, groups,
        count=lambda batch: int((batch["position_ids"] > 0).sum()), unit="tokens",
        evaluate=lambda trained: validate(trained) | {"examples_too_long": held_out.too_long, "padding": held_out.padding},
        shardable=True,
    )  # fmt: skip


def write_model(
    result: LoopResult, built: ModelFolder, kind: str, recipe: LanguageRecipe, parents: Mapping[str, Path], folder: Path
) -> None:
    """The model folder with its manifest, written by one process."""
    if processes().is_main_process:
        built.model.cpu()
        built.save(folder)
        config = recipe.model_dump(mode="json")
        write_manifest(folder, kind, config, recipe.loop.seed, {"corpus": recipe.store, **parents}, result.metrics)
    processes().wait_for_everyone()
