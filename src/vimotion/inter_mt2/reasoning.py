"""Conversations about what came before, what comes after, and why: motions and words for answers."""

from __future__ import annotations

from dataclasses import dataclass, replace

from vimotion.choreography import KINDS, SceneParameters
from vimotion.choreography.kind import Arrangement
from vimotion.inter_mt2.scenes import Take, scenes_before, told_anew
from vimotion.inter_mt2.schema import SOURCE, Bracket
from vimotion.inter_mt2.script import Script
from vimotion.tasks.templates import Words

_TURNS = {2: 0.55, 3: 0.45}
# How often the motion is asked for first, and then why; how often of a source that can be cut a part is shown.
_MOTION_FIRST, _CUT = 0.6, 0.6
# Questions about one act that follow when the motive is settled.
_QUESTIONS = {"relation": 0.3, "why": 0.2, "other": 0.2, "manner": 0.15, "who": 0.15}


@dataclass(frozen=True)
class Gap:
    """A motion that is to be found, beside one that is shown.

    Attributes:
        before: whether it came before what is shown; else it comes after it.
        shown, missing: what the user sees, and what the assistant answers.
        account: what is seen in the answer.
        known: whether it is a part of the source; else it is one of many that there could be.
        act: the act of the source that the question is about.
        facts: for the words of the question.
        whole: both together, where the answer is a scene of its own.
    """

    before: bool
    shown: Bracket
    missing: Bracket
    account: str
    known: bool
    act: int
    facts: tuple[str, ...] = ()
    whole: SceneParameters | None = None


def write_reasoning(script: Script) -> None:
    """Two or three turns: a motion before or after the one that is shown, and the reasons in words."""
    turns = script.weighted(_TURNS)
    gap = _gap(script)
    if gap.facts or script.happens(_MOTION_FIRST):  # what is not seen yet is not asked about
        _ask_motion(script, gap, show=True)
        _ask_why(script, gap, show=None, known=True)
    else:
        _ask_why(script, gap, show=gap.shown, known=False)
        _ask_motion(script, gap, show=False)
    if turns == 3:
        _ask_more(script, gap)


# -- turns -------------------------------------------------------------------------------------------------------------------


def _ask_motion(script: Script, gap: Gap, show: bool) -> None:
    turn = "past_motion" if gap.before else "future_motion"
    words = script.words(script.source, gap.act, facts=gap.facts)
    text = script.asking(turn, words)
    shown = f"{script.phrase(turn, 'showing', words)} {text}" if show else text
    script.user(f"motion {'before' if gap.before else 'after'}", shown, gap.shown if show else None)
    rule = "past" if gap.before else "future"
    script.answer(script.lead(rule if gap.known else f"perhaps-{rule}", 0.4 if gap.known else 0.7), gap.account, gap.missing)


def _ask_why(script: Script, gap: Gap, show: Bracket | None, known: bool) -> None:
    """Why the act is done; `known` is what came before it, where the motion before it was found."""
    words = _with_before(script, gap) if known and gap.before else script.words(script.source, gap.act)
    text = script.asking("why", words, template="questions/cause")
    script.user("why", f"{script.phrase('why', 'showing', words)} {text}" if show else text, show)
    script.answer(script.phrase("why", "answer", words))


def _with_before(script: Script, gap: Gap) -> Words:
    """The words for the act that is shown, with what was found before it."""
    source = script.source
    if gap.whole is None:
        words = script.words(source, gap.act)
        return words if gap.act == 0 else _after(words, source, gap.act - 1)
    both = replace(source, parameters=gap.whole, told=told_anew(gap.whole, script.random))
    return _after(script.words(both, 1), both, 0)


def _after(words: Words, take: Take, act: int) -> Words:
    return replace(words, values={**words.values, "noun_before": take.told["acts"][act]["noun"]})


def _ask_more(script: Script, gap: Gap) -> None:
    """The motion on the other side, or a question in words."""
    other = _gap_after(script, gap.whole) if gap.before and script.happens(0.5) else None
    if other:
        _ask_motion(script, other, show=False)
        return
    every = [(name, words) for name, words in script.questions(script.source, list(_QUESTIONS)[1:]) if _about(words, gap)]
    name = script.weighted({name: share for name, share in _QUESTIONS.items() if name in {"relation", *(n for n, _ in every)}})
    if name == "relation":
        ask_relation(script, script.words(script.source, gap.act))
    else:
        script.ask(name, script.pick([words for other_name, words in every if other_name == name]))


def ask_relation(script: Script, words: Words) -> None:
    script.user("relation", script.asking("relation", words))
    script.answer(script.phrase("relation", "answer", words))


def _about(words: Words, gap: Gap) -> bool:
    """Whether a question is about the act that was shown, by its noun or since there is no other."""
    return "single" in words.facts or (gap.act == 0 and "opening" in words.facts)


# -- what can be found -------------------------------------------------------------------------------------------------------


def _gap(script: Script) -> Gap:
    """A motion before or after a part of the source, or before or after all of it; at least its second half."""
    cuts = script.source.cuts()
    if cuts and script.happens(_CUT):
        return _cut(script, script.pick(cuts))
    found = script.shuffled([_gap_before, _gap_after])
    for find in found:
        if gap := find(script):
            return gap
    return _cut(script, script.pick(cuts)) if cuts else _half(script)


def _cut(script: Script, step: int) -> Gap:
    """One part of the source is shown, the other is the answer."""
    source = script.source
    early, late = script.show(source, last=step), script.show(source, first=step)
    act = step - source.first_act
    if script.happens(0.5):
        parts = act >= len(source.acts)
        facts = ("parts",) if parts else ()
        return Gap(True, late, early, source.account(0, step), True, min(act, len(source.acts) - 1), facts)
    walk = act == 0
    return Gap(False, early, late, source.account(step), True, max(act - 1, 0), ("walk",) if walk else ())


def _gap_before(script: Script) -> Gap | None:
    source = script.source
    kind = KINDS[source.acts[0].kind]
    if "approach" in source.told or not isinstance(kind.start, Arrangement):
        return None
    for parameters in scenes_before(source.parameters, script.random):
        if script.fitting(parameters):
            take = script.new(parameters)
            whole = replace(source.parameters, acts=(*parameters.acts, *source.acts), postures=parameters.postures)
            return Gap(True, script.show(source), script.show(take), take.account(), False, 0, whole=whole)
    return None


def _gap_after(script: Script, whole: SceneParameters | None = None) -> Gap | None:
    """What may come after the source, which with what was found before it is `whole`."""
    source = script.source
    done = {act.kind for act in (whole or source.parameters).acts}
    if not (found := script.continued(source, lambda act: act.kind not in done)):
        return None
    take, step = found
    return Gap(False, script.show(source), script.show(take, first=step), take.account(step), False, len(source.acts) - 1)


def _half(script: Script) -> Gap:
    """The second half of a motion that is nothing but one act."""
    source = script.source
    middle = round(source.seconds * float(script.random.uniform(0.4, 0.6)), 1)
    early, late = Bracket(name=SOURCE, stop=middle), Bracket(name=SOURCE, start=middle)
    return Gap(False, early, late, source.account(), True, 0, ("walk",))
