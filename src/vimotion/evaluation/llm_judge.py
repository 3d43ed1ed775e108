"""A language model as judge of answers in words: logic, content and naturalness, 0 to 10 each.

The judge does not learn whose answer it reads, sees all answers to an example at once in one order and then in the reverse one
(the scores are the means), and is asked everything once, see `text_model.py`.
"""

from __future__ import annotations

import hashlib
import json
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from importlib.resources import files
from typing import Any

import numpy as np

from vimotion.evaluation.text_model import Question, ask
from vimotion.llm.client import ServerConfig

ASPECTS = ("logic", "content", "naturalness")
_LABELS = string.ascii_uppercase
_BEST = 10.0
_Scores = list[tuple[float, ...]]


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

    def __init__(self, config: ServerConfig) -> None:
        self.config = config

    @cached_property
    def identity(self) -> dict[str, str]:
        """What must be the same for two scores to be compared: the model and the hash of the prompt."""
        prompt = hashlib.sha256("".join(_prompt(name) for name in ("system", "question")).encode()).hexdigest()
        return {"model": self.config.model, "prompt": prompt[:16]}

    def judge(self, asked: Sequence[Asked], answers: Sequence[Mapping[str, str | None]]) -> list[dict[str, Verdict]]:
        """Scores of the contestants' answers to examples.

        Args:
            answers: to each example, by contestant; None or an empty text for a failed one, which scores 0 unseen.

        Raises:
            UserError: the server cannot be reached, refuses, or gives no reply that can be read.
        """
        orders = [_orders(given.values()) for given in answers]
        questions = [_question(one, order) for one, both in zip(asked, orders, strict=True) for order in both]
        scores = iter(ask(self.config, questions))
        seen = [[dict(zip(order, next(scores), strict=True)) for order in both] for both in orders]
        return [_verdicts(given, both) for given, both in zip(answers, seen, strict=True)]


def _orders(answers: Iterable[str | None]) -> list[list[str]]:
    """Two orders of the different answers to an example; one of a single answer, none of none."""
    # by their texts, so that neither names nor the order of contestants have a say
    there = sorted({text.strip() for text in answers if text and text.strip()})
    if len(there) > len(_LABELS):
        raise ValueError(f"The judge compares at most {len(_LABELS)} answers at once, not {len(there)}.")
    return [there, there[::-1]][: len(there)]


def _verdicts(answers: Mapping[str, str | None], seen: Sequence[Mapping[str, tuple[float, ...]]]) -> dict[str, Verdict]:
    """Means over what was seen of the answers' texts."""
    texts = {name: (text or "").strip() for name, text in answers.items()}
    return {
        name: Verdict(*np.mean([scores[text] for scores in seen], axis=0).tolist()) if text else Verdict(0.0, 0.0, 0.0)
        for name, text in texts.items()
    }


def _question(asked: Asked, answers: Sequence[str]) -> Question[_Scores]:
    """For scores of answers shown in this order."""
    labels = _LABELS[: len(answers)]
    form = {label: dict.fromkeys(ASPECTS, "0 to 10") for label in labels}
    shown = "\n\n".join(f"[{label}]\n{text}" for label, text in zip(labels, answers, strict=True))
    fields = {"context": asked.context, "question": asked.question, "reference": asked.reference}
    question = _prompt("question").format(**fields, answers=shown, form=json.dumps(form))
    messages = [{"role": "system", "content": _prompt("system")}, {"role": "user", "content": question}]
    return messages, partial(_read_scores, labels=labels)


def _read_scores(reply: str, labels: str) -> _Scores:
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
