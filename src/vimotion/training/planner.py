"""What a stage is going to take, before anything runs: parameters, tokens, memory a GPU, steps, GPU-hours.

Networks are built on the meta device, so an 8B model costs nothing to plan. Memory is reckoned by formula, without what
libraries keep for themselves (2 to 4 GB) and fragments; hours by 6 · parameters · tokens / (peak · utilisation).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM, LlamaConfig, PretrainedConfig

from vimotion.artifacts import vimotion_home
from vimotion.config import Config
from vimotion.corpora.store import prepared_info, read_rows
from vimotion.errors import UserError
from vimotion.language.backbone import SMOLLM2, TINY, tiny_backbone
from vimotion.language.lora import add_lora
from vimotion.language.model_folder import CODEC
from vimotion.language.vocabulary import MotionVocabulary
from vimotion.motion import FPS
from vimotion.tokenizer import CodecSpec
from vimotion.tokenizer.network import Codec
from vimotion.training.align import AlignRecipe
from vimotion.training.instruct import InstructRecipe
from vimotion.training.plan_config import PlanConfig
from vimotion.training.tokenizer import TokenizerRecipe
from vimotion.training.tuning import LanguageRecipe
from vimotion.weights import CONFIG

# Architectures by the names of backbones, for plans without a network. The numbers are those of the models' own config.json.
_KEPT = Path(__file__).parent / "architectures"
_ARCHITECTURES = {
    SMOLLM2: "smollm2-135m.json",
    "meta-llama/Llama-3.1-8B": "llama-3.1-8b.json",
    "meta-llama/Llama-3.1-8B-Instruct": "llama-3.1-8b.json",
}
_GB = 1e9


@dataclass(frozen=True)
class Plan:
    """What a stage is going to take.

    Attributes:
        parameters, trainable: of the network, its motion tokens and adapters included.
        corpus: clips, hours and motion tokens of the training split, each once; None where nothing is known of it.
        unit: what is counted: "tokens", or "windows" of the motion tokenizer.
        a_step, steps, total: how many of them a step takes, steps, and how many in all.
        passes: how often the corpus is seen.
        memory: GB on each GPU, by what it is for.
        host_memory: GB on each machine of eight GPUs while the model is loaded, which each process does.
        gpu_hours: an estimate.
        assumed: what the estimate rests on.
    """

    parameters: int
    trainable: int
    corpus: dict[str, float] | None
    unit: str
    a_step: int
    steps: int
    total: int
    passes: float | None
    memory: dict[str, float]
    host_memory: float
    gpu_hours: float
    assumed: PlanConfig

    def __str__(self) -> str:
        return "\n".join(f"{name:<22}{value}" for name, value in self._lines())

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"assumed": self.assumed.model_dump(mode="json")}

    def _lines(self) -> Iterator[tuple[str, str]]:
        assumed, memory = self.assumed, sum(self.memory.values())
        yield "parameters", f"{self.parameters / 1e6:,.1f} M, of them {self.trainable / 1e6:,.1f} M trained"
        if self.corpus is None:
            yield "corpus", "not prepared; say plan.clips and plan.hours"
        else:
            tokens = f", {self.corpus['tokens'] / 1e6:,.2f} M motion tokens" if "tokens" in self.corpus else ""
            yield "corpus", f"{self.corpus['clips']:,.0f} clips, {self.corpus['hours']:,.1f} h{tokens}"
        yield f"{self.unit} a step", f"{self.a_step:,}"
        seen = "" if self.passes is None else f", {self.passes:,.1f} times those of the corpus"
        yield "steps", f"{self.steps:,}: {self.total / 1e6:,.1f} M {self.unit}{seen}"
        parts = ", ".join(f"{name} {size:,.1f}" for name, size in self.memory.items())
        yield "memory a GPU", f"{memory:,.1f} GB of {assumed.gpu_memory:g} ({parts})"
        if memory > 0.9 * assumed.gpu_memory:
            yield "", "This will hardly fit: fewer rows, more GPUs with fsdp2, or gradient_checkpointing."
        yield "memory of a machine", f"{self.host_memory:,.0f} GB while {min(assumed.gpus, 8)} processes load the model"
        rate = f"{assumed.gpus} GPUs ({assumed.sharding}) of {assumed.peak_tflops:g} TFLOP/s at {assumed.utilisation:.0%}"
        wall = self.gpu_hours / assumed.gpus
        yield "estimated GPU-hours", f"{self.gpu_hours:,.1f}; {wall:,.1f} h on {rate}"


def plan(recipe: Config) -> Plan:
    """What this recipe is going to take on the machine of its `plan`.

    Raises:
        UserError: it is of a stage that has no plan, or nothing is known of its backbone.
    """
    if isinstance(recipe, TokenizerRecipe):
        return _tokenizer_plan(recipe)
    if isinstance(recipe, AlignRecipe | InstructRecipe):
        return _language_plan(recipe)
    raise UserError("Plans are made of the stages tokenizer, align and instruct.")


def gpu_hours(parameters: int, tokens: int, assumed: PlanConfig) -> float:
    """Forward and backward pass, 6 operations a parameter and token; with frozen weights a third less, which is left out."""
    return 6 * parameters * tokens / (assumed.peak_tflops * 1e12 * assumed.utilisation) / 3600


def state_memory(parameters: int, trainable: int, assumed: PlanConfig) -> dict[str, float]:
    """GB on each GPU for float32 weights, gradients (with DDP also the copies that are sent), and AdamW's two moments."""
    shards = assumed.gpus if assumed.sharding == "fsdp2" else 1
    sent = 2 if assumed.sharding == "ddp" and assumed.gpus > 1 else 1
    sizes = {"weights": 4 * parameters, "gradients": 4 * sent * trainable, "optimizer": 8 * trainable}
    return {name: size / shards / _GB for name, size in sizes.items()}


