"""An answer as it comes: text by pieces, a motion step by step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from transformers import PreTrainedTokenizerFast

from vimotion.language.layout import Layout, MotionCodes
from vimotion.tasks.messages import People

# Stands at the end of a decoded text where a character is not complete yet.
_INCOMPLETE = "\ufffd"


def follow(tokens: Iterable[int], tokenizer: PreTrainedTokenizerFast, layout: Layout) -> Iterator[str | MotionCodes]:
    """Legal tokens of an answer → new pieces of text, and after each whole step of a motion all its codes so far.

    The pieces of one stretch of text add up to what `language.parse_answer` finds there; the last codes of a motion are its
    codes. A stretch of text after a motion begins with a space, if there was text before.
    """
    text: list[int] = []
    said, spoken = "", False
    for token in (stream := iter(tokens)):
        if token == layout.start:
            if piece := _text(text, tokenizer)[len(said) :]:
                yield piece
            spoken, text, said = spoken or bool(said or piece), [], ""
            yield from _motion(stream, layout)
        elif token != tokenizer.eos_token_id:
            text.append(token)
            so_far = _text(text, tokenizer)
            if so_far.endswith(_INCOMPLETE) or len(so_far) <= len(said):
                continue
            yield (" " if spoken and not said else "") + so_far[len(said) :]
            said = so_far
    if piece := _text(text, tokenizer)[len(said) :]:
        yield (" " if spoken and not said else "") + piece


def _text(ids: list[int], tokenizer: PreTrainedTokenizerFast) -> str:
    return str(tokenizer.decode(ids, skip_special_tokens=True)).strip()


def _motion(stream: Iterator[int], layout: Layout) -> Iterator[MotionCodes]:
    """Codes so far after each step; takes the stream to the end of the span."""
    who = next(stream)
    people: People = next(people for people, token in layout.who.items() if token == who)
    inside: list[int] = []
    for token in stream:
        if token == layout.end:
            return
        inside.append(token)
        codes = len(inside) - (layout.placement_length(people) if layout.is_place(inside[0]) else 0)
        if codes > 0 and codes % layout.step_length(people) == 0:
            yield layout.parse([layout.start, who, *inside, layout.end])
