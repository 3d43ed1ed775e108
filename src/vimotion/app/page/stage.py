"""The stage as an element of the page: what is on it is told here, how it looks is in stage/*.js."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from nicegui import background_tasks, ui

from vimotion.app.page.takes import take
from vimotion.app.replies import MotionNews
from vimotion.app.storage import MotionRow

HUMAN = "/page/human.json"
# Frames before the new ones that a step of a growing motion may still change so much that one sees it.
_MENDED = 32


class StageView(ui.element, component="stage_view.js", esm={"vimotion-stage": "stage"}):
    """Two people on a lit floor, and the controls under it."""

    def __init__(self) -> None:
        super().__init__()
        self.props["human"] = HUMAN

    def show(self, motions: Sequence[MotionRow]) -> None:
        """Play a motion; a second one is compared with it, in step."""
        self._ask("show", [{"id": row.id, "label": label(row), "url": f"/page/motions/{row.id}.json"} for row in motions])

    def grow(self, motion_id: str, words: str, piece: dict[str, Any]) -> None:
        """Play a motion that is still being made; `piece` is a take of what is new."""
        self._ask("grow", {"id": motion_id, "label": words, "take": piece})

    def settle(self) -> None:
        """Nothing more comes to what is being played."""
        self._ask("settle")

    def empty(self) -> None:
        self._ask("empty")

    def _ask(self, *words: Any) -> None:
        self.run_method("ask", *words)


class Growth:
    """A motion on its way to a stage: of steps that come faster than they can be drawn the newest is taken."""

    def __init__(self, stage: StageView, words: str) -> None:
        self._stage, self._words = stage, words
        self._newest: MotionNews | None = None
        self._sent = 0
        self._drawing: asyncio.Task[None] | None = None

    def push(self, news: MotionNews) -> None:
        self._newest = news
        if self._drawing is None or self._drawing.done():
            self._drawing = background_tasks.create(self._draw())

    async def end(self) -> None:
        """When what was pushed has been sent."""
        if self._drawing:
            await asyncio.wait([self._drawing])

    async def _draw(self) -> None:
        while news := self._newest:
            self._newest = None
            piece = await asyncio.to_thread(self._piece, news)
            self._sent = piece["frames"]
            self._stage.grow(news.motion_id, self._words, piece)

    def _piece(self, news: MotionNews) -> dict[str, Any]:
        return take(news.interaction, max(0, min(self._sent, news.interaction.num_frames) - _MENDED))


def label(row: MotionRow) -> str:
    """What a motion is called."""
    return row.name or "a motion"
