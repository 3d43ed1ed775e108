"""Which optimizer moves which weights."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import nn
from torch.optim import Optimizer

from vimotion.errors import UserError

OptimizerName = Literal["adamw", "muon"]
Group = dict[str, Any]


def make_optimizers(
    model: nn.Module, groups: list[Group], name: OptimizerName, rate: float, betas: tuple[float, float], weight_decay: float
) -> list[Optimizer]:
    """AdamW for all groups; or Muon (Jordan et al., 2024) for their weight matrices, and AdamW for what is left.

    Args:
        groups: dicts with "params" and, if wanted, "lr" and "weight_decay".
        rate, weight_decay: of groups that have none of their own. Muon's steps are as large as AdamW's at the same rate.

    Raises:
        UserError: this torch has no Muon.
    """
    if name == "muon" and not hasattr(torch.optim, "Muon"):
        raise UserError(f"The optimizer muon came with torch 2.9, and this is {torch.__version__}; update it, or take adamw.")
    groups = [group | {"params": list(group["params"])} for group in groups]
    turned = _matrices(model) if name == "muon" else set()
    matrices, rest = (
        [group | {"params": kept} for group in groups if (kept := [p for p in group["params"] if (id(p) in turned) == wanted])]
        for wanted in (True, False)
    )
    optimizers: list[Optimizer] = []
    if matrices:
        optimizers.append(torch.optim.Muon(matrices, lr=rate, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw"))
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


def _matrices(model: nn.Module) -> set[int]:
    """Identities of what multiplies hidden numbers: tables of embeddings, which are only looked up, are none of it."""
    tables = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    return {id(parameter) for parameter in model.parameters() if parameter.dim() == 2} - tables
