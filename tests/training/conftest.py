"""A small corpus, its codec and its codes, made once for all tests of the language stages."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from small_corpus import FIRST_FRAMES, SPEC

from vimotion.corpora.scripted import scene_records
from vimotion.corpora.store import Store, finish_store, open_store, write_clips
from vimotion.tokenizer import CodecConfig, MotionTokenizer
from vimotion.tokenizer.network import Codec
from vimotion.training.motion_codes import MotionCodes, prepare_codes


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A VIMotion home with `corpora/tiny` (12 scenes and their edits) and `runs/tiny-tokenizer` (random)."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIMOTION_HOME", str(home))
        corpus = home / "corpora" / "tiny"
        corpus.mkdir(parents=True)
        write_clips([record for number in range(12) for record in scene_records(number, 0)], corpus / "clips-00000.parquet")
        finish_store(corpus, {"corpus": "scripted"})
        torch.manual_seed(0)
        codec = Codec(CodecConfig(spec=SPEC, code_dim=8, width=16, encoder_blocks=2, decoder_blocks=1, frame_width=8))
        MotionTokenizer(codec).save(home / "runs" / "tiny-tokenizer")
        yield home


@pytest.fixture(scope="session")
def store(home: Path) -> Store:
    return open_store(home / "corpora" / "tiny")


@pytest.fixture(scope="session")
def codes(home: Path, store: Store) -> MotionCodes:
    return prepare_codes(store, home / "runs" / "tiny-tokenizer", FIRST_FRAMES)
