"""CMU's takes as they are downloaded, and a folder of motion files with a table: lawful made-up motion, and what may be odd."""

import sys
from pathlib import Path

import numpy as np
from poses import random_interaction

sys.path.insert(0, str(Path(__file__).parents[2] / "formats"))
from made_motions import acclaim, branching_skeleton, dance, lost_bones_bvh

from vimotion.formats import save_motion
from vimotion.motion import Interaction

FPS, FRAMES = 120.0, 88
INDEX = (
    "Carnegie-Mellon Graphics Lab Motion Capture Database\n\nSubject #2 (various)\n\n02_01\twalk\n02_03\tUnknown\n\n"
    "Subject #18 (human interaction (2 subjects - subject A))\n\n18_01\twalk, shake hands (2 subjects - subject A)\n"
    "19_01\twalk, shake hands (2 subjects - subject B)\n22_01\tB sits; A pulls up B (2 subjects - subject A)\n"
    "23_01\tB sits; A pulls up B (subjects - subject B)\n54_01\tmonkey (human subject)\n"
)


def take(subject: int) -> Interaction:
    """Somebody at CMU's rate; the second of two stands two metres away and faces the first."""
    motion = dance(FRAMES, FPS, branching_skeleton(), seed=subject)
    return motion.moved(np.pi, (0.0, 0.0, 2.0)) if subject % 2 else motion


def write_acclaim(folder: Path, name: str) -> None:
    subject = name.split("_")[0]
    asf, amc = acclaim(take(int(subject)), int(subject))
    (folder / subject).mkdir(parents=True, exist_ok=True)
    (folder / subject / f"{subject}.asf").write_text(asf)
    (folder / subject / f"{name}.amc").write_text(amc)


def write_bvh(folder: Path, name: str) -> None:
    """As the conversions have it: 120 fps, and 30 in the header."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.bvh").write_text(lost_bones_bvh(take(int(name.split("_")[0]))))


def write_cmu(folder: Path) -> Path:
    """A pair as AMC, two as BVH, and one person alone."""
    for name in ("02_01", "18_01", "19_01"):
        write_acclaim(folder / "subjects", name)
    for name in ("20_11", "21_11", "22_01", "23_01"):
        write_bvh(folder / "bvh", name)
    (folder / "cmu-mocap-index-text.txt").write_text(INDEX)
    return folder


def person(seed: int, frames: int = 40) -> Interaction:
    return random_interaction(seed, frames=frames, people=1)


def write_folder(folder: Path) -> Path:
    """Files of one person, of two, and of a pair in two files, with a table that names all."""
    (folder / "pairs").mkdir(parents=True, exist_ok=True)
    save_motion(person(0), folder / "wave.npz")
    save_motion(random_interaction(1), folder / "pairs" / "hug.npz")
    save_motion(random_interaction(2), folder / "pairs" / "bow.bvh")
    for number, name in enumerate(("one", "two")):
        save_motion(person(3 + number, 40 + number), folder / f"{name}.npz")
    (folder / "captions.csv").write_text(
        "file,second,caption,split,source,id,mood\n"
        "wave.npz,,He waves his left hand.,train,,,calm\n"
        "wave.npz,,Somebody waves.,train,,,calm\n"
        "pairs/hug.npz,,Two people hug.,val,monday,,\n"
        'pairs/bow.bvh,,"One bows, the other bows right away.",train,tuesday,,\n'
        "one.npz,two.npz,,test,,meeting,\n"
    )
    return folder
