"""A small InterHuman as it is downloaded: lawful random motion in exactly its formats, and each of its oddities."""

import pickle
from pathlib import Path

import numpy as np
from poses import random_interaction

from vimotion.motion import Interaction
from vimotion.motion.rotations import matrix_to_6d, matrix_to_axis_angle

SPLITS = {"train": ["1", "2", "7"], "val": ["3"], "test": ["5"]}
# (x, y, z) with y up → (x, −z, y) with z up
Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])


def processed(motion: Interaction, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Each person as (T, 492) float64, Z-up; the columns that nobody reads hold other numbers."""
    rows = np.random.default_rng(seed).normal(size=(2, motion.num_frames, 492))
    rows[..., :66] = np.moveaxis(motion.joint_positions @ Z_UP.T, 1, 0).reshape(2, -1, 66)
    six = matrix_to_6d(motion.local_rotations[:, :, 1:])
    rows[..., 186:312] = np.moveaxis(six, 1, 0).reshape(2, -1, 126)
    return rows[0], rows[1]


def raw(motion: Interaction) -> dict:
    """The dict of a raw motion, Z-up."""
    content = {"mocap_framerate": motion.fps, "frames": motion.num_frames}
    for person in range(2):
        rotations = motion.local_rotations[:, person].copy()
        rotations[:, 0] = Z_UP @ rotations[:, 0]
        angles = matrix_to_axis_angle(rotations)
        content[f"person{person + 1}"] = {
            "trans": motion.root_positions[:, person] @ Z_UP.T,
            "root_orient": angles[:, 0],
            "pose_body": angles[:, 1:].reshape(-1, 63),
            "betas": np.zeros(10),
            "gender": "neutral",
        }
    return content


def write_interhuman(folder: Path, split_folder: str = "", raw_motions: bool = False) -> Path:
    """Five clips; with `raw_motions` at 120 fps and without the processed ones."""
    for split, names in SPLITS.items():
        path = folder / split_folder / f"{split}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{name}\n" for name in names))
        for name in names:
            write_clip(folder, name, raw_motions)
    return folder


def write_clip(folder: Path, name: str, raw_motions: bool = False) -> None:
    annotate(folder, name)
    motion = random_interaction(int(name), frames=20)
    if raw_motions:
        motion = Interaction(motion.root_positions, motion.local_rotations, motion.skeletons, 30.0).resampled(120.0)
        write_raw(folder, name, raw(motion))
        return
    for person, rows in enumerate(processed(motion), 1):
        write_person(folder, name, person, rows)


def annotate(folder: Path, name: str, text: str | None = None) -> None:
    path = folder / "annots" / f"{name}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text or f"Two people meet in clip {name}.\nThey wave.  \nOne bows and the other nods.\n")


def write_person(folder: Path, name: str, person: int, rows: np.ndarray) -> Path:
    path = folder / "motions_processed" / f"person{person}" / f"{name}.npy"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, rows.astype(np.float32))
    return path


def write_raw(folder: Path, name: str, content: object) -> Path:
    path = folder / "motions" / f"{name}.pkl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(content))
    return path


# -- oddities ------------------------------------------------------------------------------------------------------------


def annotated_without_motion(folder: Path) -> None:
    """As clips 3945 and 4106 of the data set; the second is in a split file too."""
    annotate(folder, "3945")
    annotate(folder, "4106")
    with (folder / "train.txt").open("a") as file:
        file.write("4106\n")


def stray_annotation(folder: Path) -> None:
    annotate(folder, "38(1)")


def without_second_person(folder: Path) -> None:
    (folder / "motions_processed" / "person2" / "2.npy").unlink()


def without_last_newline(folder: Path) -> None:
    path = folder / "test.txt"
    path.write_text(path.read_text().rstrip("\n"))


def unlisted_motion(folder: Path) -> None:
    write_clip(folder, "99")


def ignored(folder: Path) -> None:
    (folder / "ignore_list.txt").write_text("7")


def without_sentences(folder: Path) -> None:
    annotate(folder, "1", "\n  \n")


def listed_twice(folder: Path) -> None:
    with (folder / "val.txt").open("a") as file:
        file.write("1\n")
