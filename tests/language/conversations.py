"""Small things that the tests of this room share."""

from __future__ import annotations

import numpy as np

from vimotion.tasks.messages import Conversation, Message, MotionPart, TextPart
from vimotion.tokenizer.spec import CodecSpec

SPEC = CodecSpec(step_frames=8, levels=3, codebook_size=16, segment_steps=2)


def codes_of(part: MotionPart) -> np.ndarray:
    """Any codes of three steps, always the same for the same part.

    The second row of a placement has room for one number, and for none where it is told anew.
    """
    random = np.random.default_rng(len(part.motion) + part.start)
    rows = SPEC.rows_between(part.start, part.start + 3 * SPEC.step_frames)
    codes = random.integers(0, SPEC.codebook_size, (len(part.people), rows.stop, SPEC.levels))
    second = np.flatnonzero(~SPEC.step_rows(rows.stop))[1::2]
    codes[:, second[:1], 1:] = 0
    codes[:, second[1:]] = 0
    return codes[:, rows]


def user(*parts: str | MotionPart) -> Message:
    return Message("user", tuple(TextPart(part) if isinstance(part, str) else part for part in parts))


def assistant(*parts: str | MotionPart) -> Message:
    return Message("assistant", tuple(TextPart(part) if isinstance(part, str) else part for part in parts))


CONVERSATION = Conversation(
    (
        user("Two people shake hands."),
        assistant(MotionPart("first")),
        user("What happens in ", MotionPart("first", "b", 16), "?"),
        assistant("The second one answers like this: ", MotionPart("second", "a"), " and then they part."),
    )
)
