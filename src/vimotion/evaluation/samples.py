"""samples/: answers to the first examples of each benchmark, to be looked at side by side.

samples/samples.json                       what is there: the `Sample`s
samples/<task>/<number>.<contestant>.npz   a motion that a contestant made
samples/<task>/<number>.given.npz          the motion that the example gives
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict

from vimotion.artifacts import atomic_path
from vimotion.evaluation.examples import IN_WORDS, QUESTIONS, Example
from vimotion.evaluation.outcomes import Line
from vimotion.formats import save_motion
from vimotion.motion import Interaction

SAMPLES, INDEX = "samples", "samples.json"
GIVEN = "given"


class Sample(TypedDict):
    """One example and its answers.

    Attributes:
        task, number, example: of the benchmark; its position there; its id.
        text: what was asked; kinds: the true interactions.
        reference: the true answer in words, or a sentence that tells the true motion.
        given: file under samples/ of the motion that came with the question; None where there is none.
        answers: contestant → {"success"} and "file" (of a motion, under samples/), "text" (an answer in words) or, of an answer
            that is neither, "reason" alone. A wrong answer has its "reason" too.
    """

    task: str
    number: int
    example: str
    text: str
    kinds: list[str]
    reference: str
    given: str | None
    answers: dict[str, dict[str, Any]]


def keep_motion(folder: Path, task: str, number: int, name: str, motion: Interaction) -> None:
    """Write the motion of a contestant, or the given one, into the run's folder."""
    path = folder / SAMPLES / _file(task, number, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_motion(motion, path)


def sample(number: int, example: Example, lines: Sequence[Line]) -> Sample:
    """What samples.json says of one example, from the outcomes of its answers."""
    answers: dict[str, dict[str, Any]] = {}
    for line in lines:
        answer: dict[str, Any] = {"success": line["success"]}
        if "reason" in line:
            answer["reason"] = line["reason"]
        if not line.get("failed"):
            words = example.task in IN_WORDS
            answer |= {"text": line["answer"]} if words else {"file": _file(example.task, number, line["contestant"])}
        answers[line["contestant"]] = answer
    return {
        "task": example.task,
        "number": number,
        "example": example.id,
        "text": example.asked,
        "kinds": list(example.kinds),
        "reference": example.references[0] if example.task in QUESTIONS else example.caption,
        "given": None if example.given is None else _file(example.task, number, GIVEN),
        "answers": answers,
    }


def write_index(folder: Path, samples: Sequence[Sample]) -> None:
    """Write samples.json."""
    with atomic_path(folder / SAMPLES / INDEX) as path:
        path.write_text(json.dumps(samples, indent=1) + "\n", encoding="utf-8")


def _file(task: str, number: int, name: str) -> str:
    return f"{task}/{number}.{name}.npz"
