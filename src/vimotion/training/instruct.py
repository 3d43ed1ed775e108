"""Stage 3: instruction tuning. The aligned model, its adapters merged, is tuned in all its weights on all tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from vimotion.artifacts import run_folder, vimotion_home
from vimotion.corpora import open_store
from vimotion.inter_mt2.conversations import open_conversations
from vimotion.language.model_folder import CODEC, GUIDANCE, ModelFolder
from vimotion.language.vocabulary import tables_of
from vimotion.tokenizer import MotionTokenizer
from vimotion.training.alternatives import Alternatives
from vimotion.training.dialogues import Dialogues, check_corpus
from vimotion.training.examples import ExamplesConfig
from vimotion.training.loop import LoopConfig
from vimotion.training.motion_codes import MotionCodes
from vimotion.training.talk import Talk
from vimotion.training.tuning import LanguageRecipe, codes_of, tune, write_model

INSTRUCT_TASKS = {
    "text_to_motion": 3.0, "motion_to_text": 1.0, "reaction": 1.0, "prediction": 0.5,
    "editing": 1.5, "question": 1.5, "conversation": 1.5, "caption": 0.7,
}  # fmt: skip


class InstructRecipe(LanguageRecipe):
    """How instruction tuning is done.

    Attributes:
        aligned: model folder of the alignment; a relative one lies under the VIMotion home.
        conversations: folder of a store of Inter-MT2 about clips of the corpus; a relative one lies under the VIMotion home.
        talk: JSON lines with `messages` in words alone, see `Talk`; a relative path lies under the VIMotion home.
        table_rate: learning rate of embedding and head over that of all other weights.
        guidance: of motions at use, see `chat.Sampling`; more than 1 wants `examples.unsaid`.
        told_apart: a token is told apart from the "legal" ones in its place (`Alternatives`), or from "all" of the vocabulary.
    """

    name: str = "instruct"
    aligned: Path = Path("runs/align")
    conversations: Path | None = None
    talk: Path | None = None
    table_rate: float = Field(default=2.0, gt=0)
    told_apart: Literal["legal", "all"] = "all"
    guidance: float = Field(default=1.0, ge=0)
    examples: ExamplesConfig = ExamplesConfig(tasks=INSTRUCT_TASKS)
    loop: LoopConfig = LoopConfig(learning_rate=1.2e-3)


def train_instruct(recipe: InstructRecipe, output: Path | None = None, resume: bool = False) -> Path:
    """Tune all weights of an aligned model and write a model folder.

    Args:
        output: the folder; default: the run folder `recipe.name`.
        resume: go on with an interrupted run.
    """
    folder = output or run_folder(recipe.name)
    aligned = vimotion_home() / recipe.aligned
    built = ModelFolder.load(aligned)
    codes = codes_of(open_store(recipe.store), recipe, aligned / CODEC)
    told = _dialogues(recipe, aligned / CODEC, codes)
    talk = Talk(vimotion_home() / recipe.talk) if recipe.talk else None
    alternatives = Alternatives(built.layout) if recipe.told_apart == "legal" else None
    groups = _groups(built, recipe)
    result = tune(built.model, built.tokenizer, built.layout, codes, recipe, groups, folder, resume, told, talk, alternatives)
    setattr(built.model.config, GUIDANCE, recipe.guidance)
    further = {"conversations": recipe.conversations, "talk": recipe.talk}
    parents = {name: vimotion_home() / path for name, path in further.items() if path}
    write_model(result, built, "instruct", recipe, {"aligned": aligned, **parents}, folder)
    return folder


def _dialogues(recipe: InstructRecipe, codec: Path, codes: MotionCodes) -> Dialogues | None:
    """The conversations that a recipe names, if it does; `codes` are those of the corpus."""
    if recipe.conversations is None:
        return None
    folder = vimotion_home() / recipe.conversations
    conversations = open_conversations(folder)
    check_corpus(conversations, recipe.store)
    clips = open_store(recipe.store), open_store(folder)
    return Dialogues(conversations, (codes, codes_of(clips[1], recipe, codec)), clips, MotionTokenizer.load(codec))


def _groups(built: ModelFolder, recipe: InstructRecipe) -> list[dict[str, Any]]:
    """Embedding and head, once where they are tied, apart from everything else; vectors without weight decay."""
    tables = {id(table): table for table in tables_of(built.model)}
    rest = [parameter for parameter in built.model.parameters() if id(parameter) not in tables]
    return [
        {"params": [parameter for parameter in rest if parameter.dim() > 1]},
        {"params": [parameter for parameter in rest if parameter.dim() <= 1], "weight_decay": 0.0},
        {"params": list(tables.values()), "lr": recipe.table_rate * recipe.loop.learning_rate, "weight_decay": 0.0},
    ]
