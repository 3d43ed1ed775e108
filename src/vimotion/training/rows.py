"""Rows of one length, filled with whole examples: how a language stage wastes few tokens on padding."""

from __future__ import annotations

from itertools import accumulate

import torch
from torch import Tensor

from vimotion.language.rendering import IGNORED

Example = tuple[list[int], list[int]]

# Examples offered for each that fits. More of them fill rows better; but they cost time, and short ones get chosen more often.
OFFERED = 1.1


def fill_rows(examples: list[Example], rows: int, length: int) -> list[list[Example]]:
    """Each row begins with the first example that still waits and takes those that leave the least of it empty.

    So what is left out, if anything, was drawn late, and is hardly longer or shorter than the rest.
    """
    waiting = list(examples)
    filled: list[list[Example]] = []
    for _ in range(rows):
        row = [waiting.pop(0)] if waiting else []
        chosen = _fullest([len(ids) for ids, _ in waiting], length - sum(len(ids) for ids, _ in row))
        row += [waiting[i] for i in chosen]
        waiting = [example for i, example in enumerate(waiting) if i not in chosen]
        filled.append(row)
    return filled


def pack_rows(rows: list[list[Example]], length: int, padding: int) -> dict[str, Tensor]:
    """Whole examples side by side in each row; positions start again with each, which tells transformers where one ends."""
    ids = torch.full((len(rows), length), padding)
    positions = torch.zeros_like(ids)
    labels = torch.full_like(ids, IGNORED)
    for row, examples in enumerate(rows):
        at = 0
        for example_ids, example_labels in examples:
            span = slice(at, at + len(example_ids))
            ids[row, span] = torch.tensor(example_ids)
            labels[row, span] = torch.tensor(example_labels)
            positions[row, span] = torch.arange(len(example_ids))
            at = span.stop
    return {"input_ids": ids, "position_ids": positions, "labels": labels}


def _fullest(lengths: list[int], room: int) -> set[int]:
    """Which of these lengths add up to the most that `room` holds; of equals the earliest."""
    # bit s of reached[i]: some of the first i lengths add up to s
    within = (1 << room + 1) - 1
    reached = list(accumulate(lengths, lambda sums, length: (sums | sums << length) & within, initial=1))
    total, chosen = reached[-1].bit_length() - 1, set()
    for i in reversed(range(len(lengths))):
        if not reached[i] >> total & 1:
            chosen.add(i)
            total -= lengths[i]
    return chosen