def compute_memory(model: nn.Module, config: PretrainedConfig, recipe: LanguageRecipe) -> dict[str, float]:
    """GB on each GPU for weights at the precision of computing, what layers keep for the way back, and the head's outputs."""
    examples, assumed = recipe.examples, recipe.plan
    size = 2 if recipe.loop.precision == "bf16" else 4
    tokens = examples.rows * examples.row_tokens
    width, inner, layers, heads = (
        int(getattr(config, name)) for name in ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")
    )
    head = int(getattr(config, "head_dim", None) or width // heads)
    queries, keys = heads * head, int(getattr(config, "num_key_value_heads", None) or heads) * head
    # two norms and two residuals with what enters them, queries, keys and values, what attention gives, and the gated MLP
    kept = size * (5 * width + 2 * queries + 2 * keys + 4 * inner)
    if recipe.attention == "eager":
        kept += (size + 4) * heads * examples.row_tokens
    layer = (size * width * layers + kept) if recipe.gradient_checkpointing else kept * layers
    named = dict(model.named_parameters())
    tables = sum(parameter.numel() for name, parameter in named.items() if ".layers." not in name)
    if assumed.sharding == "fsdp2":  # the tables, and a layer beside the one that is fetched ahead
        copies = size * (tables + 2 * (sum(p.numel() for p in named.values()) - tables) / layers)
    else:  # autocast keeps what is trained
        copies = size * sum(p.numel() for p in named.values() if p.requires_grad) if size == 2 else 0
    # logits, the same in float32, and the gradients of both
    logits = assumed.labelled * tokens * int(config.vocab_size) * 2 * (size + 4)
    sizes = {"copies": copies, "activations": tokens * layer, "head": logits}
    return {name: size / _GB for name, size in sizes.items()}


def _language_plan(recipe: AlignRecipe | InstructRecipe) -> Plan:
    codec, assumed = _codec(recipe), recipe.plan
    model, config = _model(recipe, codec)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    trainable = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    a_step = recipe.examples.rows * recipe.examples.row_tokens * recipe.loop.gradient_accumulation * assumed.gpus
    corpus = _corpus(recipe.store, assumed, codec)
    return Plan(
        parameters, trainable, corpus, "tokens", a_step, recipe.loop.steps, a_step * recipe.loop.steps,
        a_step * recipe.loop.steps / corpus["tokens"] if corpus else None,
        state_memory(parameters, trainable, assumed) | compute_memory(model, config, recipe),
        4 * parameters * min(assumed.gpus, 8) / _GB,
        gpu_hours(parameters, a_step * recipe.loop.steps, assumed), assumed,
    )  # fmt: skip


def _tokenizer_plan(recipe: TokenizerRecipe) -> Plan:
    """Its memory is small beside a GPU's: what layers keep is left out."""
    assumed, spec = recipe.plan, recipe.codec.spec
    with torch.device("meta"):
        parameters = sum(parameter.numel() for parameter in Codec(recipe.codec).parameters())
    a_step = recipe.batch_size * recipe.loop.gradient_accumulation * assumed.gpus
    frames = (recipe.shortest + recipe.longest) // 2
    corpus = _corpus(vimotion_home() / recipe.corpus, assumed, None)
    total = a_step * recipe.loop.steps
    return Plan(
        parameters, parameters, corpus, "windows", a_step, recipe.loop.steps, total,
        total * frames / FPS / 3600 / corpus["hours"] if corpus else None,
        state_memory(parameters, parameters, assumed), 4 * parameters * min(assumed.gpus, 8) / _GB,
        gpu_hours(parameters, total * 2 * frames // spec.step_frames, assumed), assumed,
    )  # fmt: skip


def _model(recipe: AlignRecipe | InstructRecipe, codec: CodecSpec) -> tuple[nn.Module, PretrainedConfig]:
    """The network of a language stage on the meta device, as it is trained."""
    aligned = vimotion_home() / recipe.aligned if isinstance(recipe, InstructRecipe) else None
    if aligned and (aligned / CONFIG).is_file():
        config: Any = AutoConfig.from_pretrained(aligned, local_files_only=True)
        first = 0
    else:
        name = recipe.backbone if isinstance(recipe, AlignRecipe) else recipe.plan.backbone
        if name is None:
            raise UserError(f"{aligned} is not there yet; say with plan.backbone what it is going to stand on.")
        config = _backbone_config(name)
        first = int(config.vocab_size)
        config.vocab_size = first + len(MotionVocabulary(codec))
    if isinstance(recipe, AlignRecipe) and recipe.layers is not None:
        config.num_hidden_layers = len(recipe.layers)
    with torch.device("meta"):
        model: Any = AutoModelForCausalLM.from_config(config)
        if isinstance(recipe, AlignRecipe):
            model = add_lora(model, recipe.lora_rank, range(first, int(config.vocab_size)))
    return model, config


def _backbone_config(name: str) -> PretrainedConfig:
    if name == TINY:
        return tiny_backbone()[0].config
    if name in _ARCHITECTURES:
        return LlamaConfig(**json.loads((_KEPT / _ARCHITECTURES[name]).read_text()))
    try:
        config: PretrainedConfig = AutoConfig.from_pretrained(name)
    except (OSError, ValueError) as error:
        raise UserError(f"Nothing is known of the language model {name!r}: {str(error).splitlines()[0]}") from error
    return config


def _codec(recipe: AlignRecipe | InstructRecipe) -> CodecSpec:
    """What the stage's codec is, or will be by `plan.codec`."""
    folder = recipe.tokenizer if isinstance(recipe, AlignRecipe) else recipe.aligned / CODEC
    path = vimotion_home() / folder / CONFIG
    return CodecSpec(**json.loads(path.read_text())["spec"]) if path.is_file() else recipe.plan.codec


def _corpus(folder: Path, assumed: PlanConfig, codec: CodecSpec | None) -> dict[str, float] | None:
    """Clips, hours and, by a codec, motion tokens of the training split, from the store or else from what is assumed."""
    if (folder / "info.json").is_file():
        prepared_info(folder)
        rows = [row for row in read_rows(folder, ["split", "num_frames", "people"]) if row["split"] == "train"]
        lengths = [(int(row["num_frames"]), int(row["people"])) for row in rows]
    elif assumed.clips and assumed.hours:
        lengths = [(round(assumed.hours * 3600 * FPS / assumed.clips), 2)] * assumed.clips
    else:
        return None
    found = {"clips": float(len(lengths)), "hours": sum(frames for frames, _ in lengths) / FPS / 3600}
    if codec is not None:
        found["tokens"] = float(sum(people * codec.rows(frames) * codec.levels for frames, people in lengths))
    return found
