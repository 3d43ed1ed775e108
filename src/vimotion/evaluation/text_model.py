"""Language models that know nothing of motion: a server with OpenAI's chat completions, or SmolLM2 on this machine.

The two-stage chain lets one rewrite descriptions; the judge of answers in words (`llm_judge.py`) is one behind a server.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pydantic import Field

from vimotion.artifacts import atomic_path, vimotion_home
from vimotion.config import Config
from vimotion.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

Read = TypeVar("Read")
# {"role": "system" | "user" | "assistant", "content": text}
Message = Mapping[str, str]

# What a server says when it is busy or stumbles, and may do better later.
_PASSING = {408, 409, 425, 429, 500, 502, 503, 504}


class ServerConfig(Config):
    """A model behind a server with the API of OpenAI's chat completions.

    Attributes:
        model: its name at the server.
        base_url: of the server, up to and with "/v1".
        api_key_variable: the environment variable that holds the key, if the server wants one.
        temperature, seed, max_tokens: of the reply.
        tries: times that a request is sent before it is given up, and that a reply that cannot be read is asked for anew.
        pause: seconds before the second try; doubled for each one after.
        timeout: seconds to wait for a reply.
        cache: folder of the replies; a relative one lies under the VIMotion home.
    """

    model: str
    base_url: str = "http://127.0.0.1:8000/v1"
    api_key_variable: str = "OPENAI_API_KEY"
    temperature: float = Field(default=0.0, ge=0)
    seed: int = 0
    max_tokens: int = Field(default=500, gt=0)
    tries: int = Field(default=4, gt=0)
    pause: float = Field(default=1.0, ge=0)
    timeout: float = Field(default=120.0, gt=0)
    cache: Path


class TextModelConfig(ServerConfig):
    """The text model of the chain."""

    cache: Path = Path("cache/text_model")


class Server:
    """Asks everything once: replies are kept by the content of what was asked."""

    def __init__(self, config: ServerConfig) -> None:
        self.config = config
        self._folder = vimotion_home() / config.cache

    def reply(self, messages: Sequence[Message], read: Callable[[str], Read]) -> Read:
        """What `read` makes of the reply to a conversation, from the kept replies or the server.

        Args:
            read: raises a ValueError for a reply that is of no use; then another is asked for.

        Raises:
            UserError: the server cannot be reached, refuses, or gives no reply that can be read.
        """
        request = {
            "model": self.config.model,
            "messages": [dict(message) for message in messages],
            "temperature": self.config.temperature,
            "seed": self.config.seed,
            "max_tokens": self.config.max_tokens,
        }
        key = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
        path = self._folder / key[:2] / f"{key}.json"
        if path.is_file():
            return read(json.loads(path.read_text(encoding="utf-8"))["reply"])
        reply, found = self._ask(request, read)
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps({"request": request, "reply": reply}, indent=1) + "\n", encoding="utf-8")
        return found

    def _ask(self, request: dict[str, Any], read: Callable[[str], Read]) -> tuple[str, Read]:
        """A reply that can be read, and what was read."""
        reason = ""
        for number in range(self.config.tries):
            if number:
                time.sleep(self.config.pause * 2 ** (number - 1))
            # another seed, or the same unreadable reply would come again
            reply, reason = self._send({**request, "seed": self.config.seed + number})
            if reply is None:
                continue
            try:
                return reply, read(reply)
            except ValueError as error:
                reason = f"its reply cannot be read: {error}"
        raise UserError(f"The language model {self.config.model} at {self.config.base_url} gave no answer ({reason}).")

    def _send(self, request: dict[str, Any]) -> tuple[str | None, str]:
        """The reply's text; or None, and why it may be there later.

        Raises:
            UserError: the server refuses for good.
        """
        headers = {"Content-Type": "application/json"}
        if key := os.environ.get(self.config.api_key_variable):
            headers["Authorization"] = f"Bearer {key}"
        url = self.config.base_url.rstrip("/") + "/chat/completions"
        sent = urllib.request.Request(url, json.dumps(request).encode(), headers)
        try:
            with urllib.request.urlopen(sent, timeout=self.config.timeout) as response:
                content = json.load(response)
            return str(content["choices"][0]["message"]["content"]), ""
        except urllib.error.HTTPError as error:
            if error.code not in _PASSING:
                raise UserError(f"The language model's server at {url} refuses: {error.code} {error.reason}.") from None
            return None, f"{error.code} {error.reason}"
        except (OSError, ValueError, LookupError, TypeError) as error:
            return None, f"{type(error).__name__}: {error}"


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

    def __init__(self, config: TextModelConfig) -> None:
        self._server = Server(config)

    def complete(self, asked: Sequence[Sequence[Message]]) -> list[str]:
        return [self._server.reply(messages, str.strip) for messages in asked]


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
