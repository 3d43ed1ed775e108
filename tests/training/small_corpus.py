"""The codec and the first frames of the small corpus that `conftest.py` makes."""

from vimotion.tokenizer import CodecSpec

SPEC = CodecSpec(step_frames=16, levels=2, codebook_size=32, segment_steps=3)
FIRST_FRAMES = (0, 5)
