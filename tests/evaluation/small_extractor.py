"""An extractor with random weights, for tests of everything around it."""

from pathlib import Path

import torch

from vimotion.evaluation.extractor import Extractor, ExtractorConfig, InterCLIP, TowerConfig
from vimotion.evaluation.text_tokens import learn_tokenizer

SMALL = TowerConfig(width=16, layers=1, heads=2, feed_forward=24)


def save_small_extractor(folder: Path, seed: int = 0, max_frames: int = 400) -> Path:
    config = ExtractorConfig(motion=SMALL, text=SMALL, embedding=12, vocabulary=320, fold=8, max_frames=max_frames, context=20)
    torch.manual_seed(seed)
    Extractor(InterCLIP(config), learn_tokenizer(["Two people shake hands.", "One waves."], config.vocabulary)).save(folder)
    return folder
