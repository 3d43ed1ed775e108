"""A small Inter-X, in exactly its format, and what may be odd about one."""

import pickle
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from smpl_parameters import random_person

SPLITS = {
    "train": ["G001T000A000R000", "G001T000A001R001", "G002T001A001R003"],
    "val": ["G003T000A000R002"],
    "test": ["G004T002A002R000"],
}
NAMES = [name for names in SPLITS.values() for name in names]
ACTIONS = ["Hug", "Handshake", "Wave"]
# 1: P1 acts, 0: P2 acts
LABELS = dict(zip(NAMES, (1, 0, 1, 0, 1), strict=True))
FRAMES = 81
Parameters = tuple[np.ndarray, np.ndarray, np.ndarray]


def parameters(name: str) -> tuple[Parameters, Parameters]:
    """Poses, translations and shapes of P1 and P2 at 120 fps."""
    seed = 10 * NAMES.index(name)
    return random_person(seed, FRAMES), random_person(seed + 1, FRAMES)


def sentences(name: str) -> tuple[str, ...]:
    return (f"Two people meet in {name}.", "The first person acts, the second answers.", "They part.")


def write_annotations(root: Path) -> None:
    for folder in ("annots", "splits", "texts"):
        (root / folder).mkdir(parents=True)
    (root / "annots" / "action_setting.txt").write_text("\n".join(ACTIONS))
    (root / "annots" / "interaction_order.pkl").write_bytes(pickle.dumps({n: np.int64(label) for n, label in LABELS.items()}))
    for split, names in SPLITS.items():
        (root / "splits" / f"{split}.txt").write_text("".join(f"{name}\n" for name in names))
    for name in NAMES:
        (root / "texts" / f"{name}.txt").write_text("\n".join(sentences(name)))


def write_raw(root: Path, names: Iterable[str] = NAMES) -> None:
    """The npz tree at 120 fps."""
    for name in names:
        folder = root / "motions" / name
        folder.mkdir(parents=True)
        for person, (poses, translations, betas) in zip(("P1", "P2"), parameters(name), strict=True):
            hand = np.zeros((len(poses), 15, 3))
            np.savez(
                folder / f"{person}.npz", root_orient=poses[:, 0], pose_body=poses[:, 1:], pose_lhand=hand, pose_rhand=hand,
                trans=translations, betas=betas[None], gender="neutral",
            )  # fmt: skip


def processed(name: str) -> np.ndarray:
    """(T, 56, 6) float32 at 30 fps; P1 begins at the origin."""
    frames = []
    for poses, translations, _ in parameters(name):
        rows = np.zeros((len(poses[::4]), 56, 3))
        rows[:, :22], rows[:, 55] = poses[::4], translations[::4]
        frames.append(rows)
    origin = frames[0][0, 55].copy()
    for rows in frames:
        rows[:, 55] -= origin
    return np.concatenate(frames, axis=-1).astype(np.float32)


def write_processed(root: Path, names: Iterable[str] = NAMES) -> None:
    """The h5 files."""
    import h5py

    (root / "motions").mkdir(parents=True, exist_ok=True)
    for split, members in SPLITS.items():
        with h5py.File(root / "motions" / f"{split}.h5", "w") as file:
            for name in set(members) & set(names):
                file.create_dataset(name, data=processed(name), dtype="f4")


def write_processed_texts(root: Path) -> None:
    (root / "texts_processed").mkdir()
    for name in NAMES:
        lines = [f"{sentence}#two/NUM person/NOUN meet/VERB#0.0#0.0\n" for sentence in sentences(name)]
        (root / "texts_processed" / f"{name}.txt").write_text("".join(lines))


def write_interx(root: Path) -> Path:
    """The raw download, unpacked."""
    write_annotations(root)
    write_raw(root)
    return root


# What may be odd.


def lose_clip(root: Path, name: str) -> None:
    for person in ("P1", "P2"):
        (root / "motions" / name / f"{person}.npz").unlink()
    (root / "motions" / name).rmdir()


def lose_person(root: Path, name: str) -> None:
    (root / "motions" / name / "P2.npz").unlink()


def lose_split(root: Path) -> None:
    (root / "splits" / "val.txt").unlink()


def end_without_newline(root: Path) -> None:
    path = root / "splits" / "train.txt"
    path.write_text(path.read_text().rstrip("\n"))


def add_strays(root: Path) -> None:
    (root / "motions" / "G099T000A000R000").mkdir()
    for person in ("P1", "P2"):
        (root / "motions" / "G099T000A000R000" / f"{person}.npz").write_bytes(b"")
    (root / "texts" / "38(1).txt").write_text("Nobody knows.")


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def change_array(path: Path, name: str, array: np.ndarray) -> None:
    """Another array in a npz file."""
    with np.load(path) as archive:
        np.savez(path, **dict(archive) | {name: array})
