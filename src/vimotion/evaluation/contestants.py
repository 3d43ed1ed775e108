"""Who is measured: a model, and references that need none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

from vimotion.corpora import Record, Store
from vimotion.corpora.store import record_features
from vimotion.evaluation.actor import named_actor
from vimotion.evaluation.examples import GIVEN, GIVEN_A, Example
from vimotion.evaluation.tf_idf import TfIdf
from vimotion.motion import FEATURES, FPS, Interaction, from_features, to_features

if TYPE_CHECKING:
    from vimotion.chat import Answer as ModelAnswer
    from vimotion.chat import Model, Turn
    from vimotion.tokenizer import MotionTokenizer

# A motion of two people in the world of the given one, or words; an error is a failed answer.
Answer = Interaction | str | Exception


class Contestant(Protocol):
    """Answers examples.

    Attributes:
        name: in the report.
        tasks: the tasks that it takes part in.
        seeded: whether its answers differ from seed to seed.
    """

    name: str
    tasks: Sequence[str]
    seeded: bool

    def answers(self, examples: Sequence[Example], seed: int) -> list[Answer]:
        """One answer to each example of one task; only references may look at `Example.truth`."""
        ...


class Scripted:
    """The true scenes and words: how far the judge itself goes along."""

    name = "scripted"
    tasks: Sequence[str] = ("text_to_motion", "motion_to_text", "reaction", "prediction", "editing", "question")
    seeded = False

    def answers(self, examples: Sequence[Example], seed: int) -> list[Answer]:
        return [example.truth for example in examples]


class Reconstruction:
    """The true scenes through the tokenizer and back: how far any model on these codes can go."""

    name = "reconstruction"
    tasks: Sequence[str] = ("text_to_motion", "reaction", "prediction", "editing")
    seeded = False

    def __init__(self, tokenizer: MotionTokenizer) -> None:
        self.tokenizer = tokenizer

    def answers(self, examples: Sequence[Example], seed: int) -> list[Answer]:
        from vimotion.tokenizer.quality import reconstruct

        return [
            from_features(reconstruct(self.tokenizer, record_features(example.truth)))
            for example in examples
            if isinstance(example.truth, Interaction)
        ]


class Retrieval:
    """The nearest training clip: by words of its captions (TF-IDF) for a text, by its joints over time for a motion.

    An edit it answers with a clip like the given one, whatever was asked: the score of not listening.
    """

    name = "retrieval"
    tasks: Sequence[str] = ("text_to_motion", "free_text", "motion_to_text", "reaction", "editing")
    seeded = False

    def __init__(self, store: Store, clips: int) -> None:
        """`clips`: how many clips of the training split are looked at."""
        self._store = store
        self._clips = store.split("train")[:clips]

    def answers(self, examples: Sequence[Example], seed: int) -> list[Answer]:
        return [self._answer(example) for example in examples]

    def _answer(self, example: Example) -> Answer:
        if example.given is None:
            owners, texts = self._texts
            return self._store[owners[texts.nearest(example.text)]].interaction()
        record = self._nearest(example.given)
        if example.task == "motion_to_text":
            return next((caption for caption in record.captions if named_actor(caption)), record.captions[0])
        motion, frames = record.interaction(), example.given.num_frames
        if example.task == "reaction":  # in the given person's time
            motion = replace(motion, fps=FPS * motion.num_frames / frames).resampled(FPS)
        return motion

    def _nearest(self, given: Interaction) -> Record:
        """The clip whose first people move like the given ones."""
        outline = _outline(to_features(given))
        distances = np.linalg.norm(self._outlines[:, :, : given.num_people] - outline, axis=-1).mean(axis=(1, 2, 3))
        return self._store[self._clips[int(np.argmin(distances))]]

    @cached_property
    def _texts(self) -> tuple[list[int], TfIdf]:
        owners = {caption: index for index in reversed(self._clips) for caption in self._store[index].captions}
        return list(owners.values()), TfIdf(list(owners))

    @cached_property
    def _outlines(self) -> np.ndarray:
        return np.stack([_outline(self._store[index].features) for index in self._clips])


class Standstill:
    """The given beginning, held at its last pose: what a prediction gets for what it was shown."""

    name = "standstill"
    tasks: Sequence[str] = ("prediction",)
    seeded = False

    def answers(self, examples: Sequence[Example], seed: int) -> list[Answer]:
        return [_held(example.given, example.seconds) for example in examples if example.given and example.seconds]


class ModelContestant:
    """A model, asked as the commands ask it."""

    name = "model"
    tasks: Sequence[str] = ("text_to_motion", "free_text", "motion_to_text", "reaction", "prediction", "editing", "question")
    seeded = True

    def __init__(self, model: Model) -> None:
        self._model = model

    def answers(self, examples: Sequence[Example], seed: int) -> list[Answer]:
        turns = [self._turn(example, seed) for example in examples]
        answers = self._model.tokens(turns, at_once=sum(len(turn.drafts) for turn in turns))
        return [_finished(example, turn, said) for example, turn, said in zip(examples, turns, answers, strict=True)]

    def _turn(self, example: Example, seed: int) -> Turn:
        from vimotion.chat import Wish

        if example.given is None:
            return self._model.turn_to_generate(example.text, example.seconds, seed)
        session = self._model.chat()
        going_on = example.task == "prediction"
        given = session.add_motion(example.given, ending=going_on)
        text = example.text.replace(GIVEN, given).replace(GIVEN_A, given)
        wish = {
            "motion_to_text": Wish(motion="no", seed=seed),
            "question": Wish(motion="no", seed=seed),
            "reaction": Wish(motion="must", people="ab", seed=seed),
            "editing": Wish(motion="must", people="ab", seed=seed),
            "prediction": Wish(example.seconds, "must", continues=True, seed=seed),
        }[example.task]
        return session.turn(text, wish)


def _finished(example: Example, turn: Turn, tokens: Sequence[int]) -> Answer:
    try:
        answer: ModelAnswer = turn.finish(tokens)
        return answer.text if example.task in ("motion_to_text", "question") else answer.motion.interaction
    except ValueError as error:  # what cannot be parsed, or holds no motion, is a failed answer
        return error


def _held(motion: Interaction, seconds: float) -> Interaction:
    """The motion, and its last pose for so long."""
    frames = np.minimum(np.arange(motion.num_frames + round(seconds * FPS)), motion.num_frames - 1)
    return replace(motion, root_positions=motion.root_positions[frames], local_rotations=motion.local_rotations[frames])


def _outline(features: np.ndarray, points: int = 16) -> np.ndarray:
    """(T, P, 262) → joint positions (points, P, 22, 3) at even times."""
    at = np.linspace(0, len(features) - 1, points).round().astype(int)
    return features[at][..., FEATURES["positions"]].reshape(points, features.shape[1], -1, 3).astype(np.float32)
