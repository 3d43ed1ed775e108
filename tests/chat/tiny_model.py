"""A tiny random model with the real classes of every room, and motions to give it."""

from __future__ import annotations

import numpy as np
import torch

from vimotion.language.backbone import tiny_backbone
from vimotion.language.model_folder import ModelFolder
from vimotion.language.vocabulary import MotionVocabulary, add_motion_rows
from vimotion.motion import Interaction, Skeleton
from vimotion.motion.rotations import axis_angle_to_matrix, yaw_matrix
from vimotion.tokenizer import CodecConfig, CodecSpec, MotionTokenizer
from vimotion.tokenizer.network import Codec
from vimotion.tokenizer.spec import RETOLD

SPEC = CodecSpec(step_frames=8, levels=2, codebook_size=16, placement_bins=16, segment_steps=3)


def told_anew(codec: MotionTokenizer, codes: np.ndarray) -> np.ndarray:
    """Codes (people, rows, levels) that tell anew where people are as the codec finds them there."""
    codes, spec = codes.copy(), codec.spec
    is_step, told = spec.step_rows(codes.shape[1]), np.zeros((len(codes), spec.placement_rows * spec.levels), dtype=int)
    for end in np.flatnonzero(is_step & ~np.append(is_step[1:], True)) + 1:
        told[:, : len(RETOLD)] = codec.places(codes[:, :end])
        codes[:, end : end + spec.placement_rows] = told.reshape(len(codes), -1, spec.levels)
    return codes


def random_codes(codec: MotionTokenizer, people: int, steps: int, seed: int = 0) -> np.ndarray:
    """Codes (people, rows, levels) of so many steps."""
    spec = codec.spec
    shape = people, spec.rows(steps * spec.step_frames), spec.levels
    return told_anew(codec, np.random.default_rng(seed).integers(0, spec.codebook_size, shape))


def tiny_model(seed: int = 0) -> ModelFolder:
    torch.manual_seed(seed)
    backbone, tokenizer = tiny_backbone()
    vocabulary = MotionVocabulary(SPEC)
    add_motion_rows(backbone, vocabulary, vocabulary.add_to(tokenizer), torch.randn(SPEC.codebook_size, 8))
    return ModelFolder(backbone.eval(), tokenizer, MotionTokenizer(_codec()))


def _codec() -> Codec:
    """Untrained, but what it decodes are people who stand, each code with another pose."""
    small = CodecConfig(spec=SPEC, code_dim=8, width=16, encoder_blocks=1, decoder_blocks=1, frame_width=8, frame_blocks=1)
    codec = Codec(small)
    codec.quantizer.scales.copy_(torch.tensor([1.0, 0.5]))
    random = torch.Generator().manual_seed(31)
    for out in (codec.decoder.coarse, codec.decoder.out):  # a fresh decoder stands still
        torch.nn.init.normal_(out.weight, std=0.5, generator=random)
    standing = torch.tensor([0.0, 0.93, 0.0] + 22 * [1.0, 0.0, 0.0, 1.0, 0.0, 0.0])
    codec.pose_mean[: len(standing)] = standing
    codec.pose_std.fill_(0.05)
    return codec


def walk(frames: int = 90, people: int = 2, seed: int = 0, size: float = 1.0) -> Interaction:
    """People who drift about somewhere in the world with swaying arms; nothing more is needed here."""
    random = np.random.default_rng(seed)
    time = np.arange(frames)[:, None, None] / 30
    roots = np.array([[3.0, 0.93 * size, -2.0], [3.4, 0.95 * size, -0.9]])[:people] + time * random.normal(
        0, 0.3, (1, people, 3)
    )
    roots[..., 1] = 0.93 * size
    swing = 0.4 * np.sin(time[..., None] * random.uniform(1, 4, (people, 22, 1))) * random.normal(0, 1, (people, 22, 3))
    rotations = axis_angle_to_matrix(swing * 0.5)
    rotations[:, :, 0] = yaw_matrix(np.array([0.7, 3.6])[:people] + 0.2 * time[..., 0])
    return Interaction(roots, rotations, tuple(Skeleton.standard().scaled(size) for _ in range(people)))
