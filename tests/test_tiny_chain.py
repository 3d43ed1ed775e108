"""The whole story in minutes: `runs/tiny.sh`, from a corpus to an answer, as a user would run it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from vimotion.artifacts import read_manifest

ROOT = Path(__file__).parents[1]


def test_tiny_chain(tmp_path: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"VIMOTION_HOME": str(tmp_path), "PATH": path, "OMP_NUM_THREADS": "1"}
    result = subprocess.run(
        ["bash", "runs/tiny.sh"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        stdin=subprocess.DEVNULL,
    )
    assert result.returncode == 0, result.stderr[-3000:]

    manifests = {name: read_manifest(tmp_path / "runs" / name) for name in ("tiny-tokenizer", "tiny-align", "tiny-instruct")}
    assert [manifest["kind"] for manifest in manifests.values()] == ["tokenizer", "align", "instruct"]
    results = json.loads((tmp_path / "evaluation" / "results.json").read_text())
    for task in ("text_to_motion", "motion_to_text"):
        model = results["summary"][task]["vimotion"]
        assert model["answers"] > 0 and model["failed"] == 0
    motion = np.load(tmp_path / "handshake.npz", allow_pickle=False)
    assert motion["posed_joints"].shape == (60, 2, 22, 3) and motion["fps"] == 30
    said = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
    assert any(line.get("seconds") == 2 and line.get("seed") == 1 for line in said)
