"""What every contestant is asked: examples drawn from the held-out split of a corpus, in wordings that no training saw."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from importlib.resources import files
from typing import Any

import numpy as np
import yaml

from vimotion.choreography import KINDS
from vimotion.corpora import Record, Store
from vimotion.corpora.realism import acts_of
from vimotion.errors import UserError
from vimotion.evaluation.explanations import EXPLAINING, other_answers, true_answers
from vimotion.evaluation.manners import alike
from vimotion.evaluation.readers import READERS
from vimotion.motion import FPS, Interaction
from vimotion.tasks import Conversation, MotionPart, TextPart, ask, possible_tasks, questions, sample_conversation

TASKS = (
    "text_to_motion", "free_text", "motion_to_text", "reaction", "prediction", "editing", "reasoning", "explanation", "role",
)  # fmt: skip
# Where the motion stands in an example's text, and one person of it.
GIVEN, GIVEN_A = "{motion}", "{motion.a}"
# What is answered in words; in which of these a question is asked; and what of a motion is answered with person b to person a.
IN_WORDS = ("motion_to_text", "reasoning", "explanation")
QUESTIONS = ("reasoning", "explanation")
PERSON_B = ("reaction", "role")
# What `vimotion.tasks` calls that which a record must be able to show.
_NEEDED = {"free_text": "text_to_motion", "reasoning": "question", "explanation": "question"}
# What a contestant sees and makes at once.
LONGEST = round(10 * FPS)
# Kinds in which both begin at once.
_TOGETHER = ("collide_arms",)
# Questions of "reasoning" and what of their answer is read. "why" and "cause" have no answer that words alone can judge: they
# are asked in "explanation".
_ASKED = {
    "kind": ("kinds",), "who": ("actor",), "other": ("actor",), "side": ("side",), "count": ("count",), "manner": ("manner",),
    "speed": ("speed",), "how": ("manner", "manners", "speed"), "distance": ("distance",), "first": ("actor", "approach"),
    "before": ("kinds",), "next": ("kinds",), "order": ("kinds",), "posture": ("postures",),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Example:
    """One question to a contestant.

    Attributes:
        id: unique among all examples.
        task: one of `TASKS`.
        kinds: the interactions that it is about, in order; empty where the corpus does not tell.
        text: what the user says; `GIVEN` stands for the motion, `GIVEN_A` for its person a; a plain caption for the two
            tasks that make a motion from words.
        system: the system message before it; "" leaves the one that a model was trained with.
        given: the motion that comes with it, of one person for "reaction" and "role", of the beginning for "prediction".
        seconds: how long the motion is to be that the contestant adds; None leaves it open.
        detail: which edit or question it is, by its name, or which manner is asked for; else empty.
        wanted: what is to be read from the answer, by name ("actor", "side", "count", …); of several interactions the first
            is meant.
        manners: of the people of `given`, where that is known.
        truth: the true scene, or the true answer in words; "" where there is none. Not for contestants.
        caption: a sentence that tells what truly happens; the text itself of a motion from words.
        references: true answers in words that the answer is held against, of a task that is answered so.
        others: of "explanation" the true answers to the same question about other scenes, scene by scene.
        neutral: of "role" the true scene with person b in nobody's manner, which shows what the manner changes. None of
            these is for contestants.
    """

    id: str
    task: str
    kinds: tuple[str, ...]
    text: str
    truth: Interaction | str
    given: Interaction | None = None
    seconds: float | None = None
    detail: str = ""
    wanted: dict[str, Any] = field(default_factory=dict)
    manners: tuple[str, str] = ("neutral", "neutral")
    caption: str = ""
    references: tuple[str, ...] = ()
    system: str = ""
    others: tuple[tuple[str, ...], ...] = ()
    neutral: Interaction | None = None

    @property
    def asked(self) -> str:
        """All that a contestant is told, the system message first."""
        return f"{self.system}\n{self.text}" if self.system else self.text

    @property
    def kind(self) -> str:
        """The first interaction; "" where the corpus does not tell."""
        return self.kinds[0] if self.kinds else ""

    @property
    def scene(self) -> Interaction | None:
        """The true motion of both, whichever side of the example it stands on; None where there is none."""
        if isinstance(self.truth, Interaction):
            return self.truth
        return self.given


def make_examples(
    task: str, store: Store, number: int, seed: int, split: str = "test", kinds: Collection[str] = ()
) -> list[Example]:
    """`number` examples of a task, spread evenly over the kinds; the same arguments give the same ones.

    Those of "role" are drawn from conversations, see `roles.py`.

    Args:
        kinds: only scenes of these interactions; empty means of all.

    Raises:
        UserError: there is no such task, or the split has too few clips.
    """
    if task not in TASKS:
        raise UserError(f"There is no benchmark {task!r}; choose {', '.join(TASKS)}.")
    if task == "role":
        raise UserError("Examples of role-play are drawn from conversations, not from a corpus alone.")
    random = np.random.default_rng([seed, TASKS.index(task)])
    clips = _by_kind(store, split, task, random, kinds or (*KINDS, ""))
    if task == "free_text":
        return _free_text(store, clips, number, random, kinds or KINDS)
    available = sum(map(len, clips.values()))
    if available < number:
        raise UserError(f"{store.folder} has {available} clips for {task} in its split {split!r}, fewer than {number}.")
    make = {
        "text_to_motion": _text_to_motion, "motion_to_text": _motion_to_text, "reaction": _reaction, "prediction": _prediction,
        "editing": _editing, "reasoning": _reasoning, "explanation": _explanation,
    }[task]  # fmt: skip
    examples: list[Example] = []
    while len(examples) < number:
        for left in clips.values():
            if left and len(examples) < number:
                examples.append(make(store, store[left.pop()], random))
    return examples


def free_sentences() -> dict[str, list[str]]:
    """The sentences written by hand, by kind."""
    sentences: dict[str, list[str]] = yaml.safe_load((files("vimotion.evaluation") / "free_sentences.yaml").read_text())
    return sentences


def read_kinds(record: Record) -> tuple[str, ...]:
    """The interactions of a scripted record, in order; of another one nobody knows them."""
    return tuple(act["kind"] for act in acts_of(record.facts or {}))


def read_facts(record: Record) -> dict[str, Any]:
    """What can be seen of the first act of a scripted record: who acts; the hand and how often, where its kind has them."""
    parameters = (record.facts or {})["parameters"]
    act = parameters["acts"][0]
    kind = KINDS[act["kind"]]
    seen = {}
    if act["kind"] not in _TOGETHER:
        seen["actor"] = act["actor"]
    if kind.sided and not (act["kind"] == "help_up" and "ground" in parameters["postures"]):  # by both arms
        seen["side"] = act["side"]
    if len(kind.counts) > 1:
        seen["count"] = act["count"]
    return seen


def _said_facts(record: Record) -> dict[str, Any]:
    """What of it a text says without doubt: of several acts only who begins, and of a massage the leg, not the hand."""
    if not read_kinds(record):
        return {}
    seen, kinds = read_facts(record), read_kinds(record)
    unsaid = {"side", "count"} if len(kinds) > 1 else {"side"} if kinds == ("massage_leg",) else set()
    return {name: fact for name, fact in seen.items() if name not in unsaid}


def _by_kind(store: Store, split: str, task: str, random: np.random.Generator, kinds: Collection[str]) -> dict[str, list[int]]:
    """Indices of the clips of these kinds alone ("" is one that nobody told) that fit the task, shuffled, by their first kind.

    All clips of a split are too many to be held at once.
    """
    indices = [edited for _, edited in store.edits(split)] if task == "editing" else store.split(split)
    fitting = {
        index: next(iter(read_kinds(record)), "") for index in indices if _fits(record := store[index], store, task, kinds)
    }
    found: dict[str, list[int]] = {}
    for index in random.permutation(list(fitting)).tolist():
        found.setdefault(fitting[index], []).append(index)
    return dict(sorted(found.items()))


def _fits(record: Record, store: Store, task: str, kinds: Collection[str]) -> bool:
    """Whether an example can be made of a clip: short enough, of these kinds, told, and an edit that can be seen."""
    if record.num_frames > LONGEST or not record.captions or not set(read_kinds(record) or ("",)) <= set(kinds):
        return False
    if task != "editing":
        return _NEEDED.get(task, task) in possible_tasks(record)
    source = store.by_id(record.edit_of)
    return source.num_frames <= LONGEST and task in possible_tasks(record) and _changes_what_is_seen(source, record)


def _changes_what_is_seen(source: Record, edited: Record) -> bool:
    """Whether an edit shows in the joints: not who acts where both do at once, nor a manner that looks like the old one."""
    fact = {"other_person": "actor", "other_hand": "side"}.get(edited.edit)
    before, after = ((record.facts or {})["parameters"]["manners"] for record in (source, edited))
    manners = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    return (fact is None or fact in read_facts(edited)) and not any(alike(old, new) for old, new in manners)


def _text_to_motion(store: Store, record: Record, random: np.random.Generator) -> Example:
    """The caption alone, as `vimotion generate` takes it, and the length of the true scene."""
    caption = _caption(record, random)
    told = {name: fact for name, fact in _said_facts(record).items() if READERS[name](caption) == fact}
    example = _example("text_to_motion", record, caption, record.interaction(), wanted=told, caption=caption)
    return replace(example, seconds=_seconds(record.num_frames))


def _free_text(
    store: Store, clips: dict[str, list[int]], number: int, random: np.random.Generator, kinds: Collection[str]
) -> list[Example]:
    """Every kind's sentences in turn, with the length of a scene of that kind alone."""
    sentences = {kind: texts for kind, texts in free_sentences().items() if kind in kinds}
    if number > sum(map(len, sentences.values())):
        raise UserError(f"There are {sum(map(len, sentences.values()))} free sentences, fewer than {number}.")
    lengths: dict[str, list[int]] = {}
    for record in (store[index] for index in sorted(index for found in clips.values() for index in found)):
        if len(read_kinds(record)) == 1:
            lengths.setdefault(read_kinds(record)[0], []).append(record.num_frames)
    missing = sorted(kind for kind in sentences if not lengths.get(kind))
    if missing:
        raise UserError(f"The corpus has no held-out clip of {', '.join(missing)} that tells how long one lasts.")
    turns = [(index, kind) for index in range(max(map(len, sentences.values()))) for kind in sentences]
    examples: list[Example] = []
    for index, kind in turns:
        if index < len(sentences[kind]) and len(examples) < number:
            frames = lengths[kind][int(random.integers(len(lengths[kind])))]
            text = sentences[kind][index]
            name = f"free_text:{kind}-{index}"
            examples.append(Example(name, "free_text", (kind,), text, "", seconds=_seconds(frames), caption=text))
    return examples


