"""Tasks: from a record of a corpus to a conversation of text and motion parts. Knows no tokens and no models."""

from vimotion.tasks.messages import Conversation, Message, MotionPart, Part, People, Role, TextPart, unsaid
from vimotion.tasks.sampling import TASKS, ask, possible_tasks, questions, sample_conversation
from vimotion.tasks.templates import length_sentence

__all__ = [
    "TASKS", "Conversation", "Message", "MotionPart", "Part", "People", "Role", "TextPart", "ask", "length_sentence",
    "possible_tasks", "questions", "sample_conversation", "unsaid",
]  # fmt: skip
