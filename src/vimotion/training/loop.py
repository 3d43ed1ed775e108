"""The one training loop: optimizers, warm-up and cosine, checkpoints, resuming to the exact next batch, metrics.

What makes a run repeatable: a batch is a pure function of its index, and the random numbers of a step (dropout) follow
from the seed, the step and the process. Nothing else of the past is needed but weights, optimizer state and clock.
"""

from __future__ import annotations

import json
import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import send_to_device
from pydantic import Field
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from torch import Tensor, nn

from vimotion.artifacts import atomic_path
from vimotion.config import Config
from vimotion.errors import UserError
from vimotion.training.checkpoints import check_free, latest_checkpoint, load_checkpoint, save_checkpoint
from vimotion.training.optimizers import OptimizerName, default_groups, make_optimizers

Batches = Callable[[int], Any]
LossFunction = Callable[[nn.Module, Any], tuple[Tensor, dict[str, Tensor]]]


Share = Annotated[float, Field(ge=0, lt=1)]


class LoopConfig(Config):
    """How a stage is trained.

    Attributes:
        steps: optimizer steps; with `max_minutes` as well, whichever comes first ends the run.
        max_minutes: time budget of the whole run, pauses between resumes not counted.
        optimizer: "adamw", or "muon" for weight matrices and AdamW for the rest, see `make_optimizers`.
        learning_rate: at the peak, for groups that set none of their own.
        final_rate: share of the peak that is left at the end of the cosine.
        gradient_accumulation: batches a process adds up before a step.
        save_steps, save_minutes: a checkpoint is written when either has passed.
        log_steps: how often a line goes to metrics.jsonl.
        eval_steps: how often the stage's own evaluation runs; 0 = only at the end.
    """

    steps: int = Field(default=1000, gt=0)
    max_minutes: float | None = Field(default=None, gt=0)
    optimizer: OptimizerName = "adamw"
    learning_rate: float = Field(default=1e-3, gt=0)
    warmup_steps: int = Field(default=40, ge=0)
    final_rate: float = Field(default=0.02, ge=0, le=1)
    betas: tuple[Share, Share] = (0.9, 0.97)
    weight_decay: float = Field(default=0.01, ge=0)
    clip_norm: float = Field(default=1.0, gt=0)
    gradient_accumulation: int = Field(default=1, gt=0)
    precision: Literal["bf16", "fp32"] = "bf16"
    compile: bool = False
    seed: int = Field(default=0, ge=0, lt=2**31)
    save_steps: int = Field(default=1000, gt=0)
    save_minutes: float = Field(default=10.0, gt=0)
    log_steps: int = Field(default=20, gt=0)
    eval_steps: int = Field(default=0, ge=0)


class TrainingStopped(UserError):
    """Training was interrupted; a checkpoint was written."""


@dataclass
class LoopResult:
    """Where training ended: optimizer steps, seconds of training, and the last figures."""

    step: int
    seconds: float
    metrics: dict[str, float] = field(default_factory=dict)


