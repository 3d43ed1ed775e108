"""What a plan is reckoned with: the machine, and what is not there yet when one plans."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from vimotion.config import Config
from vimotion.tokenizer import CodecSpec


class PlanConfig(Config):
    """What `vimotion train STAGE --plan` reckons with. Training itself reads none of it.

    Attributes:
        gpus: processes, one a GPU.
        sharding: "ddp" keeps the whole model on every GPU, "fsdp2" a part; recipes/accelerate/ has both.
        gpu_memory: GB of one GPU.
        peak_tflops: of one GPU at the recipe's precision; 989 is an H100's in bf16.
        utilisation: share of the peak that training reaches.
        labelled: share of the tokens that are learned, and so go through the head.
        clips, hours: of the training split, where the corpus is not prepared yet.
        codec: of the motion tokenizer, where it is not trained yet.
        backbone: of an aligned model that is not there yet.
    """

    gpus: int = Field(default=1, gt=0)
    sharding: Literal["ddp", "fsdp2"] = "ddp"
    gpu_memory: float = Field(default=80.0, gt=0)
    peak_tflops: float = Field(default=989.0, gt=0)
    utilisation: float = Field(default=0.4, gt=0, le=1)
    labelled: float = Field(default=0.7, gt=0, le=1)
    clips: int | None = Field(default=None, gt=0)
    hours: float | None = Field(default=None, gt=0)
    codec: CodecSpec = CodecSpec()
    backbone: str | None = None
