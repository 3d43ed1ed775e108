"""Put a trained model into the package as the one that ships: packed weights, tokenizer, codec.

    python tools/pack_model.py ~/.cache/vimotion/runs/instruct

Replaces src/vimotion/model and prints its size and what rounding to 8 bits changed in the weights.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from vimotion.chat.model import SHIPPED
from vimotion.language.packing import pack


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="a model folder that `vimotion train instruct` wrote")
    figures = pack(parser.parse_args().run, SHIPPED)
    total = sum(path.stat().st_size for path in SHIPPED.rglob("*") if path.is_file()) / 1e6
    print(f"{SHIPPED}: {total:.1f} MB, weights {figures['megabytes']:.1f}; relative error {figures['relative_error']:.4f}")


if __name__ == "__main__":
    main()
