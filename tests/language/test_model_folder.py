import shutil
from pathlib import Path

import pytest
import torch
from conversations import SPEC
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from vimotion.errors import UserError
from vimotion.language.backbone import tiny_backbone
from vimotion.language.model_folder import ModelFolder
from vimotion.language.packing import PACKED_WEIGHTS, pack, unpacked
from vimotion.language.vocabulary import MotionVocabulary, add_motion_rows
from vimotion.tokenizer import CodecConfig, MotionTokenizer
from vimotion.tokenizer.network import Codec


@pytest.fixture(scope="module")
def built() -> ModelFolder:
    model, tokenizer = tiny_backbone()
    vocabulary = MotionVocabulary(SPEC)
    first = vocabulary.add_to(tokenizer)
    add_motion_rows(model, vocabulary, first, torch.randn(SPEC.codebook_size, 8))
    small = CodecConfig(spec=SPEC, code_dim=8, width=16, encoder_blocks=1, decoder_blocks=1, frame_width=8, frame_blocks=1)
    return ModelFolder(model.eval(), tokenizer, MotionTokenizer(Codec(small)))


@pytest.fixture
def folder(built: ModelFolder, tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "metrics.jsonl").write_text("{}\n")
    built.save(tmp_path / "model")
    return tmp_path / "model"


def logits(model: torch.nn.Module) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = model(torch.arange(20)[None]).logits
    return found


def test_a_model_folder_is_a_plain_causal_language_model(built: ModelFolder, folder: Path) -> None:
    expected = {
        "config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json",
        "chat_template.jinja", "motion_codec", "metrics.jsonl",
    }  # fmt: skip
    assert {path.name for path in folder.iterdir()} == expected
    plain = AutoModelForCausalLM.from_pretrained(folder)
    assert torch.equal(logits(plain), logits(built.model))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.chat_template == built.tokenizer.chat_template
    again = ModelFolder.load(folder)
    assert again.layout.spec == SPEC and again.layout.first_id == built.layout.first_id
    assert torch.equal(logits(again.model), logits(built.model))


def test_a_folder_that_lacks_something_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no model folder"):
        ModelFolder.load(tmp_path)
    weights = load_file(folder / "model.safetensors")
    save_file({name: weight for name, weight in weights.items() if "layers.1.mlp.up" not in name}, folder / "model.safetensors")
    with pytest.raises(UserError, match="do not fit"):
        ModelFolder.load(folder)
    shutil.copy(folder / "config.json", folder / "model.safetensors")
    with pytest.raises(UserError, match="cannot be loaded"):
        ModelFolder.load(folder)


def test_a_codec_of_another_size_is_refused(folder: Path) -> None:
    shutil.rmtree(folder / "motion_codec")
    with pytest.raises(UserError, match="no motion tokenizer"):
        ModelFolder.load(folder)
    other = SPEC.model_copy(update={"levels": 2})
    MotionTokenizer(Codec(CodecConfig(spec=other, code_dim=8, width=16))).save(folder / "motion_codec")
    with pytest.raises(UserError, match="motion tokens"):
        ModelFolder.load(folder)


def test_packing(built: ModelFolder, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIMOTION_HOME", str(tmp_path / "home"))
    figures = pack(folder, tmp_path / "packed")
    assert 0 < figures["relative_error"] < 0.01
    assert (tmp_path / "packed" / PACKED_WEIGHTS).stat().st_size < 0.4 * (folder / "model.safetensors").stat().st_size
    assert not (tmp_path / "packed" / "metrics.jsonl").exists()

    plain = unpacked(tmp_path / "packed")
    assert plain == unpacked(tmp_path / "packed") and plain.is_relative_to(tmp_path / "home")
    before, after = load_file(folder / "model.safetensors"), load_file(plain / "model.safetensors")
    assert before.keys() == after.keys()
    for name, weight in before.items():
        step = weight.abs().amax(-1, keepdim=True) / 127 if weight.dim() == 2 else weight.abs() * 2**-10
        assert ((weight - after[name]).abs() <= 0.5001 * step + 1e-8).all()
    assert (logits(ModelFolder.load(tmp_path / "packed").model) - logits(built.model)).abs().max() < 0.05
    # what was rounded once is not changed by a second time
    pack(plain, tmp_path / "twice")
    twice = load_file(unpacked(tmp_path / "twice") / "model.safetensors")
    assert all(torch.allclose(twice[name], after[name], rtol=1e-6) for name in after)


def test_damaged_packed_models_are_refused(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIMOTION_HOME", str(tmp_path / "home"))
    with pytest.raises(UserError, match="no packed model"):
        unpacked(folder)
    pack(folder, tmp_path / "packed")
    with pytest.raises(UserError, match="to pack"):
        pack(tmp_path / "packed", tmp_path / "twice")
    content = (tmp_path / "packed" / PACKED_WEIGHTS).read_bytes()
    (tmp_path / "packed" / PACKED_WEIGHTS).write_bytes(content[:-100])
    with pytest.raises(UserError, match="cannot be read"):
        unpacked(tmp_path / "packed")
    (tmp_path / "packed" / PACKED_WEIGHTS).write_bytes(content.replace(b"vimotion-int8-1", b"vimotion-int8-9"))
    with pytest.raises(UserError, match="another format"):
        unpacked(tmp_path / "packed")
    assert not list((tmp_path / "home").rglob("*.safetensors"))
