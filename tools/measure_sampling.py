"""What a model makes of the validation split's captions by how it draws: temperature, top-p, guidance and drafts.

    python tools/measure_sampling.py ~/.cache/vimotion/runs/instruct --temperature 0.4 0.6 --guidance 1 2 --drafts 1 4

Each line is one way to draw: the share that the geometry judge calls right, with its interval, the share that is plausible,
FID and R@3 by the extractor. Chosen on the validation split, so that the test split says something about the choice.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np

from vimotion.artifacts import vimotion_home
from vimotion.chat import Sampling, Turn, Wish, load_model
from vimotion.corpora import open_store
from vimotion.evaluation.crowd import Truth, motion_measures
from vimotion.evaluation.distribution import Protocol
from vimotion.evaluation.evaluate import outcome_of
from vimotion.evaluation.examples import make_examples
from vimotion.evaluation.extractor import load_extractor
from vimotion.evaluation.language_contestants import finished, turn_of
from vimotion.evaluation.metrics import wilson_interval


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a model folder")
    parser.add_argument("--corpus", type=Path, default=vimotion_home() / "corpora" / "scripted")
    parser.add_argument("--task", choices=("text_to_motion", "reaction", "editing"), default="text_to_motion")
    parser.add_argument("--examples", type=int, default=106)
    parser.add_argument("--temperature", type=float, nargs="+", default=[Sampling.temperature])
    parser.add_argument("--top-p", type=float, nargs="+", default=[Sampling.top_p])
    parser.add_argument("--guidance", type=float, nargs="+", default=[1.0])
    parser.add_argument("--drafts", type=int, nargs="+", default=[Wish.drafts])
    arguments = parser.parse_args()
    model, store, extractor = load_model(arguments.model), open_store(arguments.corpus), load_extractor(None)
    examples = make_examples(arguments.task, store, arguments.examples, seed=1, split="val")
    truth = Truth.of(examples, extractor)
    ways = product(arguments.temperature, arguments.top_p, arguments.guidance, arguments.drafts)
    for temperature, top_p, guidance, drafts in ways:
        sampling = Sampling(temperature, None, top_p, guidance)
        start = time.monotonic()
        turns = [drawn_so(turn_of(model, example, seed=0), sampling, drafts) for example in examples]
        answers = list(map(finished, examples, turns, model.tokens(turns, at_once=64)))
        seconds = time.monotonic() - start
        judged = [outcome_of(example, answer, extractor, None) for example, answer in zip(examples, answers, strict=True)]
        outcomes, motions = [outcome for outcome, _ in judged], [motion for _, motion in judged]
        right = sum(outcome["success"] for outcome in outcomes)
        low, high = wilson_interval(right, len(outcomes))
        plausible = np.mean([outcome.get("plausible", False) for outcome in outcomes])
        measures = motion_measures(
            truth, extractor.embed_interactions(motions)[None], Protocol(batch=min(Protocol().batch, len(examples)))
        )
        way = f"temperature {temperature:g}, top-p {top_p:g}, guidance {guidance:g}, drafts {drafts}"
        share = f"{right / len(outcomes):.1%} ({low:.1%} to {high:.1%})"
        figures = f"FID {measures['fid']['mean']:.2f}, R@3 {measures['r_precision_3']['mean']:.3f}"
        each = f"{seconds / len(examples):.2f} s each"
        print(f"{way}: right {share}, plausible {plausible:.1%}, {figures}, {each}", flush=True)


def drawn_so(turn: Turn | Exception, sampling: Sampling, drafts: int) -> Turn:
    if isinstance(turn, Exception):
        raise turn
    return Turn(turn.session, turn.message, replace(turn.wish, sampling=sampling, drafts=drafts))


if __name__ == "__main__":
    main()
