"""InterHuman: two people who interact, described by three sentences [tr3e/InterGen].

    annots/<id>.txt                         a sentence a line, about both people; nobody is named
    motions_processed/person1/<id>.npy      (T, 492): joints 0:66, 6D rotations of joints 1..21 at 186:312; 30 fps, Z-up
    motions_processed/person2/<id>.npy
    motions/<id>.pkl                        SMPL-H parameters of both people at their own rate, Z-up: read where there is no
                                            motions_processed
    train.txt, val.txt, test.txt            an id a line, here or in split/
    ignore_list.txt                         ids to leave out; may be missing

The joints and rotations of processed motions go into the frame vectors as they are given. With `floor="each"` these are the
official loader's of the whole clip. It cuts clips to 300 frames first; here that is left to training. Ours are computed in
float64 and the official ones in float32: positions differ by about 1e-6 m, and where a foot is as close as that to a limit
(0.12 m, 0.05 m, a squared speed of 0.001) its contact may differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from vimotion.corpora.reading import Clip, Contents
from vimotion.corpora.smplx_body import SMPLH_JOINTS, body_motion, load_body
from vimotion.corpora.source_files import check_joints, finite, load_array, load_pickle, oddity, read_lines
from vimotion.corpora.splits import read_splits
from vimotion.corpora.store import record_features
from vimotion.errors import UserError
from vimotion.motion import NUM_JOINTS, Interaction
from vimotion.motion.features import joint_features
from vimotion.motion.placing import Floor, place_joints
from vimotion.motion.rotations import Y_UP_FROM_Z_UP, matrix_from_6d, matrix_to_6d

_GET = "get InterHuman at https://tr3e.github.io/intergen-page and unpack all of it there"
_COLUMNS = 62 * 3 + 51 * 6
_POSITIONS = slice(0, 3 * NUM_JOINTS)
_ROTATIONS = slice(62 * 3, 62 * 3 + 6 * (NUM_JOINTS - 1))
# How far two stored columns may be from a rotation's; another order of the six numbers is off by far more.
_ROTATION_TOLERANCE = 0.1
# Numbers a frame of the arrays of one person in a raw motion.
_RAW = {"trans": 3, "root_orient": 3, "pose_body": 63}


@dataclass(frozen=True)
class InterHuman:
    """The folder that holds `annots` and `motions_processed` (or `motions`).

    Attributes:
        floor: "together" puts the pair on the ground, "each" each person alone, as the official loader does.
        body: the SMPL-H model for raw motions, see `smplx_body.load_body`; without it people get our own skeleton.
    """

    source: Path
    floor: Floor = "together"
    body: Path | None = None
    licence: str = field(
        default="CC BY-NC-SA 4.0 (InterHuman, Liang et al. 2024): no commercial use, and it may not be passed on.", init=False
    )

    def contents(self) -> Contents:
        """See `Reader.contents`: clips of the split files that have a motion of both people and sentences."""
        annotations = self._annotations()
        motions = self._motions()
        splits, oddities = read_splits([self.source, self.source / "split"], _GET)
        ignored = self._ignored()
        known = [name for name in splits if name not in ignored]
        captions = {name: tuple(read_lines(annotations[name])) for name in known if name in annotations}
        clips = tuple(
            Clip(name, splits[name], name, captions[name], motions[name])
            for name in known
            if name in motions and captions.get(name)
        )
        # ids are numbers: an annotation of another name is of no clip
        numbered = {name for name in annotations if name.isdigit()} - ignored
        strays = annotations.keys() - splits.keys() - motions.keys() - numbered - ignored
        oddities += [
            *self._raw_instead(),
            *oddity("Clips without a motion of both people are left out", sorted({*known, *numbered} - motions.keys())),
            *oddity("Annotations that belong to no clip are left out", [f"{name}.txt" for name in sorted(strays)]),
            *oddity("Clips without a sentence are left out", [n for n in known if n in motions and not captions.get(n)]),
            *oddity("Motions that no split file names are left out", sorted(motions.keys() - splits.keys() - ignored)),
            *oddity("Clips of ignore_list.txt are left out", [name for name in splits if name in ignored]),
        ]
        return Contents(clips, tuple(oddities))

    def features(self, clip: Clip) -> np.ndarray:
        """See `Reader.features`; a clip of T frames gives (T − 1, 2, 262)."""
        if clip.files[0].suffix == ".pkl":
            return record_features(raw_interaction(clip.files[0], self.body), self.floor)
        positions, six = processed_joints(clip.files)
        return joint_features(place_joints(positions, self.floor), six).astype(np.float32)

    def _annotations(self) -> dict[str, Path]:
        folder = self.source / "annots"
        if not folder.is_dir():
            raise UserError(f"{folder} is missing; {_GET}.")
        return {path.stem: path for path in folder.glob("*.txt")}

    def _motions(self) -> dict[str, tuple[Path, ...]]:
        """The files of each clip that has a motion of both people."""
        if self._processed.is_dir():
            first, second = (
                {path.stem: path for path in (self._processed / person).glob("*.npy")} for person in ("person1", "person2")
            )
            return {name: (path, second[name]) for name, path in first.items() if name in second}
        if self._raw.is_dir():
            return {path.stem: (path,) for path in self._raw.glob("*.pkl")}
        raise UserError(f"{self._processed} is missing, and {self._raw} too; {_GET}.")

    def _raw_instead(self) -> list[str]:
        if self._processed.is_dir():
            return []
        skeleton = "our own skeleton" if self.body is None else f"the bodies of {self.body}"
        return [f"There is no {self._processed}: the raw motions are read, on {skeleton}."]

    @property
    def _processed(self) -> Path:
        return self.source / "motions_processed"

    @property
    def _raw(self) -> Path:
        return self.source / "motions"

    def _ignored(self) -> set[str]:
        path = self.source / "ignore_list.txt"
        return set(read_lines(path)) if path.is_file() else set()


def processed_joints(files: Sequence[Path]) -> tuple[np.ndarray, np.ndarray]:
    """The processed motions of some people: joints (T, P, 22, 3) metres, Y-up, and 6D rotations (T, P, 21, 6), float64.

    Raises:
        UserError: a file is damaged, or holds what no body does, or they differ in length.
    """
    people = [load_array(path, _COLUMNS) for path in files]
    if len({len(person) for person in people}) > 1:
        raise UserError(f"{files[0]} has {len(people[0])} frames and {files[1]} has {len(people[1])}; get them again.")
    if len(people[0]) < 2:
        raise UserError(f"{files[0]} holds a single frame of motion.")
    motion = np.stack(people, axis=1)
    positions = motion[..., _POSITIONS].reshape(*motion.shape[:2], NUM_JOINTS, 3) @ Y_UP_FROM_Z_UP.T
    six = motion[..., _ROTATIONS].reshape(*motion.shape[:2], NUM_JOINTS - 1, 6)
    for person, path in enumerate(files):
        check_joints(positions[:, person], path)
        if np.abs(matrix_to_6d(matrix_from_6d(six[:, person])) - six[:, person]).max() > _ROTATION_TOLERANCE:
            raise UserError(f"{path} holds numbers in columns 186 to 311 that are no rotations; get the file again.")
    return positions, six


def raw_interaction(path: Path, body: Path | None = None) -> Interaction:
    """A raw motion at its own rate, Y-up; `body` is the SMPL-H model, our own skeleton without it.

    Raises:
        UserError: the file is damaged, or lacks what a raw motion has.
    """
    content = load_pickle(path)
    if not isinstance(content, dict) or not {"mocap_framerate", "person1", "person2"} <= content.keys():
        raise UserError(f"{path} must hold mocap_framerate, person1 and person2; get the file again.")
    try:
        fps = float(content["mocap_framerate"])
    except (TypeError, ValueError):
        raise UserError(f"{path} has a mocap_framerate that is no number; get the file again.") from None
    first, second = (_raw_person(content[person], path, fps, body) for person in ("person1", "person2"))
    if first.num_frames != second.num_frames:
        raise UserError(f"{path} has {first.num_frames} frames of person1 and {second.num_frames} of person2; get it again.")
    return first.joined(second)


def _raw_person(parameters: Any, path: Path, fps: float, body: Path | None) -> Interaction:
    if not isinstance(parameters, dict):
        raise UserError(f"{path} must hold a dict for each person; get the file again.")
    arrays = {key: _numbers(parameters, key, ("frames", width), path) for key, width in _RAW.items()}
    if len({len(array) for array in arrays.values()}) > 1:
        raise UserError(f"{path} holds {', '.join(_RAW)} of different lengths; get the file again.")
    poses = np.concatenate([arrays["root_orient"], arrays["pose_body"]], axis=1).reshape(-1, NUM_JOINTS, 3)
    betas, model = np.zeros(0), None
    if body is not None:
        betas = _numbers(parameters, "betas", ("betas",), path)
        model = load_body(body, SMPLH_JOINTS, str(parameters.get("gender", "neutral")).lower())
    return body_motion(path, poses, arrays["trans"], betas, fps, model, z_up=True)


def _numbers(parameters: dict[str, Any], key: str, shape: tuple[str | int, ...], path: Path) -> np.ndarray:
    """What a person has under a key; the first size is free."""
    try:
        array = np.asarray(parameters.get(key))
    except ValueError:  # of a list of lists of different lengths
        array = np.zeros(0, dtype=object)
    if array.dtype.kind != "f" or array.ndim != len(shape) or array.shape[1:] != shape[1:]:
        raise UserError(f"{path} must hold {key} of the shape ({', '.join(map(str, shape))}) for each person; get it again.")
    return finite(array, path)
