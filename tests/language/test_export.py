"""A published folder is loaded by transformers alone, in a process that knows nothing of VIMotion."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from conversations import CONVERSATION, SPEC, codes_of
from safetensors import safe_open

from vimotion.artifacts import fingerprint, read_manifest, write_manifest
from vimotion.cli import main
from vimotion.errors import UserError
from vimotion.language import export
from vimotion.language.backbone import SMOLLM2, tiny_backbone
from vimotion.language.export import _older_names, export_model
from vimotion.language.model_card import lineage
from vimotion.language.model_folder import ModelFolder
from vimotion.language.packing import pack
from vimotion.language.rendering import _spelled, render
from vimotion.language.vocabulary import MotionVocabulary, add_motion_rows
from vimotion.tokenizer import CodecConfig, MotionTokenizer
from vimotion.tokenizer.network import Codec

# Loads the folder with transformers, where every import of vimotion fails.
ALONE = """
import json, sys

class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "vimotion":
            raise ImportError("there is no VIMotion here")

sys.meta_path.insert(0, Nothing())
import numpy as np, torch
from transformers import AutoModelForCausalLM, AutoTokenizer

folder, messages = sys.argv[1], json.loads(sys.argv[2])
model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
ids = tokenizer(tokenizer.apply_chat_template(messages, tokenize=False), add_special_tokens=False)["input_ids"]
with torch.no_grad():
    logits = model(torch.tensor([ids])).logits[0]
np.savez(sys.argv[3], ids=ids, logits=logits.float(), sampled=model.generation_config.do_sample)
assert "vimotion" not in sys.modules
"""


@pytest.fixture(scope="module")
def built() -> ModelFolder:
    model, tokenizer = tiny_backbone()
    vocabulary = MotionVocabulary(SPEC)
    add_motion_rows(model, vocabulary, vocabulary.add_to(tokenizer), torch.randn(SPEC.codebook_size, 8))
    small = CodecConfig(spec=SPEC, code_dim=8, width=16, encoder_blocks=1, decoder_blocks=1, frame_width=8, frame_blocks=1)
    return ModelFolder(model.eval(), tokenizer, MotionTokenizer(Codec(small)))


@pytest.fixture
def run(built: ModelFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model folder as training leaves it."""
    monkeypatch.setenv("VIMOTION_HOME", str(tmp_path))
    folder = tmp_path / "runs" / "instruct"
    built.save(folder)
    (folder / "metrics.jsonl").write_text("{}\n")
    write_manifest(folder, "instruct", {"corpus": "corpora/scripted", "aligned": "runs/align"}, seed=5)
    return folder


def logits(built: ModelFolder) -> tuple[list[int], np.ndarray]:
    """Of the rendered conversation."""
    ids, _ = render(CONVERSATION, built.tokenizer, built.layout, codes_of)
    with torch.no_grad():
        return ids, built.model(torch.tensor([ids])).logits[0].float().numpy()


def alone(folder: Path, built: ModelFolder) -> dict[str, np.ndarray]:
    messages = json.dumps(_spelled(CONVERSATION, built.tokenizer, built.layout, codes_of))
    result = folder.parent / "alone.npz"
    subprocess.run([sys.executable, "-I", "-c", ALONE, folder, messages, result], check=True, cwd=folder.parent)
    with np.load(result, allow_pickle=False) as arrays:
        return dict(arrays)


def test_transformers_alone_load_it_and_say_the_same(built: ModelFolder, run: Path, tmp_path: Path) -> None:
    pack(run, tmp_path / "packed")  # as the model that ships
    folder = export_model(tmp_path / "packed", tmp_path / "published", max_shard_size="100KB")
    shards = sorted(folder.glob("model-*.safetensors"))
    assert {path.name for path in folder.iterdir()} - {path.name for path in shards} == {
        "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja",
        "model.safetensors.index.json", "motion_codec", "manifest.json", "README.md",
    }  # fmt: skip
    assert len(shards) > 2 and all((path.stat().st_mode & 0o777) == 0o644 for path in folder.rglob("*") if path.is_file())
    assert "auto_map" not in (folder / "config.json").read_text()
    found, (ids, expected) = alone(folder, built), logits(ModelFolder.load(tmp_path / "packed"))
    assert found["ids"].tolist() == ids and bool(found["sampled"])
    assert np.abs(found["logits"] - expected).max() < 1e-4 < np.abs(expected).max()
    again = ModelFolder.load(folder)
    assert np.array_equal(logits(again)[1], expected) and again.layout.first_id == built.layout.first_id


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_weights_are_written_as_wanted(dtype: str, built: ModelFolder, run: Path, tmp_path: Path) -> None:
    folder = export_model(run, tmp_path / "published", dtype)
    with safe_open(folder / "model.safetensors", framework="pt") as file:
        kinds = {str(file.get_tensor(name).dtype) for name in file.keys()}  # noqa: SIM118 (not a dict)
    config = json.loads((folder / "config.json").read_text())
    assert kinds == {f"torch.{dtype}"} and config["dtype"] == config["torch_dtype"] == dtype
    near, exact = logits(ModelFolder.load(folder))[1], logits(built)[1]
    assert 0 < np.abs(near - exact).max() < 0.05 * np.abs(exact).max()
    # without a wish the next one keeps it
    again = export_model(folder, tmp_path / "again")
    assert json.loads((again / "config.json").read_text())["dtype"] == dtype


