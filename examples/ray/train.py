"""A language stage on a Ray cluster: Ray finds the GPUs and connects the processes, VIMotion does the rest.

    pip install 'ray[train]'
    python examples/ray/train.py align recipes/align/paper.yaml --gpus 32

VIMOTION_HOME must lie on a file system that all machines share.
"""

from __future__ import annotations

import argparse
import os
from typing import Any

from ray.train import FailureConfig, RunConfig, ScalingConfig
from ray.train.torch import TorchTrainer

# What recipes/accelerate/fsdp2.yaml says, as `accelerate launch` would hand it on.
FSDP2 = {
    "ACCELERATE_USE_FSDP": "true",
    "FSDP_VERSION": "2",
    "FSDP_AUTO_WRAP_POLICY": "TRANSFORMER_BASED_WRAP",
    "FSDP_RESHARD_AFTER_FORWARD": "true",
    "FSDP_CPU_RAM_EFFICIENT_LOADING": "false",
}


def work(config: dict[str, Any]) -> None:
    """What each process does; Ray has set RANK, WORLD_SIZE and their like. A process that is lost makes all begin again."""
    from importlib import import_module

    from vimotion.config import load_config

    os.environ.update(FSDP2)
    stage = config["stage"]
    room = import_module(f"vimotion.training.{stage}")
    recipe = load_config(getattr(room, f"{stage.capitalize()}Recipe"), config["recipe"])
    getattr(room, f"train_{stage}")(recipe, resume=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=["align", "instruct"])
    parser.add_argument("recipe")
    parser.add_argument("--gpus", type=int, default=8)
    arguments = parser.parse_args()
    TorchTrainer(
        work,
        train_loop_config={"stage": arguments.stage, "recipe": os.path.realpath(arguments.recipe)},
        scaling_config=ScalingConfig(num_workers=arguments.gpus, use_gpu=True),
        run_config=RunConfig(failure_config=FailureConfig(max_failures=10)),
    ).fit()
