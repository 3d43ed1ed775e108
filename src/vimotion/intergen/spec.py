"""What a generator is made of."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from vimotion.config import Config


class TextConfig(Config):
    """How captions are read: by a frozen encoder, and a small transformer over what it says that is trained with the rest.

    Attributes:
        encoder: "clip": the text half of CLIP ViT-L/14@336px, which the official checkpoint brings along;
            "minilm": all-MiniLM-L6-v2, fetched from the package index at first use;
            "embeddings": the token embeddings of a language model, kept beside the generator's weights.
        width: numbers that the encoder gives for a token.
        layers, heads, feed_forward: of the transformer that is trained.
        dropout: share of its numbers that are left out in training.
        pooled: what stands for the whole caption: its last token, as CLIP means it, or the mean of all, as MiniLM does.
    """

    encoder: Literal["clip", "minilm", "embeddings"] = "clip"
    width: int = Field(default=768, gt=0)
    layers: int = Field(default=2, gt=0)
    heads: int = Field(default=8, gt=0)
    feed_forward: int = Field(default=2048, gt=0)
    dropout: float = Field(default=0.1, ge=0, lt=1)
    pooled: Literal["end", "mean"] = "end"


class GeneratorConfig(Config):
    """A generator's size, and how it is sampled. The defaults are those of the official checkpoint.

    Attributes:
        width, layers, heads, feed_forward: of the denoiser.
        dropout: while training.
        frames_per_token: frames that the denoiser sees as one; the official one sees each frame. Attention over a clip
            costs the square of its tokens.
        components: principal components that a token's frames are told by, see `MotionSpace`; None tells every number.
        max_frames: the longest clip.
        around_pelvis: the numbers that are diffused hold joints around the pelvis of their person and not in the world. Only
            a change of coordinates, but it makes an elbow's centimetres count beside the metres that people walk.
        shift: how much more of its steps diffusion spends where noise is strong, see `diffusion.shifted`; 1 is evenly, as in
            the official one. Where one token holds many frames they tell the same many times over, and only strong noise
            hides what happens.
        preconditioned: the network tells what is to be corrected of the best linear guess from the noisy motion, and in
            training the steps of diffusion count alike (Karras et al. 2022, equations 7 and 8). The official one tells the
            whole motion at every step, and what noise had left whole is then lost in the network.
        reads_words: every block also attends to the words of the caption. The official one knows a caption by one vector alone.
        told_apart: the denoiser is told who is the first person. The official one is not: it makes both alike, and who of
            them does what a caption says of "person A" is left to chance.
        self_conditioned: the denoiser also sees what it said at the step before, of both people (Chen et al. 2023, "Analog
            Bits"), so a guess can be made finer. The official one begins every step anew.
        text: how captions are read.
        guidance, steps: how motions are sampled unless `MotionGenerator.sample` is told otherwise; no part of the network.
    """

    width: int = Field(default=1024, gt=0, multiple_of=2)
    layers: int = Field(default=8, gt=0)
    heads: int = Field(default=8, gt=0)
    feed_forward: int = Field(default=2048, gt=0)
    dropout: float = Field(default=0.1, ge=0, lt=1)
    frames_per_token: int = Field(default=1, gt=0)
    components: int | None = Field(default=None, gt=0)
    max_frames: int = Field(default=300, gt=0)
    around_pelvis: bool = False
    shift: float = Field(default=1.0, ge=1)
    preconditioned: bool = False
    reads_words: bool = False
    told_apart: bool = False
    self_conditioned: bool = False
    text: TextConfig = TextConfig()
    guidance: float = 3.5
    steps: int = Field(default=50, gt=0, le=1000)

    @model_validator(mode="after")
    def _fits(self) -> GeneratorConfig:
        if self.width % self.heads or self.text.width % self.text.heads:
            raise ValueError("heads must divide width")
        return self

    def same_network(self, other: GeneratorConfig) -> bool:
        """Whether weights of one fit the other."""
        return self.model_copy(update={"guidance": other.guidance, "steps": other.steps}) == other

    def tokens(self, frames: int) -> int:
        """Tokens that hold so many frames; the last one may be padded."""
        return -(-frames // self.frames_per_token)
