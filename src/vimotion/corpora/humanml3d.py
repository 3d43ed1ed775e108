"""HumanML3D: one person, described by three or four sentences [EricGuo5513/HumanML3D].

    new_joint_vecs/<id>.npy     (T, 263) at 20 fps, see `humanml3d_vectors`
    texts/<id>.txt              lines caption#tokens#start#end; start and end are seconds, zero or nan for the whole clip
    train.txt, val.txt, test.txt

Ids that begin with M are mirror images, with sentences that fit. A sentence about a part of a clip makes a clip of its own,
`<id>@<start>-<end>`. The joints that follow from the 263 numbers go into the frame vectors as they are; the rotations, which
the data set does not have, are the smallest turns that point the bones of our own skeleton along them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isnan
from pathlib import Path

import numpy as np

from vimotion.corpora.humanml3d_vectors import NUM_VECTOR, VECTOR_FPS, joints_from_vectors
from vimotion.corpora.reading import Clip, Contents
from vimotion.corpora.source_files import check_joints, load_array, oddity, read_lines
from vimotion.corpora.splits import read_splits
from vimotion.errors import UserError
from vimotion.motion import FPS, NUM_JOINTS
from vimotion.motion.features import estimate_skeleton, joint_features, root_orientation, turned_towards
from vimotion.motion.placing import place_joints
from vimotion.motion.rotations import matrix_to_6d

_GET = (
    "make HumanML3D as https://github.com/EricGuo5513/HumanML3D tells, from the motions that https://amass.is.tue.mpg.de gives "
    "to those who apply, and name its folder HumanML3D"
)
# A shorter clip, or part of one, shows nothing: half a second.
_FEWEST_FRAMES = 10

Span = tuple[float, float]


@dataclass(frozen=True)
class HumanML3D:
    """The folder that holds `new_joint_vecs` and `texts`."""

    source: Path
    licence: str = field(
        default="HumanML3D (Guo et al. 2022), made from AMASS and HumanAct12: no commercial use, and it may not be passed on.",
        init=False,
    )

    def contents(self) -> Contents:
        """See `Reader.contents`: whole clips, and parts that sentences tell of, after their clip."""
        vectors, texts = self._files("new_joint_vecs", ".npy"), self._files("texts", ".txt")
        splits, oddities = read_splits([self.source], _GET)
        leaking = {name for name in splits if splits.get(_unmirrored(name), splits[name]) != splits[name]}
        known = [name for name in splits if name in vectors and name in texts and name not in leaking]
        clips: list[Clip] = []
        unread: list[str] = []
        silent = []
        for name in known:
            spans, bad = _spans(texts[name])
            unread += bad
            if not spans:
                silent.append(name)
            clips += _clips(name, splits[name], spans, vectors[name])
        parts = [clip.id for clip in clips if clip.facts]
        oddities += [
            *oddity("Clips without a motion are left out", [name for name in splits if name not in vectors]),
            *oddity("Clips without texts are left out", [name for name in splits if name in vectors and name not in texts]),
            *oddity("Mirror images that are in another split than their clip are left out", sorted(leaking)),
            *oddity("Lines of texts that are not caption#tokens#start#end in seconds are left out", unread),
            *oddity("Clips without a sentence are left out", silent),
            *oddity("Sentences that tell of a part of a clip make clips of their own", parts),
            *oddity("Motions that no split file names are left out", sorted(vectors.keys() - splits.keys())),
        ]
        return Contents(tuple(clips), tuple(oddities))

    def _files(self, name: str, suffix: str) -> dict[str, Path]:
        folder = self.source / name
        if not folder.is_dir():
            packed = folder.with_suffix(".zip")
            raise UserError(f"{folder} is missing; {f'unpack {packed} there' if packed.is_file() else _GET}.")
        return {path.stem: path for path in folder.glob(f"*{suffix}")}

    def features(self, clip: Clip) -> np.ndarray:
        """See `Reader.features`; one person, (T, 1, 262)."""
        path = clip.files[0]
        vectors = load_array(path, NUM_VECTOR)
        joints = joints_from_vectors(vectors)
        if clip.facts:
            start, end = (int(clip.facts[name] * VECTOR_FPS) for name in ("start", "end"))
            # one frame more than there are vectors, as of a whole clip
            joints = joints[start : end + 1]
        if len(joints) <= _FEWEST_FRAMES:
            seconds = max(0, len(joints) - 1) / VECTOR_FPS
            raise UserError(f"{clip.id} lasts {seconds:g} s in {path}; half a second is needed to show a motion.")
        check_joints(joints, path)
        positions = _resampled(joints)
        six = matrix_to_6d(_local_rotations(positions)[:, 1:])
        return joint_features(place_joints(positions[:, None]), six[:, None]).astype(np.float32)


def _clips(name: str, split: str, spans: dict[Span | None, list[str]], path: Path) -> Iterator[Clip]:
    """The clip, if a sentence tells of all of it, and the parts that others tell of."""
    for span, captions in spans.items():
        identifier, facts = name, None
        if span is not None:
            start, end = span
            identifier, facts = f"{name}@{start:g}-{end:g}", {"start": start, "end": end}
        yield Clip(identifier, split, _unmirrored(name), tuple(captions), (path,), facts, mirrored=True)


def _spans(path: Path) -> tuple[dict[Span | None, list[str]], list[str]]:
    """What is said of which part of a clip, the whole (None) first, and the lines that cannot be read, "<file>:<line>"."""
    spans: dict[Span | None, list[str]] = {None: []}
    unread = []
    for number, line in enumerate(read_lines(path), 1):
        try:
            caption, _, *times = line.split("#")[:4]
            start, end = (0.0 if isnan(float(time)) else float(time) for time in times)  # nan is "not told"
        except ValueError:
            caption, start, end = "", 0.0, 0.0
        if caption.strip() and (start == end == 0 or 0 <= start < end):
            spans.setdefault((start, end) if end else None, []).append(caption.strip())
        else:
            unread.append(f"{path.name}:{number}")
    return {span: captions for span, captions in spans.items() if captions}, unread


def _unmirrored(name: str) -> str:
    return name.removeprefix("M")


def _resampled(positions: np.ndarray) -> np.ndarray:
    """Joints (T, 22, 3) from 20 to 30 fps, linearly."""
    at = np.arange(int((len(positions) - 1) * FPS / VECTOR_FPS) + 1) * VECTOR_FPS / FPS
    before = np.minimum(at.astype(int), len(positions) - 2)
    weight = (at - before)[:, None, None]
    return positions[before] * (1 - weight) + positions[before + 1] * weight


def _local_rotations(positions: np.ndarray) -> np.ndarray:
    """How our own skeleton of this person's size turns its joints to follow joints (T, 22, 3): (T, 22, 3, 3)."""
    skeleton = estimate_skeleton(positions)
    rotations = np.tile(np.eye(3), (len(positions), NUM_JOINTS, 1, 1))
    rotations[:, 0] = root_orientation(positions, skeleton)
    return turned_towards(positions, rotations, skeleton)
