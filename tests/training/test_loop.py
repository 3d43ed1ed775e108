"""The loop: the same run, however often it was interrupted."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from vimotion.errors import UserError
from vimotion.training.loop import LoopConfig, TrainingStopped, compile_blocks, rate, run_loop


def _model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.Dropout(0.2), nn.ReLU(), nn.Linear(16, 1))


def _batch(index: int) -> Tensor:
    return torch.randn(4, 8, generator=torch.Generator().manual_seed(index))


def _loss(model: nn.Module, batch: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    loss = (model(batch) - batch.sum(-1, keepdim=True)).square().mean()
    return loss, {"square": loss}


def _config(**changes: object) -> LoopConfig:
    return LoopConfig.model_validate({"steps": 20, "warmup_steps": 4, "log_steps": 5} | changes)


def _equal(one: nn.Module, other: nn.Module) -> bool:
    return all(torch.equal(a, other.state_dict()[name]) for name, a in one.state_dict().items())


class _Interrupt:
    """Batches that send this process a signal while batch `at` is made."""

    def __init__(self, at: int) -> None:
        self.at = at

    def __call__(self, index: int) -> Tensor:
        if index == self.at:
            os.kill(os.getpid(), signal.SIGTERM)
        return _batch(index)


def test_batches_made_by_other_processes_are_the_same(tmp_path: Path) -> None:
    alone, helped, again = _model(), _model(), _model()
    config = _config(gradient_accumulation=2)
    run_loop(alone, _loss, _batch, config, tmp_path / "alone")
    run_loop(helped, _loss, _batch, config.model_copy(update={"workers": 2}), tmp_path / "helped")
    assert _equal(alone, helped)
    with_helpers = config.model_copy(update={"workers": 2, "save_steps": 7})
    run_loop(again, _loss, _batch, with_helpers.model_copy(update={"steps": 7, "final_rate": 1.0}), tmp_path / "again")
    asked = _made_in(tmp_path / "again", with_helpers)
    assert asked == list(range(14, 40))


def _made_in(folder: Path, config: LoopConfig) -> list[int]:
    """Indices of the batches that a resumed run sees, in order."""
    seen: list[int] = []

    def loss(model: nn.Module, batch: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        seen.append(int(batch[0, 0]))
        return _loss(model, batch / 100)

    run_loop(_model(), loss, lambda index: torch.full((4, 8), float(index)), config, folder, resume=True)
    return seen


@pytest.mark.parametrize("accumulation, optimizer", [(1, "adamw"), (2, "adamw"), (1, "muon")])
def test_stopping_and_resuming_changes_nothing(tmp_path: Path, accumulation: int, optimizer: str) -> None:
    config = _config(gradient_accumulation=accumulation, optimizer=optimizer)
    straight, broken = _model(), _model()
    run_loop(straight, _loss, _batch, config, tmp_path / "straight")
    with pytest.raises(TrainingStopped, match="--resume"):
        run_loop(broken, _loss, _Interrupt(9), config, tmp_path / "broken")
    fresh = _model()
    result = run_loop(fresh, _loss, _batch, config, tmp_path / "broken", resume=True)
    assert result.step == 20
    assert _equal(fresh, straight)
    assert not _equal(broken, straight)
    lines = [json.loads(line) for line in (tmp_path / "broken" / "metrics.jsonl").read_text().splitlines()]
    steps = [line["step"] for line in lines]
    assert steps == sorted(set(steps)) and steps[-1] == 20
    assert {"loss", "square", "learning_rate", "samples_per_second", "seconds"} <= lines[-1].keys()


def test_the_signals_have_their_old_handlers_again(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(TrainingStopped):
        run_loop(_model(), _loss, _Interrupt(2), _config(), tmp_path)
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_run_is_not_written_over(tmp_path: Path) -> None:
    run_loop(_model(), _loss, _batch, _config(), tmp_path)
    with pytest.raises(UserError, match="already holds a run"):
        run_loop(_model(), _loss, _batch, _config(), tmp_path)
    again = run_loop(_model(), _loss, _batch, _config(), tmp_path, resume=True)
    assert again.step == 20  # nothing was left to do


def test_a_line_of_metrics_that_was_cut_off_is_dropped(tmp_path: Path) -> None:
    run_loop(_model(), _loss, _batch, _config(), tmp_path)
    path = tmp_path / "metrics.jsonl"
    whole = path.read_text()
    path.write_text(whole + '{"step": 20, "lo')
    run_loop(_model(), _loss, _batch, _config(), tmp_path, resume=True)
    assert path.read_text().startswith(whole) and [json.loads(line) for line in path.read_text().splitlines()]


def test_another_models_checkpoint_is_refused(tmp_path: Path) -> None:
    run_loop(_model(), _loss, _batch, _config(), tmp_path)
    with pytest.raises(UserError, match="another model"):
        run_loop(nn.Linear(8, 1), _loss, _batch, _config(), tmp_path, resume=True)


def test_another_optimizers_checkpoint_is_refused(tmp_path: Path) -> None:
    run_loop(_model(), _loss, _batch, _config(), tmp_path)
    with pytest.raises(UserError, match="another optimizer"):
        run_loop(_model(), _loss, _batch, _config(optimizer="muon"), tmp_path, resume=True)


def test_two_checkpoints_are_kept_and_no_leftovers(tmp_path: Path) -> None:
    run_loop(_model(), _loss, _batch, _config(save_steps=4), tmp_path)
    assert [path.name for path in sorted((tmp_path / "checkpoints").iterdir())] == ["step-000000016", "step-000000020"]


def test_frozen_weights_are_neither_trained_nor_saved(tmp_path: Path) -> None:
    from safetensors import safe_open

    model = _model()
    model[0].requires_grad_(False)
    before = model[0].weight.clone()
    run_loop(model, _loss, _batch, _config(), tmp_path)
    assert torch.equal(model[0].weight, before)
    with safe_open(tmp_path / "checkpoints" / "step-000000020" / "model.safetensors", "pt") as file:
        assert "0.weight" not in file.keys() and "4.weight" in file.keys()  # noqa: SIM118


def test_accumulated_batches_make_one_step(tmp_path: Path) -> None:
    whole, parts = nn.Linear(8, 1), nn.Linear(8, 1)
    parts.load_state_dict(whole.state_dict())
    config = _config(steps=3, precision="fp32")
    run_loop(whole, _loss, lambda i: torch.cat([_batch(2 * i), _batch(2 * i + 1)]), config, tmp_path / "a")
    run_loop(parts, _loss, _batch, _config(steps=3, precision="fp32", gradient_accumulation=2), tmp_path / "b")
    torch.testing.assert_close(whole.weight, parts.weight)


def test_groups_have_their_own_rates(tmp_path: Path) -> None:
    model = _model()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    groups = [{"params": model[0].parameters(), "lr": 1e-9}, {"params": model[4].parameters()}]
    run_loop(model, _loss, _batch, _config(weight_decay=0.0), tmp_path, parameter_groups=groups)
    assert torch.allclose(model[0].weight, before["0.weight"], atol=1e-6)
    assert not torch.allclose(model[4].weight, before["4.weight"], atol=1e-3)


def test_the_time_budget_anneals_the_rate(tmp_path: Path) -> None:
    config = _config(steps=10**9, max_minutes=0.01, log_steps=1)
    result = run_loop(_model(), _loss, _batch, config, tmp_path)
    assert 0.6 <= result.seconds < 5
    assert result.metrics["learning_rate"] < 0.1 * config.learning_rate


def test_warm_up_and_cosine() -> None:
    config = _config(warmup_steps=10, final_rate=0.1)
    assert rate(0, 0.0, config) == pytest.approx(0.1)
    assert rate(10, 0.0, config) == 1.0
    assert rate(10, 0.5, config) == pytest.approx(0.55)
    assert rate(10, 1.0, config) == pytest.approx(0.1)


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
@pytest.mark.parametrize("stopped_at", [None, 6])
def test_weights_move_by_the_rate_of_each_step(tmp_path: Path, optimizer: str, stopped_at: int | None) -> None:
    """Under a gradient that never changes both optimizers move by the same share of the rate in each step."""
    config = _config(steps=12, learning_rate=0.01, optimizer=optimizer, weight_decay=0.0)

    def moved(config: LoopConfig, folder: Path) -> float:
        model = nn.Linear(2, 2, bias=False)
        weight = model.weight.detach().clone()

        def loss(model: nn.Module, batch: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
            return (model(torch.eye(2)) * torch.eye(2)).sum(), {}

        if stopped_at and config.steps > 1:
            with pytest.raises(TrainingStopped):
                run_loop(model, loss, _Interrupt(stopped_at), config, folder)
        run_loop(model, loss, _batch, config, folder, resume=True)
        return float((weight - model.weight.detach())[0, 0])

    share = moved(config.model_copy(update={"steps": 1}), tmp_path / "one") / (config.learning_rate * rate(0, 0.0, config))
    rates = [config.learning_rate * rate(step, step / config.steps, config) for step in range(config.steps)]
    assert share > 0.1
    assert moved(config, tmp_path / "all") == pytest.approx(share * sum(rates), rel=2e-2)
    assert sum(rates) < 0.7 * config.steps * config.learning_rate


def test_a_loss_that_is_not_finite_is_never_kept(tmp_path: Path) -> None:
    config = _config(steps=3, log_steps=100)

    def late(model: nn.Module, batch: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        return _loss(model, batch)[0] * (float("nan") if torch.equal(batch, _batch(2)) else 1.0), {}

    with pytest.raises(UserError, match="step 3"):
        run_loop(_model(), late, _batch, config, tmp_path)
    assert not list(tmp_path.glob("checkpoints/*"))


def test_a_finished_run_leaves_its_checkpoint_alone(tmp_path: Path) -> None:
    run_loop(_model(), _loss, _batch, _config(), tmp_path)
    [kept] = tmp_path.glob("checkpoints/*/model.safetensors")
    before = kept.stat().st_mtime_ns, kept.stat().st_ino
    run_loop(_model(), _loss, _batch, _config(), tmp_path, resume=True)
    assert (kept.stat().st_mtime_ns, kept.stat().st_ino) == before


def test_a_loss_that_is_not_finite_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="learning rate"):
        run_loop(_model(), lambda m, b: (m(b).mean() * float("nan"), {}), _batch, _config(), tmp_path)


def test_the_stage_may_evaluate(tmp_path: Path) -> None:
    def evaluate(model: nn.Module) -> dict[str, float]:
        assert not model.training
        return {"validation": 1.25}

    result = run_loop(_model(), _loss, _batch, _config(eval_steps=10), tmp_path, evaluate=evaluate)
    assert result.metrics["validation"] == 1.25
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "validation" in line] == [10, 20]


def test_two_processes_stop_and_resume_as_one(tmp_path: Path) -> None:
    script = Path(__file__).with_name("two_processes.py")
    environment = os.environ | {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port())}
    environment |= {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    processes = [
        subprocess.Popen(
            [sys.executable, str(script), str(tmp_path)], env=environment | {"RANK": str(rank), "LOCAL_RANK": str(rank)}
        )
        for rank in range(2)
    ]
    try:
        assert [process.wait(120) for process in processes] == [0, 0]
    finally:
        for process in processes:
            process.kill()
    answers = [(tmp_path / f"rank-{rank}.txt").read_text() for rank in range(2)]
    assert answers[0].startswith("True") and answers[0] == answers[1]


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def test_blocks_are_compiled_once_and_a_network_without_any_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[nn.Module] = []
    monkeypatch.setattr(nn.Module, "compile", lambda module, **_: compiled.append(module))
    blocks = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2)])
    unlike = nn.ModuleList([nn.Linear(2, 2), nn.GELU()])
    compile_blocks(nn.Sequential(nn.Sequential(nn.Linear(2, 2), blocks), unlike))
    assert compiled == list(blocks)
    compiled.clear()
    compile_blocks(unlike)
    assert compiled == [unlike]
