"""One answer to one example: right or wrong, and why."""

from __future__ import annotations

from typing import Any

import numpy as np

from vimotion.evaluation.edits import edit_failure
from vimotion.evaluation.examples import Example
from vimotion.evaluation.judge import find_acts
from vimotion.evaluation.manners import SHOWN, takes_on
from vimotion.evaluation.metrics import foot_sliding, jerk, mpjpe
from vimotion.evaluation.plausibility import implausible
from vimotion.evaluation.readers import READERS
from vimotion.evaluation.text import kinds_by_name, kinds_in_order
from vimotion.motion import FPS, Interaction

# The largest jump of a joint, metres a frame, between a motion and its continuation: 18 m/s.
_SEAM = 0.6
# Kinds whose words an answer may need that is not about them.
_ON_FOOT = {"walk_together", "pass_by", "walk_towards"}


def score(example: Example, answer: Interaction | str) -> dict[str, Any]:
    """Outcome of an answer: `success`, a `reason` where it failed, and what else was measured.

    Raises:
        ValueError: the answer has not the form that the task needs, which is a failure too.
    """
    if isinstance(answer, str):
        return _score_text(example, answer)
    if answer.num_people != 2:
        raise ValueError("The answer needs two people.")
    if example.task == "reaction":
        answer = _with_given_person(example, answer)
    outcome = _score_motion(example, answer)
    if isinstance(example.truth, Interaction) and example.task in ("reaction", "prediction"):
        outcome |= _joint_errors(example, answer, example.truth)
    return outcome


def _joint_errors(example: Example, answer: Interaction, truth: Interaction) -> dict[str, float]:
    """Of what the contestant added: the other person's reaction, or the frames after the given ones."""
    assert example.given is not None
    frames = min(answer.num_frames, truth.num_frames)
    mine, theirs = (motion.frames(0, frames).joint_positions for motion in (answer, truth))
    added = np.s_[:, 1:] if example.task == "reaction" else np.s_[example.given.num_frames :]
    if not mine[added].size:
        return {}
    errors = {name: mpjpe(mine[added], theirs[added], rooted) for name, rooted in (("", False), ("_rooted", True))}
    return {f"joint_error{name}": round(error, 4) for name, error in errors.items()}


def failed(error: Exception) -> dict[str, Any]:
    """The outcome of an answer that could not be read."""
    return {"success": False, "reason": f"malformed: {error}", "malformed": True}


def _score_motion(example: Example, answer: Interaction) -> dict[str, Any]:
    acts = find_acts(answer, example.kinds)
    finding = acts[0] if acts else None
    reason = implausible(answer)
    outcome: dict[str, Any] = {"plausible": reason is None, "recognised": finding is not None}
    if reason is None and example.task == "prediction" and example.given is not None:
        reason = _broken_seam(answer, example.given.num_frames)
    if reason is None and example.task == "editing" and example.given is not None:
        reason = edit_failure(example.given, answer, example.kinds, example.detail, example.manners)
        outcome["changed"] = reason is None
    if reason is None and finding is None:
        reason = "not the interaction"
    positions = answer.joint_positions
    if answer.num_frames >= 4:
        outcome |= {"foot_sliding": round(foot_sliding(positions, FPS), 3), "jerk": round(jerk(positions, FPS), 1)}
    if finding is not None:
        prefix = "kept" if example.task == "editing" else "told"
        right = {name: getattr(finding, name) == wanted for name, wanted in example.wanted.items()}
        outcome |= {f"{prefix}_{name}_where_recognised": held for name, held in right.items()}
        if example.task == "editing":
            outcome["changed_and_kept"] = reason is None and all(right.values()) and _left_alone(example, answer)
    return {"success": reason is None, **({"reason": reason} if reason else {}), **outcome}


def _score_text(example: Example, answer: str) -> dict[str, Any]:
    """A description is right when it names all interactions; an answer to a question when it says what was asked for."""
    read = {name: READERS[name](answer) for name in example.wanted}
    if example.task == "question":
        others = kinds_by_name(answer) - set(example.kinds)
        if {"distance", "approach"} & set(read):  # an answer about how they begin speaks of walking
            others -= _ON_FOOT
        return {"success": read == example.wanted and not others, "answer": answer}
    kinds, said = (_without_ways(list(dict.fromkeys(kinds))) for kinds in (example.kinds, kinds_in_order(answer)))
    outcome: dict[str, Any] = {"success": set(kinds) == set(said), "answer": answer}
    if outcome["success"] and len(kinds) > 1:
        outcome["right_order_where_said"] = kinds == said
    for name, wanted in example.wanted.items():
        outcome[f"said_{name}"] = read[name] == wanted
        if read[name] is not None:
            outcome[f"right_{name}_where_said"] = read[name] == wanted
    return outcome


def _without_ways(kinds: list[str]) -> list[str]:
    """Of several interactions those that are more than the way to the next one, which may go unsaid."""
    return [kind for kind in kinds if kind != "walk_towards" or len(kinds) == 1]


def _left_alone(example: Example, answer: Interaction) -> bool:
    """Whether nobody else takes on a manner that one person was asked to take on."""
    assert example.given is not None
    manner, _, who = example.detail.partition(" ")
    others = [person for person in (0, 1) if manner in SHOWN and who and "ab"[person] not in who]
    return not any(takes_on(example.given, answer, person, example.manners[person], manner) for person in others)


def _with_given_person(example: Example, answer: Interaction) -> Interaction:
    """The given person, who may not be changed, with the answer's other person."""
    assert example.given is not None
    frames = min(example.given.num_frames, answer.num_frames)
    if frames < 0.8 * example.given.num_frames:
        raise ValueError("The reaction ends before the given person does.")
    return example.given.frames(0, frames).joined(answer.person(1).frames(0, frames))


def _broken_seam(answer: Interaction, frame: int) -> str | None:
    """Why a continuation that begins at `frame` does not follow, or None where it does."""
    if answer.num_frames <= frame:
        return "nothing is added"
    positions = answer.joint_positions
    jump = float(np.linalg.norm(positions[frame] - positions[frame - 1], axis=-1).max())
    return "a jump at the seam" if jump > _SEAM else None
