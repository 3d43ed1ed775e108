"""A model behind a server: real ones (llama.cpp's, transformers'), and one that says what a test wants."""

from __future__ import annotations

import json
import queue
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chain_model import STEPS, chain_model, spoken, write_gguf
from fake_server import HANGS, Act, FakeServer, Play, refuses, serving
from gguf_server import serving_gguf
from test_span_grammar import as_regex
from tiny_model import SPEC, walk
from transformers.utils.import_utils import is_serve_available

from vimotion.chat import Model, Sampling, Turn, Wish, load_model, server
from vimotion.chat.server import Address
from vimotion.cli import main
from vimotion.errors import UserError
from vimotion.formats import load_motion
from vimotion.language.export import SAMPLING, export_model
from vimotion.language.layout import MotionCodes
from vimotion.language.model_folder import ModelFolder
from vimotion.language.rendering import _spelled as spelled_messages
from vimotion.language.rendering import parse_answer
from vimotion.tasks.messages import Conversation

GREEDY = Sampling(temperature=0.0)


@pytest.fixture(scope="module")
def chain() -> ModelFolder:
    return chain_model()


@pytest.fixture(scope="module")
def files(chain: ModelFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that is published, and served as it is."""
    folder = tmp_path_factory.mktemp("served")
    chain.save(folder / "run")
    return export_model(folder / "run", folder / "published")


@pytest.fixture
def local(chain: ModelFolder) -> Model:
    return Model(chain, "here", int8=False)


def asked(model: Model, text: str = "Two people hug.", **wish: Any) -> Turn:
    """A turn of which all is certain but what the model says."""
    return model.chat().turn(text, Wish(**{"sampling": GREEDY, "max_words": 20, "drafts": 1} | wish))


def about(model: Model, text: str, **wish: Any) -> Turn:
    """The same about a motion, which stands in the text as {}."""
    session = model.chat()
    name = session.add_motion(walk(40)).strip("<>")
    return session.turn(text.format(name), Wish(**{"sampling": GREEDY, "max_words": 20} | wish))


TURNS: dict[str, Callable[[Model], Turn]] = {
    "generate": lambda model: asked(model, motion="must", people="ab", duration=1.0),
    "as long as it takes": lambda model: asked(model, motion="must", people="ab"),
    "any": asked,
    "react": lambda model: about(model, "<{}.a> How does the other one react?", motion="must", people="ab"),
    "edit": lambda model: about(model, "<{}> Faster.", motion="must", people="ab", duration=1.0),
}


def served(url: str, files: Path, name: str = "") -> Model:
    return load_model(f"{files}@{url}{name and '#'}{name}")


# --- real servers


@pytest.fixture(scope="module")
def llama_cpp(chain: ModelFolder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if find_spec("xllamacpp") is None:
        pytest.skip("the server needs the package xllamacpp")
    path = tmp_path_factory.mktemp("gguf") / "chain.gguf"
    write_gguf(chain, path)
    with serving_gguf(path, context=1024, at_once=2) as url:
        yield url


@pytest.fixture(scope="module")
def transformers_serve(files: Path) -> Iterator[str]:
    if not is_serve_available():
        pytest.skip("the server needs transformers[serving]")
    from transformers.cli.serve import Serve

    port = free_port()
    running = Serve(force_model=str(files), device="cpu", host="127.0.0.1", port=port, non_blocking=True)
    try:
        for _ in range(200):
            if running.server.started:
                break
            time.sleep(0.05)
        assert running.server.started
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        running.kill_server()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.mark.parametrize("name", TURNS)
def test_llama_cpp_says_what_the_model_says_here(name: str, llama_cpp: str, files: Path, local: Model) -> None:
    far = served(llama_cpp, files)
    here, there = (model.tokens([TURNS[name](model)])[0] for model in (local, far))
    assert there == here
    assert isinstance(parse_answer(there, local.tokenizer, local.layout)[-1], MotionCodes)


def test_llama_cpp_is_held_to_legal_motions(llama_cpp: str, files: Path) -> None:
    # the model knows no motion without a placement: only the grammar makes it write one
    turn = about(served(llama_cpp, files), "<{}> What happens next?", motion="must", continues=True, duration=1.0)
    answer = turn.session.model.answers([turn])[0]
    assert answer.motion.duration == pytest.approx(40 / 30 + 1.0)


def test_many_at_once_and_as_they_come(llama_cpp: str, files: Path, local: Model) -> None:
    far = served(llama_cpp, files)
    turns = [TURNS[name](far) for name in TURNS] * 3
    assert far.tokens(turns, at_once=8) == local.tokens([TURNS[name](local) for name in TURNS] * 3)
    events = list(far.chat().stream("Two people hug.", motion="must", people="ab", duration=1.0, sampling=GREEDY))
    kinds = [type(event).__name__ for event in events if type(event).__name__ != "TextEvent"]
    assert kinds == ["MotionEvent"] * 4 + ["Done"] and events[-1].answer.text == "Hi"


def test_too_long_a_conversation_is_refused_before_it_is_sent(llama_cpp: str, files: Path) -> None:
    with pytest.raises(UserError, match=r"reads 1024; undo"):
        served(llama_cpp, files).chat().say("hug " * 300)


def test_a_server_does_not_guide(llama_cpp: str, files: Path) -> None:
    with pytest.raises(UserError, match="without guidance"):
        served(llama_cpp, files).chat().say("hug", sampling=Sampling(guidance=2.0))


def test_the_motion_that_comes_back_is_the_one_that_was_said(llama_cpp: str, files: Path) -> None:
    far = served(llama_cpp, files)
    codes = far.answers([TURNS["as long as it takes"](far)])[0].motion.codes
    steps_said = np.arange(1, STEPS + 1)
    said = codes[:, SPEC.step_rows(codes.shape[1])]
    assert np.array_equal(said, np.broadcast_to(steps_said[None, :, None], (2, STEPS, 2)))


@pytest.mark.parametrize("name", TURNS)
def test_transformers_serves_the_published_folder(name: str, transformers_serve: str, files: Path, local: Model) -> None:
    far = served(transformers_serve, files, str(files))
    assert far.tokens([TURNS[name](far)]) == local.tokens([TURNS[name](local)])


def test_a_server_that_lists_nothing_is_asked_without_a_name(transformers_serve: str, files: Path, local: Model) -> None:
    far = served(transformers_serve, files)
    assert far.tokens([asked(far)]) == local.tokens([asked(local)])
    with pytest.raises(UserError, match="pinned"):
        served(transformers_serve, files, "another")


def test_a_server_renders_chats_as_we_do(transformers_serve: str, files: Path, local: Model) -> None:
    import openai

    turn = about(local, "What happens in <{}>?")
    conversation = Conversation((*turn.session.messages, turn.message))
    messages = spelled_messages(conversation, local.tokenizer, local.layout, turn.session.codes_of)
    api = openai.OpenAI(base_url=transformers_serve, api_key="none")
    reply = api.chat.completions.create(model=str(files), messages=messages, max_tokens=1)  # type: ignore[arg-type]
    assert reply.usage and reply.usage.prompt_tokens == len(turn.request.prompt)


def test_the_command_makes_a_motion_through_a_server(
    transformers_serve: str, files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    address = f"{files}@{transformers_serve}#{files}"
    assert run("generate", "Two people hug.", "--duration", "1", "--model", address, "--output", "hug.npz", "--json") == 0
    content = json.loads(capsys.readouterr().out)
    assert content["model"] == address and content["seconds"] == 1.0 and content["tokens"] == 4 + 1 + 8 + 4 * 4 + 9 + 1
    assert load_motion("hug.npz").num_frames == 30
    assert run("react", "hug.npz", "--model", address, "--output", "reaction.npz") == 0
    assert run("describe", "hug.npz", "--model", address) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "Hi"
    # the model knows no motion without a placement, and this server cannot be held to one
    assert run("continue", "hug.npz", "--model", address) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("vimotion: The model at http://127.0.0.1")


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return int(ended.value.code or 0)


def test_a_published_model_draws_as_we_do() -> None:
    ours = Sampling()
    assert (SAMPLING["temperature"], SAMPLING["top_p"], SAMPLING["top_k"] or None) == (ours.temperature, ours.top_p, ours.top_k)
    assert SAMPLING["do_sample"]


# --- a server that says what a test wants

# what follows "<|ab|>"
MOTION = "".join(spoken(2)[5:-1])


def models(*names: str, owner: str = "somebody", **more: Any) -> Act:
    return Act(json.dumps({"data": [{"id": name, "owned_by": owner, "object": "model", **more} for name in names]}).encode())


def says(text: str, end: str = "stop") -> Act:
    """A completion in pieces of three characters."""
    pieces = [*re.findall(r"(?s).{1,3}", text), ""]
    chunks = [{"choices": [{"text": piece, "finish_reason": None if piece else end, "index": 0}]} for piece in pieces]
    return streams("".join([*(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks), "data: [DONE]\n\n"]))


def streams(body: str, cut: int | None = None) -> Act:
    return Act(body.encode(), headers={"Content-Type": "text/event-stream"}, cut=cut)


def counts(tokens: int | None) -> Act:
    usage = {"prompt_tokens": tokens, "completion_tokens": 1, "total_tokens": 0} if tokens else None
    return Act(json.dumps({"choices": [{"text": "x", "index": 0}], "usage": usage}).encode())


def saying(*acts: Act, listed: Act | None = None, counted: int | None = None) -> Play:
    """A model list, the count of a few tokens, then these completions, the last one again and again."""
    told = 0

    def play(_: int, request: dict[str, Any]) -> Act:
        nonlocal told
        if not request:
            return models("m") if listed is None else listed
        if not request.get("stream"):
            return counts(counted)
        told += 1
        return acts[min(told, len(acts)) - 1]

    return play


@contextmanager
def far_away(play: Play, files: Path) -> Iterator[tuple[FakeServer, Model]]:
    with serving(play) as fake:
        yield fake, served(fake.url, files)


def steps(tokens: list[int], model: Model) -> int:
    [*_, motion] = parse_answer(tokens, model.tokenizer, model.layout)
    assert isinstance(motion, MotionCodes)
    return motion.steps


def test_what_is_asked_of_an_unknown_server(files: Path, local: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("VIMOTION_API_KEY", "secret")
    inside = spoken(4)[5 + 8 : -2]
    third, fourth = "".join(inside[2 * 4 : 3 * 4]), "".join(inside[3 * 4 + 9 :])
    with far_away(saying(says("Hi <|motion_start|>"), says(MOTION), says(third), says(fourth)), files) as (fake, far):
        turn = TURNS["generate"](far)
        assert steps(far.tokens([turn])[0], far) == 4
    words, codes, more, last = fake.requests[2:6]
    allowed = {"model", "prompt", "max_tokens", "temperature", "top_p", "seed", "stream"}
    assert set(words) == allowed | {"logit_bias"} and set(codes) == allowed
    assert local.tokenizer(words["prompt"])["input_ids"] == list(turn.request.prompt)
    # the end of the turn is banned before the motion, and words may be told up to the limit
    assert words["logit_bias"] == {str(local.tokenizer.eos_token_id): -100} and words["max_tokens"] == 21
    assert codes["prompt"] == words["prompt"] + "Hi <|motion_start|><|ab|>" and codes["max_tokens"] == 8 + 3 * 4
    # the model ended after two of the four steps that were wanted, and was asked for the rest of the segment
    assert more["prompt"].endswith("<|n1_2|>") and more["max_tokens"] == 4
    # where people are then is certain
    assert last["prompt"] == more["prompt"] + third + "".join(inside[3 * 4 : 3 * 4 + 9]) and last["max_tokens"] == 4
    assert len({words["seed"], codes["seed"], more["seed"], last["seed"]}) == 4
    assert {headers["authorization"] for headers in fake.headers} == {"Bearer secret"}


def test_vllm_is_given_the_grammar_and_told_to_keep_tokens(files: Path) -> None:
    play = saying(says("<|motion_start|>"), says(MOTION), listed=models("m", owner="vllm", max_model_len=700))
    with far_away(play, files) as (fake, far):
        far.tokens([asked(far, motion="must", people="ab", sampling=Sampling(top_k=7))])
        with pytest.raises(UserError, match="700"):
            asked(far, "hug " * 300).session.say("hug " * 300)
    codes = fake.requests[3]
    assert codes["top_k"] == 7 and codes["min_p"] == 0 and codes["skip_special_tokens"] is False
    assert codes["spaces_between_special_tokens"] is False
    assert re.fullmatch(as_regex(codes["structured_outputs"]["grammar"]), MOTION)


def test_a_server_is_of_the_kind_of_the_model_that_is_asked(files: Path) -> None:
    owners = {"one": "somebody", "two": "vllm"}
    listed = Act(json.dumps({"data": [{"id": name, "owned_by": owner} for name, owner in owners.items()]}).encode())
    for name in owners:
        with serving(saying(says("Hi"), listed=listed)) as fake:
            far = served(fake.url, files, name)
            far.tokens([asked(far, motion="no")])
        assert ("min_p" in fake.requests[2]) == (name == "two")


def test_an_answer_that_hangs_is_broken_off_from_another_thread(files: Path) -> None:
    hanging = Act(b"", headers={"Content-Type": "text/event-stream", "Content-Length": "1000"})
    opened: queue.Queue[Callable[[], None]] = queue.Queue()
    said: list[str] = []

    def follow(far: Model) -> None:
        try:
            list(far.decoder.stream(asked(far, motion="no").request, opened.put))  # type: ignore[call-arg]
        except UserError as error:
            said.append(str(error))

    with far_away(saying(hanging), files) as (_, far):
        thread = threading.Thread(target=follow, args=(far,), daemon=True)
        thread.start()
        shut = opened.get(timeout=30)
        thread.join(0.3)
        assert thread.is_alive()
        shut()
        thread.join(10)
        assert not thread.is_alive() and "broke off" in said[0]
        shut()  # again is as well as once


def test_an_answer_is_put_together_from_what_is_legal(files: Path) -> None:
    wrong = MOTION.replace("<|n0_2|>", "<|m0_2|>")
    acts = says("Hi <|motion_start|>"), says(wrong), says("<|n0_2|> <|n1_2|> ", "length"), says("<|motion_end|>")
    with far_away(saying(*acts), files) as (fake, far):
        assert steps(far.tokens([asked(far, motion="must", people="ab")])[0], far) == 2
    assert fake.requests[4]["prompt"].endswith("<|m1_2|>") and fake.requests[5]["prompt"].endswith("<|n1_2|>")


@pytest.mark.parametrize("begun", ["<|m0_3|><|m1_3|>", ""])  # of the next step
@pytest.mark.parametrize("after", ["<|n1_2|>", "<|endoftext|>", "and so on", "<|n0_99|>", "<|n0_2", ""])
def test_a_motion_that_breaks_off_ends_with_its_last_whole_step(after: str, begun: str, files: Path) -> None:
    whole = MOTION.removesuffix("<|motion_end|>")
    acts = says("<|motion_start|>"), says(whole + begun + after), says(after)
    with far_away(saying(*acts), files) as (_, far), pytest.warns(UserWarning, match="whole step"):
        turn = asked(far, motion="must", people="ab", duration=2.0)
        answer = far.answers([turn])[0]
    assert answer.motion.duration == pytest.approx(16 / 30)


@pytest.mark.parametrize("text", ["", "nonsense", "<|x_1|><|z_2|>", "<|x_1|><|z_2|><|yaw_3|><|size_4|><|m0_1|>"])
def test_where_no_step_is_legal_there_is_no_motion(text: str, files: Path) -> None:
    play = saying(says("<|motion_start|>"), says(text), says("nonsense"))
    with far_away(play, files) as (_, far), pytest.raises(UserError, match="no motion that can be read"):
        far.answers([asked(far, motion="must", people="ab")])


def test_what_is_not_legal_is_drawn_again(files: Path) -> None:
    acts = says("<|motion_start|>"), says("<|m0_1|>"), says("nonsense"), says(MOTION)
    with far_away(saying(*acts), files) as (fake, far):
        assert steps(far.tokens([asked(far, motion="must", people="ab", sampling=Sampling(0.6))])[0], far) == 2
    assert len({request["prompt"] for request in fake.requests[3:]}) == 1
    assert len({request["seed"] for request in fake.requests[3:]}) == 3


@pytest.mark.parametrize(
    ("text", "expected"), [("Two people hug.", "Two people hug."), ("A  b\n\nc <|motion_start|><|ab|>", "A  b\n\nc")]
)
def test_words_stay_words(text: str, expected: str, files: Path) -> None:
    with far_away(saying(says(text), says("")), files) as (fake, far):
        assert far.ask(walk(40), "What is it?") == expected
    assert fake.requests[2]["logit_bias"] == {str(far.layout.start): -100}


def test_nothing_said_is_no_answer(files: Path) -> None:
    with far_away(saying(says("")), files) as (_, far):
        with pytest.raises(UserError, match="said nothing"):
            far.ask(walk(40), "What is it?")
        with pytest.raises(UserError, match="no motion"):  # a motion must come, and is asked for
            far.generate("Two people hug.")


WRONG: dict[str, tuple[Play, str]] = {
    "no key": (lambda *_: refuses(401, "You said secret"), "does not take the key"),
    "forbidden": (lambda *_: refuses(403, "You said secret"), "does not take the key"),
    "nothing there": (lambda *_: refuses(404), "name the model: http"),
    "several": (saying(listed=models("one", "two")), "serves one, two; name one: http"),
    "another page": (lambda *_: Act(b"<html>hello</html>", headers={"Content-Type": "text/html"}), "does not speak"),
    "another model": (saying(counted=3), "reads other tokens"),
    "overloaded": (saying(refuses(400, "too much for secret")), "refuses: .*too much for …; it serves m"),
    "error inside": (saying(streams('data: {"error": {"message": "out of memory"}}\n\n')), "out of memory"),
    "garbage inside": (saying(streams("data: {half\n\n")), "does not speak"),
    "breaks off": (saying(streams("data: " * 20, cut=30)), "broke off"),
    "hangs": (saying(HANGS), "no answer within 0.3 seconds"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_a_server_is_one_sentence(name: str, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIMOTION_API_KEY", "secret")
    monkeypatch.setattr(server, "_WAITING", 0.3)
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.01)
    play, expected = WRONG[name]
    with serving(play) as fake, pytest.raises(UserError, match=expected) as told:
        served(fake.url, files).chat().say("Hello.")
    assert fake.url in str(told.value) and "secret" not in str(told.value) and "\n" not in str(told.value)


def test_a_model_that_is_not_there_is_one_sentence(files: Path) -> None:
    def play(_: int, request: dict[str, Any]) -> Act:
        return models("m") if not request else refuses(404, "The model `other` does not exist.")

    with serving(play) as fake, pytest.raises(UserError, match=r"other.* does not exist; it serves m"):
        served(fake.url, files, "other")


def test_nobody_there_is_one_sentence(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    address = f"{files}@http://127.0.0.1:{free_port()}/v1"
    assert run("generate", "Two people hug.", "--model", address) == 2
    assert re.fullmatch(r"Loading.*\nvimotion: No server answers at http://127.0.0.1:\d+/v1.*\n", capsys.readouterr().err)


def test_the_key_is_only_sent_where_there_is_one(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VIMOTION_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with serving(lambda *_: refuses(401)) as fake, pytest.raises(UserError, match="wants a key"):
        served(fake.url, files)
    assert fake.headers[0]["authorization"] == "Bearer none"
    monkeypatch.setenv("OPENAI_API_KEY", "another")
    with serving(saying()) as fake:
        served(fake.url, files)
    assert fake.headers[0]["authorization"] == "Bearer another"


@pytest.mark.parametrize(
    ("text", "url", "files", "name"),
    [
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1", None, None),
        ("https://gpu/v1/#a/b", "https://gpu/v1", None, "a/b"),
        ("runs/mine@http://gpu/v1#m@h", "http://gpu/v1", "runs/mine", "m@h"),
    ],
)
def test_addresses(text: str, url: str, files: str | None, name: str | None) -> None:
    assert Address.read(text) == Address(url, files, name)


@pytest.mark.parametrize("text", ["ftp://gpu/v1", "http://", "http://user:key@gpu/v1", "http://gpu/v1#", "http://a b"])
def test_no_addresses(text: str) -> None:
    with pytest.raises(UserError) as told:
        load_model(text)
    assert "key@" not in str(told.value)


def test_the_files_must_be_there(files: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no model"):
        load_model("nowhere@http://127.0.0.1/v1")
    with pytest.raises(UserError, match="no tokenizer"):
        load_model(f"{tmp_path}@http://127.0.0.1/v1")
