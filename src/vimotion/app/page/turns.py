"""How the turns of a conversation look."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nicegui.elements.mixins.text_element import TextElement

from vimotion.app.conversation import text_of
from vimotion.app.page.elements import button, element, link, menu
from vimotion.app.page.stage import label
from vimotion.app.storage import MotionRow, SessionRow, TurnRow
from vimotion.formats import WRITABLE
from vimotion.motion import FPS

if TYPE_CHECKING:
    from vimotion.app.page.tab import Tab

NOTHING_YET = "…"
_WHO = {"ab": "two people", "a": "one person"}


def draw(tab: Tab, session: SessionRow, motions: dict[str, MotionRow]) -> None:
    """The turns that lead to the current one."""
    for number, turn in enumerate(session.path(session.current), 1):
        beside = [other for other in session.turns if other.parent == turn.parent]
        with element("article", classes="turn", aria_label=f"Turn {number}"):
            with element("div", classes="said by-user"):
                element("p", "You", "who")
                _parts(tab, turn.message, motions)
                with element("div", classes="actions"):
                    _versions(tab, turn, beside)
                    button("Edit", lambda turn=turn: tab.edit(turn), "quiet small", aria_label=f"Edit turn {number}")
                    button("Again", lambda turn=turn: tab.again(turn), "quiet small", title="Another answer, with another seed")
                    delete = button("Delete", classes="quiet small", aria_label=f"Delete turn {number} and what follows")
                    delete.on("click", lambda turn=turn: tab.delete(turn), js_handler=_SURE)
            with element("div", classes="said by-model"):
                element("p", "VIMotion", "who")
                _samples(tab, turn, beside)
                _parts(tab, turn.answer, motions, turn)


_SURE = "() => { if (confirm('Delete this turn and what follows it?')) emit(); }"


def pending(words: str, given: Sequence[str]) -> TextElement:
    """A turn whose answer is being made; the element of its words."""
    with element("article", classes="turn", aria_label="The turn that is being answered"):
        with element("div", classes="said by-user"):
            element("p", "You", "who")
            for name in given:
                element("p", name)
            if words:
                element("p", words)
        with element("div", classes="said by-model"):
            element("p", "VIMotion", "who")
            said = element("p", NOTHING_YET)
            element("p", "is being made", "working")
    return said


def _parts(tab: Tab, parts: Sequence[dict[str, Any]], motions: dict[str, MotionRow], answered: TurnRow | None = None) -> None:
    for part in parts:
        if part["type"] == "text":
            if part["text"].strip():
                element("p", part["text"].strip())
        else:
            _card(tab, motions[part["motion"]["id"]], part["motion"].get("people"), answered)


def _card(tab: Tab, row: MotionRow, people: str | None, answered: TurnRow | None) -> None:
    """A motion, and what can be done with it."""
    about = f"{row.frames / FPS:.1f} s, {_WHO[row.people]}"
    if people and people != row.people:
        about += ", person A alone"
    if answered:
        about += f", seed {answered.settings.get('seed')}"
    with element("div", classes="card"):
        element("img", src=f"/page/motions/{row.id}.svg", alt="", width=88, height=66, loading="lazy")
        with element("div", classes="card-words"):
            element("p", label(row), "card-name")
            element("p", about, "faint")
            with element("div", classes="actions"):
                button("Show", lambda: tab.show(row), "small", aria_label=f"Show {label(row)} on the stage")
                if row.source:
                    button("Compare", lambda: tab.compare(row), "small", title="With the motion that it was made from, in step")
                with menu("Use", f"Use {label(row)} in a message"):
                    button("Talk about it", lambda: tab.give(row, "whole"), "small")
                    button("React to person A" if row.people == "ab" else "React to it", lambda: tab.give(row, "a"), "small")
                    if row.people == "ab":
                        button("React to person B", lambda: tab.give(row, "b"), "small")
                with menu("Download", f"Download {label(row)}"):
                    for ending in WRITABLE:
                        link(ending, f"/v1/motions/{row.id}{ending}", download=True)


def _versions(tab: Tab, turn: TurnRow, beside: Sequence[TurnRow]) -> None:
    """Between the messages that were written at this place."""
    asked = dict[str, TurnRow]()
    for other in beside:
        asked.setdefault(_key(other), other)
    if len(asked) < 2:
        return
    versions, here = [*asked.values()], [*asked].index(_key(turn))
    for step, arrow, name in ((-1, "‹", "Earlier"), (1, "›", "Later")):
        there = here + step
        reach = 0 <= there < len(versions)
        button(
            arrow, (lambda other=versions[there]: tab.turn_to(other)) if reach else None, "quiet small",
            aria_label=f"{name} version of this message", disabled=not reach or None,
        )  # fmt: skip
        if step < 0:
            element("span", f"{here + 1} / {len(versions)}", "faint")


def _samples(tab: Tab, turn: TurnRow, beside: Sequence[TurnRow]) -> None:
    """The answers to the same message, in a strip."""
    same = [other for other in beside if _key(other) == _key(turn)]
    if len(same) < 2:
        return
    with element("div", classes="strip", role="group", aria_label="Answers to this message"):
        for number, other in enumerate(same, 1):
            shown = next((part["motion"]["id"] for part in other.answer if part["type"] == "motion"), None)
            name = f"Sample {number}, seed {other.settings.get('seed')}"
            with button("", lambda other=other: tab.turn_to(other), "sample", aria_label=name, title=name) as sample:
                sample.props["aria-pressed"] = "true" if other.id == turn.id else "false"
                if shown:
                    element("img", src=f"/page/motions/{shown}.svg", alt="", width=64, height=48, loading="lazy")
                element("span", str(number))


def _key(turn: TurnRow) -> str:
    return json.dumps(turn.message, sort_keys=True)


def words_of(turn: TurnRow) -> str:
    return text_of(turn.message).strip()
