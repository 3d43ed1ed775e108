"""Import of the official checkpoint, `intergen.ckpt` of github.com/tr3e/InterGen (CC BY-NC-SA 4.0; never part of VIMotion)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vimotion.artifacts import write_manifest
from vimotion.errors import UserError
from vimotion.intergen.clip import ClipNetwork, ClipText, clip_tokenizer, network_of
from vimotion.intergen.denoiser import Denoiser
from vimotion.intergen.generator import MotionGenerator
from vimotion.intergen.spec import GeneratorConfig
from vimotion.intergen.text import sinusoid
from vimotion.motion import NUM_FEATURES

# The text half of CLIP ViT-L/14@336px: vocabulary, tokens a text, width, layers.
CLIP_SIZE = (49_408, 77, 768, 12)
STATISTICS = ("global_mean.npy", "global_std.npy")

# Beginnings of names, ours and theirs.
_DENOISER = {
    "text.encoder.": "clipTransEncoder.",
    "text.norm.": "clip_ln.",
    "motion_input.": "decoder.net.motion_embed.",
    "text_input.": "decoder.net.text_embed.",
    "step_input.": "decoder.net.embed_timestep.time_embed.",
    "blocks.": "decoder.net.blocks.",
    "motion_output.": "decoder.net.out.linear.",
}
_CLIP = {
    "tokens.": "token_embedding.",
    "places": "positional_embedding",
    "blocks.": "clip_transformer.resblocks.",
    "norm.": "ln_final.",
}
# What follows the number of a block.
_DENOISER_BLOCK = {
    "own_norm.modulation.": "sa_block.norm.emb_layers.1.",
    "asking_norm.modulation.": "ca_block.norm.emb_layers.1.",
    "asked_norm.modulation.": "ca_block.xf_norm.emb_layers.1.",
    "inner_norm.modulation.": "ffn.norm.emb_layers.1.",
    "own.inputs.": "sa_block.attention.in_proj_",
    "own.output.": "sa_block.attention.out_proj.",
    "other.inputs.": "ca_block.attention.in_proj_",
    "other.output.": "ca_block.attention.out_proj.",
    "inner.inner.": "ffn.linear1.",
    "inner.outer.": "ffn.linear2.",
}
_CLIP_BLOCK = {
    "attention_norm.": "ln_1.",
    "inner_norm.": "ln_2.",
    "inputs.": "attn.in_proj_",
    "output.": "attn.out_proj.",
    "inner.": "mlp.c_fc.",
    "outer.": "mlp.c_proj.",
}
# A table of places for 5000 frames, kept twice; ours is computed.
_PLACES = ("decoder.net.sequence_pos_encoder.pe", "decoder.net.embed_timestep.sequence_pos_encoder.pe")
_NUM_PLACES = 5000


def convert_checkpoint(path: Path, output: Path, statistics: Path | None = None) -> MotionGenerator:
    """Write `intergen.ckpt` as a folder that `MotionGenerator.load` reads.

    Args:
        path: the checkpoint.
        output: the folder to make.
        statistics: where InterGen's `global_mean.npy` and `global_std.npy` lie (its folder `data/`); default: beside `path`.

    Raises:
        UserError: a file is missing or damaged, or a weight is missing, superfluous or of another shape.
    """
    mean, std = read_statistics(statistics or path.parent)
    generator = from_official(read_checkpoint(path), mean, std)
    generator.save(output)
    write_manifest(output, "intergen", {"source": path.name} | generator.config.model_dump(mode="json"), seed=0)
    return generator


def from_official(
    state: dict[str, Tensor],
    mean: Tensor,
    std: Tensor,
    config: GeneratorConfig | None = None,
    clip_size: tuple[int, int, int, int] = CLIP_SIZE,
    vocabulary: bytes | None = None,
) -> MotionGenerator:
    """The generator whose weights these are.

    Args:
        state: tensors by their official names, without the prefix "model.".
        mean, std: (262,) of the frame vectors it was trained on.
        config, clip_size, vocabulary: of another size than the official one, for tests.

    Raises:
        UserError: a name is missing, superfluous, or of another shape; the message names it.
    """
    config = config or GeneratorConfig()
    _check(state, official_shapes(config, clip_size))
    places = sinusoid(_NUM_PLACES, config.width)
    for name in _PLACES:
        if not torch.allclose(state[name].float(), places, atol=1e-3):
            raise UserError(f"{name!r} of the checkpoint is not the table of places that InterGen was published with.")
    weights = {ours: state[theirs].float() for ours, theirs in _denoiser_names(_empty_denoiser(config)).items()}
    denoiser = Denoiser.of(config, weights | {"space.mean": mean.float(), "space.std": std.float()})
    clip = network_of({ours: state[theirs].float() for ours, theirs in _clip_names(_empty_clip(clip_size)).items()})
    return MotionGenerator(denoiser, ClipText(clip, clip_tokenizer(vocabulary, clip_size[0])))


def official_shapes(config: GeneratorConfig, clip_size: tuple[int, int, int, int]) -> dict[str, torch.Size]:
    """The names and shapes that a checkpoint of these sizes holds."""
    denoiser, clip = _empty_denoiser(config), _empty_clip(clip_size)
    mine, read = denoiser.state_dict(), clip.state_dict()
    shapes = {theirs: mine[ours].shape for ours, theirs in _denoiser_names(denoiser).items()}
    shapes |= {theirs: read[ours].shape for ours, theirs in _clip_names(clip).items()}
    return shapes | dict.fromkeys(_PLACES, torch.Size((_NUM_PLACES, config.width)))


def _empty_denoiser(config: GeneratorConfig) -> Denoiser:
    with torch.device("meta"):
        return Denoiser(config)


def _empty_clip(clip_size: tuple[int, int, int, int]) -> ClipNetwork:
    with torch.device("meta"):
        return ClipNetwork(*clip_size)


def _denoiser_names(denoiser: Denoiser) -> dict[str, str]:
    """Our names and theirs; the checkpoint does not hold what normalises."""
    names = [name for name in denoiser.state_dict() if not name.startswith("space.")]
    return {name: official_name(name, _DENOISER, _DENOISER_BLOCK) for name in names}


def _clip_names(clip: ClipNetwork) -> dict[str, str]:
    return {name: official_name(name, _CLIP, _CLIP_BLOCK) for name in clip.state_dict()}


def official_name(name: str, parts: dict[str, str], block_parts: dict[str, str]) -> str:
    """What the official checkpoint calls one of our weights."""
    ours, theirs = next(pair for pair in parts.items() if name.startswith(pair[0]))
    rest = name[len(ours) :]
    if ours == "blocks.":
        number, _, rest = rest.partition(".")
        ours_inside, theirs_inside = next(pair for pair in block_parts.items() if rest.startswith(pair[0]))
        rest = f"{number}.{theirs_inside}{rest[len(ours_inside) :]}"
    return theirs + rest


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """The tensors of a Lightning checkpoint by their names without "model.", read without running any code from the file.

    Raises:
        UserError: the file is missing, damaged, or no such checkpoint.
    """
    # learning rates that Lightning keeps are numpy numbers
    number = np.float64(0)
    harmless = [number.__reduce__()[0], np.dtype, type(np.dtype(np.float64))]
    old_name = (harmless[0], "numpy.core.multiarray.scalar")
    try:
        with torch.serialization.safe_globals([*harmless, old_name]):  # type: ignore[list-item]
            content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise UserError(f"There is no file {path}.") from None
    except Exception as error:  # what is no pickle fails in many ways
        raise UserError(f"{path} is no checkpoint that can be read safely ({type(error).__name__}).") from error
    state = content.get("state_dict") if isinstance(content, dict) else None
    if not isinstance(state, dict) or not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise UserError(f"{path} is no Lightning checkpoint: it has no state_dict of tensors.")
    return {str(name).removeprefix("model."): tensor for name, tensor in state.items()}


def read_statistics(folder: Path) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (262,) of the frame vectors, as InterGen keeps them beside its code.

    Raises:
        UserError: a file is missing or does not hold 262 numbers.
    """
    arrays = []
    for name in STATISTICS:
        try:
            array = np.load(folder / name, allow_pickle=False)
        except FileNotFoundError:
            raise UserError(
                f"{folder} has no {name}; the checkpoint needs {' and '.join(STATISTICS)} of InterGen's folder data/: "
                "put them beside it, or name their folder with --statistics."
            ) from None
        except (OSError, ValueError, EOFError) as error:
            raise UserError(f"{folder / name} cannot be read: {error}.") from None
        if array.shape != (NUM_FEATURES,) or not np.isfinite(array).all():
            raise UserError(f"{folder / name} must hold {NUM_FEATURES} numbers, not {array.shape}.")
        arrays.append(torch.from_numpy(array.astype(np.float32)))
    return arrays[0], arrays[1]


def _check(state: dict[str, Tensor], shapes: dict[str, torch.Size]) -> None:
    """That a checkpoint holds these tensors and no others."""
    for words, names in (("has no", shapes.keys() - state.keys()), ("has an unknown", state.keys() - shapes.keys())):
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise UserError(f"The checkpoint {words} {min(names)!r}{more}; it is not InterGen's published one.")
    for name, shape in shapes.items():
        if state[name].shape != shape:
            raise UserError(f"{name!r} of the checkpoint has the shape {tuple(state[name].shape)} instead of {tuple(shape)}.")
