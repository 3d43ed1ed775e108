"""Requests as files of OpenAI's Batch API, and the replies from there: for `vllm run-batch` too, and for who wants it cheaper.

Replies are kept where those of a server are kept, so that the next run finds them. A bad reply is repaired by that run, or by
a second round of files.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vimotion.artifacts import atomic_path
from vimotion.errors import UserError
from vimotion.llm.budget import Request
from vimotion.llm.replies import Replies, Reply, never_answered, read_completion, request_key

# Of one file, by the rules of the Batch API.
MAX_REQUESTS = 50_000
MAX_BYTES = 200_000_000
_URL = "/v1/chat/completions"
_OK = 200
# Ids that a sentence about missing replies names.
_NAMED = 3


@dataclass(frozen=True)
class Kept:
    """What came of output files.

    Attributes:
        replies: new ones.
        known: replies that were kept before; the first one stays.
        problems: a sentence for each line that holds no reply, with its file and number, and one for all that is missing.
    """

    replies: int
    known: int
    problems: tuple[str, ...]


def write_batches(
    requests: Iterable[tuple[str, Request]], path: Path, max_requests: int = MAX_REQUESTS, max_bytes: int = MAX_BYTES
) -> list[Path]:
    """Requests by their ids as files beside `path`, numbered: drafts.jsonl becomes drafts-0001.jsonl, drafts-0002.jsonl, …

    Raises:
        UserError: there are such files already, two requests have one id, or one is larger than a file may be.
    """
    if old := sorted(path.parent.glob(f"{path.stem}-[0-9]*{path.suffix}")):
        raise UserError(f"There are batch files such as {old[0]} already; delete them, or choose another name.")
    files = []
    for number, lines in enumerate(_portions(_lines(requests), max_requests, max_bytes), 1):
        file = path.with_name(f"{path.stem}-{number:04d}{path.suffix}")
        with atomic_path(file) as temporary:
            temporary.write_bytes(b"".join(lines))
        files.append(file)
    return files


def keep_batches(outputs: Sequence[Path], inputs: Sequence[Path], replies: Replies) -> Kept:
    """Keep the replies in output files (and error files) to the requests in input files.

    Raises:
        UserError: a file cannot be read, an input file is none, or two of its requests have one id.
    """
    keys = _keys(inputs)
    heard, new, known, problems = set[str](), 0, 0, list[str]()
    for path in outputs:
        for number, line in _numbered(path):
            try:
                answer = json.loads(line)
                name = _known_id(answer, keys)
                heard.add(name)
                kept = replies.keep(keys[name], _reply(answer))
                new, known = new + kept, known + (not kept)
            except ValueError as error:
                problems.append(f"{path}, line {number}: {error}")
    if missing := [name for name in keys if name not in heard]:
        named = ", ".join(missing[:_NAMED]) + (", …" if len(missing) > _NAMED else "")
        problems.append(f"Without any line: {len(missing)} of {len(keys)} requests ({named})")
    return Kept(new, known, tuple(problems))


def _lines(requests: Iterable[tuple[str, Request]]) -> Iterator[bytes]:
    seen = set[str]()
    for name, request in requests:
        if name in seen:
            raise UserError(f"Two requests have the id {name}; ids must be unique.")
        seen.add(name)
        line = {"custom_id": name, "method": "POST", "url": _URL, "body": request}
        yield json.dumps(line, ensure_ascii=False).encode() + b"\n"


def _portions(lines: Iterable[bytes], max_requests: int, max_bytes: int) -> Iterator[list[bytes]]:
    """Lines in order, in as few files as in order can be."""
    portion, size = list[bytes](), 0
    for line in lines:
        if len(line) > max_bytes:
            raise UserError(f"A request of {len(line):,} bytes is larger than a batch file may be.")
        if len(portion) == max_requests or size + len(line) > max_bytes:
            yield portion
            portion, size = [], 0
        portion.append(line)
        size += len(line)
    if portion:
        yield portion


def _keys(inputs: Sequence[Path]) -> dict[str, str]:
    """The key of each request by its id."""
    keys = dict[str, str]()
    for path in inputs:
        for number, line in _numbered(path):
            try:
                asked = json.loads(line)
                name, key = asked["custom_id"], request_key(asked["body"])
            except (ValueError, LookupError, TypeError):
                raise UserError(f"{path}, line {number} is no request of a batch; give the files that were written.") from None
            if name in keys:
                raise UserError(f"{path}, line {number} asks for {name} again; read one round of files at a time.")
            keys[name] = key
    return keys


def _numbered(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file that are not blank, with their numbers."""
    try:
        with path.open(encoding="utf-8") as file:
            yield from ((number, line) for number, line in enumerate(file, 1) if line.strip())
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"The batch file {path} cannot be read: {error}.") from None


def _known_id(answer: Any, keys: Mapping[str, str]) -> str:
    name = answer.get("custom_id") if isinstance(answer, dict) else None
    if name not in keys:
        raise ValueError(f"nobody asked for {name!r}")
    return str(name)


def _reply(answer: dict[str, Any]) -> Reply:
    """The reply in an output line: empty where such a request is never answered, so that it is not asked again.

    Raises:
        ValueError: the line tells of an error that may pass, or holds no chat completion.
    """
    response = answer.get("response") or {}
    if not isinstance(response, dict):
        raise ValueError(f"{answer['custom_id']} holds no chat completion: {json.dumps(response)[:300]}")
    status, body = response.get("status_code", _OK), response.get("body")
    if not answer.get("error") and status == _OK:
        return read_completion(body)
    said = answer.get("error") or body
    if isinstance(said, dict):
        told = said.get("error", said)  # the API wraps its error object, vLLM does not
        if isinstance(told, dict) and (empty := never_answered(status, told)):
            return empty
    raise ValueError(f"{answer['custom_id']} was refused with {status}: {json.dumps(said)[:300]}")
