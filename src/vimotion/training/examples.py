"""Training examples for the language stages: conversations drawn from a corpus of codes, packed into rows of one length."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from pydantic import Field, NonNegativeInt
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from vimotion.config import Config
from vimotion.corpora import Record
from vimotion.errors import UserError
from vimotion.language.layout import Layout
from vimotion.language.rendering import IGNORED, CodesOf, render
from vimotion.tasks import TASKS, Conversation, possible_tasks, sample_conversation
from vimotion.tasks.messages import MotionPart, unsaid
from vimotion.tasks.naming import renamed_caption
from vimotion.training.dialogues import INTER_MT2, Dialogues
from vimotion.training.motion_codes import MotionCodes
from vimotion.training.rows import OFFERED, Example, fill_rows, pack_rows
from vimotion.training.talk import TALK, Talk

# How facts name the two people: by letters in the parameters, by slots in what is told.
_OTHER = str.maketrans("ab", "ba")
_OTHER_SLOT = {"{first}": "{second}", "{second}": "{first}"}
_SLOT = re.compile("|".join(_OTHER_SLOT))
# Draws for one example before the corpus is held to have none.
_TRIES = 2000


class ExamplesConfig(Config):
    """What a language stage is trained on. The paper gives neither weights nor lengths: ours throughout.

    Attributes:
        tasks: how often each task is drawn, relative to one another; "inter_mt2" and "talk" are the conversations of a recipe
            that names some.
        rows, row_tokens: shape of a batch on each process; longer examples are left out.
        first_frames: clips start at one of these frames; see `motion_codes`.
        exchange: how often the two people change their names, where a caption is clear about whom it names.
        wrong_codes: at most this share of the codes that it learns to say is replaced, in what the model reads back but not in
            what it is to say, by codes drawn from the same level: at use it also reads what it drew itself (after T2M-GPT).
        given_codes: this share of the codes in the motions that users show is learned as if it were answered: what they
            move like costs nothing more to learn, as they are read anyway.
        unsaid: this share of the conversations that end with a motion is learned without the words that led to it
            (`tasks.messages.unsaid`), so that an answer can be guided away from what is done whatever is said.
    """

    tasks: dict[str, float]
    rows: int = Field(default=8, gt=0)
    row_tokens: int = Field(default=512, gt=0)
    first_frames: tuple[NonNegativeInt, ...] = Field(default=(0, 2, 4, 6), min_length=1)
    exchange: float = Field(default=0.5, ge=0, le=1)
    wrong_codes: float = Field(default=0.0, ge=0, le=1)
    given_codes: float = Field(default=0.0, ge=0, le=1)
    unsaid: float = Field(default=0.0, ge=0, le=1)


class Examples:
    """Batches by index, from one split. Each is a pure function of seed and index."""

    def __init__(
        self,
        codes: MotionCodes,
        tokenizer: PreTrainedTokenizerFast,
        layout: Layout,
        config: ExamplesConfig,
        seed: int,
        split: str = "train",
        dialogues: Dialogues | None = None,
        talk: Talk | None = None,
    ) -> None:
        known = (*TASKS, *((INTER_MT2,) if dialogues else ()), *((TALK,) if talk else ()))
        unknown = sorted(set(config.tasks) - set(known))
        if unknown or not any(config.tasks.values()) or min(config.tasks.values()) < 0:
            raise UserError(f"`tasks` gives weights to {', '.join(known)}; {unknown or 'all weights'} cannot be used.")
        self._codes, self._tokenizer, self._layout, self._config = codes, tokenizer, layout, config
        self._seed, self._split = seed, split
        self._clips = codes.split(split)
        if not len(self._clips):
            raise UserError(f"The corpus has no clip in its split {split!r}; make it from more scenes.")
        self._dialogues, self._told = dialogues, dialogues.split(split) if dialogues else []
        if INTER_MT2 in config.tasks and not self._told:
            raise UserError(f"There is no conversation in the split {split!r}; make more with `vimotion synthesize`.")
        self._talk, self._talked = talk, talk.split(split) if talk else []
        if TALK in config.tasks and not self._talked:
            raise UserError(f"There is no talk for the split {split!r}; give a file with more lines.")
        weights = np.array(list(config.tasks.values()), dtype=np.float64)
        self._tasks, self._shares = list(config.tasks), weights / weights.sum()
        self._rendered = self._too_long = self._offered = self._filled = 0

    def __call__(self, index: int) -> dict[str, Tensor]:
        """A batch of `rows` rows: "input_ids", "position_ids" (from 0 in each example) and "labels", (rows, tokens) int64."""
        random = np.random.default_rng([self._seed, index])
        shape = self._config.rows, self._config.row_tokens
        drawn: list[Example] = []
        while sum(len(ids) for ids, _ in drawn) < OFFERED * shape[0] * shape[1]:
            drawn.append(self.example(random))
        rows = fill_rows(drawn, *shape)
        self._offered += shape[0] * shape[1]
        self._filled += sum(len(ids) for row in rows for ids, _ in row)
        padding = self._tokenizer.pad_token_id
        batch = pack_rows(rows, self._config.row_tokens, self._tokenizer.eos_token_id if padding is None else padding)
        if self._split == "train":
            learn_given_codes(batch, self._layout, self._config.given_codes, random)
            replace_codes(batch, self._layout, self._config.wrong_codes, random)
        return batch

    @property
    def too_long(self) -> float:
        """Share of the examples so far that fitted into no row and were left out."""
        return self._too_long / max(self._rendered, 1)

    @property
    def padding(self) -> float:
        """Share of the batches so far that holds no example."""
        return 1 - self._filled / max(self._offered, 1)

    def example(self, random: np.random.Generator) -> Example:
        """Ids and labels of one conversation that fits into a row."""
        task = self._tasks[int(random.choice(len(self._tasks), p=self._shares))]
        for _ in range(_TRIES):
            if drawn := self.conversation(task, random):
                conversation, codes_of = drawn
                if self._split == "train" and _ends_with_motion(conversation) and random.random() < self._config.unsaid:
                    conversation = unsaid(conversation)
                ids, labels = render(conversation, self._tokenizer, self._layout, codes_of)
                self._rendered += 1
                if len(ids) <= self._config.row_tokens:
                    return ids, labels
                self._too_long += 1
        raise UserError(
            f"In {_TRIES} draws no clip of split {self._split!r} gave an example of {task} with {self._config.row_tokens} "
            "tokens or less; use longer rows, other tasks or more clips."
        )

    def conversation(self, task: str, random: np.random.Generator) -> tuple[Conversation, CodesOf] | None:
        """A conversation about a random clip, and the codes of its motions; None where the clip does not fit the task."""
        if task == INTER_MT2 and self._dialogues:
            return self._dialogues.conversation(self._told[int(random.integers(len(self._told)))])
        if task == TALK and self._talk:
            return self._talk.conversations[self._talked[int(random.integers(len(self._talked)))]], self._codes.codes_of
        step_frames = self._codes.spec.step_frames
        variant = int(random.integers(len(self._codes.first_frames)))
        record = self._codes.record(int(self._clips[random.integers(len(self._clips))]), variant)
        if task not in possible_tasks(record, step_frames):
            return None
        source = self._codes.record(self._codes.index_of(record.edit_of), variant) if record.edit_of else None
        exchange = random.random() < self._config.exchange and all(map(can_exchange, (record, source or record)))
        if exchange:
            record, source = exchanged(record), source and exchanged(source)
        conversation = sample_conversation(task, record, random, source=source, step_frames=step_frames)
        return conversation, partial(self._codes.codes_of, variant=variant, first=int(exchange))


def _ends_with_motion(conversation: Conversation) -> bool:
    return any(isinstance(part, MotionPart) for part in conversation.messages[-1].parts)


def can_exchange(record: Record) -> bool:
    """Whether something can be said of the record when its two people change their names."""
    return record.people == 2 and (not record.captions or any(map(renamed_caption, record.captions)))


def exchanged(record: Record) -> Record:
    """The record told with its second person as the first; captions of which it is not clear whom they name are left out."""
    captions = tuple(other for caption in record.captions if (other := renamed_caption(caption)))
    if not record.facts or "parameters" not in record.facts:  # no scripted scene
        return replace(record, captions=captions)
    parameters = record.facts["parameters"]
    exchanged = parameters | {
        "acts": [act | {"actor": act["actor"].translate(_OTHER)} for act in parameters["acts"]],
        "manners": parameters["manners"][::-1],
        "postures": parameters["postures"][::-1],
    }
    told = _SLOT.sub(lambda slot: _OTHER_SLOT[slot[0]], json.dumps(record.facts["told"]))
    edit, _, who = record.edit.partition(" ")
    edit = f"{edit} {who if len(who) == 2 else who.translate(_OTHER)}".strip()
    return replace(record, captions=captions, facts={"parameters": exchanged, "told": json.loads(told)}, edit=edit)


def learn_given_codes(batch: dict[str, Tensor], layout: Layout, share: float, random: np.random.Generator) -> None:
    """Give a share of the codes in given motions a label, in place."""
    ids, labels = batch["input_ids"], batch["labels"]
    chosen = _codes(ids, layout) & (labels == IGNORED) & torch.from_numpy(random.random(ids.shape) < share)
    labels[chosen] = ids[chosen]


def replace_codes(batch: dict[str, Tensor], layout: Layout, most: float, random: np.random.Generator) -> None:
    """Replace up to a share `most` of each row's labelled motion codes in "input_ids" by others of their level, in place."""
    ids, labels = batch["input_ids"], batch["labels"]
    shares = random.uniform(0, most, (len(ids), 1))
    chosen = _codes(ids, layout) & (labels != IGNORED) & torch.from_numpy(random.random(ids.shape) < shares)
    first, size = layout.code_ids.start, layout.spec.codebook_size
    level_starts = first + (ids - first) // size * size
    ids[chosen] = (level_starts + torch.from_numpy(random.integers(size, size=ids.shape)))[chosen]


def _codes(ids: Tensor, layout: Layout) -> Tensor:
    """Where motion codes stand."""
    return (ids >= layout.code_ids.start) & (ids < layout.code_ids.stop)
