"""One browser tab: a conversation, its stage, and what is done with them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from fastapi.exceptions import RequestValidationError
from nicegui import background_tasks, ui
from nicegui.elements.mixins.text_element import TextElement
from pydantic import ValidationError

from vimotion.app.completions import asked_of
from vimotion.app.engine import Gone
from vimotion.app.faults import told
from vimotion.app.page import turns
from vimotion.app.page.composer import Composer, Given, request_of
from vimotion.app.page.elements import button, element, link, menu
from vimotion.app.page.examples import EXAMPLE_NAME, EXAMPLES, Example, Part, example_motion
from vimotion.app.page.stage import Growth, StageView, label
from vimotion.app.replies import CURRENT, MotionNews, Reply, TextNews
from vimotion.app.schema import ChatRequest
from vimotion.app.storage import Missing, MotionRow, SessionRow, TurnRow
from vimotion.app.studio import Studio

_Given = ParamSpec("_Given")
_LISTED = 50
_STOPPED = "Stopped; nothing of that turn is kept."
_BUSY = "An answer is being made; wait for it, or stop it."
_LEAVE = "() => { if (confirm('Delete this conversation and its motions?')) emit(); }"


def _in_words(
    do: Callable[Concatenate[Tab, _Given], Awaitable[None]],
) -> Callable[Concatenate[Tab, _Given], Awaitable[None]]:
    """What goes wrong in a method is said beside the form."""

    @wraps(do)
    async def done(tab: Tab, *given: _Given.args, **named: _Given.kwargs) -> None:
        try:
            await do(tab, *given, **named)
        except Exception as error:
            tab.composer.tell(_sentence(error))

    return done


class Tab:
    """Draws a conversation and answers its buttons. Belongs to the server's event loop.

    `replies` are being made for pages, by their conversations: they go on when a page is loaded again.
    """

    def __init__(self, studio: Studio, replies: dict[str, asyncio.Task[None]]) -> None:
        self.studio, self.replies = studio, replies
        self.session: SessionRow | None = None
        self.given: list[Given] = []
        self.parent: str | None = CURRENT  # the turn that the next message follows
        self.busy = False  # from a question to the end of its reply
        self.reply: Reply | None = None
        self.client = ui.context.client

    # -- what is there -------------------------------------------------------------------------------------------------------

    async def build(self, session: str) -> None:
        """The whole page, with a conversation ("": a new one)."""
        with element("header", classes="top"):
            element("h1", "VIMotion")
            self._list = element("div", classes="conversations")
            button("New", lambda: self.open(""), title="A new conversation")
            self._more = element("div", classes="more")
            button("◐", classes="quiet", id="theme", aria_label="Dark or light")
        with element("div", classes="desk"):  # NiceGUI puts a <main> around it
            with element("section", classes="talk", aria_label="Conversation"):
                with element("div", classes="turns", id="turns", role="log", aria_label="Turns", tabindex=0):
                    self._turns = element("div")
                    self._examples = element("div", classes="examples")
                self.composer = Composer(self.send, self.stop, self.mean, self.drop, self.studio.config.max_samples)
            with element("section", classes="scene", aria_label="Stage"):
                self.stage = StageView().on("failed", lambda event: self.composer.tell(event.args))
        inbox = element("div", id="inbox", hidden=True)
        inbox.on("motion", lambda event: self.uploaded(event.args), js_handler="(event) => emit(event.detail)")
        inbox.on("problem", lambda event: self.composer.tell(event.args), js_handler="(event) => emit(event.detail)")
        await self.open(session)

    @_in_words
    async def open(self, session: str) -> None:
        """Go to a kept conversation, or to a new one, which is kept from its first message on."""
        self.composer.tell("")
        if self.busy:
            self.composer.tell(_BUSY)
            await self._draw_list()
            return
        try:
            self.session = await asyncio.to_thread(self.studio.storage.session, session) if session else None
        except Missing as error:
            self.session = None
            self.composer.tell(_sentence(error))
        self._forget_draft()
        await self.refresh(show=True)
        if self.session and (running := self.replies.get(self.session.id)):
            self.composer.notice("The answer to your last message is still being made …")
            background_tasks.create(self._await(running))

    async def _await(self, running: asyncio.Task[None]) -> None:
        await asyncio.wait([running])
        self.composer.notice("")
        await self.refresh(show=True)

    async def refresh(self, show: bool = False) -> None:
        """Draw everything anew from what is kept; `show` puts the last motion on the stage."""
        motions = await asyncio.to_thread(self._read)
        if self.client.is_deleted:
            return
        self._turns.clear()
        if self.session:
            with self._turns:
                turns.draw(self, self.session, motions)
        self._draw_examples()
        await self._draw_list()
        address = f"/?session={self.session.id}" if self.session else "/"
        self.client.run_javascript(f"vimotion.at({json.dumps(address)})")
        if show:
            shown = self._shown()
            self.stage.show([motions[shown[-1]]]) if shown else self.stage.empty()
            self.client.run_javascript("vimotion.down()")

    def _read(self) -> dict[str, MotionRow]:
        """The conversation as it is now; the motions that it shows."""
        if self.session:
            self.session = self.studio.storage.session(self.session.id)
        return {motion: self.studio.storage.motion(motion) for motion in {*self._shown()}}

    def _shown(self) -> list[str]:
        """The motions of the turns that lead to the current one."""
        path = self.session.path(self.session.current) if self.session else []
        return [motion for turn in path for motion in turn.motions]

    async def _draw_list(self) -> None:
        rows = await asyncio.to_thread(self.studio.storage.sessions, _LISTED)
        here = self.session.id if self.session else ""
        self._list.clear()
        with self._list, element("label"):
            element("span", "Conversation", "unseen")
            with element("select", id="conversations") as chosen:
                if not here:
                    element("option", "New conversation", value="", selected=True)
                for row in rows:
                    element("option", row.title or "Without words", value=row.id, selected=row.id == here or None)
            chosen.on("change", lambda event: self.open(event.args), js_handler="(event) => emit(event.target.value)")
        self._more.clear()
        if here:
            with self._more, menu("More", "More about this conversation"), element("div", classes="panel"):
                link("Download as .zip", f"/v1/sessions/{here}.zip", download=True)
                button("Delete", classes="small").on("click", self.leave, js_handler=_LEAVE)

    def _draw_examples(self) -> None:
        self._examples.clear()
        with self._examples, element("details", open=not (self.session and self.session.turns) or None):
            element("summary", "Examples")
            with element("ul"):
                for example in EXAMPLES:
                    with element("li"), button("", lambda example=example: self.take_example(example), "example"):
                        element("strong", example.task)
                        element("span", example.words)

    # -- the next message ----------------------------------------------------------------------------------------------------

    @_in_words
    async def take_example(self, example: Example) -> None:
        """Write an example's words into the form, with a motion where it is about one."""
        self.given = []
        if example.part:
            motions = await asyncio.to_thread(self._read)
            shown = self._shown()
            row = motions[shown[-1]] if shown else await self.studio.keep(example_motion(), EXAMPLE_NAME)
            await self.give(row, example.part)
        self.composer.show(self.given)
        self.composer.fill(text=example.words, answer=example.answer, role=example.role)

    @_in_words
    async def give(self, row: MotionRow, part: Part) -> None:
        """A motion goes with the next message."""
        self.given.append(await self._given(row, part))
        self.composer.show(self.given)
        self.composer.fill()

    @_in_words
    async def mean(self, number: int, part: Part) -> None:
        """Of a motion that goes with the next message something else is meant."""
        self.given[number] = await self._given(self.given[number].motion, part)
        self.composer.show(self.given)

    async def _given(self, row: MotionRow, part: Part) -> Given:
        if part != "b":
            return Given(row, part)
        # models answer the first person of a motion
        interaction = await asyncio.to_thread(self.studio.library.interaction, row.id)
        return Given(await self.studio.keep(interaction.person(1), f"{label(row)} (person B)"), "a")

    @_in_words
    async def uploaded(self, motion: str) -> None:
        """A file of the user's has become a motion."""
        self.composer.tell("")
        row = await asyncio.to_thread(self.studio.storage.motion, motion)
        self.stage.show([row])
        await self.give(row, "whole")

    def drop(self, number: int) -> None:
        del self.given[number]
        self.composer.show(self.given)

    @_in_words
    async def edit(self, turn: TurnRow) -> None:
        """Write a message anew; what was answered before stays as another branch."""
        self.parent = turn.parent
        references = [part["motion"] for part in turn.message if part["type"] == "motion"]
        rows = [await asyncio.to_thread(self.studio.storage.motion, reference["id"]) for reference in references]
        self.given = [
            Given(row, "a" if reference.get("people") == "a" and turn.settings.get("people") == "ab" else "whole")
            for row, reference in zip(rows, references, strict=True)
        ]
        self.composer.show(self.given)
        self.composer.notice("This takes the place of an earlier message; the earlier branch is kept.", self._forget_draft)
        self.composer.fill(text=turns.words_of(turn))

    def _forget_draft(self) -> None:
        self.given, self.parent = [], CURRENT
        self.composer.show(self.given)
        self.composer.notice("")

    # -- answers -------------------------------------------------------------------------------------------------------------

    async def send(self, event: Any) -> None:
        """Ask what stands in the form."""
        body = request_of(event.args, self.given)
        if body.get("motion") == "must" and not self.given and not self._shown():
            body["people"] = "ab"  # made from words alone
        words = body["messages"][0]["content"][-1]["text"].strip()
        names = [f"“{label(one.motion)}”" for one in self.given]
        if await self._ask(body, self.parent, words, names, str(event.args.get("role", ""))):
            self._forget_draft()
            self.client.run_javascript(f"vimotion.sent({json.dumps(str(event.args.get('text', '')))})")

    @_in_words
    async def again(self, turn: TurnRow) -> None:
        """Another answer to the same message, with another seed."""
        kept = {name: value for name, value in turn.settings.items() if name not in ("seed", "max_words", "drafts")}
        body = {"messages": [{"role": "user", "content": turn.message}], "stream": True, **kept}
        await self._ask(body, turn.parent, turns.words_of(turn), [])

    async def _ask(self, body: dict[str, Any], parent: str | None, words: str, names: list[str], role: str = "") -> bool:
        """Whether the reply has begun."""
        if self.busy:
            self.composer.tell(_BUSY)
            return False
        self.busy = True
        self.composer.tell("")
        self.composer.busy(True)
        fresh = self.session is None
        try:
            if fresh:
                add, most = self.studio.storage.add_session, self.studio.config.max_sessions
                self.session = await asyncio.to_thread(add, "", role.strip(), most)
            assert self.session
            request = _checked(body | {"session": self.session.id, "parent": parent})
            self.reply = await self.studio.ask(asked_of(request, self.studio.config.max_samples), watched=True)
        except Exception as error:
            self.composer.busy(False)
            self.composer.tell(_sentence(error))
            if fresh and self.session:
                await asyncio.to_thread(self.studio.storage.delete_session, self.session.id)
                self.session = None
            self.busy = False
            return False
        self.composer.busy(True, stoppable=True)
        self._examples.clear()
        with self._turns:
            said = turns.pending(words, names)
        self.client.run_javascript(f"vimotion.at({json.dumps(f'/?session={self.session.id}')}); vimotion.down()")
        self.replies[self.session.id] = background_tasks.create(self._follow(self.reply, self.session.id, said, words))
        return True

    async def _follow(self, reply: Reply, session: str, said: TextElement, words: str) -> None:
        """Show a reply while it comes, also its first motion; then all of it as it is kept."""
        growth, problem = Growth(self.stage, words), ""
        try:
            async for news in reply:
                if isinstance(news, MotionNews) and news.sample == 0:
                    growth.push(news)
                elif isinstance(news, TextNews) and news.sample == 0:
                    said.text = (said.text if said.text != turns.NOTHING_YET else "") + news.text
        except Gone:
            problem = _STOPPED
        except Exception as error:
            problem = _sentence(error)
        finally:
            self.busy, self.reply = False, None
            self.replies.pop(session, None)
        await growth.end()
        if self.client.is_deleted:
            return
        self.stage.settle()
        self.composer.busy(False)
        self.composer.tell(problem)
        if problem:
            self.composer.fill(text=words)
        await self.refresh(show=True)

    def stop(self) -> None:
        """Give up the answer that is being made."""
        if self.reply:
            self.reply.cancel()

    # -- what was said -------------------------------------------------------------------------------------------------------

    def show(self, row: MotionRow) -> None:
        self.stage.show([row])

    @_in_words
    async def compare(self, row: MotionRow) -> None:
        """A motion with what it was made from."""
        self.stage.show([row, await asyncio.to_thread(self.studio.storage.motion, row.source or "")])

    @_in_words
    async def turn_to(self, turn: TurnRow) -> None:
        """Go on with another branch, at its end."""
        assert self.session
        end = turn
        while after := [other for other in self.session.turns if other.parent == end.id]:
            end = after[-1]
        await self._change(self.studio.storage.change_session, turn.session, {"current": end.id})

    @_in_words
    async def delete(self, turn: TurnRow) -> None:
        """Forget a turn and what follows it."""
        await self._change(self.studio.storage.delete_turn, turn.session, turn.id)

    @_in_words
    async def leave(self) -> None:
        """Forget the whole conversation."""
        if self.session and not self.busy:
            await asyncio.to_thread(self.studio.storage.delete_session, self.session.id)
            await self.open("")

    async def _change(self, change: Any, *what: Any) -> None:
        if self.busy:
            self.composer.tell(_BUSY)
            return
        self.session = await asyncio.to_thread(change, *what)
        self._forget_draft()
        await self.refresh(show=True)


def _checked(body: dict[str, Any]) -> ChatRequest:
    try:
        return ChatRequest.model_validate(body)
    except ValidationError as error:
        raise RequestValidationError([{**found, "loc": ("body", *found["loc"])} for found in error.errors()]) from None


def _sentence(error: Exception) -> str:
    """What the API would say."""
    return str(json.loads(bytes(told(error).body))["error"]["message"])
