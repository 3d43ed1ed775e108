"""Inter-X: two people who interact, each with an action, an actor and sentences [liangxuy/Inter-X].

    annots/action_setting.txt        the name of each action, a line each
    annots/interaction_order.pkl     who acts, a dict of clip → 1 (P1 acts) or 0 (P2 acts)
    splits/{train,val,test}.txt      a clip a line
    motions/<clip>/P1.npz, P2.npz    SMPL-X parameters at 120 fps
    motions/{train,val,test}.h5      the processed ones at 30 fps, read where there are no npz files of a clip
    texts/<clip>.txt                 a sentence a line
    texts_processed/<clip>.txt       `sentence#words#0.0#0.0` a line, read where texts/ has none

Both downloads may lie beside each other under the names that they unpack to, `Inter-X_Dataset` and `processed_data`. The
world is Y-up, in metres. A clip is called GgggTtttAaaaRrrr: group of people, shot, action (a line of action_setting.txt,
counted from 0) and piece.

The README of Inter-X has the actor's label upside down. Its author put it right (issue 9), and the script that prepares
reactions agrees: 1 means that P1 acts. Here the actor is the first person.

The processed motions have each person put on the ground alone and say nothing of anybody's shape: npz files tell more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from vimotion.corpora.reading import Clip, Contents
from vimotion.corpora.smplx_body import SMPLX_JOINTS, BodyModel, body_motion, load_arrays, load_body, load_word
from vimotion.corpora.source_files import finite, load_pickle, oddity, read_lines
from vimotion.corpora.splits import read_splits
from vimotion.corpora.store import SPLITS, record_features
from vimotion.errors import UserError
from vimotion.motion import FPS, NUM_JOINTS, Interaction
from vimotion.motion.placing import Floor

_APPLY = "apply for Inter-X at https://github.com/liangxuy/Inter-X and unpack it there"
_FOLDERS = (".", "Inter-X_Dataset", "processed_data")
_RAW_FPS = 120.0
_NAME = re.compile(r"G\d{3}T\d{3}A(\d{3})R\d{3}")
_RAW = {"root_orient": ("T", 3), "pose_body": ("T", NUM_JOINTS - 1, 3), "trans": ("T", 3), "betas": (1, 10)}
# Rows of a processed frame; the last one is where the body is.
_ROWS = 56
_ACTORS = {1: "P1", 0: "P2"}


@dataclass(frozen=True)
class InterX:
    """The folder that holds `annots`, `splits`, `motions` and `texts`.

    Attributes:
        floor: "together" puts the pair on the ground, "each" each person alone.
        body: a SMPL-X npz, or the folder of `SMPLX_NEUTRAL.npz` and its like, of which each person's gender picks one; our own
            skeleton where there is none.
    """

    source: Path
    floor: Floor = "together"
    body: Path | None = None
    licence: str = field(
        default="Inter-X (Xu et al. 2024): non-commercial research only, and it may not be passed on.", init=False
    )

    def contents(self) -> Contents:
        """See `Reader.contents`: clips of the split files that have a motion."""
        split_of, oddities = read_splits(
            [folder / "splits" for folder in self._folders()],
            "get it from https://github.com/liangxuy/Inter-X/tree/main/datasets",
        )
        raw, halves = self._raw_motions()
        files = [] if split_of.keys() <= raw.keys() else self._processed_files()
        processed = {name: path for path in files for name in _names(path)}
        if not raw and not processed:
            raise UserError(f"{self.source / 'motions'} holds no motion of two people; {_APPLY}.")
        actors, actions = self._actors(), self._actions()
        texts = {path.stem: path for path in reversed([*self._found("texts/*.txt"), *self._found("texts_processed/*.txt")])}
        motions: dict[str, tuple[Path, ...]] = {**{name: (path,) for name, path in processed.items()}, **raw}
        clips = tuple(
            Clip(
                id=name,
                split=split,
                source=name,
                captions=_captions(texts[name]) if name in texts else (),
                files=motions[name],
                facts=_action(name, actions) | ({"actor": actors[name]} if name in actors else {}),
            )
            for name, split in split_of.items()
            if name in motions
        )
        oddities += [
            *oddity("Clips of the split files without a motion, left out", [name for name in split_of if name not in motions]),
            *oddity("Clips with a motion of one person only in motions/", halves),
            *oddity("Motions that no split file names, left out", sorted(motions.keys() - split_of.keys())),
            *oddity("Texts that belong to no clip of the split files", sorted(texts.keys() - split_of.keys())),
            *_told_of_clips(clips),
        ]
        for path in files:
            missing = [name for name, split in split_of.items() if split == path.stem and name not in processed]
            oddities += oddity(f"Clips that {path} should have and has not", missing)
        if not actions:
            oddities.append(f"{self.source / 'annots' / 'action_setting.txt'} is missing, so that actions have no names.")
        return Contents(clips, tuple(oddities))

    def features(self, clip: Clip) -> np.ndarray:
        """See `Reader.features`; (T, 2, 262), the actor first."""
        if clip.files[0].suffix == ".h5":
            people = self._read_processed(clip.files[0], clip.id)
        else:
            people = self._read_raw(clip.files[0]).beside(self._read_raw(clip.files[1]))
        return record_features(people.swapped() if _actor(clip) == "P2" else people, self.floor)

    def _folders(self) -> list[Path]:
        return [self.source / name for name in _FOLDERS if (self.source / name).is_dir()] or [self.source]

    def _found(self, pattern: str) -> Iterator[Path]:
        for folder in self._folders():
            yield from sorted(folder.glob(pattern))

    def _raw_motions(self) -> tuple[dict[str, tuple[Path, Path]], list[str]]:
        """The two npz files of each clip, and clips that have only one."""
        firsts, seconds = ({path.parent.name: path for path in self._found(f"motions/*/{name}.npz")} for name in ("P1", "P2"))
        both = {name: (path, seconds[name]) for name, path in firsts.items() if name in seconds}
        return both, sorted(firsts.keys() ^ seconds.keys())

    def _processed_files(self) -> list[Path]:
        return [path for split in SPLITS for path in self._found(f"motions/{split}.h5")]

    def _actors(self) -> dict[str, str]:
        """ "P1" or "P2" of each clip, whoever acts."""
        path = next(self._found("annots/interaction_order.pkl"), None)
        if path is None:
            raise UserError(f"{self.source / 'annots' / 'interaction_order.pkl'} is missing, which says who acts; {_APPLY}.")
        labels = load_pickle(path)
        if not isinstance(labels, dict) or not all(
            isinstance(name, str) and isinstance(label, int | np.integer) and int(label) in _ACTORS
            for name, label in labels.items()
        ):
            raise UserError(f"{path} must be a dict of clip → 0 or 1; get it again.")
        return {name: _ACTORS[int(label)] for name, label in labels.items()}

    def _actions(self) -> list[str]:
        path = next(self._found("annots/action_setting.txt"), None)
        return read_lines(path) if path else []

    def _body(self, gender: str = "neutral") -> BodyModel | None:
        return load_body(self.body, SMPLX_JOINTS, gender) if self.body else None

    def _read_raw(self, path: Path) -> Interaction:
        arrays = load_arrays(path, _RAW)
        poses = np.concatenate([arrays["root_orient"][:, None], arrays["pose_body"]], axis=1)
        body = self._body(load_word(path, "gender", "neutral")) if self.body else None
        return body_motion(path, poses, arrays["trans"], arrays["betas"][0], _RAW_FPS, body)

    def _read_processed(self, path: Path, name: str) -> Interaction:
        """P1 is in channels 0:3, P2 in 3:6."""
        import h5py

        try:
            with h5py.File(path, "r") as file:
                frames = np.asarray(file[name])
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise UserError(f"{name} cannot be read from {path} ({error}); get it again.") from None
        if frames.dtype.kind != "f" or frames.ndim != 3 or frames.shape[1:] != (_ROWS, 6):
            raise UserError(f"{path} holds {name} as {frames.dtype} of shape {frames.shape}; it must be (T, {_ROWS}, 6).")
        frames = finite(frames, path)
        first, second = (
            body_motion(path, part[:, :NUM_JOINTS], part[:, -1], np.zeros(10), FPS, self._body())
            for part in (frames[..., :3], frames[..., 3:])
        )
        return first.beside(second)


def _told_of_clips(clips: tuple[Clip, ...]) -> list[str]:
    return [
        *oddity("Clips without a sentence", [clip.id for clip in clips if not clip.captions]),
        *oddity("Clips of which nobody says who acts; P1 comes first", [clip.id for clip in clips if not _actor(clip)]),
        *oddity("Clips in which P2 acts, who comes first", [clip.id for clip in clips if _actor(clip) == "P2"]),
        *oddity("Clips at 120 fps, brought to 30", [clip.id for clip in clips if clip.files[0].suffix == ".npz"]),
    ]


def _names(path: Path) -> list[str]:
    """The clips in an h5 file."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return list(file)
    except OSError as error:
        raise UserError(f"{path} is cut off or no h5 file ({error}); get it again.") from None


def _captions(path: Path) -> tuple[str, ...]:
    """Sentences; in a processed text the words and times after them are left out."""
    return tuple(sentence for line in read_lines(path) if (sentence := line.split("#")[0].strip()))


def _action(name: str, actions: list[str]) -> dict[str, str]:
    found = _NAME.fullmatch(name)
    return {"action": actions[int(found[1])]} if found and int(found[1]) < len(actions) else {}


def _actor(clip: Clip) -> str | None:
    return (clip.facts or {}).get("actor")
