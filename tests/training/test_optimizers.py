"""Muon turns weight matrices, AdamW moves the rest."""

import pytest
import torch
from torch import nn

from vimotion.training.optimizers import Muon, default_groups, make_optimizers


def _model() -> nn.Module:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Embedding(5, 8), nn.Linear(8, 6), nn.LayerNorm(6), nn.Linear(6, 5, bias=False))
    model[3].weight = nn.Parameter(torch.randn(5, 6))
    return model


def _held(optimizer: torch.optim.Optimizer) -> set[int]:
    return {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}


def test_matrices_go_to_muon_and_tables_do_not() -> None:
    model = _model()
    muon, adamw = make_optimizers(model, default_groups(model, 0.1), "muon", 1e-2, (0.9, 0.97), 0.1)
    assert isinstance(muon, Muon) and isinstance(adamw, torch.optim.AdamW)
    assert _held(muon) == {id(model[1].weight), id(model[3].weight)}
    assert _held(muon) | _held(adamw) == {id(parameter) for parameter in model.parameters()}
    assert {group["weight_decay"] for group in muon.param_groups} == {0.1}
    assert {group["weight_decay"] for group in adamw.param_groups} == {0.1, 0.0}  # the table, and the vectors


def test_a_table_that_is_also_the_output_is_a_table() -> None:
    table = nn.Embedding(5, 8)
    output = nn.Linear(8, 5, bias=False)
    output.weight = table.weight
    model = nn.Sequential(table, output)
    (only,) = make_optimizers(model, default_groups(model, 0.0), "muon", 1e-2, (0.9, 0.97), 0.0)
    assert isinstance(only, torch.optim.AdamW)


def test_a_step_of_muon_turns_all_directions_alike() -> None:
    model = nn.Linear(6, 4, bias=False)
    before = model.weight.detach().clone()
    (muon,) = make_optimizers(model, default_groups(model, 0.0), "muon", 1e-2, (0.9, 0.97), 0.0)
    gradient = torch.randn(4, 6, generator=torch.Generator().manual_seed(1)) * torch.tensor([[10.0], [1.0], [0.1], [0.01]])
    model.weight.grad = gradient
    muon.step()
    sizes = torch.linalg.svdvals(before - model.weight.detach())
    assert sizes.max() / sizes.min() < 3 < torch.linalg.svdvals(gradient).max() / torch.linalg.svdvals(gradient).min()


def test_a_groups_own_rate_is_kept() -> None:
    model = nn.Linear(3, 2)
    groups = [{"params": [model.weight], "lr": 0.5}, {"params": [model.bias]}]
    muon, adamw = make_optimizers(model, groups, "muon", 1e-2, (0.9, 0.97), 0.0)
    assert muon.param_groups[0]["lr"] == 0.5 and adamw.param_groups[0]["lr"] == 1e-2


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="torch 2.9 has one to compare with")
def test_steps_are_those_of_torch() -> None:
    torch.manual_seed(0)
    ours = [nn.Parameter(torch.randn(shape)) for shape in ((8, 4), (4, 8), (8, 4), (6, 6))]
    theirs = [nn.Parameter(parameter.detach().clone()) for parameter in ours]
    both = (
        Muon([{"params": ours}], 1e-2, 0.1),
        torch.optim.Muon(theirs, lr=1e-2, weight_decay=0.1, adjust_lr_fn="match_rms_adamw"),
    )
    for _ in range(3):
        for mine, other in zip(ours[:-1], theirs[:-1], strict=True):  # the last has no gradient
            mine.grad = other.grad = torch.randn(mine.shape)
        for optimizer in both:
            optimizer.step()
    for mine, other in zip(ours, theirs, strict=True):
        # bf16 adds up in another order
        torch.testing.assert_close(mine, other, atol=3e-4, rtol=0)
