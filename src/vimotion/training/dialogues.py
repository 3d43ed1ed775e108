"""Conversations of Inter-MT2 as a language stage draws them, with the codes of their motions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from pathlib import Path

import numpy as np

from vimotion.corpora.store import Store, info_hash
from vimotion.errors import UserError
from vimotion.inter_mt2.conversations import ConversationStore, Dialogue
from vimotion.language.rendering import CodesOf
from vimotion.tasks import Conversation, Message, MotionPart, TextPart
from vimotion.tokenizer import CodecSpec, MotionTokenizer
from vimotion.training.motion_codes import MotionCodes, encode_clip

# What recipes call it beside the tasks of `vimotion.tasks`.
INTER_MT2 = "inter_mt2"
# Motions that were encoded anew and stay in memory.
_KEPT = 4096


class Dialogues:
    """Conversations, each about clips of the corpus and of its own store."""

    def __init__(
        self,
        conversations: ConversationStore,
        codes: tuple[MotionCodes, MotionCodes],
        clips: tuple[Store, Store],
        codec: MotionTokenizer,
    ) -> None:
        """
        Args:
            codes: of the clips that the conversations are about, and of their own, by one codec.
            clips: the same two as stores; codec: for motions that begin within a clip.
        """
        self._conversations, self._codes, self._clips, self._codec = conversations, codes, clips, codec
        self._anew = lru_cache(maxsize=_KEPT)(self._encoded)

    def split(self, name: str) -> list[int]:
        return self._conversations.split(name)

    def conversation(self, index: int) -> tuple[Conversation, CodesOf]:
        """A conversation whose motions are cut between steps of the codec, and their codes."""
        dialogue = self._conversations[index]
        own = {motion.id: not motion.corpus for motion in dialogue.motions}
        conversation, later = _begun_anew(_cut(dialogue, self._codes[0].spec))

        def codes_of(part: MotionPart) -> np.ndarray:
            if within := later.get(part.motion):
                return self._anew(replace(within, people=part.people), own[within.motion])
            return self._codes[own[part.motion]].codes_of(part)

        return conversation, codes_of

    def _encoded(self, part: MotionPart, own: bool) -> np.ndarray:
        features = self._clips[own].by_id(part.motion).features[part.start : part.stop]
        return encode_clip(self._codec, features)[["ab".index(person) for person in part.people]]


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


def _begun_anew(conversation: Conversation) -> tuple[Conversation, dict[str, MotionPart]]:
    """The conversation with motions of their own for parts that begin within a clip and go on with nothing; and these parts.

    In a chat a user's motion always begins with where the people start, and so does an answer to one person's.
    """
    later: dict[str, MotionPart] = {}

    def begun(part: TextPart | MotionPart) -> TextPart | MotionPart:
        if isinstance(part, TextPart) or not part.start:
            return part
        name = f"{part.motion} from {part.start} to {part.stop}"
        later[name] = part
        return MotionPart(name, part.people)

    messages, lone = [], False
    for message in conversation.messages:
        if message.role == "user":
            shown = [part for part in message.parts if isinstance(part, MotionPart)]
            lone = bool(shown) and len(shown[-1].people) == 1
        anew = message.role == "user" or lone
        messages.append(replace(message, parts=tuple(map(begun, message.parts))) if anew else message)
    return replace(conversation, messages=tuple(messages)), later


def _tight(parts: Sequence[TextPart | MotionPart]) -> list[TextPart | MotionPart]:
    followed = [isinstance(part, MotionPart) for part in parts[1:]] + [False]
    return [
        TextPart(part.text.rstrip()) if isinstance(part, TextPart) and motion_next else part
        for part, motion_next in zip(parts, followed, strict=True)
    ]
