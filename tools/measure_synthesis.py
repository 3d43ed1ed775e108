"""How fast the embedded author writes, and whether a run of `vimotion synthesize` that is killed again and again ends the same.

    python tools/measure_synthesis.py --corpus ~/.cache/vimotion/corpora/scripted

The sets are made in a folder of their own, which is deleted afterwards.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from vimotion.inter_mt2.embedded import write
from vimotion.inter_mt2.rendered import CHOREOGRAPHY, Rendered
from vimotion.inter_mt2.schema import Draft
from vimotion.inter_mt2.seeds import make_seeds
from vimotion.inter_mt2.validator import ValidatorConfig, check
from vimotion.motion import FPS

RECIPE = Path(__file__).parents[1] / "recipes" / "inter_mt2" / "tiny.yaml"


def measure_author(corpus: Path, count: int) -> bool:
    """Conversations a second, one process, from seeds in memory; whether the validator has nothing against any."""
    seeds = make_seeds(corpus, count)
    start = time.perf_counter()
    drafts = [write(seed) for seed in seeds]
    seconds = time.perf_counter() - start
    turns = Counter(sum(line.role == "user" for line in draft.messages) for draft in drafts)
    problems = [
        problem.sentence for seed, draft in zip(seeds, drafts, strict=True) for problem in check(draft, seed, *made(draft))
    ]
    print(f"{count} conversations in {seconds:.1f} s; user turns {dict(sorted(turns.items()))}; {len(problems)} problems")
    for sentence in problems[:5]:
        print(f"  {sentence}")
    return not problems


def made(draft: Draft) -> tuple[list[Rendered], dict[str, int], ValidatorConfig]:
    """What the validator is told of the motions of a draft, as if all had been made as long as they are planned."""
    as_planned = [(one.caption, round((one.seconds or 4.0) * FPS)) for one in draft.motions]
    motions = [
        Rendered(draft=draft.id, caption=caption, clip=caption, made_by=CHOREOGRAPHY, num_frames=frames)
        for caption, frames in as_planned
    ]
    return motions, {}, ValidatorConfig()


def measure_kills(corpus: Path, count: int, kills: int, seed: int) -> bool:
    """Whether a run that was killed so often has the bytes of one that was not; not where it ended before."""
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        whole = _run(folder, corpus, count, "whole")
        assert whole.wait() == 0
        seconds = time.perf_counter() - start
        killed = 0
        while killed < kills:
            running = _run(folder, corpus, count, "killed")
            try:
                running.wait(draw.uniform(0.0, 1.5 * seconds / kills) + seconds / 10)
                break
            except subprocess.TimeoutExpired:
                running.send_signal(signal.SIGKILL)
                running.wait()
                killed += 1
        last = _run(folder, corpus, count, "killed")
        assert last.wait() == 0
        stores = [Path(folder) / "corpora" / name for name in ("whole", "killed")]
        same = _content(stores[0]) == _content(stores[1])
    end = "the same" if same else "ANOTHER"
    print(f"{count} conversations in {seconds:.0f} s undisturbed; killed {killed} times: {end} store")
    return same and killed == kills


def _run(home: str, corpus: Path, count: int, name: str) -> subprocess.Popen[bytes]:
    settings = [f"corpus={corpus.resolve()}", f"count={count}", f"name={name}"]
    command = [sys.executable, "-m", "vimotion.cli", "synthesize", "--recipe", str(RECIPE)]
    for setting in settings:
        command += ["--set", setting]
    environment = {**os.environ, "VIMOTION_HOME": home}
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="the prepared scripted corpus")
    parser.add_argument("--author", type=int, default=1000, help="conversations that the embedded author writes")
    parser.add_argument("--count", type=int, default=500, help="conversations of the run that is killed")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    valid = measure_author(given.corpus, given.author)
    same = measure_kills(given.corpus, given.count, given.kills, given.seed)
    sys.exit(0 if valid and same else 1)


if __name__ == "__main__":
    main()
