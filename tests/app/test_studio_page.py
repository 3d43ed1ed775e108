"""The page in a real browser, Debian's Chromium, against a real server with a tiny model."""

from __future__ import annotations

import io
import json
import re
import signal
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from app.running import Process
from app.visit import Visit, chromium, drop, needs_browser
from chat.tiny_model import tiny_model, walk

from vimotion.app.page.examples import EXAMPLES
from vimotion.app.settings import KEY
from vimotion.formats import save_motion
from vimotion.formats.human import load_human
from vimotion.formats.npz import parse_npz

axe = pytest.importorskip("axe_playwright_python.sync_playwright")
pytestmark = needs_browser
SECRET = "0123456789abcdef-secret"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("studio")
    tiny_model().save(folder / "model")
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Process]:
    running = Process(folder / "model", folder / "kept")
    yield running
    running.popen.kill()


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def visit(browser, server: Process) -> Iterator[Visit]:
    visit = Visit(browser, server.url).open()
    yield visit
    visit.context.close()
    assert not visit.faults


@pytest.fixture(scope="module")
def talked(browser, server: Process) -> str:
    """The address of a conversation of two turns, the first with two samples."""
    visit = Visit(browser, server.url).open()
    visit.say("Two people <i>shake</i> hands & laugh.", n="2", seed="5", duration="1.5")
    visit.say("Make it slower.", n="1")
    address = visit.page.url.removeprefix(server.url)
    visit.context.close()
    assert not visit.faults
    return address


def test_a_newcomer_sees_both_people_move_while_the_motion_is_still_being_made(browser, server: Process) -> None:
    visit, seen = Visit(browser, server.url, reduced_motion="no-preference").open(), list[str]()
    visit.page.expose_function("counted", lambda text: seen.append(text))
    visit.page.evaluate("""() => new MutationObserver(() => counted(document.querySelector('.stage-count').textContent))
        .observe(document.querySelector('.stage-count'), {childList: true})""")
    visit.say("Two people shake hands.", duration="8", seed="1")
    frames = {int(text.split("/")[1].removesuffix("…")) for text in seen if text.endswith("…")}
    assert min(frames) < 240, "nothing was shown before the whole motion was there"
    visit.until("document.querySelector('.stage-count').textContent.endsWith('/ 240')")
    assert visit.stage("stage.performances[0].people.length") == 2
    assert visit.stage("stage.state.playing")
    visit.until("Number(document.querySelector('canvas').dataset.frame) > 3")
    shown = visit.page.locator(".card-name").inner_text()
    assert shown == "Two people shake hands." and "session=session-" in visit.page.url
    visit.context.close()
    assert not visit.faults


def test_the_stage_poses_the_mesh_as_we_do(visit: Visit, talked: str, server: Process) -> None:
    visit.open(talked)
    visit.stage("stage.change({frame: 20})")
    visit.until("document.querySelector('canvas').dataset.frame === '20'")
    drawn = np.array(
        visit.stage("""stage.performances[0].people.map(({bones, mesh, group}) => [
        bones.map((bone) => bone.matrixWorld.elements.slice(12, 15)),
        [0, 300, 700, 1100].map((vertex) =>
            mesh.getVertexPosition(vertex, bones[0].position.clone()).add(group.position).toArray())])
        .map(([joints, skin]) => [...joints, ...skin])""")
    )
    motion_id = re.search(r"motions/(.*)\.svg", visit.page.locator(".card img").last.get_attribute("src"))[1]
    told = httpx.get(f"{server.url}/v1/motions/{motion_id}.npz").content  # cleaned, as the stage shows it
    motion, human = parse_npz(io.BytesIO(told), motion_id), load_human()
    lift = np.array([0.0, human.lift(motion.skeletons), 0.0])
    joints, turns = motion.joint_positions[20], motion.joint_orientations[20]
    for person, skeleton in enumerate(motion.skeletons):
        skin = human.skin(human.binding(skeleton), joints[person], turns[person])[[0, 300, 700, 1100]]
        np.testing.assert_allclose(drawn[person], np.concatenate([joints[person], skin]) + lift, atol=1e-3)


