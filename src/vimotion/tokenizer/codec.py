"""`MotionTokenizer`: motion to codes and back. The language side knows only this, `CodecSpec` and `seen_codes`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor
from torch.nn.functional import pad

from vimotion.artifacts import atomic_path
from vimotion.errors import UserError
from vimotion.motion import FEATURES, NUM_FEATURES
from vimotion.tokenizer.network import Codec
from vimotion.tokenizer.placement import REACH, placement_codes
from vimotion.tokenizer.representation import features_from_pose
from vimotion.tokenizer.spec import PLACEMENT, RETOLD, CodecConfig, CodecSpec
from vimotion.weights import CONFIG, check_fit, read_folder

WEIGHTS = "codec.safetensors"
# The codec of the scripted corpus that comes with the package. A language model has one of its own beside it.
SHIPPED = Path(__file__).parent / "shipped"
# Beginnings kept in the search for the codes. Measured on 72 scripted clips, 8 frames × 4 levels, with 1, 4, 8 and 16: joints
# 18.8, 17.2, 17.0 and 16.7 mm, contact differences 25.0, 18.1, 17.5 and 17.0 mm; a clip takes 21 ms with 4 and 69 with 16.
BEAM = 4
# The decoder's first weights for what it is told of placements.
_TOLD = "decoder.relation.0.weight"
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
        return self._changed({"levels": levels})

    def with_segments(self, segment_steps: int) -> MotionTokenizer:
        """The same codec with placements told anew, where they were told once. It is not trained for that yet."""
        return self._changed({"segment_steps": segment_steps})

    def _changed(self, update: dict[str, int]) -> MotionTokenizer:
        config = self.codec.config
        codec = Codec(config.model_copy(update={"spec": config.spec.model_copy(update=update)}))
        state = self.codec.state_dict()
        state["quantizer.scales"] = state["quantizer.scales"][: codec.config.spec.levels]
        told = state[_TOLD]
        # what is told of the way has no weight at first
        state[_TOLD] = pad(told, (0, codec.state_dict()[_TOLD].shape[1] - told.shape[1]))
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
        codes = steps.new_zeros(len(people), self.spec.rows(features.shape[1]), self.spec.levels)
        is_step = self.spec.step_rows(codes.shape[1])
        codes[:, is_step] = steps
        placed[:, 0, 1:, len(RETOLD) :] = 0
        codes[:, ~is_step] = self._placement_rows(placed[:, 0])
        return codes.cpu().numpy()

    def _placement_rows(self, placed: Tensor) -> Tensor:
        """Codes (N, n, 4) of placements → rows (N, n · placement_rows, levels)."""
        spec = self.spec
        room = placed.new_zeros(*placed.shape[:2], spec.placement_rows * spec.levels)
        room[..., : len(PLACEMENT)] = placed
        return room.reshape(len(placed), -1, spec.levels)

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
        is_step = spec.step_rows(codes.shape[1])
        if (~is_step).sum() % rows:
            raise UserError(f"These codes end within a placement, which takes {rows} rows.")
        for part, size in ((codes[:, ~is_step], spec.placement_bins), (codes[:, is_step], spec.codebook_size)):
            if codes.dtype.kind not in "iu" or part.min() < 0 or part.max() >= size:
                raise UserError(
                    f"Codes of placements are whole numbers below {spec.placement_bins}, others below {spec.codebook_size}."
                )
        indices = torch.as_tensor(np.ascontiguousarray(codes, dtype=np.int64), device=self.codec.standard.device)
        told = indices[:, ~is_step]
        told = told.unflatten(1, (-1, rows)).flatten(2)[..., : len(PLACEMENT)]
        told[:, 1:, len(RETOLD) :] = told[:, :1, len(RETOLD) :]  # nobody grows
        placement = self.codec.placement(told)[None]
        pose = self.codec.pose(self.codec.quantizer.decode(indices[:, is_step])[None], placement)
        features: np.ndarray = features_from_pose(pose, placement[..., 0, 3], self.codec.standard)[0].cpu().numpy()
        return features

    def places(self, codes: np.ndarray) -> np.ndarray:
        """Codes (P, rows, levels) → the codes (P, 3) that tell by `RETOLD` where people are in the last frame.

        Raises:
            UserError: as `decode`.
        """
        last = torch.from_numpy(self.decode(codes)[:, -1])
        found = placement_codes(last, self.codec.standard.cpu(), self.spec.placement_bins)
        return found[:, : len(RETOLD)].numpy()

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
