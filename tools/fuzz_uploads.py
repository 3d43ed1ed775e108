"""Give the readers of motion files, and a server, thousands of broken and hostile files: each is a motion, or refused in words.

    python tools/fuzz_uploads.py --files 10000 --sent 1000

`--files` are read as the server's reading process reads them, one after another in a few processes; `--sent` of the same kind
are uploaded to a server with a tiny random model, eight at a time. They are good files of every format that is read, with
bytes, numbers and lines changed, doubled, cut or taken from another file, and files that were made to do harm: zip bombs,
pickles, a billion frames, numbers that are none, names that lead elsewhere. One JSON object on standard output.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import resource
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
NUMBERS = (b"1e9", b"1000000000", b"-1", b"nan", b"inf", b"0", b"1e-300", b"99999999999999999999", b"0x10", b"")
NAMES = ("../{}", "/etc/{}", "..\\{}", "a\x00{}", ".{}", " {}", "{}/", "a\n{}", "C:{}", "x" * 300 + "{}")


def good_files(folder: Path) -> dict[str, bytes]:
    """Small lawful files of every format, by name."""
    from chat.tiny_model import walk

    from vimotion.formats import READABLE, WRITABLE, save_motion

    files = {}
    for people, frames in ((1, 24), (2, 40)):
        for ending in (one for one in READABLE if one in WRITABLE):
            for path in save_motion(walk(frames, people), folder / f"{people}{ending}"):
                files[path.name] = path.read_bytes()
    made = ROOT / "tests" / "formats" / "made"
    files |= {path.name: path.read_bytes() for path in made.iterdir() if path.suffix in (*READABLE, ".asf")}
    return files


def mutated(good: dict[str, bytes], chance: random.Random) -> tuple[str, bytes]:
    """One of the files, changed a few times."""
    name = chance.choice(sorted(good))
    content = bytearray(good[name])
    for _ in range(chance.choice((1, 1, 2, 3, 8, 30))):
        place = chance.randrange(len(content) + 1)
        what = chance.randrange(8)
        if what == 0:
            content[place : place + 1] = chance.randbytes(1)
        elif what == 1:
            del content[place:]
        elif what == 2:
            del content[place : place + chance.choice((1, 4, 100))]
        elif what == 3:
            content[place:place] = content[place : place + chance.choice((1, 30, 1000))]
        elif what == 4:  # a number in the text
            numbers = list(re.finditer(rb"-?\d+(\.\d+)?", content[: 1 << 16]))
            if numbers:
                found = chance.choice(numbers)
                content[found.start() : found.end()] = chance.choice(NUMBERS)
        elif what == 5:  # a number among the bytes
            content[place : place + 4] = chance.choice((b"\xff" * 4, b"\x7f" + b"\xff" * 3, bytes(4), b"\0\0\xc0\x7f"))
        elif what == 6:
            other = good[chance.choice(sorted(good))]
            start = chance.randrange(len(other))
            content[place:place] = other[start : start + chance.choice((10, 300, 5000))]
        else:
            lines = bytes(content).split(b"\n")
            chance.shuffle(lines)
            content = bytearray(b"\n".join(lines)) if len(lines) < 400 else content
    return name, bytes(content)


@dataclass
class Reader:
    """A process that reads as the server's does."""

    good: dict[str, bytes]
    seed: int

    def read(self, count: int) -> dict[str, Any]:
        """So many files; what came of them."""
        from vimotion.app.processes import limit_memory
        from vimotion.app.reading import read
        from vimotion.app.settings import ServerConfig
        from vimotion.errors import UserError

        config = ServerConfig(folder=Path("unused"))
        limit_memory(config.max_reading_bytes)
        chance, told, slowest = random.Random(self.seed), Tally(), 0.0
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            for name, content in self.good.items():
                (folder / name).write_bytes(content)
            for name in (name for name in self.good if not name.endswith(".asf")):
                told.note("good", lambda name=name: read(folder, [name], None, config.max_frames), UserError)
            baseline = peak()
            for _ in range(count):
                name, content = mutated(self.good, chance)
                (folder / name).write_bytes(content)
                began = time.perf_counter()
                moved = name.replace(".asf", ".amc")  # a skeleton is read with its motion
                told.note(name, lambda moved=moved: read(folder, [moved], None, config.max_frames), UserError)
                slowest = max(slowest, time.perf_counter() - began)
                (folder / name).write_bytes(self.good[name])
        return {"told": told, "slowest": slowest, "baseline": baseline, "peak": peak()}


