"""The one training loop: optimizers, warm-up and cosine, checkpoints, resuming to the exact next batch, metrics.

What makes a run repeatable: a batch is a pure function of its index, and the random numbers spent on it (dropout) follow
from the seed and that index. Nothing else of the past is needed but weights, optimizer state and clock. A step takes so many
batches that follow one another, whoever computes them: one process after another's, or several processes at a time.
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
from itertools import count as counted_from
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from accelerate import Accelerator
from accelerate.utils import send_to_device
from pydantic import Field
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader, Dataset

from vimotion.artifacts import atomic_path
from vimotion.config import Config
from vimotion.errors import UserError
from vimotion.training.checkpoints import check_free, latest_checkpoint, load_optimizers, load_weights, save_checkpoint
from vimotion.training.optimizers import OptimizerName, default_groups, make_optimizers
from vimotion.training.processes import make_accelerator, make_whole, reshard, whole

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
        gradient_accumulation: batches a process adds up before a step. A resumed run keeps its batches a step: with half as
            many processes each of them adds up twice as many.
        save_steps, save_minutes: a checkpoint is written when either has passed.
        compile: torch.compile, block by block; on CPUs it needs a C++ compiler.
        workers: processes that make batches ahead, for an accelerator that is faster than the one thread that else does so.
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
    workers: int = Field(default=0, ge=0)
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
    shardable: bool = False,
) -> LoopResult:
    """Train `model` in place, on whatever processes and devices `accelerate launch` gave.

    Args:
        model: on the CPU or already on the device. Only parameters that want a gradient, and buffers, are checkpointed.
        loss_fn: (model, batch) → (loss, its parts by name). Call the model itself, not its methods, so that several
            processes average their gradients; the model's forward runs under bf16 autocast, the rest in float32.
        batches: index → batch of tensors (dict, tuple or tensor). A pure function: every index is asked of one process once.
            Called from another thread, one batch ahead; or from forked processes, see `LoopConfig.workers`.
        run_dir: gets `checkpoints/` and `metrics.jsonl`.
        resume: go on from the last checkpoint in `run_dir`, or from the start where there is none.
        parameter_groups: dicts with "params" and, if wanted, "lr" (peak) and "weight_decay". Default: all trainable
            parameters, weight decay on those with two or more dimensions. The list is emptied.
        count, unit: how many of what a batch holds, for the throughput.
        evaluate: figures of the model (unwrapped, in eval mode, without gradients, on the main process alone).
        shardable: the model may be sharded by FSDP2: loss and `evaluate` only call it, and do not look at its weights.
            `evaluate` then runs on all processes, and in the end the main process alone has the weights.

    Raises:
        UserError: `run_dir` already holds a run and `resume` is False, the loss is no longer finite, or the processes that
            there are cannot share what is to be done.
        TrainingStopped: SIGINT or SIGTERM came; the checkpoint is written.
    """
    run_dir = Path(run_dir)
    check_free(run_dir, resume)
    found = latest_checkpoint(run_dir)
    accelerator = make_accelerator(config.precision == "bf16")
    main, sharded = accelerator.is_main_process, bool(accelerator.is_fsdp2)
    if sharded and (not shardable or config.optimizer == "muon"):
        what = "Muon needs whole matrices" if shardable else "This stage's networks are small"
        raise UserError(f"{what}: start it without FSDP2, for example with recipes/accelerate/ddp.yaml.")
    groups = default_groups(model, config.weight_decay) if parameter_groups is None else parameter_groups
    optimizers = make_optimizers(model, groups, config.optimizer, config.learning_rate, config.betas, config.weight_decay)
    groups.clear()  # sharding puts other parameters in their place, and these would stay in memory
    peaks = [[group["lr"] for group in optimizer.param_groups] for optimizer in optimizers]
    state = load_weights(found, model) if found else {"step": 0, "seconds": 0.0}
    if config.compile:
        compile_blocks(model)
    wrapped, *accelerated = accelerator.prepare(model, *optimizers)
    if found:
        load_optimizers(found, optimizers)
    times = _batches_each(accelerator, config, state)
    step, clock = int(state["step"]), _Clock(state["seconds"])
    metrics = _Metrics(run_dir / "metrics.jsonl", unit, step) if main else None
    saved_step, saved_at = step, clock.seconds()
    figures: dict[str, Tensor] = {}
    last: dict[str, float] = {}

    def told() -> dict[str, float]:
        """The figures of the last step, which have to be numbers."""
        means = _averaged(accelerator, figures)
        if not math.isfinite(means["loss"]):
            raise UserError(f"The loss is {means['loss']} at step {step}; lower the learning rate.")
        return means

    def save(seconds: float) -> None:
        nonlocal saved_step, saved_at
        if step == saved_step and (found or step):  # it is all there
            return
        if figures:
            told()
        saved_step, saved_at = step, seconds
        if main or sharded:
            kept = {"step": step, "seconds": seconds, "batches": times * accelerator.num_processes}
            save_checkpoint(run_dir, model, optimizers, kept, write=main)
        accelerator.wait_for_everyone()

    def measure() -> dict[str, float]:
        measured: dict[str, float] = {}
        if evaluate and (main or sharded):
            model.eval()
            with torch.no_grad():
                measured = evaluate(accelerator.unwrap_model(wrapped, keep_torch_compile=False))
            reshard(model)
            if metrics:
                metrics.write(step, measured)
        accelerator.wait_for_everyone()
        return measured

    try:
        with (
            _stop_requested() as stop,
            _ahead(batches, config, accelerator, step * times) as fetch,
            _progress(config, main) as show,
        ):
            while True:
                seconds, stopped = _agree(accelerator, clock.seconds(), stop.is_set())
                share = max(step / config.steps, seconds / (60 * config.max_minutes) if config.max_minutes else 0.0)
                if share >= 1 or stopped:
                    break
                if step - saved_step >= config.save_steps or seconds - saved_at >= 60 * config.save_minutes:
                    save(seconds)
                _set_rates(optimizers, peaks, rate(step, share, config))
                figures, counted = _step(accelerator, wrapped, accelerated, loss_fn, fetch, config, step, times, count)
                step += 1
                if metrics:
                    metrics.add(counted * accelerator.num_processes)
                if step % config.log_steps == 0 or step == 1:
                    last = told()
                    if metrics:
                        last |= {"learning_rate": optimizers[0].param_groups[0]["lr"]}
                        last |= metrics.speed() | {"seconds": clock.seconds()}
                        metrics.write(step, last)
                        show(share, step, last, unit)
                if config.eval_steps and step % config.eval_steps == 0 and step < config.steps:
                    last |= measure()
        save(seconds)
        if stopped:
            raise TrainingStopped(f"Stopped at step {step} with a checkpoint; run the same command with --resume to go on.")
        last |= measure()
        if sharded:
            make_whole(model, keep=main)
        return LoopResult(step, clock.seconds(), last)
    finally:
        # gives the model its own forward back
        accelerator.unwrap_model(wrapped, keep_fp32_wrapper=False, keep_torch_compile=False)
        accelerator.free_memory()


def compile_blocks(model: nn.Module) -> None:
    """Compile in place what a network repeats, so that one compilation serves all of its blocks and batches of all lengths; a
    network that repeats nothing is compiled as a whole."""
    lists = [module for module in model.modules() if isinstance(module, nn.ModuleList) and len(set(map(type, module))) == 1]
    for block in [block for blocks in lists for block in blocks] or [model]:
        block.compile(dynamic=True)


def rate(step: int, share: float, config: LoopConfig) -> float:
    """Share of the peak learning rate: linear warm-up by steps, cosine by the share of the run that is done."""
    warmup = min(1.0, (step + 1) / config.warmup_steps) if config.warmup_steps else 1.0
    cosine = 0.5 * (1 + math.cos(math.pi * min(share, 1.0)))
    return warmup * (config.final_rate + (1 - config.final_rate) * cosine)


def _set_rates(optimizers: Sequence[Optimizer], peaks: Sequence[Sequence[float]], share: float) -> None:
    """The groups are asked for anew each time: accelerate, and the loading of a state, put new ones in their place."""
    for optimizer, highest in zip(optimizers, peaks, strict=True):
        for group, peak in zip(optimizer.param_groups, highest, strict=True):
            group["lr"] = peak * share


def _batches_each(accelerator: Accelerator, config: LoopConfig, state: dict[str, Any]) -> int:
    """Batches that each process adds up before a step."""
    processes = accelerator.num_processes
    batches = int(state.get("batches", config.gradient_accumulation * processes))
    if batches % processes:
        raise UserError(f"The run takes {batches} batches a step; go on with a number of processes that divides it.")
    return batches // processes


def _step(
    accelerator: Accelerator,
    model: nn.Module,
    optimizers: Sequence[Any],
    loss_fn: LossFunction,
    fetch: Callable[[int, int], Any],
    config: LoopConfig,
    step: int,
    times: int,
    count: Callable[[Any], int],
) -> tuple[dict[str, Tensor], int]:
    """One optimizer step: what this process found over its batches, and how much they held.

    The figures are loss, its parts and the norm of the gradient.
    """
    rank, processes = accelerator.process_index, accelerator.num_processes
    model.train()
    losses: list[Tensor] = []
    sums: dict[str, Tensor] = {}
    counted = 0
    for turn in range(times):
        index = (step * times + turn) * processes + rank
        batch = fetch(index, index + processes)
        counted += count(batch)
        torch.manual_seed(config.seed * 1_000_003 + index)
        # FSDP2 adds gradients up in parts; whole ones, kept until the last turn, would not fit
        apart = turn < times - 1 and not accelerator.is_fsdp2
        with accelerator.no_sync(model) if apart else nullcontext():
            loss, parts = loss_fn(model, send_to_device(batch, accelerator.device))
            accelerator.backward(loss / times)
        losses.append(loss.detach())
        for name, value in parts.items():
            sums[name] = sums.get(name, 0.0) + value.detach().float() / times
    norm = accelerator.clip_grad_norm_(model.parameters(), config.clip_norm)
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return {"loss": torch.stack(losses).mean(), **sums, "gradient_norm": whole(norm)}, counted


def _averaged(accelerator: Accelerator, figures: dict[str, Tensor]) -> dict[str, float]:
    """Means over the processes; all must call."""
    values = torch.stack([value.detach().float().to(accelerator.device) for value in figures.values()])
    means: list[float] = accelerator.reduce(values, reduction="mean").tolist()
    return dict(zip(figures, means, strict=True))


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


class _Indexed(Dataset[Any]):
    """Batches as torch's loader asks for them."""

    def __init__(self, batches: Batches) -> None:
        self._batches = batches

    def __getitem__(self, index: int) -> Any:
        return self._batches(index)


@contextmanager
def _ahead(batches: Batches, config: LoopConfig, accelerator: Accelerator, done: int) -> Iterator[Callable[[int, int], Any]]:
    """fetch(index, following): batch `index`, while those that follow are made; `done` batches a process are behind."""
    if config.workers:
        mine = counted_from(done * accelerator.num_processes + accelerator.process_index, accelerator.num_processes)
        loader = DataLoader(
            _Indexed(batches), batch_size=None, sampler=mine, num_workers=config.workers, multiprocessing_context="fork",
            pin_memory=accelerator.device.type == "cuda",
        )  # fmt: skip
        made = iter(loader)
        yield lambda index, following: next(made)
        return
    # on a CPU a second team of threads would take the cores from the first, which computes the step
    with ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(1,)) as pool:
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
