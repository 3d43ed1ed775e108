"""The API without a network between: what goes in, what comes out, and what is refused in which words."""

from __future__ import annotations

import io
import json
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from app.conftest import Gate, served
from chat.tiny_model import walk
from starlette.testclient import TestClient

from vimotion.app.objects import public_name
from vimotion.app.settings import ServerConfig
from vimotion.app.studio import Studio
from vimotion.chat import ChatSession, Model
from vimotion.formats import options, save_motion

CHAT = "/v1/chat/completions"


def user(*parts: str | dict[str, Any]) -> dict[str, Any]:
    """A message; dicts are references to motions."""
    content = [
        {"type": "text", "text": part} if isinstance(part, str) else {"type": "motion", "motion": part} for part in parts
    ]
    return {"role": "user", "content": content}


def ask(client: TestClient, *messages: dict[str, Any] | str, **fields: Any) -> dict[str, Any]:
    said = [{"role": "user", "content": message} if isinstance(message, str) else message for message in messages]
    response = client.post(CHAT, json={"messages": said, "seed": 1, "drafts": 1} | fields)
    assert response.status_code == 200, response.text
    content: dict[str, Any] = response.json()
    return content


def motion_of(reply: dict[str, Any], choice: int = 0) -> dict[str, Any]:
    [motion] = reply["choices"][choice]["message"]["motions"]
    assert isinstance(motion, dict)
    return motion


def events(client: TestClient, *messages: dict[str, Any] | str, **fields: Any) -> list[dict[str, Any]]:
    said = [{"role": "user", "content": message} if isinstance(message, str) else message for message in messages]
    response = client.post(CHAT, json={"messages": said, "seed": 1, "stream": True} | fields)
    assert response.status_code == 200 and response.headers["content-type"].startswith("text/event-stream")
    *lines, last = [line for line in response.text.split("\n\n") if line]
    assert last == "data: [DONE]"
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def refused(response: Any, status: int) -> str:
    """The sentence of a refusal in OpenAI's shape."""
    assert response.status_code == status, response.text
    [(key, error)] = response.json().items()
    assert key == "error" and set(error) == {"message", "type", "param", "code"}
    message = error["message"]
    assert isinstance(message, str) and message.endswith(".") and "\n" not in message and "Traceback" not in message
    return message


@pytest.fixture
def uploaded(client: TestClient, tmp_path: Path) -> str:
    [path] = save_motion(walk(60), tmp_path / "walk.npz")
    response = client.post("/v1/motions", files=[("file", ("walk.npz", path.read_bytes()))])
    assert response.status_code == 201, response.text
    return str(response.json()["id"])


# -- talking


def test_a_reply_is_that_of_the_model_itself(client: TestClient, model: Model) -> None:
    reply = ask(client, "Two people hug.", motion="must", people="ab", duration=1.5, seed=3, temperature=1.5, guidance=2)
    made = motion_of(reply)
    assert (made["people"], made["num_frames"], made["duration"], made["made"]) == ("ab", 45, 1.5, True)
    from vimotion.chat import Sampling

    expected = model.chat().say(
        "Two people hug.",
        motion="must",
        people="ab",
        duration=1.5,
        seed=3,
        drafts=1,
        sampling=Sampling(1.5, guidance=2.0),
    )
    assert reply["usage"]["completion_tokens"] == expected.tokens
    assert (reply["choices"][0]["message"]["content"] or "") == expected.text
    got = client.get(f"/v1/motions/{made['id']}.npz", params={"clean": False})
    with np.load(io.BytesIO(got.content), allow_pickle=False) as file:
        assert np.allclose(file["posed_joints"], expected.motion.interaction.joint_positions, atol=1e-5)


def test_of_several_drafts_the_model_keeps_the_one_that_it_would(client: TestClient, model: Model) -> None:
    reply = ask(client, "Two people hug.", motion="must", duration=1.0, seed=5, drafts=3)
    expected = model.chat().say("Two people hug.", motion="must", duration=1.0, seed=5, drafts=3)
    assert reply["usage"]["completion_tokens"] == expected.tokens


