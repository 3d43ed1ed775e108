"""AMASS' npz of one person, in and out: how the joints of SMPL-X turn, and where the body is.

| key | shape | content |
|---|---|---|
| poses | (T, 165) | axis-angle of 55 joints: pelvis in the world, 21 of the body, jaw, eyes, fingers (the last 33 zero) |
| trans | (T, 3) | metres; the pelvis is at `trans` plus its place in the resting body |
| betas | (16,) | body shape; zero, the average body |
| gender | () | "neutral" |
| mocap_frame_rate | () | frames per second |
| surface_model_type | () | "smplx" |
| offsets | (22, 3) | ours: the skeleton of this person, so that our own files come back as they were |

The world has z up. SMPL's bones have other lengths than ours: a body model put in this pose stands a little higher or lower,
and its hands meet the other person's to within some centimetres.

Reading also takes SMPL-H as AMASS first came (`poses` of 156 numbers, `mocap_framerate`). Without `offsets` people get our
standard skeleton: the lengths of the bones are in a body model that no file holds. `corpora/` reads whole data sets with one.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vimotion.errors import UserError
from vimotion.formats.archive import Archive, write_archive
from vimotion.formats.capture import check_bones, check_length, thinning
from vimotion.formats.file_names import person_files
from vimotion.motion import FPS, NUM_JOINTS, Interaction, Skeleton
from vimotion.motion.rotations import Y_UP_FROM_Z_UP, axis_angle_to_matrix, matrix_to_axis_angle

# Where the pelvis of the average body is before it is posed, by the width of `poses`: SMPL-X has its origin in the chest. To
# about a centimetre for other bodies. It is added in the file's own axes, whatever is up there: so SMPL does.
_RESTING_PELVIS = {165: np.array([0.003, -0.351, 0.012]), 156: np.array([-0.002, -0.223, 0.028])}
_SMPLX = 165
_RATES = ("mocap_frame_rate", "mocap_framerate")
_MAX_ANGLE, _MAX_DISTANCE, _MAX_BONE = 100.0, 10_000.0, 3.0


def save_amass(interaction: Interaction, path: str | Path) -> list[Path]:
    """One file for each person: `name.amass.npz` for one, `name.a.amass.npz` and `name.b.amass.npz` for two."""
    paths = person_files(Path(path), interaction.num_people)
    for person, target in enumerate(paths):
        rotations = interaction.local_rotations[:, person].copy()
        rotations[:, 0] = Y_UP_FROM_Z_UP.T @ rotations[:, 0]
        poses = np.zeros((interaction.num_frames, _SMPLX), dtype=np.float32)
        poses[:, : 3 * NUM_JOINTS] = matrix_to_axis_angle(rotations).reshape(len(poses), -1)
        trans = interaction.root_positions[:, person] @ Y_UP_FROM_Z_UP - _RESTING_PELVIS[_SMPLX]
        arrays = {
            "poses": poses, "trans": trans.astype(np.float32), "betas": np.zeros(16, dtype=np.float32),
            "gender": np.array("neutral"), "mocap_frame_rate": np.float64(interaction.fps),
            "surface_model_type": np.array("smplx"), "offsets": interaction.skeletons[person].offsets.astype(np.float32),
        }  # fmt: skip
        write_archive(arrays, target)
    return paths


def is_amass(archive: Archive) -> bool:
    return "poses" in archive and "trans" in archive


def read_amass(archive: Archive, name: str, fps: float | None = None) -> Interaction:
    """One person at 30 fps; `fps` replaces the file's rate, and `name` is used in messages.

    Raises:
        UserError: a shape, number, rate or length in it is not as it must be.
    """
    rate = fps or _rate(archive, name)
    frames, *widths = archive.shape("poses")
    if len(widths) != 1 or widths[0] not in _RESTING_PELVIS or archive.shape("trans") != (frames, 3):
        raise UserError(
            f"{name} holds poses of shape {archive.shape('poses')!s:.60} and trans of {archive.shape('trans')!s:.60}; "
            "AMASS has (T, 165) or (T, 156), and (T, 3)."
        )
    check_length(name, frames, rate)
    offsets = Skeleton.standard().offsets
    if "offsets" in archive:
        if archive.shape("offsets") != (NUM_JOINTS, 3):
            raise UserError(f"{name} holds offsets of shape {archive.shape('offsets')!s:.60}; it must be ({NUM_JOINTS}, 3).")
        offsets = archive.read("offsets")
    poses, trans = archive.read("poses"), archive.read("trans")
    limits = ((poses, _MAX_ANGLE), (trans, _MAX_DISTANCE), (offsets, _MAX_BONE))
    if not all((np.abs(array) < limit).all() for array, limit in limits) or offsets[0].any():
        raise UserError(f"{name} holds angles, places or bones that nobody has; the file is damaged.")
    check_bones(name, offsets)
    kept = slice(None, None, thinning(rate))
    rotations = axis_angle_to_matrix(poses[kept, : 3 * NUM_JOINTS].reshape(-1, NUM_JOINTS, 3))
    rotations[:, 0] = Y_UP_FROM_Z_UP @ rotations[:, 0]
    roots = (trans[kept] + _RESTING_PELVIS[widths[0]]) @ Y_UP_FROM_Z_UP.T
    return Interaction(roots[:, None], rotations[:, None], (Skeleton(offsets),), rate / thinning(rate)).resampled(FPS)


def _rate(archive: Archive, name: str) -> float:
    key = next((key for key in _RATES if key in archive), None)
    if key is None or archive.shape(key):
        raise UserError(f"{name} tells no frame rate: it needs one number as {_RATES[0]}, or say the rate with `fps`.")
    return float(archive.read(key))
