"""A conversation as token ids, and an answer's ids as parts: the one renderer of training, evaluation and chat.

The text around the messages is the tokenizer's own chat template, so `apply_chat_template` gives the same ids to anyone
who spells motion tokens out, in this program or in a server.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

import numpy as np
from transformers import PreTrainedTokenizerFast

from vimotion.language.layout import Layout, MalformedMotion, MotionCodes
from vimotion.language.vocabulary import neutralize
from vimotion.tasks.messages import Conversation, Message, MotionPart, TextPart

# The label of a token that the loss leaves out, as in transformers.
IGNORED = -100

# The system message where a conversation brings none. Short, because every example pays for it.
SYSTEM = "You are VIMotion."

# (people, rows, levels): the codes of what a motion part refers to.
CodesOf = Callable[[MotionPart], np.ndarray]


def render(
    conversation: Conversation, tokenizer: PreTrainedTokenizerFast, layout: Layout, codes_of: CodesOf
) -> tuple[list[int], list[int]]:
    """A whole conversation → its ids, and labels that are the ids in the assistant's answers and `IGNORED` elsewhere.

    An answer's label ends with the token that ends its turn. What tells anew where people are is not for the model to say, as
    the codec finds it in the codes before (`chat.legal`).
    """
    messages = _spelled(conversation, tokenizer, layout, codes_of)
    text = _template(tokenizer, messages)
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    ids: list[int] = encoded["input_ids"]
    starts = np.fromiter((start for start, _ in encoded["offset_mapping"]), dtype=np.int64, count=len(ids))
    learned = np.zeros(len(ids), dtype=bool)
    for begin, end in _answers(tokenizer, messages, text):
        learned[(starts >= begin) & (starts < end)] = True
    learned &= ~layout.is_retold(np.asarray(ids))
    return ids, np.where(learned, ids, IGNORED).tolist()


def render_prompt(
    conversation: Conversation, tokenizer: PreTrainedTokenizerFast, layout: Layout, codes_of: CodesOf
) -> list[int]:
    """A conversation up to now → the ids after which the assistant's answer begins."""
    text = _template(tokenizer, _spelled(conversation, tokenizer, layout, codes_of), answer_next=True)
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def parse_answer(ids: Sequence[int], tokenizer: PreTrainedTokenizerFast, layout: Layout) -> list[TextPart | MotionCodes]:
    """The ids that a model wrote as its answer → text and motions in order; what follows the end of turn is left out.

    Raises:
        MalformedMotion: a motion span is broken, not closed, or motion tokens stand outside of one.
    """
    ids = list(ids)
    if tokenizer.eos_token_id in ids:
        ids = ids[: ids.index(tokenizer.eos_token_id)]
    parts: list[TextPart | MotionCodes] = []
    position = 0
    while position < len(ids):
        if ids[position] == layout.start:
            if layout.end not in ids[position:]:
                raise MalformedMotion("A motion span is not closed.")
            stop = ids.index(layout.end, position) + 1
            parts.append(layout.parse(ids[position:stop]))
        else:
            following = (i for i in range(position, len(ids)) if layout.is_motion(ids[i]))
            stop = next(following, len(ids))
            if stop == position:
                raise MalformedMotion("A motion token stands outside of a motion span.")
            text = str(tokenizer.decode(ids[position:stop], skip_special_tokens=True)).strip()
            parts += [TextPart(text)] if text else []
        position = stop
    return parts


def with_system(template: str, system: str = SYSTEM) -> str:
    """A chat template that puts `system` before a conversation that has no system message, and is otherwise `template`.

    SmolLM2's own template would say "You are a helpful AI assistant named SmolLM, …" there, in 30 tokens.
    """
    opening = (
        "{% if not messages or messages[0]['role'] != 'system' %}"
        f"{{% set messages = [{{'role': 'system', 'content': {system!r}}}] + messages %}}"
        "{% endif %}"
    )
    return opening + template


def _spelled(
    conversation: Conversation, tokenizer: PreTrainedTokenizerFast, layout: Layout, codes_of: CodesOf
) -> list[dict[str, str]]:
    """Messages as the chat template takes them: motions spelled out, everything else disarmed."""
    return [{"role": m.role, "content": _content(m, tokenizer, layout, codes_of)} for m in conversation.messages]


def _content(message: Message, tokenizer: PreTrainedTokenizerFast, layout: Layout, codes_of: CodesOf) -> str:
    pieces = []
    # neighbouring texts are joined before they are disarmed, so that no spelling hides across the seam
    for is_text, parts in groupby(message.parts, lambda part: isinstance(part, TextPart)):
        if is_text:
            pieces.append(neutralize("".join(part.text for part in parts if isinstance(part, TextPart)), tokenizer))
        else:
            motions = [part for part in parts if isinstance(part, MotionPart)]
            pieces += [layout.spell(codes_of(part), part.people, before=layout.spec.steps(part.start)) for part in motions]
    # an answer begins right after its header and ends right before its end token, as it does when it is generated
    return "".join(pieces).strip()


def _template(tokenizer: PreTrainedTokenizerFast, messages: list[dict[str, str]], answer_next: bool = False) -> str:
    return str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=answer_next))


def _answers(tokenizer: PreTrainedTokenizerFast, messages: list[dict[str, str]], text: str) -> list[tuple[int, int]]:
    """Where in `text` the assistant's answers begin and end, their end-of-turn tokens included."""
    spans = []
    for i, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        before = _template(tokenizer, messages[:i], answer_next=True)
        through = _template(tokenizer, messages[: i + 1])
        closing = through.rfind(tokenizer.eos_token)
        if not text.startswith(through) or not through.startswith(before) or closing < len(before):
            raise ValueError("The chat template does not write a conversation message after message; it cannot be trained on.")
        spans.append((len(before), closing + len(tokenizer.eos_token)))
    return spans