def _motion_to_text(store: Store, record: Record, random: np.random.Generator) -> Example:
    conversation = sample_conversation("motion_to_text", record, random, held_out=True)
    text, truth = last_turn(conversation)
    # the true answer is one of them; it is left out, so that the true answers show how far true wordings are alike
    others = tuple(wording for wording in (*record.held_out_captions, *record.captions) if wording != truth) or (truth,)
    example = _example("motion_to_text", record, text, truth, record.interaction(), wanted=_said_facts(record), caption=truth)
    return replace(example, references=others)


def _reaction(store: Store, record: Record, random: np.random.Generator) -> Example:
    """Person a alone, and words that do not tell what it is about."""
    text, _ = last_turn(sample_conversation("reaction", _untold(record), random, held_out=True))
    motion = record.interaction()
    return _example("reaction", record, text, motion, motion.person(0), caption=_caption(record, random))


def _prediction(store: Store, record: Record, random: np.random.Generator) -> Example:
    """The beginning, and words that do not tell how it goes on."""
    conversation = sample_conversation("prediction", _untold(record), random, held_out=True)
    text, _ = last_turn(conversation)
    shown = next(part for part in conversation.messages[0].parts if isinstance(part, MotionPart))
    motion = record.interaction()
    assert shown.stop is not None
    example = _example("prediction", record, text, motion, motion.frames(0, shown.stop), caption=_caption(record, random))
    return replace(example, seconds=_seconds(record.num_frames - shown.stop))


