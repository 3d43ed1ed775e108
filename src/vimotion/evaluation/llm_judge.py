"""A language model as judge of answers in words: logic, content and naturalness, 0 to 10 each.

The judge does not learn whose answer it reads, sees all answers to an example at once in one order and then in the reverse one
(the scores are the means), and is asked everything once: replies are kept by the content of what was asked. Any server with the
API of OpenAI's chat completions will do.
"""

from __future__ import annotations

import hashlib
import json
import os
import string
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from vimotion.artifacts import atomic_path, vimotion_home
from vimotion.config import Config
from vimotion.errors import UserError

ASPECTS = ("logic", "content", "naturalness")
_LABELS = string.ascii_uppercase
_BEST = 10.0
# What a server says when it is busy or stumbles, and may do better later.
_PASSING = {408, 409, 425, 429, 500, 502, 503, 504}


class JudgeConfig(Config):
    """Which model judges.

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
    cache: Path = Path("cache/judge")


@dataclass(frozen=True)
class Asked:
    """One example: what happens (a caption), what was asked about it, and a good answer."""

    context: str
    question: str
    reference: str


@dataclass(frozen=True)
class Verdict:
    """Scores of one answer, 0 to 10 each, means over both orders."""

    logic: float
    content: float
    naturalness: float


class Judge:
    """A model behind a server, its prompt and its kept replies."""

    def __init__(self, config: JudgeConfig) -> None:
        self.config = config
        self._folder = vimotion_home() / config.cache

    @cached_property
    def identity(self) -> dict[str, str]:
        """What must be the same for two scores to be compared: the model and the hash of the prompt."""
        prompt = hashlib.sha256("".join(_prompt(name) for name in ("system", "question")).encode()).hexdigest()
        return {"model": self.config.model, "prompt": prompt[:16]}

    def judge(self, asked: Asked, answers: Mapping[str, str | None]) -> dict[str, Verdict]:
        """Scores of the contestants' answers to one example.

        Args:
            answers: by contestant; None or an empty text for a failed one, which scores 0 unseen.

        Raises:
            UserError: the server cannot be reached, refuses, or gives no reply that can be read.
        """
        # by their texts, so that neither names nor the order of contestants have a say
        there = sorted({text.strip() for text in answers.values() if text and text.strip()})
        if len(there) > len(_LABELS):
            raise ValueError(f"The judge compares at most {len(_LABELS)} answers at once, not {len(there)}.")
        orders = [there, there[::-1]] if len(there) > 1 else [there] if there else []
        seen = [dict(zip(order, self._scores(asked, order), strict=True)) for order in orders]
        verdicts = {text: Verdict(*np.mean([scores[text] for scores in seen], axis=0).tolist()) for text in there}
        return {name: verdicts.get((text or "").strip(), Verdict(0.0, 0.0, 0.0)) for name, text in answers.items()}

    def _scores(self, asked: Asked, answers: list[str]) -> list[tuple[float, ...]]:
        """Scores of answers shown in this order, from the kept replies or the server."""
        labels = _LABELS[: len(answers)]
        form = {label: dict.fromkeys(ASPECTS, "0 to 10") for label in labels}
        shown = "\n\n".join(f"[{label}]\n{text}" for label, text in zip(labels, answers, strict=True))
        fields = {"context": asked.context, "question": asked.question, "reference": asked.reference}
        question = _prompt("question").format(**fields, answers=shown, form=json.dumps(form))
        request = {
            "model": self.config.model,
            "messages": [{"role": "system", "content": _prompt("system")}, {"role": "user", "content": question}],
            "temperature": self.config.temperature,
            "seed": self.config.seed,
            "max_tokens": self.config.max_tokens,
        }
        key = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
        path = self._folder / key[:2] / f"{key}.json"
        if path.is_file():
            return _read_scores(json.loads(path.read_text(encoding="utf-8"))["reply"], labels)
        reply, scores = self._ask(request, labels)
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps({"request": request, "reply": reply}, indent=1) + "\n", encoding="utf-8")
        return scores

    def _ask(self, request: dict[str, Any], labels: str) -> tuple[str, list[tuple[float, ...]]]:
        """A reply that can be read, and its scores."""
        reason = ""
        for number in range(self.config.tries):
            if number:
                time.sleep(self.config.pause * 2 ** (number - 1))
            # another seed, or the same unreadable reply would come again
            reply, reason = self._send({**request, "seed": self.config.seed + number})
            if reply is None:
                continue
            try:
                return reply, _read_scores(reply, labels)
            except ValueError as error:
                reason = f"its reply cannot be read: {error}"
        raise UserError(f"The judge {self.config.model} at {self.config.base_url} gave no scores ({reason}).")

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
                raise UserError(f"The judge's server at {url} refuses: {error.code} {error.reason}.") from None
            return None, f"{error.code} {error.reason}"
        except (OSError, ValueError, LookupError, TypeError) as error:
            return None, f"{type(error).__name__}: {error}"


def _read_scores(reply: str, labels: str) -> list[tuple[float, ...]]:
    """Scores by label, in the order of the aspects.

    Raises:
        ValueError: the reply is not the JSON that was asked for, or a score is not from 0 to 10.
    """
    start, end = reply.find("{"), reply.rfind("}")
    content = json.loads(reply[start : end + 1]) if start >= 0 else None
    if not isinstance(content, dict) or set(content) != set(labels):
        raise ValueError(f"it must hold the keys {', '.join(labels)}")
    scores = []
    for label in labels:
        given = content[label]
        if not isinstance(given, dict) or not all(_is_score(given.get(aspect)) for aspect in ASPECTS):
            raise ValueError(f"answer {label} needs {', '.join(ASPECTS)} from 0 to 10")
        scores.append(tuple(float(given[aspect]) for aspect in ASPECTS))
    return scores


def _is_score(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _BEST


def _prompt(name: str) -> str:
    return (files("vimotion.evaluation") / "prompts" / f"judge_{name}.txt").read_text(encoding="utf-8")
