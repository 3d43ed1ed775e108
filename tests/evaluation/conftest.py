import sys
from dataclasses import replace
from pathlib import Path

import pytest

from vimotion.corpora import Record, Store
from vimotion.corpora.scripted import scene_records
from vimotion.corpora.store import finish_store, write_clips

sys.path.append(str(Path(__file__).parents[1] / "chat"))  # the tiny random model


@pytest.fixture(scope="session")
def scenes() -> list[tuple[Record, Record]]:
    """A scripted scene of each kind, and its edited version."""
    return [(source, edited) for source, edited in (scene_records(number, seed=11) for number in range(12))]


@pytest.fixture(scope="session")
def store(scenes: list[tuple[Record, Record]], tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A corpus whose test split has every kind twice, and whose training split has only the first three kinds."""
    folder = tmp_path_factory.mktemp("corpus")
    records = [replace(record, split="test") for pair in scenes for record in pair]
    training = [source for source, _ in scenes[:3]]
    records += [replace(record, id="train-" + record.id, split="train") for record in training]
    write_clips(records, folder / "clips-00000.parquet")
    return finish_store(folder, {"corpus": "scripted"})
