"""The page: the table's own numbers, all answers, nobody else's code, and pictures that can be compared."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from poses import random_interaction

from vimotion.evaluation.clips import RATE, SIZE, draw_clips
from vimotion.evaluation.page import write_page
from vimotion.evaluation.plots import draw_plots
from vimotion.evaluation.report import cell
from vimotion.formats import save_motion
from vimotion.motion import Interaction

ATTACK = "They <script>document.title='attacked'</script> hug\ud800 & \"wave\"'s <img src=x onerror=alert(1)>"
SUCCESS = {"mean": 0.6251, "interval": [0.5, 0.74], "lowest": 0.6, "highest": 0.65}
DISTANCE = {"mean": 1.23449, "interval": [1.2, 1.3], "lowest": 1.2, "highest": 1.3}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's folder with a page: two benchmarks with an example each."""
    folder = tmp_path_factory.mktemp("run")
    motion = random_interaction(0, frames=24, bend=0.2)
    moved = motion.moved(1.0, (3.0, 0.0, 1.0))
    for name, one in {"real": motion, "vimotion": moved.frames(0, 12), "given": motion.person(0)}.items():
        for task in ("text_to_motion", "reasoning"):
            (folder / "samples" / task).mkdir(parents=True, exist_ok=True)
            save_motion(one, folder / "samples" / task / f"0.{name}.npz")
    made = {
        "real": {"success": True, "file": "text_to_motion/0.real.npz"},
        "vimotion": {"success": False, "reason": "feet slide", "file": "text_to_motion/0.vimotion.npz"},
        "chain": {"success": False, "reason": "The answer is <empty>."},
    }
    said = {"real": {"success": True, "text": "person a"}, "vimotion": {"success": False, "text": ATTACK}}
    asked = _sample("reasoning", "{motion} Who?", said, "reasoning/0.given.npz")
    samples = [_sample("text_to_motion", "They hug.", made, None), asked]
    (folder / "samples" / "samples.json").write_text(json.dumps(samples))
    draw_plots(RESULTS, folder / "plots")
    assert write_page(folder, RESULTS) == folder / "page" / "index.html"
    return folder


def _sample(task: str, text: str, answers: dict[str, Any], given: str | None) -> dict[str, Any]:
    return {
        "task": task, "number": 0, "example": f"{task}:1", "text": text, "kinds": ["high_five"], "reference": "They hug.",
        "given": given, "answers": answers,
    }  # fmt: skip


def _entry(**measures: Any) -> dict[str, Any]:
    return {"success_interval": SUCCESS["interval"], "measures": {"success": SUCCESS, **measures}, "kinds": {"high_five": 0.5}}


RESULTS = {
    "recipe": {"name": "one <b>run</b>", "examples": 2, "split": "test"},
    "corpus": {"folder": "scripted"},
    "extractor": "0123456789abcdef",
    "summary": {
        "text_to_motion": {"real": _entry(fid=DISTANCE), "vimotion": _entry(fid=DISTANCE), "chain": _entry()},
        "reasoning": {"real": _entry(), "vimotion": _entry()},
    },
}


class Tags(HTMLParser):
    """All tags with their attributes, and all text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_tables_have_the_words_of_the_markdown(run: Path) -> None:
    words = Tags((run / "page" / "index.html").read_text()).words
    for shown in (cell("success", SUCCESS), cell("fid", DISTANCE), cell("fid", None), "FID ↓", "two-stage chain"):
        assert shown in words


def test_every_answer_and_why_it_is_wrong(run: Path) -> None:
    words = Tags((run / "page" / "index.html").read_text()).words
    assert {"wrong: feet slide", "failed: The answer is <empty>.", "person a", "the motion", "high five"} <= {
        word.strip() for word in words
    }


def test_texts_of_contestants_stay_texts(run: Path) -> None:
    page = Tags((run / "page" / "index.html").read_text())
    assert len(page.all("script")) == 1
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert not any(image.get("src") == "x" for image in page.all("img"))
    assert "document.title='attacked'" in "".join(page.words)


def test_policy_allows_its_own_script_and_style_alone(run: Path) -> None:
    text = (run / "page" / "index.html").read_text()
    page = Tags(text)
    policy = next(meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert policy and policy.startswith("default-src 'none'") and "unsafe" not in policy and "http" not in policy
    for tag in ("script", "style"):
        (own,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert not any("style" in attributes for _, attributes in page.tags)


def test_all_that_it_shows_lies_beside_it(run: Path) -> None:
    page = Tags((run / "page" / "index.html").read_text())
    named = [tag["src"] for tag in page.all("img")] + [tag["srcset"] for tag in page.all("source")]
    there = {str(path.relative_to(run / "page")) for path in (run / "page").rglob("*") if path.is_file()}
    assert set(named) == there - {"index.html"} and len(named) == len(set(named)) == 2 + 2 * 3
    assert all(image["loading"] == "lazy" and image["alt"] and image["width"] for image in page.all("img"))
    assert not re.search(r"""(src|href|srcset|url)\s*[=(]\s*["']?(https?:)?//""", (run / "page" / "index.html").read_text())


def test_without_samples_it_shows_the_tables(tmp_path: Path) -> None:
    page = Tags(write_page(tmp_path, RESULTS).read_text())
    assert cell("fid", DISTANCE) in page.words and not page.all("article") and not page.all("img")


@pytest.mark.skipif(not shutil.which("chromium"), reason="there is no Chromium here")
def test_opens_from_the_file_system_and_nothing_attacks(run: Path, tmp_path: Path) -> None:
    command = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}", "--dump-dom"]
    shown = subprocess.run([*command, (run / "page" / "index.html").as_uri()], capture_output=True, text=True, timeout=60)
    page = Tags(shown.stdout)
    assert "hidden" not in next(attributes for tag, attributes in page.tags if attributes.get("class") == "bar")
    assert any(source["media"] in ("all", "not all") for source in page.all("source"))
    assert "<title>one &lt;b&gt;run&lt;/b&gt;</title>" in shown.stdout


