"""The extractor: two towers, its hash, what may be compared, and the import of the official weights."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from poses import random_interaction
from straight_interclip import made_up, motion_embedding, names_and_shapes, text_embedding

from vimotion.artifacts import read_manifest
from vimotion.cli import main
from vimotion.errors import UserError
from vimotion.evaluation import extractor as extractor_file
from vimotion.evaluation import interclip
from vimotion.evaluation.extractor import (
    OFFICIAL,
    Extractor,
    ExtractorConfig,
    InterCLIP,
    TowerConfig,
    check_comparable,
    load_extractor,
)
from vimotion.evaluation.interclip import convert_interclip, from_interclip
from vimotion.evaluation.text_tokens import TextTokens, learn_tokenizer
from vimotion.intergen.clip import clip_tokenizer
from vimotion.motion import place, to_features

SMALL = TowerConfig(width=16, layers=2, heads=2, feed_forward=24)
CONFIG = ExtractorConfig(motion=SMALL, text=SMALL, embedding=12, vocabulary=320, fold=4, max_frames=100, context=20)
# The official network with fewer and smaller layers.
LITTLE = OFFICIAL.model_copy(
    update={
        "motion": TowerConfig(width=24, layers=2, heads=4, feed_forward=40),
        "text": TowerConfig(width=20, layers=2, heads=4, feed_forward=40),
        "embedding": 14, "vocabulary": 517, "end_token": 516,
    }
)  # fmt: skip
LITTLE_SHAPES = names_and_shapes(width=24, text_width=20, inner=40, embedding=14, vocabulary=517, layers=2)
CAPTIONS = ["Two people shake hands.", "One of them waves to the other.", "They hug, then walk away slowly."]


@pytest.fixture(scope="module")
def extractor() -> Extractor:
    torch.manual_seed(0)
    model = InterCLIP(CONFIG)
    model.mean.normal_()
    model.std.uniform_(0.5, 2.0)
    return Extractor(model, learn_tokenizer(CAPTIONS, CONFIG.vocabulary))


@pytest.fixture(scope="module")
def merges() -> bytes:
    """A vocabulary in the form of CLIP's with three merges: 517 tokens."""
    return gzip.compress(b"#version\nt h\nth e</w>\nh a\n")


def _motions(*lengths: int) -> list[np.ndarray]:
    random = np.random.default_rng(sum(lengths))
    return [random.normal(size=(length, 2, 262)).astype(np.float32) for length in lengths]


def _embed_official(config: ExtractorConfig, state: dict[str, torch.Tensor], merges: bytes, *lengths: int) -> None:
    """That the import of a state dict embeds motions of these lengths, and as many texts, as the straight-line network does."""
    extractor = from_interclip(state, config, clip_tokenizer(merges, 517))
    motions = _motions(*lengths)
    ours = extractor.embed_motions(motions)
    theirs = [motion_embedding(state, torch.from_numpy(motion), config.motion.heads) for motion in motions]
    np.testing.assert_allclose(ours, torch.stack(theirs).numpy(), atol=2e-5)
    np.testing.assert_allclose(np.linalg.norm(ours, axis=-1), 2.7, rtol=1e-6)
    tokens = torch.zeros(2, 77, dtype=torch.int64)
    tokens[0, :5] = torch.tensor([515, 3, 2, 1, config.end_token])
    tokens[1] = torch.arange(77) + 100
    tokens[1, 76] = config.end_token
    tokens = tokens[: len(lengths)]
    ours = extractor.model.encode_text(tokens).double()
    theirs = [text_embedding(state, row, config.text.heads) for row in tokens]
    torch.testing.assert_close(ours, torch.stack(theirs), atol=2e-5, rtol=0)


def test_the_official_names_and_shapes() -> None:
    with torch.device("meta"):
        ours = InterCLIP(OFFICIAL).state_dict()
    shapes = {name: tuple(tensor.shape) for name, tensor in ours.items() if name not in ("mean", "std")}
    official = names_and_shapes()
    assert official.pop("motion_encoder.sequence_pos_encoder.pe") == (2000, 1024)
    assert shapes == official
    assert 148e6 < sum(tensor.numel() for tensor in ours.values()) < 152e6


def test_official_weights_embed_as_the_straight_line_network_does(merges: bytes) -> None:
    _embed_official(LITTLE, made_up(LITTLE_SHAPES), merges, 7, 31, 12)


def test_so_they_do_at_full_size(merges: bytes) -> None:
    _embed_official(OFFICIAL, made_up(names_and_shapes()), merges, 9)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "interclip.ckpt"
    state = {f"model.{name}": tensor for name, tensor in made_up(LITTLE_SHAPES).items()}
    torch.save({"epoch": 3, "state_dict": state, "hyper_parameters": {"lr": 1e-4}}, path)
    return path