def test_keys_and_bar_move_the_clock_and_the_camera(visit: Visit, talked: str) -> None:
    visit.open(talked)
    page = visit.page
    page.locator("canvas").click()
    page.keyboard.press("Home")
    visit.until("document.querySelector('canvas').dataset.frame === '0'")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    visit.until("document.querySelector('canvas').dataset.frame === '3'")
    assert page.locator(".stage-count").inner_text().startswith("4 / ")
    page.keyboard.press("End")
    last = visit.stage("stage.frames - 1")
    visit.until(f"document.querySelector('canvas').dataset.frame === '{last}'")
    page.get_by_label("Frame", exact=True).fill("7")
    visit.until("document.querySelector('canvas').dataset.frame === '7'")
    page.locator("#words").fill("")
    page.locator("#words").type("3 m l")  # keys are letters where one writes
    assert visit.stage("[stage.state.camera, stage.state.mesh, stage.state.loop]") == ["orbit", True, True]
    page.locator("#words").fill("")
    page.locator("canvas").click()
    for key, state in (("3", "camera"), ("m", "mesh"), ("l", "loop"), ("t", "trails"), ("c", "contacts"), ("+", "speed")):
        before = visit.stage(f"stage.state.{state}")
        page.keyboard.press(key)
        assert visit.stage(f"stage.state.{state}") != before
    assert visit.stage("stage.camera.position.y - stage.orbit.target.y") > 1  # from above
    page.get_by_label("Camera").select_option("follow")
    page.get_by_label("Speed").select_option("2")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Play").click()
    visit.until("Number(document.querySelector('canvas').dataset.frame) > 10")
    assert visit.stage("stage.state.speed") == 2
    page.get_by_role("button", name="Pause").focus()
    page.keyboard.press("Enter")
    assert not visit.stage("stage.state.playing")


def test_a_motion_is_compared_with_its_source_in_step(visit: Visit, talked: str) -> None:
    visit.open(talked)
    assert visit.page.locator(".by-user p:not(.who)").first.inner_text() == "Two people <i>shake</i> hands & laugh."
    visit.page.get_by_role("button", name="Compare").last.click()
    visit.until("document.querySelector('.stage').stage.performances.length === 2")
    assert visit.stage("stage.performances[1].group.position.length()") > 1
    assert visit.page.locator(".stage-legend").inner_text().startswith("Left: “Two people")
    fetched = list[str]()
    visit.page.on("request", lambda request: fetched.append(request.url))
    visit.page.get_by_label("Comparison").select_option("over")
    visit.until("document.querySelector('.stage').stage.performances[1]?.group.position.length() === 0")
    assert "over" in visit.page.locator(".stage-legend").inner_text()
    assert visit.stage("stage.performances[1].people[0].materials[0].transparent")
    assert fetched == []
    visit.page.get_by_role("button", name=re.compile("^Show .* on the stage")).first.click()
    visit.until("document.querySelector('.stage').stage.performances.length === 1")


def test_samples_stand_in_a_strip_and_a_message_is_changed_in_a_branch(visit: Visit, server: Process) -> None:
    page = visit.page
    visit.say("Hug.", n="3", seed="10", duration="1")
    strip = page.locator(".strip button")
    assert [strip.nth(number).get_attribute("title") for number in range(3)] == [
        f"Sample {number}, seed {9 + number}" for number in (1, 2, 3)
    ]
    strip.nth(2).click()
    page.wait_for_selector(".strip button:nth-child(3)[aria-pressed=true]")
    assert "seed 12" in page.locator(".card .faint").inner_text()
    page.get_by_role("button", name="Edit turn 1").click()
    page.wait_for_selector(".notice button")
    visit.until("document.querySelector('#words').value === 'Hug.'")
    visit.say("Bow.", n="1", seed="")
    assert page.locator(".turn").count() == 1 and page.locator(".by-user").get_by_text("2 / 2").count() == 1
    page.get_by_role("button", name="Earlier version of this message").click()
    page.wait_for_selector("text=1 / 2")
    assert page.locator(".by-user").get_by_text("Hug.").count() == 1
    page.get_by_role("button", name="Delete turn 1 and what follows").click()
    page.wait_for_selector("text=1 / 2", state="detached")
    session = page.url.rpartition("=")[2]
    assert len(httpx.get(f"{server.url}/v1/sessions/{session}").json()["turns"]) == 3


