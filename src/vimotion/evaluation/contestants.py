"""Who is measured, and on what: what every contestant is, and references that need no network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

from vimotion.chat.motions import continued
from vimotion.corpora import Record, Store
from vimotion.corpora.store import record_features
from vimotion.evaluation.actor import named_actor
from vimotion.evaluation.examples import LONGEST, PERSON_B, QUESTIONS, Example
from vimotion.evaluation.tf_idf import TfIdf
from vimotion.motion import FEATURES, FPS, NUM_JOINTS, Interaction, from_features, to_features
from vimotion.tasks import TextPart, ask, questions

if TYPE_CHECKING:
    from vimotion.tokenizer import MotionTokenizer

# A motion of two people in the world of the given one, or words; an error is a failed answer.
Answer = Interaction | str | Exception

# Metres between a lone person and who watches.
_APART = 1.5
# Frames between the poses by which beginnings are compared.
_STRIDE = 10


class Contestant(Protocol):
    """Answers examples.

    Attributes:
        name: in the report.
        tasks: the tasks that it takes part in.
        drawn: the tasks in which its answers differ from seed to seed.
        varied: the tasks in which they are draws of one and the same model to the same words, so that they show its variety.
    """

    name: str
    tasks: Sequence[str]
    drawn: Sequence[str]
    varied: Sequence[str]

    def answers(self, examples: Sequence[Example], seed: int) -> list[Answer]:
        """One answer to each example of one task; only references may look at `Example.truth`."""
        ...


class Real:
    """The true scenes and words: how far the judges themselves go along."""

    name = "real"
    tasks: Sequence[str] = (
        "text_to_motion", "motion_to_text", "reaction", "prediction", "editing", "reasoning", "explanation", "role",
    )  # fmt: skip
    drawn: Sequence[str] = ()
    varied: Sequence[str] = ()

    def answers(self, examples: Sequence[Example], seed: int) -> list[Answer]:
        return [example.truth for example in examples]


class Reconstruction:
    """The true scenes through the tokenizer and back: how far any model on these codes can go."""

    name = "reconstruction"
    tasks: Sequence[str] = ("text_to_motion", "reaction", "prediction", "editing", "role")
    drawn: Sequence[str] = ()
    varied: Sequence[str] = ()

    def __init__(self, load: Callable[[], MotionTokenizer]) -> None:
        self._load = load

    @cached_property
    def tokenizer(self) -> MotionTokenizer:
        return self._load()

    def answers(self, examples: Sequence[Example], seed: int) -> list[Answer]:
        from vimotion.tokenizer.quality import reconstruct

        return [
            from_features(reconstruct(self.tokenizer, record_features(example.truth)))
            for example in examples
            if isinstance(example.truth, Interaction)
        ]


class Retrieval:
    """The nearest training clip: by words of its captions (TF-IDF) for a text, by its joints over time for a motion.

    It predicts what follows in the clip that begins most alike, and answers a question (it is told which one it is) as it is
    true of the likest clip that has an answer. An edit and a role it answers with a clip like the given one, whatever was
    asked: the score of not listening.
    """

    name = "retrieval"
    tasks: Sequence[str] = (
        "text_to_motion", "free_text", "motion_to_text", "reaction", "prediction", "editing", "reasoning", "explanation",
        "role",
    )  # fmt: skip
    drawn: Sequence[str] = ()
    varied: Sequence[str] = ()

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
        if example.task == "prediction":
            return self._continued(example.given, example.seconds or 0.0)
        likest = (self._store[self._clips[number]] for number in self._likest(example.given))
        if example.task in QUESTIONS:
            record = next((found for found in likest if example.detail in questions(found)), None)
            return ValueError("No clip has an answer.") if record is None else _true_answer(record, example.detail)
        record = next(likest)
        if example.task == "motion_to_text":
            return next((caption for caption in record.captions if named_actor(caption)), record.captions[0])
        motion, frames = record.interaction(), example.given.num_frames
        if example.task in PERSON_B:  # in the given person's time
            motion = replace(motion, fps=FPS * motion.num_frames / frames).resampled(FPS)
        return motion

    def _likest(self, given: Interaction) -> list[int]:
        """Numbers of the clips, those first whose first people move like the given ones."""
        outline = _outline(to_features(given))
        distances = np.linalg.norm(self._outlines[:, :, : given.num_people] - outline, axis=-1).mean(axis=(1, 2, 3))
        return [int(number) for number in np.argsort(distances, kind="stable")]

    def _continued(self, given: Interaction, seconds: float) -> Answer:
        """The given beginning, and after it what follows in the clip, of those that last so long, that begins most alike."""
        shown, wanted = given.num_frames, given.num_frames + round(seconds * FPS)
        lengths, beginnings = self._beginnings
        pose = _stridden(to_features(given))
        distances = np.linalg.norm(beginnings[:, : len(pose)].astype(np.float32) - pose, axis=-1).mean(axis=(1, 2, 3))
        nearest = int(np.argmin(np.where(lengths >= wanted, distances, np.inf)))
        if lengths[nearest] < wanted:
            return ValueError("No clip is long enough.")
        following = self._store[self._clips[nearest]].interaction().frames(shown - 1, wanted)
        return continued(given, begun_at(following, given.frames(shown - 1, shown)), 1)

    @cached_property
    def _texts(self) -> tuple[list[int], TfIdf]:
        owners = {caption: index for index in reversed(self._clips) for caption in self._store[index].captions}
        return list(owners.values()), TfIdf(list(owners))

    @cached_property
    def _outlines(self) -> np.ndarray:
        return np.stack([_outline(self._store[index].features) for index in self._clips])

    @cached_property
    def _beginnings(self) -> tuple[np.ndarray, np.ndarray]:
        """Frames of each clip (N,), and poses (N, 30, 2, 22, 3) float16 of its first ten seconds, held after its end."""
        lengths = np.zeros(len(self._clips), dtype=np.int64)
        poses = np.zeros((len(self._clips), -(-LONGEST // _STRIDE), 2, NUM_JOINTS, 3), dtype=np.float16)
        for number, index in enumerate(self._clips):
            features = self._store[index].features
            found = _stridden(features)[: poses.shape[1]]
            lengths[number] = len(features)
            poses[number, : len(found)], poses[number, len(found) :] = found, found[-1]
        return lengths, poses


class Standstill:
    """The given beginning, held at its last pose: what a prediction gets for what it was shown. Of one who is given alone a
    double stands before, still in the first pose.
    """

    name = "standstill"
    tasks: Sequence[str] = ("prediction", "role")
    drawn: Sequence[str] = ()
    varied: Sequence[str] = ()

    def answers(self, examples: Sequence[Example], seed: int) -> list[Answer]:
        given = [(example.given, example.seconds or 0.0) for example in examples if example.given]
        return [_held(motion, seconds) if motion.num_people > 1 else _watched(motion) for motion, seconds in given]


def begun_at(motion: Interaction, start: Interaction) -> Interaction:
    """A motion turned and shifted in the plane, so that its person a begins where person a of `start` begins, facing alike."""
    headings = (moving.frames(0, 1).facing()[0, 0] for moving in (motion, start))
    ahead, wanted = (float(np.arctan2(forward[0], forward[2])) for forward in headings)
    turned = motion.moved(wanted - ahead)
    shift = start.root_positions[0, 0] - turned.root_positions[0, 0]
    return turned.moved(translation=shift * np.array([1.0, 0.0, 1.0]))


def _watched(motion: Interaction) -> Interaction:
    """A lone person, and another one who stands before where that one begins, turned to it."""
    start = motion.frames(0, 1)
    turned = start.moved(np.pi)
    place = start.root_positions[0, 0] + _APART * start.facing()[0, 0]
    stood = turned.moved(translation=(place - turned.root_positions[0, 0]) * np.array([1.0, 0.0, 1.0]))
    return motion.joined(_held(stood, (motion.num_frames - 1) / FPS))


def _true_answer(record: Record, question: str) -> str:
    _, answer = ask(record, question, np.random.default_rng(0))
    return "".join(part.text for part in answer.parts if isinstance(part, TextPart))


def _held(motion: Interaction, seconds: float) -> Interaction:
    """The motion, and its last pose for so long."""
    frames = np.minimum(np.arange(motion.num_frames + round(seconds * FPS)), motion.num_frames - 1)
    return replace(motion, root_positions=motion.root_positions[frames], local_rotations=motion.local_rotations[frames])


def _outline(features: np.ndarray, points: int = 16) -> np.ndarray:
    """(T, P, 262) → joint positions (points, P, 22, 3) at even times."""
    return _joints(features, np.linspace(0, len(features) - 1, points).round().astype(int))


def _stridden(features: np.ndarray) -> np.ndarray:
    """(T, P, 262) → joint positions (⌈T / 10⌉, P, 22, 3) of every tenth frame."""
    return _joints(features, np.arange(0, len(features), _STRIDE))


def _joints(features: np.ndarray, at: np.ndarray) -> np.ndarray:
    return features[at][..., FEATURES["positions"]].reshape(len(at), features.shape[1], -1, 3).astype(np.float32)
