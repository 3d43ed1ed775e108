"""The first stage: which clips are talked about, and in which kind of conversation."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vimotion.corpora.store import prepared_info, read_rows
from vimotion.errors import UserError
from vimotion.inter_mt2.schema import KINDS, Kind, Seed
from vimotion.motion import FPS

# Editing, reasoning and story as in the paper (41.7, 16.7 and 41.7 %); roles are our addition.
SHARES: dict[Kind, float] = {"editing": 5, "reasoning": 2, "story": 5, "role": 2}
# A motion is at most so long: 300 frames.
_LONGEST = 10.0
_COLUMNS = (
    "id", "split", "source", "num_frames", "people", "captions", "held_out_captions", "facts", "edit_of", "edit",
)  # fmt: skip


def make_seeds(
    corpus: Path,
    count: int,
    shares: Mapping[Kind, float] = SHARES,
    seed: int = 0,
    fits: Callable[[Mapping[str, object]], bool] = lambda facts: True,
) -> list[Seed]:
    """`count` seeds from all splits of a prepared corpus, in an order that tells nothing.

    No clip is talked about twice in the same kind of conversation; as few clips as can be are talked about twice at all.
    Clips of the test split are told by the captions that no training sees, where they have any.

    Args:
        fits: whether an author can write about a clip with these facts.

    Raises:
        UserError: the corpus is not prepared, or has too few clips of two people with captions that fit.
    """
    prepared_info(corpus)
    rows = [row for row in read_rows(corpus, _COLUMNS) if row["people"] == 2 and row["captions"]]
    edits: dict[str, dict[str, str]] = {}
    for row in rows:
        if row["edit_of"]:
            edits.setdefault(row["edit_of"], {})[row["edit"]] = row["id"]
    told = [row for row in rows if row["num_frames"] <= _LONGEST * FPS and fits(json.loads(row["facts"]))]
    random = np.random.default_rng(seed)
    kinds = _kinds(count, shares, random)
    if max(Counter(kinds).values(), default=0) > len(told):
        fitting = "clips of two people with captions, that this author can write about"
        raise UserError(f"{corpus} has {len(told)} {fitting}, too few for {count} conversations.")
    seeds: dict[str, Seed] = {}
    clips: list[int] = []
    while len(seeds) < count:
        clips = clips or random.permutation(len(told)).tolist()
        row = told[clips.pop()]
        kind = kinds[len(seeds)]
        identifier = f"{row['id']}.{kind}"
        if identifier not in seeds:
            seeds[identifier] = Seed(
                id=identifier, kind=kind, clip=row["id"], source=row["source"], split=row["split"],
                captions=_captions(row), seconds=row["num_frames"] / FPS, facts=json.loads(row["facts"]),
                edits=edits.get(row["id"], {}),
            )  # fmt: skip
    return list(seeds.values())


def _captions(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple((row["split"] == "test" and row["held_out_captions"]) or row["captions"])


def _kinds(count: int, shares: Mapping[Kind, float], random: np.random.Generator) -> list[Kind]:
    """A kind for each conversation, as near to the shares as can be."""
    weights = np.array([shares.get(kind, 0.0) for kind in KINDS])
    if weights.min() < 0 or not weights.any():
        raise UserError(f"Shares are numbers from 0 for {', '.join(KINDS)}, not all of them 0.")
    ends = np.floor(np.cumsum(weights) / weights.sum() * count + 0.5).astype(int)
    counts = np.diff(ends, prepend=0).tolist()
    kinds = [kind for kind, number in zip(KINDS, counts, strict=True) for _ in range(number)]
    return [kinds[place] for place in random.permutation(count).tolist()]
