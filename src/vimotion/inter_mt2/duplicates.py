"""Conversations that say nearly the same as another one.

Two texts are as like as the share of their five-word sequences that they have in common (Jaccard). Found exactly: texts that
are alike share one of their rarest sequences, so only those that do are compared (the prefix filter of Chaudhuri et al.).
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Mapping
from math import ceil

import numpy as np

_WORDS = 5
# 0.56 · 25 is a little more than 14.
_ROUNDING = 1e-9


def near_duplicates(texts: Mapping[str, str], threshold: float) -> dict[str, str]:
    """The texts that are too like another one that stays, by their ids: id → id of the one that stays.

    Of texts that are alike the one with the smallest id stays. No two that stay are alike, and nothing depends on the order
    of `texts`.

    Args:
        threshold: share of sequences in common, above 0, from which texts are alike.
    """
    ids = sorted(texts)
    rare_first = _by_rarity([_sequences(texts[identifier]) for identifier in ids])
    sets = [frozenset(row) for row in rare_first]
    kept_with: defaultdict[int, list[int]] = defaultdict(list)  # by sequence: the texts that stay and have it in their prefix
    repeats: dict[str, str] = {}
    for number, identifier in enumerate(ids):
        row = rare_first[number]
        prefix = row[: len(row) - ceil(threshold * len(row) - _ROUNDING) + 1]
        candidates = sorted({other for sequence in prefix for other in kept_with[sequence]})
        like = next((other for other in candidates if _alike(sets[number], sets[other], threshold)), None)
        if like is not None:
            repeats[identifier] = ids[like]
            continue
        for sequence in prefix:
            kept_with[sequence].append(number)
    return repeats


def _alike(first: frozenset[int], second: frozenset[int], threshold: float) -> bool:
    common = len(first & second)
    return common >= threshold * (len(first) + len(second) - common) - _ROUNDING


def _sequences(text: str) -> np.ndarray:
    """Hashes of the sequences of five words of a text, each once; of a shorter text all its words are one."""
    words = re.findall(r"\w+", text.lower())
    runs = {" ".join(words[start : start + _WORDS]) for start in range(max(len(words) - _WORDS + 1, 1))}
    hashes = [int.from_bytes(hashlib.blake2b(run.encode(), digest_size=8).digest()) for run in runs]
    return np.array(sorted(hashes), dtype=np.uint64)


def _by_rarity(rows: list[np.ndarray]) -> list[list[int]]:
    """Each row as numbers that count from the rarest sequence of all rows to the commonest, in this order."""
    if not rows:
        return []
    _, numbers, counts = np.unique(np.concatenate(rows), return_inverse=True, return_counts=True)
    places = np.empty(len(counts), dtype=np.int64)
    places[np.argsort(counts, kind="stable")] = np.arange(len(counts))
    ends = np.cumsum([len(row) for row in rows])
    return [np.sort(row).tolist() for row in np.split(places[numbers], ends[:-1])]
