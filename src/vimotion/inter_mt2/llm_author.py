"""Conversations about a clip, written by a language model.

The model sees no motion: it is told the seed's captions, and in its texts brackets stand for motions. A reply that is no such
conversation goes back to it once with what is wrong; a second one is set aside with the reason.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from pydantic import Field

from vimotion.config import Config
from vimotion.inter_mt2.llm_replies import TURNS, BadReply, Conversation, read_draft
from vimotion.inter_mt2.schema import Draft, Kind, Seed
from vimotion.llm.budget import Budget, Prices, Request
from vimotion.llm.client import Client, NoAnswer, Refusal, ServerConfig
from vimotion.llm.replies import Reply

# A first reply and a repaired one.
_REPLIES = 2
# Seeds of requests lie below this, so that any server can hold them.
_SEEDS = 2**31
# Seeds in a row that get no answer before the server is held for gone.
_LOST_IN_A_ROW = 10


class AuthorConfig(ServerConfig):
    """The language model that writes conversations.

    Each conversation draws its own seed from `seed`. For a server that knows JSON but no schemas, `request` may hold
    {response_format: {type: json_object}} beside `structured: false`.

    Attributes:
        structured: whether the server is told the form of the reply as a JSON schema.
        prices: US dollars for a million tokens, for budgets.
    """

    temperature: float = Field(default=0.8, ge=0)
    max_tokens: int = Field(default=1500, gt=0)
    in_flight: int = Field(default=64, gt=0)
    tries: int = Field(default=6, gt=0)
    cache: Path = Path("cache/author")
    structured: bool = True
    prices: Prices = Prices()


class Refused(Config):
    """A seed of which no draft came, and why.

    Attributes:
        id, kind: of the seed.
        author: the name of the language model.
        reason: what was wrong with its last reply.
        reply: the last reply as it came.
    """

    id: str
    kind: Kind
    author: str
    reason: str
    reply: str


class LLMAuthor:
    """Writes a draft for each seed."""

    def __init__(self, config: AuthorConfig, budget: Budget | None = None) -> None:
        self.config, self.client = config, Client(config, budget)

    async def write(self, seed: Seed) -> Draft | Refused:
        """The draft for a seed; what is kept of it already is not asked for again.

        Raises:
            BudgetSpent, NoAnswer, UserError: as `Client.complete`.
        """
        while isinstance(found := self.look(seed), dict):
            try:
                await self.client.complete(found)
            except Refusal as error:
                hint = " If it knows no JSON schemas, set structured to false." if "response_format" in str(error) else ""
                raise Refusal(f"{error}{hint}") from None
        return found

    async def write_all(self, seeds: Iterable[Seed], keep: Callable[[Draft | Refused], None]) -> None:
        """Drafts for all seeds, as many at a time as may be in flight; each is handed to `keep` when it is done.

        When the budget is spent, the server refuses or gives no more answers, no other seed is begun, but what is under way is
        finished and kept before that is raised.

        Raises:
            BudgetSpent, UserError: as `Client.complete`.
            NoAnswer: some seeds got no answer; all others are done, unless many in a row got none.
        """
        lost, in_a_row = list[NoAnswer](), 0

        async def write(seed: Seed) -> None:
            nonlocal in_a_row
            try:
                keep(await self.write(seed))
                in_a_row = 0
            except NoAnswer as error:
                lost.append(error)
                in_a_row += 1
                if in_a_row >= _LOST_IN_A_ROW:
                    raise

        await self.client.each(write, seeds)
        if lost:
            raise NoAnswer(f"Seeds without an answer: {len(lost)}; run again to ask for them. The last one: {lost[-1]}")

    def look(self, seed: Seed) -> Draft | Refused | Request:
        """What the kept replies make of a seed: its draft, why there is none, or the request that is to be sent next."""
        request, model = self._request(seed), self.config.model
        for _ in range(_REPLIES):
            reply = self.client.replies.get(request)
            if reply is None:
                return request
            try:
                return read_draft(seed, reply, model)
            except BadReply as bad:
                refused = Refused(id=seed.id, kind=seed.kind, author=model, reason=str(bad), reply=reply.text)
                request = self._repair(request, reply, bad)
        return refused

    def requests(self, seeds: Iterable[Seed]) -> Iterator[tuple[str, Request]]:
        """What is to be sent next for each seed that is not done, by the seed's id: for an estimate, or for batch files."""
        for seed in seeds:
            if isinstance(found := self.look(seed), dict):
                yield seed.id, found

    def _request(self, seed: Seed) -> Request:
        # drawn by the seed, so that the same captions give many conversations, and the same seed always the same request
        drawn = int(hashlib.sha256(f"{self.config.seed} {seed.id}".encode()).hexdigest()[:12], 16)
        voices = _prompt("voices").splitlines()
        asked = _prompt("seed").format(
            captions="\n".join(f"- {caption}" for caption in seed.captions),
            seconds=f"{seed.seconds:.1f}",
            turns=TURNS[drawn % len(TURNS)],
            voice=voices[drawn // len(TURNS) % len(voices)],
        )
        messages = [
            {"role": "system", "content": f"{_prompt('system')}\n{_prompt(seed.kind)}"},
            {"role": "user", "content": asked},
        ]
        schema = {"name": "conversation", "strict": True, "schema": Conversation.model_json_schema()}
        form = {"type": "json_schema", "json_schema": schema} if self.config.structured else None
        return self.config.asking(messages, drawn % _SEEDS, response_format=form)

    @staticmethod
    def _repair(request: Request, reply: Reply, bad: BadReply) -> Request:
        """The request that shows its author what is wrong with a reply; by another seed, as the same one may fail alike."""
        wrong = _prompt("repair").format(problems="\n".join(f"- {problem}" for problem in bad.problems))
        turns = [{"role": "assistant", "content": reply.text.strip() or "(nothing)"}, {"role": "user", "content": wrong}]
        seed = {"seed": (request["seed"] + 1) % _SEEDS} if "seed" in request else {}
        return request | seed | {"messages": [*request["messages"], *turns]}


@lru_cache
def _prompt(name: str) -> str:
    return (files("vimotion.inter_mt2") / "prompts" / f"{name}.txt").read_text(encoding="utf-8")
