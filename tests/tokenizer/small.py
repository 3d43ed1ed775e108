"""A small codec, untrained but with its codebook laid over some motion, and the motion."""

import sys
from pathlib import Path

import numpy as np
import torch

from vimotion.motion import FEATURES, place, to_features
from vimotion.tokenizer import CodecConfig, CodecSpec
from vimotion.tokenizer.network import Codec
from vimotion.training.tokenizer import fit_normalisation

sys.path.insert(0, str(Path(__file__).parents[1] / "motion"))
from poses import random_interaction

SMALL = CodecConfig(
    spec=CodecSpec(step_frames=8, levels=3, codebook_size=32, segment_steps=3), code_dim=8, width=24,
    encoder_blocks=3, decoder_blocks=2, frame_width=16, frame_blocks=1,
)  # fmt: skip


def people(seed: int, frames: int = 64) -> np.ndarray:
    """Two people as the tokenizer takes them: (2, frames, 262)."""
    return to_features(place(random_interaction(seed, frames + 1))).swapaxes(0, 1)


def walking(features: np.ndarray) -> np.ndarray:
    """People (2, frames, 262) who also go 5 cm a frame sideways."""
    moved = features.copy()
    positions, velocities = FEATURES["positions"], FEATURES["velocities"]
    moved[..., positions.start : positions.stop : 3] += 0.05 * np.arange(features.shape[1])[:, None]
    moved[..., velocities.start : velocities.stop : 3] += 0.05
    return moved


def small_codec(config: CodecConfig = SMALL) -> Codec:
    torch.manual_seed(0)
    codec = Codec(config)
    batch = torch.from_numpy(np.stack([people(seed) for seed in range(8)]))
    fit_normalisation(codec, [batch])
    for head in (codec.decoder.coarse, codec.decoder.out):  # a fresh one is zero and would write the mean pose only
        torch.nn.init.normal_(head.weight, std=0.05)
    codec(batch)
    return codec
