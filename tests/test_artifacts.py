from pathlib import Path

import pytest

from vimotion.artifacts import atomic_path, fingerprint, read_manifest, vimotion_home, write_manifest
from vimotion.errors import UserError


def test_home_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VIMOTION_HOME", str(tmp_path))
    assert vimotion_home() == tmp_path
    monkeypatch.delenv("VIMOTION_HOME")
    assert vimotion_home().name == "vimotion"


def test_a_manifest_names_its_parents(tmp_path: Path) -> None:
    parent, child = tmp_path / "corpus", tmp_path / "codec"
    parent.mkdir()
    (parent / "clips.parquet").write_bytes(b"clips")
    write_manifest(child, "codec", {"width": 8}, seed=3, parents={"corpus": parent}, metrics={"error": 1.5})
    manifest = read_manifest(child)
    assert (manifest["kind"], manifest["config"], manifest["seed"]) == ("codec", {"width": 8}, 3)
    assert manifest["parents"]["corpus"] == {"folder": "corpus", "sha256": fingerprint(parent)}
    assert manifest["metrics"] == {"error": 1.5}
    assert {"python", "torch", "numpy"} <= manifest["packages"].keys()


def test_the_fingerprint_is_of_contents_not_of_checkpoints(tmp_path: Path) -> None:
    (tmp_path / "weights").write_bytes(b"1")
    before = fingerprint(tmp_path)
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "x").write_bytes(b"2")
    (tmp_path / "metrics.jsonl").write_text("{}")
    assert fingerprint(tmp_path) == before
    (tmp_path / "weights").write_bytes(b"3")
    assert fingerprint(tmp_path) != before


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "file.txt"
    with atomic_path(target) as temporary:
        temporary.write_text("first")
    with pytest.raises(RuntimeError), atomic_path(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert target.read_text() == "first"
    assert list(target.parent.iterdir()) == [target]


def test_a_folder_takes_the_place_of_a_folder(tmp_path: Path) -> None:
    for text in ("one", "two"):
        with atomic_path(tmp_path / "folder") as temporary:
            temporary.mkdir()
            (temporary / text).write_text(text)
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["two"]


@pytest.mark.parametrize("text", [None, "{", "[]", "{}"])
def test_a_folder_without_a_good_manifest_is_refused(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(UserError, match="manifest"):
        read_manifest(tmp_path)
