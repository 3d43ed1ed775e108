"""One answer to one example: right or wrong, and why."""

from __future__ import annotations

from typing import Any

import numpy as np

from vimotion.evaluation.edits import edit_failure
from vimotion.evaluation.examples import Example
from vimotion.evaluation.judge import find
from vimotion.evaluation.metrics import mpjpe
from vimotion.evaluation.plausibility import implausible
from vimotion.evaluation.text import READERS, names_kind
from vimotion.motion import Interaction


def score(example: Example, answer: Interaction | str) -> dict[str, Any]:
    """Outcome of an answer: `success`, and the measures that the task has (booleans, or numbers in metres)."""
    if isinstance(answer, str):
        return _score_text(example, answer)
    if example.task == "reaction":
        answer = _with_given_person(example, answer)
    outcome = _score_motion(example, answer)
    if isinstance(example.truth, Interaction) and example.task in ("reaction", "prediction"):
        frames = min(answer.num_frames, example.truth.num_frames)
        mine, theirs = (motion.frames(0, frames).joint_positions for motion in (answer, example.truth))
        outcome["error"] = round(mpjpe(mine, theirs), 4)
    return outcome


def _score_motion(example: Example, answer: Interaction) -> dict[str, Any]:
    reason = implausible(answer)
    finding = find(answer, example.kind) if answer.num_people == 2 else None
    outcome: dict[str, Any] = {"plausible": reason is None, "kind": finding is not None}
    if example.task == "editing":
        assert example.given is not None
        reason = reason or edit_failure(example.given, answer, example.kind, example.edit)
        outcome["edit"] = reason is None
    elif finding is None:
        reason = reason or "not the interaction"
    if finding is not None:
        outcome |= {
            f"right_{name}": getattr(finding, name) == wanted for name, wanted in example.wanted.items() if wanted is not None
        }
    return {"success": reason is None, **({"reason": reason} if reason else {}), **outcome}


def _score_text(example: Example, answer: str) -> dict[str, Any]:
    """A description is right when it names the interaction; an answer to a question when it says what was asked for."""
    if example.task == "motion_to_text":
        outcome = {"kind": names_kind(answer, example.kind)}
        outcome |= {name: READERS[name](answer) == wanted for name, wanted in example.wanted.items() if wanted is not None}
        return {"success": outcome["kind"], "answer": answer, **outcome}
    right = all(READERS[name](answer) == wanted for name, wanted in example.wanted.items())
    return {"success": right, "answer": answer, **{f"asked_{name}": right for name in example.wanted}}


def _with_given_person(example: Example, answer: Interaction) -> Interaction:
    """The given person, who may not be changed, with the answer's other person."""
    assert example.given is not None
    if answer.num_people != 2:
        raise ValueError("A reaction needs two people.")
    frames = min(example.given.num_frames, answer.num_frames)
    if frames < 0.8 * example.given.num_frames:
        raise ValueError("The reaction ends before the given person does.")
    return example.given.frames(0, frames).joined(answer.person(1).frames(0, frames))


def seam(answer: Interaction, frame: int) -> float:
    """Largest jump of a joint, metres, from the frame before `frame` to it."""
    positions = answer.joint_positions
    return float(np.linalg.norm(positions[frame] - positions[frame - 1], axis=-1).max())
