"""Motion as discrete codes: a residual quantizer with one codebook between an encoder and a decoder."""

from vimotion.tokenizer.codec import SHIPPED, MotionTokenizer
from vimotion.tokenizer.placement import seen_codes
from vimotion.tokenizer.spec import CodecConfig, CodecSpec

__all__ = ["SHIPPED", "CodecConfig", "CodecSpec", "MotionTokenizer", "seen_codes"]
