"""A small CMU of AMASS, in exactly its format, and what may be odd about one."""

from pathlib import Path

import numpy as np
from smpl_parameters import random_person

SESSIONS = {
    "18_19": ("18_19_Justin", "18_19_rory"),
    "20_21": ("20_21_Justin1", "20_21_rory1"),
    "22_23": ("22_23_justin", "22_23_Rory"),
}
TAKES = {"18_19": (1, 2, 15), "20_21": (1, 2), "22_23": (25,)}
NAMES = [f"{session}_{take:02d}" for session, takes in TAKES.items() for take in takes]
# (x, y, z) with y up → (x, −z, y) with z up
Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
FPS = 120.0


def frames(person: int) -> int:
    """The second person is recorded a little longer."""
    return 81 + 8 * person


def parameters(name: str, person: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Poses (T, 52, 3), translations and 16 shape parameters as the file has them: z is up."""
    from vimotion.motion.rotations import axis_angle_to_matrix, matrix_to_axis_angle

    seed = 10 * NAMES.index(name) + person
    poses, translations, betas = random_person(seed, frames(person))
    all_poses = np.zeros((len(poses), 52, 3))
    all_poses[:, :22] = poses
    all_poses[:, 0] = matrix_to_axis_angle(Z_UP @ axis_angle_to_matrix(poses[:, 0]))
    return all_poses, translations @ Z_UP.T, np.concatenate([betas, np.zeros(6)])


def path(root: Path, name: str, person: int) -> Path:
    """Both people's files have the first subject's number."""
    session, take = name.rsplit("_", 1)
    return root / "CMU" / SESSIONS[session][person] / f"{session.split('_')[0]}_{take}_poses.npz"


def write_amass(root: Path) -> Path:
    for name in NAMES:
        for person, gender in enumerate(("male", "female")):
            poses, translations, betas = parameters(name, person)
            file = path(root, name, person)
            file.parent.mkdir(parents=True, exist_ok=True)
            np.savez(
                file, poses=poses.reshape(len(poses), 156), trans=translations, betas=betas, mocap_framerate=np.float64(FPS),
                gender=gender, dmpls=np.zeros((len(poses), 8)),
            )  # fmt: skip
            np.savez(file.parent / "shape.npz", betas=betas)
    return root


def write_captions(root: Path) -> None:
    (root / "captions.csv").write_text(
        'clip,caption\n18_19_01,"They walk up, shake hands and part."\n18_19_01,Two people shake hands.\n20_21_02,One pulls.\n'
    )


# What may be odd.


def add_strays(root: Path) -> None:
    """Of another session, as some copies of AMASS have them, and another kind of file."""
    path(root, "18_19_01", 1).with_name("readme.txt").write_text("hello")
    first = path(root, "18_19_01", 1)
    first.parent.with_name("20_21_rory1").joinpath(first.name).write_bytes(first.read_bytes())