def _editing(store: Store, record: Record, random: np.random.Generator) -> Example:
    """The source and an instruction; the truth is the edited scene."""
    text, _ = last_turn(sample_conversation("editing", record, random, held_out=True))
    source = store.by_id(record.edit_of)
    kept = {name: fact for name, fact in read_facts(source).items() if fact == read_facts(record)[name]}
    manners = tuple((source.facts or {})["parameters"]["manners"])
    caption = _caption(record, random)
    example = _example("editing", record, text, record.interaction(), source.interaction(), wanted=kept, caption=caption)
    return replace(example, detail=record.edit, manners=manners)


def _reasoning(store: Store, record: Record, random: np.random.Generator) -> Example:
    """One of the questions whose true answer can be read."""
    unseen = set() if "actor" in read_facts(record) else {"who", "other", "first"}
    asked = [name for name in questions(record) if name in _ASKED and name not in unseen]
    for question in random.permutation(asked).tolist():
        text, truth = last_turn(Conversation(ask(record, question, random, held_out=True)))
        if wanted := _read(record, question, truth):
            told = max(record.held_out_captions or record.captions, key=len)
            example = _example("reasoning", record, text, truth, record.interaction(), wanted=wanted, caption=told)
            return replace(example, detail=question, references=(truth,))
    raise ValueError(f"No question about {record.id} has an answer that can be read.")


