"""Both language stages on the tiny backbone: what they write, and that an interrupted run ends the same."""

import json
import shutil
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from vimotion.artifacts import read_manifest
from vimotion.chat import load_model
from vimotion.config import Config, load_config
from vimotion.errors import UserError
from vimotion.language.backbone import tiny_backbone
from vimotion.language.model_folder import ModelFolder
from vimotion.training.align import AlignRecipe, texts_in_use, train_align
from vimotion.training.instruct import InstructRecipe, train_instruct
from vimotion.training.motion_codes import MotionCodes

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
import average_models

RECIPES = Path(__file__).parents[2] / "recipes"
SMALL = ["loop.steps=8", "loop.log_steps=4", "loop.save_steps=4", "validation_batches=1", "examples.rows=2"]


@pytest.fixture(scope="module")
def aligned(home: Path) -> Path:
    return train_align(load_config(AlignRecipe, RECIPES / "align" / "tiny.yaml", SMALL))


@pytest.fixture(scope="module")
def instructed(aligned: Path) -> Path:
    return train_instruct(
        load_config(InstructRecipe, RECIPES / "instruct" / "tiny.yaml", [*SMALL, "guidance=2", "examples.unsaid=0.2"])
    )


def test_a_model_is_guided_as_it_was_made_for(aligned: Path, instructed: Path) -> None:
    assert [load_model(folder).decoder.guidance for folder in (aligned, instructed)] == [1.0, 2.0]


def test_the_mean_of_two_trainings_lies_between_them(aligned: Path, instructed: Path, tmp_path: Path) -> None:
    average_models.average(tmp_path / "mean", [instructed, aligned])
    one, other, mean = (load_file(folder / "model.safetensors") for folder in (instructed, aligned, tmp_path / "mean"))
    assert all(torch.allclose(mean[name], (one[name] + other[name]) / 2, atol=1e-7) for name in mean)
    assert any(not torch.equal(one[name], other[name]) for name in mean)
    assert read_manifest(tmp_path / "mean")["kind"] == "instruct" and load_model(tmp_path / "mean").decoder.guidance == 2.0


@pytest.mark.parametrize("stage, recipe", [("align", AlignRecipe), ("instruct", InstructRecipe)])
def test_recipes_load(stage: str, recipe: type[Config]) -> None:
    names = {path.stem for path in (RECIPES / stage).glob("*.yaml") if load_config(recipe, path)}
    assert names >= {"default", "tiny", "paper"}


@pytest.mark.parametrize("stage", ["aligned", "instructed"])
def test_a_stage_leaves_a_whole_model_folder(stage: str, home: Path, request: pytest.FixtureRequest) -> None:
    folder: Path = request.getfixturevalue(stage)
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    assert not any("lora" in name for name, _ in model.named_parameters())
    assert "<|motion_start|>" in tokenizer.get_vocab() and "VIMotion" in tokenizer.chat_template
    assert ModelFolder.load(folder).layout.first_id == 259
    manifest = read_manifest(folder)
    assert manifest["kind"] == {"aligned": "align", "instructed": "instruct"}[stage]
    assert set(manifest["parents"]) == {"corpus", "tokenizer" if stage == "aligned" else "aligned"}
    assert manifest["metrics"]["validation_level_1"] > 0 and manifest["metrics"]["examples_too_long"] < 0.05
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert any("tokens_per_second" in line for line in lines) and any("validation_text" in line for line in lines)


def test_alignment_leaves_the_old_rows_and_instruction_tuning_leaves_nothing(
    home: Path, codes: MotionCodes, aligned: Path, instructed: Path
) -> None:
    start, first, second = tiny_backbone()[0].state_dict(), *(load_file(f / "model.safetensors") for f in (aligned, instructed))
    table = "model.embed_tokens.weight"
    assert torch.equal(first[table][:259], start[table]) and not torch.equal(first[table][259:], start[table][:1])
    assert not torch.equal(first["model.layers.0.mlp.up_proj.weight"], start["model.layers.0.mlp.up_proj.weight"])
    assert torch.equal(first["model.norm.weight"], start["model.norm.weight"])
    assert not any(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("stage", ["aligned", "instructed"])
def test_an_interrupted_run_ends_the_same(stage: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    straight: Path = request.getfixturevalue(stage)
    broken = tmp_path / "broken"
    shutil.copytree(straight, broken, ignore=shutil.ignore_patterns("step-000000008"))
    (broken / "model.safetensors").unlink()
    if stage == "aligned":
        train_align(load_config(AlignRecipe, straight / "recipe.yaml"), broken, resume=True)
    else:
        train_instruct(load_config(InstructRecipe, straight / "recipe.yaml"), broken, resume=True)
    expected, found = (load_file(folder / "model.safetensors") for folder in (straight, broken))
    assert all(torch.equal(expected[name], found[name]) for name in expected)


def test_training_lowers_the_loss(home: Path, aligned: Path, tmp_path: Path) -> None:
    changes = ["loop.steps=40", "loop.learning_rate=0.01", "examples.tasks={motion_to_text: 1}", "examples.row_tokens=640"]
    folder = train_instruct(load_config(InstructRecipe, RECIPES / "instruct" / "tiny.yaml", SMALL + changes), tmp_path / "run")
    losses = [line["loss"] for line in map(json.loads, (folder / "metrics.jsonl").read_text().splitlines()) if "loss" in line]
    assert losses[-1] < 0.7 * losses[0]


def test_the_vocabulary_is_cut_to_what_the_tasks_say(home: Path, codes: MotionCodes) -> None:
    texts = set(texts_in_use(codes, 20, seed=0))
    assert set(codes.record(int(codes.split("train")[0])).captions) <= texts and "assistant" in texts
    held_out = codes.record(int(codes.split("train")[0])).held_out_captions
    assert not texts & set(held_out)


def test_a_model_of_another_codec_is_refused(home: Path, codes: MotionCodes, aligned: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    shutil.copytree(aligned, wrong)
    shutil.rmtree(wrong / "motion_codec")
    recipe = load_config(InstructRecipe, RECIPES / "instruct" / "tiny.yaml", [f"aligned={wrong}"])
    with pytest.raises(UserError, match="motion tokenizer"):
        train_instruct(recipe, tmp_path / "run")
