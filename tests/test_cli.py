"""The command, called as a user calls it. The model is tiny and random; the calls are real."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from chat.tiny_model import tiny_model, walk

from vimotion.cli import main
from vimotion.formats import load_motion, save_motion


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model, motions, and things that are none."""
    folder = tmp_path_factory.mktemp("files")
    tiny_model().save(folder / "model")
    save_motion(walk(40), folder / "pair.npz")
    save_motion(walk(40, 1), folder / "one.bvh")
    save_motion(walk(8), folder / "short.npz")
    (folder / "empty").mkdir()
    (folder / "damaged").mkdir()
    (folder / "damaged" / "info.json").write_text("{")
    (folder / "text.bvh").write_text("hello")
    (folder / "recipe.yaml").write_text("nonsense: 1\n")
    (folder / "broken.yaml").write_text("a: [1")
    return folder


@pytest.fixture(autouse=True)
def here(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(files)
    monkeypatch.setenv("VIMOTION_HOME", str(files / "home"))


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return int(ended.value.code or 0)


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    """What a call with --json says: one object on one line, and nothing else on standard output."""
    assert run(*arguments, "--json") == 0
    [line] = capsys.readouterr().out.splitlines()
    content = json.loads(line)
    assert isinstance(content, dict)
    return content


WRONG = [
    "nonsense",
    "generate",
    "generate hello --nonsense",
    "generate hello more",
    "generate hello --seed x",
    "generate hello --duration soon --model model",
    "generate hello --duration 0.4 --model model",
    "generate hello --duration 10.5 --model model",
    "generate hello --duration nan --model model",
    "generate hello --num-samples 0 --model model",
    "generate hello --output motion.xyz --model model",
    "generate hello --output empty --model model",
    "generate hello --model nowhere",
    "generate hello --model empty",
    "generate  --model model",
    "generate <motion_0> --model model",
    "react nothing.bvh --model model",
    "react text.bvh --model model",
    "react short.npz --model model",
    "react pair.npz --duration 4 --model model",
    "edit pair.npz  --model model",
    "edit pair.npz faster --second one.bvh --model model",
    "ask pair.npz --model model",
    "ask pair.npz  --model model",
    "describe recipe.yaml --model model",
    "continue pair.npz --duration 0 --model model",
    "chat --load nothing.vim --model model",
    "render pair.npz",
    "render pair.npz out.glb",
    "render nothing.npz out.png",
    "convert pair.npz out.xyz",
    "convert text.bvh out.npz",
    "convert one.bvh out.npz --fps 0",
    "corpus",
    "corpus nonsense",
    "corpus info empty",
    "corpus info damaged",
    "corpus realism empty",
    "corpus scripted --output pair.npz/corpus",
    "corpus scripted --seed -1 --output corpus",
    "generate hug\udcff --model model",
    "generate hug --seed -1 --model model",
    "corpus scripted --count 0 --output corpus",
    "corpus scripted --count many --output corpus",
    "corpus scripted --count 9 --shards 0/3 --output corpus",
    "corpus scripted --count 9 --shards 4/3 --output corpus",
    "corpus scripted --count 9 --shards 3 --output corpus",
    "corpus scripted --count 9 --shards first --output corpus",
    "corpus scripted --count 9 --workers 0 --output corpus",
    "corpus info nothing",
    "corpus info empty --pictures pictures",
    "corpus info empty --clips 0",
    "train everything --recipe recipe.yaml",
    "train tokenizer",
    "train align --recipe nothing.yaml",
    "train instruct --recipe recipe.yaml",
    "evaluate",
    "evaluate --recipe recipe.yaml",
    "train tokenizer --recipe nothing.yaml",
    "train tokenizer --recipe recipe.yaml",
    "train tokenizer --recipe broken.yaml",
    "bench --model nowhere",
]


@pytest.mark.parametrize("call", WRONG)
def test_a_wrong_call_ends_with_one_sentence(call: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*call.split(" ")) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = [line for line in captured.err.splitlines() if not line.startswith("Loading")]
    assert len(lines) == 1 and lines[0].startswith("vimotion: ") and len(lines[0]) > 20
    assert "Traceback" not in captured.err and "Error" not in captured.err


def test_generate_writes_what_it_says(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = ("generate", "Two people shake hands.", "--duration", "1.5", "--seed", "7", "--model", "model")
    content = said(capsys, *call, "--output", "out.npz")
    assert content == {
        "file": "out.npz", "files": ["out.npz"], "seconds": 1.5, "seed": 7, "tokens": content["tokens"], "model": "model",
    }  # fmt: skip
    # two people, two levels, six steps; where they start, and are twice, with where the first sees the second; the rest
    motion = 2 * 2 * 6 + 8 + 2 * 9 + 4
    assert motion <= content["tokens"] <= motion + 120  # and what is told before it
    with np.load(files / "out.npz", allow_pickle=False) as arrays:
        assert arrays["posed_joints"].shape == (45, 2, 22, 3) and arrays["fps"] == 30
    said(capsys, *call, "--output", "again.npz")
    assert (files / "out.npz").read_bytes() == (files / "again.npz").read_bytes()


def test_samples_have_seeds_that_follow_one_another(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = ("generate", "They bow.", "--duration", "0.5", "--model", "model", "--output")
    content = said(capsys, *call, "many.npz", "--num-samples", "3", "--seed", "4")
    assert [sample["file"] for sample in content["samples"]] == ["many-1.npz", "many-2.npz", "many-3.npz"]
    assert [sample["seed"] for sample in content["samples"]] == [4, 5, 6]
    said(capsys, *call, "alone.npz", "--seed", "5")
    assert (files / "alone.npz").read_bytes() == (files / "many-2.npz").read_bytes()


@pytest.mark.parametrize(
    ("call", "frames"),
    [
        (["react", "one.bvh"], 40),
        (["react", "pair.npz"], 40),
        (["edit", "pair.npz", "Make it faster.", "--duration", "1"], 30),
        (["continue", "pair.npz", "--duration", "1"], 70),
        (["generate", "Hello there, you two"], None),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)  # fmt: skip
def test_motion_goes_in_and_comes_out(call: list[str], frames: int | None, capsys: pytest.CaptureFixture[str]) -> None:
    content = said(capsys, *call, "--model", "model", "--output", "made.npz")
    motion = load_motion("made.npz")
    assert motion.num_people == 2
    assert content["seconds"] == pytest.approx(motion.duration, abs=1e-3)
    assert frames is None or motion.num_frames == frames


def test_text_comes_out(capsys: pytest.CaptureFixture[str]) -> None:
    for call in (["describe", "pair.npz"], ["describe", "one.bvh"], ["ask", "pair.npz", "Who is it?"]):
        content = said(capsys, *call, "--model", "model")
        assert set(content) == {"text", "tokens", "model"} and content["tokens"] > 1
    assert run("describe", "pair.npz", "--model", "model") == 0
    assert capsys.readouterr().err.startswith("Loading")


@pytest.mark.parametrize("output", ["c.bvh", "c.glb", "c.png", "c.webp", "c.npz"])
def test_convert_and_render(output: str, files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = "render" if output.endswith(("png", "webp")) else "convert"
    content = said(capsys, command, "pair.npz", output)
    assert content["people"] == 2 and all((files / name).stat().st_size > 1000 for name in content["files"])


def test_two_files_are_two_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "convert", "one.bvh", "two.npz", "--second", "one.bvh")["people"] == 2


def test_a_scene_goes_in_as_it_came_out(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "convert", "pair.npz", "scene.glb")["people"] == 2
    back = said(capsys, "convert", "scene.glb", "back.bvh")
    assert back == said(capsys, "convert", "pair.npz", "back.bvh") and back["people"] == 2


def test_a_chat_through_a_pipe(files: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        "/help", "/undo", "/sheet", "/", "/nonsense", "/save", "/add pair.npz", "/add nothing.npz", "What is <motion_0>?",
        "<motion_9>",
        "/sheet sheet.png", "/export out.glb motion_0", "/export out.glb motion_7", "/save talk.vim", "/undo", "/load talk.vim",
        "", "/quit", "never read",
    ]  # fmt: skip
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(lines)))
    assert run("chat", "--model", "model") == 0
    out = capsys.readouterr().out
    for expected in (
        "/export FILE", "nothing to undo", "no motion yet", "There is no /;", "There is no /nonsense", "too few or too many",
        "<motion_0> two people, 1.3 s", "nothing.npz", "There is no <motion_9>", "Wrote sheet.png", "Wrote out.glb",
        "There is no motion motion_7", "Wrote talk.vim", "Taken back.", "1 messages",
    ):  # fmt: skip
        assert expected in out, expected
    assert "never read" not in out and (files / "talk.vim").is_file() and (files / "out.glb").is_file()


def test_corpus(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = ("corpus", "scripted", "--count", "12", "--output", "corpus", "--seed", "3")
    first = said(capsys, *call, "--shards", "2/2")
    assert first == {"folder": "corpus", "complete": False, "missing": {"1/2": 6}}
    assert run(*call, "--shards", "2/2") == 0
    told = capsys.readouterr()
    assert "Part 2/2 is done" in told.out and "1/2 (6 scenes)" in told.out and "6 of 6 scenes" in told.err
    content = said(capsys, *call, "--shards", "1/2")
    assert content["num_clips"] == 24 and content["complete"]
    again = said(capsys, "corpus", "info", "corpus")
    assert again == {key: value for key, value in content.items() if key != "folder"}
    measured = said(capsys, "corpus", "realism", "corpus", "--clips", "3", "--output", "realism")
    assert measured["clips"] == 3 and json.loads(Path("realism/realism.json").read_text()) == measured
    assert run("corpus", "info", "corpus") == 0
    out = capsys.readouterr().out
    assert all(word in out for word in ("Splits", "4 to 5 s", "arm_wrestle", "elderly", "Held out: 1"))

    call = ("corpus", "info", "corpus", "--pictures", "pictures", "--clips", "1", "--kind")
    content = said(capsys, *call, "bend")  # pictures as well
    assert content["pictures"] == ["pictures/durations.png", "pictures/bend.png"]
    assert all(Path(name).stat().st_size > 1000 for name in content["pictures"])
    assert run(*call, "juggle") == 2 and "no kind 'juggle'" in capsys.readouterr().err
    assert run("corpus", "info", "corpus", "--kind", "bend") == 2 and "--pictures" in capsys.readouterr().err


def test_bench(capsys: pytest.CaptureFixture[str]) -> None:
    figures = said(capsys, "bench", "--model", "model")
    assert {"load_seconds", "tokens_per_second", "ratio", "memory_megabytes", "threads"} <= set(figures)


def test_help_comes_at_once() -> None:
    def seconds() -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "vimotion.cli", "--help"], check=True, capture_output=True)
        return time.perf_counter() - start

    assert min(seconds() for _ in range(3)) < 0.5


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0 and "generate" in capsys.readouterr().out
    assert run("--help") == 0 and "Commands" in capsys.readouterr().out
    assert run("--version") == 0 and capsys.readouterr().out.startswith("vimotion ")
