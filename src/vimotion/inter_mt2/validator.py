"""The fourth stage: which conversations are fit to be learned from.

Each rule is a function that yields a sentence for everything wrong that it finds. Rules do not step on each other: what one
rule is about, the others leave alone. Near-duplicates are a matter of the whole set, see `duplicates`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pydantic import Field

from vimotion.config import Config
from vimotion.inter_mt2.rendered import CHOREOGRAPHY, CORPUS, Rendered
from vimotion.inter_mt2.schema import SOURCE, Bracket, Draft, Line, Planned, Seed, pieces
from vimotion.inter_mt2.sides import contradictions, open_sides
from vimotion.motion import FPS

# Any spelling of a token of motion or of a chat, and half of one: `language` writes all of them as <|…|>, other models in angle
# brackets. No text of ours needs any.
_MARKUP = re.compile(r"<\|[^|]*\|>|<\||\|>|</?\w[\w-]*>|\b[mn]\d+_\d+\b|\bmotion_(?:start|end)\b")


class ValidatorConfig(Config):
    """What is let pass. The paper tells of no filter: ours throughout.

    Attributes:
        fewest_turns, most_turns: user messages.
        message_characters: of a message, motions left out.
        caption_words: of a new motion's caption.
        fewest_frames, most_frames: of a motion where it is shown, at 30 fps.
        pool, retrieved: of so many captions, its own must be among the first so many by their distance to a new motion. Of
            scripted clips 99 % are among the first 3 of 32.
        trusted: makers of motions whose captions are true by construction, and need not be retrieved.
        similarity: conversations with this share of their five-word sequences in common are duplicates.
    """

    fewest_turns: int = Field(default=2, gt=0)
    most_turns: int = Field(default=4, gt=0)
    message_characters: int = Field(default=600, gt=0)
    caption_words: int = Field(default=60, gt=0)
    fewest_frames: int = Field(default=8, gt=0)
    most_frames: int = Field(default=300, gt=0)
    pool: int = Field(default=32, gt=1)
    retrieved: int = Field(default=3, gt=0)
    trusted: tuple[str, ...] = (CHOREOGRAPHY, CORPUS)
    similarity: float = Field(default=0.9, gt=0, le=1)


class Problem(Config):
    """Why a conversation is not let pass: the rule that it breaks, and a sentence."""

    rule: str
    sentence: str


class Checked(Config):
    """A draft after its check: a line of `checked/` where there are no problems, else of `rejected/`.

    Attributes:
        motions: one for each that the draft plans.
        ranks: where among the pool a motion retrieves its caption, by the caption, counted from 1.
    """

    draft: Draft
    motions: tuple[Rendered, ...]
    ranks: dict[str, int] = Field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def check(
    draft: Draft, seed: Seed, rendered: Sequence[Rendered], ranks: Mapping[str, int], config: ValidatorConfig
) -> list[Problem]:
    """Everything that is wrong with a draft; nothing where it may be learned from.

    Args:
        rendered: the draft's motions.
        ranks: by caption, see `retrieval.caption_ranks`; of every motion but those of trusted makers.
    """
    case = Case(draft, seed, {motion.caption: motion for motion in rendered}, ranks, config)
    return [Problem(rule=name, sentence=sentence) for name, rule in RULES.items() for sentence in rule(case)]


def markup(text: str) -> list[str]:
    """What in a text is spelled like a token of motion or of a chat."""
    return [found[0] for found in _MARKUP.finditer(text)]


@dataclass(frozen=True)
class Case:
    """What the rules look at; motions and ranks by caption."""

    draft: Draft
    seed: Seed
    rendered: Mapping[str, Rendered]
    ranks: Mapping[str, int]
    config: ValidatorConfig

    @cached_property
    def parsed(self) -> list[tuple[Line, list[str | Bracket]]]:
        """The messages whose brackets can be read, in pieces."""
        found = []
        for line in self.draft.messages:
            try:
                found.append((line, list(pieces(line.text))))
            except ValueError:  # what `_brackets` is about
                continue
        return found

    @cached_property
    def shown(self) -> list[Bracket]:
        return [piece for _, parts in self.parsed for piece in parts if isinstance(piece, Bracket)]

    def frames(self, name: str) -> int:
        """How long a motion is; 0 of one that is not there."""
        if name == SOURCE:
            return round(self.seed.seconds * FPS)
        return self.rendered[name].num_frames if name in self.rendered else 0


def shown_frames(bracket: Bracket) -> tuple[int, int | None]:
    """The frames that a bracket shows, at 30 fps: the first, and the one behind the last (None: to the end)."""
    return round(bracket.start * FPS), None if bracket.stop is None else round(bracket.stop * FPS)


def _seed(case: Case) -> Iterator[str]:
    draft, seed = case.draft, case.seed
    if (draft.id, draft.kind) != (seed.id, seed.kind):
        yield f"The draft is {draft.id} of kind {draft.kind}, its seed {seed.id} of kind {seed.kind}."


def _turns(case: Case) -> Iterator[str]:
    roles = [line.role for line in case.draft.messages]
    spoken = roles[1:] if roles[:1] == ["system"] else roles
    turns = spoken.count("user")
    if not spoken or spoken != ["user", "assistant"] * turns:
        yield f"User and assistant do not speak by turns: {', '.join(roles) or 'nobody speaks'}."
    elif not case.config.fewest_turns <= turns <= case.config.most_turns:
        yield f"There are {turns} user turns, not {case.config.fewest_turns} to {case.config.most_turns}."


def _brackets(case: Case) -> Iterator[str]:
    for line in case.draft.messages:
        try:
            list(pieces(line.text))
        except ValueError as error:
            yield f"In a message {error}."


def _planned(case: Case) -> Iterator[str]:
    planned = Counter(motion.caption for motion in case.draft.motions)
    named = {bracket.name for bracket in case.shown} - {SOURCE}
    yield from (f"No motion is planned for [{name}]." for name in sorted(named - set(planned)))
    yield from (f"The planned motion {name!r} is never shown." for name in planned if name not in named)
    yield from (f"The motion {name!r} is planned twice." for name, times in planned.items() if times > 1)


def _rendered(case: Case) -> Iterator[str]:
    for caption in dict.fromkeys(motion.caption for motion in case.draft.motions):
        motion = case.rendered.get(caption)
        if motion is None:
            yield f"The motion {caption!r} was not rendered."
        elif motion.failure:
            yield f"The motion {caption!r} could not be rendered: {motion.failure}."
        elif not (motion.clip and motion.made_by and motion.num_frames > 0):
            yield f"Of the motion {caption!r} it is not known which clip it is, who made it or how long it is."


def _source(case: Case) -> Iterator[str]:
    if SOURCE not in {bracket.name for bracket in case.shown}:
        yield "The source is never shown."


def _parts(case: Case) -> Iterator[str]:
    for bracket in case.shown:
        frames = case.frames(bracket.name)
        start, stop = shown_frames(bracket)
        stop = frames if stop is None else stop
        if frames and stop > frames:
            yield f"{bracket} lasts only {frames / FPS:.1f} s."
        elif frames and stop - start < case.config.fewest_frames:
            yield f"{bracket} shows {max(stop - start, 0)} frames, fewer than {case.config.fewest_frames}."


def _motion_length(case: Case) -> Iterator[str]:
    for bracket in case.shown:
        start, stop = shown_frames(bracket)
        frames = min(case.frames(bracket.name), stop or case.config.most_frames + start + 1) - start
        if frames > case.config.most_frames:
            yield f"{bracket} shows {frames} frames, more than {case.config.most_frames}."


def _text_length(case: Case) -> Iterator[str]:
    for _, parts in case.parsed:
        said = "".join(part for part in parts if isinstance(part, str)).strip()
        if not said and not any(isinstance(part, Bracket) for part in parts):
            yield "A message is empty."
        elif len(said) > case.config.message_characters:
            yield f"A message has {len(said)} characters, more than {case.config.message_characters}."
    for motion in case.draft.motions:
        if (words := len(motion.caption.split())) > case.config.caption_words:
            yield f"A caption has {words} words, more than {case.config.caption_words}."


def _spellings(case: Case) -> Iterator[str]:
    texts = [line.text for line in case.draft.messages] + [motion.caption for motion in case.draft.motions]
    for found in dict.fromkeys(spelled for text in texts for spelled in markup(text)):
        yield f"{found!r} is spelled like a token."


def _sides(case: Case) -> Iterator[str]:
    for motion in case.draft.motions:
        yield from (f"{motion.caption!r} leaves a side open: {found}." for found in open_sides(motion.caption))
        for said in _said_with(case, motion):
            for wanted in contradictions(said, motion.caption):
                yield f"{motion.caption!r} is not of the {wanted} that {said!r} speaks of."


def _said_with(case: Case, motion: Planned) -> Iterator[str]:
    """The words of the message that first shows a motion and, where it is an answer, of the message that it answers."""
    asked = ""
    for line, parts in case.parsed:
        said = "".join(part if isinstance(part, str) else " " for part in parts).strip()
        if any(isinstance(part, Bracket) and part.name == motion.caption for part in parts):
            yield said
            if line.role == "assistant":
                yield asked
            return
        asked = said if line.role == "user" else asked


def _retrieval(case: Case) -> Iterator[str]:
    for motion in case.rendered.values():
        if motion.failure or not motion.clip or motion.made_by in case.config.trusted:
            continue
        rank = case.ranks.get(motion.caption)
        if rank is None:
            yield f"It was not measured whether the motion {motion.caption!r} retrieves its caption."
        elif rank > case.config.retrieved:
            among = f"place {rank} of {case.config.pool}, not among the first {case.config.retrieved}"
            yield f"For its motion the caption {motion.caption!r} takes {among}."


def _acts(case: Case) -> Iterator[str]:
    for motion in case.rendered.values():
        if motion.shown is False:
            yield f"In the motion {motion.caption!r} the acts of its scene are not seen."


RULES: dict[str, Callable[[Case], Iterator[str]]] = {
    "seed": _seed,
    "turns": _turns,
    "brackets": _brackets,
    "planned": _planned,
    "rendered": _rendered,
    "source": _source,
    "parts": _parts,
    "motion_length": _motion_length,
    "text_length": _text_length,
    "spellings": _spellings,
    "sides": _sides,
    "retrieval": _retrieval,
    "acts": _acts,
}