def test_a_file_is_dropped_and_somebody_answers_it(visit: Visit, tmp_path: Path) -> None:
    page = visit.page
    [file] = save_motion(walk(45, people=1), tmp_path / "wanderer.bvh")
    drop(visit, "wanderer.bvh", file.read_text())
    page.wait_for_selector(".chip")
    assert "wanderer.bvh" in page.locator(".chip").inner_text()
    visit.until("document.querySelector('.stage').stage.performances.length === 1")
    page.locator(".chip select").select_option("a")
    page.locator("#words").press("Enter")
    page.wait_for_selector(".by-model .card")
    assert "two people" in page.locator(".by-model .card .faint").inner_text()
    assert page.locator(".by-user").get_by_text("How does the other person react?").count() == 1
    drop(visit, "nonsense.bvh", "this is no motion")
    page.wait_for_selector(".problem:has-text('nonsense.bvh')")
    drop(visit, "notes.docx", "x")
    page.wait_for_selector(".problem:has-text('no ending that VIMotion reads')")
    assert [fault[:3] for fault in visit.faults] == ["422", "422"]
    visit.faults.clear()


def test_motions_and_the_conversation_are_taken_home(visit: Visit, talked: str) -> None:
    visit.open(talked)
    visit.page.get_by_label(re.compile("^Download Make it slower")).click()
    with visit.page.expect_download() as coming:
        visit.page.get_by_role("link", name=".glb").last.click()
    assert Path(coming.value.path()).read_bytes()[:4] == b"glTF"
    visit.page.get_by_label("More about this conversation").click()
    with visit.page.expect_download() as coming:
        visit.page.get_by_role("link", name="Download as .zip").click()
    names = zipfile.ZipFile(coming.value.path()).namelist()
    assert "session.json" in names and len([name for name in names if name.endswith(".npz")]) == 2


def test_examples_are_ready_to_be_sent(visit: Visit) -> None:
    page = visit.page
    for example in EXAMPLES:
        page.get_by_role("button", name=example.task).first.click()
        visit.until(f"document.querySelector('#words').value === {json.dumps(example.words)}")
        assert page.locator("[name=answer]").input_value() == example.answer
        assert page.locator("[name=role]").input_value() == example.role
        assert page.locator(".chip").count() == (example.part is not None)
    visit.set(duration="1")  # the last one: of the role, about a motion that comes with it
    page.get_by_role("button", name="Send").click()
    page.wait_for_selector(".by-model .card")
    assert "two people" in page.locator(".by-model .card .faint").inner_text()
    assert page.locator(".problem").inner_text() == ""


def test_what_is_written_before_an_answer_begins_stays(visit: Visit) -> None:
    page = visit.page
    visit.set(duration="1")
    page.locator("#words").fill("Two people hug.\nThey are glad.")
    page.evaluate("""() => {
        document.querySelector("form.composer").requestSubmit();
        document.querySelector("#words").value += " And now";
    }""")
    page.wait_for_selector(".by-model .card")
    assert page.locator("#words").input_value() == " And now"
    page.locator("#words").fill("They wave.")
    page.locator("#words").press("Enter")
    visit.until("document.querySelectorAll('.by-model .card').length === 2")
    assert page.locator("#words").input_value() == ""


def test_what_cannot_be_is_said_in_words_and_an_answer_can_be_stopped(visit: Visit) -> None:
    page = visit.page
    page.locator("#words").press("Enter")
    page.wait_for_selector(".problem:has-text('write something')")
    visit.set(answer="next")
    page.locator("#words").fill("What happens next?")
    page.locator("#words").press("Enter")
    page.wait_for_selector(".problem:has-text('Refer to the motion')")
    assert page.locator("#words").input_value() == "What happens next?"
    visit.set(answer="motion", duration="10", n="8")
    page.locator("#words").fill("Dance.")
    page.locator("#words").press("Enter")
    page.get_by_role("button", name="Stop").click()
    page.wait_for_selector(".problem:has-text('Stopped')")
    visit.until("document.querySelector('#words').value === 'Dance.'")
    page.wait_for_selector(".turn", state="detached")


