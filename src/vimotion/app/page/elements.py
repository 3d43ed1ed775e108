"""Plain HTML elements for the page: what a browser has by itself is known to every keyboard and screen reader."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nicegui.elements.mixins.text_element import TextElement

Handler = Callable[..., Any]


def element(tag: str, text: str = "", classes: str = "", **attributes: Any) -> TextElement:
    """An element with a text; `aria_label="…"` is the attribute aria-label, and None leaves an attribute out."""
    made = TextElement(tag=tag, text=text)
    if classes:
        made.classes(classes)
    for name, value in attributes.items():
        if value is not None:
            made.props[name.replace("_", "-")] = value
    return made


def button(text: str, on_click: Handler | None = None, classes: str = "", **attributes: Any) -> TextElement:
    made = element("button", text, classes, type="button", **attributes)
    return made.on("click", lambda: on_click(), []) if on_click else made


def field(label: str, name: str, hint: str, **attributes: Any) -> None:
    """A labelled number of the form."""
    with element("label", classes="field", title=hint):
        element("span", label)
        element("input", name=name, autocomplete="off", **attributes)


def choice(label: str, name: str, options: dict[str, str]) -> None:
    """A labelled choice of the form, {value: words}."""
    with element("label", classes="field"):
        element("span", label)
        with element("select", name=name):
            for value, words in options.items():
                element("option", words, value=value)


def link(text: str, address: str, **attributes: Any) -> TextElement:
    return element("a", text, href=address, **attributes)


def menu(words: str, label: str) -> TextElement:
    """What is shown when its words are clicked; a context manager for that."""
    with element("details", classes="menu") as made:
        element("summary", words, aria_label=label)
    return made
