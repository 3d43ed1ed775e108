"""What the drafts of a language model are going to cost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from vimotion.llm.budget import Prices, Request, Tokens, most_tokens

# A conversation of two or three turns as JSON; the examples in the prompts, of two turns, have 206 to 275.
_TOKENS_OF_A_DRAFT = 350


@dataclass(frozen=True)
class Estimate:
    """What requests are going to cost.

    Attributes:
        requests: how many.
        tokens: about how many are read and written, without repairs.
        usd: about what they cost; None where there are no prices.
        usd_at_most: where every reply is as long as it may be, and every one has to be repaired.
    """

    requests: int
    tokens: Tokens
    usd: float | None
    usd_at_most: float | None

    def __str__(self) -> str:
        counted = f"{self.requests:,} requests, about {self.tokens.input:,} tokens in and {self.tokens.output:,} out"
        if self.usd is None:
            return f"{counted}; the author's prices are not known."
        return f"{counted}: about {self.usd:.2f} USD, {self.usd_at_most:.2f} USD at most."


def estimate(requests: Iterable[Request], prices: Prices) -> Estimate:
    """What it is going to cost to send these requests."""
    number = read = longest = written = repairing = 0
    for request in requests:
        most = most_tokens(request)
        number += 1
        read += most.input
        longest += most.output
        written += min(most.output, _TOKENS_OF_A_DRAFT)
        repairing += most.input + most.output  # a repair reads the prompt and the reply again
    tokens = Tokens(input=read, output=written)
    if not prices.known:
        return Estimate(number, tokens, None, None)
    at_most = Tokens(input=read + repairing, output=2 * longest)
    return Estimate(number, tokens, prices.usd(tokens), prices.usd(at_most))
