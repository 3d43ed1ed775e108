"""Motion files in and out, by their endings; pictures out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vimotion.errors import UserError
from vimotion.formats.capture import MAX_RATE
from vimotion.formats.file_names import AMASS, USD, ending_of, inserted, person_files
from vimotion.formats.options import ExportOptions
from vimotion.motion import Interaction

READABLE = (".npz", ".bvh", ".glb", ".amc")
WRITABLE = (".npz", ".bvh", ".glb", ".fbx", *USD, AMASS, ".mp4", ".png", ".webp")

__all__ = ["READABLE", "WRITABLE", "ExportOptions", "inserted", "load_motion", "save_motion"]


def load_motion(
    path: str | Path | Sequence[str | Path], *, fps: float | None = None, joint_map: str | Path | None = None
) -> Interaction:
    """The motion in a file: metres, Y-up, 30 fps, in the file's own world frame (`motion.place` puts it on the ground).

    A BVH or AMC file holds one person, and so does AMASS' npz; a GLB holds one or two. Two paths give two people in one
    world, cut to the shorter; so does `name.bvh` where there is no such file but `name.a.bvh` and `name.b.bvh`, as
    `save_motion` writes them (`.amass.npz` likewise). The skeleton of an AMC file is the ASF file beside it.

    Args:
        path: one file, or the files of the first and the second person.
        fps: the true rate of the file's frames, where its header is wrong (BVH) or has none (AMC; 120 if not given). A GLB
            file tells the time of each key and takes none.
        joint_map: a YAML file that names the joints of an unknown skeleton, see `joint_names.py`.

    Raises:
        UserError: the file cannot be read, with one sentence that says why and what to do.
    """
    if fps is not None and not 1.0 <= fps <= MAX_RATE:
        raise UserError(f"A motion can have 1 to {MAX_RATE:g} frames per second, not {fps:g}.")
    if not isinstance(path, str | Path):
        if len(path) not in (1, 2):
            raise UserError(f"A motion has one or two people: give one or two files, not {len(path)}.")
        return _together([_load(Path(one), fps, joint_map) for one in path])
    path = Path(path)
    pair = person_files(path, 2) if ending_of(path) in (".bvh", AMASS) else []
    if pair and all(one.exists() for one in pair):
        if path.exists():
            both = " and ".join(one.name for one in pair)
            raise UserError(f"There are {path.name} and, of two people, {both}; name the files that you mean.")
        return _together([_load(one, fps, joint_map) for one in pair])
    return _load(path, fps, joint_map)


def save_motion(interaction: Interaction, path: str | Path, options: ExportOptions | None = None) -> list[Path]:
    """Write a motion as the ending says, and return the files written.

    `.glb`, `.fbx` and `.usd` (`.usda`, `.usdc`, `.usdz`) are the skinned people for 3D programs; `.bvh` and `.amass.npz` hold
    one person a file (`name.a.bvh`, `name.b.bvh`); `.npz` is our own; `.png` is a contact sheet, `.webp` and `.mp4` move.

    Raises:
        UserError: the ending is none of `WRITABLE`, the file cannot be written there, it cannot be what `options` ask for, or a
            package that the format needs is not installed.
    """
    path = Path(path)
    ending, options = ending_of(path), options or ExportOptions()
    if ending not in WRITABLE:
        raise UserError(f"{path.name} has no ending that VIMotion writes; use one of {', '.join(WRITABLE)}.")
    if path.is_dir():
        raise UserError(f"{path} is a folder; name a file in it.")
    options.check(path)
    try:
        return _save(options.apply(interaction), path, ending, options)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror or error}.") from None


def _together(motions: list[Interaction]) -> Interaction:
    first, *others = motions
    if others and first.num_people + others[0].num_people > 2:
        raise UserError("The two files hold more than two people; give files of one person each.")
    return first.beside(others[0]) if others else first


def _load(path: Path, fps: float | None, joint_map: str | Path | None) -> Interaction:
    from vimotion.formats.acclaim import load_acclaim
    from vimotion.formats.bvh import load_bvh
    from vimotion.formats.glb_reader import load_glb
    from vimotion.formats.joint_names import read_table
    from vimotion.formats.npz import load_npz

    ending = path.suffix.lower()
    if ending == ".asf":
        raise UserError(f"{path.name} is a skeleton without motion; name the .amc file that moves it.")
    if ending not in READABLE:
        raise UserError(f"{path.name} has no ending that VIMotion reads; it reads {', '.join(READABLE)}.")
    if ending == ".npz":
        return load_npz(path, fps=fps)
    table = read_table(joint_map) if joint_map else None
    if ending == ".glb":
        if fps:
            raise UserError(f"{path.name} tells the time of each key itself, as every GLB file; leave the rate out.")
        return load_glb(path, joint_map=table)
    load = load_bvh if ending == ".bvh" else load_acclaim
    return load(path, fps=fps, joint_map=table)


def _save(interaction: Interaction, path: Path, ending: str, options: ExportOptions) -> list[Path]:
    if ending == ".bvh":
        from vimotion.formats.bvh import save_bvh

        return save_bvh(interaction, path, options.bones)
    if ending == AMASS:
        from vimotion.formats.amass import save_amass

        return save_amass(interaction, path)
    if ending == ".npz":
        from vimotion.formats.npz import save_npz

        save_npz(interaction, path)
    elif ending == ".glb":
        from vimotion.formats.glb import save_glb

        save_glb(interaction, path, options.bones, options.skin)
    elif ending == ".fbx":
        from vimotion.formats.fbx import save_fbx

        save_fbx(interaction, path, options.bones, options.skin)
    elif ending in USD:
        from vimotion.formats.usd import save_usd

        save_usd(interaction, path, options.bones, options.skin)
    elif ending == ".mp4":
        from vimotion.formats.video import save_mp4

        save_mp4(interaction, path)
    elif ending == ".png":
        from vimotion.formats.sheet import save_sheet

        save_sheet(interaction, path)
    else:
        from vimotion.formats.animation import PICTURES_A_SECOND, save_webp

        save_webp(interaction, path, fps=options.fps or PICTURES_A_SECOND)
    return [path]
