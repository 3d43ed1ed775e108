"""The first stage: which clips are talked about, and in which kind of conversation."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from vimotion.corpora.store import prepared_info, read_rows
from vimotion.errors import UserError
from vimotion.inter_mt2.schema import KINDS, Kind, Seed
from vimotion.motion import FPS

# Editing, reasoning and story as in the paper (41.7, 16.7 and 41.7 %); roles are our addition.
SHARES: dict[Kind, float] = {"editing": 5, "reasoning": 2, "story": 5, "role": 2}
# A motion is at most so long: 300 frames.
_LONGEST = 10.0
_COLUMNS = ("id", "split", "source", "num_frames", "people", "captions", "facts", "edit_of", "edit")


def make_seeds(corpus: Path, count: int, shares: Mapping[Kind, float] = SHARES, seed: int = 0) -> list[Seed]:
    """`count` seeds from all splits of a prepared corpus, in an order that tells nothing.

    No clip is talked about twice in the same kind of conversation; as few clips as can be are talked about twice at all.

    Raises:
        UserError: the corpus is not prepared, or has too few clips of two people with captions.
    """
    prepared_info(corpus)
    rows = [row for row in read_rows(corpus, _COLUMNS) if row["people"] == 2 and row["captions"]]
    edits: dict[str, dict[str, str]] = {}
    for row in rows:
        if row["edit_of"]:
            edits.setdefault(row["edit_of"], {})[row["edit"]] = row["id"]
    told = [row for row in rows if row["num_frames"] <= _LONGEST * FPS]
    random = np.random.default_rng(seed)
    kinds = _kinds(count, shares, random)
    if max(Counter(kinds).values(), default=0) > len(told):
        raise UserError(f"{corpus} has {len(told)} clips of two people with captions, too few for {count} conversations.")
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
                captions=tuple(row["captions"]), seconds=row["num_frames"] / FPS, facts=json.loads(row["facts"]),
                edits=edits.get(row["id"], {}),
            )  # fmt: skip
    return list(seeds.values())


def _kinds(count: int, shares: Mapping[Kind, float], random: np.random.Generator) -> list[Kind]:
    """A kind for each conversation, as near to the shares as can be."""
    weights = np.array([shares.get(kind, 0.0) for kind in KINDS])
    if weights.min() < 0 or not weights.any():
        raise UserError(f"Shares are numbers from 0 for {', '.join(KINDS)}, not all of them 0.")
    ends = np.floor(np.cumsum(weights) / weights.sum() * count + 0.5).astype(int)
    counts = np.diff(ends, prepend=0).tolist()
    kinds = [kind for kind, number in zip(KINDS, counts, strict=True) for _ in range(number)]
    return [kinds[place] for place in random.permutation(count).tolist()]
