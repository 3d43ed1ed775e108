"""Who takes part, and the models that they are made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from vimotion.artifacts import run_folder, vimotion_home
from vimotion.corpora import Store
from vimotion.errors import UserError
from vimotion.evaluation.contestants import Contestant, Real, Reconstruction, Retrieval, Standstill
from vimotion.evaluation.generator_contestants import Chain, InterGEN
from vimotion.evaluation.language_contestants import VIMotion
from vimotion.evaluation.samples import GIVEN
from vimotion.evaluation.text_model import LocalText, ServedText, TextModel
from vimotion.llm.client import ServerConfig

if TYPE_CHECKING:
    from vimotion.chat import Model
    from vimotion.evaluation.evaluate import EvaluateRecipe
    from vimotion.intergen import Sample, Sampler
    from vimotion.tokenizer import MotionTokenizer

# What each is made of; `EvaluateRecipe.models` adds others.
_PARTS: dict[str, tuple[str, ...]] = {
    "real": (), "reconstruction": ("tokenizer",), "vimotion": ("model",), "intergen": ("generator",), "retrieval": (),
    "chain": ("model", "generator"), "standstill": (),
}  # fmt: skip
CONTESTANTS = tuple(_PARTS)


def make_contestant(name: str, recipe: EvaluateRecipe, store: Store) -> Contestant:
    """The contestant of this name, with the settings of the recipe. Its models are loaded when it has something to answer.

    Raises:
        UserError: something that it is made of is missing.
    """
    folders = folders_of(name, recipe)
    if name in recipe.models:
        return VIMotion(name, [partial(_model, folder) for folder in folders.values()], recipe.seeds)
    makers: dict[str, Callable[[], Contestant]] = {
        "real": Real,
        "reconstruction": lambda: Reconstruction(partial(_tokenizer, folders["tokenizer"])),
        "vimotion": lambda: VIMotion(name, [partial(_model, folders["model"])]),
        "intergen": lambda: InterGEN(partial(_sample, recipe.generator)),
        "retrieval": lambda: Retrieval(store, recipe.retrieval_clips),
        "chain": lambda: Chain(
            partial(_model, folders["model"]),
            partial(_text_model, recipe.text_model),
            partial(_sample, recipe.generator),
        ),
        "standstill": Standstill,
    }
    return makers[name]()


def folders_of(name: str, recipe: EvaluateRecipe) -> dict[str, Path]:
    """Where the parts of a contestant lie, by what they are in the recipe.

    Raises:
        UserError: one is not there.
    """
    if name in recipe.models:
        trained = [_model_folder(model) for model in recipe.models[name]]
        return {f"{name} {number}" if number else name: folder for number, folder in enumerate(trained)}
    return {part: _part_folder(part, recipe) for part in _PARTS[name]}


def check_models(models: dict[str, tuple[str, ...]], contestants: Sequence[str], seeds: Sequence[int]) -> None:
    """Whether models that a recipe adds can take part.

    Raises:
        UserError: one cannot, or does not.
    """
    for name, trained in models.items():
        if not re.fullmatch(r"[a-z0-9_-]+", name) or name == GIVEN:
            raise UserError(
                f"A model cannot be called {name!r}: take small letters, digits, - and _, and another word than given."
            )
        if name in CONTESTANTS:
            raise UserError(f"{name} is a contestant of its own; give the model in `models` another name.")
        if name not in contestants:
            raise UserError(f"The model {name} is no contestant; name it under `contestants` as well, or leave it out.")
        if len(trained) not in (1, len(seeds)):
            raise UserError(f"{name} is {len(trained)} models, and there are {len(seeds)} seeds; name one, or one for each.")


def _part_folder(part: str, recipe: EvaluateRecipe) -> Path:
    """Where a part lies: "model", "generator" or "tokenizer"."""
    if part == "generator":
        return recipe.generator.folder()
    if part == "tokenizer" and recipe.tokenizer is not None:
        return _holding("config.json", vimotion_home() / recipe.tokenizer, "a motion tokenizer", "vimotion train tokenizer")
    from vimotion.chat.model import SHIPPED
    from vimotion.language.model_folder import CODEC

    folder = SHIPPED if recipe.model is None else _model_folder(recipe.model)
    return folder / CODEC if part == "tokenizer" else folder


def _model_folder(name: str) -> Path:
    return _holding("config.json", _folder_or_run(name), "a model", "vimotion train instruct` or `vimotion train align")


def _holding(file: str, folder: Path, what: str, command: str) -> Path:
    if not (folder / file).is_file():
        raise UserError(f"{folder} is not {what}, for it has no {file}: make one with `{command}` and name it in the recipe.")
    return folder


def _folder_or_run(name: str) -> Path:
    folder = Path(name).expanduser()
    return folder if folder.is_dir() else run_folder(name)


# Contestants share what they are made of.
@lru_cache(maxsize=2)
def _model(folder: Path) -> Model:
    from vimotion.chat import load_model

    return load_model(folder)


@lru_cache(maxsize=1)
def _sample(sampler: Sampler) -> Sample:
    return sampler.load()


def _text_model(config: ServerConfig | None) -> TextModel:
    return _local_text() if config is None else ServedText(config)


@lru_cache(maxsize=1)
def _local_text() -> TextModel:
    from vimotion.language.backbone import SMOLLM2, load_backbone

    return LocalText(*load_backbone(SMOLLM2))


def _tokenizer(folder: Path) -> MotionTokenizer:
    from vimotion.tokenizer import MotionTokenizer

    return MotionTokenizer.load(folder)
