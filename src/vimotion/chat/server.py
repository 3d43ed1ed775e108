"""A language model behind a server with OpenAI's API, asked for completions: vLLM, llama.cpp, `transformers serve`."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from vimotion.chat.decode import Sampling
from vimotion.errors import UserError

if TYPE_CHECKING:
    from openai import OpenAI

# Gets what breaks an answer off.
Opened = Callable[[Callable[[], None]], None]
# Environment variables that may hold the key that a server wants; the first that is set counts.
_KEYS = ("VIMOTION_API_KEY", "OPENAI_API_KEY")
# Seconds to wait for a connection, and for the next piece of an answer.
_CONNECTING, _WAITING = 10.0, 300.0
_ADDRESS = re.compile(r"(?:(?P<files>.+)@)?(?P<url>https?://[^\s#]+)(?:#(?P<name>.+))?")
# What servers take beside OpenAI's fields, by what they say owns their models; others get none, for some refuse all they do
# not know. `top_k` and `min_p` switch off a cut that they would make unasked.
_FIELDS: Mapping[str, Mapping[str, Any]] = {
    "vllm": {"top_k": -1, "min_p": 0.0, "skip_special_tokens": False, "spaces_between_special_tokens": False},
    "llamacpp": {"top_k": -1, "min_p": 0.0},
}


@dataclass(frozen=True)
class Address:
    """Of a served model, written [FILES@]URL[#NAME].

    Attributes:
        files: the folder with its tokenizer and codec, or the name of a run; None for the model that comes with VIMotion.
        url: of the server, up to and with "/v1".
        name: of the model at the server; None where it has but one.
    """

    url: str
    files: str | None = None
    name: str | None = None

    @staticmethod
    def read(text: str) -> Address:
        """
        Raises:
            UserError: it is none.
        """
        found = _ADDRESS.fullmatch(text)
        if found is None:
            raise UserError(f"{text!r} is no address of a served model; write it as http://127.0.0.1:8000/v1#NAME.")
        if "@" in found["url"]:
            raise UserError(f"Keep the key out of the address of a server and put it into {_KEYS[0]}.")
        return Address(found["url"].rstrip("/"), found["files"], found["name"])


class Piece(NamedTuple):
    """More text of a completion; `end` says why nothing follows, "stop" or "length", and is empty before that."""

    text: str
    end: str = ""


class Server:
    """One model of a server.

    Attributes:
        max_length: tokens of a prompt and its completion together; None where the server does not tell.
    """

    def __init__(self, address: Address) -> None:
        """
        Raises:
            UserError: nothing answers there, it refuses, or it is not clear which of its models is meant.
        """
        self.url = address.url
        self._key = next((os.environ[name] for name in _KEYS if os.environ.get(name)), "")
        self._api = _connect(self.url, self._key)
        self._names: list[str] = []
        models = self._models()
        self._names = [str(model.id) for model in models]
        if not address.name and len(models) > 1:
            raise UserError(f"The server at {self.url} serves {', '.join(self._names)}; name one: {self.url}#NAME.")
        # a server that lists nothing may have one model that needs no name
        self.name: Any = address.name or next(iter(self._names), None)
        asked = next((model for model in models if model.id == self.name), None)
        told: dict[str, Any] = asked.model_dump() if asked else {}
        self.max_length: int | None = told.get("max_model_len") or (told.get("meta") or {}).get("n_ctx")  # vLLM, llama.cpp
        # some answer to any name
        self._kind = str((asked or models[0]).owned_by) if models else ""

    def count(self, text: str) -> int | None:
        """The tokens that the server makes of a text; None where it does not tell."""
        with self._errors():
            reply = self._api.completions.create(model=self.name, prompt=text, max_tokens=1, temperature=0)
            return reply.usage.prompt_tokens if reply.usage else None

    def complete(
        self, prompt: str, max_tokens: int, sampling: Sampling, seed: int, banned: Sequence[int] = (), grammar: str = "",
        opened: Opened | None = None,
    ) -> Generator[Piece]:  # fmt: skip
        """What the model says after a prompt, as it comes; closing the iterator ends it.

        Args:
            banned: ids that may not come, where the server heeds that.
            grammar: that the completion obeys, where the server can make it.
            opened: is called when the server begins to answer, with what breaks that off from any thread.

        Raises:
            UserError: the server is gone, refuses or breaks off.
        """
        fields = dict(_FIELDS.get(self._kind, {}))
        if sampling.top_k is not None:
            fields["top_k"] = sampling.top_k
        if grammar and self._kind == "vllm":
            fields["structured_outputs"] = {"grammar": grammar}
        elif grammar and self._kind == "llamacpp":
            fields["grammar"] = grammar
        if banned:
            fields["logit_bias"] = {str(token): -100 for token in banned}
        with self._errors():
            stream = self._api.completions.create(
                model=self.name, prompt=prompt, max_tokens=max_tokens, temperature=sampling.temperature, top_p=sampling.top_p,
                seed=seed, stream=True, extra_body=fields,
            )  # fmt: skip
            with stream:
                if opened:
                    opened(partial(_shut, stream.response))
                for chunk in stream:
                    for choice in chunk.choices or ():
                        yield Piece(choice.text or "", choice.finish_reason or "")

    def _models(self) -> list[Any]:
        """What the server tells of its models, if anything."""
        import openai

        with self._errors():
            try:
                return list(self._api.with_options(max_retries=0).models.list().data)
            except (openai.NotFoundError, openai.InternalServerError):
                return []

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """What goes wrong with a server, in words."""
        import openai

        # before version 3 openai let errors in the middle of a stream through as they came
        transport = import_module(type(openai.DEFAULT_CONNECTION_LIMITS).__module__.partition(".")[0])
        try:
            yield
        except (openai.APITimeoutError, transport.TimeoutException):
            raise UserError(f"The server at {self.url} gave no answer within {_WAITING:g} seconds; is it at work?") from None
        except (openai.APIConnectionError, transport.HTTPError):
            raise UserError(f"No server answers at {self.url}, or it broke off; start it, or mend the address.") from None
        except (openai.AuthenticationError, openai.PermissionDeniedError):
            wanted = "does not take the key that it was given" if self._key else "wants a key"
            raise UserError(f"The server at {self.url} {wanted}; put the right one into {_KEYS[0]}.") from None
        except openai.APIError as error:
            detail = error.body.get("detail") if isinstance(error.body, dict) else None  # of `transformers serve`
            said = " ".join(str(detail or error.message).split())[:300].rstrip(".")
            said = said.replace(self._key, "…") if self._key else said
            known = f"it serves {', '.join(self._names)}" if self._names else f"name the model: {self.url}#NAME"
            raise UserError(f"The server at {self.url} refuses: {said}; {known}.") from None
        except (AttributeError, ValueError) as error:
            raise UserError(f"What answers at {self.url} does not speak OpenAI's API; mend the address.") from error


def _connect(url: str, key: str) -> OpenAI:
    try:
        import openai
    except ImportError:
        raise UserError("A served model is asked through the package openai; install vimotion[eval] or [synthesis].") from None
    return openai.OpenAI(base_url=url, api_key=key or "none", timeout=openai.Timeout(_WAITING, connect=_CONNECTING))


def _shut(response: Any) -> None:
    """End a response that another thread may be waiting for; closing it would not wake that one."""
    network = response.extensions.get("network_stream")
    connection = network.get_extra_info("socket") if network else None
    if connection is not None:
        with suppress(OSError):  # it has ended already
            connection.shutdown(socket.SHUT_RDWR)
