"""Conversations of Inter-MT2 as a language stage draws them, with the codes of their motions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from vimotion.corpora.store import info_hash
from vimotion.errors import UserError
from vimotion.inter_mt2.conversations import ConversationStore, Dialogue
from vimotion.language.rendering import CodesOf
from vimotion.tasks import Conversation, Message, MotionPart, TextPart
from vimotion.tokenizer import CodecSpec
from vimotion.training.motion_codes import MotionCodes

# What recipes call it beside the tasks of `vimotion.tasks`.
INTER_MT2 = "inter_mt2"


class Dialogues:
    """Conversations, each about clips of the corpus and of its own store."""

    def __init__(self, conversations: ConversationStore, corpus: MotionCodes, motions: MotionCodes) -> None:
        """`corpus` and `motions` are the codes of the clips that it talks about and of its own, by one codec."""
        self._conversations, self._corpus, self._motions = conversations, corpus, motions

    def split(self, name: str) -> list[int]:
        return self._conversations.split(name)

    def conversation(self, index: int) -> tuple[Conversation, CodesOf]:
        """A conversation whose motions are cut between steps of the codec, and their codes."""
        dialogue = self._conversations[index]
        own = {motion.id: not motion.corpus for motion in dialogue.motions}

        def codes_of(part: MotionPart) -> np.ndarray:
            return (self._motions if own[part.motion] else self._corpus).codes_of(part)

        return _cut(dialogue, self._corpus.spec), codes_of


def check_corpus(conversations: ConversationStore, corpus: Path) -> None:
    """Refuse conversations about clips of another corpus than the one in a folder.

    Raises:
        UserError: see above.
    """
    if not all(one.provenance.corpus_sha256 == info_hash(corpus) for one in islice(conversations, 1)):
        raise UserError(f"{conversations.folder} talks about clips of another corpus than {corpus}; name that one as `corpus`.")


def _cut(dialogue: Dialogue, spec: CodecSpec) -> Conversation:
    """The conversation with every time at the nearest step; no space is said between an answer's words and its motion."""
    frames = {motion.id: motion.num_frames for motion in dialogue.motions}

    def at_step(part: MotionPart) -> MotionPart:
        last = (frames[part.motion] - 1) // spec.step_frames * spec.step_frames  # where the last step begins
        start, stop = (
            min(max(round(frame / spec.step_frames) * spec.step_frames, spec.step_frames), last) if frame else frame
            for frame in (part.start, part.stop)
        )
        return replace(part, start=start or 0, stop=stop)

    def said(message: Message) -> Message:
        parts = [at_step(part) if isinstance(part, MotionPart) else part for part in message.parts]
        return Message(message.role, tuple(_tight(parts) if message.role == "assistant" else parts))

    return replace(dialogue.conversation, messages=tuple(map(said, dialogue.conversation.messages)))


def _tight(parts: Sequence[TextPart | MotionPart]) -> list[TextPart | MotionPart]:
    followed = [isinstance(part, MotionPart) for part in parts[1:]] + [False]
    return [
        TextPart(part.text.rstrip()) if isinstance(part, TextPart) and motion_next else part
        for part, motion_next in zip(parts, followed, strict=True)
    ]
