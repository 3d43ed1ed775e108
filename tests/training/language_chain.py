"""Run by test_processes.py, by one process or several: the language stages of the tiny chain, a line of metrics a step."""

import sys
from pathlib import Path

from vimotion.config import load_config
from vimotion.training.align import AlignRecipe, train_align
from vimotion.training.instruct import InstructRecipe, train_instruct

RECIPES = Path(__file__).parents[2] / "recipes"
SMALL = ["loop.steps=6", "loop.log_steps=1", "loop.save_steps=3", "loop.warmup_steps=2", "validation_batches=1"]
SMALL += ["examples.rows=1", "loop.learning_rate=0.003"]


def train(folder: Path, resume: bool, settings: list[str]) -> None:
    """Align and instruct, in folders below `folder`."""
    changes = [*SMALL, *settings]
    train_align(load_config(AlignRecipe, RECIPES / "align" / "tiny.yaml", changes), folder / "align", resume)
    changes.append(f"aligned={folder / 'align'}")
    train_instruct(load_config(InstructRecipe, RECIPES / "instruct" / "tiny.yaml", changes), folder / "instruct", resume)


if __name__ == "__main__":
    train(Path(sys.argv[1]), False, sys.argv[2:])
