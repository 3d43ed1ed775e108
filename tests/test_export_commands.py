"""--bones, --output-fps, --skin, --in-place and --clean of the commands that write motions."""

from pathlib import Path

import numpy as np
import pytest
from chat.tiny_model import tiny_model, walk
from formats.gltf import Gltf

from vimotion.cli import main
from vimotion.formats import load_motion, save_motion
from vimotion.motion.cleaning import clean


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    tiny_model().save(folder / "model")
    save_motion(walk(40), folder / "pair.npz")
    return folder


@pytest.fixture(autouse=True)
def here(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(files)
    monkeypatch.setenv("VIMOTION_HOME", str(files / "home"))


def run(call: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(call.split())
    return int(ended.value.code or 0)


def positions(name: str) -> np.ndarray:
    return load_motion(name).joint_positions


def test_convert_keeps_a_given_motion_unless_asked() -> None:
    assert run("convert pair.npz out.npz") == 0
    np.testing.assert_allclose(positions("out.npz"), positions("pair.npz"), atol=1e-6)
    assert run("convert pair.npz out.npz --clean") == 0
    np.testing.assert_allclose(positions("out.npz"), clean(load_motion("pair.npz")).joint_positions, atol=1e-5)
    assert run("convert pair.npz out.glb --bones unreal --output-fps 15 --no-skin --in-place") == 0
    gltf = Gltf(Path("out.glb"))
    assert "meshes" not in gltf.document and gltf.node("thigh_l") and gltf.node("b:thigh_l")
    tracks = {
        channel["target"]["node"]: gltf.array(gltf.document["animations"][0]["samplers"][channel["sampler"]]["output"])
        for channel in gltf.document["animations"][0]["channels"]
        if channel["target"]["path"] == "translation"
    }
    assert {len(track) for track in tracks.values()} == {20}
    assert np.ptp(sum(tracks.values())[:, [0, 2]], axis=0).max() < 1e-5, "in place: the middle of the pelvises stays"


def test_what_a_model_makes_is_cleaned_unless_refused() -> None:
    call = "generate hello --duration 1 --model model --output"
    assert run(f"{call} made.npz") == run(f"{call} raw.npz --no-clean") == 0
    assert not np.array_equal(positions("made.npz"), positions("raw.npz"))
    np.testing.assert_allclose(positions("made.npz"), clean(load_motion("raw.npz")).joint_positions, atol=1e-4)


def test_what_was_given_is_not_cleaned_with_what_was_made() -> None:
    given = positions("pair.npz")
    assert run("continue pair.npz --duration 1 --model model --output on.npz") == 0
    np.testing.assert_allclose(positions("on.npz")[: len(given)], given, atol=1e-5)
    call = "react pair.npz --model model --output"
    assert run(f"{call} answered.npz") == run(f"{call} raw.npz --no-clean") == 0
    answered, raw = positions("answered.npz"), positions("raw.npz")
    np.testing.assert_allclose(answered[:, 0], raw[:, 0], atol=1e-6)
    assert not np.allclose(answered[:, 1], raw[:, 1], atol=1e-4)


def test_samples_of_two_files_each() -> None:
    assert run("generate hello --duration 1 --num-samples 2 --model model --output take.amass.npz --output-fps 60") == 0
    assert sorted(path.name for path in Path().glob("take*")) == [
        "take-1.a.amass.npz", "take-1.b.amass.npz", "take-2.a.amass.npz", "take-2.b.amass.npz",
    ]  # fmt: skip
    assert load_motion("take-2.amass.npz").num_people == 2


@pytest.mark.parametrize(
    "call",
    [
        "generate hello --bones smpl -o out.png --model nowhere", "generate hello --no-skin -o out.webp --model nowhere",
        "generate hello --output-fps 0 --model nowhere", "generate hello --bones rigify --model nowhere",
        "convert pair.npz out.npz --bones vrm", "convert pair.npz out.fbx --output-fps nan",
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_at_once(call: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(call) == 2
    said = capsys.readouterr().err
    assert "Traceback" not in said and "nowhere" not in said and not list(Path().glob("out.fbx"))
