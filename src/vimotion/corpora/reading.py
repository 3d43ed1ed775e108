"""What a reader of a data set is: it checks a source, lists its clips, and reads one at a time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np


@dataclass(frozen=True)
class Clip:
    """One clip as a data set's own lists and annotations tell it; nothing of its motion has been read.

    Attributes:
        id: unique in the data set, in the data set's own spelling.
        split: "train", "val" or "test", as the data set splits itself.
        source: clips of one source (a take, a session) are never in two splits.
        captions: one sentence each, the first person first where the sentence tells them apart.
        files: where its motion lies.
        mirrored: the data set holds its mirror image, or it is one.
        facts: what the data set knows beside, for example who acts; kept in the store, never shown to a model.
    """

    id: str
    split: str
    source: str
    captions: tuple[str, ...]
    files: tuple[Path, ...]
    facts: dict[str, Any] | None = None
    mirrored: bool = False


@dataclass(frozen=True)
class Contents:
    """What lies in a source.

    Attributes:
        clips: those that can be read, in the order of the splits' files.
        oddities: sentences about what is odd or left out, each for one thing: what, how many, the first few names.
    """

    clips: tuple[Clip, ...]
    oddities: tuple[str, ...] = ()


class Reader(Protocol):
    """A data set in the folder where a user has it. Made for one source; pickled into worker processes.

    Attributes:
        licence: one line for info.json and the card: name of the licence, what it forbids.
    """

    @property
    def licence(self) -> str: ...

    def contents(self) -> Contents:
        """Check the source and list it.

        Raises:
            UserError: what has to be there is missing: one sentence with its path and where to apply for the data.
        """

    def features(self, clip: Clip) -> np.ndarray:
        """The clip as frame vectors at 30 fps in the canonical placing, (T, P, 262) float32.

        Raises:
            UserError: the file is damaged, of another shape, or holds what no body does; the clip is left out with this reason.
        """
