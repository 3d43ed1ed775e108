"""A scene told step by step: how they come together, who sits where, each act with side and count, how they part."""

from __future__ import annotations

import re

import numpy as np

from vimotion.choreography.parameters import SceneParameters
from vimotion.choreography.wording import ActWords, again

# How often a step goes on in the sentence of the one before it, and how often a scene begins with how people look.
_MERGED, _LOOKS = 0.35, 0.5


def account(parameters: SceneParameters, acts: list[ActWords], random: np.random.Generator, prefix: str) -> str:
    """The account, people still as slots. `prefix` "held-out-" takes connectives that no training example uses."""
    sentences = _sentences(_steps(parameters, acts, random), random)
    connective, text = "", []
    for number, sentence in enumerate(sentences):
        before, rule = connective, prefix + _place(number, len(sentences))
        while connective == before:
            connective = acts[0].must_say(rule)
        text.append(f"{connective} {sentence}.")
    return " ".join(text)


def _place(number: int, count: int) -> str:
    if number == 0:
        return "first" if count > 1 else "only"
    return "last" if number == count - 1 > 1 else "next"


def _steps(parameters: SceneParameters, acts: list[ActWords], random: np.random.Generator) -> list[str]:
    """Every step as a sentence without its connective and full stop, in order."""
    first = acts[0]
    openings = [*(first.say("posture") or "").split(" / "), first.say("opening")]
    looks = first.say("bearing") if random.random() < _LOOKS else None
    told = [step for act in acts for step in _act_steps(act, "_plainly" if looks else "")]
    steps = [*openings, looks, *told, first.say("parting") if parameters.ending == "part" else None]
    return _both_once([_small(step) for step in steps if step])


def _act_steps(act: ActWords, plainly: str) -> list[str]:
    """The act and its answer. "_plainly" leaves the manner out, which has been told."""
    together = act.say("told_together" + plainly)
    if together:
        return [_small(step) for step in together.split(" / ")]
    answer = act.say("answer_step")
    return [act.must_say("told" + plainly), *([answer] if answer else [])]


def _both_once(steps: list[str]) -> list[str]:
    """The two people are named together only where nobody has been named before."""
    met, named = False, []
    for step in steps:
        named.append(step.replace("{TWO}", "they") if met else step)
        met = met or "{" in step
    return named


def _sentences(steps: list[str], random: np.random.Generator) -> list[str]:
    """Steps as sentences: of two steps with the same subject, the second may go on behind "and" or by pronoun."""
    sentences: list[str] = []
    before = ""
    for step in steps:
        subject = _subject(step)
        same = subject != "" and subject == before
        rest = step.removeprefix(subject).lstrip()
        short = same and not re.search(r",| and ", sentences[-1] + step)
        if short and random.random() < _MERGED:
            met = _other(subject) in sentences[-1]
            sentences[-1] += f" and {again(rest) if met else rest}"
            before = ""
        else:
            sentences.append(f"{subject.replace('}', '.same}')} {rest}" if same else step)
            before = subject
    return sentences


def _subject(step: str) -> str:
    """Who a step is about, where that is one alone or both."""
    subjects = re.findall(r"\{(?:[AB]|TWO)\}|\bthey\b|\bboth(?= ~)", step)
    return subjects[0] if len(subjects) == 1 and step.startswith(subjects[0]) else ""


def _other(subject: str) -> str:
    """The beginning of a slot for whoever is not the subject."""
    return {"{A}": "{B", "{B}": "{A"}.get(subject, "{")


def _small(step: str) -> str:
    return step[0].lower() + step[1:]