def test_it_says_what_it_was_made_from(run: Path, tmp_path: Path) -> None:
    folder = export_model(run, tmp_path / "published", "bfloat16", "1GB")
    manifest = read_manifest(folder)
    assert manifest["kind"] == "export" and manifest["seed"] == 5
    assert manifest["config"] == {"dtype": "bfloat16", "max_shard_size": "1GB", "model": read_manifest(run)}
    assert manifest["parents"] == {"model": {"folder": "instruct", "sha256": fingerprint(run)}}
    again = read_manifest(export_model(folder, tmp_path / "again"))
    assert again["config"]["model"] == read_manifest(run) and again["parents"]["model"]["folder"] == "published"


def test_older_releases_find_what_they_need() -> None:
    rope = {"rope_type": "llama3", "rope_theta": 5e5, "factor": 8.0}
    found = _older_names({"rope_parameters": dict(rope), "dtype": "bfloat16"})
    assert found == {
        "rope_parameters": rope, "rope_theta": 5e5, "rope_scaling": {"rope_type": "llama3", "factor": 8.0},
        "dtype": "bfloat16", "torch_dtype": "bfloat16",
    }  # fmt: skip
    assert _older_names({"rope_parameters": {"rope_type": "default", "rope_theta": 1e4}, "dtype": "x"})["rope_scaling"] is None
    assert "rope_theta" not in _older_names({"dtype": "x"})


def test_the_card_tells_the_licences(run: Path, tmp_path: Path) -> None:
    text = (export_model(run, tmp_path / "one") / "README.md").read_text()
    assert text.startswith("---\nlicense: other\n") and "language model | unknown | not recorded" in text
    assert "| data | scripted | apache-2.0" in text and "./one@http" in text and "$" not in text
    text = (export_model(run, tmp_path / "two", base=SMOLLM2) / "README.md").read_text()
    assert text.startswith("---\nlicense: apache-2.0\nbase_model: HuggingFaceTB/SmolLM2-135M-Instruct\n")

    align = {"backbone": "meta-llama/Llama-3.1-8B-Instruct", "corpus": "corpora/pairs", "tokenizer": "runs/codec"}
    for name, config in (("align", align), ("codec", {"corpus": "corpora/scripted"})):
        (tmp_path / "runs" / name).mkdir()
        write_manifest(tmp_path / "runs" / name, name, config, seed=0)
    (tmp_path / "corpora" / "pairs").mkdir(parents=True)
    (tmp_path / "corpora" / "pairs" / "info.json").write_text('{"licence": "CC BY-NC-SA 4.0: no | commercial\\nuse"}')
    parts = [(part.role, part.name, part.licence) for part in lineage(read_manifest(run))]
    assert parts == [
        ("language model", "meta-llama/Llama-3.1-8B-Instruct", "llama3.1"),
        ("data", "scripted", "apache-2.0 (made by VIMotion's own program)"),
        ("data", "pairs", "CC BY-NC-SA 4.0: no / commercial use"),
    ]
    text = (export_model(run, tmp_path / "three", base=SMOLLM2) / "README.md").read_text()
    assert text.startswith("---\nlicense: other\nlicense_name: ") and "base_model: meta-llama/Llama-3.1-8B-Instruct\n" in text


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({"dtype": "int8"}, "float32, bfloat16, float16"),
        ({"max_shard_size": "5"}, "such as 5GB"),
        ({"max_shard_size": "5 GiB"}, "such as 5GB"),
    ],
)
def test_wishes_that_cannot_be_granted(wish: dict[str, str], expected: str, run: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=expected):
        export_model(run, tmp_path / "published", **wish)
    assert not (tmp_path / "published").exists()


def test_it_is_there_whole_or_not_at_all(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "mine.txt").write_text("mine")
    for output in (taken, taken / "mine.txt"):
        with pytest.raises(UserError, match="not empty"):
            export_model(run, output)
    assert (taken / "mine.txt").read_text() == "mine"
    with pytest.raises(UserError, match="no model folder"):
        export_model(taken, tmp_path / "published")

    def fails(*_: object) -> str:
        raise OSError("no space left")

    monkeypatch.setattr(export, "card", fails)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(OSError, match="no space"):
        export_model(run, tmp_path / "published")
    assert sorted(tmp_path.iterdir()) == before


def test_the_folder_may_be_the_one_where_one_stands(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert export_model(run, ".") == tmp_path / "here" and ModelFolder.load(tmp_path / "here")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="not empty"):
        export_model(run, ".")


def test_the_command(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def call(*arguments: str) -> int:
        with pytest.raises(SystemExit) as ended:
            main(["export-model", *arguments])
        return int(ended.value.code or 0)

    folder = str(tmp_path / "published")
    assert call(folder, "--model", "instruct", "--max-shard-size", "200KB", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"folder": folder}
    assert len(list(Path(folder).glob("model-*.safetensors"))) > 1
    for wrong in ([folder, "--model", "instruct"], [f"{folder}2", "--model", "nowhere"], [f"{folder}2", "--dtype", "int8"]):
        assert call(*wrong) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
