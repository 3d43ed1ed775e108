"""`ChatSession`: a conversation with a model, with its motions by reference."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from vimotion.chat import archive
from vimotion.chat.decode import Request, Sampling
from vimotion.chat.events import follow
from vimotion.chat.legal import Rules
from vimotion.chat.motions import LONGEST, Frame, Motion, check_duration, continued, decode, read_motion
from vimotion.errors import UserError
from vimotion.formats import load_motion
from vimotion.language.layout import MotionCodes
from vimotion.language.rendering import parse_answer, render_prompt
from vimotion.motion import FPS, Interaction
from vimotion.tasks.messages import Conversation, Message, MotionPart, Part, People, TextPart, unsaid

if TYPE_CHECKING:
    from vimotion.chat.model import Model

# A motion as a user has it: in memory, a file, or the files of the two people.
Given = Motion | Interaction | str | Path | Sequence[str | Path]

# Between the seeds of the drafts of one answer; users count their samples from one seed to the next.
_SEEDS_APART = 1_000_003

_REFERENCE = re.compile(r"<(motion_\d+)(?:\.([ab]))?>")


@dataclass(frozen=True)
class Wish:
    """What is asked of an answer beside the words.

    Attributes:
        duration: seconds of the motion, 0.5 to 10; None leaves it to the model.
        motion: "must" (the answer is a motion, which words may come before), "no" (words only) or "any". A message about the
            second person alone, as <motion_0.b>, is answered in words: only the first one's motion can be answered by another.
        people: who is in the motion, "ab" or "a"; None leaves it to the model. Where the message is about one person, "ab" is
            that person's motion with somebody else's.
        continues: the motion goes on from the one that the message is about, which it then holds at its beginning. Where
            `motion` is "any" the model may do that of itself, as in a story.
        seed: of the draws.
        sampling, words: how a motion and how text is drawn.
        max_words: text tokens; 0 for a motion alone.
        drafts: of so many drafts of a motion that is made from words alone the best is kept, see `drafts.py`; a stream, which
            cannot wait, shows the first.
    """

    duration: float | None = None
    motion: Literal["any", "must", "no"] = "any"
    people: People | None = None
    continues: bool = False
    seed: int = 0
    sampling: Sampling = field(default_factory=Sampling)
    words: Sampling = field(default_factory=lambda: Sampling(temperature=0.0))
    max_words: int = 200
    drafts: int = 4


@dataclass(frozen=True)
class TextEvent:
    """More text; the texts of all events together are the answer's."""

    text: str


@dataclass(frozen=True, eq=False)
class MotionEvent:
    """A motion after one more step: all its codes so far, and the motion that they make."""

    turn: Turn
    spoken: MotionCodes

    @cached_property
    def motion(self) -> Motion:
        """Decoded when it is asked for. Its earlier frames still change a little while steps follow."""
        return self.turn.made(self.spoken, "motion")[0]


@dataclass(frozen=True, eq=False)
class Answer:
    """What the model said: texts and motions in order, and how many tokens it took."""

    parts: tuple[str | Motion, ...]
    tokens: int
    seed: int

    @property
    def text(self) -> str:
        return " ".join(part for part in self.parts if isinstance(part, str))

    @property
    def motions(self) -> list[Motion]:
        return [part for part in self.parts if isinstance(part, Motion)]

    @property
    def motion(self) -> Motion:
        """The first motion.

        Raises:
            UserError: the answer holds none.
        """
        if not self.motions:
            raise UserError(f"The model answered in words: {self.text!r}; ask for a motion.")
        return self.motions[0]


@dataclass(frozen=True)
class Done:
    """The answer is complete and part of the session."""

    answer: Answer


Event = TextEvent | MotionEvent | Done


