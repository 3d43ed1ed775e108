import sys
from dataclasses import replace
from pathlib import Path

import pytest

from vimotion.corpora import Record, Store
from vimotion.corpora.scripted import scene_records
from vimotion.corpora.store import finish_store, write_clips

sys.path += [str(Path(__file__).parents[1] / room) for room in ("chat", "intergen")]  # the tiny random models
# Numbers of scenes that begin with twelve kinds; some have several acts, and no edit goes unseen.
SCENES = (0, 1, 2, 3, 4, 6, 8, 9, 21, 24, 34, 50)


@pytest.fixture(scope="session")
def scenes() -> list[tuple[Record, Record]]:
    """Scripted scenes, and their edited versions."""
    return [(source, edited) for source, edited in (scene_records(number, seed=11) for number in SCENES)]


@pytest.fixture(scope="session")
def store(scenes: list[tuple[Record, Record]], tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A corpus whose test split has every scene and its edit, and whose training split has only the first three scenes."""
    folder = tmp_path_factory.mktemp("corpus")
    records = [replace(record, split="test") for pair in scenes for record in pair]
    training = [source for source, _ in scenes[:3]]
    records += [replace(record, id="train-" + record.id, split="train") for record in training]
    write_clips(records, folder / "clips-00000.parquet")
    return finish_store(folder, {"corpus": "scripted"})
