"""What a user does in a real browser, Debian's Chromium."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = Path(os.environ.get("VIMOTION_CHROMIUM", "/usr/bin/chromium"))
needs_browser = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no {CHROMIUM}")
# A browser that draws without a GPU, beside other tests on two cores, takes its time.
PATIENCE = 60_000


@contextmanager
def chromium() -> Iterator[Any]:
    with playwright.sync_playwright() as engine:
        swiftshader = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--no-sandbox"]
        browser = engine.chromium.launch(executable_path=CHROMIUM, args=swiftshader)
        yield browser
        browser.close()


class Visit:
    """A tab, and what a user does in it. What the page must never do is noted in `faults`."""

    def __init__(self, browser, url: str, width: int = 640, height: int = 480, **context) -> None:
        self.url, self.faults = url, list[str]()
        context = {"reduced_motion": "reduce"} | context  # what moves by itself takes the processor from what is tested
        self.context = browser.new_context(viewport={"width": width, "height": height}, **context)
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.page.on("console", self._told)
        self.page.on("response", self._came)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", self._asked)
        self.page.on("dialog", lambda dialog: dialog.accept())

    def _told(self, message) -> None:
        if message.type == "error" and not message.text.startswith("Failed to load resource"):  # told better by `_came`
            self.faults.append(message.text)

    def _came(self, response) -> None:
        if response.status >= 400:
            self.faults.append(f"{response.status} {response.url}")

    def _asked(self, request) -> None:
        if not request.url.startswith((self.url, self.url.replace("http", "ws"), "data:", "blob:")):
            self.faults.append(f"a request left the machine: {request.url}")

    def open(self, path: str = "/") -> Visit:
        self.page.goto(f"{self.url}{path}")
        self.page.wait_for_selector(".stage canvas[data-rendered]")
        if "session" in path:
            self.until("document.querySelector('.stage').stage.performances.length === 1")
        return self

    def set(self, **settings: str) -> None:
        """Write into the settings of the form."""
        opened = self.page.locator("details.settings")
        if opened.get_attribute("open") is None:
            opened.locator("summary").click()
        for name, value in settings.items():
            field = opened.locator(f"[name={name}]")
            field.select_option(value) if name == "answer" else field.fill(value)
        opened.locator("summary").click()

    def say(self, words: str, **settings: str) -> None:
        """Send a message that a motion is to answer, and wait for the answer."""
        self.set(**{"answer": "motion"} | settings)
        self.page.locator("#words").fill(words)
        self.page.locator("#words").press("Enter")
        self.page.wait_for_selector(".working")
        self.answered()

    def answered(self) -> None:
        self.page.wait_for_selector(".working", state="detached")

    def until(self, expression: str) -> None:
        self.page.wait_for_function(expression)

    @property
    def frame(self) -> int:
        return int(self.page.locator("canvas").get_attribute("data-frame"))

    def stage(self, expression: str) -> object:
        return self.page.evaluate(f"(() => {{ const stage = document.querySelector('.stage').stage; return {expression}; }})()")


def drop(visit: Visit, name: str, content: str) -> None:
    visit.page.evaluate(
        """([name, content]) => {
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([content], name));
            for (const type of ["dragenter", "dragover", "drop"]) {
                document.body.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
            }
        }""",
        [name, content],
    )
