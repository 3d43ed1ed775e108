"""The mean of the weights of several trainings that began with one model ("model soup", Wortsman et al. 2022).

    python tools/average_models.py ~/.cache/vimotion/runs/instruct ~/.cache/vimotion/runs/instruct-{0,1,2}

Cores that train each for itself make more of a machine than one training on all of them, and the mean is better than each
(LOG.md, twentieth session).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from vimotion.artifacts import atomic_path, read_manifest, write_manifest
from vimotion.errors import UserError
from vimotion.language.model_folder import ModelFolder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, help="a folder that is not there yet")
    parser.add_argument("runs", type=Path, nargs="+", help="what `vimotion train instruct` wrote")
    arguments = parser.parse_args()
    if arguments.output.exists():
        parser.error(f"{arguments.output} is there; name a new folder")
    average(arguments.output, arguments.runs)


def average(output: Path, runs: list[Path]) -> None:
    """Write a model folder with the mean of the weights.

    Raises:
        UserError: the runs are not of one model.
    """
    first, *others = [ModelFolder.load(run) for run in runs]
    mean = {name: weight.double() for name, weight in first.model.state_dict().items()}
    for run, other in zip(runs[1:], others, strict=True):
        weights = other.model.state_dict()
        if weights.keys() != mean.keys() or any(weights[name].shape != mean[name].shape for name in mean):
            raise UserError(f"{run} is another model than {runs[0]}; average trainings that began with one.")
        for name, weight in weights.items():
            mean[name] += weight
    first.model.load_state_dict({name: (total / len(runs)).float() for name, total in mean.items()})
    manifest = read_manifest(runs[0])
    with atomic_path(output) as temporary:
        first.save(temporary)
        write_manifest(temporary, manifest["kind"], manifest["config"], manifest["seed"], {run.name: run for run in runs})


if __name__ == "__main__":
    main()
