"""Conversations about changes: a motion is shown or asked for and changed; changes are taken back, or cannot be made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from vimotion.choreography import KINDS, Edit, possible_edits
from vimotion.inter_mt2.scenes import Take, trait_of
from vimotion.inter_mt2.schema import Bracket
from vimotion.inter_mt2.script import SLOTS, Script
from vimotion.tasks.templates import Words, caption_values, with_length

# How many user turns there are, and how many new motions at most.
_TURNS = {2: 0.45, 3: 0.42, 4: 0.13}
_NEW = 2
_BEGINNINGS = {"shown": 0.5, "make": 0.25, "show": 0.15, "shown in vain": 0.1}
_STEPS = {"edit": 0.4, "undo": 0.14, "first, but": 0.13, "first again": 0.07, "in vain": 0.13, "ask": 0.13}
# How often an edit is one of a manner: there are many. How often it is one that the corpus has, where it has one.
_MANNER_SHARE, _KNOWN_SHARE = 0.4, 0.5
# How often the user takes what is offered where something cannot be done.
_ACCEPTED = 0.7
# What cannot be done, by turn: how often it is asked for where it cannot.
_IN_VAIN = {
    "cannot_other_hand": 3.0, "cannot_more_often": 2.5, "cannot_less_often": 1.5, "cannot_speed": 2.5, "cannot_third": 1.5,
    "cannot_face": 1.0,
}  # fmt: skip
# Kinds without a side that a hand of one's own may do all the same.
_SOME_HAND = ("chat", "imitate")
# What may be asked of a motion that was changed.
_QUESTIONS = ("manner", "how", "speed", "side", "count", "who", "other", "distance", "cause")


def write_editing(script: Script) -> None:
    """Two to four turns with one or two new motions."""
    editing = _Editing(script)
    turns = script.weighted(_TURNS)
    editing.begin()
    while script.turns < turns and editing.step(turns - script.turns):
        pass


def edit_words(script: Script, base: Take, edit: Edit, take: Take) -> Words:
    """The words for an edit of a scene, from the changed one."""
    person = SLOTS.get(edit.who, "")
    facts = {"manner" if edit.who else edit.name} | ({"both"} if edit.who == "ab" else set())
    words = script.words(take, person=person, facts=facts)
    if len(edit.who) == 1:
        was = trait_of(base.told["people"][person])
        values = {"person": script.part("edit", "whom", words), **({"was": was} if was else {})}
        words = replace(words, values={**words.values, **values})
    return words


class _Editing:
    """The turns of one conversation.

    Attributes:
        versions: what "undo" goes back through, the present motion last.
    """

    def __init__(self, script: Script) -> None:
        self.script = script
        self.versions = [script.source]
        self._made = [script.source.parameters]
        self._offered: tuple[Edit, Take] | None = None
        self._asked_for: list[str] = []
        self._undoable = True

    # -- the course ----------------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        beginning = self.script.weighted(_BEGINNINGS)
        if beginning == "shown":
            self._edit("edit_shown", shown=True)
        elif beginning == "shown in vain":
            self._in_vain(self.script.show(self.script.source))
        elif beginning == "make":
            self._make()
        else:
            self._show()

    def step(self, left: int) -> bool:
        """One more turn, of as many as are `left`; whether there is one."""
        every: dict[str, Callable[[], None]] = {
            "edit": self._edit, "undo": self._undo, "first, but": self._first_but, "first again": self._first_again,
            "in vain": self._in_vain, "ask": self._ask, "accept": self._accept,
        }  # fmt: skip
        options = self._options(left)
        if not options:
            return False
        every[self.script.weighted({name: share for name, share in {**_STEPS, "accept": 1.0}.items() if name in options})]()
        return True

    def _options(self, left: int) -> list[str]:
        if self._offered:
            return ["accept"] if self.script.happens(_ACCEPTED) else ["edit"]
        room, changed = len(self._made) <= _NEW, len(self.versions) > 1
        if left == 1 and len(self._made) == 1:
            return ["edit"]
        return [
            *(["edit"] if room else []),
            *(["undo"] if changed and self._undoable else []),
            *(["first again"] if changed else []),
            *(["first, but"] if changed and room else []),
            *(["in vain"] if room and left > 1 and not self._asked_for else []),
            *(["ask"] if changed and self._open_questions() else []),
        ]

    # -- turns ---------------------------------------------------------------------------------------------------------------

    def _make(self) -> None:
        script = self.script
        caption = script.pick(script.seed.captions)
        words = script.words(script.source)
        text = script.asking("make", words, caption_values(caption, True, script.random), "text_to_motion")
        if script.happens(0.5):
            text = with_length(text, round(script.seed.seconds * 30), script.random, script.test)
        script.user("make", text)
        script.answer(script.lead("make", 0.15), script.source.account(), script.show(script.source))

    def _show(self) -> None:
        script = self.script
        text = script.asking("show", script.words(script.source), template="motion_to_text")
        script.user("show", text, script.show(script.source))
        script.answer(script.described(script.source))

    def _edit(self, turn: str = "edit", shown: bool = False) -> None:
        script, base = self.script, self.versions[-1]
        edit, take = self._drawn_edit(base)
        facts = ({"made"} if script.just_moved else set()) | ({"changed"} if len(self._made) > 1 else set())
        words = edit_words(script, base, edit, take)
        words = replace(words, facts=words.facts | facts)
        motion = script.show(base) if shown else None
        script.user(_name(edit), script.asking(turn, words, template=_template(edit)), motion)
        self._answer(take, "edit")

    def _first_but(self) -> None:
        script = self.script
        edit, take = self._drawn_edit(script.source)
        words = edit_words(script, script.source, edit, take)
        script.user("first, but", script.asking("edit_first", words, template=_template(edit)))
        self.versions = [script.source]
        self._answer(take, "edit")
        self._undoable = False  # it could mean two things

    def _undo(self) -> None:
        self.versions.pop()
        self._show_again("undo", "undo")

    def _first_again(self) -> None:
        self.versions = [self.script.source]
        self._show_again("first again", "first_again")

    def _show_again(self, asked: str, turn: str) -> None:
        script, take = self.script, self.versions[-1]
        words = script.words(take)
        script.user(asked, script.asking(turn, words))
        lead = script.phrase(turn, "lead", words) if script.happens(0.6) else ""
        script.answer(lead, take.account(), script.show(take))

    def _in_vain(self, motion: Bracket | None = None) -> None:
        """Something that cannot be done, why not, and what could be done instead."""
        script, base = self.script, self.versions[-1]
        possible = _impossible(base)
        turn = script.weighted({turn: _IN_VAIN[turn] for turn in possible})
        words = script.words(base, facts=possible[turn])
        template = {"fast": "editing/faster", "slow": "editing/slower"}.get(base.parameters.speed, "editing/faster")
        script.user(turn.replace("_", ": ", 1).replace("_", " "), script.asking(turn, words, template=template), motion)
        edit, take = self._offered = self._drawn_edit(base)
        offered = script.phrase(turn, "instead", edit_words(script, base, edit, take))
        script.answer(script.phrase(turn, "answer", words, {"offered": offered}))
        self._asked_for.append(turn)

    def _accept(self) -> None:
        assert self._offered
        _, take = self._offered
        self.script.user("accept", self.script.asking("accept", self.script.words(take)))
        self._answer(take, "edit", 0.15)

    def _ask(self) -> None:
        script = self.script
        every = self._open_questions()
        name = script.pick(sorted({name for name, _ in every}))
        self._asked_for.append(name)
        script.ask(name, script.pick([words for other, words in every if other == name]))

    # -- what there is to choose from ----------------------------------------------------------------------------------------

    def _answer(self, take: Take, lead: str, share: float = 0.3) -> None:
        script = self.script
        script.answer(script.lead(lead, share), take.account(), script.show(take))
        self.versions.append(take)
        self._undoable = True
        self._made.append(take.parameters)
        self._offered = None

    def _open_questions(self) -> list[tuple[str, Words]]:
        return self.script.questions(self.versions[-1], [name for name in _QUESTIONS if name not in self._asked_for])

    def _drawn_edit(self, base: Take) -> tuple[Edit, Take]:
        """An edit that makes a new scene, and this scene."""
        script = self.script
        of_manner = script.happens(_MANNER_SHARE)
        edits = script.shuffled(possible_edits(base.parameters))
        known = [edit for edit in edits if script.is_known(edit.parameters)]
        edits.sort(key=lambda edit: bool(edit.who) != of_manner)  # a stable sort: those of the kind that was drawn come first
        for edit in [*(known if script.happens(_KNOWN_SHARE) else []), *edits]:
            if edit.parameters not in self._made and script.fitting(edit.parameters):
                return edit, script.new(edit.parameters, edited=True)
        raise AssertionError(f"{script.seed.clip} has no edit.")  # there are dozens of manners


def _impossible(take: Take) -> dict[str, tuple[str, ...]]:
    """The turns that ask for something that cannot be done, with facts for the words."""
    act, kind = take.acts[0], KINDS[take.acts[0].kind]
    turns: dict[str, tuple[str, ...]] = {"cannot_third": (), "cannot_face": ()}
    if take.parameters.speed != "normal":
        turns["cannot_speed"] = ()
    if len(take.acts) == 1:
        if not kind.sided and kind.name not in _SOME_HAND:
            turns["cannot_other_hand"] = ()
        if act.count == kind.counts[-1]:
            turns["cannot_more_often"] = ("most",) if len(kind.counts) > 1 else ()
        if len(kind.counts) > 1 and act.count == kind.counts[0]:
            turns["cannot_less_often"] = ()
    return turns


def _name(edit: Edit) -> str:
    return "edit: manner" if edit.who else f"edit: {edit.name.replace('_', ' ')}"


def _template(edit: Edit) -> str:
    return "editing/manner" if edit.who else f"editing/{edit.name}"
