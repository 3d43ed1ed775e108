"""What became of the captions of a draft: the lines of the third stage."""

from __future__ import annotations

from vimotion.config import Config

# Who made a motion, beside generators by their names: scenes that are made anew, and clips of the corpus.
CHOREOGRAPHY, CORPUS = "choreography", "corpus"


class Rendered(Config):
    """A motion that a caption in brackets stands for, made or found.

    Attributes:
        draft: id of the draft.
        caption: what stands in the brackets.
        clip: its id, among the new motions or, where `made_by` is "corpus", in the corpus of the seeds.
        made_by: "choreography", "corpus", or the name of a generator; "" where nobody can make it.
        num_frames: how long it is, at 30 fps; 0 where it failed.
        failure: why there is no such motion; "" where there is.
        shown: whether the acts of its scene are seen in it; None where nobody looked.
    """

    draft: str
    caption: str
    clip: str = ""
    made_by: str = ""
    num_frames: int = 0
    failure: str = ""
    shown: bool | None = None
