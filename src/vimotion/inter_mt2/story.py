"""Conversations that tell a story: a scene that the user makes up or shows, and how it goes on, motion by motion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from vimotion.choreography import KINDS
from vimotion.inter_mt2.reasoning import ask_relation
from vimotion.inter_mt2.scenes import Take, end_postures, trait_of
from vimotion.inter_mt2.schema import Bracket
from vimotion.inter_mt2.script import Script
from vimotion.tasks.templates import Words

_TURNS = {2: 0.45, 3: 0.42, 4: 0.13}
# How often the user makes up the scene, rather than show it; and then what the two are called.
_IMAGINED = 0.7
_CALLED = {"parts": 0.4, "one": 0.3, "ordinary": 0.3}
# How often a source of several steps is told in two parts; how often the user says what comes next; how often they part then.
_PARTED, _DIRECTED, _ENDING = 0.6, 0.45, 0.15
# How many motions are new at most, and how often there is another one where there may be.
_NEW, _ANOTHER = 2, 0.6
_WORDS = {"tell": 0.4, "why": 0.25, "ask: next": 0.2, "relation": 0.15}
_PACE = {"slow": "They take their time.", "fast": "It all happens quickly."}


@dataclass(frozen=True)
class Part:
    """What is shown in one go: steps of a scene, from `first` to before `last`, and how the user asks for it."""

    take: Take
    first: int
    last: int
    asked: str = "continue"

    @property
    def act(self) -> int:
        """The act that it begins with, or the last one where there is none left."""
        return min(max(self.first - self.take.first_act, 0), len(self.take.acts) - 1)


def write_story(script: Script) -> None:
    """Two to four turns: the source, perhaps in two parts, and what follows it, then perhaps words about it."""
    turns = script.weighted(_TURNS)
    parts = _parts(script, turns)
    if script.happens(_IMAGINED) or len(parts) == 1:
        _imagine(script, parts[0])
        later = parts[1:]
    else:
        _show(script, parts[0], parts[1])
        later = parts[2:]
    for part in later:
        _go_on(script, part)
    for turn in script.shuffled(_WORDS)[: turns - script.turns]:
        _in_words(script, turn, parts)


def parts_of(script: Script) -> tuple[str, str]:
    """Who person a and person b may be, such as "host" and "guest"."""
    acting, other = script.part("parts", "parts", script.words(script.source)).split(" / ")
    return (acting, other) if script.source.acts[0].actor == "a" else (other, acting)


# -- what is shown -----------------------------------------------------------------------------------------------------------


def _parts(script: Script, turns: int) -> list[Part]:
    """The motions of the story in order, at most one a turn."""
    take, cuts = script.source, script.source.cuts()
    if cuts and script.happens(_PARTED):
        step = script.pick(cuts)
        parts = [Part(take, 0, step), Part(take, step, len(take.steps), script.pick(["continue", "then"]))]
    else:
        parts = [Part(take, 0, len(take.steps))]
    while len(parts) < turns and len(parts) <= _NEW and (len(parts) == 1 or script.happens(_ANOTHER)):
        if parts[-1].take.parameters.ending == "part" or not (part := _next(script, parts[-1].take)):
            break
        parts.append(part)
    return [replace(part, asked="end") if _only_parts(part) else part for part in parts]


def _next(script: Script, take: Take) -> Part | None:
    """The scene so far with an act more, or with the two parting."""
    last = KINDS[take.acts[-1].kind]
    if take.parameters.ending == "stay" and not last.ends and set(end_postures(take.parameters)) == {"stand"}:
        parting = replace(take.parameters, ending="part")
        if script.happens(_ENDING) and script.fitting(parting):
            return Part(script.new(parting), len(take.steps), len(take.steps) + 1)
    if not (found := script.continued(take)):
        return None
    longer, step = found
    return Part(longer, step, len(longer.steps), "then" if script.happens(_DIRECTED) else "continue")


def _only_parts(part: Part) -> bool:
    return part.first > 0 and part.first - part.take.first_act >= len(part.take.acts)


def _bracket(script: Script, part: Part) -> Bracket:
    return script.show(part.take, first=part.first, last=part.last)


# -- turns -------------------------------------------------------------------------------------------------------------------


def _imagine(script: Script, part: Part) -> None:
    """The user makes up the scene, and says who the two are."""
    calling, who = script.weighted(_CALLED), f"two {script.setting['pair']}"
    actor = part.take.acts[0].actor
    names: tuple[str, str] | None = None
    if calling == "parts":
        parts = parts_of(script)
        who = " and ".join(f"a {name}" for name in (parts if actor == "a" else parts[::-1]))
        names = script.names = (f"the {parts[0]}", f"the {parts[1]}")
    elif calling == "one" and all(act.actor == actor or KINDS[act.kind].mutual for act in part.take.acts):
        names = ("one of them", "the other") if actor == "a" else ("the other", "one of them")
    words = script.words(part.take)
    if names:
        words = replace(words, names=names)
    script.user("imagine", script.asking("story_imagine", words, {"who": who, "plot": _plot(script, part, words)}))
    _answer(script, part, "story")


def _show(script: Script, shown: Part, part: Part) -> None:
    """The user shows how the story begins, and asks how it goes on."""
    script.user("continue", script.asking("story_shown", script.words(shown.take)), _bracket(script, shown))
    _answer(script, part, "next")


def _go_on(script: Script, part: Part) -> None:
    words = script.words(part.take, part.act)
    if part.asked == "end":
        script.user("end", script.asking("story_end", words))
        _answer(script, part, "end")
    elif part.asked == "then":
        script.user("then", script.asking("story_then", words, {"then": _clause(script, part)}))
        _answer(script, part, "then")
    else:
        script.user("continue", script.asking("story_continue", words))
        _answer(script, part, "next")


def _answer(script: Script, part: Part, lead: str) -> None:
    script.answer(script.lead(lead), part.take.account(part.first, part.last), _bracket(script, part))


def _in_words(script: Script, turn: str, parts: Sequence[Part]) -> None:
    take = parts[-1].take
    words = script.words(take, len(take.acts) - 1)
    if turn == "tell":
        values = {"happened-so-far": _so_far(parts), "past": parts[0].take.told["past"]}
        script.user("tell", script.asking("story_tell", words))
        script.answer(script.phrase("story_tell", "answer", words, values))
    elif turn == "why":
        act = script.pick(range(len(take.acts)))
        words = script.words(take, act)
        script.user("why", script.asking("why", words, template="questions/cause"))
        script.answer(script.phrase("why", "answer", words))
    elif turn == "relation":
        ask_relation(script, words)
    else:
        script.ask("next", words)


# -- the plot ----------------------------------------------------------------------------------------------------------------


def _plot(script: Script, part: Part, words: Words) -> str:
    """What happens in the steps of a part, as the user tells it: where they sit, the steps, the manners, the pace."""
    take = part.take
    told = take.told
    link = script.pick([", then ", ", and then ", ". Then "])
    sentences = [link.join(_clauses(script, part))]
    if set(take.parameters.postures) != {"stand"}:
        sentences.insert(0, told["sitting"])
    people = [(slot, told["people"][slot]) for slot in (told["leader"], told["follower"])]
    sentences += [f"{slot} is {trait_of(person)}" for slot, person in people if trait_of(person)]
    text = " ".join(f"{sentence}." for sentence in sentences)
    return words.named(f"{text} {_PACE.get(take.parameters.speed, '')}")


def _clauses(script: Script, part: Part) -> list[str]:
    """The steps of a part, either as exact as in the account or in the plainest words."""
    take = part.take
    plain = [
        *take.steps[: take.first_act],
        *(act["happens"] for act in take.told["acts"]),
        *take.steps[take.first_act + len(take.acts) :],
    ]
    return (plain if script.happens(0.5) else take.steps)[part.first : part.last]


def _clause(script: Script, part: Part) -> str:
    return ", and then ".join(_clauses(script, part))


def _so_far(parts: Sequence[Part]) -> str:
    """What has happened, in the past tense."""
    return ", then ".join(step for part in parts for step in _past(part.take)[part.first : part.last])


def _past(take: Take) -> list[str]:
    acts = [act["happened"] for act in take.told["acts"]]
    steps = [*([take.told["approached"]] if take.first_act else []), *acts]
    return steps + ["they turned away and parted"] * (len(take.steps) - len(steps))
