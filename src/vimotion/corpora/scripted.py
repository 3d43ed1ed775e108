"""The scripted corpus: scenes of `choreography` with captions and edited versions, made from one seed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from vimotion.choreography import KINDS, Scene, make_scene, possible_edits, sample_parameters
from vimotion.choreography.captions import captions_for
from vimotion.corpora.store import (
    FORMAT_VERSION,
    Record,
    Store,
    finish_store,
    open_store,
    read_info,
    record_features,
    write_clips,
    write_json,
)
from vimotion.errors import UserError

# Scenes a parquet file: what one worker makes in one go, and what is lost when the work is interrupted.
_CHUNK = 96
_TEST_SHARE, _VAL_SHARE = 0.08, 0.04


def build(
    output: Path | str,
    scenes: int,
    seed: int = 0,
    workers: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Store:
    """Make `scenes` scenes and one edited version of each, about two clips a scene.

    The same arguments give the same corpus. An interrupted run goes on where it stopped when called again.

    Args:
        output: the folder to make; must be new, empty, or an unfinished run with the same arguments.
        scenes: how many source scenes, spread evenly over the kinds.
        workers: processes.
        progress: called with the number of finished chunks and of all chunks.
    """
    if scenes < len(KINDS):
        raise UserError(f"The scripted corpus needs at least {len(KINDS)} scenes, one a kind; ask for more than {scenes}.")
    if workers < 1:
        raise UserError("At least one worker is needed.")
    output = Path(output).expanduser()
    info = {"corpus": "scripted", "scenes": scenes, "seed": seed, "licence": "Apache-2.0, no third-party motion"}
    if _already_there(output, info):
        return open_store(output)
    output.mkdir(parents=True, exist_ok=True)
    write_json(output / "info.json", {**info, "format_version": FORMAT_VERSION, "complete": False})

    starts = list(range(0, scenes, _CHUNK))
    missing = [start for start in starts if not _chunk_path(output, start).is_file()]
    progress(len(starts) - len(missing), len(starts))
    # "spawn": a forked child of a process with torch threads can hang
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(_build_chunk, output, start, min(start + _CHUNK, scenes), seed) for start in missing]
        for done, future in enumerate(as_completed(futures), start=1):
            future.result()
            progress(len(starts) - len(missing) + done, len(starts))
    return finish_store(output, info)


def scene_records(number: int, seed: int) -> list[Record]:
    """Source scene `number` of the corpus with this seed, and its edited version: one or two records."""
    random = np.random.default_rng([seed, number])
    kind = list(KINDS)[number % len(KINDS)]
    draw = random.random()
    split = "test" if draw < _TEST_SHARE else "val" if draw < _TEST_SHARE + _VAL_SHARE else "train"
    parameters = sample_parameters(random, kind)
    identifier = f"scripted-{seed}-{number:06d}"
    source = _record(make_scene(parameters), identifier, split, identifier, random)
    edits = possible_edits(parameters)
    edit = edits[int(random.integers(len(edits)))]
    edited = _record(make_scene(edit.parameters), identifier + "-edit", split, identifier, random, identifier, edit.name)
    return [source, edited]


def _record(
    scene: Scene, identifier: str, split: str, source: str, random: np.random.Generator, edit_of: str = "", edit: str = ""
) -> Record:
    captions, held_out = captions_for(scene.parameters, random)
    return Record(
        id=identifier,
        split=split,
        source=source,
        features=record_features(scene.interaction),
        captions=tuple(captions),
        held_out_captions=tuple(held_out),
        facts={"parameters": asdict(scene.parameters), "events": [asdict(event) for event in scene.events]},
        edit_of=edit_of,
        edit=edit,
    )


def _build_chunk(output: Path, start: int, stop: int, seed: int) -> None:
    records = [record for number in range(start, stop) for record in scene_records(number, seed)]
    write_clips(records, _chunk_path(output, start))


def _chunk_path(output: Path, start: int) -> Path:
    return output / f"clips-{start // _CHUNK:05d}.parquet"


def _already_there(output: Path, info: dict[str, Any]) -> bool:
    """Whether this very corpus is finished; refuses a folder that holds anything else."""
    if not (output / "info.json").is_file():
        if output.exists() and (not output.is_dir() or any(output.iterdir())):
            raise UserError(f"{output} holds something else; choose a new folder for the corpus.")
        return False
    found = read_info(output)
    if {key: found.get(key) for key in info} != info:
        raise UserError(f"{output} holds a corpus made from other arguments; choose a new folder.")
    return bool(found.get("complete"))
