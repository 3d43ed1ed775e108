"""The scripted corpus: scenes of `choreography` with captions and edited versions, made from one seed."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, replace
from functools import lru_cache
from math import ceil
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np

from vimotion.choreography import (
    KINDS,
    Edit,
    Scene,
    SceneParameters,
    make_scene,
    possible_edits,
    sample_parameters,
    scene_seconds,
)
from vimotion.choreography.captions import captions_for, held_out
from vimotion.choreography.telling import tell
from vimotion.corpora.card import card
from vimotion.corpora.store import (
    FORMAT_VERSION,
    Record,
    Store,
    clip_files,
    finish_store,
    open_store,
    origin_of,
    read_info,
    record_features,
    write_clips,
    write_json,
)
from vimotion.corpora.summary import summary
from vimotion.errors import UserError

# Scenes a parquet file: what one worker makes in one go, and what is lost when the work is interrupted. A small corpus comes
# in so many files all the same, for it to be shared out.
_CHUNK, _FILES = 96, 8
_TEST_SHARE, _VAL_SHARE = 0.08, 0.04
# Seconds that a scene lasts, and draws after which it is given up to find one.
_SHORTEST, _LONGEST, _TRIES = 2.0, 10.0, 50
# An edit is drawn by what it is about first: there are many manners.
_MANNER_SHARE = 0.4
# What the clips follow from, beside the arguments: folders and files of the package.
_CODE = ("choreography", "motion", "grammar.py", "corpora/scripted.py", "corpora/store.py")


def build(
    output: Path | str,
    scenes: int,
    seed: int = 0,
    workers: int = 1,
    shard: tuple[int, int] = (1, 1),
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Store | None:
    """Make `scenes` scenes and one edited version of each, two clips a scene.

    The same arguments give the same bytes, whatever the workers and shards. An interrupted run goes on where it stopped when
    called again. Shards may share a folder, or fill folders of their own that are copied together afterwards: the run that
    finds the clips of all of them finishes the store.

    Args:
        output: the folder to make; must be new, empty, or an unfinished run with the same arguments and code.
        scenes: how many source scenes, kind after kind in turn.
        workers: processes.
        shard: (i, n) makes the i-th of n parts, i from 1 to n, on whichever machine.
        progress: called with the number of finished scenes of this shard and of all of its scenes.

    Returns:
        The store, or None while other shards are missing (see `missing_shards`).
    """
    part, parts = shard
    if scenes < 1:
        raise UserError(f"The scripted corpus needs at least one scene; ask for more than {scenes}.")
    if workers < 1:
        raise UserError("At least one worker is needed.")
    if not 1 <= part <= parts:
        raise UserError(f"There is no shard {part} of {parts}; count from 1 to {parts}.")
    output = Path(output).expanduser()
    origin = {"corpus": "scripted", "scenes": scenes, "seed": seed, "code": code_version()}
    if _already_there(output, origin):
        return open_store(output)
    output.mkdir(parents=True, exist_ok=True)
    if not (output / "info.json").exists():
        write_json(output / "info.json", {**origin, "format_version": FORMAT_VERSION, "complete": False})

    mine = _chunks(scenes)[part - 1 :: parts]
    missing = [chunk for chunk in mine if not _chunk_path(output, chunk).is_file()]
    total = sum(map(len, mine))
    done = total - sum(map(len, missing))
    progress(done, total)
    for made in _made(output, missing, origin, workers):
        done += made
        progress(done, total)
    return None if missing_shards(output, scenes, 1) else _finish(output, origin)


def missing_shards(output: Path | str, scenes: int, parts: int) -> dict[int, int]:
    """Of a folder that `build` fills: which of `parts` shards still have scenes to make, and how many."""
    chunks = _chunks(scenes)
    left = {
        part: sum(
            len(chunk) for chunk in chunks[part - 1 :: parts] if not _chunk_path(Path(output).expanduser(), chunk).is_file()
        )
        for part in range(1, parts + 1)
    }
    return {part: number for part, number in left.items() if number}


def scene_records(number: int, seed: int) -> list[Record]:
    """Source scene `number` of the corpus with this seed, and its edited version: two records.

    Whole combinations of kind, manner and side are held out (`captions.held_out`): scenes with one go into the test split.
    """
    random = np.random.default_rng([seed, number])
    kind = list(KINDS)[number % len(KINDS)]
    draw = random.random()
    parameters, edit = _pair(random, kind)
    test = draw < _TEST_SHARE or held_out(parameters) or held_out(edit.parameters)
    split = "test" if test else "val" if draw < _TEST_SHARE + _VAL_SHARE else "train"
    identifier = f"scripted-{seed}-{number:06d}"
    name = f"{edit.name} {edit.who}".strip()
    return [
        _record(make_scene(parameters), identifier, split, identifier, random),
        _record(make_scene(edit.parameters), identifier + "-edit", split, identifier, random, identifier, name),
    ]


@lru_cache
def code_version() -> str:
    """Tells apart the versions of the code that makes the clips: the start of a SHA-256 over its source and its words."""
    package = Path(__file__).parents[1]
    places = [package / name for name in _CODE]
    found = [path for place in places for path in (place.rglob("*") if place.is_dir() else [place])]
    digest = hashlib.sha256()
    for path in sorted(found, key=lambda path: path.relative_to(package).as_posix()):
        if path.suffix in (".py", ".txt"):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{path.relative_to(package).as_posix()}\n{content}\n".encode())
    return digest.hexdigest()[:16]


def _pair(random: np.random.Generator, kind: str) -> tuple[SceneParameters, Edit]:
    """A scene and an edited version that are neither too short nor too long."""
    for _ in range(_TRIES):
        parameters = sample_parameters(random, kind)
        if not _fits(parameters) and len(parameters.acts) > 1:  # three interactions are often too long for slow people
            parameters = replace(parameters, acts=parameters.acts[:1], ending="stay")
        if not _fits(parameters):
            continue
        edit = _draw_edit(random, parameters)
        if _fits(edit.parameters):
            return parameters, edit
    raise ValueError(f"In {_TRIES} draws no scene of {kind} lasted {_SHORTEST} to {_LONGEST} seconds.")


def _fits(parameters: SceneParameters) -> bool:
    return _SHORTEST <= scene_seconds(parameters) <= _LONGEST


def _draw_edit(random: np.random.Generator, parameters: SceneParameters) -> Edit:
    edits = possible_edits(parameters)
    of_manner = random.random() < _MANNER_SHARE
    chosen = [edit for edit in edits if bool(edit.who) == of_manner]
    return chosen[int(random.integers(len(chosen)))]


def _record(
    scene: Scene, identifier: str, split: str, source: str, random: np.random.Generator, edit_of: str = "", edit: str = ""
) -> Record:
    captions, held_out_captions = captions_for(scene.parameters, KINDS, random)
    return Record(
        id=identifier,
        split=split,
        source=source,
        features=record_features(scene.interaction),
        captions=tuple(captions),
        held_out_captions=tuple(held_out_captions),
        facts={
            "parameters": asdict(scene.parameters),
            "events": [asdict(event) for event in scene.events],
            "told": tell(scene.parameters, KINDS, random),
        },
        edit_of=edit_of,
        edit=edit,
    )


# -- files -----------------------------------------------------------------------------------------------------------------


def _chunks(scenes: int) -> list[range]:
    """The scenes of each file; they do not depend on who makes them."""
    size = min(_CHUNK, ceil(scenes / _FILES))
    return [range(start, min(start + size, scenes)) for start in range(0, scenes, size)]


def _chunk_path(output: Path, chunk: range) -> Path:
    return output / f"clips-{chunk.start:06d}.parquet"


def _made(output: Path, chunks: list[range], origin: dict[str, Any], workers: int) -> Iterator[int]:
    """Makes the files of these chunks, and tells after each how many scenes it holds."""
    if workers == 1:
        for chunk in chunks:
            yield _make_chunk(output, chunk, origin)
        return
    # "spawn": a forked child of a process with torch threads can hang
    pool = ProcessPoolExecutor(min(workers, len(chunks) or 1), get_context("spawn"), _end_at_once)
    try:
        for future in as_completed([pool.submit(_make_chunk, output, chunk, origin) for chunk in chunks]):
            yield future.result()
    except BrokenProcessPool:
        raise UserError("A worker was killed, perhaps because memory ran out; run this again with fewer workers.") from None
    finally:
        pool.shutdown(cancel_futures=True)


def _end_at_once() -> None:
    """A worker ends on Ctrl-C, and with the process that it works for: files are whole or not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    Thread(target=watch, daemon=True).start()


def _make_chunk(output: Path, chunk: range, origin: dict[str, Any]) -> int:
    records = (record for number in chunk for record in scene_records(number, origin["seed"]))
    write_clips(records, _chunk_path(output, chunk), origin)
    return len(chunk)


def _finish(output: Path, origin: dict[str, Any]) -> Store:
    for leftover in output.glob(".clips-*.tmp.parquet"):  # of runs that were killed while they wrote
        leftover.unlink()
    for path in clip_files(output):
        if origin_of(path) != origin:
            raise UserError(f"{path} was made from other arguments or by other code; delete it and run this again.")
    return finish_store(output, origin | {"licence": "apache-2.0"} | summary(output), card)


def _already_there(output: Path, origin: dict[str, Any]) -> bool:
    """Whether this very corpus is finished; refuses a folder that holds anything else."""
    if not (output / "info.json").is_file():
        if output.exists() and (not output.is_dir() or any(output.iterdir())):
            raise UserError(f"{output} holds something else; choose a new folder for the corpus.")
        return False
    found = read_info(output)
    if {key: found.get(key) for key in origin} != origin:
        raise UserError(f"{output} holds a corpus made from other arguments or by other code; choose a new folder.")
    return bool(found.get("complete"))