def test_a_checkpoint_becomes_a_folder(
    checkpoint: Path, tmp_path: Path, merges: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interclip, "OFFICIAL", LITTLE)
    monkeypatch.setattr(interclip, "clip_tokenizer", lambda: clip_tokenizer(merges, 517))
    converted = convert_interclip(checkpoint, tmp_path / "interclip")
    loaded = Extractor.load(tmp_path / "interclip")
    manifest = read_manifest(tmp_path / "interclip")
    assert loaded.hash == converted.hash == manifest["metrics"]["hash"] and manifest["kind"] == "extractor"
    assert loaded.config == LITTLE
    texts = ["the hat", "a " * 200]
    assert loaded.tokens(texts).shape == (2, 77)
    np.testing.assert_array_equal(loaded.embed_texts(texts), converted.embed_texts(texts))
    [row] = loaded.tokens(texts[:1]).tolist()
    assert row[0] == 515 and row[row.index(516) :] == [516] + [0] * (76 - row.index(516))


def test_the_command_knows_it_by_its_weights(
    checkpoint: Path, tmp_path: Path, merges: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(interclip, "OFFICIAL", LITTLE)
    monkeypatch.setattr(interclip, "clip_tokenizer", lambda: clip_tokenizer(merges, 517))
    with pytest.raises(SystemExit) as ended:
        main(["convert", str(checkpoint), str(tmp_path / "made"), "--json"])
    assert not ended.value.code
    said = json.loads(capsys.readouterr().out)
    assert said == {"folder": str(tmp_path / "made"), "kind": "extractor", "hash": Extractor.load(tmp_path / "made").hash}
    content = torch.load(checkpoint)
    del content["state_dict"]["model.out.bias"]
    torch.save(content, checkpoint)
    with pytest.raises(SystemExit) as ended:
        main(["convert", str(checkpoint), str(tmp_path / "other")])
    assert ended.value.code == 2
    assert "'out.bias' is missing" in capsys.readouterr().err and not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda state: state.pop("text_ln.bias"), "'text_ln.bias' is missing"),
        (lambda state: state.update(extra=torch.zeros(1)), "'extra' does not belong"),
        (lambda state: state.update({"out.bias": torch.zeros(3)}), r"'out.bias' has the shape \[3\] instead of \[14\]"),
        (lambda state: state["motion_encoder.sequence_pos_encoder.pe"].add_(0.1), "table of positions"),
    ],
)
def test_other_weights_are_refused(change, said: str, merges: bytes) -> None:  # type: ignore[no-untyped-def]
    state = made_up(LITTLE_SHAPES)
    change(state)
    with pytest.raises(UserError, match=said):
        from_interclip(state, LITTLE, clip_tokenizer(merges, 517))


def test_a_file_that_would_run_code_is_not_read(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self):  # type: ignore[no-untyped-def]
            return (Path.touch, (tmp_path / "ran",))

    torch.save({"state_dict": {}, "evil": Evil()}, tmp_path / "evil.ckpt")
    with pytest.raises(UserError):
        convert_interclip(tmp_path / "evil.ckpt", tmp_path / "out")
    assert not (tmp_path / "ran").exists() and not (tmp_path / "out").exists()


def test_neither_padding_nor_company_changes_an_embedding(extractor: Extractor) -> None:
    motions, texts = _motions(5, 90, 33, 34), [*CAPTIONS, "hug"]
    for embed, inputs in ((extractor.embed_motions, motions), (extractor.embed_texts, texts)):
        together = embed(inputs)  # type: ignore[arg-type]
        alone = np.concatenate([embed([one]) for one in inputs])  # type: ignore[list-item]
        np.testing.assert_allclose(together, alone, atol=1e-5)
        np.testing.assert_allclose(embed(inputs, batch=2), together, atol=1e-5)  # type: ignore[arg-type]
        assert np.linalg.norm(together[0] - together[1]) > 0.1


def test_contacts_are_not_read_but_all_else_is(extractor: Extractor) -> None:
    [motion] = _motions(9)
    before = extractor.embed_motions([motion])
    changed = motion.copy()
    changed[..., 258:] += 5.0
    np.testing.assert_array_equal(extractor.embed_motions([changed]), before)
    for column in (0, 131, 257):
        changed = motion.copy()
        changed[8, 1, column] += 5.0
        assert np.abs(extractor.embed_motions([changed]) - before).max() > 1e-3
    assert np.abs(extractor.embed_motions([motion[:, ::-1]]) - before).max() > 1e-2


def test_what_cannot_be_read_is_refused(extractor: Extractor) -> None:
    [motion] = _motions(9)
    broken = motion.copy()
    broken[3, 1, 7] = np.nan
    for wrong, said in (
        (motion[:, :1], "frames, 2, 262"),
        (motion[:0], "frames, 2, 262"),
        (broken, "not finite"),
        (np.zeros((101, 2, 262)), "at most 100"),
    ):
        with pytest.raises(ValueError, match=said):
            extractor.embed_motions([motion, wrong])


