"""A look at every row of a finished store: is each motion there, is no source in two splits, is all text free of tokens?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from vimotion.corpora.store import clip_files, info_hash, prepared_info
from vimotion.inter_mt2.conversations import Dialogue, Motion, open_conversations
from vimotion.inter_mt2.validator import markup
from vimotion.tasks import MotionPart, TextPart

_COLUMNS = ("id", "split", "source", "num_frames")


@dataclass(frozen=True)
class _Clip:
    file: str
    split: str
    source: str
    num_frames: int


def check_store(folder: Path, corpus: Path) -> list[str]:
    """A sentence for everything wrong with a store of conversations; nothing where all is well.

    Args:
        corpus: the prepared corpus that the seeds were taken from.

    Raises:
        UserError: one of the two cannot be opened.
    """
    store, name = open_conversations(folder), prepared_info(corpus)["corpus"]
    prepared_info(folder)
    clips = {"": _clips(folder), name: _clips(corpus)}
    version = info_hash(corpus)
    wrong = [f"{clip} is a new motion and a clip of {name}." for clip in clips[""].keys() & clips[name].keys()]
    used: set[str] = set()
    seen: set[str] = set()
    splits: dict[str, str] = {}
    for one in store:
        if one.id in seen:
            wrong.append(f"{one.id} is there twice.")
        seen.add(one.id)
        if splits.setdefault(one.source, one.split) != one.split:
            wrong.append(f"Conversations about {one.source} are in the splits {splits[one.source]} and {one.split}.")
        if (one.provenance.corpus, one.provenance.corpus_sha256) != (name, version):
            wrong.append(f"{one.id} was made from another corpus than {corpus}.")
        wrong += [f"{one.id}: {sentence}" for sentence in _wrong(one, clips)]
        used |= {motion.id for motion in one.motions if not motion.corpus}
    wrong += [f"No conversation shows the motion {clip}." for clip in sorted(clips[""].keys() - used)]
    return wrong


def _clips(folder: Path) -> dict[str, _Clip]:
    """The clips of a prepared store by id."""
    return {
        row["id"]: _Clip(path.name, row["split"], row["source"], row["num_frames"])
        for path in clip_files(folder)
        for row in pq.read_table(path, columns=list(_COLUMNS)).to_pylist()
    }


def _wrong(one: Dialogue, clips: Mapping[str, Mapping[str, _Clip]]) -> Iterator[str]:
    parts = [part for message in one.conversation.messages for part in message.parts]
    shown = [part for part in parts if isinstance(part, MotionPart)]
    frames = {motion.id: motion.num_frames for motion in one.motions}
    for part in shown:
        if part.motion not in frames:
            yield f"the motion {part.motion} is shown but not listed."
            continue
        stop = frames[part.motion] if part.stop is None else part.stop
        if not 0 <= part.start < stop <= frames[part.motion]:
            yield f"frames {part.start} to {stop} of {part.motion} are shown, which has {frames[part.motion]}."
    unseen = frames.keys() - {part.motion for part in shown}
    yield from (f"the motion {motion} is listed but never shown." for motion in sorted(unseen))
    for motion in one.motions:
        yield from _wrong_motion(one, motion, clips)
    for text in [part.text for part in parts if isinstance(part, TextPart)] + [motion.caption for motion in one.motions]:
        yield from (f"{spelled!r} in {text!r} is spelled like a token." for spelled in markup(text))


def _wrong_motion(one: Dialogue, motion: Motion, clips: Mapping[str, Mapping[str, _Clip]]) -> Iterator[str]:
    clip = clips.get(motion.corpus, {}).get(motion.id)
    if clip is None:
        yield f"the motion {motion.id} is not in {motion.corpus or 'this store'}."
    elif not motion.corpus and clip.file != motion.file:
        yield f"the motion {motion.id} lies in {clip.file}, not in {motion.file!r}."
    elif (clip.split, clip.source) != (one.split, one.source):
        yield f"the motion {motion.id} is of {clip.source} in the split {clip.split}, not of {one.source} in {one.split}."
    elif clip.num_frames != motion.num_frames:
        yield f"the motion {motion.id} has {clip.num_frames} frames, not {motion.num_frames}."
