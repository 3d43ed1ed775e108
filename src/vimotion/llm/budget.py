"""What a run may send and spend."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from pydantic import Field

from vimotion.config import Config
from vimotion.errors import UserError

# The body of a chat completion.
Request = dict[str, Any]

# Measured on the prompts of Inter-MT2 with SmolLM2's tokenizer: 4.0 to 4.1, with the schema 3.9.
_CHARACTERS_A_TOKEN = 4
# Of a reply, where a request does not say how many it may have.
_TOKENS_OF_A_REPLY = 350


class Tokens(Config):
    """Tokens that a model reads (input) and writes (output)."""

    input: int = 0
    output: int = 0


class Prices(Config):
    """US dollars for a million tokens; None where the price is not known."""

    input: float | None = Field(default=None, ge=0)
    output: float | None = Field(default=None, ge=0)

    @property
    def known(self) -> bool:
        return self.input is not None and self.output is not None

    def usd(self, tokens: Tokens) -> float:
        """What the tokens cost; nothing where there is no price."""
        return (tokens.input * (self.input or 0.0) + tokens.output * (self.output or 0.0)) / 1e6


class BudgetSpent(UserError):
    """No more may be sent."""


class Budget:
    """Counts what a run sends and spends, and lets nothing through that could be too much.

    A request is paid in advance as if its reply were as long as it may be, so that no number of requests in flight spends more
    than there is; what it really cost is known with its reply.
    """

    def __init__(self, prices: Prices, max_requests: int | None = None, max_usd: float | None = None) -> None:
        """`max_requests` counts every time that something is sent, tries anew too; None is no limit.

        Raises:
            UserError: a limit in dollars without prices.
        """
        if max_usd is not None and not prices.known:
            raise UserError("A limit in dollars needs the author's prices: set prices.input and prices.output.")
        self.requests, self.usd = 0, 0.0
        self._prices, self._max_requests, self._max_usd = prices, max_requests, max_usd
        self._open, self._reserved = 0, 0.0
        self._settled = asyncio.Event()

    async def reserve(self, most: Tokens) -> None:
        """Pay for a request in advance, perhaps only when others turn out to have cost less; `settle` has to follow.

        Raises:
            BudgetSpent: there is too little left for it.
        """
        usd = self._prices.usd(most)
        while self._open and self._too_much(self._reserved + usd) and not self._too_much(usd):
            self._settled.clear()
            await self._settled.wait()
        if self._max_requests is not None and self.requests >= self._max_requests:
            raise BudgetSpent(_sentence(f"{self._max_requests} requests", "max-requests"))
        if self._too_much(usd):
            raise BudgetSpent(_sentence(f"{self._max_usd:g} USD", "max-usd"))
        self.requests += 1
        self._open += 1
        self._reserved += usd

    def settle(self, most: Tokens, used: Tokens) -> None:
        """What was paid in advance for `most` tokens comes back, and what the `used` ones cost is spent."""
        self._open -= 1
        self._reserved = self._reserved - self._prices.usd(most) if self._open else 0.0
        self.usd += self._prices.usd(used)
        self._settled.set()

    def _too_much(self, usd: float) -> bool:
        return self._max_usd is not None and self.usd + usd > self._max_usd


def _sentence(limit: str, option: str) -> str:
    return f"The budget of {limit} is spent; all replies are kept, and a run with a higher --{option} goes on from here."


def count_tokens(text: str) -> int:
    """About how many tokens a text is."""
    return -(-len(text) // _CHARACTERS_A_TOKEN)


def most_tokens(request: Request) -> Tokens:
    """About what a request is read as, and at most what its reply is."""
    asked = "".join(message["content"] for message in request["messages"])
    asked += json.dumps(request["response_format"]) if "response_format" in request else ""
    longest = request.get("max_completion_tokens") or request.get("max_tokens") or _TOKENS_OF_A_REPLY
    return Tokens(input=count_tokens(asked), output=int(longest))
