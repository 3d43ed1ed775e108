"""The scripted corpus: scenes of `choreography` with captions and edited versions, made from one seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import lru_cache, partial
from pathlib import Path
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
from vimotion.corpora import workers as work
from vimotion.corpora.card import card
from vimotion.corpora.store import Record, Store, finish_store, open_store, record_features, write_clips
from vimotion.corpora.summary import summary
from vimotion.errors import UserError

_TEST_SHARE, _VAL_SHARE = 0.08, 0.04
# Seconds that a scene lasts, and draws after which it is given up to find one.
_SHORTEST, _LONGEST, _TRIES = 2.0, 10.0, 50
# An edit is drawn by what it is about first: there are many manners.
_MANNER_SHARE = 0.4
# What the clips follow from, beside the arguments: folders and files of the package.
_CODE = ("choreography", "motion", "grammar.py", "corpora/scripted.py", "corpora/store.py", "corpora/workers.py")


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
    if scenes < 1:
        raise UserError(f"The scripted corpus needs at least one scene; ask for more than {scenes}.")
    work.check_share(workers, shard)
    output = Path(output).expanduser()
    origin = {"corpus": "scripted", "scenes": scenes, "seed": seed, "code": code_version()}
    if work.begin(output, origin):
        return open_store(output)
    files = work.shared_out(range(scenes), output)
    work.make_files(files, partial(_make_file, origin), shard, workers, progress)
    if work.missing_shards(files, 1):
        return None
    work.check_files(output, origin)
    return finish_store(output, origin | {"licence": "apache-2.0"} | summary(output), card)


def missing_shards(output: Path | str, scenes: int, parts: int) -> dict[int, int]:
    """Of a folder that `build` fills: which of `parts` shards still have scenes to make, and how many."""
    return work.missing_shards(work.shared_out(range(scenes), Path(output).expanduser()), parts)


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
    """Tells apart the versions of the code that makes the clips."""
    return work.code_version(*_CODE)


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


def _make_file(origin: dict[str, Any], path: Path, scenes: Sequence[int]) -> None:
    write_clips((record for number in scenes for record in scene_records(number, origin["seed"])), path, origin)
