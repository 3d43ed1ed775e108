"""The form in which a message is written. What stands in its fields is the browser's; the server reads it when it is sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from vimotion.app.page.elements import button, choice, element, field
from vimotion.app.page.examples import ANSWERS, ROLE, Part
from vimotion.app.page.stage import label
from vimotion.app.schema import MOST_CHARACTERS
from vimotion.app.storage import MotionRow
from vimotion.app.uploads import ENDINGS
from vimotion.chat import Sampling
from vimotion.chat.model import REACT
from vimotion.chat.motions import LONGEST, SHORTEST

_READ_FORM = "(event) => { event.preventDefault(); emit(Object.fromEntries(new FormData(event.target))); }"


@dataclass(frozen=True)
class Given:
    """A motion that goes with the next message."""

    motion: MotionRow
    part: Part = "whole"

    @property
    def parts(self) -> dict[str, str]:
        """What can be done with it, in words."""
        if self.motion.people == "a":
            return {"whole": "about", "a": "react to"}
        return {"whole": "about", "a": "react to person A of", "b": "react to person B of"}


class Composer:
    """Message, settings and motions.

    `on_send` gets the form, `on_part` the number of a motion and what of it is meant, `on_drop` the number of one that is taken
    away again.
    """

    def __init__(
        self,
        on_send: Callable[..., Any],
        on_stop: Callable[[], Any],
        on_part: Callable[[int, Part], Any],
        on_drop: Callable[[int], None],
        most: int,
    ) -> None:
        self._on_part, self._on_drop = on_part, on_drop
        with element("form", classes="composer", aria_label="Your message") as self._form:
            self._problem = element("p", classes="problem", role="alert")
            self._notice = element("div", classes="notice")
            self._chips = element("ul", classes="chips", aria_label="Motions of this message")
            with element("label", classes="message"):
                element("span", "Message", "unseen")
                hint = "Say what two people should do …"
                element("textarea", id="words", name="text", rows=2, maxlength=MOST_CHARACTERS, placeholder=hint)
            with element("div", classes="row"):
                button("Add a motion", classes="quiet", id="add-motion", title="Or drop a file anywhere on the page")
                element(
                    "input", type="file", id="files", multiple=True, hidden=True, tabindex=-1, aria_hidden="true",
                    accept=",".join(ENDINGS),
                )  # fmt: skip
                self._stop = button("Stop", on_stop, "quiet")
                self._send = element("button", "Send", "primary", type="submit")
            self._settings(most)
        self._form.on("submit", on_send, js_handler=_READ_FORM)
        self.busy(False)

    def _settings(self, most: int) -> None:
        with element("details", classes="settings"):
            element("summary", "Settings")
            with element("div", classes="fields"):
                choice("Answer", "answer", {name: words for name, (words, _) in ANSWERS.items()})
                length = f"{SHORTEST:g} to {LONGEST:g}; empty: as long as it takes"
                field("Seconds", "duration", length, type="number", min=SHORTEST, max=LONGEST, step=0.1, placeholder="auto")
                field("Seed", "seed", "Empty: drawn", type="number", min=0, max=2**31 - 1, step=1, placeholder="drawn")
                default = f"{Sampling.temperature:g}"
                field("Temperature", "temperature", "Of motion", type="number", min=0, max=2, step=0.05, placeholder=default)
                field("Samples", "n", "Answers to choose from", type="number", min=1, max=most, step=1, placeholder="1")
                with element("label", classes="field wide"):
                    element("span", "Role of the model, in a new conversation")
                    element("textarea", name="role", rows=2, maxlength=MOST_CHARACTERS, placeholder=ROLE)

    def busy(self, busy: bool, stoppable: bool = False) -> None:
        """While an answer is asked for there is no other; while it is being made it can be stopped."""
        self._send.props["disabled"] = busy
        self._stop.set_visibility(stoppable)

    def tell(self, problem: str) -> None:
        """What went wrong; "" takes it away."""
        self._problem.text = problem

    def notice(self, words: str, on_cancel: Callable[[], Any] | None = None) -> None:
        self._notice.clear()
        if words:
            with self._notice:
                element("span", words)
                if on_cancel:
                    button("Cancel", on_cancel, "quiet small")

    def show(self, given: Sequence[Given]) -> None:
        """The motions of the next message."""
        self._chips.clear()
        with self._chips:
            for number, one in enumerate(given):
                with element("li", classes="chip"):
                    self._part(number, one)
                    element("span", f"“{label(one.motion)}”")
                    button("×", lambda number=number: self._on_drop(number), "quiet", aria_label="Take this motion away")

    def _part(self, number: int, given: Given) -> None:
        with element("select", aria_label=f"What of “{label(given.motion)}” is meant") as chosen:
            for part, words in given.parts.items():
                element("option", words, value=part, selected=part == given.part or None)
        chosen.on(
            "change", lambda event: self._on_part(number, event.args), js_handler="(event) => emit(event.target.value)"
        )  # fmt: skip

    def fill(self, **fields: str) -> None:
        """Write into the fields, and go to the message."""
        self._form.client.run_javascript(f"vimotion.fill({json.dumps(fields)})")


def request_of(form: dict[str, Any], given: Sequence[Given]) -> dict[str, Any]:
    """What is sent as the body of a chat completion, of a form and the motions that go with it."""
    parts: list[dict[str, Any]] = [_part(one) for one in given]
    text = str(form.get("text", "")).strip()
    reaction = any(one.part != "whole" for one in given)
    if reaction and not text:
        text = REACT
    parts.append({"type": "text", "text": f" {text}" if parts else text})
    fields = {name: form[name] for name in ("seed", "duration", "temperature", "n") if str(form.get(name, "")).strip()}
    _, wanted = ANSWERS.get(str(form.get("answer")), ANSWERS["any"])
    fields |= wanted
    if reaction and fields.get("motion") != "no":
        fields |= {"motion": "must", "people": "ab", "continues": False}
    return {"messages": [{"role": "user", "content": parts}], "stream": True, **fields}


def _part(given: Given) -> dict[str, Any]:
    reference = {"id": given.motion.id}
    if given.part != "whole":
        reference["people"] = "a"  # of two people; person b comes as a motion of its own
    return {"type": "motion", "motion": reference}
