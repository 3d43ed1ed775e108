"""Talking with a model: `load_model`, `Model`, `ChatSession`."""

from vimotion.chat.decode import Sampling
from vimotion.chat.model import Model, load_model
from vimotion.chat.motions import Motion
from vimotion.chat.session import Answer, ChatSession, Done, MotionEvent, TextEvent, Turn, Wish

__all__ = [
    "Answer", "ChatSession", "Done", "Model", "Motion", "MotionEvent", "Sampling", "TextEvent", "Turn", "Wish", "load_model",
]  # fmt: skip