def run_loop(
    model: nn.Module,
    loss_fn: LossFunction,
    batches: Batches,
    config: LoopConfig,
    run_dir: Path,
    resume: bool = False,
    parameter_groups: list[dict[str, Any]] | None = None,
    count: Callable[[Any], int] = len,
    unit: str = "samples",
    evaluate: Callable[[nn.Module], dict[str, float]] | None = None,
) -> LoopResult:
    """Train `model` in place, on whatever processes and devices `accelerate launch` gave.

    Args:
        model: on the CPU or already on the device. Only parameters that want a gradient, and buffers, are checkpointed.
        loss_fn: (model, batch) → (loss, its parts by name). Call the model itself, not its methods, so that several
            processes average their gradients; the model's forward runs under bf16 autocast, the rest in float32.
        batches: index → batch of tensors (dict, tuple or tensor). A pure function: every index is asked of one process once.
            Called from another thread, one batch ahead.
        run_dir: gets `checkpoints/` and `metrics.jsonl`.
        resume: go on from the last checkpoint in `run_dir`, or from the start where there is none.
        parameter_groups: dicts with "params" and, if wanted, "lr" (peak) and "weight_decay". Default: all trainable
            parameters, weight decay on those with two or more dimensions.
        count, unit: how many of what a batch holds, for the throughput.
        evaluate: figures of the model (unwrapped, in eval mode, without gradients, on the main process alone).

    Raises:
        UserError: `run_dir` already holds a run and `resume` is False, or the loss is no longer finite.
        TrainingStopped: SIGINT or SIGTERM came; the checkpoint is written.
    """
    run_dir = Path(run_dir)
    check_free(run_dir, resume)
    found = latest_checkpoint(run_dir)
    AcceleratorState._reset_state()  # an earlier run of this process may have had another precision
    accelerator = Accelerator(
        mixed_precision="bf16" if config.precision == "bf16" else "no",
        dynamo_backend="inductor" if config.compile else "no",
    )
    groups = parameter_groups or default_groups(model, config.weight_decay)
    optimizers = make_optimizers(model, groups, config.optimizer, config.learning_rate, config.betas, config.weight_decay)
    rated = [(group, group["lr"]) for optimizer in optimizers for group in optimizer.param_groups]
    state = load_checkpoint(found, model, optimizers) if found else {"step": 0, "seconds": 0.0}
    wrapped, *accelerated = accelerator.prepare(model, *optimizers)
    step, clock = int(state["step"]), _Clock(state["seconds"])
    metrics = _Metrics(run_dir / "metrics.jsonl", unit, step) if accelerator.is_main_process else None
    saved_step, saved_at = step, clock.seconds()
    last: dict[str, float] = {}

    def save() -> None:
        nonlocal saved_step, saved_at
        saved_step, saved_at = step, clock.seconds()
        if accelerator.is_main_process:
            save_checkpoint(run_dir, model, optimizers, {"step": step, "seconds": saved_at})
        accelerator.wait_for_everyone()

    def measure() -> dict[str, float]:
        figures: dict[str, float] = {}
        if evaluate and accelerator.is_main_process:
            model.eval()
            with torch.no_grad():
                figures = evaluate(accelerator.unwrap_model(wrapped, keep_torch_compile=False))
            if metrics:
                metrics.write(step, figures)
        accelerator.wait_for_everyone()
        return figures

    try:
        with _stop_requested() as stop, _prefetch(batches) as fetch, _progress(config, accelerator.is_main_process) as show:
            while True:
                seconds, stopped = _agree(accelerator, clock.seconds(), stop.is_set())
                share = max(step / config.steps, seconds / (60 * config.max_minutes) if config.max_minutes else 0.0)
                if share >= 1 or stopped:
                    break
                for group, peak in rated:
                    group["lr"] = peak * rate(step, share, config)
                loss, parts, norm, counted = _step(accelerator, wrapped, accelerated, loss_fn, fetch, config, step, count)
                step += 1
                due = step - saved_step >= config.save_steps or clock.seconds() - saved_at >= 60 * config.save_minutes
                if metrics:
                    metrics.add(counted * accelerator.num_processes)
                if step % config.log_steps == 0 or step == 1 or due:
                    last = {"loss": float(loss)} | {name: float(value) for name, value in parts.items()}
                    if not math.isfinite(last["loss"]):
                        raise UserError(f"The loss is {last['loss']} at step {step}; lower the learning rate.")
                    if metrics:
                        last |= {"gradient_norm": float(norm), "learning_rate": rated[0][0]["lr"]}
                        last |= metrics.speed() | {"seconds": clock.seconds()}
                        metrics.write(step, last)
                        show(share, step, last, unit)
                if any(_agree(accelerator, 0.0, due)):
                    save()
                if config.eval_steps and step % config.eval_steps == 0 and step < config.steps:
                    last |= measure()
        save()
        if stopped:
            raise TrainingStopped(f"Stopped at step {step} with a checkpoint; run the same command with --resume to go on.")
        last |= measure()
        return LoopResult(step, clock.seconds(), last)
    finally:
        # gives the model its own forward back
        accelerator.unwrap_model(wrapped, keep_fp32_wrapper=False, keep_torch_compile=False)
        accelerator.free_memory()


def rate(step: int, share: float, config: LoopConfig) -> float:
    """Share of the peak learning rate: linear warm-up by steps, cosine by the share of the run that is done."""
    warmup = min(1.0, (step + 1) / config.warmup_steps) if config.warmup_steps else 1.0
    cosine = 0.5 * (1 + math.cos(math.pi * min(share, 1.0)))
    return warmup * (config.final_rate + (1 - config.final_rate) * cosine)


