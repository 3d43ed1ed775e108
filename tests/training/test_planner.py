"""Plans against hand-worked values, real networks and the real corpus."""

import json
from pathlib import Path

import pytest

from vimotion.cli import main
from vimotion.config import load_config
from vimotion.errors import UserError
from vimotion.language.lora import add_lora
from vimotion.tokenizer import MotionTokenizer
from vimotion.training.align import AlignRecipe, build_model
from vimotion.training.extractor import ExtractorRecipe
from vimotion.training.instruct import InstructRecipe
from vimotion.training.motion_codes import MotionCodes
from vimotion.training.plan_config import PlanConfig
from vimotion.training.planner import gpu_hours, plan, state_memory
from vimotion.training.tokenizer import TokenizerRecipe

RECIPES = Path(__file__).parents[2] / "recipes"


def test_the_papers_backbone_is_counted_right(home: Path) -> None:
    planned = plan(load_config(AlignRecipe, RECIPES / "align" / "paper.yaml"))
    width, inner, keys, layers, rank = 4096, 14336, 1024, 32, 64
    words = 5 + 4 * 512 + 2 * 4 * 512  # spans, placements, codes
    layer = 2 * width * width + 2 * width * keys + 3 * width * inner + 2 * width
    adapters = layers * rank * (4 * width + 2 * (width + keys) + 3 * (width + inner))
    new_rows = 2 * words * width
    assert planned.parameters == 2 * (128256 + words) * width + layers * layer + width + adapters + new_rows
    assert planned.trainable == adapters + new_rows
    assert planned.a_step == 4 * 4096 * 8 and planned.total == planned.a_step * planned.steps
    assert planned.memory["weights"] == pytest.approx(4 * planned.parameters / 8 / 1e9)
    assert sum(planned.memory.values()) < 80


def test_tuning_all_weights_takes_sixteen_bytes_each_over_the_gpus(home: Path) -> None:
    planned = plan(load_config(InstructRecipe, RECIPES / "instruct" / "paper.yaml", ["plan.gpus=4"]))
    assert planned.trainable == planned.parameters > 8e9
    state = sum(planned.memory[name] for name in ("weights", "gradients", "optimizer"))
    assert state == pytest.approx(16 * planned.parameters / 4 / 1e9)
    assert "hardly fit" in str(plan(load_config(InstructRecipe, RECIPES / "instruct" / "paper.yaml", ["plan.sharding=ddp"])))


def test_memory_and_hours_by_hand() -> None:
    assert state_memory(1000, 100, PlanConfig()) == pytest.approx({"weights": 4e-6, "gradients": 4e-7, "optimizer": 8e-7})
    two = PlanConfig(gpus=2)  # gradients are sent in copies
    assert state_memory(1000, 100, two) == pytest.approx({"weights": 4e-6, "gradients": 8e-7, "optimizer": 8e-7})
    shared = PlanConfig(gpus=2, sharding="fsdp2")
    assert state_memory(1000, 100, shared) == pytest.approx({"weights": 2e-6, "gradients": 2e-7, "optimizer": 4e-7})
    # 6 · 8e9 · 1e9 operations at half of 1e15 a second
    assert gpu_hours(8 * 10**9, 10**9, PlanConfig(peak_tflops=1000, utilisation=0.5)) == pytest.approx(9.6e4 / 3600)


def test_checkpointing_makes_room_and_eager_attention_takes_some(home: Path) -> None:
    paper = RECIPES / "align" / "paper.yaml"

    def activations(*changes: str) -> float:
        return plan(load_config(AlignRecipe, paper, changes)).memory["activations"]

    assert activations() < activations("gradient_checkpointing=false") / 5
    assert activations("attention=eager") > activations() + 4


def test_a_plan_counts_the_network_and_the_corpus_that_are_there(home: Path, codes: MotionCodes) -> None:
    recipe = load_config(AlignRecipe, RECIPES / "align" / "tiny.yaml")
    built = build_model(recipe, MotionTokenizer.load(home / "runs" / "tiny-tokenizer"), codes)
    adapted = add_lora(built.model, recipe.lora_rank, range(built.layout.first_id, len(built.tokenizer)))
    planned = plan(recipe)
    assert planned.parameters == sum(parameter.numel() for parameter in adapted.parameters())
    assert planned.trainable == sum(parameter.numel() for parameter in adapted.parameters() if parameter.requires_grad)
    train = codes.split("train")
    assert planned.corpus is not None and planned.corpus["clips"] == len(train)
    assert planned.corpus["tokens"] == sum(codes.codes(index).size for index in train)
    assert planned.passes == pytest.approx(planned.total / planned.corpus["tokens"])


def test_the_tokenizer_has_a_plan_and_the_extractor_none(home: Path) -> None:
    planned = plan(load_config(TokenizerRecipe, RECIPES / "tokenizer" / "paper.yaml"))
    assert planned.unit == "windows" and 5e6 < planned.parameters < 1e8 and planned.passes
    with pytest.raises(UserError, match="tokenizer, align and instruct"):
        plan(load_config(ExtractorRecipe, RECIPES / "extractor" / "default.yaml"))


def test_the_command_prints_a_plan_and_trains_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["train", "instruct", "--recipe", str(RECIPES / "instruct" / "paper.yaml"), "--plan"]
    for more in ([], ["--json"]):
        with pytest.raises(SystemExit) as ended:
            main([*command, *more])
        assert not ended.value.code
    text, _, content = capsys.readouterr().out.rstrip().rpartition("\n")
    assert "GB of 80" in text and "estimated GPU-hours" in text and "fsdp2" in text
    assert json.loads(content)["steps"] == 1000 and not (home / "runs" / "paper-instruct").exists()
