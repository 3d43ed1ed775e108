"""Who takes part, and the models that they are made of."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from vimotion import intergen
from vimotion.artifacts import run_folder, vimotion_home
from vimotion.corpora import Store
from vimotion.errors import UserError
from vimotion.evaluation.contestants import Contestant, Real, Reconstruction, Retrieval, Standstill
from vimotion.evaluation.generator_contestants import Chain, InterGEN
from vimotion.evaluation.language_contestants import AlignedVIMotion, VIMotion
from vimotion.evaluation.text_model import LocalText, ServedText, TextModel
from vimotion.llm.client import ServerConfig

if TYPE_CHECKING:
    from vimotion.chat import Model
    from vimotion.evaluation.evaluate import EvaluateRecipe
    from vimotion.intergen import MotionGenerator
    from vimotion.tokenizer import MotionTokenizer

# What each is made of, see `part_folder`.
PARTS: dict[str, tuple[str, ...]] = {
    "real": (), "reconstruction": ("tokenizer",), "vimotion": ("model",), "vimotion_aligned": ("aligned",),
    "intergen": ("generator",), "retrieval": (), "chain": ("model", "generator"), "standstill": (),
}  # fmt: skip
CONTESTANTS = tuple(PARTS)


def make_contestant(name: str, recipe: EvaluateRecipe, store: Store) -> Contestant:
    """The contestant of this name, with the settings of the recipe. Its models are loaded when it has something to answer.

    Raises:
        UserError: there is no such contestant, or something that it is made of is missing.
    """
    if name not in PARTS:
        raise UserError(f"There is no contestant {name!r}; choose {', '.join(PARTS)}.")
    folders = {part: part_folder(part, recipe) for part in PARTS[name]}
    makers: dict[str, Callable[[], Contestant]] = {
        "real": Real,
        "reconstruction": lambda: Reconstruction(partial(_tokenizer, folders["tokenizer"])),
        "vimotion": lambda: VIMotion(partial(_model, folders["model"])),
        "vimotion_aligned": lambda: AlignedVIMotion(partial(_model, folders["aligned"])),
        "intergen": lambda: InterGEN(partial(_generator, folders["generator"])),
        "retrieval": lambda: Retrieval(store, recipe.retrieval_clips),
        "chain": lambda: Chain(
            partial(_model, folders["model"]),
            partial(_text_model, recipe.text_model),
            partial(_generator, folders["generator"]),
        ),
        "standstill": Standstill,
    }
    return makers[name]()


def part_folder(part: str, recipe: EvaluateRecipe) -> Path:
    """Where a part of a contestant lies: "model", "aligned", "generator" or "tokenizer".

    Raises:
        UserError: it is not there.
    """
    if part == "aligned":
        if recipe.aligned is None:
            raise UserError(
                "Name in the recipe (aligned) what vimotion_aligned is: the folder or the run of `vimotion train align`."
            )
        return _holding("config.json", _folder_or_run(recipe.aligned), "a model", "vimotion train align")
    if part == "generator":
        name = str(recipe.generator or intergen.NAME)
        folder = intergen.find_generator(name) or _folder_or_run(name)
        return _holding("config.json", folder, "a motion generator", "vimotion train intergen")
    if part == "tokenizer" and recipe.tokenizer is not None:
        return _holding("config.json", vimotion_home() / recipe.tokenizer, "a motion tokenizer", "vimotion train tokenizer")
    from vimotion.chat.model import SHIPPED
    from vimotion.language.model_folder import CODEC

    folder = SHIPPED if recipe.model is None else _folder_or_run(recipe.model)
    _holding("config.json", folder, "a model", "vimotion train instruct")
    return folder / CODEC if part == "tokenizer" else folder


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
def _generator(folder: Path) -> MotionGenerator:
    return intergen.MotionGenerator.load(folder)


def _text_model(config: ServerConfig | None) -> TextModel:
    return _local_text() if config is None else ServedText(config)


@lru_cache(maxsize=1)
def _local_text() -> TextModel:
    from vimotion.language.backbone import SMOLLM2, load_backbone

    return LocalText(*load_backbone(SMOLLM2))


def _tokenizer(folder: Path) -> MotionTokenizer:
    from vimotion.tokenizer import MotionTokenizer

    return MotionTokenizer.load(folder)
