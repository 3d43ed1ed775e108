"""Which layers of SmolLM2 to keep: drop, one after another, the layer whose loss hurts the least.

    python tools/choose_layers.py --corpus ~/.cache/vimotion/corpora/scripted --keep 12 [--text FILE]

Measured without any training on training captions and, if given, a text of plain English, in bits a character. Prints the
layers left after each drop; about 10 minutes on one core.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from vimotion.corpora import open_store
from vimotion.language.backbone import SMOLLM2, load_backbone

_ROWS, _ROW = 2, 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--keep", type=int, default=12)
    parser.add_argument("--text", type=Path)
    arguments = parser.parse_args()
    model, tokenizer = load_backbone(SMOLLM2)
    store = open_store(arguments.corpus)
    clips = np.random.default_rng(0).choice(store.split("train"), 60, replace=False)
    text = " ".join(store[int(clip)].captions[0] for clip in clips)[:1200]
    text += "\n" + arguments.text.read_text(encoding="utf-8") if arguments.text else ""
    ids = tokenizer(text, return_tensors="pt")["input_ids"][0, : _ROWS * _ROW]
    ids = ids[: len(ids) // _ROW * _ROW].reshape(-1, _ROW)
    characters = len(tokenizer.decode(ids.flatten()))
    stack = list(model.model.layers)

    @torch.no_grad()
    def bits(kept: list[int]) -> float:
        model.model.layers = nn.ModuleList(stack[i] for i in kept)
        model.config.num_hidden_layers = len(kept)
        logits = model.eval()(input_ids=ids, use_cache=False).logits[:, :-1].float()
        return float(cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="sum")) / math.log(2) / characters

    kept = list(range(len(stack)))
    print(f"{len(kept)} layers: {bits(kept):.3f} bits a character", flush=True)
    while len(kept) > arguments.keep:
        hurt, dropped = min((bits([i for i in kept if i != candidate]), candidate) for candidate in kept)
        kept.remove(dropped)
        print(f"{len(kept)} layers: {hurt:.3f} bits a character without {dropped}; left {kept}", flush=True)


if __name__ == "__main__":
    main()
