"""The stock client of OpenAI against a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
from app.conftest import Gate
from app.running import in_thread
from chat.tiny_model import walk

from vimotion.app.settings import KEY, ServerConfig
from vimotion.chat import Model
from vimotion.formats import save_motion

SECRET = "0123456789abcdef-secret"


@pytest.fixture
def url(model: Model, config: ServerConfig, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv(KEY, SECRET)
    with in_thread(model, config.checked()) as (url, _):
        yield f"{url}/v1"


def client_of(url: str, key: str = SECRET) -> openai.OpenAI:
    return openai.OpenAI(base_url=url, api_key=key, max_retries=0)


def test_three_turns_with_motions_in_and_out(url: str, tmp_path: Path) -> None:
    client = client_of(url)
    [model] = client.models.list().data
    [path] = save_motion(walk(40), tmp_path / "walk.npz")
    multipart = {"headers": {"Content-Type": "multipart/form-data"}}
    given = client.post("/motions", cast_to=dict, files={"file": path}, options=multipart)
    about = {"type": "motion", "motion": {"id": given["id"]}}
    messages: list = [{"role": "user", "content": [about, {"type": "text", "text": " Make it slower."}]}]
    seen = []
    for text in ("Now faster.", "And mirrored.", None):
        reply = client.chat.completions.create(
            model=model.id, messages=messages, seed=2, max_tokens=5, extra_body={"motion": "must", "duration": 1}
        )
        message = reply.choices[0].message
        [made] = message.motions  # type: ignore[attr-defined]
        seen.append(made["source"])
        messages += [message, {"role": "user", "content": text}]
        latest = made["id"]
    assert seen[0] == given["id"] and len(set(seen)) == 3
    file = client.get(f"/motions/{latest}.glb", cast_to=openai.HttpxBinaryResponseContent)
    assert file.content.startswith(b"glTF")


def test_a_stream_of_text_and_motion(url: str) -> None:
    client = client_of(url)
    stream = client.chat.completions.create(
        model="tiny", messages=[{"role": "user", "content": "Two people hug."}], seed=3, stream=True, max_tokens=5,
        stream_options={"include_usage": True}, extra_body={"motion": "must", "duration": 2},
    )  # fmt: skip
    text, motions, ended, usage = "", [], [], None
    for chunk in stream:
        usage = chunk.usage or usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
            motions += [choice.delta.motion] if hasattr(choice.delta, "motion") else []  # type: ignore[attr-defined]
            ended += [choice.finish_reason] if choice.finish_reason else []
    assert [motion["done"] for motion in motions] == [False] * 8 + [True] and motions[-1]["num_frames"] == 60
    assert len(ended) == 1 and usage and usage.completion_tokens > 8
    whole = client.chat.completions.create(
        model="tiny", messages=[{"role": "user", "content": "Two people hug."}], seed=3, max_tokens=5,
        extra_body={"motion": "must", "duration": 2, "drafts": 1},
    )  # fmt: skip
    assert (whole.choices[0].message.content or "") == text


def test_errors_are_the_clients_own(url: str) -> None:
    messages: list = [{"role": "user", "content": "Hug."}]
    client = client_of(url)
    with pytest.raises(openai.AuthenticationError, match="wants a key"):
        client_of(url, "sk-another-key-than-that").models.list()
    with pytest.raises(openai.NotFoundError, match="no model 'gpt-4'"):
        client.chat.completions.create(model="gpt-4", messages=messages)
    with pytest.raises(openai.UnprocessableEntityError, match="'stop' is not a field"):
        client.chat.completions.create(model="tiny", messages=messages, stop="x")
    with pytest.raises(openai.APIStatusError) as large:
        client.chat.completions.create(model="tiny", messages=[{"role": "user", "content": "x" * 1_100_000}])
    assert large.value.status_code == 413


def test_a_busy_server_is_asked_again(model: Model, config: ServerConfig, gate: Gate) -> None:
    one = config.model_copy(update={"slots": 1, "max_waiting": 0})
    messages: list = [{"role": "user", "content": "Hug."}]
    with in_thread(model, one) as (url, studio):
        held = client_of(f"{url}/v1").chat.completions.create(model="tiny", messages=messages, stream=True)
        with pytest.raises(openai.RateLimitError, match="Too many wait"):
            client_of(f"{url}/v1").chat.completions.create(model="tiny", messages=messages)
        gate.open.set()
        assert list(held)
        patient = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=3)
        assert patient.chat.completions.create(model="tiny", messages=messages).choices
        assert studio.engine.load == 0
