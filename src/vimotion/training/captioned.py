"""Whole clips with their captions, for the stages that learn what belongs together: batches by index."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from vimotion.config import Config
from vimotion.corpora.sides import mirrored_caption
from vimotion.corpora.store import Record, Store, read_rows
from vimotion.errors import UserError
from vimotion.tasks.naming import names_people, renamed_caption
from vimotion.training.windows import seen, stood_still

# Batches are as long as a multiple of this, so that a compiled model meets few lengths.
GRID = 16
# Clips of a batch differ in length by about so many frames: like lengths waste little, always the same ones would not mix.
_LENGTH_JITTER = 24


class CaptionedConfig(Config):
    """How clips are drawn.

    Attributes:
        batch_size: pairs a batch and process.
        mirrored: share of the clips that are seen in the mirror, with left and right exchanged in their captions.
        exchanged: share of the clips whose people change places, and their names in the caption.
        actor_first: where a caption does not say which of them is which and the corpus tells who begins, that is the first
            person. A caption then has one meaning; with two, a generator that learns from both makes something in between.
        seed: two sources of the same seed draw alike.
    """

    batch_size: int = Field(default=16, gt=0)
    mirrored: float = Field(default=0.5, ge=0, le=1)
    exchanged: float = Field(default=0.5, ge=0, le=1)
    actor_first: bool = False
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Clip:
    """A pair in a store; its motion is read whenever it is asked for, so that a corpus need not fit into memory.

    Attributes:
        records, index: where it lies.
        frames: that are seen of it.
        captions: its own.
        begins: the number of the person who begins, where the corpus tells.
    """

    records: Store | Sequence[Record]
    index: int
    frames: int
    captions: tuple[str, ...]
    begins: int | None = None

    @property
    def features(self) -> np.ndarray:
        """Frame vectors (T, 2, 262) float32."""
        return self.records[self.index].features[: self.frames]


def load_captioned(store: Store, split: str, most: int, max_frames: int) -> list[Clip]:
    """At most so many clips of two people with captions, chosen evenly; of longer ones the beginning.

    Raises:
        UserError: the split has none.
    """
    indices = store.split(split)
    chosen = [indices[i] for i in np.linspace(0, len(indices) - 1, min(most, len(indices))).astype(int)]
    rows = list(read_rows(store.folder, ["num_frames", "people", "captions", "facts"]))  # without the motion
    clips = [_clip(store, index, rows[index], max_frames) for index in chosen if rows[index]["people"] == 2]
    clips = [clip for clip in clips if clip.captions]
    if not clips:
        raise UserError(f"{store.folder} has no clip of two people with a caption in its split {split!r}.")
    return clips


def _clip(store: Store, index: int, row: dict[str, Any], max_frames: int) -> Clip:
    scene = json.loads(row["facts"]).get("parameters")
    begins = "ab".index(scene["acts"][0]["actor"]) if scene else None
    return Clip(store, index, min(row["num_frames"], max_frames), tuple(row["captions"]), begins)


class Captioned(NamedTuple):
    """A batch.

    Attributes:
        clips: frame vectors (B, 2, T, 262) as the corpus has them, but for whom comes first.
        mask: (B, T) float32, 1 where a frame is real.
        mirror: (B,) bool, which of them are seen in the mirror.
        captions: of each.
    """

    clips: Tensor
    mask: Tensor
    mirror: Tensor
    captions: list[str]

    def features(self) -> Tensor:
        """Frame vectors (B, 2, T, 262) float32, placed by the person who is the first now."""
        return seen(self.clips, self.mirror)


class Drawn(NamedTuple):
    """A clip as a batch takes it: what is said of it, and whether its people change places and it is seen in the mirror."""

    clip: Clip
    caption: str
    exchange: bool
    mirror: bool

    def features(self) -> np.ndarray:
        """Frame vectors (T, 2, 262) as the store has them, but for whom comes first."""
        features = self.clip.features
        return features[:, ::-1] if self.exchange else features


class CaptionedClips:
    """Batches by index.

    Clips of like length come together; each clip comes once an epoch, but for a few that fill no whole batch.
    """

    def __init__(self, clips: Sequence[Clip], config: CaptionedConfig) -> None:
        self._clips, self._config = clips, config
        self._lengths = np.array([clip.frames for clip in clips])
        self._epoch = lru_cache(maxsize=2)(self._shuffled)

    @property
    def batch_size(self) -> int:
        return self._config.batch_size

    def __len__(self) -> int:
        """Batches in an epoch."""
        return max(len(self._clips) // self._config.batch_size, 1)

    def __call__(self, index: int) -> Captioned:
        drawn = self.drawn(index)
        clips = [one.features() for one in drawn]
        padded = [stood_still(clip, -(-max(map(len, clips)) // GRID) * GRID) for clip in clips]
        features = torch.from_numpy(np.stack([clip for clip, _ in padded])).transpose(1, 2)
        mask = torch.from_numpy(np.stack([real for _, real in padded]))
        mirror = torch.tensor([one.mirror for one in drawn])
        return Captioned(features, mask, mirror, [one.caption for one in drawn])

    def drawn(self, index: int) -> list[Drawn]:
        """What a batch is made of, no motion read yet."""
        epoch, within = divmod(index, len(self))
        random = np.random.default_rng([self._config.seed, 1, index])
        return [self._drawn(self._clips[number], random) for number in self._epoch(epoch)[within]]

    def _shuffled(self, epoch: int) -> np.ndarray:
        """Clip numbers of an epoch's batches, (batches, batch size)."""
        random = np.random.default_rng([self._config.seed, 0, epoch])
        order = np.argsort(self._lengths + random.uniform(0, _LENGTH_JITTER, len(self._clips)), kind="stable")
        order = np.delete(order, random.permutation(len(order))[: max(len(order) - len(self) * self._config.batch_size, 0)])
        batches = np.resize(order, (len(self), self._config.batch_size))
        return batches[random.permutation(len(batches))]

    def _drawn(self, clip: Clip, random: np.random.Generator) -> Drawn:
        caption, exchange = self._told(clip, random)
        other = mirrored_caption(caption)
        mirror = other is not None and random.random() < self._config.mirrored
        return Drawn(clip, other if mirror and other else caption, exchange, mirror)

    def _told(self, clip: Clip, random: np.random.Generator) -> tuple[str, bool]:
        """One of the clip's captions, and whether its people are to change places."""
        caption = clip.captions[int(random.integers(len(clip.captions)))]
        if self._config.actor_first and clip.begins is not None and not names_people(caption):
            return caption, clip.begins == 1
        other = renamed_caption(caption)
        exchange = other is not None and random.random() < self._config.exchanged
        return other if exchange and other else caption, exchange
