"""`vimotion corpus`: make, prepare and look at corpora."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from vimotion.console import JsonOption, SeedOption, ShardOption, progress, report, shard
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
    missing = {f"{one}/{parts}": scenes for one, scenes in missing_shards(output, count, parts).items()}
    listed = ", ".join(f"{one} ({scenes:,} scenes)" for one, scenes in missing.items())
    text = f"Part {part}/{parts} is done. {output} still misses {listed}; the run that finds all parts there finishes it."
    report(as_json, {"folder": str(output), "complete": False, "missing": missing}, text)


@corpus_app.command("info")
def corpus_info(
    folder: Annotated[Path, typer.Argument(metavar="CORPUS", help="A prepared corpus.")],
    pictures: Annotated[Path | None, typer.Option(help="A folder for sheets of each kind and histograms of durations.")] = None,
    kind: Annotated[str | None, typer.Option(help="Draw only this kind of interaction.")] = None,
    clips: Annotated[int, typer.Option(min=1, help="Draw so many clips a kind.")] = 3,
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
    for table in tables(info):
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
