"""Motion-X: one person with face and hands, described by a sentence [IDEA-Research/Motion-X].

    motion_data/smplx_322/<clip>.npy         (T, 322) SMPL-X parameters at 30 fps, Y-up, metres
    texts/semantic_labels/<clip>.txt         a sentence a line; <subset>/<name>.txt is read as well
    {train,val,test}.txt                     a clip a line as <subset>/…/<name>; here or in splits/, split/ or datasets/

Of the 322 numbers a body needs 0:3 (the pelvis' axis-angle), 3:66 (21 joints), 309:312 (where it is) and 312:322 (its shape);
the others are hands, jaw, expression and the face's shape.

The motions of the subsets humanml (AMASS), GRAB and EgoBody belong to others: everybody gets them there and converts them by
Motion-X's own scripts. The clips of humanml are HumanML3D's: `M` before a number is the mirror image, and a text line is
`sentence#words#from#to`; a sentence about a part of a clip is left out.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from vimotion.corpora.reading import Clip, Contents
from vimotion.corpora.smplx_body import SMPLX_JOINTS, body_motion, load_body
from vimotion.corpora.source_files import load_array, oddity, read_lines
from vimotion.corpora.splits import read_splits
from vimotion.corpora.store import record_features
from vimotion.errors import UserError
from vimotion.motion import FPS, NUM_JOINTS
from vimotion.motion.placing import Floor

_APPLY = "apply for Motion-X at https://github.com/IDEA-Research/Motion-X and unpack it there"
_COLUMNS = 322
_TRANSLATION, _BETAS = slice(309, 312), slice(312, 322)
# The subset that is HumanML3D, whose clips come with their mirror images.
_MIRRORED = "humanml"
_OWNERS = {"humanml": "AMASS", "GRAB": "GRAB", "EgoBody": "EgoBody"}


@dataclass(frozen=True)
class MotionX:
    """The folder that holds `motion_data` and `texts`.

    Attributes:
        floor: for one person there is no difference.
        body: a SMPL-X npz, or the folder of `SMPLX_NEUTRAL.npz`; our own skeleton where there is none.
    """

    source: Path
    floor: Floor = "together"
    body: Path | None = None
    licence: str = field(
        default="IDEA licence (Motion-X, Lin et al. 2023): non-commercial; each subset's own licence holds as well.", init=False
    )

    def contents(self) -> Contents:
        """See `Reader.contents`: clips of the split files that have a motion; a clip and its mirror image are of one source."""
        motions, texts = self.source / "motion_data" / "smplx_322", self.source / "texts" / "semantic_labels"
        for folder in (motions, texts):
            if not folder.is_dir():
                raise UserError(f"{folder} is missing; {_APPLY}.")
        split_of, oddities = read_splits(
            [self.source / folder for folder in (".", "splits", "split", "datasets")],
            "get it from https://github.com/IDEA-Research/Motion-X/tree/main/datasets",
        )
        there, told = _names(motions, ".npy"), _names(texts, ".txt")
        text_of = _matched(split_of, told)
        parts: list[str] = []
        clips = []
        for name, split in split_of.items():
            if name in there:
                captions, of_parts = _captions(texts / f"{text_of[name]}.txt") if name in text_of else ((), False)
                parts += [name] if of_parts else []
                file, subset = motions / f"{name}.npy", _subset(name)
                clips.append(
                    Clip(name, split, _source(name, split_of), captions, (file,), {"subset": subset}, subset == _MIRRORED)
                )
        missing = [name for name in split_of if name not in there]
        oddities += [
            *_owned(missing),
            *oddity("Clips of the split files without a motion, left out", [n for n in missing if _subset(n) not in _OWNERS]),
            *oddity("Motions that no split file names, left out", sorted(there - split_of.keys())),
            *oddity("Texts that belong to no clip of the split files", sorted(told - set(text_of.values()))),
            *oddity("Clips without a sentence", [clip.id for clip in clips if not clip.captions]),
            *oddity("Clips with sentences about a part of them, which are left out", parts),
        ]
        return Contents(tuple(clips), tuple(oddities))

    def features(self, clip: Clip) -> np.ndarray:
        """See `Reader.features`; (T − 1, 1, 262)."""
        path = clip.files[0]
        frames = load_array(path, _COLUMNS)
        poses = frames[:, : 3 * NUM_JOINTS].reshape(-1, NUM_JOINTS, 3)
        body = load_body(self.body, SMPLX_JOINTS) if self.body else None
        person = body_motion(path, poses, frames[:, _TRANSLATION], frames[0, _BETAS], FPS, body)
        return record_features(person, self.floor)


def _owned(missing: list[str]) -> list[str]:
    """A sentence for each subset whose missing motions everybody gets elsewhere."""
    return [
        sentence
        for subset, owner in _OWNERS.items()
        for sentence in oddity(
            f"Clips of {subset}, whose motions {owner} hands out, left out; get them there and convert them with "
            "https://github.com/IDEA-Research/Motion-X/tree/main/mocap-dataset-process",
            [name for name in missing if _subset(name) == subset],
        )
    ]


def _names(folder: Path, ending: str) -> set[str]:
    """Files below a folder as the split files spell them: relative, with slashes, without the ending."""
    return {path.relative_to(folder).as_posix().removesuffix(ending) for path in folder.rglob(f"*{ending}")}


def _matched(split_of: dict[str, str], texts: set[str]) -> dict[str, str]:
    """The text of each clip that has one: at its own place, or right under its subset where only one clip is called so."""
    short = {name: f"{_subset(name)}/{name.rpartition('/')[2]}" for name in split_of}
    meant = Counter(short.values())
    own = {name: name for name in split_of if name in texts}
    return {name: place for name, place in short.items() if place in texts and meant[place] == 1} | own


def _captions(path: Path) -> tuple[tuple[str, ...], bool]:
    """Sentences about the whole clip, and whether there are others."""
    whole, of_parts = [], False
    for line in read_lines(path):
        sentence, *rest = line.split("#")
        if sentence.strip() and (len(rest) < 3 or all(_is_zero(time) for time in rest[-2:])):
            whole.append(sentence.strip())
        else:
            of_parts = True
    return tuple(whole), of_parts


def _is_zero(time: str) -> bool:
    """HumanML3D writes 0.0, and now and then nan, where a sentence is about the whole clip."""
    try:
        return not float(time) > 0
    except ValueError:
        return False


def _subset(name: str) -> str:
    return name.partition("/")[0]


def _source(name: str, split_of: dict[str, str]) -> str:
    """The clip that a mirror image was made of, else the clip itself."""
    folder, slash, last = name.rpartition("/")
    unmirrored = f"{folder}{slash}{last[1:]}"
    return unmirrored if last.startswith("M") and unmirrored in split_of else name
