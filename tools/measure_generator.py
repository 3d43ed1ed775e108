"""What a motion generator makes of held-out captions, by solver: how much of it the geometry judge passes, how it stands beside
real motions in the extractor's eyes, and how long it takes.

    python tools/measure_generator.py src/vimotion/intergen/shipped --corpus corpora/scripted

One run, so that times can be compared: each is that of one clip, all of them made one after another on one thread.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from vimotion.artifacts import vimotion_home
from vimotion.corpora import open_store
from vimotion.evaluation.distribution import fid, r_precision
from vimotion.evaluation.examples import Example, make_examples
from vimotion.evaluation.extractor import Extractor, load_extractor
from vimotion.evaluation.metrics import wilson_interval
from vimotion.evaluation.scoring import score
from vimotion.intergen import MotionGenerator
from vimotion.motion import FPS, Interaction

# InterGEN's own way first; the others are held against it.
WAYS = (("ddim", 50), ("ddim", 20), ("dpm++", 20), ("dpm++", 10))
_CANDIDATES = 96


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("generator", type=Path)
    parser.add_argument("--corpus", type=Path, default=Path("corpora/scripted"))
    parser.add_argument("--split", default="test")
    parser.add_argument("--examples", type=int, default=212)
    parser.add_argument("--guidance", type=float, nargs="+", help="default: the generator's own")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    generator, extractor = MotionGenerator.load(arguments.generator), load_extractor()
    store = open_store(vimotion_home() / arguments.corpus)
    examples = make_examples("text_to_motion", store, arguments.examples, arguments.seed, arguments.split)
    texts = extractor.embed_texts([example.text for example in examples])
    real = extractor.embed_interactions([example.scene for example in examples])
    shuffled = np.random.default_rng(0).permutation(len(examples))
    told = {"extractor": extractor.hash, "real": found(texts, real), "shuffled": found(texts, real[shuffled])}
    print(json.dumps(told), flush=True)
    for guidance in arguments.guidance or [generator.config.guidance]:
        for solver, steps in WAYS:
            start = time.perf_counter()
            made = [
                sampled(generator, example, arguments.seed + number, guidance, steps, solver)
                for number, example in enumerate(examples)
            ]
            seconds = (time.perf_counter() - start) / len(examples)
            way = {"solver": solver, "steps": steps, "guidance": guidance, "seconds_a_clip": round(seconds, 3)}
            print(json.dumps(way | judged(examples, made, texts, real, extractor)), flush=True)


def sampled(generator: MotionGenerator, example: Example, seed: int, guidance: float, steps: int, solver: str) -> Interaction:
    frames = round((example.seconds or 0.0) * FPS)
    return generator.sample([example.text], frames, seed, guidance, steps, solver)[0]  # type: ignore[arg-type]


def judged(
    examples: list[Example], made: list[Interaction], texts: np.ndarray, real: np.ndarray, extractor: Extractor
) -> dict[str, object]:
    outcomes = [score(example, motion) for example, motion in zip(examples, made, strict=True)]
    right, vectors = [outcome["success"] for outcome in outcomes], extractor.embed_interactions(made)
    low, high = wilson_interval(sum(right), len(right))
    return {
        "success": round(float(np.mean(right)), 3), "interval": [round(low, 3), round(high, 3)],
        "plausible": round(float(np.mean([outcome["plausible"] for outcome in outcomes])), 3),
        "fid": round(fid(real, vectors), 3), **found(texts, vectors),
    }  # fmt: skip


def found(texts: np.ndarray, motions: np.ndarray) -> dict[str, float]:
    """R-precision@3 among 96, or as many as there are: the mean over whole batches in an order drawn once."""
    order, size = np.random.default_rng(1).permutation(len(texts)), min(_CANDIDATES, len(texts))
    batches = [order[first : first + size] for first in range(0, len(order) - size + 1, size)]
    return {"r_precision_3": round(float(np.mean([r_precision(texts[rows], motions[rows])[2] for rows in batches])), 3)}


if __name__ == "__main__":
    main()
