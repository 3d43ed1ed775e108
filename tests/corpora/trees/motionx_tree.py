"""A small Motion-X, in exactly its format, and what may be odd about one."""

from pathlib import Path

import numpy as np
from smpl_parameters import random_person

SPLITS = {
    "train": ["idea400/subset_0001/Walking_While_Waving", "humanml/000012", "humanml/M000012",
              "music/subset_0000/Play_Cello_clip_2"],
    "val": ["EgoBody/recording_20210918_S05_S06_04/body_idx_0/001", "idea400/subset_0002/Making_Tea"],
    "test": ["GRAB/s8/mug_toast_1", "fitness/subset_0032/Plank_Cross_Crunches_clip_18"],
}  # fmt: skip
NAMES = [name for names in SPLITS.values() for name in names]
FRAMES = 25


def frames(name: str) -> np.ndarray:
    """(T, 322); the numbers of hands and face are there and mean nothing here."""
    seed = NAMES.index(name)
    poses, translations, betas = random_person(seed, FRAMES)
    numbers = np.random.default_rng(seed).normal(size=(FRAMES, 322))
    numbers[:, :66], numbers[:, 309:312], numbers[:, 312:] = poses.reshape(FRAMES, 66), translations, betas
    return numbers


def text(name: str) -> str:
    if name.startswith("humanml/"):
        return "a person walks.#a/DET person/NOUN walk/VERB#0.0#0.0\na person turns.#a/DET person/NOUN turn/VERB#1.5#2.0\n"
    return f"Somebody does {name.rpartition('/')[2]}."


def write_motionx(root: Path) -> Path:
    for split, names in SPLITS.items():
        root.mkdir(exist_ok=True)
        (root / f"{split}.txt").write_text("".join(f"{name}\n" for name in names))
    for name in NAMES:
        motion, words = motion_path(root, name), text_path(root, name)
        motion.parent.mkdir(parents=True, exist_ok=True)
        words.parent.mkdir(parents=True, exist_ok=True)
        np.save(motion, frames(name))
        words.write_text(text(name))
    return root


def motion_path(root: Path, name: str) -> Path:
    return root / "motion_data" / "smplx_322" / f"{name}.npy"


def text_path(root: Path, name: str) -> Path:
    return root / "texts" / "semantic_labels" / f"{name}.txt"


# What may be odd.


def lose_owned(root: Path) -> list[str]:
    """The motions that AMASS, GRAB and EgoBody hand out are not there."""
    owned = [name for name in NAMES if name.split("/")[0] in ("humanml", "GRAB", "EgoBody")]
    for name in owned:
        motion_path(root, name).unlink()
    return owned


def flatten_texts(root: Path) -> None:
    """Texts right under their subset."""
    for name in NAMES:
        path = text_path(root, name)
        path.rename(text_path(root, f"{name.split('/')[0]}/{path.stem}"))


def add_strays(root: Path) -> None:
    np.save(motion_path(root, "music/subset_0000/Unknown"), frames(NAMES[0]))
    text_path(root, "music/subset_0000/Unknown(1)").write_text("Nobody knows.")
