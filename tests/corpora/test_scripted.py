"""The scripted corpus: the same bytes whoever makes it, finished by whoever comes last, described as it is."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from vimotion.choreography import KINDS, SceneParameters, make_scene, sample_parameters, scene_seconds
from vimotion.choreography.captions import DEPTHS, caption, captions_for, held_out, held_out_combinations
from vimotion.choreography.kind import Kind
from vimotion.choreography.manner import MANNERS
from vimotion.choreography.parameters import Act
from vimotion.corpora import Store, open_store
from vimotion.corpora.look import draw_pictures
from vimotion.corpora.realism import contact_error, sliding
from vimotion.corpora.scripted import build, code_version, missing_shards, scene_records
from vimotion.corpora.store import write_json
from vimotion.errors import UserError

DOCS = Path(__file__).parents[2] / "docs" / "corpus.md"
SCENES, SEED = 9, 3


def made(folder: Path, part: int = 1, parts: int = 1, workers: int = 1) -> Store | None:
    return build(folder, SCENES, SEED, workers, (part, parts))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scripted") / "whole"
    assert made(folder) is not None
    return folder


def test_shards_in_one_folder_give_the_same_bytes(whole: Path, tmp_path: Path) -> None:
    assert made(tmp_path, 2, 2) is None
    assert missing_shards(tmp_path, SCENES, 2) == {1: 5}
    with pytest.raises(UserError, match="half made"):
        open_store(tmp_path)
    store = made(tmp_path, 1, 2, workers=2)
    assert store is not None and len(store) == 2 * SCENES
    assert contents(tmp_path) == contents(whole)


def test_shards_in_folders_of_their_own_are_copied_together(whole: Path, tmp_path: Path) -> None:
    together = tmp_path / "together"
    for part in (3, 1, 2):
        alone = tmp_path / f"machine-{part}"
        assert made(alone, part, 3) is None
        shutil.copytree(alone, together, dirs_exist_ok=True)
    assert missing_shards(together, SCENES, 3) == {}
    assert made(together, 2, 3) is not None
    assert contents(together) == contents(whole)


def test_a_run_that_was_killed_goes_on(whole: Path, tmp_path: Path) -> None:
    call = ["corpus", "scripted", "--count", str(SCENES), "--seed", str(SEED), "--output", str(tmp_path)]
    run = subprocess.Popen([sys.executable, "-m", "vimotion.cli", *call], stderr=subprocess.DEVNULL)
    while run.poll() is None and len(list(tmp_path.glob("clips-*"))) < 2:
        time.sleep(0.01)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    for path in tmp_path.glob("clips-*"):  # what is there is whole
        assert path.read_bytes() == (whole / path.name).read_bytes()
    (tmp_path / ".clips-000008.parquet.1.tmp.parquet").write_bytes(b"half")
    assert made(tmp_path) is not None
    assert contents(tmp_path) == contents(whole)


def test_workers_end_with_the_run_that_they_work_for(tmp_path: Path) -> None:
    call = ["corpus", "scripted", "--count", "2000", "--workers", "2", "--output", str(tmp_path)]
    run = subprocess.Popen([sys.executable, "-m", "vimotion.cli", *call], stderr=subprocess.PIPE)
    while run.poll() is None and not list(tmp_path.glob(".clips-*")):  # the workers write
        time.sleep(0.05)
    os.kill(run.pid, signal.SIGKILL)
    run.communicate(timeout=20)  # they hold its standard error open as long as they live


def _die(*_: object) -> None:
    os._exit(9)


def test_a_worker_that_dies_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vimotion.corpora.scripted._make_file", _die)
    with pytest.raises(UserError, match="A worker was killed"):
        made(tmp_path, workers=2)


def test_another_corpus_is_not_written_over(whole: Path, tmp_path: Path) -> None:
    before = contents(whole)
    for scenes, seed in ((SCENES + 1, SEED), (SCENES, SEED + 1)):
        with pytest.raises(UserError, match="other arguments"):
            build(whole, scenes, seed)
    assert made(whole) is not None and contents(whole) == before
    (tmp_path / "letter.txt").write_text("Dear all")
    with pytest.raises(UserError, match="holds something else"):
        made(tmp_path)


def test_what_does_not_belong_together_is_refused(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    shutil.copytree(whole, folder)
    info = json.loads((folder / "info.json").read_text())
    write_json(folder / "info.json", {**info, "complete": False})
    origin = {"corpus": "scripted", "scenes": SCENES, "seed": SEED, "code": code_version()}
    table = pq.read_table(folder / "clips-000002.parquet")
    foreign = table.replace_schema_metadata({"vimotion": json.dumps({**origin, "seed": 4})})
    pq.write_table(foreign, folder / "clips-000002.parquet")
    with pytest.raises(UserError, match=r"clips-000002\.parquet was made from other arguments"):
        made(folder)
    (folder / "clips-000002.parquet").write_bytes((whole / "clips-000002.parquet").read_bytes()[:5000])
    with pytest.raises(UserError, match=r"clips-000002\.parquet is damaged"):
        made(folder)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scenes": 0}, "at least one scene"),
        ({"scenes": 9, "workers": 0}, "one worker"),
        ({"scenes": 9, "shard": (0, 2)}, "no shard 0 of 2; count from 1 to 2"),
        ({"scenes": 9, "shard": (3, 2)}, "no shard 3 of 2"),
    ],
)
def test_wrong_arguments(arguments: dict, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        build(tmp_path / "new", **arguments)
    assert not (tmp_path / "new").exists()


def test_info_counts_what_is_there(whole: Path) -> None:
    store = open_store(whole)
    info, records = store.info, list(store)
    assert info["splits"] == {name: len(store.split(name)) for name in ("train", "val", "test")}
    assert info["code"] == code_version() and len(code_version()) == 16
    parameters = [record.facts["parameters"] for record in records]
    kinds = Counter(name for each in parameters for name in {act["kind"] for act in each["acts"]})
    assert info["kinds"] == {name: kinds[name] for name in KINDS}
    assert list(info["manners"]) == sorted(MANNERS) and sum(info["edits"].values()) == SCENES
    assert sum(info["durations"].values()) == info["num_clips"] == 2 * SCENES
    assert info["hours"] == pytest.approx(sum(record.num_frames for record in records) / 30 / 3600, abs=1e-3)
    assert all(2.0 <= (record.num_frames + 1) / 30 <= 10.0 for record in records)
    assert set(info["held_out"]["combinations"]) == {", ".join(each) for each in held_out_combinations(KINDS)}
    assert 0.08 < info["held_out"]["wordings"]["share"] < 0.15


def test_held_out_scenes_are_in_the_test_split() -> None:
    found = 0
    for number in range(len(KINDS)):
        source, edited = records = scene_records(number, seed=5)
        assert source.split == edited.split and edited.edit_of == edited.source == source.id
        apart = [held_out(_parameters(record.facts["parameters"])) for record in records]
        found += any(apart)
        assert not any(apart) or source.split == "test"
        if found == 2:
            return
    pytest.fail("No scene of this seed holds a combination that is held out: choose another.")


def _parameters(content: dict) -> SceneParameters:
    names = SceneParameters.__dataclass_fields__
    acts = tuple(Act(**act) for act in content["acts"])
    return SceneParameters(**{name: content[name] for name in names if name in content} | {"acts": acts})


def test_the_length_of_a_scene_is_known_before_its_bodies() -> None:
    for kind in ("handshake", "walk_together", "carry_on_back"):
        parameters = sample_parameters(np.random.default_rng(1), kind)
        assert scene_seconds(parameters) == make_scene(parameters).interaction.duration


def test_the_card_says_what_the_hub_asks_for(whole: Path) -> None:
    text, info = (whole / "README.md").read_text(), open_store(whole).info
    head = yaml.safe_load(text.split("---")[1])
    assert head["license"] == "apache-2.0" and head["size_categories"] == ["n<1K"]
    assert list(whole.glob(head["configs"][0]["data_files"][0]["path"]))
    assert f"--count {SCENES} --seed {SEED}" in text and "no motion of third parties" in text and "$" not in text
    assert all(f"`{name}`" in text for name in pq.read_schema(whole / "clips-000000.parquet").names)
    assert all(f"| {name} | {number} |" in text for name, number in info["splits"].items())


def test_pictures_are_of_what_was_asked(whole: Path, tmp_path: Path) -> None:
    info = open_store(whole).info
    files = draw_pictures(whole, info, tmp_path, "block", clips=2)
    assert files == [tmp_path / "durations.png", tmp_path / "block.png"] and all(file.is_file() for file in files)
    with pytest.raises(UserError, match="no kind 'juggle'"):
        draw_pictures(whole, info, tmp_path, "juggle")


# -- docs/corpus.md --------------------------------------------------------------------------------------------------------


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)


def test_the_page_counts_right() -> None:
    text = DOCS.read_text(encoding="utf-8")
    assert f"{len(KINDS)} kinds of interaction" in text and f"| {len(MANNERS)}: {', '.join(MANNERS)} |" in text


def test_the_snippet_reads_the_files_without_vimotion(whole: Path) -> None:
    [code] = [block for block in blocks("python") if "pyarrow" in block]
    assert "vimotion" not in code.replace("corpora/scripted", "")
    names: dict = {}
    exec(code.replace("corpora/scripted", str(whole)), names)
    first = open_store(whole)[open_store(whole).split("train")[0]]
    assert np.allclose(names["features"], first.features, atol=1e-6)
    assert np.array_equal(names["positions"], names["features"][..., :66].reshape(first.num_frames, 2, 22, 3))


@pytest.fixture
def documented_kind(monkeypatch: pytest.MonkeyPatch) -> Kind:
    """The kind that the page adds, as one who follows the page would have it."""
    [code] = [block for block in blocks("python") if "KIND = Kind(" in block]
    assert len(code.splitlines()) < 60 and max(map(len, code.splitlines())) <= 128
    names: dict = {}
    exec(code, names)
    kind = names["KIND"]
    assert isinstance(kind, Kind) and kind.name not in KINDS
    monkeypatch.setitem(KINDS, kind.name, kind)
    return kind


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("distance", ["near", "far"])
def test_the_documented_kind_does_what_it_says(documented_kind: Kind, side: str, distance: str) -> None:
    for number, count in enumerate(documented_kind.counts):
        act = Act(documented_kind.name, "ab"[number % 2], side, count)  # type: ignore[arg-type]
        scene = make_scene(SceneParameters((act,), distance=distance, seed=number))  # type: ignore[arg-type]
        contacts = [event for event in scene.events if event.name == "contact"]
        assert len(contacts) == len({event.start for event in contacts}) == count
        for event in contacts:
            assert (event.who, event.part) == (act.actor, f"{side}_palm")
            assert contact_error(scene.interaction, vars(event)).max() < 0.03
        slides = sliding(scene.interaction)
        assert np.percentile(slides[np.isfinite(slides)], 95) < 0.01
        assert 2.0 <= scene.interaction.duration <= 10.0


def test_the_documented_kind_is_told(documented_kind: Kind) -> None:
    random = np.random.default_rng(2)
    for side in ("left", "right"):
        parameters = SceneParameters((Act(documented_kind.name, "b", side, 2),), manners=("neutral", "shy"))  # type: ignore[arg-type]
        told = [caption(parameters, KINDS, random, depth, "named") for depth in DEPTHS for _ in range(20)]
        assert all(re.search(r"pok|bend", text) for text in told) and len(set(told)) > 40
        assert not any({"left": "right", "right": "left"}[side] + " " in text for text in told)
        training, apart = captions_for(parameters, KINDS, random)
        assert len(training) == 6 and len(apart) == 2


def test_the_documented_kind_comes_into_the_corpus(documented_kind: Kind) -> None:
    number = list(KINDS).index(documented_kind.name)
    source, edited = scene_records(number, seed=1)
    assert source.facts["parameters"]["acts"][0]["kind"] == documented_kind.name
    assert edited.edit and edited.edit_of == source.id
