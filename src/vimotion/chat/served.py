"""A model that a server runs: it gets the prompt that the one renderer makes, and what comes back is held to legal answers.

A motion span is asked for up to the next token that is certain. Where a token comes that is not legal, or the answer breaks
off, the rest is asked for again; where nothing legal comes after some draws, the span ends with its last whole step.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from warnings import warn

import numpy as np
import torch
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from vimotion.chat.decode import Request
from vimotion.chat.legal import Draft, LegalTokens
from vimotion.chat.server import Address, Opened, Server
from vimotion.chat.span_grammar import grammar, spots_ahead
from vimotion.errors import UserError
from vimotion.language.layout import Layout
from vimotion.language.model_folder import CODEC
from vimotion.language.vocabulary import START, MotionVocabulary
from vimotion.tokenizer import MotionTokenizer

_TOKEN, _BEGUN = re.compile(r"<\|[^|]*\|>"), re.compile(r"(<(\|[^|]*\|?)?)?")
# The id of nothing: never legal.
_NONE = -1
# Draws of a token that must be legal, where the likeliest is not all that may be drawn.
_DRAWS = 3


@dataclass(eq=False)
class Served:
    """What stands in for a `ModelFolder` where the weights are elsewhere."""

    tokenizer: PreTrainedTokenizerFast
    codec: MotionTokenizer
    layout: Layout
    decoder: ServedDecoder

    @staticmethod
    def connect(address: Address, files: Path) -> Served:
        """The model at an address, with the tokenizer and the codec of a model folder, of which the weights may be missing.

        Raises:
            UserError: the server cannot be used, or `files` do not belong to the model that it runs.
        """
        try:
            tokenizer: Any = AutoTokenizer.from_pretrained(files, local_files_only=True)
        except (OSError, ValueError) as error:
            raise UserError(f"{files} holds no tokenizer: {str(error).splitlines()[0]}") from error
        codec = MotionTokenizer.load(files / CODEC)
        layout = Layout(codec.spec, MotionVocabulary(codec.spec).find_in(tokenizer))
        server = Server(address)
        text = "".join(layout.vocabulary.tokens[at] for at in (0, 2, 5, layout.vocabulary.first_code, -1, 1)) + "Who is it?"
        if server.count(text) not in (None, len(tokenizer(text)["input_ids"])):
            raise UserError(
                f"The model at {address.url} reads other tokens than those in {files}; name the folder of that very model: "
                f"FOLDER@{address.url}."
            )
        legal = LegalTokens(layout, tokenizer, codec)
        return Served(tokenizer, codec, layout, ServedDecoder(server, legal, tokenizer))


class ServedDecoder:
    """Answers requests as `chat.decode.Decoder` does. The server draws: the same seed gives the same only as far as it does."""

    def __init__(self, server: Server, legal: LegalTokens, tokenizer: PreTrainedTokenizerFast) -> None:
        self.server, self.legal, self.tokenizer = server, legal, tokenizer
        self._vocabulary: dict[str, int] = tokenizer.get_vocab()

    @property
    def max_length(self) -> int | None:
        """Tokens that the model reads; None where its server does not tell."""
        return self.server.max_length

    def answers(self, requests: Sequence[Request], slots: int = 16) -> list[list[int]]:
        """The answers to many requests, `slots` of them at a time."""
        with ThreadPoolExecutor(max_workers=max(1, min(slots, len(requests)))) as pool:
            return list(pool.map(lambda request: list(self.stream(request)), requests))

    def stream(self, request: Request, opened: Opened | None = None) -> Iterator[int]:
        """The answer's tokens as they come, those of a motion in whole steps; its end of turn included.

        Args:
            opened: is called whenever the server begins to answer, with what breaks that off from any thread.

        Raises:
            UserError: the server fails, or says nothing that is legal.
        """
        self._check(request)
        prompt, draft, given, draws = self._prompt(request.prompt), self.legal.begin(request.rules), 0, 0
        while not draft.done:
            before = len(draft.tokens)
            for token in self._legal_ones(request, prompt, draft, draws, opened):
                draft.push(token)
                ready = _whole(draft)
                yield from draft.tokens[given:ready]
                given = ready
            draws = draws + 1 if len(draft.tokens) == before else 0
            if draws == (_DRAWS if request.motion.temperature else 1):
                yield from self._broken_off(draft)
                return

    def _legal_ones(
        self, request: Request, prompt: str, draft: Draft, draws: int, opened: Opened | None
    ) -> Iterator[int]:  # fmt: skip
        """The next tokens, as long as they are legal; between spans there is always one."""
        none = True
        with closing(self._next(request, prompt, draft, draws, opened)) as said:
            for token in said:
                if not self._is_legal(draft, token):
                    break
                none = False
                yield token
        if none and draft.place.kind == "text":
            yield self._mended(draft)

    def _next(
        self, request: Request, prompt: str, draft: Draft, draws: int, opened: Opened | None
    ) -> Generator[int]:  # fmt: skip
        """What may be the next tokens: the one that is certain, or what the server says."""
        ids = self.legal.ids(*draft.at)
        if len(ids) == 1:
            yield int(ids)
            return
        written = prompt + self._spelled(draft.tokens)
        seed = int(np.random.SeedSequence([request.seed, len(draft.tokens), draws]).generate_state(1)[0]) >> 1
        yield from (self._words if draft.place.kind == "text" else self._codes)(request, written, draft, seed, opened)

    def _words(
        self, request: Request, written: str, draft: Draft, seed: int, opened: Opened | None
    ) -> Iterator[int]:  # fmt: skip
        """Words one after another, then the start of a motion or the end of the turn."""
        layout, rules = self.legal.layout, request.rules
        room = rules.max_text - sum(not layout.is_motion(token) for token in draft.tokens)
        banned = [layout.start] * (rules.motion == "no") + [self.legal.end_of_turn] * (rules.motion == "must")
        said = end = ""
        with closing(self.server.complete(written, room + 1, request.words, seed, banned, opened=opened)) as pieces:
            for piece in pieces:
                said, end = said + piece.text, piece.end
                if START in said:
                    break
                words, space, rest = said.rpartition(" ")
                yield from self._ids(words)
                said = space + rest
        words, start, _ = said.partition(START)
        yield from self._ids(words)
        if start:
            yield layout.start
        elif end == "stop":
            yield self.legal.end_of_turn

    def _codes(
        self, request: Request, written: str, draft: Draft, seed: int, opened: Opened | None
    ) -> Iterator[int]:  # fmt: skip
        """Tokens of the open span, up to the next one that is certain."""
        layout, spots = self.legal.layout, spots_ahead(draft)
        left, said, vocabulary = len(spots), "", self._vocabulary
        held = grammar(spots, layout.spec)
        with closing(self.server.complete(written, left, request.motion, seed, grammar=held, opened=opened)) as pieces:
            for piece in pieces:
                said = (said + piece.text).lstrip()
                while found := _TOKEN.match(said):
                    token, said = vocabulary.get(found[0], _NONE), said[found.end() :].lstrip()
                    yield token
                    left -= 1
                    if token == layout.end or not left:
                        return
                if not _BEGUN.fullmatch(said):
                    yield _NONE

    def _mended(self, draft: Draft) -> int:
        """What comes between spans where the server says nothing legal."""
        legal = self.legal
        if self._is_legal(draft, legal.end_of_turn):
            return legal.end_of_turn
        if draft.rules.motion == "must":
            return legal.layout.start
        raise UserError(f"The model at {self.server.url} said nothing; ask it in other words.")

    def _broken_off(self, draft: Draft) -> list[int]:
        """How an answer ends in whose open span nothing legal comes: after the last whole step."""
        layout = self.legal.layout
        ready = _whole(draft)
        if ready < len(draft.tokens) and draft.tokens[ready] == layout.start:
            raise UserError(
                f"The model at {self.server.url} wrote no motion that can be read; try another seed, or a server that holds "
                "answers to a grammar (vLLM, llama.cpp)."
            )
        warn(f"The model at {self.server.url} broke a motion off; it ends with its last whole step.", stacklevel=2)
        return [layout.end, self.legal.end_of_turn]

    def _is_legal(self, draft: Draft, token: int) -> bool:
        return bool(torch.any(self.legal.ids(*draft.at) == token))

    def _check(self, request: Request) -> None:
        if request.motion.guidance not in (None, 1):
            raise UserError("A server draws motions without guidance; leave it out, or load the model itself.")
        length, most = len(request.prompt) + self.legal.longest(request.rules), self.server.max_length
        if most is not None and length > most:
            raise UserError(
                f"The conversation would take {length} tokens, but the server reads {most}; undo some turns or start a new one."
            )

    def _prompt(self, ids: Sequence[int]) -> str:
        """A prompt as the text of which a server, which may put a first token before it, makes these ids."""
        whole = self._spelled(ids)
        for text in (whole, whole.removeprefix(str(self.tokenizer.bos_token))):
            if self.tokenizer(text)["input_ids"] == list(ids):
                return text
        raise UserError("This model's tokenizer does not read back what it writes, so no server can be asked for it.")

    def _spelled(self, ids: Sequence[int]) -> str:
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False))

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids


def _whole(draft: Draft) -> int:
    """Tokens of an answer that stay, whatever follows: of an open span, those up to its last whole step, if it has one."""
    tokens, layout = draft.tokens, draft.legal.layout
    opened = max((at for at, token in enumerate(tokens) if token == layout.start), default=None)
    if opened is None or layout.end in tokens[opened:]:
        return len(tokens)
    span = tokens[opened:]
    if len(span) < 3:
        return opened
    people = next(people for people, token in layout.who.items() if token == span[1])
    passed = 0 if layout.is_place(span[2]) else len(draft.rules.before)
    for inside in range(len(span) - 2, 0, -1):
        if layout.slot(passed + inside, people).between_steps:
            return opened + 2 + inside
    return opened