class ChatSession:
    """Turns of a user and a model. Nothing of a turn is kept before its answer is complete."""

    def __init__(self, model: Model, system: str = "") -> None:
        """`system` replaces the system message that the model was trained with."""
        self.model = model
        self.motions: dict[str, Motion] = {}
        self.messages: list[Message] = [Message("system", (TextPart(system),))] if system else []

    def add_motion(self, motion: Given, ending: bool = False) -> str:
        """Give the session a motion, or the file or two files of one; how messages refer to it, such as "<motion_0>".

        The model sees its first 10 seconds, or with `ending` its last. The session keeps it whole. A motion of another
        session of the same model keeps its codes.

        Raises:
            UserError: it cannot be read, or is too short.
        """
        if isinstance(motion, Motion):
            added = replace(motion, name=self.next_name())
        else:
            interaction = motion if isinstance(motion, Interaction) else load_motion(motion)
            added = read_motion(interaction, self.model.codec, self.next_name(), ending)
        self.motions[added.name] = added
        return added.reference

    def turn(self, text: str, wish: Wish | None = None) -> Turn:
        """A message of the user, ready to be answered. `<motion_0>` in it stands for a motion, `<motion_0.a>` for one person.

        Raises:
            UserError: it refers to a motion that is not there, or the wish cannot be granted.
        """
        if not text.strip():
            raise UserError("An empty message has no answer; write something.")
        if any("\ud800" <= character <= "\udfff" for character in text):  # what Python makes of bytes that are no UTF-8
            raise UserError("The message is not UTF-8; write it again, or set the terminal to UTF-8.")
        return Turn(self, Message("user", self._parts(text)), wish or Wish())

    def stream(self, text: str, **wish: Any) -> Iterator[TextEvent | MotionEvent | Done]:
        """Say something and get the answer as it comes; `wish` are the fields of `Wish`."""
        turn = self.turn(text, Wish(**wish))
        tokens: list[int] = []
        before = turn.request.rules.before
        for piece in follow(turn.tokens(tokens), self.model.tokenizer, self.model.layout, before):
            yield TextEvent(piece) if isinstance(piece, str) else MotionEvent(turn, piece)
        yield Done(turn.finish(tokens))

    def say(self, text: str, **wish: Any) -> Answer:
        """Say something and wait for the answer; `wish` are the fields of `Wish`."""
        return self.model.answers([self.turn(text, Wish(**wish))])[0]

    def undo(self) -> None:
        """Take back the last message, its answer and the motions made for it.

        Raises:
            UserError: nothing was said yet.
        """
        if not self.messages or self.messages[-1].role != "assistant":
            raise UserError("There is nothing to undo.")
        *self.messages, _, answer = self.messages
        for part in answer.parts:
            if isinstance(part, MotionPart):
                del self.motions[part.motion]

    def save(self, path: str | Path) -> None:
        """Keep the conversation in one file; see `archive.py`."""
        archive.save(path, self.messages, self.motions, self.model.codec.spec)

    @classmethod
    def load(cls, path: str | Path, model: Model) -> ChatSession:
        """A conversation that `save` kept, to go on with the same model or one with the same motion codec.

        Raises:
            UserError: the file is none, or of another codec.
        """
        session = cls(model)
        session.messages, session.motions = archive.load(path, model.codec.spec)
        return session

    def codes_of(self, part: MotionPart) -> np.ndarray:
        """(people, rows, levels) of a part of a message."""
        return self.motions[part.motion].codes_of(part, self.model.codec.spec)

    def latest_part(self, message: Message) -> MotionPart | None:
        """The motion that a message is about: the last one in it, or else in the conversation."""
        for earlier in (message, *reversed(self.messages)):
            for part in reversed(earlier.parts):
                if isinstance(part, MotionPart):
                    return part
        return None

    def next_name(self) -> str:
        """What the next motion will be called."""
        numbers = [int(name.removeprefix("motion_")) for name in self.motions]
        return f"motion_{max(numbers, default=-1) + 1}"

    def _parts(self, text: str) -> tuple[Part, ...]:
        parts: list[Part] = []
        at = 0
        for found in _REFERENCE.finditer(text):
            name, person = found.groups()
            if name not in self.motions:
                known = ", ".join(motion.reference for motion in self.motions.values())
                raise UserError(f"There is no {found[0]}; " + (f"there are {known}." if known else "add a motion first."))
            there = self.motions[name].people
            people: People = "a" if person == "a" else "b" if person == "b" else there
            if people not in there:
                raise UserError(f"There is one person in <{name}>, so {found[0]} is nobody.")
            parts += [TextPart(text[at : found.start()]), MotionPart(name, people)]
            at = found.end()
        parts.append(TextPart(text[at:]))
        return tuple(part for part in parts if not isinstance(part, TextPart) or part.text)


