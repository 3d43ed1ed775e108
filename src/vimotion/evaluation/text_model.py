"""Language models that know nothing of motion: a server with OpenAI's chat completions, or SmolLM2 on this machine.

The two-stage chain lets one rewrite descriptions; the judge of answers in words (`llm_judge.py`) is one behind a server.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from vimotion.errors import UserError
from vimotion.llm.client import Client, Message, ServerConfig

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

Read = TypeVar("Read")
# A conversation, and what reads the reply to it: raises a ValueError for one that is of no use.
Question = tuple[Sequence[Message], Callable[[str], Read]]


def ask(config: ServerConfig, questions: Sequence[Question[Read]]) -> list[Read]:
    """What is read in the replies to conversations, from the kept ones or from the server, which gets all questions at once.

    For a reply that cannot be read another one is asked for.

    Raises:
        UserError: the server cannot be reached, refuses, or gives no reply that can be read.
    """
    # what is asked twice gets one answer, as it does of kept replies
    different = {json.dumps(messages): (messages, read) for messages, read in questions}
    answers = dict(zip(different, asyncio.run(_ask(config, different.values())), strict=True))
    return [answers[json.dumps(messages)] for messages, _ in questions]


async def _ask(config: ServerConfig, questions: Iterable[Question[Read]]) -> list[Read]:
    async with Client(config) as client:
        return await client.each(lambda question: _answer(client, *question), questions)


async def _answer(client: Client, messages: Sequence[Message], read: Callable[[str], Read]) -> Read:
    config, reason = client.config, ""
    for number in range(config.tries):
        # another seed, or the same unreadable reply would come again
        reply = await client.complete(config.asking(messages, config.seed + number))
        try:
            return read(reply.text)
        except ValueError as error:
            reason = f"{error}; it ended by {reply.finish or 'itself'}"
    raise UserError(
        f"The language model {config.model} at {config.base_url} gave no answer that can be read ({reason}); "
        "allow it more tries, or take another one."
    )


class TextModel(Protocol):
    """Answers conversations in words, always alike, each whatever is asked beside it."""

    def complete(self, asked: Sequence[Sequence[Message]]) -> list[str]:
        """The next message of each conversation.

        Raises:
            UserError: there is no answer to be had.
        """
        ...


class ServedText:
    """The model of a server."""

    def __init__(self, config: ServerConfig) -> None:
        self._config = config

    def complete(self, asked: Sequence[Sequence[Message]]) -> list[str]:
        return ask(self._config, [(messages, str.strip) for messages in asked])


class LocalText:
    """A small Llama in 8-bit weights on the CPU, which says the likeliest words."""

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, longest: int = 48) -> None:
        """`longest`: tokens of an answer, which is cut there.

        Raises:
            UserError: the model is no plain Llama.
        """
        import torch

        from vimotion.chat.llama import Llama, is_plain_llama

        if not is_plain_llama(model):
            raise UserError("The text model on this machine has to be a plain Llama; ask others through a server.")
        self._network, self._tokenizer, self._longest = Llama(model), tokenizer, longest
        self._head = self._network.head(torch.arange(len(tokenizer)))

    def complete(self, asked: Sequence[Sequence[Message]]) -> list[str]:
        if not asked:
            return []
        prompts = [self._prompt(messages) for messages in asked]
        return [text.strip() for text in self._tokenizer.batch_decode(self._tokens(prompts), skip_special_tokens=True)]

    def _prompt(self, messages: Sequence[Message]) -> list[int]:
        template: Any = self._tokenizer.apply_chat_template
        ids: list[int] = template(list(map(dict, messages)), add_generation_prompt=True, return_dict=False)
        return ids

    def _tokens(self, prompts: Sequence[Sequence[int]]) -> list[list[int]]:
        import torch

        network, said = self._network, [list[int]() for _ in prompts]
        with torch.inference_mode():
            cache = network.new_cache(len(prompts), max(map(len, prompts)) + self._longest)
            states = torch.cat([network.prefill(cache, slot, torch.tensor(ids)) for slot, ids in enumerate(prompts)])
            active = list(range(len(prompts)))
            while active:
                for slot, token in zip(active, self._likeliest(states), strict=True):
                    said[slot].append(token)
                active = [slot for slot in active if not self._ends(said[slot])]
                if active:
                    lengths = torch.tensor([len(prompts[slot]) + len(said[slot]) - 1 for slot in active])
                    newest = torch.tensor([said[slot][-1] for slot in active])
                    states = network.step(cache, torch.tensor(active), lengths, newest)
        return said

    def _likeliest(self, states: Tensor) -> list[int]:
        tokens: list[int] = self._head(states).argmax(1).tolist()
        return tokens

    def _ends(self, said: Sequence[int]) -> bool:
        return len(said) == self._longest or said[-1] == self._tokenizer.eos_token_id
