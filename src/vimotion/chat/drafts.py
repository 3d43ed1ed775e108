"""Several drafts of a motion made from words, and the choice among them.

The model reads motion better than it makes it, so it judges itself: of its drafts the one is kept that it would soonest
describe in the words that were asked for. Ours; the paper draws once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vimotion.language.layout import MotionCodes
from vimotion.language.rendering import parse_answer, render_prompt
from vimotion.language.vocabulary import neutralize
from vimotion.tasks.messages import Conversation, Message, MotionPart, TextPart

if TYPE_CHECKING:
    from vimotion.chat.session import Turn

# one of tasks/templates/caption.txt
QUESTION = "Write a caption for it."


def best(turn: Turn, drafts: Sequence[list[int]]) -> list[int]:
    """The tokens of the draft that agrees best with the words of a turn."""
    return drafts[0] if len(drafts) == 1 else max(drafts, key=lambda tokens: agreement(turn, tokens))


def agreement(turn: Turn, tokens: Sequence[int]) -> float:
    """How likely (mean log-probability a token) the model would describe the motion in an answer by the words of its turn."""
    model = turn.session.model
    spoken = next(part for part in parse_answer(tokens, model.tokenizer, model.layout) if isinstance(part, MotionCodes))
    question = Message("user", (MotionPart("draft", spoken.people), TextPart(f" {QUESTION}")))
    prompt = render_prompt(Conversation((question,)), model.tokenizer, model.layout, lambda _: spoken.codes)
    words = "".join(part.text for part in turn.message.parts if isinstance(part, TextPart))
    ids = model.tokenizer(neutralize(words.strip(), model.tokenizer), add_special_tokens=False)["input_ids"]
    return model.decoder.log_likelihood(prompt, ids)