def test_samples_follow_one_another_by_their_seeds(client: TestClient) -> None:
    both = ask(client, "Two people hug.", motion="must", n=2, seed=7, temperature=2)
    apart = [ask(client, "Two people hug.", motion="must", seed=seed, temperature=2) for seed in (7, 8)]
    assert [choice["seed"] for choice in both["choices"]] == [7, 8]
    for number, one in enumerate(apart):
        assert both["choices"][number]["message"]["content"] == one["choices"][0]["message"]["content"]
        assert motion_of(both, number)["num_frames"] == motion_of(one)["num_frames"]


def test_a_stream_tells_the_same_piece_by_piece(client: TestClient) -> None:
    whole = ask(client, "Two people hug.", motion="must", max_tokens=8)
    told = events(client, "Two people hug.", motion="must", max_tokens=8, stream_options={"include_usage": True})
    deltas = [event["choices"][0]["delta"] for event in told if event["choices"]]
    assert deltas[0] == {"role": "assistant", "content": ""}
    assert "".join(delta.get("content", "") for delta in deltas) == (whole["choices"][0]["message"]["content"] or "")
    steps = [delta["motion"] for delta in deltas if "motion" in delta]
    assert [step["done"] for step in steps] == [False] * (len(steps) - 1) + [True]
    frames = [step["num_frames"] for step in steps[:-1]]
    assert frames == sorted(set(frames)) and len({step["id"] for step in steps}) == 1
    assert steps[-1]["num_frames"] == motion_of(whole)["num_frames"]
    assert client.get(f"/v1/motions/{steps[-1]['id']}").json()["num_frames"] == steps[-1]["num_frames"]
    assert told[-2]["choices"][0]["finish_reason"] in ("stop", "length")
    assert told[-1]["usage"] == whole["usage"]


def test_a_stream_brings_the_joints_of_the_new_frames_if_asked(client: TestClient) -> None:
    told = events(
        client, "Two people hug.", motion="must", people="ab", duration=1, stream_options={"include_joints": True}
    )  # fmt: skip
    steps = [event["choices"][0]["delta"].get("motion", {}) for event in told]
    joints = [step["joints"] for step in steps if "joints" in step]
    assert [part["start"] for part in joints] == [0, 8, 16, 24]
    frames = np.concatenate([np.array(part["positions"]) for part in joints])
    assert frames.shape == (30, 2, 22, 3)
    with np.load(io.BytesIO(client.get(f"/v1/motions/{steps[-2]['id']}.npz?clean=0").content)) as file:
        assert np.abs(frames - file["posed_joints"])[-6:].max() < 1e-3  # the last step's frames are final


def test_what_was_received_may_be_sent_back_as_it_is(client: TestClient) -> None:
    first = ask(client, "Two people hug.", motion="must", max_tokens=6, temperature=2, seed=4)
    made = motion_of(first)
    second = ask(client, "Two people hug.", first["choices"][0]["message"], "Make it slower.", motion="must")
    assert motion_of(second)["source"] == made["id"]
    assert second["usage"]["prompt_tokens"] > first["usage"]["prompt_tokens"]
    # the same conversation, kept by the server, is the same to the model
    session = client.post("/v1/sessions", json={}).json()["id"]
    ask(client, "Two people hug.", motion="must", max_tokens=6, temperature=2, seed=4, session=session)
    kept = ask(client, "Make it slower.", motion="must", session=session)
    assert kept["usage"] == second["usage"]
    assert kept["choices"][0]["message"]["content"] == second["choices"][0]["message"]["content"]
    parts = [
        {"type": "text", "text": first["choices"][0]["message"]["content"] or " "},
        {"type": "motion", "motion": {"id": made["id"]}},
    ]  # fmt: skip
    if made["offset"]:
        in_parts = ask(client, "Two people hug.", {"role": "assistant", "content": parts}, "Make it slower.", motion="must")
        assert in_parts["usage"] == second["usage"]


