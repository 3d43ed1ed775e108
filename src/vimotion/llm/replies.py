"""What a server replied, and where that is kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from vimotion.artifacts import atomic_path
from vimotion.config import Config
from vimotion.errors import UserError
from vimotion.llm.budget import Request, Tokens

# What a server says, as the code or the type of its error, of a request that it never answers, for its content or because it
# does not fit into the context: no fault of the server, and no reason to stop.
_TOO_LONG = "context_length_exceeded"
_UNWANTED = {"content_filter", "content_policy_violation", "invalid_prompt", _TOO_LONG, "exceed_context_size_error"}
# vLLM has no code for a request that does not fit, only these words.
_TOO_LONG_WORDS = ("maximum context length", "maximum model length")


class Reply(Config):
    """What came back.

    Attributes:
        text: of the message; empty where the model or its server said nothing.
        finish: why it ended there, as the server says ("stop", "length", …).
        tokens: as the server counted them; None where it did not.
    """

    text: str
    finish: str = ""
    tokens: Tokens | None = None


class Replies:
    """The replies of a model, a file each, found by the content of the request."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, request: Request) -> Reply | None:
        """The kept reply.

        Raises:
            UserError: its file cannot be read.
        """
        path = self._path(request_key(request))
        try:
            return Reply.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError):
            raise UserError(f"The kept reply {path} cannot be read; delete it, and it is asked for again.") from None

    def keep(self, key: str, reply: Reply) -> bool:
        """Keep the reply to the request of this key; False where there is one already, which stays."""
        path = self._path(key)
        if path.exists():
            return False
        with atomic_path(path) as temporary:
            temporary.write_text(reply.model_dump_json() + "\n", encoding="utf-8")
        return True

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"


def request_key(request: Request) -> str:
    """SHA-256 of what is asked."""
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()


def read_completion(content: Any) -> Reply:
    """The reply in the body of a chat completion.

    Raises:
        ValueError: it is no chat completion.
    """
    try:
        choice = content["choices"][0]
        message, usage = choice["message"], content.get("usage")
        finish = f"refusal: {message['refusal']}" if message.get("refusal") else choice.get("finish_reason") or ""
        tokens = Tokens(input=usage["prompt_tokens"], output=usage.get("completion_tokens", 0)) if usage else None
        return Reply(text=message.get("content") or "", finish=finish, tokens=tokens)
    except (LookupError, TypeError, AttributeError, ValidationError):
        raise ValueError(f"it is no chat completion: {json.dumps(content)[:200]}") from None


def never_answered(status: int, error: Mapping[str, Any]) -> Reply | None:
    """The empty reply to a request that is refused for what it is, from a status and OpenAI's error object; else None."""
    said = " ".join(str(error.get("message") or "").split())[:300]
    reasons = [error.get("code"), error.get("type")]
    if status == 400 and any(words in said for words in _TOO_LONG_WORDS):
        reasons.insert(0, _TOO_LONG)
    unwanted = next((reason for reason in reasons if isinstance(reason, str) and reason in _UNWANTED), None)
    return Reply(text="", finish=f"{unwanted}: {said}", tokens=Tokens()) if unwanted else None
