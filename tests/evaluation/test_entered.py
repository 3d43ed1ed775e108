"""Contestants by their names in a recipe."""

from pathlib import Path
from typing import Any

import pytest
from small_generator import random_generator
from tiny_model import tiny_model

from vimotion.corpora import Store
from vimotion.errors import UserError
from vimotion.evaluation.contestants import Reconstruction
from vimotion.evaluation.entered import CONTESTANTS, check_models, folders_of, make_contestant
from vimotion.evaluation.evaluate import EvaluateRecipe
from vimotion.evaluation.examples import TASKS, make_examples
from vimotion.evaluation.generator_contestants import Chain
from vimotion.evaluation.language_contestants import VIMotion
from vimotion.evaluation.text_model import LocalText, ServedText
from vimotion.language.backbone import TINY
from vimotion.motion import Interaction


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("models")
    tiny_model().save(folder / "model")
    random_generator(max_frames=300, frames_per_token=4).save(folder / "generator")
    return {"model": str(folder / "model"), "generator": {"model": str(folder / "generator")}}


def recipe(store: Store, **changes: Any) -> EvaluateRecipe:
    return EvaluateRecipe.model_validate({"corpus": store.folder, **changes})


def test_all_of_them_take_part(store: Store, folders: dict[str, str]) -> None:
    entered = [make_contestant(name, recipe(store, **folders), store) for name in CONTESTANTS]
    assert [contestant.name for contestant in entered] == list(CONTESTANTS)
    assert all(set(contestant.tasks) <= set(TASKS) for contestant in entered)
    # every benchmark has somebody beside the truth and the model
    rivals = {task for one in entered if one.name in ("intergen", "retrieval", "chain") for task in one.tasks}
    assert rivals == set(TASKS)


def test_models_are_shared_and_answer(store: Store, folders: dict[str, str]) -> None:
    made = {name: make_contestant(name, recipe(store, **folders), store) for name in CONTESTANTS}
    vimotion, chain, reconstruction = (made[name] for name in ("vimotion", "chain", "reconstruction"))
    assert isinstance(vimotion, VIMotion) and isinstance(chain, Chain) and isinstance(reconstruction, Reconstruction)
    assert vimotion._loads[0]() is chain._describer()
    examples = make_examples("text_to_motion", store, 2, seed=1)
    for name in ("intergen", "reconstruction"):
        assert all(isinstance(answer, Interaction) for answer in made[name].answers(examples, 0))


def test_other_models_take_part_under_a_name(store: Store, folders: dict[str, str]) -> None:
    trained = recipe(store, models={"without": [folders["model"]] * 2}, seeds=[3, 4])
    entered = make_contestant("without", trained, store)
    assert isinstance(entered, VIMotion) and (entered.name, len(entered._loads)) == ("without", 2)
    assert list(folders_of("without", trained)) == ["without", "without 1"]


@pytest.mark.parametrize(
    ("models", "message"),
    [
        ({"chain": ["a"]}, "chain is a contestant of its own"),
        ({"other": ["a"]}, "The model other is no contestant"),
        ({"without": ["a", "b"]}, "2 models, and there are 3 seeds"),
        ({"without": []}, "0 models"),
    ],
)
def test_models_that_cannot_take_part_are_refused(models: dict[str, list[str]], message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_models(models, ["real", "without"], [0, 1, 2])


def test_the_text_model_is_a_server_s_or_the_one_on_this_machine(
    store: Store, folders: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    served = make_contestant("chain", recipe(store, **folders, text_model={"model": "writer"}), store)
    assert isinstance(served, Chain) and isinstance(served._text_model(), ServedText)
    monkeypatch.setattr("vimotion.language.backbone.SMOLLM2", TINY)
    local = make_contestant("chain", recipe(store, **folders), store)
    assert isinstance(local, Chain) and isinstance(local._text_model(), LocalText)


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("vimotion", {"model": "nobody"}, r"nobody is not a model.*`vimotion train instruct`"),
        ("reconstruction", {"model": "nobody"}, r"nobody is not a model.*`vimotion train instruct`"),
        ("reconstruction", {"tokenizer": "nothing"}, r"nothing is not a motion tokenizer.*`vimotion train tokenizer`"),
        ("without", {"models": {"without": ["nobody"]}}, r"nobody is not a model.*`vimotion train align`"),
        ("intergen", {"generator": {"model": "nothing"}}, r"no motion generator 'nothing'.*`vimotion train intergen`"),
        ("chain", {"generator": {"model": "nothing"}}, r"no motion generator 'nothing'.*`vimotion train intergen`"),
    ],
)
def test_what_is_missing_is_one_sentence(
    store: Store, name: str, changes: dict[str, str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIMOTION_HOME", str(tmp_path))
    with pytest.raises(UserError, match=message) as raised:
        make_contestant(name, recipe(store, **changes), store)
    assert "\n" not in str(raised.value)