def test_a_message_that_is_sent_twice_begins_one_conversation(visit: Visit, server: Process) -> None:
    def kept() -> int:
        return len(httpx.get(f"{server.url}/v1/sessions?limit=100").json()["data"])

    before = kept()
    visit.set(answer="motion", duration="1")
    visit.page.locator("#words").fill("Jump.")
    visit.page.evaluate("for (const _ of [1, 2]) document.querySelector('form.composer').requestSubmit()")
    visit.page.wait_for_selector(".by-model .card")
    visit.answered()
    assert visit.page.locator(".turn").count() == 1 and kept() == before + 1


def test_another_answer_leaves_the_message_that_is_being_changed(visit: Visit) -> None:
    visit.say("Hug.", duration="1")
    visit.page.get_by_role("button", name="Edit turn 1").click()
    visit.page.wait_for_selector(".notice button")
    visit.page.get_by_role("button", name="Again").click()
    visit.page.wait_for_selector(".working")
    visit.answered()
    visit.say("Wave.")
    assert visit.page.locator(".turn").count() == 1  # in the place of the first turn


def test_without_webgl_the_stage_says_so(browser, server: Process) -> None:
    visit = Visit(browser, server.url)
    visit.page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    visit.page.goto(server.url)
    visit.page.wait_for_selector(".stage-legend:has-text('no WebGL')")
    visit.stage("stage.empty()")
    assert "no WebGL" in visit.page.locator(".stage-legend").inner_text()
    visit.context.close()
    assert visit.faults and all("WebGL" in fault for fault in visit.faults)


@pytest.mark.parametrize(("width", "height", "scheme"), [(1280, 720, "light"), (375, 720, "dark")])
def test_everybody_can_use_it(browser, server: Process, talked: str, width: int, height: int, scheme: str) -> None:
    visit = Visit(browser, server.url, width, height, color_scheme=scheme).open(talked)
    page = visit.page
    page.wait_for_selector(".strip")
    for summary in ("details.settings > summary", ".examples summary", ".more summary", ".card .menu >> nth=0"):
        page.locator(summary).first.click()
    found = axe.Axe().run(page).response["violations"]
    assert [(fault["id"], [node["html"][:200] for node in fault["nodes"]]) for fault in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    page.locator("#theme").click()
    page.reload()
    page.wait_for_selector(".strip")
    assert page.evaluate("document.documentElement.dataset.theme") != scheme
    for role, name in (("button", "Send"), ("button", "Play"), ("textbox", "Message"), ("combobox", "Conversation")):
        box = page.get_by_role(role, name=name, exact=True).bounding_box()
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= width and box["y"] + box["height"] <= height
    visit.context.close()
    assert not visit.faults


def test_a_restart_of_the_server_loses_nothing_and_a_key_is_asked_for_once(
    browser, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Process(folder / "model", folder / "other")
    visit = Visit(browser, server.url).open()
    visit.say("Wave.", duration="1")
    address = visit.page.url.removeprefix(server.url)
    visit.context.close()
    server.stop(signal.SIGKILL)

    monkeypatch.setenv(KEY, SECRET)
    server = Process(folder / "model", folder / "other")
    visit = Visit(browser, server.url)
    visit.page.goto(f"{server.url}{address}")
    visit.page.get_by_label("The key of this server").fill(SECRET)
    visit.page.get_by_role("button", name="Come in").click()
    visit.page.wait_for_selector(".stage canvas[data-rendered]")
    visit.page.get_by_role("combobox", name="Conversation").select_option("Wave.")
    visit.page.wait_for_selector(".by-model .card")
    visit.until("document.querySelector('.stage').stage.performances.length === 1")
    visit.say("Again.", duration="1")
    assert visit.page.locator(".turn").count() == 2
    visit.context.close()
    server.stop(signal.SIGTERM)
    assert not visit.faults
