"""Who is measured: anything that answers an example. Here are the references that need no trained model."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

from vimotion.corpora import Record, Store
from vimotion.evaluation.examples import MOTION_TASKS, Example
from vimotion.motion import Interaction, from_features, to_features
from vimotion.motion.features import FEATURES

if TYPE_CHECKING:
    from vimotion.tokenizer import MotionTokenizer

Answer = Interaction | str


class Contestant(Protocol):
    """Answers examples, one at a time.

    `answer` returns a motion of two people for a motion task and a text for a text task. It may read the example's
    `task`, `text`, `given` and `seconds`; `truth` is for references only. A ValueError is a failed answer.
    """

    @property
    def name(self) -> str: ...

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that it takes part in."""
        ...

    def answer(self, example: Example, seed: int) -> Answer: ...


class Scripted:
    """The true scenes and texts: how far the judge itself can go."""

    name = "scripted"
    tasks: tuple[str, ...] = ("text_to_motion", "motion_to_text", "reaction", "prediction", "editing", "question")

    def answer(self, example: Example, seed: int) -> Answer:
        return example.truth


class Reconstruction:
    """The true scenes through the tokenizer and back: how far any model on these codes can go."""

    name = "reconstruction"
    tasks: tuple[str, ...] = ("text_to_motion", "reaction", "prediction", "editing")

    def __init__(self, tokenizer: MotionTokenizer) -> None:
        self._tokenizer = tokenizer

    def answer(self, example: Example, seed: int) -> Answer:
        if isinstance(example.truth, str):
            raise TypeError(f"The tokenizer has no answer to {example.task}.")
        return reconstruct(self._tokenizer, example.truth)


def reconstruct(tokenizer: MotionTokenizer, interaction: Interaction) -> Interaction:
    """A motion through the tokenizer and back, in its canonical placing."""
    from vimotion.corpora.store import record_features

    features = record_features(interaction).astype(np.float32)
    steps = tokenizer.spec.step_frames
    padding = -len(features) % steps
    padded = np.concatenate([features, np.repeat(features[-1:], padding, axis=0)]).transpose(1, 0, 2)
    decoded = np.asarray(tokenizer.decode(tokenizer.encode(padded)))
    return from_features(decoded.transpose(1, 0, 2)[: len(features)])


class Retrieval:
    """The nearest training clip: by words of its captions (TF-IDF) for a text, by its joints over time for a motion."""

    name = "retrieval"
    tasks: tuple[str, ...] = ("text_to_motion", "free_text", "motion_to_text", "reaction", "prediction")

    def __init__(self, store: Store, clips: int = 4000) -> None:
        self._store = store
        self._clips = store.split("train")[:clips]
        if not self._clips:
            raise ValueError("Retrieval needs a training split.")

    def answer(self, example: Example, seed: int) -> Answer:
        if example.task in ("text_to_motion", "free_text"):
            return self._by_text(example.text).interaction()
        assert example.given is not None
        record = self._by_motion(example.given)
        if example.task == "motion_to_text":
            return record.captions[seed % len(record.captions)]
        return record.interaction()

    def _by_text(self, text: str) -> Record:
        owners, vectors, weights = self._texts
        query = _tf_idf(text, weights)
        scores = [sum(vector.get(word, 0.0) * value for word, value in query.items()) for vector in vectors]
        return self._store[owners[int(np.argmax(scores))]]

    def _by_motion(self, given: Interaction) -> Record:
        people = given.num_people
        query = _outline(to_features(given))
        distances = np.linalg.norm(self._outlines[:, :, :people] - query, axis=-1).mean(axis=(1, 2, 3))
        return self._store[self._clips[int(np.argmin(distances))]]

    @cached_property
    def _texts(self) -> tuple[list[int], list[dict[str, float]], dict[str, float]]:
        owners, texts = [], []
        for index in self._clips:
            for caption in self._store[index].captions:
                owners.append(index)
                texts.append(caption)
        seen = Counter(word for text in texts for word in set(_words(text)))
        weights = {word: float(np.log(len(texts) / count)) + 1.0 for word, count in seen.items()}
        return owners, [_tf_idf(text, weights) for text in texts], weights

    @cached_property
    def _outlines(self) -> np.ndarray:
        return np.stack([_outline(self._store[index].features) for index in self._clips])


def _outline(features: np.ndarray, points: int = 16) -> np.ndarray:
    """(T, P, 262) → joint positions (points, P, 22, 3) at even times."""
    at = np.linspace(0, len(features) - 1, points).round().astype(int)
    return features[at][..., FEATURES["positions"]].reshape(points, features.shape[1], -1, 3).astype(np.float32)


def _words(text: str) -> Sequence[str]:
    return re.findall(r"[a-z]+", text.lower())


def _tf_idf(text: str, weights: dict[str, float]) -> dict[str, float]:
    vector = {word: count * weights.get(word, 0.0) for word, count in Counter(_words(text)).items()}
    length = sum(value**2 for value in vector.values()) ** 0.5 or 1.0
    return {word: value / length for word, value in vector.items()}


__all__ = ["MOTION_TASKS", "Answer", "Contestant", "Reconstruction", "Retrieval", "Scripted", "reconstruct"]
