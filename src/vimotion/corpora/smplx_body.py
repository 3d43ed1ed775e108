"""People from the parameters of SMPL-H and SMPL-X: the 22 joints of the body by forward kinematics.

The parameters tell how the joints turn (axis-angle, in SMPL's order) and where the body is; the lengths of the bones are in a
model that everybody downloads under their own name: SMPL-X from https://smpl-x.is.tue.mpg.de, SMPL-H from
https://mano.is.tue.mpg.de. Of such a model only three arrays are read:

    rest joints = J_regressor @ (v_template + shapedirs · betas)

Without a model people get our own skeleton, at the size at which their standing feet stay where they stand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from vimotion.corpora.source_files import check_joints, finite
from vimotion.errors import UserError
from vimotion.formats.archive import Archive, opened
from vimotion.formats.capture import check_length
from vimotion.motion import FPS, JOINT, NUM_JOINTS, PARENTS, Interaction, Skeleton, forward_kinematics
from vimotion.motion.rotations import Y_UP_FROM_Z_UP, axis_angle_to_matrix

SMPLH_JOINTS, SMPLX_JOINTS = 52, 55
_FEET = [JOINT[f"{side}_{joint}"] for side in ("left", "right") for joint in ("ankle", "foot")]
# A foot that moves slower than this stands, m/s; sizes that a grown person has against the standard skeleton.
_STANDING_SPEED, _SIZES = 0.3, (0.8, 1.25)
# How much the standard size counts: as if feet that stand had seen the pelvis pass by in ten steps of 3 cm, in m².
_STANDARD_WEIGHT = 0.01

Shape = tuple[str | int, ...]


@dataclass(frozen=True, eq=False)
class BodyModel:
    """What shape parameters do to the resting joints.

    Attributes:
        joints: (22, 3) metres, of the mean shape in the T-pose, Y-up, facing +Z; the origin is where `trans` puts it.
        directions: (22, 3, B) how each of B shape parameters moves them.
    """

    joints: np.ndarray
    directions: np.ndarray

    def rest_joints(self, betas: np.ndarray) -> np.ndarray:
        """(22, 3) for shape parameters (n,); those that the model has no direction for are left out."""
        count = min(len(betas), self.directions.shape[-1])
        return self.joints + self.directions[..., :count] @ betas[:count]


@lru_cache(maxsize=8)
def load_body(path: Path, num_joints: int, gender: str = "neutral") -> BodyModel:
    """The body model in `path`, or in the folder `path` the one of this gender.

    Args:
        path: an npz file, or a folder with `SMPLX_<GENDER>.npz` (SMPL-X) or `<gender>/model.npz` (SMPL-H) in it.
        num_joints: of the whole model, 55 for SMPL-X and 52 for SMPL-H: what the parameters were made for.

    Raises:
        UserError: it is missing, damaged, or a model of another kind.
    """
    if path.is_dir():
        files = [path / f"SMPLX_{gender.upper()}.npz", path / gender / "model.npz"]
        found = [file for file in files if file.is_file()]
        if not found:
            raise UserError(f"{path} has neither {files[0].name} nor {gender}/model.npz; put the body models there.")
        path = found[0]
    arrays = load_arrays(path, {"v_template": ("V", 3), "shapedirs": ("V", 3, "B"), "J_regressor": ("J", "V")})
    regressor = arrays["J_regressor"]
    if len(regressor) != num_joints:
        raise UserError(
            f"{path} is a model of {len(regressor)} joints; this data set needs one of {num_joints} "
            f"({'SMPL-X' if num_joints == SMPLX_JOINTS else 'SMPL-H'})."
        )
    body = regressor[:NUM_JOINTS]
    model = BodyModel(body @ arrays["v_template"], np.einsum("jv,vkb->jkb", body, arrays["shapedirs"], optimize=True))
    check_joints(model.joints, path)
    return model


def load_arrays(path: Path, shapes: Mapping[str, Shape]) -> dict[str, np.ndarray]:
    """These arrays of a `.npz` file as float64; what else is in it is not touched.

    Args:
        shapes: of each array its sizes; sizes with a name, such as "T", are the same in all arrays.

    Raises:
        UserError: the file is missing or damaged, lacks an array, or holds anything but finite numbers of
            these shapes.
    """
    sizes: dict[str, int] = {}
    with _opened(path) as archive:
        for name, shape in shapes.items():
            if name not in archive:
                raise UserError(f"{path} lacks {name}; it is another kind of file.")
            found = archive.shape(name)
            if len(found) == len(shape):
                sizes = {size: number for size, number in zip(shape, found, strict=True) if isinstance(size, str)} | sizes
            if found != tuple(sizes.get(size, -1) if isinstance(size, str) else size for size in shape):
                known = [f"{size} = {sizes[size]}" for size in shape if isinstance(size, str) and size in sizes]
                wanted = f"({', '.join(map(str, shape))})" + (f" with {', '.join(known)}" if known else "")
                raise UserError(f"{path} holds {name} of shape {found!s:.60}; it must be {wanted}.")
        return {name: finite(np.atleast_1d(archive.read(name)), path).reshape(archive.shape(name)) for name in shapes}


def load_word(path: Path, name: str, default: str) -> str:
    """A word in a `.npz` file, such as a gender, in small letters; `default` where the file does not have it.

    Raises:
        UserError: as `load_arrays`.
    """
    with _opened(path) as archive:
        return archive.word(name).lower() if name in archive else default


@contextmanager
def _opened(path: Path) -> Iterator[Archive]:
    if not path.is_file():
        raise UserError(f"There is no {path}.")
    with path.open("rb") as file, opened(file, str(path)) as archive:
        yield archive


def body_motion(
    path: Path,
    poses: np.ndarray,
    translations: np.ndarray,
    betas: np.ndarray,
    fps: float,
    body: BodyModel | None = None,
    z_up: bool = False,
) -> Interaction:
    """One person as their parameters tell, at the file's own rate.

    Args:
        path: where they are from, for messages.
        poses: (T, 22, 3) axis-angle radians: the pelvis in the world, then each joint in its parent's axes.
        translations: (T, 3) metres, from the world's origin to the body's.
        betas: (B,) shape parameters; only a model can tell what they mean.
        body: the model; our own skeleton is used where there is none. Its pelvis is put where `translations` say: this leaves
            out the way from the body's origin to its pelvis, which is the same for everybody but for a centimetre or two.
        z_up: the world of the file has z up.

    Raises:
        UserError: there are too few or too many frames, or nobody is or moves like this.
    """
    check_length(path.name, len(poses), fps)
    if len(poses) - 1 < fps / FPS:
        raise UserError(f"{path} is shorter than two frames at {FPS:g} fps.")
    roots, rotations = translations, axis_angle_to_matrix(poses)
    skeleton = Skeleton.standard()
    if body is not None:
        rest = body.rest_joints(betas)
        roots = roots + rest[0]
        offsets = np.zeros_like(rest)
        offsets[1:] = rest[1:] - rest[list(PARENTS[1:])]
        skeleton = Skeleton(offsets)
    if z_up:
        roots = roots @ Y_UP_FROM_Z_UP.T
        rotations[:, 0] = Y_UP_FROM_Z_UP @ rotations[:, 0]
    if body is None:
        skeleton = skeleton.scaled(standing_size(roots, rotations, fps))
    motion = Interaction(roots[:, None], rotations[:, None], (skeleton,), fps)
    check_joints(motion.joint_positions, path)
    return motion


def standing_size(roots: np.ndarray, rotations: np.ndarray, fps: float) -> float:
    """How large a person is against the standard skeleton: so that feet that stand stay where they stand.

    From one frame to the next a foot moves by Δroot + size · Δreach, where reach is the way from the pelvis to the foot of the
    standard skeleton. The size makes that least, in squares, over the lower foot wherever it stands. Somebody who does not
    move from the spot shows little of their size and keeps the standard one.

    Args:
        roots: (T, 3) the pelvis, metres, Y-up.
        rotations: (T, 22, 3, 3) local rotations.
    """
    every = max(1, round(fps / FPS))
    roots, rotations, fps = roots[::every], rotations[::every], fps / every
    reach, _ = forward_kinematics(np.zeros_like(roots), rotations, Skeleton.standard().offsets)
    feet = reach[:, _FEET]
    lower = (feet[1:, :, 1] + feet[:-1, :, 1]).argmin(axis=1)
    steps = np.diff(feet, axis=0)[np.arange(len(lower)), lower]
    moves = np.diff(roots, axis=0)
    stands = np.linalg.norm(moves + steps, axis=-1) * fps < _STANDING_SPEED
    moves, steps = moves[stands], steps[stands]
    size = (_STANDARD_WEIGHT - (moves * steps).sum()) / (_STANDARD_WEIGHT + (steps**2).sum())
    return float(np.clip(size, *_SIZES))