@dataclass
class Tally:
    """What came of files."""

    taken: int = 0
    refused: int = 0
    sentences: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def note(self, name: str, work: Any, refusal: type[Exception]) -> None:
        try:
            work()
            self.taken += 1
        except refusal as error:
            self.refused += 1
            self.sentences[shape(str(error))] += 1
        except MemoryError:
            self.refused += 1
            self.sentences["too much memory"] += 1
        except Exception as error:
            self.faults.append(f"{name}: {type(error).__name__}: {error}")


def shape(sentence: str) -> str:
    """A refusal without what differs from file to file."""
    return re.sub(r"[\w.\-+/]*\d[\w.\-+/]*|'[^']*'|\"[^\"]*\"", "…", sentence)[:90]


def peak() -> float:
    """Megabytes that this process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def send(url: str, files: list[tuple[str, bytes]]) -> Tally:
    """Upload them, eight at a time: each is answered with 201 or with a sentence."""
    told = Tally()

    def one(file: tuple[str, bytes]) -> None:
        while True:
            answer = httpx.post(f"{url}/v1/motions", files=[("file", file)], timeout=300)
            if answer.status_code != 429:
                break
            time.sleep(float(answer.headers.get("retry-after", 1)))
        if answer.status_code == 201:
            told.taken += 1
            httpx.delete(f"{url}/v1/motions/{answer.json()['id']}", timeout=300)
        elif answer.status_code in (413, 422) and (sentence := answer.json()["error"]["message"]):
            told.refused += 1
            told.sentences[shape(sentence)] += 1
        else:
            told.faults.append(f"{file[0]}: {answer.status_code} {answer.text[:200]}")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(one, files))
    return told


def upload(good: dict[str, bytes], count: int, seed: int) -> dict[str, Any]:
    """A server of its own that is sent so many files; what came of them, and its memory."""
    from app.hostile import hostile
    from app.running import Process
    from chat.tiny_model import tiny_model
    from load_api import megabytes

    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        tiny_model().save(folder / "model")
        files = [mutated(good, chance) for _ in range(count)]
        harmful = list(hostile(folder).items())
        files += harmful + [(name.format("walk.npz"), good["2.npz"]) for name in NAMES]
        server = Process(folder / "model", folder / "kept")
        try:
            send(server.url, [("2.npz", good["2.npz"])] * 40)
            before = megabytes(server.popen.pid)
            told = send(server.url, files)
            after = megabytes(server.popen.pid)
        finally:
            server.popen.kill()
    return report(told) | {"megabytes": {"before": before, "after": after, "ratio": round(after / before, 2)}}


def report(told: Tally) -> dict[str, Any]:
    return {
        "taken": told.taken, "refused": told.refused, "sentences": len(told.sentences),
        "commonest": [f"{count} {sentence}" for sentence, count in told.sentences.most_common(12)], "faults": told.faults[:20],
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--sent", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        good = good_files(Path(folder))
    readers = [Reader(good, chosen.seed + number) for number in range(chosen.processes)]
    share = -(-chosen.files // len(readers))
    with ProcessPoolExecutor(len(readers), mp_context=get_context("spawn")) as pool:
        results = list(pool.map(Reader.read, readers, [share] * len(readers)))
    whole = Tally()
    for told in (result["told"] for result in results):
        whole.taken, whole.refused = whole.taken + told.taken, whole.refused + told.refused
        whole.sentences += told.sentences
        whole.faults += told.faults
    found = {
        "read": report(whole) | {
            "slowest_seconds": round(max(result["slowest"] for result in results), 2),
            "megabytes": {name: round(max(result[name] for result in results)) for name in ("baseline", "peak")},
        },
        "sent": upload(good, chosen.sent, chosen.seed + 1000) if chosen.sent else None,
    }  # fmt: skip
    print(json.dumps(found, indent=1, ensure_ascii=False))
    if whole.faults or (found["sent"] and found["sent"]["faults"]):
        sys.exit("Not every file was a motion or refused in words.")


if __name__ == "__main__":
    main()
