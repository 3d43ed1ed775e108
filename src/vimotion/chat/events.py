"""An answer as it comes: text by pieces, a motion step by step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from transformers import PreTrainedTokenizerFast

from vimotion.language.layout import Layout, MotionCodes
from vimotion.tasks.messages import People

# Stands at the end of a decoded text where a character is not complete yet.
_INCOMPLETE = "\ufffd"


class Follower:
    """Takes the legal tokens of an answer one by one, and tells what is new.

    The pieces of one stretch of text add up to what `language.parse_answer` finds there; the last codes of a motion are its
    codes. A stretch of text after a motion begins with a space, if there was text before.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast, layout: Layout, before: Sequence[int] = ()) -> None:
        """`before` are the tokens of the motion that the answer may go on with, as `Rules` has them."""
        self._tokenizer, self._layout, self._before = tokenizer, layout, before
        # of the stretch of text: its tokens, and what of it was told; of the whole answer: whether there was text before it
        self._text: list[int] = []
        self._said, self._spoken = "", False
        # of the open motion span: its tokens, who is in it first
        self._span: list[int] | None = None

    def push(self, token: int) -> str | MotionCodes | None:
        """A new piece of text, all codes so far after a whole step of a motion, or nothing yet."""
        if self._span is not None:
            return self._moved(self._span, token)
        if token == self._layout.start:
            piece = self.rest()
            self._spoken = self._spoken or bool(self._said)
            self._text, self._said, self._span = [], "", []
            return piece
        if token != self._tokenizer.eos_token_id:
            self._text.append(token)
        return None if self._decoded().endswith(_INCOMPLETE) else self.rest()

    def rest(self) -> str | None:
        """What of the text was held back for a character that is not complete, if anything."""
        so_far = self._decoded()
        if len(so_far) <= len(self._said):
            return None
        piece = (" " if self._spoken and not self._said else "") + so_far[len(self._said) :]
        self._said = so_far
        return piece

    def _decoded(self) -> str:
        return str(self._tokenizer.decode(self._text, skip_special_tokens=True)).strip()

    def _moved(self, span: list[int], token: int) -> MotionCodes | None:
        layout = self._layout
        if token == layout.end:
            self._span = None
            return None
        span.append(token)
        people: People = next(people for people, who in layout.who.items() if who == span[0])
        if len(span) == 1:
            return None
        passed = 0 if layout.is_place(span[1]) else len(self._before)
        whole = layout.slot(passed + len(span) - 1, people).between_steps
        return layout.parse([layout.start, *span, layout.end]) if whole else None


def follow(
    tokens: Iterable[int], tokenizer: PreTrainedTokenizerFast, layout: Layout, before: Sequence[int] = ()
) -> Iterator[str | MotionCodes]:
    """Legal tokens of an answer → new pieces of text, and after each whole step of a motion all its codes so far."""
    follower = Follower(tokenizer, layout, before)
    for token in tokens:
        if (news := follower.push(token)) is not None:
            yield news
    if piece := follower.rest():
        yield piece
