"""`vimotion corpus`: make, prepare and look at corpora."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from vimotion.console import JsonOption, SeedOption, ShardOption, progress, report, shard, tell
from vimotion.errors import UserError

corpus_app = typer.Typer(help="Make and look at corpora.", rich_markup_mode=None)


@corpus_app.command("scripted")
def corpus_scripted(
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to make.")],
    count: Annotated[int, typer.Option(help="Scenes; each also comes in an edited version.")] = 20000,
    seed: SeedOption = 0,
    shards: ShardOption = "1/1",
    workers: Annotated[int, typer.Option(help="Processes.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Make the scripted corpus.

    An interrupted run goes on where it stopped. Parts may share a folder, or fill folders that are copied together before the
    command is run once more; the same seed gives the same bytes.
    """
    from vimotion.corpora.scripted import build, missing_shards

    part, parts = shard(shards)
    with progress("scenes") as show:
        store = build(output, count, seed, workers, (part, parts), show)
    if store is not None:
        report(as_json, {"folder": str(store.folder), **store.info}, str(store.folder))
        return
    _report_missing(as_json, output, missing_shards(output, count, parts), part, parts, "scenes")


@corpus_app.command("prepare")
def corpus_prepare(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="The data set: interhuman, interx, motionx, humanml3d, amass-pairs, cmu, folder."),
    ],
    source: Annotated[Path, typer.Argument(metavar="SRC", help="The folder where it was unpacked.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to make.")],
    mirror: Annotated[bool, typer.Option("--mirror", help="Training clips also as their mirror image.")] = False,
    floor: Annotated[
        Literal["together", "each"] | None,
        typer.Option(help="Put a pair on the ground together, or each person alone as InterGen does. Default: together."),
    ] = None,
    body: Annotated[
        Path | None, typer.Option(help="A SMPL-X (or SMPL-H) model as npz. Default: our own skeleton for everybody.")
    ] = None,
    fps: Annotated[float | None, typer.Option(help="The true rate of motion files, where they tell a wrong one.")] = None,
    joint_map: Annotated[Path | None, typer.Option(help="A YAML file that names the joints of an unknown skeleton.")] = None,
    shards: ShardOption = "1/1",
    workers: Annotated[int, typer.Option(help="Processes.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Prepare a data set for training.

    The source is checked first. An interrupted run goes on where it stopped. Parts may share a folder, or fill folders that are
    copied together before the command is run once more.
    """
    from vimotion.corpora.prepare import prepare

    part, parts = shard(shards)
    given = {"floor": floor, "body": body and body.expanduser(), "fps": fps, "joint_map": joint_map and joint_map.expanduser()}
    options = {option: value for option, value in given.items() if value is not None}
    with progress("clips") as show:
        made = prepare(name, source, output, workers, options, show, mirror=mirror, shard=(part, parts), tell=tell)
    if made.store is None:
        _report_missing(as_json, output, made.missing, part, parts, "clips")
        return
    info = made.store.info
    if left_out := info["left_out"]:
        first = next(iter(left_out))
        tell(f"{len(left_out):,} clips were left out, for example {first}: {left_out[first]} info.json names all.")
    report(as_json, {"folder": str(made.store.folder), **info}, str(made.store.folder))


def _report_missing(as_json: bool, output: Path, missing: dict[int, int], part: int, parts: int, what: str) -> None:
    shares = {f"{one}/{parts}": number for one, number in missing.items()}
    listed = ", ".join(f"{share} ({number:,} {what})" for share, number in shares.items())
    text = f"Part {part}/{parts} is done. {output} still misses {listed}; the run that finds all parts there finishes it."
    content: dict[str, Any] = {"folder": str(output), "complete": False, "missing": shares}
    report(as_json, content, text)


@corpus_app.command("join")
def corpus_join(
    corpora: Annotated[list[Path], typer.Argument(metavar="CORPUS...", help="Prepared corpora.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to make.")],
    as_json: JsonOption = False,
) -> None:
    """Make one corpus of several; their splits stay as they are."""
    from vimotion.corpora.joining import join

    store = join([folder.expanduser() for folder in corpora], output.expanduser())
    report(as_json, {"folder": str(store.folder), **store.info}, str(store.folder))


@corpus_app.command("info")
def corpus_info(
    folder: Annotated[Path, typer.Argument(metavar="CORPUS", help="A prepared corpus.")],
    pictures: Annotated[Path | None, typer.Option(help="A folder for sheets of clips and histograms of durations.")] = None,
    kind: Annotated[str | None, typer.Option(help="Of a scripted corpus draw only this kind.")] = None,
    clips: Annotated[int, typer.Option(min=1, help="Draw so many clips a kind or split.")] = 3,
    as_json: JsonOption = False,
) -> None:
    """What a prepared corpus holds."""
    from rich.console import Console

    from vimotion.corpora.look import draw_pictures, tables
    from vimotion.corpora.store import prepared_info

    info = prepared_info(folder.expanduser())
    if kind is not None and pictures is None:
        raise UserError("--kind chooses what to draw: say with --pictures where to.")
    files: list[Path] = []
    if pictures is not None:
        with progress("pictures") as show:
            files = draw_pictures(folder.expanduser(), info, pictures.expanduser(), kind, clips, show)
    if as_json:
        typer.echo(json.dumps(info | ({"pictures": [str(file) for file in files]} if files else {})))
        return
    for table in tables(folder.expanduser(), info):
        Console().print(table, "")
    for file in files:
        typer.echo(file)


@corpus_app.command("realism")
def corpus_realism(
    folder: Annotated[Path, typer.Argument(metavar="CORPUS", help="A prepared corpus.")],
    takes: Annotated[Path | None, typer.Option(help="A folder of captured motion of single people to compare with.")] = None,
    clips: Annotated[int, typer.Option(min=1, help="So many clips, drawn at random.")] = 1000,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A folder for realism.json, .md and .png.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure how real the bodies of a corpus move, against captured takes."""
    from rich.console import Console

    from vimotion.corpora import open_store
    from vimotion.corpora.realism_measurement import measure
    from vimotion.corpora.realism_report import tables, write_report

    store = open_store(folder)
    with progress("clips") as show:
        measured = measure(store, takes, clips, show)
    files = write_report(measured, output) if output else []
    if as_json:
        typer.echo(json.dumps(measured))
        return
    for table in tables(measured)[: 3 if takes else 2]:
        Console().print(table.rich())
    for file in files:
        typer.echo(file)
