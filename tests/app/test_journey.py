"""A newcomer's way through the page, with the model that ships: everything of it in one go, on a desk and on a telephone."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from app.running import Process
from app.visit import Visit, chromium, drop, needs_browser
from formats.node import check_glb, here

from vimotion.chat.model import SHIPPED
from vimotion.choreography import make_scene, plain_scene
from vimotion.formats import save_motion

axe = pytest.importorskip("axe_playwright_python.sync_playwright")
pytestmark = needs_browser
MOST_SECONDS = 15.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    running = Process(SHIPPED, tmp_path_factory.mktemp("studio") / "kept")
    yield running
    running.popen.kill()


def bow(folder: Path) -> str:
    """A lone person's bow, as a file: a recorded one where there are recordings beside the repository, else a scripted one."""
    recorded = Path(__file__).parents[3] / "shared/mocap/bandai_namco/dataset-1_bow_normal_001.bvh"
    if recorded.exists():
        return recorded.read_text()
    [path] = save_motion(make_scene(plain_scene("bow")).interaction.person(0), folder / "bow_normal.bvh")
    return path.read_text()


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (375, 720)])
def test_a_newcomer_makes_changes_asks_brings_takes_and_comes_back(
    server: Process, tmp_path: Path, width: int, height: int
) -> None:
    with chromium() as browser:
        visit = Visit(browser, server.url, width, height, reduced_motion="no-preference").open()
        page = visit.page

        # makes: both people move within seconds of the sentence
        page.locator("#words").fill("The first person throws a punch and the second person ducks.")
        began = time.monotonic()
        page.locator("#words").press("Enter")
        visit.until("document.querySelector('.stage').stage.performances[0]?.people.length === 2")
        visit.until("Number(document.querySelector('canvas').dataset.frame) > 0")
        seconds = time.monotonic() - began
        print(f"{width} px: both people move after {seconds:.1f} s")
        assert seconds < MOST_SECONDS
        visit.answered()
        assert "two people" in page.locator(".by-model .card .faint").inner_text()

        # changes it, and asks about it
        visit.say("Make it slower.")
        visit.set(answer="words")
        page.locator("#words").fill("What are the two people doing?")
        page.locator("#words").press("Enter")
        page.wait_for_selector(".working")
        visit.answered()
        said = page.locator(".turn").last.locator(".by-model p:not(.who)").inner_text()
        assert "person" in said or "people" in said or "one" in said.lower()

        # brings somebody who bows, whom the model answers
        drop(visit, "bow_normal.bvh", bow(tmp_path))
        page.wait_for_selector(".chip")
        page.locator(".chip select").select_option("a")
        visit.set(answer="motion")
        page.locator("#words").press("Enter")
        page.wait_for_selector(".working")
        visit.answered()
        assert "two people" in page.locator(".by-model .card .faint").last.inner_text()
        visit.until("document.querySelector('.stage').stage.performances[0].people.length === 2")

        # scrubs and compares
        page.get_by_label("Frame", exact=True).fill("12")
        visit.until("document.querySelector('canvas').dataset.frame === '12'")
        page.get_by_role("button", name="Compare").first.click()
        visit.until("document.querySelector('.stage').stage.performances.length === 2")
        assert "punch" in page.locator(".stage-legend").inner_text()

        # takes it home
        page.get_by_label(re.compile("^Download Make it slower")).click()
        with page.expect_download() as coming:
            page.get_by_role("link", name=".glb").last.click()
        coming.value.save_as(tmp_path / "slower.glb")
        if here("gltf-validator"):
            check_glb(tmp_path / "slower.glb")

        # and comes back to all of it
        page.reload()
        page.wait_for_selector(".turn:nth-child(4) .by-model .card")
        assert page.locator(".turn").count() == 4 and said in page.locator(".turn").nth(2).inner_text()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        found = axe.Axe().run(page).response["violations"]
        assert [fault["id"] for fault in found if fault["impact"] in ("serious", "critical")] == []
        visit.context.close()
        assert not visit.faults  # no error in the console, no request to another machine
