"""How fast a model is on this machine."""

from __future__ import annotations

import resource
import sys
import time
from statistics import median

import torch

from vimotion.chat.model import Model

_PROMPTS = ("Two people walk up to each other and shake hands.", "One person pushes the other.", "Two people hug.")


def measure(model: Model, duration: float = 4.0) -> dict[str, float | int | str]:
    """Figures of making motion one sample after another, medians over three prompts.

    `tokens_per_second` is the decoding of one draft with its prompt's prefill. `language_ratio` is all drafts and the choice
    among them, `decode_ratio` the codec's part, and `ratio` all in all: seconds of computing for one second of two-person
    motion, less than 1 where motion comes faster than it plays.
    """
    model.generate(_PROMPTS[0], 0.5)  # what is made once
    rates, languages, codecs, tokens = [], [], [], []
    for seed, prompt in enumerate(_PROMPTS):
        turn = model.turn_to_generate(prompt, duration, seed)
        start = time.perf_counter()
        said = list(model.decoder.stream(turn.request))
        rates.append(len(said) / (time.perf_counter() - start))
        start = time.perf_counter()
        [said] = model.tokens([turn])
        language = time.perf_counter() - start
        start = time.perf_counter()
        motion = turn.finish(said).motion
        codecs.append((time.perf_counter() - start) / motion.duration)
        languages.append(language / motion.duration)
        tokens.append(len(said) / motion.duration)
    start = time.perf_counter()
    turns = [model.turn_to_generate(prompt, duration, seed) for seed in range(4) for prompt in _PROMPTS]
    many = sum(map(len, model.decoder.answers([turn.request for turn in turns])))
    together = time.perf_counter() - start
    return {
        "tokens_per_second": round(median(rates), 1),
        "tokens_per_motion_second": round(median(tokens), 1),
        "language_ratio": round(median(languages), 3),
        "decode_ratio": round(median(codecs), 3),
        "ratio": round(median(languages) + median(codecs), 3),
        "tokens_per_second_of_12_at_once": round(many / together, 1),
        "memory_megabytes": round(_peak_megabytes()),
        "threads": torch.get_num_threads(),
        "model": model.name,
    }


def _peak_megabytes() -> float:
    """The most memory that this process has held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3
