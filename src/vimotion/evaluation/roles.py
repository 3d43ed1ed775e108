"""Examples of role-play: the user moves as person A, and the model as person B, in the manner of the role that it was given.

They are the beginnings of conversations of Inter-MT2 about clips of a scripted corpus.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from itertools import islice

import numpy as np

from vimotion.choreography import KINDS, make_scene
from vimotion.corpora import Record, Store
from vimotion.corpora.store import info_hash
from vimotion.errors import UserError
from vimotion.evaluation.examples import LONGEST, TASKS, Example, last_turn, read_kinds
from vimotion.evaluation.manners import READABLE
from vimotion.evaluation.told_of_people import names
from vimotion.inter_mt2.conversations import ConversationStore, Dialogue
from vimotion.inter_mt2.motions import scene_parameters
from vimotion.tasks import Conversation, Message, MotionPart, TextPart


def role_examples(
    conversations: ConversationStore, store: Store, number: int, seed: int, split: str = "test", kinds: Collection[str] = ()
) -> list[Example]:
    """`number` examples, spread evenly over the manners; the same arguments give the same ones.

    Args:
        store: the corpus that the conversations are about.
        kinds: only scenes of these interactions; empty means of all.

    Raises:
        UserError: the conversations are about another corpus, or too few of the split are role-play in a manner that can be
            read from a motion.
    """
    random = np.random.default_rng([seed, TASKS.index("role")])
    found: dict[str, list[tuple[Dialogue, Record]]] = {manner: [] for manner in READABLE}
    for dialogue, record in _role_plays(conversations, store, split, kinds or KINDS):
        found[_manner(record)].append((dialogue, record))
    available = sum(map(len, found.values()))
    if available < number:
        raise UserError(
            f"{conversations.folder} has {available} role-plays in manners that can be read in its split {split!r}, fewer than "
            f"{number}: ask for fewer examples, or make more conversations."
        )
    left = [[several[at] for at in random.permutation(len(several)).tolist()] for several in found.values()]
    turns = (several.pop() for _ in range(available) for several in left if several)
    return [_example(dialogue, record, random) for dialogue, record in islice(turns, number)]


def _role_plays(
    conversations: ConversationStore, store: Store, split: str, kinds: Collection[str]
) -> Iterator[tuple[Dialogue, Record]]:
    """Conversations of a split that fit, and the clips that they are about."""
    corpus = info_hash(store.folder)
    for index in conversations.split(split):
        dialogue = conversations[index]
        if dialogue.kind != "role":
            continue
        if dialogue.provenance.corpus_sha256 != corpus:
            raise UserError(f"The conversations of {conversations.folder} are about another corpus than {store.folder}.")
        record = store.by_id(dialogue.provenance.clip)
        if record.num_frames <= LONGEST and set() < set(read_kinds(record)) <= set(kinds) and _fits(dialogue, record):
            yield dialogue, record


def _fits(dialogue: Dialogue, record: Record) -> bool:
    """Whether the clip's person a is shown, both are the answer, and the words name the manner of person b."""
    user, answer = _beginning(dialogue)[-2:]
    shown, answered = ([part for part in said.parts if isinstance(part, MotionPart)] for said in (user, answer))
    if shown != [MotionPart(record.id, "a")] or answered != [MotionPart(record.id)]:
        return False
    return _manner(record) in READABLE and names(_words(*_beginning(dialogue)[:-1]), _manner(record))


def _example(dialogue: Dialogue, record: Record, random: np.random.Generator) -> Example:
    beginning = _beginning(dialogue)
    text, _ = last_turn(Conversation(beginning))
    motion = record.interaction()
    parameters = scene_parameters((record.facts or {})["parameters"])
    neutral = make_scene(replace(parameters, manners=(parameters.manners[0], "neutral"))).interaction
    return Example(
        f"role:{dialogue.id}",
        "role",
        read_kinds(record),
        text,
        motion,
        motion.person(0),
        detail=_manner(record),
        caption=str(random.choice(record.held_out_captions or record.captions)),
        system=_words(*beginning[:-2]),
        neutral=neutral,
    )


def _beginning(dialogue: Dialogue) -> tuple[Message, ...]:
    """The messages up to the first answer: perhaps a system message, then what the user says, and the answer."""
    messages = dialogue.conversation.messages
    return messages[: next(number for number, said in enumerate(messages, 1) if said.role == "assistant")]


def _words(*messages: Message) -> str:
    return " ".join(part.text for said in messages for part in said.parts if isinstance(part, TextPart))


def _manner(record: Record) -> str:
    """Of person b."""
    manner: str = (record.facts or {})["parameters"]["manners"][1]
    return manner
