"""One answer to one example: right or wrong, and why."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

import numpy as np

from vimotion.evaluation.bodies import contact_counts, ground_penetration, mutual_penetration, relation_error
from vimotion.evaluation.edits import edit_failure
from vimotion.evaluation.examples import IN_WORDS, PERSON_B, Example
from vimotion.evaluation.explanations import Embed, chosen
from vimotion.evaluation.findings import Finding
from vimotion.evaluation.judge import find_acts
from vimotion.evaluation.manners import SHOWN, moves_in, takes_on
from vimotion.evaluation.metrics import foot_sliding, jerk, mpjpe
from vimotion.evaluation.plausibility import implausible
from vimotion.evaluation.readers import READERS
from vimotion.evaluation.text import kinds_by_name, kinds_in_order
from vimotion.motion import FPS, Interaction

# The largest jump of a joint, metres a frame, between a motion and its continuation: 18 m/s.
_SEAM = 0.6
# Frames that an answer needs for its jerk.
_SHORTEST = 4
# Decimals that are kept of metres.
_DIGITS = 5
# Kinds whose words an answer may need that is not about them.
_ON_FOOT = {"walk_together", "pass_by", "walk_towards"}


def complete(example: Example, answer: Interaction | str) -> Interaction | str:
    """The answer as it is judged: beside a given person, who may not be changed, the answer's other person.

    Raises:
        ValueError: the answer has not the form that the task needs, which is a failed answer.
    """
    if example.task in IN_WORDS:
        if not isinstance(answer, str):
            raise ValueError("The answer is no text.")
        if not answer.strip():
            raise ValueError("The answer is empty.")
        return answer
    if isinstance(answer, str):
        raise ValueError("The answer is no motion.")
    if answer.num_people != 2:
        raise ValueError("The answer needs two people.")
    answer = answer.resampled(FPS)
    if answer.num_frames < _SHORTEST:
        raise ValueError(f"The answer has fewer than {_SHORTEST} frames.")
    return _with_given_person(example, answer) if example.task in PERSON_B else answer


def score(example: Example, answer: Interaction | str, embed: Embed | None = None) -> dict[str, Any]:
    """Outcome of an answer that is `complete`: `success`, a `reason` where it is wrong, and what else was measured.

    Metres and seconds; `contacts` are the counts of `bodies.ContactCounts`.

    Args:
        embed: of sentences, for explanations.
    """
    if isinstance(answer, str):
        if example.task == "explanation":
            assert embed is not None
            return {"success": chosen(answer, example.references, example.others, embed), "answer": answer}
        return _score_text(example, answer)
    outcome = _score_motion(example, answer) | _bodies(answer)
    return outcome | (_against_truth(example, answer, example.truth) if isinstance(example.truth, Interaction) else {})


def failed(error: Exception) -> dict[str, Any]:
    """The outcome of an answer that is none."""
    return {"success": False, "failed": True, "reason": str(error)}


def _bodies(answer: Interaction) -> dict[str, float]:
    """What can be measured of any motion."""
    positions = answer.joint_positions
    measured = {
        "foot_sliding": foot_sliding(positions, FPS),
        "jerk": jerk(positions, FPS),
        "ground_penetration": ground_penetration(positions),
        "mutual_penetration": mutual_penetration(answer),
    }
    return {name: round(value, _DIGITS) for name, value in measured.items()}


def _against_truth(example: Example, answer: Interaction, truth: Interaction) -> dict[str, Any]:
    """Errors of what the contestant added: the other person's reaction, the frames after the given ones, or all of it.

    Of two lengths the shorter is compared. A text leaves too much open for such a comparison.
    """
    if example.task not in (*PERSON_B, "prediction", "editing"):
        return {}
    frames = min(answer.num_frames, truth.num_frames)
    mine, theirs = (motion.frames(0, frames).joint_positions for motion in (answer, truth))
    start = example.given.num_frames if example.task == "prediction" and example.given is not None else 0
    person = 1 if example.task in PERSON_B else 0
    if start >= frames:
        return {}
    added = mine[start:, person:], theirs[start:, person:]
    errors = {name: mpjpe(*added, rooted=rooted) for name, rooted in (("mpjpe", False), ("mpjpe_rooted", True))}
    if example.task in PERSON_B:
        errors["relation_error"] = relation_error(mine, theirs)
    measured: dict[str, Any] = {name: round(error, _DIGITS) for name, error in errors.items()}
    if example.task != "prediction":
        measured["contacts"] = list(astuple(contact_counts(answer, truth)))
    return measured


def _score_motion(example: Example, answer: Interaction) -> dict[str, Any]:
    """By geometry; where nobody told the kinds, only whether two people could move so and the seam holds.

    Of a role only person b's manner counts; whether the interaction fits stands beside it.
    """
    reason = implausible(answer)
    outcome: dict[str, Any] = {"plausible": reason is None}
    if reason is None and example.task == "prediction" and example.given is not None:
        reason = _broken_seam(answer, example.given.num_frames)
    if reason is None and example.task == "editing" and example.given is not None:
        reason = edit_failure(example.given, answer, example.kinds, example.detail, example.manners)
        outcome["changed"] = reason is None
    if reason is None and example.neutral is not None:
        reason = None if moves_in(example.neutral, answer, 1, example.detail) else "not the manner"
    if example.kinds:
        acts = find_acts(answer, example.kinds)
        outcome["recognised"] = bool(acts)
        if acts:
            outcome |= _facts_of(example, answer, acts[0], reason)
        elif example.task != "role":
            reason = reason or "not the interaction"
    return {"success": reason is None, **({"reason": reason} if reason else {}), **outcome}


def _facts_of(example: Example, answer: Interaction, finding: Finding, reason: str | None) -> dict[str, Any]:
    """Which of the facts that the example is about a recognised interaction has right."""
    prefix = "kept" if example.task == "editing" else "told"
    right = {name: getattr(finding, name) == wanted for name, wanted in example.wanted.items()}
    facts: dict[str, Any] = {f"{prefix}_{name}_where_recognised": held for name, held in right.items()}
    if example.task == "editing":
        facts["changed_and_kept"] = reason is None and all(right.values()) and _left_alone(example, answer)
    return facts


def _score_text(example: Example, answer: str) -> dict[str, Any]:
    """A description is right when it names all interactions; an answer to a question when it says what was asked for.

    Where nobody told the kinds, every answer counts as right.
    """
    if not example.kinds:
        return {"success": True, "answer": answer}
    read = {name: READERS[name](answer) for name in example.wanted}
    if example.task == "reasoning":
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
