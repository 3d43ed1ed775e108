"""What a codec is made of."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from vimotion.config import Config
from vimotion.motion import FPS

# What is told of each person before their first step, each by a code of its own, and what of it is told anew later.
PLACEMENT = ("x", "z", "yaw", "size")
RETOLD = PLACEMENT[:3]


class CodecSpec(Config):
    """What the language side knows of a codec.

    A person's codes are an array of rows and levels: first `placement_rows` rows that hold the codes of `PLACEMENT` (and zeros
    where they leave room), then a row for each step. After each whole segment of steps come as many rows that tell by `RETOLD`
    where the person is by then; the steps that follow are told from there.

    Attributes:
        step_frames: frames that one step of codes stands for.
        levels: codes a person and step, from coarse to fine.
        codebook_size: values that a code can have; all levels share the one codebook.
        placement_bins: values that each code of a placement can have.
        segment_steps: steps after which a placement is told anew; None: it never is.
        fps: frames per second.
    """

    step_frames: int = Field(default=8, gt=0)
    levels: int = Field(default=4, gt=0)
    codebook_size: int = Field(default=512, gt=1)
    placement_bins: int = Field(default=512, gt=1, multiple_of=2)
    segment_steps: int | None = Field(default=None, gt=0)
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

    def segments(self, steps: int) -> int:
        """Whole segments in so many steps."""
        return steps // self.segment_steps if self.segment_steps else 0

    def rows(self, frames: int) -> int:
        """Rows of a motion of so many frames, its placements included."""
        steps = self.steps(frames)
        return steps + self.placement_rows * (1 + self.segments(steps))

    def rows_between(self, start: int, stop: int | None) -> slice:
        """Rows of the frames `start` to `stop` (None: the end); the placement belongs to frame 0, later ones to the frame
        before.

        Raises:
            ValueError: they do not lie between two steps.
        """
        if start % self.step_frames or (stop or 0) % self.step_frames:
            raise ValueError(f"Frames {start} to {stop} do not begin and end between two steps of {self.step_frames} frames.")
        first = self.rows(start) if start else 0
        return slice(first, None if stop is None else self.rows(stop))

    def frames(self, rows: int) -> int:
        """Frames that the steps of so many rows stand for, the placement's being among them."""
        rows -= self.placement_rows
        if self.segment_steps:
            segments, more = divmod(rows, self.segment_steps + self.placement_rows)
            rows = segments * self.segment_steps + min(more, self.segment_steps)
        return rows * self.step_frames

    def step_rows(self, rows: int) -> np.ndarray:
        """(rows,) bool, which of a whole motion's first rows are steps and not placements."""
        period = self.placement_rows + (self.segment_steps or rows)
        return np.arange(rows) % period >= self.placement_rows


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
