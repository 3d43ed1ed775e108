"""What a codec loses: on the test clips of a corpus, and on motion files.

python tools/measure_tokenizer.py src/vimotion/tokenizer/shipped --corpus corpora/scripted --files walk.bvh run.amc
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from vimotion.artifacts import vimotion_home
from vimotion.corpora.realism import acts_of
from vimotion.corpora.store import Record, open_store, record_features
from vimotion.formats import load_motion
from vimotion.motion import split_features
from vimotion.tokenizer import MotionTokenizer
from vimotion.tokenizer.quality import reconstruct, reconstruction_errors


def accelerations(tokenizer: MotionTokenizer, clips: Iterable[np.ndarray]) -> dict[str, float]:
    """Mean joint acceleration of decoded clips (T, P, 262), mm a frame², where segments meet, where steps do, and within a
    step; and that of the clips themselves."""
    step, segment = tokenizer.spec.step_frames, tokenizer.spec.step_frames * (tokenizer.spec.segment_steps or 0)
    found: dict[str, list[float]] = {}
    for features in clips:
        made = _acceleration(reconstruct(tokenizer, features))
        middles = np.arange(1, len(made) + 1)  # of the three frames that each is of
        segments, steps = _beside(middles, segment), _beside(middles, step)
        parts = {"segments meet": made[segments], "steps meet": made[steps & ~segments], "within a step": made[~steps]}
        for name, values in (*parts.items(), ("true", _acceleration(features))):
            found.setdefault(name, []).extend(values)
    return {name: float(np.mean(values)) * 1000 for name, values in found.items() if values}


def _beside(frames: np.ndarray, period: int) -> np.ndarray:
    """Which frames are the last of a period or the first of the next; with period 0 none."""
    return (frames % period == 0) | (frames % period == period - 1) if period else np.zeros(len(frames), dtype=bool)


def _acceleration(features: np.ndarray) -> np.ndarray:
    """(T, P, 262) → mean over people and joints (T − 2,), metres a frame²."""
    second = np.diff(split_features(features)[0], n=2, axis=0)
    lengths: np.ndarray = np.linalg.norm(second, axis=-1).mean(axis=(1, 2))
    return lengths


def _first_kind(record: Record) -> str:
    """What a scripted scene begins with; "" of other records."""
    acts = acts_of(record.facts or {})
    return str(acts[0]["kind"]) if acts else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("codec", type=Path, help="folder of the codec")
    parser.add_argument("--corpus", help="prepared store, under the VIMotion home or absolute")
    parser.add_argument("--clips", type=int, default=400, help="test clips of the corpus that are measured")
    parser.add_argument("--files", type=Path, nargs="*", default=[], help="motion files")
    parser.add_argument("--seconds", type=float, default=10, help="how much of a file is measured")
    arguments = parser.parse_args()
    tokenizer = MotionTokenizer.load(arguments.codec)
    if arguments.corpus:
        store = open_store(vimotion_home() / arguments.corpus)
        records = [store[index] for index in store.split("test")[: arguments.clips]]
        show(f"{len(records)} test clips", reconstruction_errors(tokenizer, ((r.features, r.facts) for r in records)))
        show("  accelerations", accelerations(tokenizer, (record.features for record in records)))
        for kind in sorted({_first_kind(record) for record in records} - {""}):
            chosen = [(record.features, record.facts) for record in records if _first_kind(record) == kind]
            show(f"  {kind}", reconstruction_errors(tokenizer, chosen))
    longest = round(arguments.seconds * tokenizer.spec.fps)
    clips: list[tuple[np.ndarray, None]] = []
    for path in arguments.files:
        clips.append((record_features(load_motion(path))[:longest], None))
        show(path.name, reconstruction_errors(tokenizer, clips[-1:]))
    if clips:
        show(f"{len(clips)} files", reconstruction_errors(tokenizer, clips))


def show(name: str, errors: dict[str, float]) -> None:
    print(f"{name:40} {json.dumps({key: round(value, 1) for key, value in errors.items()})}", flush=True)


if __name__ == "__main__":
    main()