def _step(
    accelerator: Accelerator,
    model: nn.Module,
    optimizers: Sequence[Any],
    loss_fn: LossFunction,
    fetch: Callable[[int, int], Any],
    config: LoopConfig,
    step: int,
    count: Callable[[Any], int],
) -> tuple[Tensor, dict[str, Tensor], Tensor, int]:
    """One optimizer step: mean loss and parts of its batches on this process, gradient norm, and how much they held."""
    rank, processes, times = accelerator.process_index, accelerator.num_processes, config.gradient_accumulation
    torch.manual_seed((config.seed * 1_000_003 + step) * 4096 + rank)
    model.train()
    losses: list[Tensor] = []
    sums: dict[str, Tensor] = {}
    counted = 0
    for turn in range(times):
        index = (step * times + turn) * processes + rank
        following = index + processes
        batch = fetch(index, following)
        counted += count(batch)
        with accelerator.no_sync(model) if turn < times - 1 else nullcontext():
            loss, parts = loss_fn(model, send_to_device(batch, accelerator.device))
            accelerator.backward(loss / times)
        losses.append(loss.detach())
        for name, value in parts.items():
            sums[name] = sums.get(name, 0.0) + value.detach().float() / times
    norm = accelerator.clip_grad_norm_(model.parameters(), config.clip_norm)
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return torch.stack(losses).mean(), sums, norm, counted


def _agree(accelerator: Accelerator, seconds: float, flag: bool) -> tuple[float, bool]:
    """The largest of what the processes say, so that all of them do the same."""
    if accelerator.num_processes == 1:
        return seconds, flag
    mine = torch.tensor([[seconds, float(flag)]], dtype=torch.float64, device=accelerator.device)
    largest = accelerator.gather(mine).max(dim=0).values
    return float(largest[0]), bool(largest[1])


class _Clock:
    """Seconds of training, those before a resume included."""

    def __init__(self, before: float) -> None:
        self._start = time.monotonic() - before

    def seconds(self) -> float:
        return time.monotonic() - self._start


class _Metrics:
    """`metrics.jsonl`, one line an entry; lines after the resumed step are dropped."""

    def __init__(self, path: Path, unit: str, step: int) -> None:
        self._path, self._unit = path, unit
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            # a line that was cut off when a run was killed has no end
            lines = [line for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
            kept = [line for line in lines if json.loads(line)["step"] <= step]
            with atomic_path(path) as temporary:
                temporary.write_text("".join(kept))
        self._counted, self._since = 0, time.monotonic()

    def add(self, counted: int) -> None:
        self._counted += counted

    def speed(self) -> dict[str, float]:
        now = time.monotonic()
        speed = self._counted / max(now - self._since, 1e-9)
        self._counted, self._since = 0, now
        return {f"{self._unit}_per_second": speed}

    def write(self, step: int, figures: dict[str, float]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step} | figures) + "\n")


@contextmanager
def _stop_requested() -> Iterator[threading.Event]:
    """An event that the first SIGINT or SIGTERM sets; the second one is treated as usual."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def handle(*_: Any) -> None:
        stop.set()
        restore()

    for number in before:
        signal.signal(number, handle)
    try:
        yield stop
    finally:
        restore()


@contextmanager
def _prefetch(batches: Batches) -> Iterator[Callable[[int, int], Any]]:
    """fetch(index, following): batch `index`, while `following` is begun in another thread."""
    with ThreadPoolExecutor(1) as pool:
        ahead: dict[int, Future[Any]] = {}

        def fetch(index: int, following: int) -> Any:
            future = ahead.pop(index, None) or pool.submit(batches, index)
            batch = future.result()
            ahead[following] = pool.submit(batches, following)
            return batch

        yield fetch
        pool.shutdown(cancel_futures=True)


@contextmanager
def _progress(config: LoopConfig, main: bool) -> Iterator[Callable[[float, int, dict[str, float], str], None]]:
    """show(share, step, figures, unit): the bar on standard error, on the main process alone."""
    columns = [BarColumn(), TextColumn("{task.percentage:>4.1f} %"), TimeElapsedColumn(), TextColumn("{task.description}")]
    with Progress(*columns, console=Console(file=sys.stderr), disable=not main) as bar:
        task = bar.add_task("starting", total=1.0)

        def show(share: float, step: int, figures: dict[str, float], unit: str) -> None:
            speed = figures[f"{unit}_per_second"]
            bar.update(task, completed=share, description=f"step {step}  loss {figures['loss']:.4f}  {speed:.0f} {unit}/s")

        yield show