class Turn:
    """A message of the user that waits for its answer: `request` goes to a decoder, `finish` takes what comes back."""

    def __init__(self, session: ChatSession, message: Message, wish: Wish) -> None:
        self.session, self.message, self.wish = session, message, wish
        about = session.latest_part(message)
        if about and about.people == "b" and about not in message.parts:  # it was about b; what follows is about both
            about = replace(about, people="ab")
        # the motion that the message is about, and who of it
        self.base = session.motions[about.motion] if about else None
        self._lone = about is not None and about.people == "a" and not wish.continues
        if wish.people == "b":
            raise UserError('A motion has one person or two people; ask for "a" or "ab".')
        if wish.continues and self.base is None:
            raise UserError("Refer to the motion that the answer is to go with, such as <motion_0>.")
        if about and self.base and wish.continues and {about.people, wish.people or about.people} != {self.base.people}:
            raise UserError("A motion goes on with the people that are in it; leave out who is meant.")
        if about and about.people == "b" and wish.motion != "no":
            if wish.motion == "must":
                raise UserError(f"Of <{about.motion}> only the first person can be answered alone: say <{about.motion}.a>.")
            self.wish = wish = replace(wish, motion="no")
        if wish.drafts < 1:
            raise UserError(f"An answer takes at least one draft, not {wish.drafts}.")
        model = session.model
        conversation = Conversation((*session.messages, message))
        prompt, without_words = (
            render_prompt(said, model.tokenizer, model.layout, session.codes_of)
            for said in (conversation, unsaid(conversation))
        )
        self.request = Request(prompt, self._rules(), wish.seed, wish.sampling, wish.words, without_words)

    @property
    def drafts(self) -> list[Request]:
        """What a decoder is asked for: `request`, and further draws of it where there is a choice to make."""
        from_words = self.wish.motion == "must" and self.base is None
        seeds = range(self.wish.drafts if from_words else 1)
        return [replace(self.request, seed=self.request.seed + _SEEDS_APART * number) for number in seeds]

    def tokens(self, kept: list[int]) -> Iterator[int]:
        """The answer's tokens as they come; each is also put into `kept`."""
        for token in self.session.model.decoder.stream(self.request):
            kept.append(token)
            yield token

    def finish(self, tokens: Sequence[int]) -> Answer:
        """The answer that the tokens say; the session then holds the message, the answer and its motions."""
        session = self.session
        parts: list[str | Motion] = []
        said: list[Part] = []
        for part in parse_answer(tokens, session.model.tokenizer, session.model.layout):
            if isinstance(part, TextPart):
                parts.append(part.text)
                said.append(part)
            else:
                motion, reference = self.made(part, session.next_name())
                session.motions[motion.name] = motion
                parts.append(motion)
                said.append(reference)
        session.messages += [self.message, Message("assistant", tuple(said))]
        return Answer(tuple(parts), len(tokens), self.wish.seed)

    def made(self, spoken: MotionCodes, name: str) -> tuple[Motion, MotionPart]:
        """The motion that codes say as an answer to this turn, in its world, and the part of it that is the answer."""
        codec, base = self.session.model.codec, self.base
        spec, codes = codec.spec, spoken.codes
        frames = self._frames or spoken.steps * spec.step_frames
        frame = base.frame if base else Frame()
        if base and self._lone and spoken.people == "ab":
            seen = base.seen(spec)
            given = base.interaction.person(0).frames(seen.start, seen.stop)
            answer = decode(codec, codes, frame).person(1)
            together = given.beside(answer)
            kept: tuple[int, ...] = (min(max(base.given[0] - seen.start, 0), together.num_frames), 0)
            return Motion(name, together, codes, frame=frame, made=True, given=kept), MotionPart(name)
        if base and not spoken.placed:
            cut = spec.frames(base.codes.shape[1])
            codes = np.concatenate([base.codes, codes], axis=1)
            whole = decode(codec, codes, frame, base.interaction.skeletons).frames(0, cut + frames)
            before = base.interaction.frames(0, base.seen(spec).stop)
            kept = tuple(min(frames, before.num_frames) for frames in base.given)
            longer = Motion(name, continued(before, whole, cut), codes, base.first, frame, made=True, given=kept)
            return longer, MotionPart(name, spoken.people, start=cut)
        skeletons = base.interaction.skeletons if base and base.people == spoken.people else None
        interaction = decode(codec, codes, frame, skeletons).frames(0, frames)
        return Motion(name, interaction, codes, frame=frame, made=True), MotionPart(name, spoken.people)

    @property
    def _frames(self) -> int | None:
        """Frames that the motion is to have."""
        return None if self.wish.duration is None else round(self.wish.duration * FPS)

    def _rules(self) -> Rules:
        spec, wish, base = self.session.model.codec.spec, self.wish, self.base
        check_duration(wish.duration)
        steps = None if self._frames is None else spec.steps(self._frames)
        people: tuple[People, ...]
        if wish.people:
            people = (wish.people,)
        elif wish.continues and base:
            people = (base.people,)
        else:
            people = ("ab", "a") if base is None or self._lone else ("ab",)
        first = self._inside(base.codes[:1], "a") if base and self._lone else ()
        most = steps or round(LONGEST * FPS) // spec.step_frames
        may_go_on = wish.motion == "any" and base is not None and not self._lone and people == (base.people,)
        placed = False if wish.continues else None if may_go_on else True
        before = self._inside(base.codes, base.people) if base and not placed else ()
        return Rules(
            wish.motion, people, steps, most, max_text=wish.max_words, placed=placed, before=before, first_person=first
        )

    def _inside(self, codes: np.ndarray, people: People) -> tuple[int, ...]:
        """What a span of codes holds between its head and its end."""
        return tuple(self.session.model.layout.flatten(codes, people)[2:-1])
