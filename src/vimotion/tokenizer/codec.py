"""`MotionTokenizer`: motion to codes and back. The language side knows only this and `CodecSpec`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor

from vimotion.artifacts import atomic_path
from vimotion.errors import UserError
from vimotion.motion import FEATURES, NUM_FEATURES
from vimotion.tokenizer.network import Codec
from vimotion.tokenizer.placement import REACH
from vimotion.tokenizer.representation import features_from_pose
from vimotion.tokenizer.spec import PLACEMENT, CodecConfig, CodecSpec
from vimotion.weights import CONFIG, check_fit, read_folder

WEIGHTS = "codec.safetensors"
# The codec of the scripted corpus that comes with the package. A language model has one of its own beside it.
SHIPPED = Path(__file__).parent / "shipped"
# Beginnings kept in the search for the codes. Measured on 72 scripted clips, 8 frames × 4 levels, with 1, 4, 8 and 16: joints
# 18.8, 17.2, 17.0 and 16.7 mm, contact differences 25.0, 18.1, 17.5 and 17.0 mm; a clip takes 21 ms with 4 and 69 with 16.
BEAM = 4
# Of the quantizer's training alone.
_NOT_SAVED = {"quantizer.counts", "quantizer.sums", "quantizer.centre"}


class MotionTokenizer:
    """A trained codec with its normalisation. Deterministic; float32 on the device it was given.

    Weights are rounded to float16, in which they are also saved: half the size, and what is loaded is what was saved.
    """

    def __init__(self, codec: Codec) -> None:
        self.codec = codec.eval().requires_grad_(False)
        codec.centre_latents()
        for parameter in codec.parameters():
            parameter.copy_(parameter.half().float())

    @property
    def spec(self) -> CodecSpec:
        return self.codec.config.spec

    def with_levels(self, levels: int) -> MotionTokenizer:
        """The same codec with only the first `levels` levels (quantizer dropout makes that a codec of its own)."""
        config = self.codec.config
        if not 1 <= levels <= config.spec.levels:
            raise ValueError(f"This codec has levels 1 to {config.spec.levels}, not {levels}.")
        spec = config.spec.model_copy(update={"levels": levels})
        codec = Codec(config.model_copy(update={"spec": spec}))
        state = self.codec.state_dict()
        state["quantizer.scales"] = state["quantizer.scales"][:levels]
        codec.load_state_dict(state)
        return MotionTokenizer(codec)

    @torch.no_grad()
    def encode(self, features: np.ndarray) -> np.ndarray:
        """Frame vectors of each person in the pair's frame → codes.

        Args:
            features: (P, T, 262) raw, placed; one or two people. A last step that is not full is padded by standing still.

        Returns:
            (P, rows, levels) int64, see `CodecSpec`. Each person's codes depend on that person alone, and on no later frame.

        Raises:
            UserError: not such an array, not finite, longer than the codec takes, or somebody starts too far away.
        """
        features = np.ascontiguousarray(features, dtype=np.float32)
        if features.ndim != 3 or not 1 <= len(features) <= 2 or features.shape[2] != NUM_FEATURES or not features.shape[1]:
            raise UserError(f"The tokenizer takes (1 or 2 people, frames, {NUM_FEATURES}) numbers, not {features.shape}.")
        if features.shape[1] > self.codec.config.max_frames:
            seconds = self.codec.config.max_frames / self.spec.fps
            raise UserError(f"The motion is longer than the tokenizer's {seconds:g} seconds; cut it.")
        if not np.isfinite(features).all():
            raise UserError("The motion holds numbers that are not finite.")
        if (away := float(np.abs(features[:, 0, :3:2]).max())) > REACH:
            raise UserError(
                f"Somebody starts {away:.1f} metres away, and the tokenizer reaches {REACH:g}; bring the people nearer."
            )
        return self.encode_people(pad_to_steps(features, self.spec.step_frames))

    @torch.no_grad()
    def encode_people(self, features: np.ndarray) -> np.ndarray:
        """`encode` of any number of people (N, T, 262) float32, T in whole steps, without the checks."""
        people = torch.from_numpy(features)[:, None].to(self.codec.standard.device)
        placed = self.codec.placement_codes(people)
        latents = self.codec.latents(people, self.codec.placement(placed))
        steps = self.codec.quantizer.encode(latents[:, 0], self.spec.levels, BEAM)
        head = placed.new_zeros(len(people), self.spec.placement_rows * self.spec.levels)
        head[:, : len(PLACEMENT)] = placed[:, 0]
        codes: np.ndarray = torch.cat([head.unflatten(1, (-1, self.spec.levels)), steps], dim=1).cpu().numpy()
        return codes

    @torch.no_grad()
    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Codes (P, rows, levels) of one or two people → raw frame vectors (P, steps · step_frames, 262) float32.

        Raises:
            UserError: not such an array, or a code that the codebook does not have.
        """
        codes, spec = np.asarray(codes), self.spec
        rows = spec.placement_rows
        if codes.ndim != 3 or not 1 <= len(codes) <= 2 or codes.shape[2] != spec.levels or codes.shape[1] <= rows:
            raise UserError(f"The tokenizer decodes (1 or 2 people, rows, {spec.levels}) codes, not {codes.shape}.")
        for part, size in ((codes[:, :rows], spec.placement_bins), (codes[:, rows:], spec.codebook_size)):
            if codes.dtype.kind not in "iu" or part.min() < 0 or part.max() >= size:
                raise UserError(
                    f"Codes of placements are whole numbers below {spec.placement_bins}, others below {spec.codebook_size}."
                )
        indices = torch.as_tensor(np.ascontiguousarray(codes, dtype=np.int64), device=self.codec.standard.device)
        placement = self.codec.placement(indices[:, :rows].flatten(1)[:, : len(PLACEMENT)])[None]
        pose = self.codec.pose(self.codec.quantizer.decode(indices[:, rows:])[None], placement)
        features: np.ndarray = features_from_pose(pose, placement[..., 3], self.codec.standard)[0].cpu().numpy()
        return features

    def save(self, folder: Path | str) -> None:
        """Write `codec.safetensors` and `config.json` into `folder`."""
        folder = Path(folder)
        parameters = {name for name, _ in self.codec.named_parameters()}
        state = {
            name: (tensor.half() if name in parameters else tensor).contiguous().cpu()
            for name, tensor in self.codec.state_dict().items()
            if name not in _NOT_SAVED
        }
        with atomic_path(folder / WEIGHTS) as temporary:
            temporary.write_bytes(save(state))  # `save_file` would let the owner alone read it
        with atomic_path(folder / CONFIG) as temporary:
            temporary.write_text(self.codec.config.model_dump_json(indent=2) + "\n", encoding="utf-8")

    @staticmethod
    def load(folder: Path | str, device: str | torch.device = "cpu") -> MotionTokenizer:
        """Read what `save` wrote.

        Raises:
            UserError: a file is missing or damaged, or the weights do not fit the settings.
        """
        folder = Path(folder)
        config, state = read_folder(folder, WEIGHTS, CodecConfig, "motion tokenizer")
        codec = Codec(config)
        expected = {name: tensor for name, tensor in codec.state_dict().items() if name not in _NOT_SAVED}
        check_fit(expected, state, folder, "motion tokenizer")
        codec.load_state_dict(_whole_state(codec, state))
        return MotionTokenizer(codec.to(device))


def pad_to_steps(features: np.ndarray, step_frames: int) -> np.ndarray:
    """(P, T, 262) → T rounded up to whole steps by standing still in the last pose."""
    missing = -features.shape[1] % step_frames
    if not missing:
        return features
    still = features[:, -1:].copy()
    still[..., FEATURES["velocities"]] = 0.0
    return np.concatenate([features, np.repeat(still, missing, axis=1)], axis=1)


def _whole_state(codec: Codec, state: dict[str, Tensor]) -> dict[str, Tensor]:
    return codec.state_dict() | {name: tensor.float() for name, tensor in state.items()}
