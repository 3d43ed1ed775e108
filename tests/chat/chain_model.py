"""A model that says one thing: which token comes next depends on the last one alone. And the same for llama.cpp."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from tiny_model import SPEC, tiny_model, told_anew
from transformers import LlamaConfig, LlamaForCausalLM

from vimotion.language.model_folder import ModelFolder

STEPS = 12


def spoken(steps: int = STEPS) -> list[str]:
    """ "Hi" and a motion of two people, step k of which has the codes k."""
    folder = _turning()
    codes = np.zeros((2, SPEC.rows(steps * SPEC.step_frames), SPEC.levels), dtype=int)
    codes[:, SPEC.step_rows(codes.shape[1])] = np.arange(1, steps + 1)[:, None]
    codes[:, : SPEC.placement_rows] = np.array([[1, 2, 3, 4], [5, 6, 7, 15]]).reshape(2, -1, SPEC.levels)
    motion = folder.layout.flatten(told_anew(folder.codec, codes), "ab")
    return ["Ċ", "H", "i", *folder.tokenizer.convert_ids_to_tokens(motion), "<|im_end|>"]


def _turning() -> ModelFolder:
    """A tiny model whose second person looks elsewhere at the end of each segment of what is `spoken`."""
    folder = tiny_model()
    folder.codec.codec.pose_std[3:9] = 0.5
    return folder


def chain_model(changed: Mapping[str, str] | None = None, steps: int = STEPS) -> ModelFolder:
    """Says what `spoken` does; `changed` puts another token after some."""
    folder = _turning()
    size = len(folder.tokenizer)
    config = LlamaConfig(
        vocab_size=size, hidden_size=size, intermediate_size=32, num_hidden_layers=1, num_attention_heads=4,
        num_key_value_heads=4, max_position_embeddings=2048, tie_word_embeddings=False, bos_token_id=1, eos_token_id=2,
        pad_token_id=2,
    )  # fmt: skip
    model = LlamaForCausalLM(config).eval()
    ids = folder.tokenizer.get_vocab()
    # of a given person, whose tokens the model did not choose, the second person's follow
    follows = {f"<|size_{code}|>": "<|x_5|>" for code in range(SPEC.placement_bins)}
    follows |= {f"<|m1_{code}|>": f"<|n0_{code}|>" for code in range(SPEC.codebook_size)}
    # where people are after a segment is not for the model to say, so what follows at the start counts
    follows |= {one: other for one, other in reversed(list(pairwise(spoken(steps)))) if not ("yaw" in one and "x_" in other)}
    follows |= dict(changed or {})
    with torch.no_grad():
        model.model.layers[0].self_attn.o_proj.weight.zero_()
        model.model.layers[0].mlp.down_proj.weight.zero_()
        model.model.embed_tokens.weight.copy_(torch.eye(size))
        model.lm_head.weight.zero_()
        for token, following in follows.items():
            model.lm_head.weight[ids[following], ids[token]] = 1.0
    return ModelFolder(model, folder.tokenizer, folder.codec)


def write_gguf(folder: ModelFolder, path: Path) -> None:
    """The file that llama.cpp loads. Attention adds nothing to this model, so its heads are not put into llama.cpp's order."""
    from gguf import GGUFWriter, TokenType

    config, vocabulary = folder.model.config, folder.tokenizer.get_vocab()
    tokens = sorted(vocabulary, key=vocabulary.__getitem__)
    special, added = set(folder.tokenizer.all_special_tokens), folder.tokenizer.get_added_vocab()
    writer = GGUFWriter(path, "llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    writer.add_vocab_size(config.vocab_size)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    kinds = [
        TokenType.CONTROL if one in special else TokenType.USER_DEFINED if one in added else TokenType.NORMAL for one in tokens
    ]
    writer.add_token_types(kinds)
    writer.add_token_merges(["ÿ ÿ"])  # there are none, but an array of none cannot be written
    writer.add_bos_token_id(config.bos_token_id)
    writer.add_eos_token_id(config.eos_token_id)
    writer.add_add_bos_token(False)
    for name, weight in folder.model.state_dict().items():
        writer.add_tensor(_gguf_name(name), weight.float().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _gguf_name(name: str) -> str:
    for theirs, ours in {
        "model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output", "model.layers.": "blk.",
        "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
        "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
    }.items():  # fmt: skip
        name = name.replace(theirs, ours)
    return name
