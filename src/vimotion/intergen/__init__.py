"""InterGEN: the diffusion model that makes the motion of two people from a sentence, behind `MotionGenerator`."""

from vimotion.intergen.generator import MotionGenerator
from vimotion.intergen.spec import GeneratorConfig, TextConfig
from vimotion.intergen.text import TextEncoder, TextFeatures

__all__ = ["GeneratorConfig", "MotionGenerator", "TextConfig", "TextEncoder", "TextFeatures"]
