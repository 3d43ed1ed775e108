"""InterGEN: the diffusion model that makes the motion of two people from a sentence, behind `MotionGenerator`."""

from vimotion.intergen.generator import NAME, SHIPPED, MotionGenerator, find_generator
from vimotion.intergen.sampler import Sample, Sampler
from vimotion.intergen.spec import GeneratorConfig, TextConfig
from vimotion.intergen.text import TextEncoder, TextFeatures

__all__ = [
    "NAME", "SHIPPED", "GeneratorConfig", "MotionGenerator", "Sample", "Sampler", "TextConfig", "TextEncoder", "TextFeatures",
    "find_generator",
]  # fmt: skip
