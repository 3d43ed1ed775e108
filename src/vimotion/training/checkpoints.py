"""Checkpoints of a training run: trainable weights and buffers, optimizer state, step and clock."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from vimotion.artifacts import atomic_path
from vimotion.errors import UserError
from vimotion.training.processes import load_whole_state, whole, whole_state

OPTIMIZERS = "optimizers.pt"
_KEPT = 2


def latest_checkpoint(run_dir: Path) -> Path | None:
    """The folder of the last whole checkpoint, None where there is none."""
    found = sorted((Path(run_dir) / "checkpoints").glob("step-*"))
    return found[-1] if found else None


def check_free(run_dir: Path, resume: bool) -> None:
    """Refuse to train over a run that is not to be resumed.

    Raises:
        UserError: `run_dir` holds a run and `resume` is False.
    """
    if latest_checkpoint(run_dir) and not resume:
        raise UserError(f"{run_dir} already holds a run; give --resume to go on with it, or another output folder.")


def save_checkpoint(
    run_dir: Path, model: nn.Module, optimizers: Sequence[Optimizer], state: dict[str, Any], write: bool = True
) -> None:
    """Write `checkpoints/step-<step>` at once or not at all; the two newest are kept.

    Args:
        write: on one process. Where the weights lie in parts on all of them, the others must call too.
    """
    weights = {name: whole(tensor.detach(), write).contiguous() for name, tensor in _kept_tensors(model).items()}
    states = [whole_state(optimizer, write) for optimizer in optimizers]
    if not write:
        return
    folder = Path(run_dir) / "checkpoints" / f"step-{state['step']:09d}"
    with atomic_path(folder) as temporary:
        temporary.mkdir()
        save_file(weights, temporary / "model.safetensors")
        torch.save(states, temporary / OPTIMIZERS)
        (temporary / "state.json").write_text(json.dumps(state))
    for old in sorted(folder.parent.glob("step-*"))[:-_KEPT]:
        shutil.rmtree(old)


def load_weights(folder: Path, model: nn.Module) -> dict[str, Any]:
    """Put the weights of a checkpoint back into a model that is whole, and return the state of the run.

    Raises:
        UserError: the checkpoint is of another model.
    """
    saved, kept = load_file(folder / "model.safetensors"), _kept_tensors(model)
    differing = sorted(saved.keys() ^ kept.keys()) or sorted(n for n in saved if saved[n].shape != kept[n].shape)
    if differing:
        raise UserError(f"{folder} is of another model (they differ in {differing[0]}); resume with its own recipe.")
    with torch.no_grad():
        for name, tensor in kept.items():
            tensor.copy_(saved[name])
    state: dict[str, Any] = json.loads((folder / "state.json").read_text())
    return state


def load_optimizers(folder: Path, optimizers: Sequence[Optimizer]) -> None:
    """Put the state of the optimizers of a checkpoint back, whole or, where the weights lie in parts, in parts.

    Raises:
        UserError: the checkpoint is of other optimizers.
    """
    if not (folder / OPTIMIZERS).is_file():
        raise UserError(f"{folder} has no {OPTIMIZERS}: another version of VIMotion wrote it; train anew.")
    # mapped: of a large model's state a process reads but its part
    states = torch.load(folder / OPTIMIZERS, map_location="cpu", weights_only=True, mmap=True)
    if len(states) != len(optimizers):
        raise UserError(f"{folder} is of another optimizer; resume with its own recipe.")
    for optimizer, one in zip(optimizers, states, strict=True):
        load_whole_state(optimizer, one)


def _kept_tensors(model: nn.Module) -> dict[str, Tensor]:
    """What training changes: parameters with a gradient (tied ones once) and the buffers that are saved."""
    trainable = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    saved = model.state_dict(keep_vars=True)
    return trainable | {name: buffer for name, buffer in model.named_buffers() if name in saved}
