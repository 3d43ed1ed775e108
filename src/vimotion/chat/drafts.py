"""Several drafts of a motion made from words, and the choice among them.

The model reads motion better than it makes it, so it judges itself: of its drafts the one is kept that it would soonest
describe in the words in which the answer announced it, or else in those that were asked for. Ours; the paper draws once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vimotion.chat.decode import Decoder
from vimotion.language.layout import MotionCodes
from vimotion.language.rendering import parse_answer, render_prompt
from vimotion.language.vocabulary import neutralize
from vimotion.tasks.messages import Conversation, Message, MotionPart, TextPart

if TYPE_CHECKING:
    from vimotion.chat.session import Turn

# one of tasks/templates/caption.txt
QUESTION = "Write a caption for it."


def best(turn: Turn, drafts: Sequence[list[int]]) -> list[int]:
    """The tokens of the draft that agrees best with its words."""
    return drafts[0] if len(drafts) == 1 else max(drafts, key=lambda tokens: agreement(turn, tokens))


def agreement(turn: Turn, tokens: Sequence[int]) -> float:
    """How likely (mean log-probability a token) the model would describe the motion in an answer by the words before it.

    Where there are none, by the words of the turn.
    """
    model = turn.session.model
    parts = parse_answer(tokens, model.tokenizer, model.layout)
    spoken = next(part for part in parts if isinstance(part, MotionCodes))
    question = Message("user", (MotionPart("draft", spoken.people), TextPart(f" {QUESTION}")))
    prompt = render_prompt(Conversation((question,)), model.tokenizer, model.layout, lambda _: spoken.codes)
    words = _words(parts) or _words(turn.message.parts)
    ids = model.tokenizer(neutralize(words, model.tokenizer), add_special_tokens=False)["input_ids"]
    assert isinstance(model.decoder, Decoder)  # a server makes one draft
    return model.decoder.log_likelihood(prompt, ids)


def _words(parts: Sequence[object]) -> str:
    return "".join(part.text for part in parts if isinstance(part, TextPart)).strip()
