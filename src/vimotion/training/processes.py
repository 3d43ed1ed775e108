"""Several processes that train one model, as `accelerate launch` or `torchrun` starts them.

With FSDP2 weights and optimizer state lie in parts on all of them. What is kept on disk is always whole, so that a run may go
on with another number of processes.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import torch
from accelerate import Accelerator, FullyShardedDataParallelPlugin, PartialState
from accelerate.state import AcceleratorState
from accelerate.utils import DistributedType
from torch import Tensor, nn
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.optim import Optimizer

from vimotion.errors import UserError

# How long processes wait for one of them, which may have a corpus to encode.
_PATIENCE = timedelta(hours=12)


def processes() -> PartialState:
    """Who there is. The first call connects the processes, on GPUs or, where there are none, on CPUs."""
    asked = os.environ.get("ACCELERATE_USE_CPU", "false").lower() == "true"
    without = int(os.environ.get("WORLD_SIZE", 1)) > 1 and not getattr(torch, "accelerator", torch.cuda).is_available()
    return PartialState(cpu=asked or without, timeout=_PATIENCE)


def make_accelerator(bf16: bool) -> Accelerator:
    """An accelerator as the environment asks for it.

    Raises:
        UserError: it asks for another kind of sharding than FSDP2.
    """
    processes()
    AcceleratorState._reset_state()  # an earlier run of this process may have had another precision
    accelerator = Accelerator(mixed_precision="bf16" if bf16 else "no")
    if accelerator.num_processes != int(os.environ.get("WORLD_SIZE", 1)):
        raise UserError("The processes do not know of one another; on CPUs, set ACCELERATE_USE_CPU=true.")
    if accelerator.num_processes == 1 or os.environ.get("ACCELERATE_USE_FSDP", "false").lower() != "true":
        return accelerator
    plugin = FullyShardedDataParallelPlugin()
    if plugin.fsdp_version != 2:
        raise UserError("Weights are sharded by FSDP2 alone: set fsdp_version: 2, as in recipes/accelerate/fsdp2.yaml.")
    # gradients are added up and losses come out in float32
    computed = torch.bfloat16 if bf16 else torch.float32
    plugin.mixed_precision_policy = MixedPrecisionPolicy(computed, torch.float32, torch.float32)
    # Accelerate sets these two itself, but not on CPUs, and not in the second run of a process.
    accelerator.state.distributed_type, accelerator.state.fsdp_plugin = DistributedType.FSDP, plugin
    return accelerator


def whole(tensor: Tensor, keep: bool = True) -> Tensor:
    """The whole of a tensor whose parts lie on all processes, on the CPU of those that `keep` it; all must call."""
    if not isinstance(tensor, DTensor):
        return tensor
    found = tensor.full_tensor()
    return found.cpu() if keep else found.new_empty(0)


def whole_state(optimizer: Optimizer, keep: bool) -> dict[str, Any]:
    """`optimizer.state_dict()` of whole tensors; all processes must call."""
    content = optimizer.state_dict()
    state = {
        number: {name: whole(value, keep) if isinstance(value, Tensor) else value for name, value in moments.items()}
        for number, moments in content["state"].items()
    }
    return content | {"state": state}


def load_whole_state(optimizer: Optimizer, content: dict[str, Any]) -> None:
    """Put back what `whole_state` gave, each process its part."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state = {
        number: {name: _part(value, parameters[number]) for name, value in moments.items()}
        for number, moments in content["state"].items()
    }
    optimizer.load_state_dict(content | {"state": state})


def _part(value: Any, parameter: Tensor) -> Any:
    if not isinstance(value, Tensor) or not isinstance(parameter, DTensor) or value.shape != parameter.shape:
        return value
    return distribute_tensor(value.to(parameter.device), parameter.device_mesh, parameter.placements)


def reshard(model: nn.Module) -> None:
    """Let go of whole weights that a forward pass without a backward pass has left."""
    for module in model.modules():
        if isinstance(module, FSDPModule):
            module.reshard()


def make_whole(model: nn.Module, keep: bool) -> None:
    """Make a sharded model a plain one again, on the CPU of the processes that `keep` it; on others it loses its weights."""
    plain: dict[int, nn.Parameter] = {}  # tied parameters stay tied
    for module in model.modules():
        if isinstance(module, FSDPModule):
            state = module._get_fsdp_state()
            state._pre_forward_hook_handle.remove()
            state._post_forward_hook_handle.remove()
            module.__class__ = type(module).__bases__[1]
        for name, parameter in module.named_parameters(recurse=False, remove_duplicate=False):
            if id(parameter) not in plain:
                plain[id(parameter)] = nn.Parameter(whole(parameter.detach(), keep), parameter.requires_grad)
            module.register_parameter(name, plain[id(parameter)])
