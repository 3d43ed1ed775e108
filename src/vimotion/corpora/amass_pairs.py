"""The two-person takes of CMU's motion capture as AMASS has them: two people, 53 takes, mostly without sentences.

    CMU/18_19_Justin/18_01_poses.npz    one person of session 18_19, take 1, as SMPL-H parameters (`SMPL+H G`)
    CMU/18_19_rory/18_01_poses.npz      the other
    CMU/20_21_Justin1, 20_21_rory1, 22_23_justin, 22_23_Rory likewise
    captions.csv                        optional: a line `clip,caption` for each sentence: 18_19_01,"They shake hands."

The numbers in a file's name are one of the session's two subjects, whichever person it is, and the take: takes are paired by
number. Each npz has `poses` (T, 156) axis-angle of 52 joints, `trans` (T, 3), `betas` and its rate, `mocap_framerate`. The
world has z up and is the same for both people, as is the clock.

AMASS knows no splits of takes. Here session 20_21 is held out: its even takes are val, its odd ones test; the others are train.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from vimotion.corpora.reading import Clip, Contents
from vimotion.corpora.smplx_body import SMPLH_JOINTS, body_motion, load_arrays, load_body, load_word
from vimotion.corpora.source_files import oddity, read_lines
from vimotion.corpora.store import record_features
from vimotion.errors import UserError
from vimotion.motion import FPS, NUM_JOINTS, Interaction
from vimotion.motion.placing import Floor

_APPLY = "get CMU (SMPL+H G) of AMASS from https://amass.is.tue.mpg.de and unpack it there"
# The folders of the two people of a session.
_SESSIONS = {
    "18_19": ("18_19_Justin", "18_19_rory"),
    "20_21": ("20_21_Justin1", "20_21_rory1"),
    "22_23": ("22_23_justin", "22_23_Rory"),
}
_TAKES = 53
_HELD_OUT = "20_21"
_TAKE = re.compile(r"(\d+)_(\d+)_poses")
_CAPTIONS = "captions.csv"
_SHAPES = {"poses": ("T", 3 * SMPLH_JOINTS), "trans": ("T", 3), "betas": ("B",), "mocap_framerate": ()}


@dataclass(frozen=True)
class AmassPairs:
    """AMASS, its folder `CMU`, or a folder with the six folders of people.

    Attributes:
        floor: "together" puts the pair on the ground, "each" each person alone.
        body: a SMPL-H npz, or the folder of `<gender>/model.npz`, of which each person's gender picks one; our own skeleton
            where there is none.
    """

    source: Path
    floor: Floor = "together"
    body: Path | None = None
    licence: str = field(
        default="AMASS (Mahmood et al. 2019): non-commercial research only, and it may not be passed on.", init=False
    )

    def contents(self) -> Contents:
        """See `Reader.contents`: takes of which both people are there; captions only from `captions.csv`."""
        folders = [self.source, self.source / "CMU", self.source / "CMU" / "CMU"]
        cmu = next((folder for folder in folders if any((folder / one).is_dir() for one, _ in _SESSIONS.values())), None)
        if cmu is None:
            raise UserError(f"{self.source / 'CMU' / _SESSIONS['18_19'][0]} and its like are missing; {_APPLY}.")
        captions = self._captions()
        clips, alone, strays, missing = [], [], [], []
        for session, names in _SESSIONS.items():
            people = []
            for folder in (cmu / name for name in names):
                takes, others = _takes(folder, session)
                people.append(takes)
                strays += others
                missing += [] if folder.is_dir() else [folder.name]
            for take in sorted(people[0].keys() | people[1].keys()):
                name = f"{session}_{take:02d}"
                if take in people[0] and take in people[1]:
                    files = (people[0][take], people[1][take])
                    clips.append(Clip(name, _split(session, take), name, captions.pop(name, ()), files, {"session": session}))
                else:
                    alone.append(name)
        oddities = [
            *oddity("Folders of people that are missing", missing),
            *oddity("Takes of which only one person is there, left out", alone),
            *oddity("Files that are no take of their session, left out", strays),
            *oddity(f"Clips that {_CAPTIONS} names and that are not there", captions),
            *oddity(
                f"Clips of which nothing is known but the motion: AMASS has no sentences, and {self.source / _CAPTIONS} "
                "gives none",
                [clip.id for clip in clips if not clip.captions],
            ),
        ]
        if len(clips) != _TAKES:
            oddities.append(f"There are {len(clips)} takes of two people; AMASS has {_TAKES}.")
        return Contents(tuple(clips), tuple(oddities))

    def features(self, clip: Clip) -> np.ndarray:
        """See `Reader.features`; (T − 1, 2, 262) of the time that both people were recorded."""
        first, second = (self._person(path) for path in clip.files)
        return record_features(first.beside(second), self.floor)

    def _person(self, path: Path) -> Interaction:
        """At 30 fps: the two people of a take may come at different rates."""
        arrays = load_arrays(path, _SHAPES)
        poses = arrays["poses"][:, : 3 * NUM_JOINTS].reshape(-1, NUM_JOINTS, 3)
        body = load_body(self.body, SMPLH_JOINTS, load_word(path, "gender", "neutral")) if self.body else None
        fps = float(arrays["mocap_framerate"])
        return body_motion(path, poses, arrays["trans"], arrays["betas"], fps, body, z_up=True).resampled(FPS)

    def _captions(self) -> dict[str, tuple[str, ...]]:
        path = self.source / _CAPTIONS
        captions: dict[str, tuple[str, ...]] = {}
        if not path.is_file():
            return captions
        for row in csv.reader(read_lines(path)):
            if len(row) != 2:
                raise UserError(f"{path} holds {','.join(row)!r}; each line must be `clip,caption`, the caption in quotes.")
            name, caption = (cell.strip() for cell in row)
            if (name, caption) != ("clip", "caption"):
                captions[name] = (*captions.get(name, ()), caption)
        return captions


def _takes(folder: Path, session: str) -> tuple[dict[int, Path], list[str]]:
    """The file of each take of one person, and names of files that are none."""
    takes: dict[int, Path] = {}
    strays = []
    for path in sorted(folder.glob("*")):
        found = _TAKE.fullmatch(path.stem)
        if path.suffix == ".npz" and found and found[1] in session.split("_") and int(found[2]) not in takes:
            takes[int(found[2])] = path
        elif path.name != "shape.npz":  # AMASS keeps the person's shape beside their takes
            strays.append(f"{folder.name}/{path.name}")
    return takes, strays


def _split(session: str, take: int) -> str:
    if session != _HELD_OUT:
        return "train"
    return "test" if take % 2 else "val"
