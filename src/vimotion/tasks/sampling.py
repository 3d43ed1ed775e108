"""From a record of a corpus to a conversation: one function a task, and `sample_conversation` over them.

A turn is what the user says and what the assistant answers. Facts of a scripted scene choose the words; they are never shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from vimotion.errors import UserError
from vimotion.tasks.messages import Conversation, Message, MotionPart
from vimotion.tasks.naming import names_people
from vimotion.tasks.templates import (
    MOTION,
    Words,
    account,
    beside,
    can_say,
    caption_values,
    grammar,
    message,
    names_drawn,
    say,
    template_names,
    told_of,
    with_length,
    words_for,
)

if TYPE_CHECKING:
    from vimotion.corpora import Record

TASKS = ("text_to_motion", "motion_to_text", "reaction", "prediction", "editing", "question", "conversation", "caption")

# Multi-turn conversations about a source and its edited version: make or show the source, edit it, ask about the last motion.
_PLANS = (("make", "edit"), ("make", "edit", "ask"), ("show", "edit"), ("show", "edit", "ask"), ("make", "ask"))
# How often a motion is asked for by a caption and nothing else, as most people do.
_ALONE = 0.5
# A description is short, so many words and half of that for every further act: a clip takes hundreds of tokens already.
_LONGEST_ANSWER = 26
# How often a description is a caption that names the interaction plainly, and not one of describe.txt.
_CAPTIONED = 0.35
# How often a description is asked for of a clip whose second person is not shown.
_LONE = 0.15
# Questions about one motion, one after another, at most: each is a few words, and the motion takes hundreds of tokens.
_QUESTIONS = 5
# A prediction sees between these shares of the motion.
_SEEN = (0.25, 0.75)
# What a template says of two people only.
_OF_TWO = re.compile(r"\b(they|them|their|these|two|people|both|between|each other|one another|interaction)\b", re.IGNORECASE)

# Whom a manner is asked of; of both, the words are the same for either.
_SLOTS = {"": "", "a": "{first}", "b": "{second}"}

Turn = tuple[Message, Message]


def possible_tasks(record: Record, step_frames: int = 8) -> list[str]:
    """The tasks that this record has everything for; "conversation" also needs the record that it was edited from.

    A lone person, as in Motion-X, is made, described and carried on.
    """
    pair = record.people == 2
    scripted = pair and _is_scripted(record)
    edited = scripted and bool(record.edit_of)
    fits = {
        "text_to_motion": bool(record.captions),
        "motion_to_text": bool(record.captions),
        "reaction": pair,
        "prediction": record.num_frames >= 2 * step_frames,
        "editing": edited,
        "question": scripted,
        "conversation": edited,
        "caption": bool(record.captions),
    }
    return [task for task in TASKS if fits[task]]


def _is_scripted(record: Record) -> bool:
    """Whether the corpus knows the scene; what data sets know beside their clips is something else."""
    return not (record.facts or {}).keys().isdisjoint({"parameters", "told"})


def sample_conversation(
    task: str,
    record: Record,
    random: np.random.Generator,
    *,
    source: Record | None = None,
    step_frames: int = 8,
    held_out: bool = False,
) -> Conversation:
    """A conversation of `task` about `record`.

    Args:
        record: for "editing" and "conversation" the edited version (`record.edit_of` is its source's id).
        source: the record that `record` is an edited version of; only "conversation" needs it.
        step_frames: a prediction cuts the motion at a multiple of it.
        held_out: captions and templates that no training example uses.

    Raises:
        UserError: the record does not have what the task needs, or there is no such task.
    """
    if task not in TASKS:
        raise UserError(f"There is no task {task!r}; choose {', '.join(TASKS)}.")
    if task not in possible_tasks(record, step_frames):
        raise UserError(f"{record.id} does not fit the task {task}; choose a clip that has what it needs.")
    if task == "conversation":
        if source is None or source.id != record.edit_of:
            raise UserError(f"A conversation about {record.id} needs its source {record.edit_of}.")
        turns = _conversation(source, record, random, held_out)
    elif task == "prediction":
        turns = [_prediction(record, random, held_out, step_frames)]
    elif task == "question":
        turns = _questions(record, random, held_out)
    else:
        make = {
            "text_to_motion": _make, "motion_to_text": _describe, "reaction": _reaction, "editing": _edit,
            "caption": _ask_caption,
        }  # fmt: skip
        turns = [make[task](record, random, held_out)]
    return Conversation(tuple(message for turn in turns for message in turn), task)


def questions(record: Record) -> list[str]:
    """The questions that have one right answer for this scripted record."""
    about = _subjects(record)
    return [name for name in template_names("questions") if any(_fits(name, words) for words in about)]


def ask(record: Record, question: str, random: np.random.Generator, held_out: bool = False, show: bool = True) -> Turn:
    """A question about a scripted record, by its name in `questions`, and its answer; `show` puts the motion into the turn."""
    about = [words for words in _subjects(record, names_drawn(random)) if _fits(question, words)]
    if not about:
        raise ValueError(f"The question {question!r} has no answer for {record.id}.")
    words, name = about[int(random.integers(len(about)))], f"questions/{question}"
    text = say(name, random, words, held_out=held_out)
    answer = words.named(str(grammar(name).say("answer", random, words.facts, words.values)))
    user = message("user", beside(text, random), MotionPart(record.id)) if show else message("user", text)
    return user, message("assistant", answer)


def _questions(record: Record, random: np.random.Generator, held_out: bool) -> list[Turn]:
    """Different questions about one motion, which the first of them shows."""
    names = random.permutation(questions(record))[: int(random.integers(1, _QUESTIONS + 1))]
    return [ask(record, str(name), random, held_out, show=not number) for number, name in enumerate(names)]


def _subjects(record: Record, calling: str = "ordinals") -> list[Words]:
    """What a question may be about: an act and a person."""
    told = told_of(record)
    acts = range(len(told.get("acts", ())))
    return [words_for(record, act, person, calling) for act in acts for person in told["people"]]


def _fits(question: str, words: Words) -> bool:
    return can_say(f"questions/{question}", words.facts, frozenset(words.values))


def _make(record: Record, random: np.random.Generator, held_out: bool) -> Turn:
    asked = record if held_out else _fully_told(record)
    values = caption_values(_caption(asked, random, held_out), _is_scripted(record), random)
    alone = random.random() < _ALONE
    text = values["caption"] if alone else _say_of(record, "text_to_motion", random, held_out, values)
    text = with_length(text, record.num_frames, random, held_out)
    return message("user", text), _told_answer(record, _motion(record))


def _describe(record: Record, random: np.random.Generator, held_out: bool, show: bool = True) -> Turn:
    text = _say_of(record, "motion_to_text", random, held_out)
    while not show and MOTION in text:  # a follow-up question points at no motion
        text = _say_of(record, "motion_to_text", random, held_out)
    shown = MotionPart(record.id, "a") if random.random() < _LONE and not held_out else _motion(record)
    user = message("user", beside(text, random), shown) if show else message("user", text)
    return user, message("assistant", _description(record, random, held_out))


def _ask_caption(record: Record, random: np.random.Generator, held_out: bool) -> Turn:
    """The full account, or any of the captions: a model that knows how likely they are judges its own drafts by them."""
    user = message("user", beside(_say_of(record, "caption", random, held_out), random), _motion(record))
    return user, message("assistant", account(record) or _caption(record, random, held_out))


def _description(record: Record, random: np.random.Generator, held_out: bool) -> str:
    """A short sentence on what happens; of a scripted scene one that names it plainly and says who is who."""
    captions = list(record.held_out_captions if held_out and record.held_out_captions else record.captions)
    acts = told_of(record).get("acts", [])
    short = [caption for caption in captions if len(caption.split()) <= _LONGEST_ANSWER * (max(len(acts), 1) + 1) / 2]
    if not acts:
        return _pick(short or captions, random)
    named = [text for text in short if text.endswith(".") and names_people(text) and all(_names(text, act) for act in acts)]
    if named and random.random() < _CAPTIONED:
        return _pick(named, random)
    words = words_for(record, calling=names_drawn(random))
    return words.named(str(grammar("describe").say("describe", random, words.facts, words.values)))


def _names(text: str, act: Mapping[str, str]) -> bool:
    """Whether a caption names an act by its plainest words."""
    plain = "|".join({act[word].split()[0] for word in ("noun", "do", "does", "did", "doing")})
    return re.search(rf"\b({plain})\b", text, re.IGNORECASE) is not None


def _reaction(record: Record, random: np.random.Generator, held_out: bool) -> Turn:
    text = _say_perhaps_told("reaction", record, random, held_out)
    text = with_length(beside(text, random), record.num_frames, random, held_out)
    # told as a motion of two: then each step of the answer stands right after the step that it answers
    return message("user", text, MotionPart(record.id, "a")), _told_answer(record, MotionPart(record.id))


def _prediction(record: Record, random: np.random.Generator, held_out: bool, step_frames: int) -> Turn:
    steps = record.num_frames // step_frames
    low, high = max(1, round(_SEEN[0] * steps)), min(steps - 1, round(_SEEN[1] * steps))
    cut = int(random.integers(low, high + 1)) * step_frames
    text = _say_perhaps_told("prediction", record, random, held_out)
    text = with_length(beside(text, random), record.num_frames - cut, random, held_out)
    whole = _motion(record)
    return message("user", text, replace(whole, stop=cut)), _told_answer(record, replace(whole, start=cut))


def _edit(record: Record, random: np.random.Generator, held_out: bool, show: bool = True) -> Turn:
    """An edit is asked for by what the edited scene is like; a manner also says whom it is asked of."""
    edit, _, who = record.edit.partition(" ")
    words = words_for(record, person=_SLOTS[who[:1]], calling=names_drawn(random))
    if len(who) == 2:
        words = replace(words, facts=words.facts | {"both"})
    instruction = say("editing/manner" if who else f"editing/{edit}", random, words, held_out=held_out)
    answer = _told_answer(record, MotionPart(record.id))
    if not show:
        return message("user", instruction), answer
    text = say("editing_prompt", random, words, {"instruction": instruction}, held_out)
    return message("user", text, MotionPart(record.edit_of)), answer


def _conversation(source: Record, edited: Record, random: np.random.Generator, held_out: bool) -> list[Turn]:
    plan = _PLANS[int(random.integers(len(_PLANS)))]
    latest, turns = source, []
    for step in plan:
        if step == "make":
            turns.append(_make(source, random, held_out))
        elif step == "show":
            turns.append(_describe(source, random, held_out))
        elif step == "edit":
            latest = edited
            turns.append(_edit(edited, random, held_out, show=False))
        elif random.random() < 0.25:
            turns.append(_describe(latest, random, held_out, show=False))
        else:
            turns.append(ask(latest, str(random.choice(questions(latest))), random, held_out, show=False))
    return turns


def _told_answer(record: Record, motion: MotionPart) -> Message:
    """The motion, and before it what will be seen, where that is known: what was asked of the words is settled in words.

    Ours; an answer of the paper begins with its motion. A model of this size else copies what it was to change.
    """
    return message("assistant", account(record) + MOTION, motion)


def _fully_told(record: Record) -> Record:
    """Of a scripted scene that begins with a walk up only the captions that tell it, those in several sentences.

    Such a kind is seen without a walk as well. So a caption that tells of none has one meaning, and what nobody asked for is
    not made.
    """
    telling = tuple(caption for caption in record.captions if ". " in caption)
    return replace(record, captions=telling) if telling and "approach" in told_of(record) else record


def _caption(record: Record, random: np.random.Generator, held_out: bool) -> str:
    return _pick(list(record.held_out_captions if held_out and record.held_out_captions else record.captions), random)


def _say_perhaps_told(task: str, record: Record, random: np.random.Generator, held_out: bool) -> str:
    """What the user says of a given motion; half of the time it also tells by a caption what happens."""
    if not record.captions or random.random() < 0.5:
        return _say_of(record, task, random, held_out)
    values = caption_values(_caption(record, random, held_out), _is_scripted(record), random)
    return _say_of(record, task, random, held_out, values, "-told")


def _say_of(
    record: Record,
    name: str,
    random: np.random.Generator,
    held_out: bool,
    values: Mapping[str, str] = MappingProxyType({}),
    variant: str = "",
) -> str:
    """A template that suits as many people as the record has."""
    while True:
        text = rest = say(name, random, values=values, held_out=held_out, variant=variant)
        for told in values.values():
            rest = rest.replace(told, "")
        if record.people == 2 or not _OF_TWO.search(rest):
            return text


def _motion(record: Record) -> MotionPart:
    """All of the record, everybody in it."""
    return MotionPart(record.id, "ab" if record.people == 2 else "a")


def _pick(texts: list[str], random: np.random.Generator) -> str:
    return texts[int(random.integers(len(texts)))]
