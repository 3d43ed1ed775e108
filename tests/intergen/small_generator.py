"""A generator with random weights, small enough for tests, that reads words by a table."""

import torch
from tokenizers import Tokenizer, models, pre_tokenizers

from vimotion.intergen import GeneratorConfig, MotionGenerator, TextConfig
from vimotion.intergen.denoiser import Denoiser
from vimotion.intergen.text import EmbeddedText

WORDS = ["<unk>", "two", "people", "hug", "one", "person", "waves", "at", "the", "other", "."]
TEXT = TextConfig(encoder="embeddings", width=16, layers=1, heads=2, feed_forward=32)


def small_text() -> EmbeddedText:
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return EmbeddedText(tokenizer, torch.randn(len(WORDS), TEXT.width, generator=torch.Generator().manual_seed(1)))


def randomise(module: torch.nn.Module, scale: float = 1.0) -> None:
    """Random weights, also where training would start from zero."""
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=scale * parameter.shape[-1] ** -0.5)


def random_generator(**changes: object) -> MotionGenerator:
    sizes = {"width": 32, "layers": 2, "heads": 4, "feed_forward": 48, "max_frames": 60, "text": TEXT}
    config = GeneratorConfig.model_validate(sizes | changes)
    torch.manual_seed(0)
    denoiser = Denoiser(config)
    randomise(denoiser)
    denoiser.mean.normal_()
    denoiser.std.uniform_(0.5, 2.0)
    return MotionGenerator(denoiser, small_text())
