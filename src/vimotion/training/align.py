"""Stage 2: feature alignment. A backbone gets the words for motion and learns them through low-rank adapters."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peft import PeftModel
from pydantic import Field

from vimotion.artifacts import run_folder, vimotion_home
from vimotion.config import Config
from vimotion.corpora import open_store
from vimotion.inter_mt2.conversations import ConversationStore, open_conversations
from vimotion.language.backbone import SMOLLM2, load_backbone
from vimotion.language.cutting import cut_depth, cut_vocabulary
from vimotion.language.layout import Layout
from vimotion.language.lora import add_lora, is_new_row, merge_lora
from vimotion.language.model_folder import ModelFolder
from vimotion.language.rendering import with_system
from vimotion.language.vocabulary import MotionVocabulary, add_motion_rows
from vimotion.tasks import Conversation, TextPart, possible_tasks, sample_conversation
from vimotion.tokenizer import MotionTokenizer
from vimotion.training.examples import ExamplesConfig
from vimotion.training.motion_codes import MotionCodes
from vimotion.training.processes import processes
from vimotion.training.tuning import LanguageRecipe, codes_of, tune, write_model

# The paper's four tasks of this stage; their weights are our choice.
ALIGN_TASKS = {"text_to_motion": 3.0, "motion_to_text": 1.0, "reaction": 1.0, "prediction": 1.0}


class VocabularyConfig(Config):
    """How the backbone's vocabulary is cut: to the tokens of the corpus' texts and of the templates, and the commonest.

    Attributes:
        conversations: so many sampled conversations show which words the tasks use.
        inter_mt2: folder of a store of Inter-MT2 whose words stay too; a relative one lies under the VIMotion home.
        common: merges that stay because they are common in the backbone's own training, for words that users may type.
    """

    conversations: int = Field(default=4000, ge=0)
    inter_mt2: Path | None = None
    common: int = Field(default=6000, ge=0)


class AlignRecipe(LanguageRecipe):
    """How alignment is done.

    Attributes:
        tokenizer: folder of the motion tokenizer; a relative one lies under the VIMotion home.
        backbone: see `load_backbone`.
        layers: the backbone's layers that are kept, by number; None keeps all.
        vocabulary: None keeps all of it.
        lora_rank: of the adapters; the paper does not say.
        row_rate: learning rate of the motion tokens' rows over that of the adapters.
    """

    name: str = "align"
    tokenizer: Path = Path("runs/tokenizer")
    backbone: str = SMOLLM2
    layers: tuple[int, ...] | None = None
    vocabulary: VocabularyConfig | None = VocabularyConfig()
    lora_rank: int = Field(default=32, gt=0)
    row_rate: float = Field(default=2.0, gt=0)
    examples: ExamplesConfig = ExamplesConfig(tasks=ALIGN_TASKS)


def train_align(recipe: AlignRecipe, output: Path | None = None, resume: bool = False) -> Path:
    """Align a backbone and write a model folder with the adapters merged in, ready for `train_instruct`.

    Args:
        output: the folder; default: the run folder `recipe.name`.
        resume: go on with an interrupted run.
    """
    folder = output or run_folder(recipe.name)
    codec = vimotion_home() / recipe.tokenizer
    codes = codes_of(open_store(recipe.store), recipe, codec)
    with processes().local_main_process_first():  # one of them fetches the backbone
        built = build_model(recipe, MotionTokenizer.load(codec), codes)
    torch.manual_seed(recipe.loop.seed)  # of the adapters
    adapted = add_lora(built.model, recipe.lora_rank, range(built.layout.first_id, len(built.tokenizer)))
    result = tune(adapted, built.tokenizer, built.layout, codes, recipe, _groups(adapted, recipe), folder, resume)
    if processes().is_main_process:
        built.model = merge_lora(adapted)
    write_model(result, built, "align", recipe, {"tokenizer": codec}, folder)
    return folder


def _groups(adapted: PeftModel, recipe: AlignRecipe) -> list[dict[str, Any]]:
    """The adapters, and the rows of the new tokens without weight decay."""
    trainable = {name: parameter for name, parameter in adapted.named_parameters() if parameter.requires_grad}
    return [
        {"params": [parameter for name, parameter in trainable.items() if not is_new_row(name)]},
        {
            "params": [parameter for name, parameter in trainable.items() if is_new_row(name)],
            "lr": recipe.row_rate * recipe.loop.learning_rate,
            "weight_decay": 0.0,
        },
    ]


def build_model(recipe: AlignRecipe, codec: MotionTokenizer, codes: MotionCodes) -> ModelFolder:
    """The backbone, cut, with the motion tokens: where alignment starts."""
    model, tokenizer = load_backbone(recipe.backbone)
    if recipe.layers is not None:
        cut_depth(model, recipe.layers)
    if recipe.vocabulary is not None:
        told = recipe.vocabulary.inter_mt2
        texts = chain(
            texts_in_use(codes, recipe.vocabulary.conversations, recipe.loop.seed),
            texts_of(open_conversations(vimotion_home() / told)) if told else (),
        )
        tokenizer = cut_vocabulary(model, tokenizer, texts, recipe.vocabulary.common)
    tokenizer.chat_template = with_system(str(tokenizer.chat_template))
    vocabulary = MotionVocabulary(codec.spec)
    layout = Layout(codec.spec, vocabulary.add_to(tokenizer))
    add_motion_rows(model, vocabulary, layout.first_id, codec.codec.quantizer.codebook, recipe.loop.seed)
    return ModelFolder(model, tokenizer, codec)


def texts_in_use(codes: MotionCodes, conversations: int, seed: int) -> Iterator[str]:
    """The training captions and what is said in sampled conversations of all tasks, and the roles' names."""
    clips = codes.split("train")
    random = np.random.default_rng([seed, 1])
    yield from ("system", "user", "assistant")
    yield from chain.from_iterable(codes.record(index).captions for index in clips)
    for index in random.choice(clips, conversations):
        record = codes.record(index)
        source = codes.record(codes.index_of(record.edit_of)) if record.edit_of else None
        for task in possible_tasks(record, codes.spec.step_frames):
            yield from _said(sample_conversation(task, record, random, source=source, step_frames=codes.spec.step_frames))


def texts_of(conversations: ConversationStore) -> Iterator[str]:
    """What is said in the training split of a store of Inter-MT2."""
    return chain.from_iterable(_said(conversations[index].conversation) for index in conversations.split("train"))


def _said(conversation: Conversation) -> Iterator[str]:
    return (part.text for message in conversation.messages for part in message.parts if isinstance(part, TextPart))
