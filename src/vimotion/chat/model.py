"""`Model`: a model folder ready to talk, and the short way to each thing that it can do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from vimotion.artifacts import run_folder
from vimotion.chat.decode import Decoder
from vimotion.chat.drafts import best
from vimotion.chat.legal import LegalTokens
from vimotion.chat.motions import Motion
from vimotion.chat.served import Served, ServedDecoder
from vimotion.chat.server import Address
from vimotion.chat.session import Answer, ChatSession, Given, Turn, Wish
from vimotion.errors import UserError
from vimotion.language.model_folder import ModelFolder
from vimotion.tasks.templates import length_sentence

# What is asked where nothing else is said.
DESCRIBE, REACT = "What is happening?", "How does the other person react?"
# Text tokens that may come before a motion that was asked for: an account of what it will show.
_ACCOUNT = 120
# The model that comes with the package, packed.
SHIPPED = Path(__file__).parents[1] / "model"


class Model:
    """A model that talks. Everything follows from the arguments: the same seed gives the same motion."""

    def __init__(self, folder: ModelFolder | Served, name: str, int8: bool | None = None) -> None:
        """`int8`: 8-bit weights; by default on a CPU. A server has its own."""
        self.name = name
        self.tokenizer, self.layout, self.codec = folder.tokenizer, folder.layout, folder.codec
        self.decoder: Decoder | ServedDecoder
        if isinstance(folder, Served):
            self.decoder = folder.decoder
        else:
            self.decoder = Decoder(folder.model, LegalTokens(self.layout, self.tokenizer, self.codec), int8)

    def chat(self, system: str = "") -> ChatSession:
        """A new conversation."""
        return ChatSession(self, system)

    def answers(self, turns: Sequence[Turn], at_once: int = 16) -> list[Answer]:
        """The answers to turns of different conversations, many at a time."""
        return [turn.finish(said) for turn, said in zip(turns, self.tokens(turns, at_once), strict=True)]

    def tokens(self, turns: Sequence[Turn], at_once: int = 16) -> list[list[int]]:
        """The same as tokens, the best draft of each. A server, which does not judge drafts, makes one."""
        if isinstance(self.decoder, ServedDecoder):
            return self.decoder.answers([turn.request for turn in turns], at_once)
        drafts = iter(self.decoder.answers([request for turn in turns for request in turn.drafts], at_once))
        return [best(turn, [next(drafts) for _ in turn.drafts]) for turn in turns]

    def generate(self, text: str, duration: float | None = None, seed: int = 0) -> Motion:
        """Two people doing what a text says, for `duration` seconds (0.5 to 10), or as long as it takes."""
        return self._answer(self.turn_to_generate(text, duration, seed)).motion

    def react(self, motion: Given, seed: int = 0) -> Motion:
        """A lone person's motion (or the first person of two) with somebody else who answers it, in the same world."""
        return self._answer(self.turn_to_react(motion, seed)).motion

    def edit(self, motion: Given, instruction: str, duration: float | None = None, seed: int = 0) -> Motion:
        """The motion changed as a sentence says."""
        return self._answer(self.turn_to_edit(motion, instruction, duration, seed)).motion

    def go_on(self, motion: Given, duration: float | None = None, seed: int = 0) -> Motion:
        """The motion and what happens next, for `duration` seconds more, or as long as it takes."""
        return self._answer(self.turn_to_go_on(motion, duration, seed)).motion

    def describe(self, motion: Given) -> str:
        """What happens in a motion."""
        return self._answer(self.turn_to_describe(motion)).text

    def ask(self, motion: Given, question: str) -> str:
        """The answer to a question about a motion."""
        return self._answer(self.turn_to_ask(motion, question)).text

    def turn_to_generate(self, text: str, duration: float | None = None, seed: int = 0) -> Turn:
        return self.chat().turn(_with_length(text, duration), Wish(duration, "must", "ab", seed=seed, max_words=_ACCOUNT))

    def turn_to_react(self, motion: Given, seed: int = 0) -> Turn:
        session, given = self._about(motion)
        return session.turn(f"<{given}.a> {REACT}", Wish(motion="must", people="ab", seed=seed, max_words=_ACCOUNT))

    def turn_to_edit(self, motion: Given, instruction: str, duration: float | None = None, seed: int = 0) -> Turn:
        session, given = self._about(motion)
        people = session.motions[given].people
        return session.turn(f"<{given}> {instruction}", Wish(duration, "must", people, seed=seed, max_words=_ACCOUNT))

    def turn_to_go_on(self, motion: Given, duration: float | None = None, seed: int = 0) -> Turn:
        session, given = self._about(motion, ending=True)
        text = _with_length(f"<{given}> What happens next?", duration)
        return session.turn(text, Wish(duration, "must", continues=True, seed=seed, max_words=_ACCOUNT))

    def turn_to_describe(self, motion: Given) -> Turn:
        return self.turn_to_ask(motion, DESCRIBE)

    def turn_to_ask(self, motion: Given, question: str) -> Turn:
        if not question.strip():
            raise UserError("An empty question has no answer; ask something.")
        session, given = self._about(motion)
        return session.turn(f"<{given}> {question}", Wish(motion="no"))

    def _answer(self, turn: Turn) -> Answer:
        return self.answers([turn])[0]

    def _about(self, motion: Given, ending: bool = False) -> tuple[ChatSession, str]:
        """A conversation that holds a motion, and the motion's name in it."""
        session = self.chat()
        session.add_motion(motion, ending)
        return session, next(iter(session.motions))


def load_model(model: str | Path | None = None, int8: bool | None = None, device: str = "cpu") -> Model:
    """The model in a folder, that of a training run by its name, one behind a server, or the one that comes with VIMotion.

    Args:
        model: a served one is [FOLDER@]URL[#NAME], see `chat.server.Address`.
        device: where torch keeps it, such as "cuda"; a served model is where its server has it.

    Raises:
        UserError: there is none, or it cannot be loaded or asked.
    """
    if model is not None and "://" in str(model):
        address = Address.read(str(model))
        return Model(Served.connect(address, find_model(address.files)), str(model), int8)
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError):
        raise UserError(f"torch has no device {device!r} here; use the cpu, or install torch for your GPU.") from None
    return Model(ModelFolder.load(find_model(model), device), "default" if model is None else str(model), int8)


def find_model(model: str | Path | None = None) -> Path:
    """The folder of a model by its path or the name of its run; by default the one that comes with VIMotion.

    Raises:
        UserError: there is none.
    """
    if model is None:
        if not (SHIPPED / "config.json").is_file():
            raise UserError(
                "No model comes with this copy of VIMotion: train one (`bash runs/default.sh`) or name a folder (--model)."
            )
        return SHIPPED
    folder = next((path for path in (Path(model).expanduser(), run_folder(str(model))) if path.is_dir()), None)
    if folder is None:
        raise UserError(f"There is no model {str(model)!r}: name a model folder, or a run under {run_folder('')}.")
    return folder


def _with_length(text: str, duration: float | None) -> str:
    if duration is None or not text.strip():
        return text
    closed = text.rstrip() if text.rstrip()[-1] in ".!?>" else text.rstrip() + "."
    return f"{closed} {length_sentence(duration)}"
