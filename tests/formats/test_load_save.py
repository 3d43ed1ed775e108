"""The two doors: endings, paths, and what is said when something is wrong with them."""

from pathlib import Path

import pytest
from made_motions import MADE, dance

from vimotion.errors import UserError
from vimotion.formats import READABLE, WRITABLE, load_motion, save_motion


@pytest.mark.parametrize("name", ["person.npz", "person.bvh", "person.amc", "odd_axes.bvh"])
def test_every_kind_is_read(name: str) -> None:
    motion = load_motion(str(MADE / name))
    assert motion.fps == 30 and motion.num_people == (2 if name.endswith("npz") else 1)


@pytest.mark.parametrize("ending", WRITABLE)
def test_every_kind_is_written(tmp_path: Path, ending: str) -> None:
    motion = dance(3).joined(dance(3, seed=1).moved(3.0, (0, 0, 2)))
    paths = save_motion(motion, tmp_path / "new" / f"out{ending}")
    assert paths and all(path.stat().st_size > 100 for path in paths)
    assert sorted(paths) == sorted((tmp_path / "new").iterdir()), "nothing else is left behind"


def test_endings_count_in_any_case(tmp_path: Path) -> None:
    (tmp_path / "A.BVH").write_bytes((MADE / "person.bvh").read_bytes())
    assert load_motion(tmp_path / "A.BVH").num_frames == 6


@pytest.mark.parametrize(
    ("name", "said"),
    [("none.bvh", "does not exist"), ("none.npz", "does not exist"), ("folder.bvh", "is a folder"), ("empty.amc", "is empty"),
     ("motion.fbx", ", ".join(READABLE)), ("motion", ", ".join(READABLE))],
)  # fmt: skip
def test_a_wrong_path_is_one_clear_sentence(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "folder.bvh").mkdir()
    (tmp_path / "empty.amc").touch()
    with pytest.raises(UserError, match=said) as caught:
        load_motion(tmp_path / name)
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")


def test_wrong_options(tmp_path: Path) -> None:
    for fps in (0, -1, float("nan"), 1e9):
        with pytest.raises(UserError, match="frames per second"):
            load_motion(MADE / "person.bvh", fps=fps)
    with pytest.raises(UserError, match="one or two files"):
        load_motion([MADE / "person.bvh"] * 3)
    with pytest.raises(UserError, match="more than two people"):
        load_motion([MADE / "person.npz"] * 2)
    with pytest.raises(UserError, match="joint map"):
        load_motion(MADE / "person.bvh", joint_map=tmp_path / "none.yaml")


def test_wrong_targets(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"\.glb"):
        save_motion(dance(2), tmp_path / "out.obj")
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(UserError, match="folder"):
        save_motion(dance(2), tmp_path / "folder.npz")
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written"):
        save_motion(dance(2), tmp_path / "file" / "out.npz")


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [path] = save_motion(dance(2), tmp_path / "out.bvh")
    before = path.read_bytes()

    def fail(*_: object, **__: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "write_text", fail)
    with pytest.raises(UserError, match="No space left"):
        save_motion(dance(3), path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]
