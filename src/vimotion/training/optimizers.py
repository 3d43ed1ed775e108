"""Which optimizer moves which weights."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

OptimizerName = Literal["adamw", "muon"]
Group = dict[str, Any]

# Jordan's polynomial of degree five, and how often it is applied.
_COEFFICIENTS, _ITERATIONS = (3.4445, -4.7750, 2.0315), 5
# The usual size of AdamW's steps, as a share of its rate (Liu et al., Muon is scalable for LLM training, 2025).
_ADAMS_STEP = 0.2


def make_optimizers(
    model: nn.Module, groups: list[Group], name: OptimizerName, rate: float, betas: tuple[float, float], weight_decay: float
) -> list[Optimizer]:
    """AdamW for all groups; or Muon (Jordan et al., 2024) for their weight matrices, and AdamW for what is left.

    Args:
        groups: dicts with "params" and, if wanted, "lr" and "weight_decay".
        rate, weight_decay: of groups that have none of their own. Muon's steps are as large as AdamW's at the same rate.
    """
    groups = [group | {"params": list(group["params"])} for group in groups]
    turned = _matrices(model) if name == "muon" else set()
    matrices, rest = (
        [group | {"params": kept} for group in groups if (kept := [p for p in group["params"] if (id(p) in turned) == wanted])]
        for wanted in (True, False)
    )
    optimizers: list[Optimizer] = []
    if matrices:
        optimizers.append(Muon(matrices, rate, weight_decay))
    if rest:
        # fused: one pass over the weights, on CPUs too
        optimizers.append(torch.optim.AdamW(rest, lr=rate, betas=betas, weight_decay=weight_decay, fused=True))
    return optimizers


def default_groups(model: nn.Module, weight_decay: float) -> list[Group]:
    """All trainable parameters; biases, norms and other vectors without weight decay."""
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    matrices = [parameter for parameter in trainable if parameter.dim() > 1]
    vectors = [parameter for parameter in trainable if parameter.dim() <= 1]
    groups = [{"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]


class Muon(Optimizer):
    """The Muon of torch.optim, with matrices of one shape turned at once; torch takes one by one, by many small products."""

    def __init__(self, groups: list[Group], lr: float, weight_decay: float, momentum: float = 0.95) -> None:
        super().__init__(groups, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            alike: dict[torch.Size, list[Tensor]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    alike[parameter.shape].append(parameter)
            for parameters in alike.values():
                self._move(parameters, group)
        return loss

    def _move(self, parameters: list[Tensor], group: Group) -> None:
        """A step of matrices of one shape."""
        for parameter in parameters:
            if "momentum_buffer" not in self.state[parameter]:
                self.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
        means = [self.state[parameter]["momentum_buffer"] for parameter in parameters]
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        torch._foreach_lerp_(means, gradients, 1 - group["momentum"])
        ahead = torch._foreach_lerp(gradients, means, group["momentum"])  # as Nesterov has it
        turned = orthogonal(torch.stack(list(ahead))).to(parameters[0].dtype)
        torch._foreach_mul_(parameters, 1 - group["lr"] * group["weight_decay"])
        rate = group["lr"] * _ADAMS_STEP * max(parameters[0].shape) ** 0.5
        torch._foreach_add_(parameters, list(turned.unbind(0)), alpha=-rate)


def orthogonal(matrices: Tensor) -> Tensor:
    """Matrices (n, rows, columns) → bf16 ones of the same directions with singular values near 1, by Newton and Schulz."""
    tall = matrices.shape[-2] > matrices.shape[-1]
    first, second, third = _COEFFICIENTS
    turned = (matrices.mT if tall else matrices).bfloat16().contiguous()
    turned = turned / turned.flatten(1).norm(dim=-1).clamp(min=1e-7)[:, None, None]
    for _ in range(_ITERATIONS):
        gram = turned @ turned.mT
        update = torch.baddbmm(gram, gram, gram, beta=second, alpha=third)
        turned = torch.baddbmm(turned, update, turned, beta=first)
    return turned.mT if tall else turned


def _matrices(model: nn.Module) -> set[int]:
    """Identities of what multiplies hidden numbers: tables of embeddings, which are only looked up, are none of it."""
    tables = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    return {id(parameter) for parameter in model.parameters() if parameter.dim() == 2} - tables
