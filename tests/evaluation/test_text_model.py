"""Text models: a server's, against one of our own, and a tiny one on this machine."""

from pathlib import Path
from typing import Any

import pytest
import torch
from fake_server import Act, says, serving
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from vimotion.errors import UserError
from vimotion.evaluation.text_model import LocalText, ServedText, ask
from vimotion.language.backbone import tiny_backbone
from vimotion.llm.client import Message, ServerConfig


def about(text: str) -> list[Message]:
    return [{"role": "system", "content": "Say it in other words."}, {"role": "user", "content": text}]


def backwards(number: int, request: dict[str, Any]) -> Act:
    return says(request["messages"][-1]["content"][::-1] + "\n")


def test_a_server_is_asked_once_for_everything(tmp_path: Path) -> None:
    with serving(backwards) as server:
        config = ServerConfig(model="writer", base_url=server.url, cache=tmp_path)
        assert ServedText(config).complete([about("hug"), about("wave"), about("hug")]) == ["guh", "evaw", "guh"]
        asked = sorted(server.requests, key=str)
        settings = {"model": "writer", "temperature": 0.0, "max_tokens": 500, "seed": 0}
        assert asked == [{"messages": about(text), **settings} for text in ("hug", "wave")]
        assert ServedText(config).complete([about("wave"), about("bow")]) == ["evaw", "wob"]
        assert len(server.requests) == 3 and ServedText(config).complete([]) == []


def test_conversations_are_asked_at_once_as_many_as_may_be_in_flight(tmp_path: Path) -> None:
    texts = [f"{number}" for number in range(12)]
    with serving(lambda number, request: says(request["messages"][-1]["content"], seconds=0.3)) as server:
        config = ServerConfig(model="writer", base_url=server.url, cache=tmp_path, in_flight=4)
        assert ServedText(config).complete([about(text) for text in texts]) == texts
        assert server.most_here == 4


def test_a_reply_that_cannot_be_read_is_kept_and_asked_for_anew_with_another_seed(tmp_path: Path) -> None:
    replies = {0: "one", 1: "two", 2: "3"}
    with serving(lambda number, request: says(replies[request["seed"]])) as server:
        config = ServerConfig(model="counter", base_url=server.url, cache=tmp_path, tries=2)
        with pytest.raises(UserError, match=r"counter at .* gave no answer that can be read \(.*'two'; it ended by stop\)"):
            ask(config, [(about("three"), int)])
        more = config.model_copy(update={"tries": 3})
        assert ask(more, [(about("three"), int)]) == [3] == ask(more, [(about("three"), int)])
        assert [request["seed"] for request in server.requests] == [0, 1, 2]


def test_a_server_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    config = ServerConfig(model="writer", base_url="http://127.0.0.1:9/v1", cache=tmp_path, pause=0.0, tries=2)
    with pytest.raises(UserError, match=r"writer at http://127\.0\.0\.1:9/v1 gave no answer"):
        ServedText(config).complete([about("hug")])
    assert not list(tmp_path.rglob("*.json"))


def talker() -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """A random model whose words depend on all that was said before."""
    model, tokenizer = tiny_backbone()
    model.set_output_embeddings(torch.nn.Linear(64, len(tokenizer), bias=False))
    torch.manual_seed(0)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model, tokenizer


def test_the_local_model_says_the_likeliest_words_alone_and_beside_others() -> None:
    model, tokenizer = talker()
    asked = [about(text) for text in ("hug", "They shake hands for a long time.", "A bow")]
    local = LocalText(model, tokenizer, longest=12)
    together = local.complete(asked)
    assert together == [local.complete([messages])[0] for messages in asked]
    assert len(set(together)) > 1 and local.complete([]) == []
    # the first token is the likeliest of the network in float32
    ids = tokenizer.apply_chat_template(asked[0], add_generation_prompt=True, return_dict=False)
    likeliest = int(model(torch.tensor([ids])).logits[0, -1].argmax())
    assert local._tokens([ids])[0][0] == likeliest
    assert all(len(said) == 12 or said[-1] == tokenizer.eos_token_id for said in local._tokens([ids, ids[:5]]))


def test_the_end_of_the_turn_ends_an_answer() -> None:
    model, tokenizer = talker()
    local = LocalText(model, tokenizer, longest=12)
    [said] = local._tokens([tokenizer("hug")["input_ids"]])
    assert len(said) == 12
    tokenizer.eos_token = tokenizer.convert_ids_to_tokens(said[2])
    assert LocalText(model, tokenizer, longest=12)._tokens([tokenizer("hug")["input_ids"]]) == [said[: said.index(said[2]) + 1]]
