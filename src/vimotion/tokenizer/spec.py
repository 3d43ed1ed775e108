"""What a codec is made of."""

from __future__ import annotations

from pydantic import Field

from vimotion.config import Config
from vimotion.motion import FPS


class CodecSpec(Config):
    """What the language side knows of a codec.

    Attributes:
        step_frames: frames that one step of codes stands for.
        levels: codes a person and step, from coarse to fine.
        codebook_size: values that a code can have; all levels share the one codebook.
        fps: frames per second.
    """

    step_frames: int = Field(default=8, gt=0)
    levels: int = Field(default=4, gt=0)
    codebook_size: int = Field(default=512, gt=1)
    fps: float = FPS

    @property
    def steps_per_second(self) -> float:
        return self.fps / self.step_frames

    def steps(self, frames: int) -> int:
        """Steps that hold so many frames; the last one may be padded."""
        return -(-frames // self.step_frames)


class CodecConfig(Config):
    """A codec's size. The paper leaves all of these open; the values were chosen by measurement (LOG.md).

    Attributes:
        code_dim: numbers in a codebook vector.
        width: channels at the rate of steps, where nearly all of the network lives.
        encoder_blocks, decoder_blocks: residual convolution blocks at the rate of steps.
        frame_width, frame_blocks: channels and blocks at the rate of frames, after the decoder's upsampling.
        max_frames: the longest clip that is taken.
    """

    spec: CodecSpec = CodecSpec()
    code_dim: int = Field(default=64, gt=0)
    width: int = Field(default=256, gt=0)
    encoder_blocks: int = Field(default=4, ge=0)
    decoder_blocks: int = Field(default=6, ge=0)
    frame_width: int = Field(default=96, gt=0)
    frame_blocks: int = Field(default=2, ge=0)
    max_frames: int = Field(default=900, gt=0)
