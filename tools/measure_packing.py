"""Tokens a second of training on packed rows against one padded example a row, as a ratio in one run.

python tools/measure_packing.py                                            the default backbone and corpus
python tools/measure_packing.py --recipe recipes/align/tiny.yaml --batches 4
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vimotion.artifacts import vimotion_home
from vimotion.config import load_config
from vimotion.corpora import open_store
from vimotion.tokenizer import MotionTokenizer
from vimotion.training.align import AlignRecipe, build_model
from vimotion.training.answers import AnswerLoss, answer_loss
from vimotion.training.examples import Examples
from vimotion.training.rows import OFFERED, Example, fill_rows, pack_rows
from vimotion.training.tuning import codes_of

Batch = dict[str, Tensor]


def drawn(examples: Examples, recipe: AlignRecipe, index: int) -> list[Example]:
    """As many examples as a batch of the recipe is offered."""
    random = np.random.default_rng([recipe.loop.seed, index])
    found: list[Example] = []
    while sum(len(ids) for ids, _ in found) < OFFERED * recipe.examples.rows * recipe.examples.row_tokens:
        found.append(examples.example(random))
    return found


def both_ways(some: list[Example], recipe: AlignRecipe) -> tuple[Batch, Batch, int]:
    """The same examples packed and one a row, and how many tokens they are."""
    length = recipe.examples.row_tokens
    rows = fill_rows(some, recipe.examples.rows, length)
    kept = [example for row in rows for example in row]
    longest = max(len(ids) for ids, _ in kept)
    return pack_rows(rows, length, 0), pack_rows([[one] for one in kept], longest, 0), sum(len(ids) for ids, _ in kept)


def seconds(loss: AnswerLoss, batch: Batch, bf16: bool) -> float:
    """One forward and backward pass."""
    start = time.perf_counter()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
        value, _ = answer_loss(loss, batch)
    value.backward()  # type: ignore[no-untyped-call]
    loss.zero_grad(set_to_none=True)
    return time.perf_counter() - start


def measured(
    loss: AnswerLoss, examples: Examples, recipe: AlignRecipe, batches: int, unpacked_attention: str
) -> Iterator[tuple[float, ...]]:
    """Of each batch: tokens, seconds packed and unpacked, positions packed and unpacked. The first of all is not timed."""
    bf16 = recipe.loop.precision == "bf16"
    for index in range(batches + 1):
        packed, unpacked, tokens = both_ways(drawn(examples, recipe, index), recipe)
        times = []
        for batch, attention in ((packed, recipe.attention), (unpacked, unpacked_attention)):
            loss.causal.set_attn_implementation(attention)
            times.append(seconds(loss, batch, bf16))
        if index:
            yield tokens, *times, packed["input_ids"].numel(), unpacked["input_ids"].numel()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", type=Path, default=Path("recipes/align/default.yaml"))
    parser.add_argument("--set", action="append", default=[], metavar="a.b=value")
    parser.add_argument("--batches", type=int, default=20)
    parser.add_argument("--unpacked-attention", default="eager", help="the fastest on short rows of a CPU")
    arguments = parser.parse_args()
    recipe = load_config(AlignRecipe, arguments.recipe, arguments.set)
    codec = vimotion_home() / recipe.tokenizer
    codes = codes_of(open_store(recipe.store), recipe, codec)
    built = build_model(recipe, MotionTokenizer.load(codec), codes)
    loss = AnswerLoss(built.model.train())
    examples = Examples(codes, built.tokenizer, built.layout, recipe.examples, recipe.loop.seed)
    found = list(measured(loss, examples, recipe, arguments.batches, arguments.unpacked_attention))
    tokens, packed, unpacked, full, wide = np.sum(found, axis=0)
    print(f"packed    {tokens / packed:10,.0f} tokens/s  padding {1 - tokens / full:6.1%}")
    print(f"unpacked  {tokens / unpacked:10,.0f} tokens/s  padding {1 - tokens / wide:6.1%}")
    print(f"ratio     {unpacked / packed:10.2f}")


if __name__ == "__main__":
    main()
