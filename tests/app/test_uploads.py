"""Files of strangers: read in another process, or refused in words."""

from __future__ import annotations

import asyncio
import io
import os
import pickle
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from app.test_api import refused
from chat.tiny_model import walk
from starlette.testclient import TestClient

from vimotion.app import uploads
from vimotion.app.settings import ServerConfig
from vimotion.app.studio import Studio
from vimotion.errors import UserError
from vimotion.formats import save_motion

START = asyncio.create_subprocess_exec
MADE = Path(__file__).parents[1] / "formats" / "made"


def send(client: TestClient, *files: tuple[str, bytes], **fields: str):  # type: ignore[no-untyped-def]
    return client.post("/v1/motions", files=[("file", file) for file in files], data=fields)


def bvh(frames: int, tmp_path: Path, person: int = 0) -> bytes:
    [path] = save_motion(walk(frames).person(person), tmp_path / "person.bvh")
    return path.read_bytes()


def test_a_motion_is_read_as_the_command_reads_it(client: TestClient, tmp_path: Path, studio: Studio) -> None:
    both = [(f"walk.{letter}.bvh", bvh(40, tmp_path, person)) for person, letter in enumerate("ab")]
    pair = send(client, *both).json()
    assert (pair["people"], pair["num_frames"], pair["made"], pair["name"]) == ("ab", 40, False, "walk.a.bvh")
    kept = studio.library.interaction(pair["id"])
    assert np.abs(kept.joint_positions - walk(40).joint_positions).max() < 1e-3
    one = send(client, both[1], fps="15").json()
    assert (one["people"], one["num_frames"]) == ("a", 79)


def test_a_capture_comes_with_its_skeleton(client: TestClient) -> None:
    asf, amc = (MADE / "person.asf").read_bytes(), (MADE / "person.amc").read_bytes()
    assert "person.asf" in refused(send(client, ("person.amc", amc)), 422)
    assert "skeleton without motion" in refused(send(client, ("person.asf", asf)), 422)
    answer = send(client, ("person.asf", asf), ("person.amc", amc))
    assert "at least 0.5 seconds" in refused(answer, 422)  # it was read, and is short


@pytest.mark.parametrize(
    "name",
    [
        "../walk.npz", "/etc/passwd.npz", "..\\walk.npz", "C:walk.npz", ".npz", "..npz", "a\x00.npz", "a\nb.npz",
        "walk.npz/", "walk", "walk.exe", "walk.npz.py", " walk.npz", "walk.npz\u202e", "x" * 130 + ".npz", "é" * 110 + ".npz",
    ],
)  # fmt: skip
def test_names_that_lead_elsewhere_are_refused(name: str) -> None:
    with pytest.raises(UserError):
        uploads.check_name(name)


@pytest.mark.parametrize("name", ["walk.npz", "Two people (3).BVH", "日本.amc", "a.b.c.asf"])
def test_other_names_are_not(name: str) -> None:
    assert uploads.check_name(name) == name


def test_nothing_is_written_elsewhere(client: TestClient, tmp_path: Path) -> None:
    target = tmp_path / "target.npz"
    for name in (str(target), f"../../../../../..{target}"):
        refused(send(client, (name, b"PK")), 422)
    assert not target.exists()


def test_the_wrong_number_of_files_is_refused(client: TestClient, tmp_path: Path) -> None:
    content = bvh(30, tmp_path)
    assert "one or two" in refused(send(client, *[(f"{letter}.bvh", content) for letter in "abc"]), 422)
    for names in (("a.bvh", "A.bvh"), tuple(f"{letter}.bvh" for letter in "abcde")):
        assert "different names" in refused(send(client, *[(name, content) for name in names]), 422)
    refused(client.post("/v1/motions"), 422)
    refused(client.post("/v1/motions", json={"file": "x"}), 422)


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("/tmp/vimotion-evil",)


def hostile(tmp_path: Path) -> dict[str, bytes]:
    [good] = save_motion(walk(30), tmp_path / "good.npz")
    text = bvh(30, tmp_path)
    arrays = dict(np.load(good))
    files = {"empty.npz": b"", "text.npz": b"hello", "text.bvh": b"hello", "cut.npz": good.read_bytes()[:5000]}
    files["billion.bvh"] = text.replace(b"Frames: 30", b"Frames: 1000000000")
    files["nan.bvh"] = text.replace(text.split(b"\n")[-2].split()[3], b"nan")
    files["slow.bvh"] = text.replace(b"Frame Time: 0.033", b"Frame Time: 3000.033")
    for name, changes in {
        "nan.npz": {"root_positions": arrays["root_positions"] * np.nan},
        "pickled.npz": {"offsets": np.array([Evil()], dtype=object)},
        "people.npz": {"posed_joints": np.zeros((30, 9, 22, 3), np.float32)},
    }.items():
        buffer = io.BytesIO()
        np.savez(buffer, **(arrays | changes))
        files[name] = buffer.getvalue()
    files["pickle.npz"] = pickle.dumps(Evil())
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        for key in arrays:
            archive.writestr(f"{key}.npy", bytes(20_000_000))
    files["bomb.npz"] = bomb.getvalue()
    return files


def test_hostile_files_are_refused_in_words_and_leave_nothing(client: TestClient, tmp_path: Path) -> None:
    for name, content in hostile(tmp_path).items():
        sentence = refused(send(client, (name, content)), 422)
        assert name in sentence and "/tmp" not in sentence, sentence
    assert not Path("/tmp/vimotion-evil").exists()
    assert client.get("/v1/motions").json()["data"] == []


def test_a_motion_that_is_too_long_is_refused(client: TestClient, studio: Studio, tmp_path: Path) -> None:
    studio.config = studio.config.model_copy(update={"max_frames": 29})
    assert "send a part" in refused(send(client, ("long.bvh", bvh(30, tmp_path))), 422)


def run_instead(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Another program in place of the reader."""

    async def run(*command: str, **how: object) -> asyncio.subprocess.Process:
        return await START(sys.executable, "-c", code, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(uploads.asyncio, "create_subprocess_exec", run)


def test_reading_may_take_only_so_long(monkeypatch: pytest.MonkeyPatch, config: ServerConfig) -> None:
    run_instead(monkeypatch, "import time; time.sleep(60)")
    began = time.monotonic()
    short = config.model_copy(update={"max_reading_seconds": 0.3})
    with pytest.raises(UserError, match=r"a\.bvh could not be read within 0\.3 seconds"):
        asyncio.run(uploads.read_files([("a.bvh", io.BytesIO(b"x"))], None, short))
    assert time.monotonic() - began < 20


def test_a_reader_without_memory_is_a_refusal_and_a_broken_one_an_error(
    monkeypatch: pytest.MonkeyPatch, config: ServerConfig
) -> None:
    run_instead(monkeypatch, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(UserError, match="too much memory"):
        asyncio.run(uploads.read_files([("a.bvh", io.BytesIO(b"x"))], None, config))
    run_instead(monkeypatch, "raise ZeroDivisionError")
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        asyncio.run(uploads.read_files([("a.bvh", io.BytesIO(b"x"))], None, config))


def test_the_readers_memory_has_a_bound(tmp_path: Path) -> None:
    code = (
        "from vimotion.app import reading; import numpy as np\n"
        "reading._limit_memory(2_000_000_000)\n"
        "try: np.ones(400_000_000); print('much')\n"
        "except MemoryError: print('bound')"
    )
    import subprocess

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "bound"
    modules = "import vimotion.app.reading, sys; print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", modules], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
