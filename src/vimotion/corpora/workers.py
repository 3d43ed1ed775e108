"""A store made in files, by several processes and machines, so that a run that was stopped goes on where it was.

Each file is made from the next few of the items that the corpus is made from, whoever makes it, and is written whole or not at
all. The folder's info.json and each file carry what they were made from, so that nothing else is mixed in.
"""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from math import ceil
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

from vimotion.corpora.store import FORMAT_VERSION, clip_files, origin_of, read_info, write_json
from vimotion.errors import UserError

Item = TypeVar("Item")
# Items a file: what one worker makes in one go, and what is lost when the work is interrupted. A small corpus comes in so many
# files all the same, for it to be shared out.
_ITEMS, _FILES = 96, 8


def shared_out(items: Sequence[Item], output: Path) -> dict[Path, Sequence[Item]]:
    """The items of each file of a corpus in `output`; they do not depend on who makes them."""
    size = max(1, min(_ITEMS, ceil(len(items) / _FILES)))
    return {output / f"clips-{start:06d}.parquet": items[start : start + size] for start in range(0, len(items), size)}


def check_share(workers: int, shard: tuple[int, int]) -> None:
    """Refuse numbers of workers and shards that cannot be."""
    part, parts = shard
    if workers < 1:
        raise UserError("At least one worker is needed.")
    if not 1 <= part <= parts:
        raise UserError(f"There is no shard {part} of {parts}; count from 1 to {parts}.")


def begin(output: Path, origin: Mapping[str, Any]) -> bool:
    """Make the folder ready for files of this origin; whether they are all there and the store is finished.

    Raises:
        UserError: the folder holds anything else.
    """
    if (output / "info.json").is_file():
        found = read_info(output)
        if other := [key for key in origin if found.get(key) != origin[key]]:
            raise UserError(
                f"{output} holds a corpus made from other arguments or by other code ({', '.join(other)}); choose a new folder."
            )
        _refuse_foreign(output, origin)
        return bool(found.get("complete"))
    # a shard that begins in this moment may be writing info.json
    if output.exists() and not (output.is_dir() and all(path.name.startswith(".info.json") for path in output.iterdir())):
        if (output / "info.json").is_file():  # it has just written it
            return begin(output, origin)
        raise UserError(f"{output} holds something else; choose a new folder for the corpus.")
    output.mkdir(parents=True, exist_ok=True)
    write_json(output / "info.json", {**origin, "format_version": FORMAT_VERSION, "complete": False})
    return False


def make_files(
    files: Mapping[Path, Sequence[Item]],
    make: Callable[[Path, Sequence[Item]], None],
    shard: tuple[int, int],
    workers: int,
    progress: Callable[[int, int], None],
) -> None:
    """Have `make` make the files of a shard that are not there yet; `progress` is told of items done and in all.

    Raises:
        UserError: a worker was killed.
    """
    part, parts = shard
    mine = list(files.items())[part - 1 :: parts]
    missing = [(path, items) for path, items in mine if not path.is_file()]
    total = sum(len(items) for _, items in mine)
    done = total - sum(len(items) for _, items in missing)
    progress(done, total)
    for made in _made(missing, make, workers):
        done += made
        progress(done, total)


def missing_shards(files: Mapping[Path, Sequence[Any]], parts: int) -> dict[int, int]:
    """Which of `parts` shards still have files to make, and of how many items."""
    each = list(files.items())
    left = {
        part: sum(len(items) for path, items in each[part - 1 :: parts] if not path.is_file()) for part in range(1, parts + 1)
    }
    return {part: number for part, number in left.items() if number}


def check_files(output: Path, origin: Mapping[str, Any]) -> None:
    """Before the store is finished: sweep up what killed runs left, and refuse files of another origin."""
    for leftover in output.glob(".clips-*.tmp.parquet"):
        leftover.unlink()
    _refuse_foreign(output, origin)


def code_version(*names: str) -> str:
    """Tells apart versions of these folders and files of the package: the start of a SHA-256 over source and words in them."""
    package = Path(__file__).parents[1]
    places = [package / name for name in names]
    found = [path for place in places for path in (place.rglob("*") if place.is_dir() else [place])]
    digest = hashlib.sha256()
    for path in sorted(found, key=lambda path: path.relative_to(package).as_posix()):
        if path.suffix in (".py", ".txt", ".yaml"):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{path.relative_to(package).as_posix()}\n{content}\n".encode())
    return digest.hexdigest()[:16]


def _refuse_foreign(output: Path, origin: Mapping[str, Any]) -> None:
    for path in clip_files(output):
        if origin_of(path) != origin:
            raise UserError(f"{path} was made from other arguments or by other code; delete it and run this again.")


def _made(
    files: Sequence[tuple[Path, Sequence[Item]]], make: Callable[[Path, Sequence[Item]], None], workers: int
) -> Iterator[int]:
    """Makes these files, and tells after each from how many items."""
    if workers == 1:
        for path, items in files:
            make(path, items)
            yield len(items)
        return
    # "spawn": a forked child of a process with torch threads can hang
    pool = ProcessPoolExecutor(min(workers, len(files) or 1), get_context("spawn"), _end_at_once)
    try:
        futures = {pool.submit(make, path, items): len(items) for path, items in files}
        for future in as_completed(futures):
            future.result()
            yield futures[future]
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
