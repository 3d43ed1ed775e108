"""A scene told step by step: how they come together, who sits where, each act with side, count and manner, and how they part."""

from __future__ import annotations

import re

import numpy as np

from vimotion.choreography.parameters import SceneParameters
from vimotion.choreography.wording import ActWords, again

# How often a step goes on in the sentence of the one before it, and how often a scene begins with how people look.
_MERGED, _LOOKS = 0.35, 0.3


def account(parameters: SceneParameters, acts: list[ActWords], random: np.random.Generator, prefix: str) -> str:
    """The account, people still as slots. `prefix` "held-out-" takes connectives that no training example uses."""
    sentences = _sentences(_steps(parameters, acts, random), random)
    text = []
    for number, sentence in enumerate(sentences):
        if number == 0:
            rule = "first" if len(sentences) > 1 else "only"
        else:
            rule = "last" if number == len(sentences) - 1 else "next"
        text.append(f"{acts[0].must_say(prefix + rule)} {sentence}.")
    return " ".join(text)


def _steps(parameters: SceneParameters, acts: list[ActWords], random: np.random.Generator) -> list[str]:
    """Every step as a sentence without its connective and full stop, in order."""
    first = acts[0]
    openings = [first.say("posture"), first.say("opening")]
    looks = first.say("bearing") if random.random() < _LOOKS else None
    told = [step for act in acts for step in _act_steps(act)]
    parting = parameters.ending == "part" and parameters.postures == ("stand", "stand")
    steps = [*openings, looks, *told, first.say("parting") if parting else None]
    return _both_once([_small(step) for step in steps if step])


def _act_steps(act: ActWords) -> list[str]:
    together = act.kind.mutual and act.say("told_together")
    if together:
        return [_small(step) for step in together.split(" / ")]
    answer = act.say("answered")
    return [act.must_say("told"), *([answer] if answer else [])]


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
    subject, merged = "", False
    for step in steps:
        own = _subject(step)
        same = own == subject != ""
        if same and not merged and "," not in sentences[-1] and random.random() < _MERGED:
            sentences[-1] += f" and {again(step.removeprefix(own).lstrip())}"
            merged = True
            continue
        name = own.replace("}", ".same}") if same and own.startswith("{") else own
        sentences.append(name + step.removeprefix(own))
        subject, merged = own, False
    return sentences


def _subject(step: str) -> str:
    match = re.match(r"\{[AB]\}|they(?= )|both(?= )", step)
    return match[0] if match else ""


def _small(step: str) -> str:
    return step[0].lower() + step[1:]