def _explanation(store: Store, record: Record, random: np.random.Generator) -> Example:
    """A question of cause, past or future, and what is true of other scenes."""
    for question in random.permutation([name for name in questions(record) if name in EXPLAINING]).tolist():
        draw = int(random.integers(2**31))
        text, truth = last_turn(Conversation(ask(record, question, np.random.default_rng(draw), held_out=True)))
        answers = true_answers(record, question, draw)
        if others := other_answers(store, record, question, draw, random):
            told = max(record.held_out_captions or record.captions, key=len)
            example = _example("explanation", record, text, truth, record.interaction(), caption=told)
            return replace(example, detail=question, references=answers, others=others)
    raise UserError(f"{store.folder} has too few other scenes in its split {record.split!r} for questions about {record.id}.")


def _read(record: Record, question: str, truth: str) -> dict[str, Any]:
    """What the scripted answer says of what was asked, so that each true way to say it counts; nothing of what is made up."""
    wanted = {name: READERS[name](truth) for name in _ASKED[question]}
    wanted = {name: value for name, value in wanted.items() if value not in (None, [], (None, None))}
    made_up = not set(wanted.get("kinds", ())) <= set(read_kinds(record))
    return {} if made_up else wanted


def _example(
    task: str,
    record: Record,
    text: str,
    truth: Interaction | str,
    given: Interaction | None = None,
    *,
    wanted: dict[str, Any] | None = None,
    caption: str,
) -> Example:
    name = f"{task}:{record.id}"
    return Example(name, task, read_kinds(record), text, truth, given, wanted=wanted or {}, caption=caption)


def _untold(record: Record) -> Record:
    return replace(record, captions=(), held_out_captions=())


def _caption(record: Record, random: np.random.Generator) -> str:
    """One of the wordings that no training saw, where the corpus sets some apart."""
    return str(random.choice(record.held_out_captions or record.captions))


def last_turn(conversation: Conversation) -> tuple[str, str]:
    """What the user says, with the motion's place in it, and what the answer says in words."""
    user, answer = conversation.messages[-2:]
    said = [part.text if isinstance(part, TextPart) else GIVEN_A if part.people == "a" else GIVEN for part in user.parts]
    return "".join(said), "".join(part.text for part in answer.parts if isinstance(part, TextPart))


def _seconds(frames: int) -> float:
    return max(0.5, round(frames / FPS, 1))
