"""Run by test_loop.py in two processes: a run straight through, and the same run stopped and resumed."""

import os
import signal
import sys
from pathlib import Path

import torch
from torch import Tensor, nn

from vimotion.training.loop import LoopConfig, TrainingStopped, run_loop

config = LoopConfig(steps=6, warmup_steps=2, log_steps=2)
folder, rank = Path(sys.argv[1]), int(os.environ["RANK"])


def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 16), nn.Dropout(0.2), nn.ReLU(), nn.Linear(16, 1))


def batch(index: int) -> Tensor:
    return torch.randn(4, 8, generator=torch.Generator().manual_seed(index))


def interrupting(index: int) -> Tensor:
    # only the second process is told to stop: the first has to learn it from the second
    if index == 5:
        os.kill(os.getpid(), signal.SIGTERM)
    return batch(index)


def loss(model: nn.Module, batch: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    return (model(batch) - batch.sum(-1, keepdim=True)).square().mean(), {}


straight, resumed = model(), model()
run_loop(straight, loss, batch, config, folder / "straight")
try:
    run_loop(model(), loss, interrupting, config, folder / "broken")
except TrainingStopped:
    run_loop(resumed, loss, batch, config, folder / "broken", resume=True)
equal = all(torch.equal(a, b) for a, b in zip(straight.parameters(), resumed.parameters(), strict=True))
(folder / f"rank-{rank}.txt").write_text(f"{equal} {float(straight[0].weight.sum()):.9f}")
