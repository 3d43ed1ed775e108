"""A generator with random weights, small enough for tests, that reads words by a table."""

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers

from vimotion.intergen import GeneratorConfig, MotionGenerator, TextConfig
from vimotion.intergen.denoiser import Denoiser
from vimotion.intergen.text import EmbeddedText
from vimotion.motion import Interaction, Skeleton, place, to_features
from vimotion.motion.rotations import axis_angle_to_matrix

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


def pairs(seed: int = 0, frames: int = 12) -> torch.Tensor:
    """Frame vectors (2, 2, frames, 262) of people who bend and walk."""
    random = np.random.default_rng(seed)
    clips = []
    for _ in range(2):
        ways = np.cumsum(random.normal(scale=0.02, size=(frames + 1, 2, 3)), axis=0) + [[0, 0.95, 0], [0.3, 0.95, 0.7]]
        bends = random.normal(scale=0.4, size=(1, 2, 22, 3)) + np.cumsum(
            random.normal(scale=0.02, size=(frames + 1, 2, 22, 3)), axis=0
        )
        clips.append(to_features(place(Interaction(ways, axis_angle_to_matrix(bends), (Skeleton.standard().scaled(1.1),) * 2))))
    return torch.from_numpy(np.stack(clips)).transpose(1, 2)


def random_generator(**changes: object) -> MotionGenerator:
    sizes = {"width": 32, "layers": 2, "heads": 4, "feed_forward": 48, "max_frames": 60, "text": TEXT}
    config = GeneratorConfig.model_validate(sizes | changes)
    torch.manual_seed(0)
    denoiser = Denoiser(config)
    randomise(denoiser)
    space = denoiser.space
    space.mean.normal_()
    space.std.uniform_(0.5, 2.0)
    if config.components:
        torch.nn.init.orthogonal_(space.basis)
        space.scale.uniform_(0.5, 2.0)
    return MotionGenerator(denoiser, small_text())
