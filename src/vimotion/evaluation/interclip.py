"""Import of InterGen's official evaluator, `interclip.ckpt` (tr3e/InterGen, CC BY-NC-SA 4.0: for a user who has the file)."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from torch import Tensor

from vimotion.artifacts import write_manifest
from vimotion.errors import UserError
from vimotion.evaluation.extractor import OFFICIAL, Extractor, ExtractorConfig, InterCLIP, differing, read_tokens, sinusoids

# A Lightning module keeps the network under this name.
PREFIX = "model."
# Only this network of InterGen's has a learned length of its embeddings.
MARK = PREFIX + "latent_scale"
# The official file keeps the positions that we compute.
_POSITIONS, _MOST_FRAMES = "motion_encoder.sequence_pos_encoder.pe", 2000
_OURS = ("mean", "std")
# float32 sines of angles up to 2,000 radians differ by this much between machines.
_CLOSE = 1e-3


def convert_interclip(source: Path | str, output: Path | str, config: ExtractorConfig = OFFICIAL) -> Extractor:
    """An extractor folder from `interclip.ckpt`. Only weights are read from the file, never code.

    Args:
        source: a Lightning checkpoint; its `state_dict` has the names of `InterCLIP` behind "model.".
        output: the folder to write.
        config: the network's size, if it is another than the official one.

    Raises:
        UserError: not such a file, a weight is missing, superfluous or of another shape, or the positions are others.
    """
    state = read_state(Path(source))
    model = InterCLIP(config)
    expected = {name: tensor for name, tensor in model.state_dict().items() if name not in _OURS}
    expected[_POSITIONS] = sinusoids(_MOST_FRAMES, config.motion.width)
    if wrong := differing(expected, state):
        raise UserError(f"{source} is no InterCLIP checkpoint of this size: {_account(wrong, expected, state)}.")
    if (state.pop(_POSITIONS).float() - expected[_POSITIONS]).abs().max() > _CLOSE:
        raise UserError(f"{source} counts time differently: {PREFIX}{_POSITIONS} holds other numbers than sines of the frame.")
    ours = {name: model.state_dict()[name] for name in _OURS}
    model.load_state_dict({name: tensor.float() for name, tensor in state.items()} | ours)
    extractor = Extractor(model, read_tokens(config, Path(output)))
    extractor.save(output)
    figures = {"hash": extractor.hash}
    write_manifest(
        Path(output), "extractor", {"source": Path(source).name} | config.model_dump(mode="json"), 0, metrics=figures
    )
    return extractor


def read_state(source: Path) -> dict[str, Tensor]:
    """The weights of a Lightning checkpoint, without the prefix "model.".

    Raises:
        UserError: it cannot be read as weights alone, or holds something else.
    """
    try:
        content = torch.load(source, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise UserError(f"There is no file {source}.") from None
    except (OSError, EOFError, RuntimeError, pickle.UnpicklingError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(f"{source} cannot be read as a checkpoint of weights: {reason}") from None
    state = content.get("state_dict") if isinstance(content, dict) else None
    if not isinstance(state, dict) or not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise UserError(f"{source} holds no `state_dict` of weights; it must be a Lightning checkpoint.")
    if strangers := [name for name in state if not name.startswith(PREFIX)]:
        raise UserError(f"{source} holds {strangers[0]!r}, which does not begin with {PREFIX!r}.")
    return {name.removeprefix(PREFIX): tensor for name, tensor in state.items()}


def _account(wrong: list[str], expected: dict[str, Tensor], found: dict[str, Tensor]) -> str:
    """What is wrong with the first of the names, and how many there are."""
    first = wrong[0]
    if first not in found:
        what = "is missing"
    elif first not in expected:
        what = "does not belong to it"
    else:
        what = f"has the shape {list(found[first].shape)} instead of {list(expected[first].shape)}"
    return f"{PREFIX}{first} {what}" + (f", and {len(wrong) - 1} more differ" if len(wrong) > 1 else "")
