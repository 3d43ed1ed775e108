"""A language model as judge of answers in words: logic, content and naturalness, 0 to 10 each.

The judge does not learn whose answer it reads, sees all answers to an example at once in one order and then in the reverse one
(the scores are the means), and is asked everything once, see `text_model.py`.
"""

from __future__ import annotations

import hashlib
import json
import string
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from vimotion.evaluation.text_model import Server, ServerConfig

ASPECTS = ("logic", "content", "naturalness")
_LABELS = string.ascii_uppercase
_BEST = 10.0


class JudgeConfig(ServerConfig):
    """Which model judges."""

    cache: Path = Path("cache/judge")


@dataclass(frozen=True)
class Asked:
    """One example: what happens (a caption), what was asked about it, and a good answer."""

    context: str
    question: str
    reference: str


@dataclass(frozen=True)
class Verdict:
    """Scores of one answer, 0 to 10 each, means over both orders."""

    logic: float
    content: float
    naturalness: float


class Judge:
    """A model behind a server, its prompt and its kept replies."""

    def __init__(self, config: JudgeConfig) -> None:
        self.config = config
        self._server = Server(config)

    @cached_property
    def identity(self) -> dict[str, str]:
        """What must be the same for two scores to be compared: the model and the hash of the prompt."""
        prompt = hashlib.sha256("".join(_prompt(name) for name in ("system", "question")).encode()).hexdigest()
        return {"model": self.config.model, "prompt": prompt[:16]}

    def judge(self, asked: Asked, answers: Mapping[str, str | None]) -> dict[str, Verdict]:
        """Scores of the contestants' answers to one example.

        Args:
            answers: by contestant; None or an empty text for a failed one, which scores 0 unseen.

        Raises:
            UserError: the server cannot be reached, refuses, or gives no reply that can be read.
        """
        # by their texts, so that neither names nor the order of contestants have a say
        there = sorted({text.strip() for text in answers.values() if text and text.strip()})
        if len(there) > len(_LABELS):
            raise ValueError(f"The judge compares at most {len(_LABELS)} answers at once, not {len(there)}.")
        orders = [there, there[::-1]] if len(there) > 1 else [there] if there else []
        seen = [dict(zip(order, self._scores(asked, order), strict=True)) for order in orders]
        verdicts = {text: Verdict(*np.mean([scores[text] for scores in seen], axis=0).tolist()) for text in there}
        return {name: verdicts.get((text or "").strip(), Verdict(0.0, 0.0, 0.0)) for name, text in answers.items()}

    def _scores(self, asked: Asked, answers: list[str]) -> list[tuple[float, ...]]:
        """Scores of answers shown in this order."""
        labels = _LABELS[: len(answers)]
        form = {label: dict.fromkeys(ASPECTS, "0 to 10") for label in labels}
        shown = "\n\n".join(f"[{label}]\n{text}" for label, text in zip(labels, answers, strict=True))
        fields = {"context": asked.context, "question": asked.question, "reference": asked.reference}
        question = _prompt("question").format(**fields, answers=shown, form=json.dumps(form))
        messages = [{"role": "system", "content": _prompt("system")}, {"role": "user", "content": question}]
        return self._server.reply(messages, lambda reply: _read_scores(reply, labels))


def _read_scores(reply: str, labels: str) -> list[tuple[float, ...]]:
    """Scores by label, in the order of the aspects.

    Raises:
        ValueError: the reply is not the JSON that was asked for, or a score is not from 0 to 10.
    """
    start, end = reply.find("{"), reply.rfind("}")
    content = json.loads(reply[start : end + 1]) if start >= 0 else None
    if not isinstance(content, dict) or set(content) != set(labels):
        raise ValueError(f"it must hold the keys {', '.join(labels)}")
    scores = []
    for label in labels:
        given = content[label]
        if not isinstance(given, dict) or not all(_is_score(given.get(aspect)) for aspect in ASPECTS):
            raise ValueError(f"answer {label} needs {', '.join(ASPECTS)} from 0 to 10")
        scores.append(tuple(float(given[aspect]) for aspect in ASPECTS))
    return scores


def _is_score(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _BEST


def _prompt(name: str) -> str:
    return (files("vimotion.evaluation") / "prompts" / f"judge_{name}.txt").read_text(encoding="utf-8")
