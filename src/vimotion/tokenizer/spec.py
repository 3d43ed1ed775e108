"""What a codec is made of."""

from __future__ import annotations

from pydantic import Field

from vimotion.config import Config
from vimotion.motion import FPS

# What is told of each person before their first step, each by a code of its own.
PLACEMENT = ("x", "z", "yaw", "size")


class CodecSpec(Config):
    """What the language side knows of a codec.

    A person's codes are an array of rows and levels: first `placement_rows` rows that hold the codes of `PLACEMENT` (and zeros
    where they leave room), then a row for each step.

    Attributes:
        step_frames: frames that one step of codes stands for.
        levels: codes a person and step, from coarse to fine.
        codebook_size: values that a code can have; all levels share the one codebook.
        placement_bins: values that each code of a placement can have.
        fps: frames per second.
    """

    step_frames: int = Field(default=8, gt=0)
    levels: int = Field(default=4, gt=0)
    codebook_size: int = Field(default=512, gt=1)
    placement_bins: int = Field(default=512, gt=1, multiple_of=2)
    fps: float = FPS

    @property
    def placement_rows(self) -> int:
        return -(-len(PLACEMENT) // self.levels)

    @property
    def steps_per_second(self) -> float:
        return self.fps / self.step_frames

    def steps(self, frames: int) -> int:
        """Steps that hold so many frames; the last one may be padded."""
        return -(-frames // self.step_frames)

    def rows(self, frames: int) -> int:
        """Rows of a motion of so many frames, its placement included."""
        return self.placement_rows + self.steps(frames)

    def rows_between(self, start: int, stop: int | None) -> slice:
        """Rows of the frames `start` to `stop` (None: the end); the placement belongs to frame 0.

        Raises:
            ValueError: they do not lie between two steps.
        """
        if start % self.step_frames or (stop or 0) % self.step_frames:
            raise ValueError(f"Frames {start} to {stop} do not begin and end between two steps of {self.step_frames} frames.")
        first = self.rows(start) if start else 0
        return slice(first, None if stop is None else self.rows(stop))

    def frames(self, rows: int) -> int:
        """Frames that the steps of so many rows stand for, the placement's being among them."""
        return (rows - self.placement_rows) * self.step_frames


class CodecConfig(Config):
    """A codec's size. The paper leaves all of these open: ours. Those of `spec` were chosen by measurement (LOG.md).

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
