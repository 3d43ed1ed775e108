"""Whether motions do what their captions say, by a feature extractor: each looks for its own caption among others."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from vimotion.motion import Interaction


class Extractor(Protocol):
    """What puts sentences and motions of two people into one space, such as `evaluation.extractor.Extractor`."""

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray: ...

    def embed_interactions(self, motions: Sequence[Interaction | None]) -> np.ndarray: ...


@dataclass(frozen=True, eq=False)
class Captioned:
    """A motion with the caption that it was made from.

    Attributes:
        id: unique; which other captions it is compared with follows from it.
    """

    id: str
    caption: str
    motion: Interaction


def caption_ranks(
    extractor: Extractor, motions: Sequence[Captioned], others: Sequence[str] = (), pool: int = 32, salt: str = ""
) -> list[int]:
    """For each motion the place of its caption, counted from 1, among `pool` captions by their distance to the motion.

    The `pool` − 1 others are drawn from the captions of all motions and from `others`; none is the motion's own. A caption
    that is as far as another one stands behind it, so that an extractor that tells nothing apart finds nothing.

    Args:
        others: captions to draw from beside those of the motions.
        salt: another one draws others.

    Raises:
        ValueError: there are too few different captions to fill a pool.
    """
    captions = sorted({*others, *(one.caption for one in motions)})
    if motions and len(captions) < pool:
        raise ValueError(f"A pool of {pool} needs as many different captions, not {len(captions)}.")
    if not motions:
        return []
    texts = extractor.embed_texts(captions)
    made = extractor.embed_interactions([one.motion for one in motions])
    place = {caption: number for number, caption in enumerate(captions)}
    ranks = []
    for one, motion in zip(motions, made, strict=True):
        own = place[one.caption]
        drawn = _random(one.id, salt).permutation(len(captions))[:pool]
        drawn = drawn[drawn != own][: pool - 1]
        farther = np.linalg.norm(texts[drawn] - motion, axis=-1) > np.linalg.norm(texts[own] - motion)
        ranks.append(1 + int((~farther).sum()))
    return ranks


def recall(ranks: Sequence[int], most: int = 3) -> dict[str, Any]:
    """How many motions there are, and the shares whose caption came first, among the first two, … `most`."""
    shares = [float(np.mean([rank <= top for rank in ranks])) for top in range(1, most + 1)] if ranks else []
    return {"motions": len(ranks), "recall": shares}


def _random(identifier: str, salt: str) -> np.random.Generator:
    digest = hashlib.sha256(f"{salt}\n{identifier}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8]))