def test_a_motion_goes_on_and_is_answered(client: TestClient, uploaded: str) -> None:
    longer = motion_of(ask(client, user({"id": uploaded}, " What happens next?"), motion="must", continues=True, duration=1))
    assert longer["num_frames"] == 90 and longer["start"] == 64
    again = ask(
        client, user({"id": uploaded}, " What happens next?"),
        {"role": "assistant", "content": None, "motions": [longer]}, "And then?", motion="must", continues=True, duration=0.5,
    )  # fmt: skip
    assert motion_of(again)["num_frames"] == 105
    reaction = motion_of(ask(client, user({"id": uploaded, "people": "a"}, " Answer that."), motion="must", people="ab"))
    assert (reaction["people"], reaction["num_frames"], reaction["source"]) == ("ab", 60, uploaded)
    words = ask(client, user({"id": uploaded}, " What is happening?"), motion="no")["choices"][0]["message"]
    assert words["motions"] == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user", "content": " "}]}, "empty message"),
        ({"messages": [{"role": "user", "content": "\x00 \ud800"}]}, "content"),
        ({"messages": [{"role": "assistant", "content": "Hi"}]}, "in turn"),
        ({"messages": [user("a"), user("b")]}, "in turn"),
        ({"messages": [{"role": "system", "content": [{"type": "motion", "motion": {"id": "x"}}]}, user("a")]}, "no motion"),
        ({"messages": [{"role": "user", "content": "Hi", "motions": [{"id": "x"}]}]}, "part of the content"),
        ({"messages": [{"role": "tool", "content": "Hi"}]}, "role"),
        ({"n": 9}, "8 answers"),
        ({"seed": -1}, "seed"),
        ({"temperature": 3}, "temperature"),
        ({"duration": 0.2}, "duration"),
        ({"duration": 1e400}, "duration"),
        ({"tools": []}, "'tools' is not a field"),
        ({"logprobs": True}, "'logprobs' is not a field"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"stream": True, "drafts": 2}, "first draft"),
        ({"stream_options": {}}, "goes with `stream`"),
        ({"continues": True}, "Refer to the motion"),
        ({"messages": [user("a " * 9_000)]}, "this server takes 4096"),
        ({"messages": [user("a" * 30_000)]}, "20000 characters"),
        ({"\ud800": 1}, "unicode"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(client: TestClient, fields: dict[str, Any], words: str) -> None:
    body = json.dumps({"messages": [user("Hug.")]} | fields)
    response = client.post(CHAT, content=body, headers={"content-type": "application/json"})
    assert words in refused(response, 422)


def test_what_is_no_json_is_refused(client: TestClient) -> None:
    for content in (b"{", b"", b"\xff", b"[" * 100_000):
        response = client.post(CHAT, content=content, headers={"content-type": "application/json"})
        refused(response, 400 if content[:1] == b"\xff" or len(content) > 9 else 422)
    refused(client.post(CHAT, content=b"{}", headers={"content-type": "text/plain"}), 422)


def test_what_is_not_there_is_told(client: TestClient) -> None:
    hug = {"messages": [user("Hug.")]}
    assert "no motion 'motion-0'" in refused(client.post(CHAT, json={"messages": [user({"id": "motion-0"}, "x")]}), 404)
    assert "no conversation 'session-0'" in refused(client.post(CHAT, json=hug | {"session": "session-0"}), 404)
    assert "'tiny'" in refused(client.post(CHAT, json=hug | {"model": "gpt-4"}), 404)
    for path in (
        "/v1/motions/motion-0",
        "/v1/motions/motion-0.glb",
        "/v1/sessions/x",
        "/v1/sessions/x.zip",
        "/v1/models/x",
        "/x",
    ):
        refused(client.get(path), 404)
    refused(client.delete("/v1/motions/motion-0"), 404)
    refused(client.delete("/v1/sessions/x/turns/y"), 404)
    refused(client.put("/v1/models"), 405)


def test_who_comes_when_all_places_are_taken_gets_429(model: Model, config: ServerConfig, gate: Gate) -> None:
    wanted = {"messages": [user("Hug.")], "motion": "no"}
    with served(model, config.model_copy(update={"slots": 1, "max_waiting": 0})) as client, ThreadPoolExecutor() as pool:
        first = pool.submit(client.post, CHAT, json=wanted)
        assert gate.waiting.wait(30)
        response = client.post(CHAT, json=wanted)
        assert "ask again in" in refused(response, 429) and int(response.headers["retry-after"]) >= 1
        gate.open.set()
        assert first.result().status_code == 200
        assert client.post(CHAT, json=wanted).status_code == 200


def test_a_reply_that_takes_too_long_is_given_up_in_words(model: Model, config: ServerConfig, gate: Gate) -> None:
    with served(model, config.model_copy(update={"max_seconds": 0.2})) as client:
        wanted = {"messages": [user("Hug.")]}
        assert "0.2 seconds" in refused(client.post(CHAT, json=wanted), 504)
        streamed = client.post(CHAT, json=wanted | {"stream": True}).text.strip().split("\n\n")
        assert "0.2 seconds" in json.loads(streamed[-1].removeprefix("data: "))["error"]["message"]
        gate.open.set()


# -- kept conversations


def test_a_conversation_is_kept_branched_and_taken_home(client: TestClient, model: Model, tmp_path: Path) -> None:
    session = client.post("/v1/sessions", json={"system": "You are shy."}).json()["id"]
    first = ask(client, "Two people hug.", motion="must", session=session)["choices"][0]["turn"]
    second = ask(client, "Make it slower.", motion="must", session=session)["choices"][0]["turn"]
    other = ask(client, "Make it faster.", motion="must", session=session, parent=first, n=2)
    whole = client.get(f"/v1/sessions/{session}").json()
    parents = {turn["id"]: turn["parent"] for turn in whole["turns"]}
    faster = [choice["turn"] for choice in other["choices"]]
    assert parents == {first: None, second: first, faster[0]: first, faster[1]: first}
    assert whole["current"] == faster[0] and whole["title"] == "Two people hug."
    assert [turn["settings"]["seed"] for turn in whole["turns"]] == [1, 1, 1, 2]
    back = client.patch(f"/v1/sessions/{session}", json={"current": second, "title": "Hugs"}).json()
    assert (back["current"], back["title"]) == (second, "Hugs")
    (tmp_path / "kept.zip").write_bytes(client.get(f"/v1/sessions/{session}.zip").content)
    taken = ChatSession.load(tmp_path / "kept.zip", model)
    assert len(taken.messages) == 5 and len(taken.motions) == 2
    assert taken.messages[3].parts[0].text == "Make it slower."
    anew = ask(client, "Start again.", motion="no", session=session, parent=None)["choices"][0]["turn"]
    after = client.delete(f"/v1/sessions/{session}/turns/{first}").json()
    assert [turn["id"] for turn in after["turns"]] == [anew] and after["current"] == anew
    assert client.get("/v1/sessions").json()["data"][0]["id"] == session
    assert client.get("/v1/motions").json()["data"] == []
    assert client.delete(f"/v1/sessions/{session}").json() == {"id": session, "deleted": True}
    refused(client.get(f"/v1/sessions/{session}"), 404)


def test_it_is_all_there_after_a_restart(model: Model, config: ServerConfig) -> None:
    with served(model, config) as client:
        session = client.post("/v1/sessions", json={}).json()["id"]
        made = motion_of(ask(client, "Two people hug.", motion="must", session=session))
        file = client.get(f"/v1/motions/{made['id']}.glb").content
        uninterrupted = ask(client, "Make it slower.", motion="must", session=session)
        client.delete(f"/v1/sessions/{session}/turns/{uninterrupted['choices'][0]['turn']}")
        before = client.get(f"/v1/sessions/{session}").json()
    with served(model, config) as client:
        assert client.get(f"/v1/sessions/{session}").json() == before
        assert client.get(f"/v1/motions/{made['id']}.glb").content == file
        again = ask(client, "Make it slower.", motion="must", session=session)
        assert again["usage"] == uninterrupted["usage"]


def test_another_codec_reads_what_was_made_before_anew(model: Model, config: ServerConfig) -> None:
    with served(model, config) as client:
        session = client.post("/v1/sessions", json={}).json()["id"]
        ask(client, "Two people hug.", motion="must", duration=2, session=session)
    studio = Studio(model, config)
    studio.library.codec_hash = "of another codec"
    from vimotion.app.server import create_app

    with TestClient(create_app(studio), base_url="http://127.0.0.1") as client:
        assert motion_of(ask(client, "Make it slower.", motion="must", session=session))["made"]


def test_a_conversation_goes_on_in_turn(client: TestClient, gate: Gate, studio: Studio) -> None:
    session = client.post("/v1/sessions", json={}).json()["id"]
    studio._talking.add(session)  # as while a reply to it is made
    wanted = {"messages": [user("Hug.")], "session": session}
    response = client.post(CHAT, json=wanted)
    assert "still being made" in refused(response, 409) and response.headers["retry-after"]
    gate.open.set()
    assert client.post(CHAT, json=wanted | {"parent": None}).status_code == 200
    assert "new message alone" in refused(client.post(CHAT, json=wanted | {"messages": [user("a"), user("b")]}), 422)


# -- motions


@pytest.mark.parametrize("ending", ["npz", "glb", "bvh", "fbx", "png", "GLB"])
def test_a_motion_comes_in_each_format(client: TestClient, uploaded: str, ending: str) -> None:
    response = client.get(f"/v1/motions/{uploaded}.{ending}")
    assert response.status_code == 200 and "immutable" in response.headers["cache-control"]
    magic = {"npz": b"PK", "glb": b"glTF", "bvh": b"PK", "fbx": b"Kaydara", "png": b"\x89PNG"}[ending.lower()]
    assert response.content.startswith(magic)
    if ending == "bvh":
        with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
            assert [Path(name).suffixes for name in archive.namelist()] == [[".a", ".bvh"], [".b", ".bvh"]]
        alone = client.get(f"/v1/motions/{uploaded}.bvh", params={"person": "b", "bones": "smpl", "fps": 60})
        assert alone.text.startswith("HIERARCHY") and "Frame Time: 0.0166" in alone.text


def test_formats_and_options_that_are_none_are_refused(client: TestClient, uploaded: str) -> None:
    assert ".glb" in refused(client.get(f"/v1/motions/{uploaded}.exe"), 422)
    assert "bones" in refused(client.get(f"/v1/motions/{uploaded}.glb?bones=horse"), 422)
    assert "bone names" in refused(client.get(f"/v1/motions/{uploaded}.npz?bones=smpl"), 422)


def joints(client: TestClient, motion: str, **options: Any) -> np.ndarray:
    content = client.get(f"/v1/motions/{motion}.npz", params=options).content
    with np.load(io.BytesIO(content)) as file:
        return np.array(file["posed_joints"])


def test_what_was_given_is_not_cleaned_and_a_person_is_that_of_the_pair(client: TestClient, uploaded: str) -> None:
    given = joints(client, uploaded)
    reaction = motion_of(ask(client, user({"id": uploaded, "people": "a"}, " Answer that."), motion="must", people="ab"))["id"]
    cleaned, raw = joints(client, reaction), joints(client, reaction, clean=False)
    assert np.abs(cleaned[:, 0] - given[:, 0]).max() < 1e-5 and np.abs(cleaned[:, 1] - raw[:, 1]).max() > 1e-3
    wanted = user({"id": uploaded}, " What happens next?")
    longer = motion_of(ask(client, wanted, motion="must", continues=True, duration=1))["id"]
    cleaned, raw = joints(client, longer), joints(client, longer, clean=False)
    assert np.abs(cleaned[:60] - given).max() < 1e-5 and np.abs(cleaned[60:] - raw[60:]).max() > 1e-3
    for motion in (uploaded, reaction, longer):
        for clean in (True, False):
            pair = joints(client, motion, clean=clean)
            for person, letter in enumerate("ab"):
                alone = joints(client, motion, clean=clean, person=letter)
                assert np.abs(alone[:, 0] - pair[:, person]).max() < 1e-5


def test_a_longer_motion_goes_on_from_its_end(client: TestClient, studio: Studio) -> None:
    given = walk(400)
    kept = studio.library.read(given, "walk.npz")
    studio.storage.add_motions([kept])
    wanted = user({"id": kept[0].id}, " What happens next?")
    longer = motion_of(ask(client, wanted, motion="must", continues=True, duration=1))
    assert longer["num_frames"] == 430
    assert np.abs(joints(client, longer["id"])[:400] - given.joint_positions).max() < 1e-5
    again = {"role": "assistant", "content": None, "motions": [longer]}
    assert motion_of(ask(client, wanted, again, "And then?", motion="must", continues=True, duration=0.5))["num_frames"] == 445


def test_motions_are_read_only_as_far_as_they_fit(client: TestClient, studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    row, file = studio.library.read(walk(60), "walk.npz")
    rows = [replace(row, id=f"motion-{number}") for number in range(30)]
    studio.storage.add_motions([(one, file) for one in rows])
    studio.engine.max_tokens = 256
    read: list[str] = []
    motion = studio.library.motion
    monkeypatch.setattr(studio.library, "motion", lambda *named: read.append(named[0]) or motion(*named))
    wanted = {"messages": [user(*({"id": one.id} for one in rows), " Who?")]}
    assert "this server takes 256" in refused(client.post(CHAT, json=wanted), 422)
    assert len(read) == 5  # of 52 codes each


def test_a_full_server_says_so(client: TestClient, studio: Studio, uploaded: str, tmp_path: Path) -> None:
    studio.storage.max_bytes = 1000
    [path] = save_motion(walk(60), tmp_path / "walk.npz")
    answer = client.post("/v1/motions", files=[("file", ("walk.npz", path.read_bytes()))])
    assert "delete conversations or motions" in refused(answer, 409)
    assert "delete" in refused(client.post(CHAT, json={"messages": [user("Hug.")]}), 409)
    studio.storage.max_bytes = 10_000_000
    assert client.post(CHAT, json={"messages": [user("Hug.")], "motion": "no"}).status_code == 200


def test_unused_motions_are_forgotten_while_the_server_runs(
    model: Model, config: ServerConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vimotion.app.studio._FORGETTING", 0.05)
    studio = Studio(model, config)
    from vimotion.app.server import create_app

    with TestClient(create_app(studio), base_url="http://127.0.0.1") as client:
        row, file = studio.library.read(walk(30), "walk.npz")
        studio.storage.add_motions([(replace(row, created=1.0), file), (replace(row, id="motion-new"), file)])
        for _ in range(200):
            if len(motions := client.get("/v1/motions").json()["data"]) == 1:
                break
            time.sleep(0.05)
        assert [motion["id"] for motion in motions] == ["motion-new"]


@pytest.mark.parametrize(
    ("name", "public"),
    [
        ("default", "vimotion"), ("runs/mine/", "mine"), ("http://host/v1", "vimotion"),
        ("./published@http://host/v1", "published"), ("https://host:8000/v1#org/name", "name"),
    ],
)  # fmt: skip
def test_clients_call_a_model_by_its_name(name: str, public: str) -> None:
    assert public_name(SimpleNamespace(name=name)) == public  # type: ignore[arg-type]


def test_only_files_that_can_be_made_are_named(client: TestClient, uploaded: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(options._PACKAGES, ".mp4", ("no_such_package", "no-such-package", "video"))
    files = client.get(f"/v1/motions/{uploaded}").json()["files"]
    assert ".mp4" not in files and ".glb" in files
    assert "no-such-package" in refused(client.get(f"/v1/motions/{uploaded}.mp4"), 422)


def test_motions_are_listed_the_newest_first(client: TestClient, uploaded: str) -> None:
    made = motion_of(ask(client, "Two people hug.", motion="must"))
    page = client.get("/v1/motions", params={"limit": 1}).json()
    assert [motion["id"] for motion in page["data"]] == [made["id"]] and page["has_more"]
    rest = client.get("/v1/motions", params={"limit": 1, "after": made["id"]}).json()
    assert [motion["name"] for motion in rest["data"]] == ["walk.npz"] and not rest["has_more"]
    assert client.delete(f"/v1/motions/{uploaded}").json()["deleted"]
    refused(client.get("/v1/motions", params={"after": uploaded}), 404)


def test_health_and_models_are_told(client: TestClient, studio: Studio) -> None:
    health = client.get("/healthz").json()
    assert (health["status"], health["model"], health["load"]) == ("ok", "tiny", 0)
    assert client.get("/v1/models").json()["data"] == [client.get("/v1/models/tiny").json()]
    studio.stop()
    assert client.get("/healthz").status_code == 503
    assert client.get("/healthz").json()["status"] == "stopping"
    response = client.post(CHAT, json={"messages": [user("Hug.")]})
    assert "being stopped" in refused(response, 503) and response.headers["retry-after"]
