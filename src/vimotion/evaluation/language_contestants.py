"""VIMotion as a contestant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from vimotion.evaluation.contestants import Answer
from vimotion.evaluation.examples import GIVEN, GIVEN_A, IN_WORDS, TASKS, Example

if TYPE_CHECKING:
    from vimotion.chat import Model, Turn


class VIMotion:
    """A model, asked as the commands ask it: every example is a conversation of one turn.

    A model of stage 2 is asked all the same what only stage 3 teaches: editing, questions, and captions for its own drafts, by
    which the best one is chosen.
    """

    tasks: Sequence[str] = TASKS

    def __init__(self, name: str, loads: Sequence[Callable[[], Model]], seeds: Sequence[int] = ()) -> None:
        """
        Args:
            loads: give the model; called when there is something to answer. Of several trainings each has its own of `seeds`.
        """
        self.name, self._loads, self._seeds = name, loads, seeds
        self.drawn: Sequence[str] = [task for task in TASKS if len(loads) > 1 or task not in IN_WORDS]
        self.varied: Sequence[str] = ("text_to_motion",) if len(loads) == 1 else ()

    def answers(self, examples: Sequence[Example], seed: int) -> list[Answer]:
        model = self._loads[self._seeds.index(seed) if len(self._loads) > 1 else 0]()
        made = [turn_of(model, example, seed) for example in examples]
        turns = [turn for turn in made if not isinstance(turn, Exception)]
        said = iter(model.tokens(turns, at_once=max(1, sum(len(turn.drafts) for turn in turns))))
        return [
            turn if isinstance(turn, Exception) else finished(example, turn, next(said))
            for example, turn in zip(examples, made, strict=True)
        ]


def turn_of(model: Model, example: Example, seed: int) -> Turn | Exception:
    """The example as a turn; the error of a motion or length that the model cannot take."""
    from vimotion.chat import Wish

    try:
        if example.given is None:
            return model.turn_to_generate(example.text, example.seconds, seed)
        session = model.chat(example.system)
        given = session.add_motion(example.given, ending=example.task == "prediction")
        text = example.text.replace(GIVEN, given).replace(GIVEN_A, given)
        if example.task in IN_WORDS:
            return session.turn(text, Wish(motion="no", seed=seed))
        if example.task == "prediction":
            return session.turn(text, Wish(example.seconds, "must", continues=True, seed=seed))
        return session.turn(text, Wish(motion="must", people="ab", seed=seed))
    except ValueError as error:
        return error


def finished(example: Example, turn: Turn, tokens: Sequence[int]) -> Answer:
    """What the tokens answer; the error of what is no answer."""
    try:
        answer = turn.finish(tokens)
        return answer.text if example.task in IN_WORDS else answer.motion.interaction
    except ValueError as error:  # what cannot be parsed, or holds no motion, is a failed answer
        return error
