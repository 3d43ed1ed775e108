"""A small HumanML3D as its scripts make it: lawful random motion in exactly its formats, and each of its oddities."""

from pathlib import Path

import numpy as np
from poses import random_interaction

from vimotion.corpora.humanml3d_vectors import vectors_from_joints

SPLITS = {"train": ["000001", "M000001", "000002", "M000002"], "val": ["000005"], "test": ["000009"]}
TOKENS = "a/DET person/NOUN wave/VERB"


def joints(seed: int, mirrored: bool = False) -> np.ndarray:
    """(50, 22, 3), anywhere, facing anywhere."""
    motion = random_interaction(seed, frames=50, people=1)
    return (motion.mirrored() if mirrored else motion).joint_positions[:, 0]


def write_humanml3d(folder: Path) -> Path:
    for split, names in SPLITS.items():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{split}.txt").write_text("".join(f"{name}\n" for name in names))
        for name in names:
            write_clip(folder, name)
    return folder


def write_clip(folder: Path, name: str) -> None:
    mirrored = name.startswith("M")
    write_vectors(folder, name, vectors_from_joints(joints(int(name.removeprefix("M")), mirrored)))
    side = "right" if mirrored else "left"
    write_texts(folder, name, [f"a person waves with the {side} hand.#{TOKENS}#0.0#0.0", f"someone greets.#{TOKENS}#0.0#0.0"])


def write_vectors(folder: Path, name: str, vectors: np.ndarray) -> None:
    path = folder / "new_joint_vecs" / f"{name}.npy"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, vectors.astype(np.float32))


def write_texts(folder: Path, name: str, lines: list[str]) -> None:
    path = folder / "texts" / f"{name}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))


# -- oddities ------------------------------------------------------------------------------------------------------------


def without_motion(folder: Path) -> None:
    (folder / "new_joint_vecs" / "000009.npy").unlink()


def without_texts(folder: Path) -> None:
    (folder / "texts" / "000005.txt").unlink()


def without_sentence(folder: Path) -> None:
    write_texts(folder, "000005", [])


def mirror_image_in_another_split(folder: Path) -> None:
    for split, names in (("train", SPLITS["train"][:3]), ("val", [*SPLITS["val"], "M000002"])):
        (folder / f"{split}.txt").write_text("".join(f"{name}\n" for name in names))


def unlisted_motion(folder: Path) -> None:
    write_clip(folder, "000077")


def without_last_newline(folder: Path) -> None:
    path = folder / "train.txt"
    path.write_text(path.read_text().rstrip("\n"))


def broken_lines(folder: Path) -> None:
    """Of six lines only the first can be read."""
    lines = [
        f"it waves.#{TOKENS}#nan#nan", "no parts", f"no times#{TOKENS}", f"words for times#{TOKENS}#now#then",
        f"ends before it begins#{TOKENS}#2.0#1.0", f"#{TOKENS}#0.0#0.0",
    ]  # fmt: skip
    write_texts(folder, "000005", lines)


def told_in_part(folder: Path) -> None:
    lines = [
        f"waves.#{TOKENS}#0.0#0.0", f"begins to wave.#{TOKENS}#0.0#1.0", f"sits down.#{TOKENS}#1.5#2.25",
        f"takes a seat.#{TOKENS}#1.5#2.25",
    ]  # fmt: skip
    write_texts(folder, "M000001", lines)
