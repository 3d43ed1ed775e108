"""A reply while it is made: pieces of text, growing motions, and at its end what is kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from vimotion.app.conversation import JsonMessage, JsonPart, answer_parts, text_of
from vimotion.app.engine import Gone, Job
from vimotion.app.storage import MotionRow, TurnRow, new_id
from vimotion.chat import Turn, Wish
from vimotion.chat.drafts import best
from vimotion.chat.events import Follower, MotionCodes
from vimotion.motion import Interaction

if TYPE_CHECKING:
    from vimotion.app.studio import Studio

_TITLE = 60


# The turn after which a kept conversation goes on, whichever it is when its turn comes.
CURRENT = "current"


@dataclass(frozen=True)
class Asked:
    """What a reply is to be made of.

    Attributes:
        messages: the whole conversation, or only the user's new message where a kept one goes on.
        wish: of the first sample; the seeds of the others follow its own.
        samples: answers to the same message.
        settings: what is kept of the wish with each turn.
        session: the kept conversation.
        parent: the turn in it that this one follows, None for none, or `CURRENT`.
    """

    messages: list[JsonMessage]
    wish: Wish
    samples: int = 1
    settings: dict[str, Any] = field(default_factory=dict)
    session: str | None = None
    parent: str | None = CURRENT


@dataclass(frozen=True)
class TextNews:
    """More text of a sample."""

    sample: int
    text: str


@dataclass(frozen=True, eq=False)
class MotionNews:
    """The motion of a sample after one more step. Its earlier frames still change a little while steps follow."""

    sample: int
    motion_id: str
    turn: Turn
    spoken: MotionCodes

    @cached_property
    def interaction(self) -> Interaction:
        """Decoded when it is asked for; not for the event loop."""
        return self.turn.made(self.spoken, "motion")[0].interaction


@dataclass(frozen=True)
class Finished:
    """A sample is whole, and kept: `turn` in its conversation, `motions` in any case."""

    sample: int
    parts: list[JsonPart]
    motions: list[MotionRow]
    seed: int
    tokens: int
    cut: bool  # its text ended because it had its `max_words`
    turn: TurnRow | None


News = TextNews | MotionNews | Finished


class Reply:
    """The answers to one message. Iterate it once; `cancel` when nobody waits any more."""

    def __init__(
        self, studio: Studio, asked: Asked, turns: list[Turn], ids: dict[str, str], job: Job, leave: Callable[[], None]
    ) -> None:
        """
        Args:
            asked: with the turn that it follows.
            turns: one for each sample.
            ids: of the motions in the conversation, by their names in it.
            leave: is called when the reply is over.
        """
        self.asked, self.turns, self.job = asked, turns, job
        self.prompt_tokens = len(turns[0].request.prompt)
        self._studio, self._ids = studio, ids
        self._motion_ids = [new_id("motion") for _ in turns]
        self._drafts = len(job.requests) // len(turns)
        self._leave: Callable[[], None] | None = leave
        self._cancelled = False
        self._keeping: asyncio.Future[list[Finished]] | None = None

    async def __aiter__(self) -> AsyncIterator[News]:
        model = self._studio.model
        followers = [Follower(model.tokenizer, model.layout, turn.request.rules.before) for turn in self.turns]
        said: list[list[int]] = [[] for _ in self.job.requests]
        try:
            async for number, token in self.job:
                said[number].append(token)
                if self._drafts == 1 and (news := followers[number].push(token)) is not None:
                    yield self._news(number, news)
            for number, follower in enumerate(followers):
                if self._drafts == 1 and (piece := follower.rest()):
                    yield TextNews(number, piece)
            chosen = [await self._chosen(number, said) for number in range(len(self.turns))]
            # shielded: a thread goes on to its end, whoever stops waiting for it
            self._keeping = asyncio.ensure_future(asyncio.to_thread(self._finish, chosen))
            for finished in await asyncio.shield(self._keeping):
                yield finished
        finally:
            self.cancel()

    def cancel(self) -> None:
        """The reply is over; what of it is not finished is given up. Again is as well as once."""
        self._cancelled = True
        self.job.cancel()
        if leave := self._leave:
            self._leave = None
            if self._keeping and not self._keeping.done():
                self._keeping.add_done_callback(lambda kept: (kept.exception(), leave()))
            else:
                leave()

    def _news(self, number: int, news: str | MotionCodes) -> News:
        if isinstance(news, str):
            return TextNews(number, news)
        return MotionNews(number, self._motion_ids[number], self.turns[number], news)

    async def _chosen(self, number: int, said: list[list[int]]) -> list[int]:
        """The tokens of a sample: of its best draft."""
        drafts = said[number * self._drafts : (number + 1) * self._drafts]
        if len(drafts) == 1:
            return drafts[0]
        return await self.job.in_time(self._studio.engine.run(lambda: best(self.turns[number], drafts)))

    def _finish(self, chosen: list[list[int]]) -> list[Finished]:
        """Decode the motions and keep everything.

        Raises:
            Gone: the reply was cancelled meanwhile.
        """
        finished, motions = [], []
        for number, tokens in enumerate(chosen):
            sample, made = self._finished(number, tokens)
            finished.append(sample)
            motions += made
        turns = [sample.turn for sample in finished if sample.turn]
        storage = self._studio.storage
        if self._cancelled:
            raise Gone
        if turns:
            title = text_of(self.asked.messages[-1][1])[:_TITLE]
            storage.add_turns(turns, motions, title, turns[0].id)
        else:
            storage.add_motions(motions)
        return finished

    def _finished(self, number: int, tokens: list[int]) -> tuple[Finished, list[tuple[MotionRow, bytes]]]:
        turn, ids = self.turns[number], dict(self._ids)
        answer = turn.finish(tokens)
        source = ids[turn.base.name] if turn.base else None
        made = []
        for order, motion in enumerate(answer.motions):
            ids[motion.name] = new_id("motion") if order else self._motion_ids[number]
            made.append(self._studio.library.row(motion, ids[motion.name], self._name(), source))
        parts = answer_parts(turn.session.messages[-1], ids)
        words = sum(not self._studio.model.layout.is_motion(token) for token in tokens[:-1])
        row = self._turn_row(self.asked.session, number, parts, answer.tokens) if self.asked.session else None
        cut = words >= turn.wish.max_words
        rows = [motion for motion, _ in made]
        return Finished(number, parts, rows, turn.wish.seed, answer.tokens, cut, row), made

    def _turn_row(self, session: str, number: int, parts: list[JsonPart], tokens: int) -> TurnRow:
        return TurnRow(
            new_id("turn"), session, self.asked.parent, time.time(), list(self.asked.messages[-1][1]), parts,
            self.asked.settings | {"seed": self.turns[number].wish.seed}, tokens, self._studio.model.name,
        )  # fmt: skip

    def _name(self) -> str:
        """What the motion is called: the words that it was asked for in."""
        return text_of(self.asked.messages[-1][1])[:_TITLE]
