"""Files of strangers: read in another process, or refused in words."""

from __future__ import annotations

import asyncio
import io
import os
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from app.hostile import bomb, bvh, hostile
from app.test_api import refused
from chat.tiny_model import walk
from starlette.testclient import TestClient

from vimotion.app import uploads
from vimotion.app.settings import ServerConfig
from vimotion.app.studio import Studio
from vimotion.errors import UserError
from vimotion.formats import save_motion
from vimotion.motion import Skeleton

START = asyncio.create_subprocess_exec
MADE = Path(__file__).parents[1] / "formats" / "made"


def send(client: TestClient, *files: tuple[str, bytes], **fields: str):  # type: ignore[no-untyped-def]
    return client.post("/v1/motions", files=[("file", file) for file in files], data=fields)


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


def test_a_scene_holds_both_people(client: TestClient, tmp_path: Path) -> None:
    [path] = save_motion(walk(40), tmp_path / "walk.glb")
    answer = send(client, ("walk.glb", path.read_bytes())).json()
    assert (answer["people"], answer["num_frames"]) == ("ab", 40)
    assert "cut off" in refused(send(client, ("walk.glb", path.read_bytes()[:-9])), 422)


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


def test_hostile_files_are_refused_in_words_and_leave_nothing(client: TestClient, tmp_path: Path) -> None:
    for name, content in hostile(tmp_path).items():
        sentence = refused(send(client, (name, content)), 422)
        assert name in sentence and "/tmp" not in sentence, sentence
    assert not Path("/tmp/vimotion-evil").exists()
    assert client.get("/v1/motions").json()["data"] == []


def test_a_bomb_is_one(tmp_path: Path, client: TestClient) -> None:
    """Without its zeros it is a motion, so it is they that are refused."""
    [good] = save_motion(walk(30), tmp_path / "good.npz")
    arrays = dict(np.load(good))
    assert send(client, ("no_bomb.npz", bomb(arrays, 0))).status_code == 201
    large = bomb(arrays, 3000)
    assert len(large) < 4_000_000 and sum(entry.file_size for entry in zipfile.ZipFile(io.BytesIO(large)).infolist()) > 3e9
    assert "longer than it says" in refused(send(client, ("bomb.npz", large)), 422)


def test_what_is_taken_can_be_fetched_in_every_format(client: TestClient, tmp_path: Path) -> None:
    """People as no people are: bones of a millimetre, and kilometres apart after a second."""
    odd = walk(30)
    thin = replace(
        odd,
        skeletons=tuple(Skeleton(one.offsets * 0.0011 / np.maximum(one.bone_lengths, 1e-9)[:, None]) for one in odd.skeletons),
    )
    roots = odd.root_positions + np.linspace(0, 1, 30)[:, None, None] * np.array([[0.0, 0, 0], [9000.0, 0, 0]])
    for motion in (thin, replace(odd, root_positions=roots), replace(thin, root_positions=roots)):
        [path] = save_motion(motion, tmp_path / "odd.npz")
        given = send(client, ("odd.npz", path.read_bytes())).json()
        assert "id" in given, given
        for ending in (".png", ".glb", ".fbx", ".bvh", ".amass.npz"):
            answer = client.get(f"/v1/motions/{given['id']}{ending}", params={"clean": True})
            assert answer.status_code == 200, (ending, answer.text)


def test_a_motion_that_is_too_long_is_refused(client: TestClient, studio: Studio, tmp_path: Path) -> None:
    studio.config = studio.config.model_copy(update={"max_frames": 29})
    assert "send a part" in refused(send(client, ("long.bvh", bvh(30, tmp_path))), 422)


def run_instead(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Another program in place of the reader."""

    async def run(*command: str, **how: object) -> asyncio.subprocess.Process:
        return await START(sys.executable, "-c", code, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", run)


def test_reading_may_take_only_so_long(monkeypatch: pytest.MonkeyPatch, config: ServerConfig) -> None:
    run_instead(monkeypatch, "import time; time.sleep(60)")
    began = time.monotonic()
    short = config.model_copy(update={"max_reading_seconds": 0.3})
    with pytest.raises(UserError, match=r"a\.bvh could not be read within 0\.3 seconds"):
        asyncio.run(uploads.read_files([("a.bvh", io.BytesIO(b"x"))], None, short))
    assert time.monotonic() - began < 20


def test_writing_may_take_only_so_long(
    monkeypatch: pytest.MonkeyPatch, client: TestClient, studio: Studio, tmp_path: Path
) -> None:
    given = send(client, ("walk.bvh", bvh(60, tmp_path))).json()["id"]
    studio.config = studio.config.model_copy(update={"max_frames": 100, "max_writing_seconds": 0.3})
    assert "these are 120 frames, and this server writes 100" in refused(client.get(f"/v1/motions/{given}.mp4?fps=60"), 422)
    run_instead(monkeypatch, "import time; time.sleep(60)")
    began = time.monotonic()
    for _ in range(3):  # more than are at work at a time
        answer = client.get(f"/v1/motions/{given}.mp4")
        assert "The .mp4 file could not be written within 0.3 seconds" in refused(answer, 422)
    assert time.monotonic() - began < 20


def test_who_no_longer_waits_for_a_file_ends_its_making(
    monkeypatch: pytest.MonkeyPatch, studio: Studio, tmp_path: Path
) -> None:
    begun = tmp_path / "begun"
    run_instead(
        monkeypatch, f"import os, pathlib, time; pathlib.Path({str(begun)!r}).write_text(str(os.getpid())); time.sleep(60)"
    )
    row, file = studio.library.read(walk(30), "walk.npz")
    studio.storage.add_motions([(row, file)])

    async def ask() -> None:
        task = asyncio.create_task(studio.export(row.id, ".mp4"))
        while not begun.exists() or not begun.read_text():
            await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(ask())
    with pytest.raises(ProcessLookupError):
        os.kill(int(begun.read_text()), 0)
    studio.close()


def test_secrets_stay_here(monkeypatch: pytest.MonkeyPatch, config: ServerConfig) -> None:
    for name in ("VIMOTION_SERVER_KEY", "OPENAI_API_KEY", "VIMOTION_API_KEY", "AWS_SECRET_ACCESS_KEY", "HF_TOKEN"):
        monkeypatch.setenv(name, "a-secret")
    run_instead(monkeypatch, "import os, sys; sys.exit(str(dict(os.environ)))")
    with pytest.raises(RuntimeError) as told:
        asyncio.run(uploads.read_files([("a.bvh", io.BytesIO(b"x"))], None, config))
    assert "PATH" in str(told.value) and "a-secret" not in str(told.value)


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
        "from vimotion.app import processes; import numpy as np\n"
        "processes.limit_memory(2_000_000_000)\n"
        "try: np.ones(400_000_000); print('much')\n"
        "except MemoryError: print('bound')"
    )
    import subprocess

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "bound"
    modules = "import vimotion.app.reading, vimotion.app.writing, sys; print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", modules], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