def test_answers_to_one_example_share_camera_and_clock(tmp_path: Path) -> None:
    motion = random_interaction(3, frames=30, bend=0.2)
    far = motion.moved(2.0, (8.0, 0.0, -3.0))
    draw_clips({"real": motion, "far": far, "short": far.frames(0, 10)}, tmp_path, one_world=False)
    assert _first(tmp_path / "far.webp") == pytest.approx(_first(tmp_path / "real.webp"), abs=3)
    lasts = {name: _milliseconds(tmp_path / f"{name}.webp") for name in ("real", "short")}
    assert lasts["real"] == pytest.approx(lasts["short"], abs=1000 / RATE) and lasts["real"] > 1000 * motion.duration
    with Image.open(tmp_path / "short.still.webp") as still:
        assert still.size == SIZE and getattr(still, "n_frames", 1) == 1


def test_motions_of_one_world_stand_where_they_stand(tmp_path: Path) -> None:
    pair = random_interaction(4, frames=20, bend=0.2)
    draw_clips({"given": pair.person(0), "real": pair, "moved": pair.moved(0.0, (0.5, 0.0, 0.5))}, tmp_path, one_world=True)
    given, real, moved = (_orange(tmp_path / f"{name}.webp") for name in ("given", "real", "moved"))
    assert given == pytest.approx(real, abs=6) and np.abs(np.subtract(moved, real)).max() > 8


def test_a_motion_that_flies_away_does_not_make_the_others_small(tmp_path: Path) -> None:
    motion = random_interaction(5, frames=20, bend=0.2)
    away = np.linspace(0, 200, 20)[:, None, None] * np.array([1.0, 0.0, 0.0])
    apart = Interaction(motion.root_positions + away * [[1], [-1]], motion.local_rotations, motion.skeletons)
    draw_clips({"real": motion, "apart": apart}, tmp_path, one_world=False)
    draw_clips({"real": motion}, tmp_path / "alone", one_world=False)
    small, alone = (_height(folder / "real.webp") for folder in (tmp_path, tmp_path / "alone"))
    assert small > 0.8 * alone


def _frame(path: Path) -> np.ndarray:
    """The first picture without the bar."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)[: SIZE[1] - 6]


def _first(path: Path) -> list[float]:
    """Mean colour of sixteen parts of the first picture."""
    height, width = 4 * (_frame(path).shape[0] // 4), SIZE[0]
    return _frame(path)[:height].reshape(4, height // 4, 4, width // 4, 3).mean(axis=(1, 3)).ravel().tolist()


def _warm(path: Path) -> np.ndarray:
    return np.argwhere(_frame(path)[..., 0] - _frame(path)[..., 2] > 60)


def _orange(path: Path) -> list[float]:
    """Where person a is, pixels."""
    return _warm(path).mean(axis=0).tolist()


def _height(path: Path) -> int:
    return int(np.ptp(_warm(path)[:, 0]))


def _milliseconds(path: Path) -> int:
    with Image.open(path) as image:
        total = 0
        for index in range(image.n_frames):
            image.seek(index)
            image.load()
            total += image.info["duration"]
        return total
