"""Things to say to begin with, one for each task."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vimotion.chat.model import REACT
from vimotion.formats.npz import load_npz
from vimotion.motion import Interaction

# What an answer is to be: the words of the form, and the fields of the request.
ANSWERS: dict[str, tuple[str, dict[str, object]]] = {
    "any": ("as the model thinks fit", {}),
    "motion": ("a motion", {"motion": "must"}),
    "words": ("words", {"motion": "no"}),
    "next": ("what happens next, as a motion", {"motion": "must", "continues": True}),
}
# How a message speaks of a motion: of all of it, or of one person, who is to be answered by another.
Part = Literal["whole", "a", "b"]


@dataclass(frozen=True)
class Example:
    """What is said; `part` of a motion it is about (None: of none), what the answer is to be, and the model's role."""

    task: str
    words: str
    part: Part | None = "whole"
    answer: str = "motion"
    role: str = ""


ROLE = "You are the shy newcomer. The user is the host."
EXAMPLES = (
    Example("Make", "Two people walk up to each other and shake hands.", None),
    Example("Describe", "What are the two people doing?", answer="words"),
    Example("React", REACT, "a"),
    Example("Edit", "Make it slower."),
    Example("Ask", "What happened before this?", answer="words"),
    Example("Continue", "What happens next?", answer="next"),
    Example("Role", "This is me. How do you answer?", "a", role=ROLE),
)
EXAMPLE_NAME = "Two people shake hands (an example)"


def example_motion() -> Interaction:
    """What the examples are about in a conversation that has no motion yet: a handshake of the scripted corpus."""
    return load_npz(Path(__file__).parent / "static" / "example.npz")
