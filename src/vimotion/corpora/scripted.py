"""The scripted corpus: scenes of `choreography` with captions and edited versions, made from one seed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from vimotion.choreography import KINDS, Edit, Scene, SceneParameters, make_scene, possible_edits, sample_parameters
from vimotion.choreography.captions import captions_for, held_out
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
# Seconds that a scene lasts, and draws after which it is given up to find one.
_SHORTEST, _LONGEST, _TRIES = 2.0, 10.0, 50
# An edit is drawn by what it is about first: there are many manners.
_MANNER_SHARE = 0.4


def build(
    output: Path | str,
    scenes: int,
    seed: int = 0,
    workers: int = 1,
    shard: tuple[int, int] = (0, 1),
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Store | None:
    """Make `scenes` scenes and one edited version of each, about two clips a scene.

    The same arguments give the same bytes, whatever the workers and shards. An interrupted run goes on where it stopped when
    called again.

    Args:
        output: the folder to make; must be new, empty, or an unfinished run with the same arguments.
        scenes: how many source scenes, spread evenly over the kinds.
        workers: processes.
        shard: (i, n) makes the i-th of n parts, on whichever machine; the one that finds all parts there finishes the store.
        progress: called with the number of finished chunks of this shard and of all of its chunks.

    Returns:
        The store, or None while other shards are missing.
    """
    part, parts = shard
    if scenes < len(KINDS):
        raise UserError(f"The scripted corpus needs at least {len(KINDS)} scenes, one a kind; ask for more than {scenes}.")
    if workers < 1:
        raise UserError("At least one worker is needed.")
    if not 0 <= part < parts:
        raise UserError(f"There is no shard {part} of {parts}; count from 0 to {parts - 1}.")
    output = Path(output).expanduser()
    info = {"corpus": "scripted", "scenes": scenes, "seed": seed, "licence": "Apache-2.0, no third-party motion"}
    if _already_there(output, info):
        return open_store(output)
    output.mkdir(parents=True, exist_ok=True)
    if not (output / "info.json").exists():
        write_json(output / "info.json", {**info, "format_version": FORMAT_VERSION, "complete": False})

    starts = list(range(0, scenes, _CHUNK))
    mine = starts[part::parts]
    missing = [start for start in mine if not _chunk_path(output, start).is_file()]
    progress(len(mine) - len(missing), len(mine))
    # "spawn": a forked child of a process with torch threads can hang
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(_build_chunk, output, start, min(start + _CHUNK, scenes), seed) for start in missing]
        for done, future in enumerate(as_completed(futures), start=1):
            future.result()
            progress(len(mine) - len(missing) + done, len(mine))
    if not all(_chunk_path(output, start).is_file() for start in starts):
        return None
    return finish_store(output, info)


def scene_records(number: int, seed: int) -> list[Record]:
    """Source scene `number` of the corpus with this seed, and its edited version: two records.

    Whole combinations of kind, manner and side are held out (`captions.held_out`): scenes with one go into the test split.
    """
    random = np.random.default_rng([seed, number])
    kind = list(KINDS)[number % len(KINDS)]
    draw = random.random()
    scene, edit, edited = _pair(random, kind)
    test = draw < _TEST_SHARE or held_out(scene.parameters) or held_out(edited.parameters)
    split = "test" if test else "val" if draw < _TEST_SHARE + _VAL_SHARE else "train"
    identifier = f"scripted-{seed}-{number:06d}"
    name = f"{edit.name} {edit.who}".strip()
    return [
        _record(scene, identifier, split, identifier, random),
        _record(edited, identifier + "-edit", split, identifier, random, identifier, name),
    ]


def _pair(random: np.random.Generator, kind: str) -> tuple[Scene, Edit, Scene]:
    """A scene and an edited version that are neither too short nor too long."""
    for _ in range(_TRIES):
        parameters = sample_parameters(random, kind)
        scene = _fitting(parameters)
        if scene is None and len(parameters.acts) > 1:  # three interactions are often too long for slow people
            scene = _fitting(replace(parameters, acts=parameters.acts[:1], ending="stay"))
        if scene is None:
            continue
        edit = _draw_edit(random, scene.parameters)
        if edited := _fitting(edit.parameters):
            return scene, edit, edited
    raise ValueError(f"In {_TRIES} draws no scene of {kind} lasted {_SHORTEST} to {_LONGEST} seconds.")


def _fitting(parameters: SceneParameters) -> Scene | None:
    scene = make_scene(parameters)
    return scene if _SHORTEST <= scene.interaction.duration <= _LONGEST else None


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
