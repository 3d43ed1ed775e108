"""The gallery: what is on the page, and that the page is all there is."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import numpy as np
import pygltflib
import pytest
from chat.tiny_model import walk

from vimotion.app.gallery import QUESTIONS, SECTIONS, SENTENCES, Sample, check_folder, make_samples, write_gallery
from vimotion.chat import Model
from vimotion.errors import UserError


@pytest.fixture(scope="module")
def samples(model: Model) -> list[Sample]:
    return make_samples(model, [("One <b>walks</b> & waves.", walk(40)), ("Two drift.", walk(50, seed=1))], seed=7)


@pytest.fixture(scope="module")
def page(samples: list[Sample], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_gallery(samples, tmp_path_factory.mktemp("made") / "gallery", "tiny")


def embedded(page: Path, name: str) -> dict:
    [found] = re.findall(rf'<script type="application/json" id="{name}">(.*?)</script>', page.read_text())
    return json.loads(found)


def test_every_section_has_its_samples_with_prompt_and_seed(samples: list[Sample], page: Path) -> None:
    text = page.read_text()
    for section, (title, _) in SECTIONS.items():
        assert f"<h2>{title}</h2>" in text and [sample for sample in samples if sample.section == section]
    made = [sample for sample in samples if sample.section == "make"]
    assert [sample.prompt for sample in made] == [*SENTENCES] and [sample.seed for sample in made] == [*range(7, 13)]
    assert {sample.prompt for sample in samples if sample.section == "reason"} <= {*QUESTIONS}
    assert text.count("seed 7<") == 3  # the first of what is drawn: made, edited, answered
    assert all((sample.seed is None) == (sample.section in ("data", "describe", "reason")) for sample in samples)
    assert "One &lt;b&gt;walks&lt;/b&gt; &amp; waves." in text and "<b>" not in text


def test_motions_lie_beside_the_page_and_play_on_it(samples: list[Sample], page: Path) -> None:
    takes = embedded(page, "takes")
    moving = {sample.name: sample.motion for sample in samples if sample.motion}
    assert {*takes} == {*moving} == {path.stem for path in page.parent.glob("*.glb")}
    for name, motion in moving.items():
        assert takes[name]["frames"] == motion.num_frames
        assert len(pygltflib.GLTF2().load(page.parent / f"{name}.glb").skins) == motion.num_people
    for names in re.findall(r'data-show="(.*?)"', page.read_text()):
        assert {*names.split()} <= {*takes}


def test_who_was_given_is_shown_as_they_were(samples: list[Sample], page: Path) -> None:
    takes = embedded(page, "takes")
    poses = {
        name: np.frombuffer(base64.b64decode(take["poses"]), "<f4").reshape(take["frames"], 2, -1)
        for name, take in takes.items()
    }
    for sample in samples:
        if sample.section == "react":
            given, made = poses[sample.about][:, 0], poses[sample.name][:, 0]
            frames = min(len(given), len(made))
            np.testing.assert_allclose(made[:frames], given[:frames], atol=1e-5)


def test_the_page_asks_nobody_for_anything(page: Path) -> None:
    text = page.read_text()
    [imports] = re.findall(r'<script type="importmap">(.*?)</script>', text)
    modules = json.loads(imports)["imports"]
    assert {"nicegui-scene", "vimotion-stage", "vimotion-stage/person.js"} <= {*modules}
    assert all(address.startswith("data:text/javascript;base64,") for address in modules.values())
    linked = re.findall(r'(?:src|href)="(?!data:)([^"]*)"', text)
    assert linked and all((page.parent / name).is_file() for name in linked)
    assert "default-src 'none'" in text


def test_the_same_seed_gives_the_same_samples(model: Model, samples: list[Sample]) -> None:
    again = make_samples(model, [("One <b>walks</b> & waves.", walk(40)), ("Two drift.", walk(50, seed=1))], seed=7)
    for one, other in zip(samples, again, strict=True):
        assert (one.text, one.seed) == (other.text, other.seed)
        assert (one.motion is None) == (other.motion is None)
        if one.motion:
            assert (one.motion.joint_positions == other.motion.joint_positions).all()


def test_a_folder_of_something_else_is_left_alone(samples: list[Sample], page: Path, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear …")
    with pytest.raises(UserError, match="name a new folder"):
        write_gallery(samples[:1], tmp_path, "tiny")
    assert (tmp_path / "letter.txt").read_text() == "Dear …"
    with pytest.raises(UserError, match="name a new folder"):
        check_folder(tmp_path / "letter.txt")
    check_folder(page.parent)
    check_folder(tmp_path / "new")
