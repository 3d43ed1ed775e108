from pathlib import Path

import numpy as np
import pytest

from vimotion.corpora import store
from vimotion.corpora.joining import join
from vimotion.corpora.store import Record, Store, finish_store, write_clips
from vimotion.errors import UserError


def _store(folder: Path, name: str, people: int) -> Store:
    random = np.random.default_rng(people)
    records = [
        Record(
            f"{name}-{split}", split, f"{name}-{split}", random.normal(size=(20, people, 262)).astype(np.float32), ("Hello.",)
        )
        for split in ("train", "val")
    ]
    write_clips(records, folder / "clips-000000.parquet")
    return finish_store(folder, {"corpus": name, "licence": f"licence of {name}"})


def test_clips_of_all_keep_their_splits_and_motions(tmp_path: Path) -> None:
    pairs, singles = _store(tmp_path / "pairs", "pairs", 2), _store(tmp_path / "singles", "singles", 1)
    joined = join([pairs.folder, singles.folder], tmp_path / "both")
    assert [record.id for record in joined] == ["pairs-train", "pairs-val", "singles-train", "singles-val"]
    assert joined.split("train") == [0, 2] and joined.info["corpus"] == "pairs+singles"
    assert joined.info["licence"] == "licence of pairs · licence of singles"
    assert np.array_equal(joined[3].features, singles[1].features)
    weights = np.array([40.0, 20.0])[:, None]
    assert joined.stats[0] == pytest.approx((np.stack([pairs.stats[0], singles.stats[0]]) * weights).sum(0) / 60, abs=1e-5)


def test_clips_of_one_name_and_folders_in_use_are_refused(tmp_path: Path) -> None:
    pairs = _store(tmp_path / "pairs", "pairs", 2)
    with pytest.raises(UserError, match="both have a clip 'pairs-train'"):
        join([pairs.folder, pairs.folder], tmp_path / "twice")
    with pytest.raises(UserError, match="name a new folder"):
        join([pairs.folder], pairs.folder)


def test_a_run_that_was_stopped_leaves_nothing_half_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = _store(tmp_path / "pairs", "pairs", 2)
    with monkeypatch.context() as patch:
        patch.setattr(store, "write_json", _stopped)
        with pytest.raises(KeyboardInterrupt):
            join([pairs.folder], tmp_path / "both")
    assert not (tmp_path / "both").exists()
    assert join([pairs.folder], tmp_path / "both").folder == tmp_path / "both"
    monkeypatch.chdir(tmp_path)
    assert [record.id for record in join([Path("pairs")], Path("here"))] == ["pairs-train", "pairs-val"]


def _stopped(*_: object) -> None:
    raise KeyboardInterrupt
