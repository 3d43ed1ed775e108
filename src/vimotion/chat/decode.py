"""From a prompt to an answer: sampled token by token, only legal ones, alone or many at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor
from transformers import PreTrainedModel

from vimotion.chat.batching import Batch
from vimotion.chat.causal_lm import AnyCausalLM, SlottedLM, attends_to_all
from vimotion.chat.legal import LegalTokens, Rules, Spot
from vimotion.chat.llama import Llama, is_plain_llama
from vimotion.errors import UserError
from vimotion.language.model_folder import GUIDANCE

Head = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Sampling:
    """How a token is drawn. `temperature` 0 takes the likeliest; `top_k` and `top_p` cut the tail before the draw.

    `guidance` is for motions: how far their logits go from what would come if nothing had been said to what comes, and beyond
    that where it is more than 1 (classifier-free guidance, Ho and Salimans 2022; the paper has none). Such a token costs two.
    None is what the model was made for.
    """

    temperature: float = 0.6
    top_k: int | None = None
    top_p: float = 0.95
    guidance: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < math.inf or not 0 < self.top_p <= 1 or (self.top_k is not None and self.top_k < 1):
            raise UserError("Sampling needs a temperature of 0 or more, a top-p between 0 and 1, and a top-k of 1 or more.")

    def pick(self, logits: Tensor, generator: torch.Generator) -> int:
        """The index drawn from logits (n,). One random number a token, whatever the cut."""
        if self.temperature == 0:
            return int(logits.argmax())
        probabilities, order = torch.softmax(logits.double() / self.temperature, dim=0).sort(descending=True, stable=True)
        reached = probabilities.cumsum(0)
        kept = int((reached - probabilities < self.top_p).sum())
        reached = reached[: min(kept, self.top_k or kept)]
        drawn = torch.rand((), generator=generator, dtype=torch.float64) * reached[-1]
        return int(order[min(int(torch.searchsorted(reached, drawn, right=True)), len(reached) - 1)])


@dataclass(frozen=True)
class Request:
    """A prompt's ids (`language.render_prompt`), and what is wanted for an answer.

    `motion` is how its codes are drawn, `words` how its text is, and with it the choice whether a motion comes at all.
    `unsaid` is the same prompt without the words of its last message (`tasks.messages.unsaid`), which guidance goes away from.
    """

    prompt: Sequence[int]
    rules: Rules = field(default_factory=Rules)
    seed: int = 0
    motion: Sampling = field(default_factory=Sampling)
    words: Sampling = field(default_factory=lambda: Sampling(temperature=0.0))
    unsaid: Sequence[int] = ()


class Network(Protocol):
    """What the loop needs of a language model: a cache with one slot for each text."""

    max_length: int

    def new_cache(self, slots: int, length: int, before: Any = None) -> Any:
        """Room for texts of so many tokens; the first slots hold what those of the smaller cache `before` do."""

    def prefill(self, cache: Any, slot: int, ids: Tensor, last: int = 1) -> Tensor:
        """Put a prompt (n,) into a slot; the states after its last tokens, (last, width)."""

    def step(self, cache: Any, slots: Tensor, lengths: Tensor, ids: Tensor) -> Tensor:
        """Add one token (n,) to each of `slots` (n,), ascending, that hold `lengths` (n,) tokens; their states (n, width)."""

    def head(self, ids: Tensor) -> Head:
        """The map from states (n, width) to the logits of some tokens, (n, len(ids))."""


class Decoder:
    """A language model with its legal tokens, ready to answer."""

    def __init__(self, model: PreTrainedModel, legal: LegalTokens, int8: bool | None = None) -> None:
        """`int8` weights: by default where they are fast, for a Llama on a CPU."""
        self.network: Network
        if is_plain_llama(model):
            self.network = Llama(model, int8=int8 is not False)
        elif int8:
            raise ValueError("8-bit weights are for plain Llama models on a CPU.")
        elif attends_to_all(model):
            self.network = SlottedLM(model)
        else:
            self.network = AnyCausalLM(model)
        self.legal = legal
        self.width: int = model.config.hidden_size
        self.guidance: float = getattr(model.config, GUIDANCE, 1.0)
        self._heads: dict[Spot, Head] = {}

    @property
    def max_length(self) -> int:
        """Tokens that the model reads."""
        return self.network.max_length

    def stream(self, request: Request) -> Iterator[int]:
        """The answer's tokens one by one, its end of turn included."""
        for _, token in self._run([request], 1):
            yield token

    def answers(self, requests: Sequence[Request], slots: int = 16) -> list[list[int]]:
        """The answers to many requests, `slots` of them at a time; each is the one that `stream` would give."""
        found: list[list[int]] = [[] for _ in requests]
        for index, token in self._run(requests, slots):
            found[index].append(token)
        return found

    def log_likelihood(self, prompt: Sequence[int], words: Sequence[int]) -> float:
        """Mean log-probability of text tokens as the beginning of the answer to a prompt, where only text may come."""
        ids = torch.tensor([*prompt, *words])
        if len(ids) > self.network.max_length:
            raise UserError(f"The model reads {self.network.max_length} tokens, and these are {len(ids)}; say it shorter.")
        with torch.inference_mode():
            cache = self.network.new_cache(1, len(ids))
            states = self.network.prefill(cache, 0, ids[:-1], last=len(words))
            chances = self.head(self.legal.words)(states).log_softmax(dim=1)
            places = torch.searchsorted(self.legal.ids(*self.legal.words), ids[-len(words) :])
            return float(chances.gather(1, places[:, None]).mean())

    def _run(self, requests: Sequence[Request], slots: int) -> Iterator[tuple[int, int]]:
        """(index of the request, token) as they come."""
        batch = Batch(self, slots)
        indices = {batch.add(request): index for index, request in enumerate(requests)}
        while batch.busy:
            for writing, token in batch.step():
                yield indices[writing], token

    def length(self, request: Request) -> int:
        """Tokens of a prompt and the longest answer to it.

        Raises:
            UserError: the network does not read so many.
        """
        length = len(request.prompt) + self.legal.longest(request.rules)
        if length > self.network.max_length:
            raise UserError(
                f"The conversation would take {length} tokens, but the model reads {self.network.max_length}; "
                "undo some turns or start a new one."
            )
        return length

    def head(self, at: Spot) -> Head:
        """The head's rows that are legal at a spot."""
        if at not in self._heads:
            self._heads[at] = self.network.head(self.legal.ids(*at))
        return self._heads[at]