def test_it_reads_a_motion_in_its_own_placing(extractor: Extractor) -> None:
    motion = random_interaction(3, 20)
    np.testing.assert_allclose(extractor.features(motion.moved(1.0, (2, 3, 4))), to_features(place(motion)), atol=1e-4)
    official = Extractor(InterCLIP(CONFIG.model_copy(update={"floor": "each"})), extractor.tokenizer)
    np.testing.assert_allclose(official.features(motion), to_features(place(motion, "each")), atol=1e-6)
    embeddings = extractor.embed_interactions([None, motion.moved(2.0)])
    assert np.isnan(embeddings[0]).all()
    np.testing.assert_allclose(embeddings[1], extractor.embed_motions([to_features(place(motion))])[0], atol=1e-4)
    with pytest.raises(ValueError, match="two people"):
        extractor.embed_interactions([motion.person(0)])


def test_saved_and_loaded_it_is_the_same(extractor: Extractor, tmp_path: Path) -> None:
    extractor.save(tmp_path)
    loaded = Extractor.load(tmp_path)
    motions = _motions(40, 13)
    np.testing.assert_array_equal(loaded.embed_motions(motions), extractor.embed_motions(motions))
    np.testing.assert_array_equal(loaded.embed_texts(CAPTIONS), extractor.embed_texts(CAPTIONS))
    assert loaded.hash == extractor.hash and len(loaded.hash) == 16 and int(loaded.hash, 16) >= 0


def test_it_is_found_by_folder_by_run_and_as_the_shipped_one(
    extractor: Extractor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIMOTION_HOME", str(tmp_path))
    monkeypatch.setattr(extractor_file, "SHIPPED", tmp_path / "shipped")
    own, run = tmp_path / "own", tmp_path / "runs" / "try"
    for name, folder in ((str(own), own), ("try", run), (None, tmp_path / "shipped")):
        with pytest.raises(UserError, match="extractor"):
            load_extractor(name)
        extractor.save(folder)
        assert load_extractor(name).hash == extractor.hash


def test_the_hash_tells_weights_settings_and_tokens_apart(extractor: Extractor, tmp_path: Path) -> None:
    hashes = {extractor.hash}
    other = InterCLIP(CONFIG)
    other.load_state_dict(extractor.model.state_dict())
    assert Extractor(other, extractor.tokenizer).hash in hashes
    with torch.no_grad():
        other.motion_encoder.out.bias[3] += 0.01
    hashes.add(Extractor(other, extractor.tokenizer).hash)
    settings = InterCLIP(CONFIG.model_copy(update={"floor": "each"}))
    settings.load_state_dict(extractor.model.state_dict())
    hashes.add(Extractor(settings, extractor.tokenizer).hash)
    hashes.add(Extractor(extractor.model, learn_tokenizer(["zebra zebra zebra"], CONFIG.vocabulary)).hash)
    assert len(hashes) == 4


@pytest.mark.parametrize("name", ["config.json", "extractor.safetensors", "tokenizer.json"])
def test_missing_and_damaged_files_are_named(extractor: Extractor, tmp_path: Path, name: str) -> None:
    extractor.save(tmp_path)
    (tmp_path / name).write_bytes(b"{broken")
    with pytest.raises(UserError, match="cannot be read"):
        Extractor.load(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(UserError, match=f"no {name}"):
        Extractor.load(tmp_path)


def test_weights_that_do_not_fit_are_refused(extractor: Extractor, tmp_path: Path) -> None:
    extractor.save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"embedding": 13}))
    with pytest.raises(UserError, match="do not fit"):
        Extractor.load(tmp_path)


def test_only_figures_of_one_scale_are_compared() -> None:
    report = {"extractor": "0123456789abcdef", "protocol": {"batch": 96}}
    check_comparable([report, dict(report), report | {"other": 1}])
    with pytest.raises(UserError, match=r"extractor.*0123456789abcdef.*fedc"):
        check_comparable([report, report | {"extractor": "fedcba9876543210"}])
    with pytest.raises(UserError, match="protocol"):
        check_comparable([report, report | {"protocol": {"batch": 32}}])
    with pytest.raises(UserError, match="does not say its extractor"):
        check_comparable([report, {"protocol": {"batch": 96}}])


def test_learned_tokens_read_any_text_and_end_once() -> None:
    tokenizer = learn_tokenizer(CAPTIONS * 5, 400)
    tokens = TextTokens(tokenizer, 12, padded=False)
    rows = tokens(["Two people", "二人 ☃", "<|end|> or <|pad|>", "walk " * 50, ""])
    assert rows.shape == (5, 12)
    for row in rows.tolist():
        end = row.index(2)
        assert row[0] == 1 and row.count(2) == 1 and not any(row[end + 1 :]) and all(row[: end + 1])
    assert torch.equal(tokens(["TWO   people "]), tokens(["two   people"]))
    assert tokens(["hug"]).shape[1] < 12 and TextTokens(tokenizer, 12, padded=True)(["hug"]).shape == (1, 12)
