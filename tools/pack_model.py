"""Put a trained model into the package as the one that ships, its weights packed into 8 bits.

python tools/pack_model.py ~/.cache/vimotion/runs/instruct       the model that talks: src/vimotion/model
python tools/pack_model.py ~/.cache/vimotion/runs/intergen-refined     the motion generator: src/vimotion/intergen/shipped
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import torch

from vimotion.artifacts import atomic_path
from vimotion.chat.model import SHIPPED as MODEL
from vimotion.intergen.generator import SHIPPED as GENERATOR
from vimotion.intergen.generator import WEIGHTS, MotionGenerator
from vimotion.language.packing import pack


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="what `vimotion train instruct` or `vimotion train intergen` wrote")
    run = parser.parse_args().run
    if (run / WEIGHTS).is_file():
        with atomic_path(GENERATOR) as temporary:
            MotionGenerator.load(run).save(temporary, torch.int8)
            shutil.copy(run / "manifest.json", temporary)
        print(f"{GENERATOR}: {megabytes(GENERATOR):.1f} MB")
    else:
        figures = pack(run, MODEL)
        size, error = figures["megabytes"], figures["relative_error"]
        print(f"{MODEL}: {megabytes(MODEL):.1f} MB, weights {size:.1f}; relative error {error:.4f}")


def megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


if __name__ == "__main__":
    main()
