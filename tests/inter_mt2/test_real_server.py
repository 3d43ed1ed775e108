"""The pipeline through a real server on this machine: llama.cpp's, with SmolLM2, whose replies are bound to a schema.

So small a model writes no conversation that passes, so in one of the two runs a narrower schema than the author's lets it say
nothing else: what it then writes of a clip passes as reasoning and never as an edit.
"""

import asyncio
import json
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from gguf_server import serving_gguf
from test_pipeline import content, standing_in, synthesis

from vimotion.corpora.scripted import scene_records
from vimotion.corpora.store import finish_store, write_clips
from vimotion.errors import UserError
from vimotion.inter_mt2 import writer
from vimotion.inter_mt2.conversations import open_conversations
from vimotion.inter_mt2.lines import read_stage
from vimotion.inter_mt2.llm_author import Refused
from vimotion.inter_mt2.llm_replies import Conversation
from vimotion.inter_mt2.pipeline import Synthesis
from vimotion.inter_mt2.schema import Draft
from vimotion.inter_mt2.store_check import check_store
from vimotion.language.backbone import smollm2_gguf
from vimotion.llm.client import Client, Reply, ServerConfig

pytestmark = pytest.mark.skipif(find_spec("xllamacpp") is None, reason="the real server needs the package xllamacpp")

WORDS = "[A-Z][a-z]{2,7}( [a-z]{2,7}){2,4}"
CAPTION = r"The first person (walks|bows|turns) (slowly|quickly|away) and the second person (follows|waits|claps)\."
LINES = (
    ("user", rf"{WORDS}\? \[source\]"), ("assistant", rf"{WORDS}\."),
    ("user", rf"{WORDS}\?"), ("assistant", rf"{WORDS}\. \[{CAPTION}\]"),
)  # fmt: skip


def an_object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def narrow_form() -> dict[str, Any]:
    """Of two turns, the last answer of which alone shows a new motion; without white space, which a small model likes to write
    for ever.
    """
    lines = [an_object(role={"const": role}, text={"type": "string", "pattern": f"^{line}$"}) for role, line in LINES]
    messages = {"type": "array", "prefixItems": lines, "minItems": len(lines), "maxItems": len(lines)}
    schema = an_object(messages=messages, motions={"type": "array", "maxItems": 0, "items": {"type": "string"}})
    schema["x-guidance"] = {"whitespace_flexible": False}
    return {"type": "json_schema", "json_schema": {"name": "conversation", "schema": schema}}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "smollm2.gguf"
    try:
        path.write_bytes(smollm2_gguf())
    except UserError as error:
        pytest.skip(str(error))
    return path


def bound(url: str) -> Synthesis:
    """One conversation of reasoning and one of edits, in the narrow form."""
    return synthesis(
        "bound", f"author.base_url={url}", "author.model=smollm2", "author.in_flight=2", "author.timeout=600",
        f"author.request={json.dumps({'response_format': narrow_form()})}", "count=2", "shares={reasoning: 1, editing: 1}",
        "generator={model: standing}", "terms={smollm2: Apache-2.0, standing: free}", "validator.trusted=[standing, corpus]",
    )  # fmt: skip


def free(url: str) -> Synthesis:
    """One conversation in the author's own form, of which there is time for the first words only."""
    return synthesis(
        "free", f"author.base_url={url}", "author.model=smollm2", "author.timeout=600", "author.max_tokens=30", "count=1",
        "shares={reasoning: 1}", "seed=1", "terms={smollm2: Apache-2.0}",
    )  # fmt: skip


@pytest.fixture
def home(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    corpus = tmp_path / "corpora" / "tiny"
    corpus.mkdir(parents=True)
    write_clips([record for number in range(4) for record in scene_records(number, 0)], corpus / "clips-00000.parquet")
    finish_store(corpus, {"corpus": "scripted"})
    monkeypatch.setenv("VIMOTION_HOME", str(tmp_path))
    standing_in(monkeypatch)
    monkeypatch.setattr(writer, "source_commit", lambda: "abc")  # whatever is committed while this long test runs
    return tmp_path


def test_the_pipeline_runs_through_a_real_server(model: Path, home: Path) -> None:
    with serving_gguf(model, context=4096) as url:
        a_request_that_is_too_long_is_an_empty_reply(url)
        bound(url).run()
        with pytest.raises(UserError, match="No conversation of the training split"):
            free(url).run()
    replies = [Reply.model_validate_json(path.read_bytes()) for path in (home / "cache").rglob("*.json")]
    every_request_got_a_reply_in_its_form(replies)
    for making in (bound(url), free(url)):
        every_seed_became_a_draft_or_has_a_reason(making, [reply.text for reply in replies])
    reasoning_is_in_the_store(home)
    a_second_run_asks_for_nothing(url, home)


def a_request_that_is_too_long_is_an_empty_reply(url: str) -> None:
    config = ServerConfig(model="smollm2", base_url=url, cache=Path("elsewhere"))
    request = config.asking([{"role": "user", "content": "walk " * 5000}], seed=0)
    reply = asyncio.run(Client(config).complete(request))
    assert reply.text == "" and "exceed_context_size_error" in reply.finish and "4096" in reply.finish


def every_request_got_a_reply_in_its_form(replies: list[Reply]) -> None:
    whole = [reply for reply in replies if reply.finish == "stop"]
    cut = [reply for reply in replies if reply.finish == "length"]
    # one of reasoning, one of edits, and what was cut off; the last two were asked for once more
    assert (len(replies), len(whole), len(cut)) == (5, 3, 2)
    for reply in whole:
        lines = Conversation.model_validate_json(reply.text).messages
        assert [line.role for line in lines] == [role for role, _ in LINES] and "[source]" in lines[0].text
    for reply in cut:
        begun = "".join(reply.text.split())
        assert begun and '{"messages":[{"role":"'.startswith(begun[:22])
    assert all(reply.tokens and reply.tokens.input > 1000 and reply.tokens.output > 0 for reply in replies)


def every_seed_became_a_draft_or_has_a_reason(making: Synthesis, replies: list[str]) -> None:
    drafts = list(read_stage(making.folder / "drafts", Draft))
    refused = list(read_stage(making.folder / "refused", Refused))
    assert sorted(one.id for one in [*drafts, *refused]) == sorted(seed.id for seed in making.seeds)
    assert [one.kind for one in drafts] == (["reasoning"] if len(making.seeds) == 2 else [])
    for one in refused:
        said = "must show the changed motion" if one.kind == "editing" else "cut off"
        assert said in one.reason and one.reply in replies


def reasoning_is_in_the_store(home: Path) -> None:
    folder = home / "corpora" / "bound"
    assert not check_store(folder, home / "corpora" / "tiny")
    [told] = open_conversations(folder)
    assert told.kind == "reasoning" and {motion.made_by for motion in told.motions} == {"corpus", "standing"}


def a_second_run_asks_for_nothing(url: str, home: Path) -> None:
    """The server is gone, and so are all stages: the replies are enough for the same bytes."""
    before = content(home / "corpora" / "bound")
    shutil.rmtree(home / "inter_mt2")
    shutil.rmtree(home / "corpora" / "bound")
    assert bound(url).estimate().requests == 0
    store = bound(url).run()
    assert store is not None and content(store.folder) == before
