"""How fast a prepared store gives clips in any order, and how much memory reading it takes.

    python tools/measure_store.py [--clips 2000] [--frames 200]

The store is made in a folder of its own, which is deleted afterwards. Memory is the peak of a process that does nothing else,
pages of the files that the system has mapped for it included.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vimotion.corpora import Record, open_store
from vimotion.corpora.store import finish_store, read_records, write_clips
from vimotion.motion import NUM_FEATURES

# Clips a file, as the readers of data sets write them.
_FILE = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=2000)
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--store", type=Path, help="measure this one instead")
    parser.add_argument("--only", choices=list(_MEASURES), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        print(json.dumps(_MEASURES[arguments.only](arguments.store, arguments.batch) | {"peak MiB": _peak()}))
        return
    with tempfile.TemporaryDirectory() as folder:
        store = arguments.store or Path(folder)
        if not arguments.store:
            make_store(store, arguments.clips, arguments.frames)
        for name in _MEASURES:  # each in a process of its own: memory is a process' highest
            call = [sys.executable, __file__, "--only", name, "--store", str(store), "--batch", str(arguments.batch)]
            print(name, subprocess.run(call, check=True, capture_output=True, text=True).stdout.strip())


def make_store(folder: Path, clips: int, frames: int) -> None:
    """A store of two people whose numbers mean nothing."""
    random = np.random.default_rng(0)

    def records(first: int) -> Iterator[Record]:
        for number in range(first, min(first + _FILE, clips)):
            features = random.standard_normal((frames, 2, NUM_FEATURES), dtype=np.float32)
            yield Record(f"clip-{number}", "train", f"clip-{number}", features, (f"Caption {number}.",) * 3)

    for first in range(0, clips, _FILE):
        write_clips(records(first), folder / f"clips-{first:06d}.parquet")
    finish_store(folder, {"corpus": "measured"})


def measure_batches(folder: Path, size: int) -> dict[str, float]:
    """Milliseconds of a batch that is drawn from the whole store, as the clock and as the processor counts them.

    Of 200 batches the first five do not count.
    """
    start = time.perf_counter()
    store = open_store(folder)
    opened = time.perf_counter() - start
    random, taken, used = np.random.default_rng(1), [], []
    for _ in range(200):
        start, began = time.perf_counter(), time.process_time()
        batch = [store[int(index)].features for index in random.choice(len(store), size, replace=False)]
        taken.append(1000 * (time.perf_counter() - start))
        used.append(1000 * (time.process_time() - began))
        assert len(batch) == size
    median, processor = np.median(taken[5:]), np.median(used[5:])
    return {"median ms": round(median, 1), "of the processor": round(processor, 1), "opened in s": round(opened, 2)}


def measure_stream(folder: Path, size: int) -> dict[str, float]:
    """Clips a second, all of them in order."""
    start, clips, total = time.perf_counter(), 0, 0.0
    for record in read_records(folder):
        clips, total = clips + 1, total + float(record.features[0, 0, 0])
    return {"clips a second": round(clips / (time.perf_counter() - start))}


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


_MEASURES = {"shuffled batches": measure_batches, "stream": measure_stream}

if __name__ == "__main__":
    main()
