"""Conversations of three turns and more with a model, as a page: docs/conversations.md with its pictures.

    python tools/conversations.py corpora/inter-mt2 --model RUN

What users say, and the motions they show, are those of held-out conversations of Inter-MT2, drawn by a seed: three of each
kind, asked in wordings that no training saw. What is answered, in words and in motion, is the model's alone; so a later turn
may not fit what it said before.
"""

from __future__ import annotations

import argparse
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vimotion.artifacts import vimotion_home
from vimotion.chat import ChatSession, Model, load_model
from vimotion.corpora import Store, open_store
from vimotion.errors import UserError
from vimotion.formats.sheet import save_sheet
from vimotion.inter_mt2.conversations import ConversationStore, Dialogue, open_conversations
from vimotion.motion import Interaction
from vimotion.tasks import Message, MotionPart, TextPart

DOCS = Path(__file__).parents[1] / "docs"
KINDS, EACH, LEAST_TURNS, FRAMES = ("editing", "reasoning", "story", "role"), 3, 3, 6
_HEAD = """# Conversations

Twelve conversations with the model in the repository, made by `python tools/conversations.py` and drawn by a seed, not by hand.
What users say comes from the test split of Inter-MT2: they ask in wordings that no training saw, and the motions that they show
are held-out clips. All answers are the model's own, right or wrong. Orange is the first person, blue the second.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("conversations", type=Path, help="a store of Inter-MT2")
    parser.add_argument("--corpus", type=Path, default=Path("corpora/scripted"), help="what it is about")
    parser.add_argument("--model", help="default: the one that ships")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=DOCS, help="folder for conversations.md and conversations/")
    arguments = parser.parse_args()
    told = open_conversations(vimotion_home() / arguments.conversations)
    stores = Stores(open_store(told.folder), open_store(vimotion_home() / arguments.corpus))
    model, pictures = load_model(arguments.model), arguments.output / "conversations"
    shutil.rmtree(pictures, ignore_errors=True)
    pictures.mkdir(parents=True)
    text = [_HEAD]
    for number, dialogue in enumerate(drawn(told, arguments.seed), start=1):
        text.append(f"## {number}. {dialogue.kind.capitalize()}\n")
        text += Held(dialogue, stores, model, pictures, number, arguments.seed).lines()
    (arguments.output / "conversations.md").write_text("\n".join(text), encoding="utf-8")


@dataclass(frozen=True)
class Stores:
    """Where motions lie: new ones, and those of the corpus."""

    own: Store
    corpus: Store


def drawn(told: ConversationStore, seed: int) -> list[Dialogue]:
    """Of each kind so many of the test split that are long enough.

    Raises:
        UserError: there are too few.
    """
    random = np.random.default_rng(seed)
    found: dict[str, list[Dialogue]] = {kind: [] for kind in KINDS}
    for index in random.permutation(told.split("test")).tolist():
        dialogue = told[index]
        if all(len(several) == EACH for several in found.values()):
            break
        if len(found[dialogue.kind]) < EACH and len(user_turns(dialogue)) >= LEAST_TURNS:
            found[dialogue.kind].append(dialogue)
    if lacking := [kind for kind, several in found.items() if len(several) < EACH]:
        raise UserError(f"The test split of {told.folder} has too few long conversations of the kind {lacking[0]}; make more.")
    return [dialogue for several in zip(*found.values(), strict=True) for dialogue in several]


def user_turns(dialogue: Dialogue) -> list[Message]:
    return [message for message in dialogue.conversation.messages if message.role == "user"]


class Held:
    """One conversation as the model holds it."""

    def __init__(self, dialogue: Dialogue, stores: Stores, model: Model, pictures: Path, number: int, seed: int) -> None:
        self._dialogue, self._stores, self._pictures, self._number, self._seed = dialogue, stores, pictures, number, seed
        self._system = "".join(
            part.text
            for message in dialogue.conversation.messages
            for part in message.parts
            if message.role == "system" and isinstance(part, TextPart)
        )
        self._session: ChatSession = model.chat(self._system)
        self._drawn = 0

    def lines(self) -> Iterator[str]:
        """Markdown: what is said, and below it the motions in it."""
        if self._system:
            yield f"**System**: {self._system}\n"
        for turn in user_turns(self._dialogue):
            parts = [self._motion(part) if isinstance(part, MotionPart) else part.text for part in turn.parts]
            asked = "".join(part if isinstance(part, str) else self._session.add_motion(part) for part in parts)
            yield from self._paragraph("User", parts)
            answer = self._session.say(asked, seed=self._seed)
            said = [part if isinstance(part, str) else part.interaction for part in answer.parts]
            yield from self._paragraph("VIMotion", said)

    def _paragraph(self, who: str, parts: Sequence[str | Interaction]) -> Iterator[str]:
        words, pictures = [], []
        for part in parts:
            if isinstance(part, str):
                words.append(part.strip())
            else:
                self._drawn += 1
                name = f"{self._number:02}-{self._drawn}.png"
                save_sheet(part, self._pictures / name, frames=FRAMES, columns=FRAMES)
                words.append(f"[motion {self._drawn}]")
                pictures.append(f"![motion {self._drawn}, {part.duration:.1f} s](conversations/{name})\n")
        said = re.sub(r" ([.,?!])", r"\1", " ".join(words))
        yield f"**{who}**: {said}\n"
        yield from pictures

    def _motion(self, part: MotionPart) -> Interaction:
        """The motion, or the one of the two people, that a user shows."""
        ours = not next(motion.corpus for motion in self._dialogue.motions if motion.id == part.motion)
        motion = (self._stores.own if ours else self._stores.corpus).by_id(part.motion).interaction()
        motion = motion.frames(part.start, motion.num_frames if part.stop is None else part.stop)
        return motion if part.people == "ab" else motion.person("ab".index(part.people))


if __name__ == "__main__":
    main()
